"""Another critic judges what is on record: its verdicts stand beside the live ones, and what flips is reported."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from msgspec.structs import replace

from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.envs import registry
from actorcritic_cli.paths import database_path
from actorcritic_cli.replay.cases import basis_of, judgeable
from actorcritic_cli.replay.flips import totals
from actorcritic_cli.replay.rejudge import Rejudging
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import CriticIdentity, Label, Message, Supervision, Verdict
from tests import sim_sessions
from tests.cli import acc_ok, start
from tests.critic_cases import tiny
from tests.parties import ComparingCritic, RuleCritic, actor_of, call, offers, reply, session_of
from tests.program import acc
from tests.providers_server import KEY, Usage, provider_server, weighs
from tests.v1_files import four_runs, write

__all__ = ["provider_server"]

LINES = ["Hi", "Go on", "Go on", "Go on", "###STOP###"]
CANCEL = call("cancel_reservation", {"reservation_id": "BRE419"})


def strict(case: Case) -> float:
    words = case.proposal.message.content or ""
    return 0.9 if "bad" in words else 0.1


def later(rule=strict, name="later") -> RuleCritic:
    critic = RuleCritic(rule)
    critic.identity = CriticIdentity(name, f"critic {name}")
    said = critic.judge
    critic.judge = lambda case: replace(said(case), critic=name)
    return critic


def keep(*sessions):
    with open_database(database_path()) as database:
        for events in sessions:
            recorder = Recorder(database)
            for event in events:
                recorder.record(event)


def held(actor, name="s1", lines=LINES, **options):
    session, started = session_of(actor, lines, **options)
    return [replace(started, session=name), *session.events()]


def rows(sql, *values):
    with open_database(database_path()) as database:
        return [tuple(row) for row in database.rows(sql, values)]


def judged_again(critic, *sessions, **options):
    return Rejudging(database_path(), critic, **options).judge_all(sessions or ["s1"], 1, lambda done, of: None)


def test_the_critic_is_shown_what_the_live_one_was_shown():
    live, again = RuleCritic(strict), later()
    steps = ([reply("bad"), reply("good")], CANCEL, call("get_user_details", {"user_id": "x"}), reply("Bye"))
    keep(held(actor_of(*steps), critic=live))
    judged_again(again)
    assert len(live.cases) == 4
    assert [replace(case, session="s1") for case in live.cases] == again.cases


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_what_was_not_supervised_is_judged_too(mode):
    live, again = RuleCritic(lambda case: 0.1), later()
    options = {"critic": live, "supervision": Supervision(mode="shadow")} if mode == "shadow" else {}
    keep(held(actor_of(reply("bad"), reply("fine")), **options))
    (found,) = judged_again(again)
    assert [j.after.kind for j in found.judgements] == ["revise", "approve"]
    assert [j.flips for j in found.judgements] == ([True, False] if mode == "shadow" else [False, False])
    assert found.departs_at == 1
    assert (found.told, found.turns) == (0, 2)
    assert totals([found]).objections.count == (0 if mode == "shadow" else 1)


def test_a_flip_ends_what_the_record_can_tell_and_what_follows_is_beyond():
    live = RuleCritic(lambda case: 0.9 if case.proposal.message.content == "b" else 0.2)
    keep(held(actor_of(reply("a"), [reply("b"), reply("c")], reply("d")), critic=live))
    again = later(lambda case: {"b": 0.3, "d": 0.8}.get(case.proposal.message.content, 0.1))
    (found,) = judged_again(again)
    assert [(j.step, j.attempt, j.flips, j.departs, j.beyond) for j in found.judgements] == [
        (1, 0, False, False, False),
        (2, 0, True, True, False),
        (2, 1, False, False, True),
        (3, 0, True, True, True),
    ]
    assert (found.departs_at, found.told, found.turns) == (2, 1, 3)
    assert {name: tally.count for name, tally in totals([found]).flips.items()} == {
        "approve → revise": 1,
        "revise → approve": 1,
    }
    assert (found.judgements[1].before.p_revise, found.judgements[1].after.p_revise) == (0.9, 0.3)


@pytest.mark.parametrize(("chances", "departs"), [((0.7, 0.9), None), ((0.9, 0.7), 1)])
def test_another_best_of_what_was_rejected_leads_elsewhere(chances, departs):
    live = RuleCritic(lambda case: {"a": 0.6, "b": 0.8}.get(case.proposal.message.content, 0.1))
    supervision = Supervision(max_revisions=1, out_of_revisions="best")
    keep(held(actor_of([reply("a"), reply("b")], reply("c")), critic=live, supervision=supervision))
    again = dict(zip("ab", chances, strict=True))
    (found,) = judged_again(later(lambda case: again.get(case.proposal.message.content, 0.1)))
    assert (found.flips, found.departs_at) == ((), departs)


def test_of_several_candidates_the_one_that_was_chosen_is_judged():
    live = ComparingCritic(lambda proposal: 1.0 if proposal.message.content == "b" else 0.1)
    offered = offers([reply("a"), reply("b"), reply("c")])
    session, started = session_of(offered, ["Hi", "###STOP###"], critic=live, supervision=Supervision(choose=3))
    keep([replace(started, session="s1"), *session.events()])
    again = later()
    (found,) = judged_again(again)
    assert [case.proposal.message.content for case in again.cases] == ["b"]
    assert [replace(case, session="s1") for case in live.cases] == again.cases
    assert [(j.attempt, j.before.kind, j.after.kind) for j in found.judgements] == [(1, "approve", "approve")]


def test_verdicts_stand_beside_the_live_ones_once_for_each_critic():
    keep(held(actor_of(reply("bad"), reply("fine")), critic=RuleCritic(lambda case: 0.1)))
    first, second, other = later(), later(), later(name="other")
    assert judged_again(first)[0].new == 2
    assert judged_again(second)[0].new == 0
    assert second.cases == []
    judged_again(other)
    judged_again(second, again=True)
    assert len(second.cases) == 2
    found = rows("SELECT live, critic, count(*) FROM verdicts GROUP BY 1, 2 ORDER BY 1 DESC, 2")
    assert found == [(1, "rule", 2), (0, "later", 2), (0, "other", 2)]
    assert rows("SELECT count(*) FROM critics WHERE id IN ('later', 'other')") == [(2,)]
    with open_database(database_path()) as database:
        events = list(Library(database).events("s1"))
    assert [e.verdict.critic for e in events if hasattr(e, "verdict")] == ["rule", "rule"]


def test_the_story_tells_what_was_said_afterwards_beside_what_was_said_then():
    keep(held(actor_of(reply("bad"), reply("fine")), critic=RuleCritic(lambda case: 0.1)))
    judged_again(later())
    out = acc("replay", "s1", "--turn", "1").out
    assert out.index("critic    approves (p_revise 0.100") < out.index(
        "again     critic later [later] objects (p_revise 0.900"
    )
    assert out.index("again ") < out.index("decision  accepted")


def test_a_missing_verdict_is_asked_for_again():
    keep(held(actor_of(reply("a"))))
    broken = later(lambda case: Verdict("no_verdict", "later", why="timeout"))
    assert judged_again(broken)[0].judgements[0].after.why == "timeout"
    assert judged_again(later())[0].judgements[0].after.kind == "approve"
    assert rows("SELECT count(*) FROM verdicts") == [(1,)]


def test_work_that_is_stopped_goes_on_where_it_stood():
    keep(held(actor_of(*[reply(str(n)) for n in range(4)])))
    rejudging: Rejudging

    def rule(case: Case) -> float:
        if case.proposal.message.content == "1":
            rejudging.stop()
        return 0.1

    rejudging = Rejudging(database_path(), later(rule))
    found = rejudging.judge("s1")
    assert (found.new, found.missing) == (2, 2)
    critic = later()
    (found,) = judged_again(critic)
    assert ([c.proposal.message.content for c in critic.cases], found.missing) == (["2", "3"], 0)


def test_labels_say_whether_a_flip_is_right():
    events = held(actor_of(reply("bad"), reply("bad too")), critic=RuleCritic(lambda case: 0.1))
    labels = iter([Label("revise", "a slip"), Label("approve")])
    keep([replace(e, label=next(labels)) if type(e).__name__ == "Proposed" else e for e in events])
    (found,) = judged_again(later())
    assert [j.right for j in found.judgements] == [True, False]
    total = totals([found])
    assert (total.flips["approve → revise"].right, total.flips["approve → revise"].wrong) == (1, 1)
    assert (total.labelled, total.agreeing) == (2, 1)


def test_labels_of_a_simulated_actor_are_met_by_a_critic_that_knows():
    spec = sim_sessions.spec_for("tau_airline", "sim:hasty", task="cancel-01", seed=2)
    task = next(t for t in registry.load("tau_airline").tasks() if t.id == "cancel-01")
    events = sim_sessions.hold(spec, task)
    slips = {(e.step, e.attempt) for e in sim_sessions.slips(events)}
    assert slips
    keep([replace(events[0], session="s1"), *events[1:]])
    wrong = {e.proposal.message for e in sim_sessions.slips(events)}
    (found,) = judged_again(later(lambda case: 0.9 if case.proposal.message in wrong else 0.1), gate="all")
    total = totals([found])
    assert total.agreeing == total.labelled == total.proposals
    assert total.objections.right == total.objections.count == len(slips)
    assert found.departs_at == min(step for step, _ in slips)


def test_the_gate_says_what_is_judged():
    keep(held(actor_of(reply("a"), call("list_all_airports", {}), CANCEL)))
    counts = {gate: len(judged_again(later(name=gate), gate=gate)[0].judgements) for gate in ("all", "auto", "writes")}
    assert counts == {"all": 3, "auto": 2, "writes": 1}


def test_a_policy_that_has_changed_since_is_said_and_the_recorded_one_counts():
    environment = registry.load("tau_airline")
    _, started = session_of(actor_of(reply("a")), ["Hi"])
    assert basis_of(started, environment) == basis_of(started, environment)
    assert (basis_of(started, environment).policy, basis_of(started, environment).notes) == (environment.policy, ())
    changed = replace(started, messages=(Message("system", "Be kind."),), tools=environment.tools[:2])
    basis = basis_of(changed, environment)
    assert basis.policy == "Be kind."
    assert ["policy has changed" in n or "tools have changed" in n for n in basis.notes] == [True, True]
    framed = registry.load("tau2_airline")
    old = framed.opening()[0].content.replace(framed.policy, "The old policy.")
    basis = basis_of(replace(started, messages=(Message("system", old),), tools=framed.tools), framed)
    assert basis.policy == "The old policy."
    assert basis_of(started, None).policy == environment.policy


def test_a_session_on_data_that_are_not_here_is_judged_by_what_is_on_record(tmp_path):
    acc("import", write(tmp_path, four_runs()), "--dataset", "official-2024", "--name", "r")
    ids = [row[0] for row in rows("SELECT id FROM sessions ORDER BY id")]
    found = judged_again(later(), *ids)
    assert all("not here" in note for s in found for note in s.notes)
    assert sum(len(s.judgements) for s in found) > 0


def test_a_story_without_a_beginning_cannot_be_judged():
    with pytest.raises(ValueError, match="begin with started"):
        list(judgeable([], "policy"))


# The real thing: a GGUF through llama.cpp


@pytest.fixture
def judged_live():
    """A session judged live by a real model; returns its verdicts' probabilities."""
    critic = tiny(seed=3)
    acc_ok(
        "chat", "--actor", "sim:expert", "--user", "script", "--task", "cancel-01", "--critic", critic,
        "--supervise", "shadow", "--seed", "1",
    )  # fmt: skip
    return critic, rows("SELECT p_revise FROM verdicts WHERE live = 1 ORDER BY seq")


