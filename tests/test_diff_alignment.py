"""Turns stand beside their like, and what differs between them is said to the argument, the word and the record."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.envs import own, registry
from actorcritic_cli.envs.protocol import ShowsRecords
from actorcritic_cli.paths import database_path
from actorcritic_cli.replay.alignment import aligned, likeness
from actorcritic_cli.replay.difference import difference
from actorcritic_cli.replay.effects import effects_of, record_changes, shared
from actorcritic_cli.replay.json_paths import path_changes, same_leaves
from actorcritic_cli.replay.story import told
from actorcritic_cli.replay.words import shared_words, word_changes
from actorcritic_cli.session.events import Observed
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.store.rejudged import known_labels, verdicts_again
from actorcritic_cli.store.run_steps import steps_of
from actorcritic_cli.types import Supervision
from tests.cli import acc_ok
from tests.parties import RuleCritic, actor_of, call, reply, session_of
from tests.program import acc

HELPDESK = Path(own.__file__).parent / "example" / "helpdesk.py"
USER = call("get_user_details", {"user_id": "saoirse_brennan_8542"})
LOOK = call("get_reservation_details", {"reservation_id": "BRE419"})
CANCEL = call("cancel_reservation", {"reservation_id": "BRE419"})
OTHER = call("cancel_reservation", {"reservation_id": "PAME90"})


def held(name, *steps, critic=None):
    lines = ["Hi", *["Go on"] * len(steps), "###STOP###"]
    session, started = session_of(actor_of(*steps), lines, critic=critic, supervision=Supervision())
    return [replace(started, session=name), *session.events()]


def keep(*sessions):
    with open_database(database_path()) as database:
        for events in sessions:
            recorder = Recorder(database)
            for event in events:
                recorder.record(event)


def kinds(left, right):
    pairs = difference(told(left), told(right)).pairs
    return [
        (pair.kind, pair.left.step if pair.left else None, pair.right.step if pair.right else None)
        for pair in pairs
        if pair.step > 0
    ]


def test_a_turn_more_does_not_make_all_that_follows_look_different():
    one = held("one", reply("Your user id?"), USER, LOOK, CANCEL, reply("Done."))
    two = held("two", reply("Your user id?"), USER, call("think", {"thought": "hm"}), LOOK, CANCEL, reply("Done."))
    found = kinds(one, two)
    assert found[:3] == [("same", 1, 1), ("same", 2, 2), ("inserted", None, 3)]
    assert found[3:5] == [("same", 3, 4), ("same", 4, 5)]
    assert [kind for kind, *_ in kinds(two, one)][2] == "removed"
    keep(one, two)
    out = acc("diff", "one", "two").out
    assert "B only" in out
    assert "(3 turns are the same)" in out


def test_calls_of_the_same_tool_stand_beside_each_other_and_their_arguments_are_compared():
    keep(held("one", USER, LOOK, CANCEL, reply("Done.")), held("two", USER, OTHER, reply("It is done.")))
    done = acc("diff", "one", "two", "--json").json
    calls = [pair for pair in done["pairs"] if pair["calls"]]
    assert [(pair["left"]["step"], pair["right"]["step"]) for pair in calls] == [(3, 2)]
    assert calls[0]["calls"][0]["arguments"] == [
        {"path": "$.reservation_id", "kind": "changed", "left": "BRE419", "right": "PAME90"}
    ]
    out = acc("diff", "one", "two").out
    assert 'argument  $.reservation_id: "BRE419" → "PAME90"' in out
    assert "turn 3 of A, turn 2 of B" in out


def test_replies_are_compared_word_by_word_where_that_can_be_read():
    keep(
        held("one", reply("Your flight costs $99 and leaves at noon.")),
        held("two", reply("Your flight costs $199 and leaves at noon.")),
        held("far", reply("No.")),
    )
    assert "words     Your flight costs [-$99-] {+$199+} and leaves at noon." in acc("diff", "one", "two").out
    assert "words" not in acc("diff", "one", "far").out
    assert "[-Your" in acc("diff", "one", "far", "--full").out


def test_verdicts_stand_side_by_side():
    mild, strict = RuleCritic(lambda case: 0.1), RuleCritic(lambda case: 0.9)
    events = held("two", reply("Hello"), critic=strict)
    keep(held("one", reply("Hello"), critic=mild), events)
    assert "verdicts  A approves (p_revise 0.100), B objects (p_revise 0.900)" in acc("diff", "one", "two").out


def test_what_each_did_to_the_records_is_said_once_where_it_is_the_same():
    keep(held("one", USER, CANCEL), held("two", USER, OTHER), held("none", USER), held("same", CANCEL))
    out = acc("diff", "one", "two").out
    assert 'A         reservations BRE419 changed: $.payment_history[1]: added {"amount":' in out
    assert "B         reservations PAME90 changed" in out
    assert "B         changes nothing" in acc("diff", "one", "none").out
    out = acc("diff", "one", "same").out
    assert "both      reservations BRE419 changed" in out
    assert "A         changes nothing else" in out
    effects = acc("diff", "one", "two", "--json").json["effects"]
    assert [[(c["table"], c["key"], c["kind"]) for c in e["changes"]] for e in effects] == [
        [("reservations", "BRE419", "changed")],
        [("reservations", "PAME90", "changed")],
    ]


def test_effects_that_are_no_longer_those_of_the_record_are_said(tmp_path):
    events = held("one", USER, CANCEL)
    place = max(
        n for n, e in enumerate(events) if isinstance(e, Observed) and e.messages and e.messages[0].role == "tool"
    )
    events[place] = replace(events[place], messages=(replace(events[place].messages[0], content="else"),))
    keep(events, held("two", USER))
    assert "does not give today what is on record" in acc("diff", "one", "two").out


def test_a_session_on_data_that_are_not_here_is_compared_without_its_state():
    events = held("one", USER)
    spec = replace(events[0].spec, dataset="official-2024")
    keep([replace(events[0], spec=spec), *events[1:]], held("two", LOOK))
    done = acc("diff", "one", "two")
    assert done.code == 1
    assert "acc env fetch" in done.out


@pytest.mark.parametrize("name", ["tau_airline", "tau_retail", "tau2_airline", "tau2_retail", "travel"])
def test_environments_that_ship_show_their_records_and_a_perfect_session_changes_what_its_task_asks_for(name):
    world = registry.load(name)
    task = next(task for task in world.tasks() if task.actions)
    episode = world.open(task)
    assert isinstance(episode, ShowsRecords)
    before = episode.records()
    untouched = json.dumps(before, sort_keys=True, default=str)
    hashes = [episode.state_hash()]
    for action in task.actions:
        episode.call(action.name, action.arguments)
        hashes.append(episode.state_hash())
    assert json.dumps(before, sort_keys=True, default=str) == untouched
    changed = record_changes(before, episode.records())
    assert bool(changed) == (hashes[0] != hashes[-1])


def test_your_own_agents_state_shows_its_records():
    world = registry.load(str(HELPDESK))
    episode = world.open(None)
    assert isinstance(episode, ShowsRecords)
    assert episode.records() is not None


def test_changes_of_records_are_added_removed_and_changed():
    before = {"t": {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 3}}, "gone": {"k": 1}}
    after = {"t": {"a": {"x": 1}, "b": {"x": 5}, "d": {"x": 4}}, "new": {"k": 2}}
    found = {(c.table, c.key): c.kind for c in record_changes(before, after)}
    assert found == {
        ("t", "b"): "changed", ("t", "c"): "removed", ("t", "d"): "added", ("gone", "k"): "removed", ("new", "k"): "added",
    }  # fmt: skip
    assert shared(record_changes(before, after), record_changes(before, after)) == list(record_changes(before, after))
    story = told(held("one", USER))
    assert effects_of(story, registry.load("tau_airline")).changes == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc d"), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, json_values)
def test_values_differ_somewhere_exactly_when_they_are_not_the_same(one, two):
    same = json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
    assert (path_changes(one, two) == ()) == same
    assert path_changes(one, one) == ()
    assert 0 <= same_leaves(one, two) <= 1
    assert same_leaves(one, one) == 1
    assert same_leaves(one, two) == same_leaves(two, one)


@given(
    st.dictionaries(st.sampled_from(["a", "b c"]), st.integers(0, 3)),
    st.dictionaries(st.sampled_from(["a", "b c"]), st.integers(0, 3)),
)
def test_every_differing_key_has_its_path(one, two):
    differing = {key for key in {*one, *two} if one.get(key) != two.get(key)}
    names = {"a": "$.a", "b c": '$["b c"]'}
    assert {c.path for c in path_changes(one, two)} == {names[key] for key in differing}


texts = st.lists(st.sampled_from(["cancel ", "it ", "now.\n", "  ", "$99"]), max_size=8).map("".join)


@given(texts, texts)
def test_stretches_put_together_are_the_texts(one, two):
    found = word_changes(one, two)
    assert "".join(s.text for s in found if s.kind != "added") == one
    assert "".join(s.text for s in found if s.kind != "removed") == two
    assert 0 <= shared_words(one, two) <= 1


acts = st.lists(st.sampled_from([reply("a b"), reply("a c"), USER, LOOK, CANCEL, OTHER]), max_size=7)


def turns_of(steps):
    return [turn for turn in told(held("x", *steps)).turns if turn.acted is not None] if steps else []


@given(acts, acts)
def test_an_alignment_keeps_both_in_order_whole_and_pairs_like_with_like(left, right):
    one, two = turns_of(left), turns_of(right)
    pairs = aligned(one, two)
    assert [a.step for a, _ in pairs if a] == [t.step for t in one]
    assert [b.step for _, b in pairs if b] == [t.step for t in two]
    assert (None, None) not in pairs
    assert all(likeness(a.acted.message, b.acted.message) > 0 for a, b in pairs if a and b)
    if left == right:
        assert all(a and b for a, b in pairs)


@pytest.mark.parametrize("command", [["diff", "one", "two"], ["diff", "--attempts", "one"], ["replay", "one"]])
def test_nothing_heavy_is_imported(command):
    keep(held("one", USER, CANCEL), held("two", USER))
    code = (
        "import sys, json\nfrom actorcritic_cli.cli.main import program\n"
        f"try:\n    program()({command!r}, standalone_mode=False)\nexcept BaseException:\n    pass\n"
        "print([m for m in ('litellm', 'llama_cpp', 'torch', 'numpy', 'scipy') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout
    assert done.stderr.strip().splitlines()[-1] == "[]"
    assert Path(database_path()).exists()
    assert acc_ok("sessions")


@pytest.mark.parametrize("name", ["one", "on", "last"])
def test_a_session_is_found_and_read_without_looking_at_the_others(name):
    critic = RuleCritic(lambda case: 0.9 if case.proposal.message.content == "bad" else 0.1)
    keep(held("one", [reply("bad"), reply("good")], USER, critic=critic))
    with open_database(database_path()) as database:
        asked: list[str] = []
        database.connection.set_trace_callback(asked.append)
        library = Library(database)
        told(library.events(library.find_session(name)))
        steps_of(database, "one")
        verdicts_again(database, "one", "x")
        known_labels(database, "one")
        database.connection.set_trace_callback(None)
        plans = [
            (sql, row[3]) for sql in asked if "SELECT" in sql for row in database.rows(f"EXPLAIN QUERY PLAN {sql}")
        ]
    assert len(plans) > 15
    assert [plan for plan in plans if plan[1].startswith("SCAN") and "USING" not in plan[1]] == []
