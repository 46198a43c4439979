"""A choice is told, shown and compared as what it is."""

from __future__ import annotations

import io
import json

from msgspec.structs import replace
from rich.console import Console

from actorcritic_cli.paths import database_path
from actorcritic_cli.replay.difference import difference
from actorcritic_cli.replay.story import told
from actorcritic_cli.session.events import Compared
from actorcritic_cli.session.state import after, begin
from actorcritic_cli.show.live import LiveView
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import Comparison, Supervision
from tests.parties import ComparingCritic, offers, reply, session_of
from tests.program import acc

STOP = "Bye. ###STOP###"


def held(name="s1", *, best="b", p=0.1, candidates=("a", "b", "c"), comparison=None):
    """A session with one choice, of which the critic likes one best; a revision if it then objects."""
    score = comparison or (lambda proposal: 8.0 if proposal.message.content == best else 1.0)
    critic = ComparingCritic(score, lambda case: p if case.proposal.message.content == best else 0.1)
    session, started = session_of(
        offers([reply(text) for text in candidates], revisions=[reply("mended")]),
        ["Hi", STOP], critic=critic, supervision=Supervision(choose=3),
    )  # fmt: skip
    return [replace(started, session=name), *session.events()]


def keep(*sessions):
    with open_database(database_path()) as database:
        for events in sessions:
            recorder = Recorder(database)
            for event in events:
                recorder.record(event)


def test_a_story_tells_the_candidates_what_was_taken_and_what_became_of_it():
    keep(held(p=0.9))
    out = acc("replay", "s1").out
    assert "chooses from 3 candidates" in out
    place = 0
    for words in (
        "candidate 1: a",
        "candidate 2: b",
        "candidate 3: c",
        "choice    takes 2 (the best of 3; 1: 0.100, 2: 0.800, 3: 0.100; 0 ms)",
        "critic    objects (p_revise 0.900",
        "decision  sent back",
        "revision  mended",
        "critic    approves",
        "decision  accepted",
    ):
        assert words in out[place:], f"{words} is missing, or comes too early in\n{out}"
        place = out.index(words, place) + len(words)
    assert "taken " not in out


def test_the_events_of_a_choice_are_printed_for_programs():
    keep(held())
    printed = [json.loads(line) for line in acc("replay", "s1", "--json").out.splitlines()]
    (choice,) = [event for event in printed if event["event"] == "compared"]
    assert (choice["candidates"], choice["chosen"], choice["attempts"]) == (3, 1, [0, 1, 2])
    assert choice["comparison"]["scores"] == [0.1, 0.8, 0.1]
    assert sum(event["event"] == "proposed" for event in printed) == 3


def test_a_comparison_that_failed_is_told_with_the_reason():
    keep(held(comparison=Comparison("rule", why="timeout", message="no answer in 2 s")))
    assert (
        "choice    takes 1 (no comparison (timeout): the first is taken; no answer in 2 s)" in acc("replay", "s1").out
    )


def test_candidates_of_a_session_that_was_left_before_the_choice_are_told_as_candidates():
    events = held()
    keep(events[: next(n for n, e in enumerate(events) if isinstance(e, Compared))])
    out = acc("replay", "s1").out
    assert "candidate 1: a" in out
    assert "revision  " not in out


def test_a_choice_played_in_time_is_told_as_when_it_is_all_there():
    keep([replace(event, at=event.at + 1.7e9) for event in held(p=0.9)])
    whole = acc("replay", "s1").out
    assert acc("replay", "s1", "--speed", "1000000").out.split() == whole.split()


def test_a_trace_with_choices_is_the_session_wherever_it_is_imported(tmp_path):
    keep(held(p=0.9))
    exported = tmp_path / "trace.jsonl"
    exported.write_text(acc("export", "s1").out)
    other = tmp_path / "other.db"
    assert acc("import", exported, "--db", other).code == 0
    assert acc("export", "s1", "--db", other).out == exported.read_text()
    assert acc("db", "verify", "--db", other).code == 0
    aside = "SELECT step, attempt, set_aside FROM proposals ORDER BY id"
    with open_database(database_path()) as here, open_database(other) as there:
        assert [tuple(row) for row in here.rows(aside)] == [tuple(row) for row in there.rows(aside)]


def test_sessions_that_differ_in_what_was_chosen_only_are_not_the_same():
    one, two = held("one", best="b"), held("two", best="b", candidates=("b", "a", "c"))
    keep(one, two)
    found = difference(told(one), told(two))
    assert (found.parting, found.same) == (None, False)
    done = acc("diff", "one", "two")
    assert done.code == 1
    assert "in what was proposed, judged or decided" in done.out
    assert "choice    takes 1" in done.out
    assert difference(told(one), told([replace(two[0], session="three"), *one[1:]])).same


def test_the_screen_says_which_candidate_was_taken():
    out, err = io.StringIO(), io.StringIO()
    view = LiveView(out=Console(file=out, width=200), err=Console(file=err, width=200))
    events = held()
    state = begin(events[0])
    view.watch(events[0], state)
    for event in events[1:]:
        state = after(state, event)
        view.watch(event, state)
    assert "choice   takes 2 (the best of 3; 1: 0.100, 2: 0.800, 3: 0.100; 0 ms)" in err.getvalue()
    assert "agent    b" in out.getvalue()
    assert "agent    a" not in out.getvalue() + err.getvalue()
