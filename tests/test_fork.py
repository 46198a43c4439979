"""A session goes on live from the middle of a recorded one, in a session of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest
from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.errors import NotFound
from actorcritic_cli.exchange import trace
from actorcritic_cli.paths import database_path
from actorcritic_cli.replay.cases import judgeable
from actorcritic_cli.replay.fork import fork_point, forked
from actorcritic_cli.replay.story import told
from actorcritic_cli.session.build import environment_for, parties_for, task_for
from actorcritic_cli.session.events import Ended, Event, Observed, Proposed, Started
from actorcritic_cli.session.state import restored
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import SessionSpec, Supervision
from tests.cli import acc_ok
from tests.critic_cases import tiny
from tests.program import acc
from tests.providers_server import provider_server, says
from tests.sim_sessions import no_recordings
from tests.v1_files import four_runs, write

__all__ = ["provider_server"]

TRACES = Path(__file__).parents[1] / "traces"
CANCEL = TRACES / "airline-cancel.jsonl"


def keep(events):
    with open_database(database_path()) as database:
        recorder = Recorder(database)
        for event in events:
            recorder.record(event)


def record(session="last") -> tuple[list[str], list[Event]]:
    with open_database(database_path()) as database:
        library = Library(database)
        name = library.find_session(session)
        return library.chain(name), list(library.events(name))


@pytest.fixture
def imported():
    acc("import", CANCEL)
    (events,) = trace.read(CANCEL)
    return events


@pytest.mark.parametrize("turn", range(1, 7))
def test_another_actor_goes_on_from_every_turn_and_the_messages_before_are_shared(imported, turn):
    parent, _ = record("example-cancel")
    done = acc(
        "replay", "example-cancel", "--fork", turn, "--actor", "sim:expert", "--user", "script", "--supervise", "off"
    )
    assert done.code == 0
    chain, events = record()
    kept = 1 + sum(len(e.messages) for e in imported if isinstance(e, Observed) and e.step < turn) + turn - 1
    assert chain[:kept] == parent[:kept]
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert ended.reward is not None
    assert ended.reward.value == 1.0
    started = events[0]
    assert isinstance(started, Started)
    assert (started.source, started.extra) == ("fork", {"fork": {"session": "example-cancel", "turn": turn}})
    # The state was brought to where it was: what was cancelled before turn 6 is cancelled in the fork.
    assert acc("replay", "last", "--verify").code == 0
    assert acc("db", "verify").code == 0
    assert f"from example-cancel at turn {turn}" in acc("replay", "last").out
    assert acc("diff", "example-cancel", "last").code == 1


def test_kept_turns_bring_no_verdicts_costs_or_rejected_proposals_with_them(imported):
    point = fork_point(imported, 6)
    spec = SessionSpec("tau_airline", "bundled", "cancel-01", "sim:expert", "script")
    parties = parties_for(spec, point.parent.task, critic=None, recordings=no_recordings)
    events = forked(point, spec, parties, session="new", at=1e9)
    assert {type(e).__name__ for e in events} == {"Started", "Observed", "Proposed", "Decided", "Acted"}
    assert [e.attempt for e in events if isinstance(e, Proposed)] == [0] * 5
    state = restored(events)
    assert (state.phase, state.step, state.elapsed, state.cost) == ("propose", 6, 0.0, 0.0)


def test_kept_turns_are_judged_again_too_whatever_was_to_be_chosen_from(imported):
    point = fork_point(imported, 6)
    spec = SessionSpec(
        "tau_airline", "bundled", "cancel-01", "sim:expert", "script", "x", supervision=Supervision(choose=3)
    )
    parties = parties_for(spec, point.parent.task, critic=None, recordings=no_recordings)
    events = forked(point, spec, parties, session="new", at=1e9)
    shown = list(judgeable(events, "policy", "all"))
    assert [(one.step, one.attempt, one.decided.kind) for one in shown] == [(n, 0, "accept") for n in range(1, 6)]
    transcripts = [len(one.case.transcript) for one in shown]
    assert transcripts == sorted(set(transcripts))


@pytest.mark.slow
def test_another_critic_judges_from_there_on(imported):
    out = acc_ok(
        "replay", "example-cancel", "--fork", "4", "--actor", "sim:expert", "--critic", tiny(seed=3),
        "--threshold", "0", "--max-revisions", "1",
    )  # fmt: skip
    assert "agent" in out
    _, events = record()
    story = told(events)
    assert next(turn.step for turn in story.turns if any(t.verdict for t in turn.tries)) == 4
    assert all(t.verdict is None for turn in story.turns if turn.step < 4 for t in turn.tries)
    spec = story.started.spec
    assert (spec.critic, spec.critic_options["threshold"]) == (str(tiny(seed=3)), 0)
    assert (spec.critic_options["timeout"], spec.critic_options["seed"]) == (120, spec.seed)
    # A fork of it keeps the critic with its options, but for those that are named.
    acc("replay", "last", "--fork", "5", "--critic-timeout", "77", "--on-critic-error", "block", "--user", "script")
    again = record()[1][0].spec
    assert again.critic_options == {**spec.critic_options, "timeout": 77}
    assert (again.critic, again.supervision.on_critic_error) == (spec.critic, "block")
    assert (spec.supervision.mode, spec.supervision.max_revisions) == ("enforce", 1)


def test_a_fork_is_listed_with_its_parent_and_counted_apart_without_the_turns_it_kept(imported):
    acc(
        "replay", "example-cancel", "--fork", "6", "--critic", tiny(seed=3), "--threshold", "1", "--actor", "sim:expert"
    )
    assert "fork of example-cancel, turn 6" in acc("sessions").out
    assert acc("sessions", "--json").json[0]["forked"] == "example-cancel, turn 6"
    (group,) = [g for g in acc("stats", "--json").json if g["source"] == "fork"]
    assert (group["judged"], group["verdict_rate"]) == (1, 1.0)


def test_another_user_answers_from_there_on(imported, tmp_path):
    script = tmp_path / "lines.txt"
    script.write_text("one\ntwo\nthree\nThat was wrong. ###STOP###\n")
    done = acc(
        "replay", "example-cancel", "--fork", "5", "--actor", "recorded:example-cancel", "--user", f"script:{script}",
        "--supervise", "off",
    )  # fmt: skip
    assert done.code == 0
    _, events = record()
    said = [m.content for e in events if isinstance(e, Observed) for m in e.messages if m.role == "user"]
    assert (
        said[:3] == [m.content for e in imported if isinstance(e, Observed) for m in e.messages if m.role == "user"][:3]
    )
    assert said[3:] == ["That was wrong. ###STOP###"]


def test_a_model_plays_the_user_from_there_on(imported, provider_server):
    provider_server.script(says("Do as you think best."), says("###STOP###"))
    done = acc(
        "replay", "example-cancel", "--fork", "4", "--actor", "recorded:example-cancel", "--supervise", "off",
        "--user", "llm:gpt", "--user-base", provider_server.openai_base,
    )  # fmt: skip
    assert provider_server.bodies, done.err
    assert "saoirse_brennan_8542" in str(provider_server.bodies[0]["messages"])
    _, events = record()
    said = [
        m.content for e in events if isinstance(e, Observed) and e.step >= 4 for m in e.messages if m.role == "user"
    ]
    assert "Do as you think best." in said or "###STOP###" in said
    assert events[0].spec.user == "llm:gpt"


def test_a_model_proposes_from_there_on_and_sees_the_kept_conversation(imported, provider_server):
    provider_server.script(says("I have cancelled nothing."), says("Goodbye."))
    done = acc(
        "replay", "example-cancel", "--fork", "4", "--actor", "gpt", "--actor-base", provider_server.openai_base,
        "--supervise", "off", "--user", "script",
    )  # fmt: skip
    assert provider_server.bodies, done.err
    seen = str(provider_server.bodies[0]["messages"])
    assert "Could you please give me your user id?" in seen
    assert "BRE419" in seen
    assert provider_server.bodies[0]["tools"]
    assert "I have cancelled nothing." in done.out


def test_a_person_goes_on_at_a_terminal(imported):
    screen = pexpect.spawn(
        sys.executable,
        ["-m", "actorcritic_cli", "replay", "example-cancel", "--fork", "4", "--actor", "sim:expert", "--user", "person",
         "--supervise", "off"],
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"}, encoding="utf-8", timeout=60, dimensions=(50, 120),
    )  # fmt: skip
    screen.expect("Boston to Chicago|cancel the whole reservation|Shall I go ahead")
    screen.expect("you ")
    screen.sendline("Yes, please")
    screen.expect("you ")
    screen.sendline("/quit")
    screen.expect(r"recorded as (\w+)")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 0
    _, events = record()
    assert "Yes, please" in [m.content for e in events if isinstance(e, Observed) for m in e.messages]


def test_a_critic_that_is_not_here_is_said(imported):
    done = acc("replay", "example-cancel", "--fork", "4", "--actor", "sim:expert", "--user", "script")
    assert done.code in (2, 3)
    assert "example" in done.error


def test_an_interrupted_session_is_forked_where_it_stands(imported):
    for cut in range(2, len(imported)):
        events = [replace(imported[0], session=f"cut{cut}x"), *imported[1:cut]]
        state = restored(events)
        point = fork_point(events, max(1, state.step))
        assert point.turn == state.step
        with pytest.raises(NotFound):
            fork_point(events, state.step + 1)
    keep([replace(imported[0], session="cutoff"), *imported[1:20]])
    step = restored(imported[:20]).step
    done = acc("replay", "cutoff", "--fork", step, "--actor", "sim:expert", "--user", "script", "--supervise", "off")
    assert done.code == 0
    assert record()[1][-1].reward.value == 1.0


def test_an_imported_session_is_forked_once_its_parties_are_named(tmp_path):
    acc("import", write(tmp_path, four_runs()), "--dataset", "bundled", "--name", "r")
    with open_database(database_path()) as database:
        name = database.row("SELECT id FROM sessions WHERE run = 'r' AND termination = 'user_stop' LIMIT 1")["id"]
    assert "--actor" in acc("replay", name, "--fork", "1").error
    assert f"recorded:{name}" in acc("replay", name, "--fork", "1", "--actor", f"recorded:{name}").error
    done = acc("replay", name, "--fork", "2", "--actor", f"recorded:{name}", "--user", f"recorded:{name}")
    assert done.code == 0
    assert record()[0] == record(name)[0]


def test_a_fork_of_a_fork_and_a_resumed_fork(imported):
    options = ("--actor", "sim:expert", "--user", "script", "--supervise", "off")
    acc("replay", "example-cancel", "--fork", "3", *options)
    first = record()[1][0].session
    assert acc("replay", "last", "--fork", "2").code == 0
    assert record()[1][0].extra["fork"] == {"session": first, "turn": 2}
    _, events = record(first)
    keep([replace(events[0], session="paused"), *events[1:11]])
    assert acc("chat", "--resume", "paused").code == 0
    assert record("paused")[1][-1].reward.value == 1.0


def test_a_turn_that_is_not_there_is_said(imported):
    for turn in ("0", "7", "99"):
        done = acc("replay", "example-cancel", "--fork", turn, "--actor", "sim:expert")
        assert done.code == 3
        assert "turns 1 to 6" in done.error
    keep([replace(imported[0], session="empty")])
    assert "no turn of the actor yet" in acc("replay", "empty", "--fork", "1").error


def test_what_cannot_be_meant_is_refused(imported):
    assert acc("replay", "example-cancel", "--actor", "sim:expert").code == 2
    assert acc("replay", "example-cancel", "--fork", "1", "--verify").code == 2
    assert acc("replay", "example-cancel", "--fork", "1", "--step").code == 2
    assert acc("replay", "--all", "--fork", "1").code == 2


def test_an_environment_that_has_changed_since_is_said(imported):
    from actorcritic_cli.replay.fork import changed_since

    world = registry.load("tau_airline")
    assert changed_since(fork_point(imported, 6), world) == []
    place = next(n for n, e in enumerate(imported) if isinstance(e, Observed) and e.messages[0].role == "tool")
    spoiled = list(imported)
    spoiled[place] = replace(spoiled[place], messages=(replace(spoiled[place].messages[0], content="else"),))
    spoiled[0] = replace(spoiled[0], tools=world.tools[:1])
    notes = changed_since(fork_point(spoiled, 6), world)
    assert ["tools have changed" in notes[0], "does not give today" in notes[1]] == [True, True]
    assert environment_for(imported[0].spec)
    assert task_for(world, "cancel-01")
