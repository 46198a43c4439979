"""Whole sessions written at once are the same to the row as sessions recorded event by event."""

from __future__ import annotations

import contextlib
import itertools
import json
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange import made_up, trace
from actorcritic_cli.hashing import canonical_json, identified, identity_body, sha256
from actorcritic_cli.session.events import (
    Acted,
    Decided,
    Ended,
    Event,
    Failed,
    Judged,
    Observed,
    Proposed,
    Resumed,
    Started,
)
from actorcritic_cli.store import bulk
from actorcritic_cli.store.bulk import DoesNotFollow, bulk_writing
from actorcritic_cli.store.database import Database, open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.store.verify import verify
from actorcritic_cli.types import (
    CriticIdentity,
    Critique,
    Decision,
    Label,
    Message,
    ModelCall,
    Proposal,
    Reward,
    SessionSpec,
    Supervision,
    Task,
    ToolCall,
    ToolSpec,
    Usage,
    Verdict,
)
from tests.property_examples import examples
from tests.sim_sessions import at_random, hold, spec_for

TRACES = sorted((Path(__file__).parents[1] / "traces").glob("*.jsonl"))


def rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the database, a table at a time."""
    tables = database.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' "
        "AND name NOT LIKE 'search%'"
    )
    return {
        table: sorted((tuple(row) for row in database.rows(f"SELECT * FROM {table}")), key=repr) for (table,) in tables
    }


def recorded(path: Path, sessions: Iterable[Sequence[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    with open_database(path) as database:
        for events in sessions:
            recorder = Recorder(database)
            for event in events:
                recorder.record(event)
        return rows(database)


def bulk_written(path: Path, sessions: Iterable[Sequence[Event]]) -> dict[str, list[tuple[Any, ...]]]:
    with open_database(path) as database:
        with bulk_writing(database) as writer:
            for events in sessions:
                writer.add(events)
        assert verify(database).problems == ()
        return rows(database)


def same(folder: Path, sessions: Sequence[Sequence[Event]]) -> None:
    assert bulk_written(folder / "bulk.db", sessions) == recorded(folder / "one.db", sessions)


@pytest.mark.parametrize("env", ["tau_airline", "tau_retail", "tau2_retail", "travel"])
def test_supervised_sessions_are_the_same_to_the_row(env: str, tmp_path: Path) -> None:
    tasks = registry.load(env, "bundled").tasks()[:6]
    sessions = []
    for number, task in enumerate(tasks):
        spec = replace(spec_for(env, "sim:hasty", task=task.id, seed=number, supervised=True), trial=number % 2)
        events = hold(spec, task, at_random(0.4))
        sessions.append([replace(events[0], session=f"s{number}"), *events[1:]])  # type: ignore[type-var]
    assert any(isinstance(e, Decided) and e.decision.kind != "accept" for events in sessions for e in events)
    same(tmp_path, sessions)


def test_traces_are_the_same_to_the_row(tmp_path: Path) -> None:
    same(tmp_path, [events for path in TRACES for events in trace.read(path)])


TEXT = st.text(max_size=8)
MAYBE = st.none() | TEXT
NUMBER = st.floats(allow_nan=False, allow_infinity=False, width=32)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=2)
ARGUMENTS = st.one_of(
    OBJECT.map(canonical_json),
    OBJECT.map(lambda value: json.dumps(value, indent=1)),
    st.sampled_from(
        ["{", "[]", "", '{"a": 1e400}', '{"a":  1.0}', '{"b": -0.0, "a": 1e16}', '{"a": NaN}', '{"a": 1, "a": 2}']
    ),
    st.sampled_from(
        ['{"\\ud83d": 1}', '{"a": ' + "1" * 5000 + "}", '{"a":' + "[" * 3000 + "]" * 3000 + "}", "\ufeff{}"]
    ),
)
CALL = st.builds(ToolCall, TEXT, st.sampled_from(["look", "change", "other"]), ARGUMENTS)
SAID = st.builds(Message, st.just("assistant"), MAYBE, st.lists(CALL, max_size=2).map(tuple), raw=MAYBE)
HEARD = st.builds(Message, st.sampled_from(["user", "tool"]), MAYBE, name=MAYBE)
MODEL_CALL = st.none() | st.builds(
    ModelCall,
    st.sampled_from(["actor", "user"]),
    TEXT,
    OBJECT,
    MAYBE,
    st.builds(Usage, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9), st.none(), OBJECT),
    st.none() | NUMBER,
    NUMBER,
    st.lists(TEXT, max_size=2).map(tuple),
    MAYBE,
)
CRITIQUE = st.none() | st.builds(Critique, TEXT, TEXT, TEXT, TEXT)
VERDICT = st.builds(
    Verdict,
    st.sampled_from(["approve", "revise", "no_verdict"]),
    TEXT,
    st.none() | NUMBER,
    st.none() | NUMBER,
    st.sampled_from([None, "timeout"]),
    TEXT,
    CRITIQUE,
    NUMBER,
    OBJECT,
    calls=st.lists(MODEL_CALL.filter(bool), max_size=2).map(tuple),
)
TOOLS = (ToolSpec("look", "", {}, "read"), ToolSpec("change", "", {"type": "object"}, "write"))


@st.composite
def session(draw: st.DrawFn) -> list[Event]:
    """Any sequence of events in which each one refers to what was before; a real loop makes only some of them."""
    clock = itertools.count()
    critic = CriticIdentity("c", "critic", draw(MAYBE), draw(MAYBE), "p1", 0.5, draw(OBJECT))
    events: list[Event] = [
        Started(
            "s",
            float(next(clock)),
            SessionSpec(
                "tau_airline",
                "bundled",
                draw(MAYBE),
                "a",
                "u",
                trial=draw(st.integers(0, 3)),
                supervision=Supervision(choose=draw(st.sampled_from([1, 1, 1, 2]))),
            ),
            tuple(draw(st.lists(st.builds(Message, st.just("system"), TEXT), max_size=2))),
            task=draw(st.none() | st.builds(Task, TEXT, TEXT, extra=OBJECT)),
            tools=draw(st.sampled_from([(), TOOLS])),
            critic=draw(st.sampled_from([None, critic])),
            actor=draw(TEXT),
            source=draw(TEXT),
            extra=draw(OBJECT),
        )
    ]
    for step in range(draw(st.integers(0, 4))):
        if step:
            for attempt in range(draw(st.integers(1, 3))):
                said = draw(SAID)
                label = draw(st.none() | st.builds(Label, st.sampled_from(["approve", "revise"]), TEXT))
                author = draw(st.sampled_from(["actor", "supervisor"]))
                at = float(next(clock))
                events.append(Proposed(at, step, attempt, Proposal(said, author), draw(MODEL_CALL), draw(MAYBE), label))
                if draw(st.booleans()):
                    events.append(Judged(float(next(clock)), step, attempt, draw(VERDICT)))
                decision = Decision(draw(st.sampled_from(["accept", "revise"])), draw(TEXT), draw(st.none()))
                by = draw(st.sampled_from(["supervisor", "person"]))
                events.append(Decided(float(next(clock)), step, attempt, decision, draw(CRITIQUE), by))
            stands = draw(st.sampled_from([said, replace(said, raw="{}"), replace(said, tool_calls=())]))
            events.append(Acted(float(next(clock)), step, attempt, stands))
        if draw(st.booleans()):
            heard = tuple(draw(st.lists(HEARD, max_size=2)))
            events.append(
                Observed(float(next(clock)), step, heard, draw(st.booleans()), draw(NUMBER), draw(MODEL_CALL))
            )
        if draw(st.booleans()):
            events.append(Resumed(float(next(clock))))
    if draw(st.booleans()):
        events.append(Failed(float(next(clock)), 1, "actor", draw(TEXT), "actor_error", draw(MODEL_CALL)))
    if draw(st.booleans()):
        reward = draw(st.none() | st.builds(Reward, st.none() | NUMBER, OBJECT))
        events.append(
            Ended(
                float(next(clock)), "user_stop", draw(TEXT), reward, draw(MAYBE), draw(st.sampled_from([None, "user"]))
            )
        )
    return events


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(session(), min_size=1, max_size=3))
def test_any_sessions_are_the_same_to_the_row(tmp_path_factory: pytest.TempPathFactory, sessions: list[Any]) -> None:
    named = [[replace(events[0], session=f"s{n}"), *events[1:]] for n, events in enumerate(sessions)]
    same(tmp_path_factory.mktemp("any"), named)


@settings(max_examples=examples(200), deadline=None)
@given(SAID | HEARD, MAYBE)
def test_the_body_of_a_message_is_its_canonical_json(message: Message, parent: str | None) -> None:
    body = canonical_json(identity_body(message))
    assert identified(message, parent) == (sha256(f"{parent or ''}\n{body}")[:32], body)


def test_half_a_surrogate_pair_is_escaped_in_the_body() -> None:
    message = Message("user", "\ud83d")
    assert identified(message, None)[1] == '{"content":"\\ud83d","role":"user"}'


def test_numbers_of_rows_go_on_where_the_record_ends(tmp_path: Path) -> None:
    sessions = [events for path in TRACES for events in trace.read(path)]
    with open_database(tmp_path / "a.db") as database:
        recorder = Recorder(database)
        for event in sessions[0]:
            recorder.record(event)
        with bulk_writing(database) as writer:
            for events in sessions[1:]:
                writer.add(events)
                writer.flush()
        found = rows(database)
    assert found == recorded(tmp_path / "b.db", sessions)


@pytest.mark.parametrize(
    "change",
    [
        lambda events: events[1:],
        lambda events: [*events[:3], *events[2:]],
        lambda events: [events[0], *(e for e in events[1:] if not isinstance(e, Proposed))],
        lambda events: [events[0], *events],
    ],
    ids=["without its start", "one event twice", "nothing proposed", "started twice"],
)
def test_a_session_that_does_not_follow_leaves_the_others_whole(change: Any, tmp_path: Path) -> None:
    good, bad = ([*next(iter(trace.read(path)))] for path in TRACES[:2])
    with open_database(tmp_path / "a.db") as database:
        with bulk_writing(database) as writer:
            with pytest.raises(DoesNotFollow):
                writer.add(change(bad))
            writer.add(good)
            with pytest.raises(DoesNotFollow, match="already"):
                writer.add(good)
        assert [s.id for s in Library(database).sessions()] == [good[0].session]
        assert verify(database).problems == ()
        assert rows(database) == recorded(tmp_path / "b.db", [good])


def test_a_trial_that_a_run_has_already_is_refused(tmp_path: Path) -> None:
    (events,) = trace.read(TRACES[0])
    with open_database(tmp_path / "a.db") as database:
        database.connection.execute("INSERT INTO runs VALUES ('r', 0, 'e', 'd', '{}', 2, 'trace')")
        with bulk_writing(database) as writer:
            for name, fine in (("a", True), ("b", False)):
                one = [replace(events[0], session=name, run="r"), *events[1:]]
                if fine:
                    writer.add(one)
                else:
                    with pytest.raises(DoesNotFollow, match="has a trial 0"):
                        writer.add(one)


def test_nothing_is_written_when_something_breaks_on_the_way(tmp_path: Path) -> None:
    (events,) = trace.read(TRACES[0])
    with open_database(tmp_path / "a.db") as database:
        with contextlib.suppress(KeyboardInterrupt), bulk_writing(database) as writer:
            writer.add(events)
            writer.flush()
            raise KeyboardInterrupt
        assert not any(rows(database).values())
        assert database.row("PRAGMA foreign_keys")[0] == 1  # type: ignore[index]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of about two sessions, so that most of them are written while the next one is made."""
    monkeypatch.setattr(bulk, "BATCH_EVENTS", 100)


