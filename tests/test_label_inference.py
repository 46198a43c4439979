"""Labels that follow from what tasks expect and from how sessions ended."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.actors.protocol import Proposing
from actorcritic_cli.envs import registry
from actorcritic_cli.exchange import trace
from actorcritic_cli.exchange.intake import import_file
from actorcritic_cli.learn.ground_truth import by_proposal, missing, tally, write_labels
from actorcritic_cli.learn.labelling import label_by_ground_truth, label_by_outcome
from actorcritic_cli.learn.outcome import calls_that_passed, outcome_labels
from actorcritic_cli.learn.writes import Write, held, normalised
from actorcritic_cli.session.build import opening
from actorcritic_cli.session.events import Ended, Started
from actorcritic_cli.session.loop import Parties, Session
from actorcritic_cli.session.state import begin
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.labels import labels
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import (
    ExpectedAction,
    Label,
    Message,
    Proposal,
    Reward,
    SessionSpec,
    Supervision,
    Task,
    ToolCall,
)
from actorcritic_cli.users.script import ScriptedUser
from tests.helpdesk import RECORDED
from tests.parties import actor_of, call, reply, session_of
from tests.sim_sessions import hold, spec_for

CANCEL = Task("t", "", (ExpectedAction("cancel_reservation", {"reservation_id": "BRE419"}),))


def session(*steps, task=CANCEL, reward=None, fault=None, name="s"):
    made, started = session_of(actor_of(*steps), ["Hi"] * len(steps), task=task)
    events = [replace(started, session=name), *made.events()]
    assert isinstance(events[-1], Ended)
    if reward is not None:
        events[-1] = replace(events[-1], reward=Reward(reward), fault=fault)
    return held(events)


def cancels(reservation):
    return call("cancel_reservation", {"reservation_id": reservation})


def words(found):
    return {place: label.label for place, label in found.items()}


# ── by ground truth


def test_a_write_is_right_when_the_task_expects_it_however_often_and_else_wrong():
    found = session(cancels("BRE419"), cancels(" bre419 "), cancels("PAME90"), reply("Done."))
    assert [write.failed for write in found.writes] == [False, True, False]
    assert words(by_proposal(write_labels(found))) == {(1, 0): "approve", (3, 0): "revise"}
    again = session(cancels("BRE419"), cancels("BRE419"), reply("Done."))
    assert words(by_proposal(write_labels(again))) == {(1, 0): "approve", (2, 0): "approve"}


def test_reads_replies_and_failed_writes_have_no_label():
    found = session(reply("Hm."), call("get_reservation_details", {"reservation_id": "BRE419"}), cancels("NONE"))
    assert write_labels(found) == []
    assert missing(found) == 1


def test_the_reason_says_what_the_task_expects():
    certificate = call("send_certificate", {"user_id": "saoirse_brennan_8542", "amount": 50})
    (wrong_tool,) = write_labels(session(certificate))
    (wrong_argument,) = write_labels(session(cancels("PAME90")))
    (nothing,) = write_labels(session(cancels("PAME90"), task=Task("t", "")))
    assert wrong_tool[1].why == "the task expects no send_certificate"
    assert wrong_argument[1].why == "the task expects cancel_reservation with other arguments"
    assert nothing[1].why == "the task expects no write at all"
    assert {wrong_tool[1].source, wrong_tool[1].label} == {"ground_truth", "revise"}


def test_one_wrong_call_makes_a_message_of_several_wrong():
    good, bad = Label("approve", "x", "ground_truth"), Label("revise", "y", "ground_truth")
    made = [Write(1, 0, place, "t", {}, False) for place in range(3)]
    assert by_proposal(zip(made, (good, bad, good), strict=True)) == {(1, 0): bad}
    assert by_proposal(zip(made, (good, good, good), strict=True)) == {(1, 0): good}


def test_only_the_calls_that_failed_are_left_out_of_a_message_of_several():
    environment = registry.load("tau2_airline")
    task = next(t for t in environment.tasks() if any(a.name == "cancel_reservation" for a in t.actions))
    right = next(a for a in task.actions if a.name == "cancel_reservation")
    calls = (
        ToolCall("c1", "cancel_reservation", '{"reservation_id": "NONE"}'),
        ToolCall("c2", "cancel_reservation", json.dumps(right.arguments)),
    )
    actor = actor_of(Proposing(Proposal(Message("assistant", None, calls))), reply("Done."))
    spec = SessionSpec("tau2_airline", "bundled", task.id, "x", "script", supervision=Supervision(mode="off"))
    parties = Parties(environment, environment.open(task), actor, ScriptedUser(["Hi", "###STOP###"]))
    started = opening(spec, task, parties, session="s", at=0.0)
    found = held([started, *Session(parties, begin(started)).events()])
    assert [(write.place, write.failed) for write in found.writes] == [(0, True), (1, False)]
    assert words(by_proposal(write_labels(found))) == {(1, 0): "approve"}


@pytest.mark.parametrize("env", ["tau_airline", "tau_retail", "tau2_airline", "tau2_retail"])
def test_a_perfect_agent_does_all_that_is_expected_and_nothing_wrong_on_every_bundled_task(env):
    for task in registry.load(env, "bundled").tasks():
        found = held(hold(spec_for(env, "sim:expert", task=task.id), task))
        assert found.unsuitable is None
        assert all(label.label == "approve" for _, label in write_labels(found)), task.id
        assert missing(found) == 0, task.id
        assert found.passed or (env.startswith("tau2_") and task.id.startswith("transfer")), task.id


@pytest.mark.parametrize("env", ["tau_airline", "tau_retail", "tau2_retail"])
def test_in_sessions_of_a_hasty_agent_that_pass_no_write_is_wrong(env):
    tasks = registry.load(env, "bundled").tasks()
    sessions = [
        held(hold(spec_for(env, "sim:hasty", task=task.id, seed=seed), task)) for task in tasks for seed in (1, 2)
    ]
    counted = tally(sessions)
    assert counted.passed.revise == 0
    assert counted.not_passed.revise > 0
    assert counted.approve + counted.revise + counted.failed == counted.writes
    assert sum(row.approve for row in counted.tools) == counted.approve
    assert sum(row.revise for row in counted.tools) == counted.revise
    failures = sum(session.passed is False for session in sessions)
    assert sum(counted.first_wrong.values()) + sum(counted.without_wrong.values()) == failures


def test_tools_of_ones_own_are_labelled_where_states_are_compared():
    sessions = [held(events) for events in trace.read(RECORDED)]
    assert [words(by_proposal(write_labels(one))) for one in sessions] == [
        dict.fromkeys(by_proposal(write_labels(one)), "approve") for one in sessions
    ]
    assert sum(len(write_labels(one)) for one in sessions) == 2
    assert {one.unsuitable for one in sessions} == {None}


def test_what_tasks_cannot_say_is_said():
    free, started = session_of(actor_of(cancels("BRE419")), ["Hi"])
    assert held([started, *free.events()]).unsuitable == "free conversation"
    trip = registry.load("travel", "bundled", {"headline": "all_best"})
    task = trip.tasks()[0]
    found = held(hold(spec_for("travel", "sim:expert", task=task.id), task))
    assert "does not compare" in (found.unsuitable or "")
    assert write_labels(found) == []
    counted = tally([found, found])
    assert (counted.sessions, list(counted.skipped.values())) == (0, [2])
    open_state = Task("t", "", extra={"any_state": True})
    assert isinstance(started, Started)
    spec = replace(started.spec, env="tau2_airline", task_id="t")
    assert held([replace(started, spec=spec, task=open_state)]).unsuitable == "the task leaves the final state open"


# ── what makes calls the same

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.randoms(use_true_random=False))
def test_order_case_and_spaces_do_not_count(value, random):
    def shuffled(value):
        match value:
            case dict():
                items = [(key, shuffled(item)) for key, item in value.items()]
                random.shuffle(items)
                return dict(items)
            case list():
                items = [shuffled(item) for item in value]
                random.shuffle(items)
                return items
            case str():
                return f" {value}\t" if value.strip() == value else value
            case bool() | None:
                return value
            case int():
                return float(value)
            case _:
                return value

    for parse in (False, True):
        assert normalised(shuffled(value), parse_texts=parse) == normalised(value, parse_texts=parse)
        assert hash(normalised(value, parse_texts=parse)) == hash(normalised(value, parse_texts=parse))


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4), st.dictionaries(st.text(max_size=4), JSON, max_size=4))
def test_texts_that_hold_json_stand_for_it_where_they_are_parsed(a, b):
    assert normalised(json.dumps(a), parse_texts=True) == normalised(a, parse_texts=True)
    assert normalised({"x": json.dumps([a, b])}, parse_texts=True) == normalised({"x": [b, a]}, parse_texts=True)
    assert normalised(json.dumps(a)) != normalised(a)


def test_what_counts_counts():
    assert normalised(True) != normalised(1)
    assert normalised("1") != normalised(1)
    assert normalised(None) != normalised("none")
    assert normalised([1, 1, 2]) != normalised([1, 2, 2])
    assert normalised({"a": 1}) != normalised({"b": 1})
    assert normalised(10**400) == normalised(10**400) != normalised(1)
    segment = {"flight_number": "HAT001", "date": "2024-05-16"}
    assert normalised(segment | {"price": 9, "origin": "BOS"}) == normalised(segment)
    assert normalised({"price": 9}) != normalised({})


# ── by outcome


def test_what_a_passed_session_did_is_right_and_what_only_failed_ones_did_is_wrong():
    good = session(cancels("BRE419"), reply("Done."), reward=1.0, name="good")
    bad = session(cancels("BRE419"), cancels("PAME90"), reward=0.0, fault="actor", name="bad")
    passed = calls_that_passed([good, bad])
    assert words(outcome_labels(good, passed)) == {(1, 0): "approve"}
    assert words(outcome_labels(bad, passed)) == {(1, 0): "approve", (2, 0): "revise"}
    assert {label.source for label in outcome_labels(bad, passed).values()} == {"outcome"}


def test_nothing_follows_where_no_session_passed_or_another_is_at_fault_or_there_is_no_score():
    good = session(cancels("BRE419"), reward=1.0)
    bad = session(cancels("PAME90"), reward=0.0, fault="actor")
    assert outcome_labels(bad, calls_that_passed([bad])) == {}
    passed = calls_that_passed([good])
    assert outcome_labels(bad, passed) != {}
    assert outcome_labels(replace(bad, fault="user"), passed) == {}
    assert outcome_labels(replace(bad, reward=None), passed) == {}
    assert outcome_labels(replace(bad, task=replace(CANCEL, id="other")), passed) == {}
    assert outcome_labels(replace(bad, dataset="official"), passed) == {}


# ── the official recordings


FIGURES = {
    # file: (writes, failed, approve, revise, passed, not passed)
    "tau-bench/trajectories/gpt-4o-airline.json": (250, 73, 89, 88, (43, 0), (46, 88)),
    "tau2/trajectories/gpt-4.1-airline.json": (26, 1, 14, 11, (11, 0), (3, 11)),
    "tau2/trajectories/gpt-4.1-retail.json": (61, 7, 50, 4, (44, 0), (6, 4)),
}


@pytest.fixture
def imported(official_data, tmp_path):
    def into(file):
        database = open_database(tmp_path / "official.db")
        import_file(official_data / file, database)
        return Library(database)

    return into


@pytest.mark.official
@pytest.mark.parametrize("file", FIGURES)
def test_the_published_figures_come_out(imported, file):
    library = imported(file)
    sessions = [one.id for one in library.sessions()]
    told = []
    done = label_by_ground_truth(library, sessions, lambda n, total: told.append((n, total)))
    found = done.tally
    assert (
        found.writes,
        found.failed,
        found.approve,
        found.revise,
        (found.passed.approve, found.passed.revise),
        (found.not_passed.approve, found.not_passed.revise),
    ) == FIGURES[file]
    assert told[-1] == (len(sessions), len(sessions))
    again = label_by_ground_truth(library, sessions)
    kept = list(labels(library.database, source="ground_truth"))
    assert (again.labels.same, again.labels.added, again.labels.changed, again.labels.removed) == (len(kept), 0, 0, 0)
    assert again.tally == found


@pytest.mark.official
def test_first_bad_writes_of_gpt_4o_airline(imported):
    library = imported("tau-bench/trajectories/gpt-4o-airline.json")
    done = label_by_ground_truth(library, [one.id for one in library.sessions()])
    rows = {row.tool: (row.approve, row.revise, row.first) for row in done.tally.tools}
    assert rows == {
        "update_reservation_flights": (33, 29, 27),
        "cancel_reservation": (41, 28, 23),
        "book_reservation": (1, 22, 17),
        "update_reservation_baggages": (6, 7, 1),
        "send_certificate": (6, 2, 2),
        "update_reservation_passengers": (2, 0, 0),
    }
    assert done.tally.first_wrong == {
        "other arguments expected": 40,
        "no write expected": 21,
        "tool not expected": 9,
    }
    assert done.tally.without_wrong == {"expected writes missing": 42, "no expected write missing": 4}
    kept = list(labels(library.database, source="ground_truth"))
    assert [sum(one.label == word for one in kept) for word in ("approve", "revise")] == [89, 88]


@pytest.mark.official
@pytest.mark.parametrize("file", FIGURES)
def test_outcomes_never_contradict_ground_truth(imported, file):
    library = imported(file)
    sessions = [one.id for one in library.sessions()]
    label_by_ground_truth(library, sessions)
    done = label_by_outcome(library, sessions)
    truth = {(one.session, one.step): one.label for one in labels(library.database, source="ground_truth")}
    inferred = {(one.session, one.step): one.label for one in labels(library.database, source="outcome")}
    assert inferred.items() <= truth.items()
    assert len(inferred) == done.approve + done.revise == done.labels.added > 0
