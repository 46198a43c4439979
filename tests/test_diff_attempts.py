"""Each rejected proposal stands against its revision; two runs stand against each other in pairs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from actorcritic_cli.analysis.mcnemar import mcnemar
from actorcritic_cli.paths import database_path
from actorcritic_cli.session.arbiter import Ruling
from actorcritic_cli.session.events import Ended, Started
from actorcritic_cli.session.plan import Plan
from actorcritic_cli.session.runner import record_plan
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import Reward, SessionSpec, Supervision
from tests.parties import ComparingCritic, RuleCritic, Rulings, actor_of, call, offers, reply, session_of
from tests.program import acc

LINES = ["Hi", "Go on", "Go on", "###STOP###"]


def held(actor, name="s1", **options):
    session, started = session_of(actor, LINES, **options)
    return [replace(started, session=name), *session.events()]


def keep(*sessions):
    with open_database(database_path()) as database:
        for events in sessions:
            recorder = Recorder(database)
            for event in events:
                recorder.record(event)


def objecting(*bad: str) -> RuleCritic:
    def rule(case):
        message = case.proposal.message
        said = message.content or message.tool_calls[0].arguments
        return 0.9 if any(word in said for word in bad) else 0.1

    return RuleCritic(rule)


def test_a_call_and_its_revision_are_compared_by_argument():
    wrong, right = (call("cancel_reservation", {"reservation_id": name}) for name in ("BRE419", "PAME90"))
    keep(held(actor_of([wrong, right], reply("Done.")), critic=objecting("BRE419")))
    done = acc("diff", "--attempts", "s1")
    assert done.code == 1
    assert 'argument  $.reservation_id: "BRE419" → "PAME90"' in done.out
    assert "critique  objection" in done.out
    assert "critic    objects (p_revise 0.900)" in done.out
    assert "approves (p_revise 0.100), accepted" in done.out
    (found,) = acc("diff", "--attempts", "s1", "--json").json["revisions"]
    assert found["calls"][0]["arguments"][0]["right"] == "PAME90"
    assert (found["before"]["attempt"], found["after"]["attempt"], found["after"]["accepted"]) == (0, 1, True)


def test_a_reply_and_its_revision_are_compared_by_word_and_a_repetition_is_said():
    keep(
        held(
            actor_of([reply("You get $99 back."), reply("You get $99 back."), reply("You get $79 back.")]),
            critic=objecting("$99"),
        )
    )
    out = acc("diff", "--attempts", "s1").out
    assert "the same again" in out
    assert "words     You get [-$99-] {+$79+} back." in out
    assert "2 proposals not accepted, 1 of them proposed again as they were." in out


def test_candidates_that_were_not_taken_are_no_rejected_proposals():
    def sessions(name, best):
        critic = ComparingCritic(lambda proposal: 1.0 if proposal.message.content == best else 0.1)
        critic.rule = lambda case: 0.9 if case.proposal.message.content == "b" else 0.1
        offered = offers([reply("a"), reply("b"), reply("c")], revisions=[reply("d")])
        session, started = session_of(offered, ["Hi", "###STOP###"], critic=critic, supervision=Supervision(choose=3))
        return [replace(started, session=name), *session.events()]

    keep(sessions("s1", "b"), sessions("s2", "a"), sessions("s3", "b"))
    (found,) = acc("diff", "--attempts", "s1", "--json").json["revisions"]
    assert [found[side]["proposal"]["message"]["content"] for side in ("before", "after")] == ["b", "d"]
    assert acc("diff", "--attempts", "s2").code == 0
    assert acc("diff", "s1", "s3").code == 0
    done = acc("diff", "s1", "s2")
    assert done.code == 1
    assert "takes 2" in done.out


def test_nothing_rejected_is_no_difference_and_no_revision_is_said():
    keep(held(actor_of(reply("Fine.")), critic=objecting("bad")))
    done = acc("diff", "--attempts", "s1")
    assert (done.code, "Everything that was proposed was accepted." in done.out) == (0, True)
    stop = Supervision(max_revisions=0, out_of_revisions="stop")
    keep(held(actor_of(reply("bad")), "s2", critic=objecting("bad"), supervision=stop))
    done = acc("diff", "--attempts", "s2")
    assert done.code == 1
    assert "nothing more was proposed" in done.out


def test_what_a_person_sent_back_and_a_handover_are_shown():
    asked = Supervision(max_revisions=0, out_of_revisions="ask")
    arbiter = Rulings(Ruling("revise", "be kind"), Ruling("override", "well"))
    keep(
        held(
            actor_of([reply("bad"), reply("bad, please")]), critic=objecting("bad"), supervision=asked, arbiter=arbiter
        )
    )
    out = acc("diff", "--attempts", "s1").out
    assert "sent back by the person" in out
    assert "be kind" in out
    hand = Supervision(max_revisions=0, out_of_revisions="handoff")
    keep(held(actor_of(reply("bad")), "s2", critic=objecting("bad"), supervision=hand))
    assert "handoff   calls transfer_to_human_agents" in acc("diff", "--attempts", "s2").out


def test_escapes_of_a_model_do_not_reach_the_terminal():
    keep(held(actor_of([reply("bad \x1b[2J\x1b]0;x\x07"), reply("good \x1b[31m")]), critic=objecting("bad")))
    keep(held(actor_of(reply("other \x1b[2J")), "s2"))
    for command in (["diff", "--attempts", "s1"], ["diff", "s1", "s2"], ["diff", "s1", "s2", "--full"]):
        assert "\x1b" not in acc(*command).out


def test_what_cannot_be_meant_is_refused():
    keep(held(actor_of(reply("a"))))
    assert acc("diff", "s1").code == 2
    assert acc("diff", "--run", "s1").code == 2
    assert acc("diff", "--attempts", "s1", "s1").code == 2
    assert acc("diff", "--attempts", "--run", "s1").code == 2
    assert acc("diff", "--run", "s1", "s1").code == 3
    assert acc("diff", "--attempts", "none").code == 3


# Runs


def keep_run(run, outcomes, say="Hello"):
    """A run with a session for each (task, trial) → reward; ``None`` is not scored."""
    spec = SessionSpec("tau_airline", "bundled", None, "recorded:test", "script")
    with open_database(database_path()) as database:
        record_plan(database, run, Plan(spec, tuple(sorted({task for task, _ in outcomes}))))
    for (task, trial), (reward, words) in outcomes.items():
        events = held(actor_of(reply("Hi"), reply(words)), f"{run}-{task}-{trial}")
        scored = [
            replace(e, reward=None if reward is None else Reward(reward)) if isinstance(e, Ended) else e for e in events
        ]
        first = scored[0]
        assert isinstance(first, Started)
        keep([replace(first, run=run, spec=replace(first.spec, task_id=task, trial=trial)), *scored[1:]])


def test_two_runs_are_paired_by_task_and_trial():
    keep_run("left", {
        ("a", 0): (0.0, "x"), ("a", 1): (1.0, "x"), ("b", 0): (1.0, "x"), ("c", 0): (0.0, "x"), ("d", 0): (None, "x"),
        ("e", 0): (0.0, "x"), ("only", 0): (1.0, "x"),
    })  # fmt: skip
    keep_run("right", {
        ("a", 0): (1.0, "y"), ("a", 1): (0.0, "y"), ("b", 0): (1.0, "x"), ("c", 0): (0.0, "y"), ("d", 0): (1.0, "y"),
        ("e", 0): (1.0, "y"), ("new", 0): (1.0, "y"), ("new", 1): (1.0, "y"),
    })  # fmt: skip
    done = acc("diff", "--run", "left", "right", "--json")
    assert done.code == 1
    found = done.json
    assert found["counts"] == {"mended": 2, "broken": 1, "both succeed": 1, "both fail": 1, "unknown": 1}
    assert found["p"] == mcnemar(2, 1)
    assert (found["only"], found["same_way"]) == ([["left-only-0"], ["right-new-0", "right-new-1"]], 1)
    firsts = {(p["task"], p["trial"]): p["first"] and p["first"]["step"] for p in found["pairs"]}
    assert firsts == {("a", 0): 2, ("a", 1): 2, ("b", 0): None, ("c", 0): 2, ("d", 0): 2, ("e", 0): 2}
    out = acc("diff", "--run", "left", "right").out
    table = [line.split()[:2] for line in out.splitlines() if "/" in line and "turn" in line]
    assert table[0] == ["a/1", "broken"]
    assert [row[1] for row in table[1:3]] == ["mended", "mended"]
    assert "B only    2 sessions" in out


def test_a_run_and_itself_are_the_same():
    keep_run("left", {("a", 0): (0.0, "x"), ("b", 0): (1.0, "x")})
    done = acc("diff", "--run", "left", "left")
    assert done.code == 0
    assert acc("diff", "--run", "left", "left", "--json").json["same"] is True


def test_a_difference_that_did_not_come_out_is_hidden():
    keep_run("left", {("a", 0): (1.0, "good")})
    spec = SessionSpec("tau_airline", "bundled", None, "recorded:test", "script")
    with open_database(database_path()) as database:
        record_plan(database, "right", Plan(spec, ("a",)))
    events = held(actor_of(reply("Hi"), [reply("bad"), reply("good")]), "r0", critic=objecting("bad"))
    events = [replace(e, reward=Reward(1.0)) if isinstance(e, Ended) else e for e in events]
    keep([replace(events[0], run="right", spec=replace(events[0].spec, task_id="a")), *events[1:]])
    (pair,) = acc("diff", "--run", "left", "right", "--json").json["pairs"]
    assert pair["first"] == {"step": 2, "did": ["reply", "reply"], "hidden": True}
    assert "turn 2 (hidden)" in acc("diff", "--run", "left", "right").out


def test_runs_of_different_data_are_not_paired():
    keep_run("left", {("a", 0): (1.0, "x")})
    spec = SessionSpec("tau_retail", "bundled", None, "recorded:test", "script")
    with open_database(database_path()) as database:
        record_plan(database, "right", Plan(spec, ("a",)))
    done = acc("diff", "--run", "left", "right")
    assert done.code == 2
    assert "tau_retail (bundled)" in done.error


@pytest.mark.parametrize("which", ["left", "right"])
def test_a_run_that_is_not_there_is_an_error(which):
    keep_run("left", {("a", 0): (1.0, "x")})
    assert acc("diff", "--run", *(("left", "none") if which == "right" else ("none", "left"))).code == 3