def many(count: int) -> Iterable[list[Event]]:
    return made_up.made_up(count, 20)


@pytest.mark.usefixtures("small_batches")
def test_rows_are_the_same_in_however_many_batches_they_are_written(tmp_path: Path) -> None:
    sessions = [*many(30), *(events for path in TRACES for events in trace.read(path))]
    sessions = [[replace(events[0], run=None), *events[1:]] for events in sessions]  # type: ignore[type-var]
    same(tmp_path, sessions)


@pytest.mark.usefixtures("small_batches")
def test_sessions_of_batches_under_way_are_known(tmp_path: Path) -> None:
    sessions = [[replace(events[0], run=None), *events[1:]] for events in many(12)]  # type: ignore[type-var]
    with open_database(tmp_path / "a.db") as database, bulk_writing(database) as writer:
        for events in sessions:
            writer.add(events)
            for before in sessions[: sessions.index(events) + 1]:
                assert writer.holds(before[0].session)  # type: ignore[union-attr]
                with pytest.raises(DoesNotFollow, match="already"):
                    writer.add(before)


def write_with_a_number_twice(database: Database) -> None:
    with bulk_writing(database) as writer:
        for number, events in enumerate(many(40)):
            writer.add([replace(events[0], run=None), *events[1:]])  # type: ignore[type-var]
            if number == 6:
                writer._numbers = {**writer._numbers, "decisions": 1}