def test_the_same_model_says_the_same_again(judged_live):
    critic, live = judged_live
    done = acc("replay", "last", "--critic", critic, "--json")
    again = [j["after"]["p_revise"] for s in done.json["sessions"] for j in s["judgements"]]
    assert len(again) == len(live) > 0
    assert again == pytest.approx([p for (p,) in live], abs=1e-4)
    assert done.json["total"]["flips"] == {}


@pytest.mark.slow
def test_another_threshold_flips_verdicts_and_the_report_says_so(judged_live):
    critic, live = judged_live
    done = acc("replay", "last", "--critic", critic, "--threshold", "0")
    assert done.code == 0
    approved = rows("SELECT count(*) FROM verdicts WHERE live = 1 AND kind = 'approve'")[0][0]
    assert approved
    assert f"approve → revise: {approved}" in done.out
    assert "would have gone elsewhere" in done.out
    assert "here the branch ends: the record tells 0 of" in done.out  # at a verdict that flips or one that stays
    assert len(rows("SELECT 1 FROM verdicts WHERE live = 0")) == len(live)


@pytest.mark.slow
def test_a_whole_run_is_judged_again_and_an_interruption_loses_nothing(tmp_path):
    acc_ok("run", "--actor", "sim:hasty", "--tasks", "cancel-*", "--trials", "2", "--supervise", "off")
    critic = tiny(seed=3)
    process = start("replay", "--run", "last", "--critic", critic, "--threshold", "0")
    deadline = time.monotonic() + 120
    while not (stored := rows("SELECT count(*) FROM verdicts WHERE live = 0")[0][0]) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode in (0, 130), said  # 0: it had finished by then
    assert "Traceback" not in said
    kept = rows("SELECT count(*) FROM verdicts WHERE live = 0 AND kind <> 'no_verdict'")[0][0]
    assert kept >= stored
    done = acc("replay", "--run", "last", "--critic", critic, "--threshold", "0", "--jobs", "2", "--json")
    total = done.json["total"]
    assert total["new"] == total["proposals"] - kept
    assert total["missing"] == 0
    assert rows("SELECT count(*) FROM verdicts WHERE live = 0") == [(total["proposals"],)]
    assert total["labelled"] > 0
    assert len(done.json["sessions"]) == rows("SELECT count(*) FROM sessions")[0][0]


