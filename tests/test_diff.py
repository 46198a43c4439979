"""The difference of two sessions is found at its first message, and shown with what supervision did."""

from __future__ import annotations

import io
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console

from actorcritic_cli.paths import database_path
from actorcritic_cli.replay.difference import difference
from actorcritic_cli.replay.effects import Effects
from actorcritic_cli.replay.story import told
from actorcritic_cli.session.events import Ended
from actorcritic_cli.show.diff import print_difference
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import Supervision
from tests.parties import RuleCritic, actor_of, call, reply, session_of
from tests.program import acc
from tests.property_examples import examples

TRACES = Path(__file__).parents[1] / "traces"


def held(name, *steps, lines=("Hi", "Go on", "###STOP###"), critic=None, mode="enforce"):
    session, started = session_of(actor_of(*steps), list(lines), critic=critic, supervision=Supervision(mode=mode))
    return [replace(started, session=name), *session.events()]


def keep(*sessions):
    with open_database(database_path()) as database:
        for events in sessions:
            recorder = Recorder(database)
            for event in events:
                recorder.record(event)


def test_sessions_that_say_and_do_the_same_are_the_same_whatever_the_clock_says():
    steps = (reply("Hello"), call("list_all_airports", {}, "id_1"), reply("Bye"))
    other = (reply("Hello"), call("list_all_airports", {}, "id_2"), reply("Bye"))
    two = [replace(e, at=e.at + 5) for e in held("two", *other)]
    keep(held("one", *steps), two)
    done = acc("diff", "one", "two")
    assert (done.code, acc("diff", "one", "two", "--json").json["same"]) == (0, True)
    assert "are the same" in done.out


def test_the_first_message_that_differs_is_named_with_its_turn():
    keep(
        held("one", reply("Hello"), call("list_all_airports", {}), reply("Bye")),
        held("two", reply("Hello"), call("think", {"thought": "hm"}), reply("Bye")),
    )
    done = acc("diff", "one", "two")
    assert done.code == 1
    assert "differ    from message 5 on, in turn 2" in done.out
    assert "agent: calls list_all_airports {}" in done.out
    assert 'agent: calls think {"thought": "hm"}' in done.out
    assert "(2 turns are the same)" in done.out
    found = acc("diff", "one", "two", "--json").json
    assert (found["parting"]["place"], found["parting"]["step"], found["first_step"]) == (4, 2, 2)
    with open_database(database_path()) as database:
        library = Library(database)
        chains = [library.chain(name) for name in ("one", "two")]
    first = next(n for n, (a, b) in enumerate(zip(*chains, strict=False)) if a != b)
    assert first == 4
    assert found["parting"]["ids"] == [chains[0][4], chains[1][4]]


def test_a_session_that_goes_on_differs_where_the_other_ends():
    keep(held("one", reply("Hello"), lines=("Hi", "###STOP###")))
    keep(held("two", reply("Hello"), reply("Bye"), lines=("Hi", "more", "###STOP###")))
    keep(held("cut", reply("Hello"), lines=("Hi", "###STOP###"))[:-2])
    found = acc("diff", "one", "cut", "--json").json
    assert found["parting"]["ids"][1] is None
    assert "(has ended)" in acc("diff", "one", "cut").out
    assert acc("diff", "one", "two").code == 1
    assert "B only" in acc("diff", "one", "two").out


def test_the_same_conversation_may_hide_another_supervision():
    strict = RuleCritic(lambda case: 0.9 if case.proposal.message.content == "bad" else 0.1)
    mild = RuleCritic(lambda case: 0.1)
    lines = ("Hi", "###STOP###")
    keep(held("one", [reply("bad"), reply("good")], critic=strict, lines=lines))
    keep(held("two", reply("good"), critic=mild, lines=lines))
    done = acc("diff", "one", "two")
    assert done.code == 1
    assert "every message of the conversation" in done.out
    assert "in what was proposed, judged or decided, though not in what came of it: turn 1" in done.out
    assert "objects (p_revise 0.900" in done.out
    found = acc("diff", "one", "two", "--json").json
    assert (found["parting"], found["first_step"], found["outcome_same"]) == (None, 1, True)


def test_another_outcome_is_a_difference():
    events = held("one", reply("Hello"))
    other = [replace(e, reason="max_turns") if isinstance(e, Ended) else e for e in held("two", reply("Hello"))]
    keep(events, other)
    done = acc("diff", "one", "two")
    assert done.code == 1
    assert "outcome   differs" in done.out
    assert "max_turns" in done.out


def test_an_unknown_state_is_no_difference():
    events = held("one", reply("Hello"))
    bare = [replace(e, state=None) if isinstance(e, Ended) else e for e in events]
    assert difference(told(events), told(bare)).same


def test_on_a_wide_terminal_they_stand_side_by_side_and_on_a_narrow_one_below_each_other():
    one, two = told(held("one", reply("Hello left"))), told(held("two", reply("Hello right")))
    shown = {}
    for width in (160, 60):
        screen = io.StringIO()
        console = Console(file=screen, force_terminal=True, width=width, highlight=False, no_color=True)
        effects = (Effects(()), Effects(()))
        print_difference(console, one, two, difference(one, two), effects, full=False)
        shown[width] = screen.getvalue().splitlines()
    assert any("Hello left" in line and "Hello right" in line for line in shown[160])
    assert not any("Hello left" in line and "Hello right" in line for line in shown[60])


def test_a_session_that_is_not_there_is_an_error():
    acc("import", TRACES / "airline-cancel.jsonl")
    assert acc("diff", "last", "nothing").code == 3
    assert acc("diff", "last", "last").code == 0


words = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=5)


@settings(max_examples=examples(40), deadline=None)
@given(words, words)
def test_two_conversations_part_at_their_first_different_word(left, right):
    lines = ["Hi", *["go on"] * 5, "###STOP###"]
    stories = [told(held(name, *map(reply, said), lines=lines)) for name, said in (("l", left), ("r", right))]
    parting = difference(*stories).parting
    expected = next((n for n, (a, b) in enumerate(zip(left, right, strict=False), start=1) if a != b), None)
    if left == right:
        assert parting is None
    elif expected is not None:
        assert parting is not None
        assert parting.step == expected
    else:
        assert parting is not None
        assert None in parting.ids or parting.step == min(len(left), len(right)) + 1