@pytest.mark.usefixtures("small_batches")
def test_nothing_is_written_when_a_batch_does_not_fit(tmp_path: Path) -> None:
    interval = sys.getswitchinterval()
    with open_database(tmp_path / "a.db") as database:
        with bulk_writing(database) as writer:
            writer.add(next(iter(trace.read(TRACES[0]))))
        before = rows(database)
        with pytest.raises(AccError, match=r"do not fit in .* nothing was imported"):
            write_with_a_number_twice(database)
        assert rows(database) == before
        assert database.row("PRAGMA foreign_keys")[0] == 1  # type: ignore[index]
    assert sys.getswitchinterval() == interval


@pytest.mark.usefixtures("small_batches")
def test_nothing_is_written_when_it_is_interrupted_with_a_batch_under_way(tmp_path: Path) -> None:
    with open_database(tmp_path / "a.db") as database:
        with contextlib.suppress(KeyboardInterrupt), bulk_writing(database) as writer:
            for number, events in enumerate(many(40)):
                writer.add([replace(events[0], run=None), *events[1:]])  # type: ignore[type-var]
                if number == 20:
                    raise KeyboardInterrupt
        assert not any(rows(database).values())
        with bulk_writing(database) as writer:
            writer.add(next(iter(trace.read(TRACES[0]))))
        assert verify(database).problems == ()


@pytest.mark.usefixtures("small_batches")
def test_others_read_the_record_meanwhile_and_write_afterwards(tmp_path: Path) -> None:
    """Readers see the record as it was before, and one who writes waits for the end."""
    sessions = [[replace(events[0], run=None), *events[1:]] for events in many(30)]  # type: ignore[type-var]
    (other,) = trace.read(TRACES[0])

    def write() -> None:
        with open_database(tmp_path / "a.db") as beside:
            recorder = Recorder(beside)
            for event in other:
                recorder.record(event)

    with open_database(tmp_path / "a.db") as database, open_database(tmp_path / "a.db") as reader:
        waiting = threading.Thread(target=write)
        with bulk_writing(database) as writer:
            for number, events in enumerate(sessions):
                writer.add(events)
                if number == 10:
                    waiting.start()
                assert not list(Library(reader).sessions())
        waiting.join()
        assert verify(database).problems == ()
        assert len(list(Library(reader).sessions())) == len(sessions) + 1


def test_a_text_is_quoted_as_the_standard_library_quotes_it() -> None:
    everything = "".join(chr(n) for n in range(0x30000) if not 0xD800 <= n < 0xE000)
    assert identified(Message("user", everything), None)[1] == canonical_json({"content": everything, "role": "user"})