def test_a_critic_behind_a_server_judges_again_and_what_it_cost_is_kept(provider_server):
    keep(held(actor_of(reply("bad"), reply("fine")), critic=RuleCritic(lambda case: 0.1)))
    provider_server.respond_with(lambda body: weighs({"yes": 0.2, "no": 0.8}, usage=Usage(900, 1, 800)))
    done = acc(
        "replay", "last", "--critic", "openai/judge", "--critic-base", provider_server.openai_base, "--jobs", "2"
    )
    assert done.code == 0
    assert "flips     0 of 2 live verdicts" in done.out
    details = [json.loads(detail) for (detail,) in rows("SELECT detail FROM verdicts WHERE live = 0")]
    assert [detail["calls"][0]["usage"]["input_tokens"] for detail in details] == [900, 900]
    assert rows("SELECT count(*) FROM model_calls") == [(0,)]
    assert KEY.encode() not in database_path().read_bytes()


def test_a_critic_that_cannot_be_used_is_said_before_anything_is_judged(tmp_path):
    keep(held(actor_of(reply("a"))))
    assert acc("replay", "last", "--critic", tmp_path / "none.gguf").code == 3
    assert acc("replay", "last", "--critic", tmp_path / "none.gguf", "--verify").code == 2
    assert acc("replay", "last", "--critic", tmp_path / "none.gguf", "--turn", "1").code == 2
    assert acc("replay", "--run", "nothing", "--critic", tmp_path / "none.gguf").code == 3
