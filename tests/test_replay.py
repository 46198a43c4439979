"""A recorded session is told as it was, and nothing in it can play tricks on the terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from actorcritic_cli.exchange import trace
from actorcritic_cli.paths import database_path
from actorcritic_cli.replay.story import told
from actorcritic_cli.session.arbiter import Ruling
from actorcritic_cli.session.events import Ended, Started
from actorcritic_cli.show.story import print_story
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import Message, Proposal, Supervision, Verdict
from tests.parties import RuleCritic, Rulings, actor_of, call, reply, session_of
from tests.program import acc

TRACES = Path(__file__).parents[1] / "traces"


def keep(events):
    with open_database(database_path()) as database:
        recorder = Recorder(database)
        for event in events:
            recorder.record(event)


def held(actor, lines, name="s1", **options):
    session, started = session_of(actor, lines, **options)
    return [replace(started, session=name), *session.events()]


def test_a_story_tells_proposal_verdict_critique_revision_and_outcome_in_order():
    acc("import", TRACES / "airline-cancel.jsonl")
    out = acc("replay", "last").out
    place = 0
    for words in (
        "example-cancel in tau_airline (bundled), task cancel-01",
        "I need to cancel a flight",
        "calls get_user_details",
        "not judged",
        "result    {",
        'proposal  calls cancel_reservation {"reservation_id": "BRE419"}',
        "objects (p_revise 0.950",
        "critique  R1.2",
        "sent back (the critic objects)",
        "revision  I found it",
        "approves (p_revise 0.050",
        "user      My plans have changed",
        "ended     user_stop",
        "reward    1",
    ):
        assert words in out[place:], f"{words} is missing, or comes too early"
        place = out.index(words, place) + len(words)


def test_long_results_are_shortened_unless_all_is_asked_for():
    acc("import", TRACES / "airline-cancel.jsonl")
    assert "PAME90" not in acc("replay", "last").out
    full = acc("replay", "last", "--full").out
    assert "PAME90" in full
    assert "wrong: The reservation would be cancelled without the customer's confirmation." in full


def test_json_is_the_events_themselves(tmp_path):
    path = TRACES / "airline-refusal.jsonl"
    acc("import", path)
    out = acc("replay", "last", "--json").out
    again = tmp_path / "again.jsonl"
    again.write_text(out)
    (events,) = trace.read(again)
    (original,) = trace.read(path)
    assert list(events[1:]) == list(original[1:])


def test_text_of_models_and_tools_is_neither_markup_nor_escape():
    evil = "[bold red]\x1b[2J\x1b]0;title\x07 :smile: [/] \u202etxt[link=http://x]"
    lines = [f"user {evil}", "###STOP###"]
    critic = RuleCritic(lambda case: Verdict("no_verdict", "rule", why="crash", message=evil))
    events = held(actor_of(call("think", {"thought": evil}), reply(evil)), lines, critic=critic)
    events = [replace(e, message=evil) if isinstance(e, Ended) else e for e in events]
    keep(events)
    for out in (acc("replay", "s1").out, acc("replay", "s1", "--full").out, acc("sessions").out):
        assert "\x1b" not in out
        assert "\u202e" not in out
    assert "[bold red] :smile: [/] txt[link=http://x]" in acc("replay", "s1").out
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=60, highlight=False, markup=False, emoji=False)
    print_story(terminal, told(events), full=True)
    assert ":smile:" in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()


def test_nothing_is_cut_or_folded_where_there_is_no_terminal():
    long = "word " * 200 + "end"
    keep(held(actor_of(reply(long)), ["Hi", "###STOP###"]))
    assert f"proposal  {long}" in acc("replay", "s1").out


def test_what_a_person_ruled_and_which_proposal_was_taken_is_told():
    critic = RuleCritic(lambda case: {"a": 0.6, "b": 0.9, "c": 0.8}.get(case.proposal.message.content, 0.1))
    actor = actor_of([reply("a"), reply("b"), reply("c")])
    keep(held(actor, ["Hi", "###STOP###"], critic=critic, supervision=Supervision(out_of_revisions="best")))
    out = acc("replay", "s1").out
    assert "escalated to best" in out
    assert "taken     proposal 1 of 3" in out
    asked = Supervision(max_revisions=0, out_of_revisions="ask")
    arbiter = Rulings(Ruling("override", "let it pass", by="person"))
    keep(held(actor_of(reply("b")), ["Hi", "###STOP###"], "s2", critic=critic, supervision=asked, arbiter=arbiter))
    assert "accepted by the person (let it pass)" in acc("replay", "s2").out


def test_a_session_under_way_is_told_as_far_as_it_is():
    events = held(actor_of(reply("Hello")), ["Hi", "###STOP###"])
    for cut in range(1, len(events)):
        keep([replace(e, session=f"cut{cut}x") if isinstance(e, Started) else e for e in events[:cut]])
        assert "not yet" in acc("replay", f"cut{cut}x").out


def test_what_cannot_be_meant_is_refused():
    acc("import", TRACES / "airline-cancel.jsonl")
    assert acc("replay").code == 2
    assert acc("replay", "last", "--all").code == 2
    assert acc("replay", "--all").code == 2
    assert acc("replay", "last", "--verify", "--all").code == 2
    assert acc("replay", "nothing").code == 3
    assert acc("replay", "--verify", "--env", "nowhere").code == 3


def test_a_story_begins_with_its_start():
    (events,) = trace.read(TRACES / "airline-cancel.jsonl")
    with pytest.raises(ValueError, match="begin with started"):
        told(events[1:])
    with pytest.raises(ValueError, match="starts once"):
        told([events[0], events[0]])
    assert Proposal(Message("assistant", "x")).kind == "reply"
