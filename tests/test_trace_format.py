"""Trace files: what is written is what is read, and a faulty file is named by its line."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.exchange import trace
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
from actorcritic_cli.types import (
    CriticIdentity,
    Critique,
    Decision,
    ExpectedAction,
    Message,
    ModelCall,
    Proposal,
    Reward,
    SessionSpec,
    Task,
    ToolCall,
    ToolSpec,
    Usage,
    Verdict,
)
from tests.property_examples import examples

TRACES = Path(__file__).parents[1] / "traces"
SPEC = SessionSpec("tau_airline", "bundled", "cancel-01", "recorded:x", "script")

texts = st.text(st.characters(codec=None), max_size=12)  # lone surrogates included: JSON can carry them
times = st.floats(0, 1e10)
numbers = st.floats(allow_nan=False, allow_infinity=False)
small = st.integers(0, 40)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=3)
optional = st.none() | texts
calls = st.builds(ToolCall, texts, texts, texts)
messages = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    optional,
    st.lists(calls, max_size=2).map(tuple),
    optional,
    optional,
    optional,
)
usages = st.builds(Usage, st.none() | small, st.none() | small, st.none() | small, objects)
made_calls = st.builds(
    ModelCall,
    st.sampled_from(["actor", "user", "critic"]),
    texts,
    objects,
    optional,
    usages,
    st.none() | times,
    times,
    st.lists(texts, max_size=2).map(tuple),
    optional,
)
model_calls = st.none() | made_calls
critiques = st.none() | st.builds(
    Critique, texts, texts, texts, texts, st.sampled_from(["critic", "person", "protocol"])
)
verdicts = st.builds(
    Verdict,
    st.sampled_from(["approve", "revise", "no_verdict"]),
    texts,
    st.none() | st.floats(0, 1),
    st.none() | st.floats(0, 1),
    st.none() | st.sampled_from(["timeout", "crash", "parse", "context"]),
    texts,
    critiques,
    times,
    objects,
    st.lists(made_calls, max_size=2).map(tuple),
)
between: st.SearchStrategy[Event] = st.one_of(
    st.builds(Resumed, times),
    st.builds(
        Proposed,
        times,
        small,
        small,
        st.builds(Proposal, messages, st.sampled_from(["actor", "supervisor"])),
        model_calls,
        optional,
    ),
    st.builds(Judged, times, small, small, verdicts),
    st.builds(
        Decided,
        times,
        small,
        small,
        st.builds(Decision, st.sampled_from(["accept", "revise", "stop"]), texts),
        critiques,
        texts,
    ),
    st.builds(Acted, times, small, small, messages),
    st.builds(Observed, times, small, st.lists(messages, max_size=2).map(tuple), st.booleans(), times, model_calls),
    st.builds(
        Failed, times, small, st.sampled_from(["actor", "user"]), texts, st.just("infrastructure_error"), model_calls
    ),
)
tasks = st.builds(
    Task,
    texts,
    texts,
    st.lists(st.builds(ExpectedAction, texts, objects), max_size=2).map(tuple),
    st.lists(texts, max_size=2).map(tuple),
    extra=objects,
)
starts = st.builds(
    Started,
    session=texts,
    at=times,
    spec=st.builds(SessionSpec, texts, texts, optional, texts, texts, actor_options=objects),
    messages=st.lists(messages, max_size=2).map(tuple),
    task=st.none() | tasks,
    tools=st.lists(
        st.builds(ToolSpec, texts, texts, objects, st.sampled_from(["read", "write", "none"])), max_size=2
    ).map(tuple),
    critic=st.none() | st.builds(CriticIdentity, texts, texts, info=objects),
    extra=objects,
)
ends = st.builds(
    Ended,
    times,
    st.sampled_from(["user_stop", "transfer", "max_turns"]),
    texts,
    st.none() | st.builds(Reward, st.floats(0, 1), objects),
    optional,
)
sessions = st.builds(lambda start, middle, end: (start, *middle, end), starts, st.lists(between, max_size=4), ends)


def small_session(name: str = "s") -> tuple[Event, ...]:
    return (
        Started(name, 1.0, SPEC, (Message("system", "policy"),)),
        Observed(2.0, 0, (Message("user", "Hello"),)),
        Ended(3.0, "user_stop"),
    )


def lines_of(*events: Event) -> list[bytes]:
    return [trace.encode(event) for event in events]


@settings(max_examples=examples(60), deadline=None)
@given(written=st.lists(sessions, max_size=3))
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, written: list[tuple[Event, ...]]
) -> None:
    path = tmp_path_factory.mktemp("trace") / "t.jsonl"
    count = trace.write(path, [event for session in written for event in session])
    assert count == sum(map(len, written))
    assert list(trace.read(path)) == written
    assert path.read_bytes().count(b"\n") == count


@given(event=between)
def test_an_event_is_one_line_of_json_that_any_program_reads(event: Event) -> None:
    line = trace.encode(event)
    assert b"\n" not in line
    assert json.loads(line)["event"] == type(event).__name__.lower()
    assert trace.decode(line) == event


def test_an_open_file_is_written_to_and_left_open() -> None:
    file = io.BytesIO()
    assert trace.write(file, small_session()) == 3
    assert file.getvalue() == b"".join(line + b"\n" for line in lines_of(*small_session()))


@pytest.mark.parametrize("name", ["airline-cancel", "airline-refusal", "airline-baggage"])
def test_the_examples_survive_being_read_and_written(name: str) -> None:
    path, file = TRACES / f"{name}.jsonl", io.BytesIO()
    trace.write(file, trace.read_events(path))
    assert file.getvalue() == path.read_bytes()


def test_blank_lines_a_byte_order_mark_and_a_missing_last_line_end_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n\r\n".join(lines_of(*small_session())))
    assert list(trace.read(path)) == [small_session()]


def test_unknown_keys_of_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    newer = [json.dumps(json.loads(line) | {"colour": "blue"}).encode() for line in lines_of(*small_session())]
    path.write_bytes(b"\n".join(newer))
    assert list(trace.read(path)) == [small_session()]


def test_an_empty_file_holds_no_session(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"\n")
    assert list(trace.read(path)) == []


@pytest.mark.parametrize(
    "bad",
    [
        b"nonsense",
        b"[]",
        b"{}",
        b'{"event":"sneezed","at":1.0}',
        b'{"event":"resumed"}',
        b"\xff\xfe",
        b'{"a":' * 50_000,
    ],
)
def test_a_line_that_is_no_event_is_named_and_what_came_before_is_still_read(tmp_path: Path, bad: bytes) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"\n".join([*lines_of(*small_session()), bad, *lines_of(*small_session("two"))]) + b"\n")
    reading = trace.read(path)
    assert next(reading) == small_session()
    with pytest.raises(AccError, match=r"^Line 4 of .*t\.jsonl is not an event \(.*\); mend or remove it\.$"):
        next(reading)


@given(cut=st.integers(1, 60))
def test_a_file_cut_off_within_its_last_line_says_so(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("trace") / "t.jsonl"
    *first, last = lines_of(*small_session())
    path.write_bytes(b"\n".join([*first, last[: min(cut, len(last) - 1)]]))
    with pytest.raises(AccError, match=r"^Line 3, the last of .*t\.jsonl, is cut off; export the session again\.$"):
        list(trace.read(path))


def test_a_session_that_does_not_end_is_named_by_the_line_it_starts_on(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    trace.write(path, [*small_session(), *small_session("two")[:-1]])
    reading = trace.read(path)
    assert next(reading) == small_session()
    with pytest.raises(AccError, match="ends on line 5 in the middle of the session that starts on line 4"):
        next(reading)


def test_a_session_that_starts_within_another_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    trace.write(path, [*small_session()[:-1], *small_session("two")])
    with pytest.raises(AccError, match=r"^Line 3 of .* starts a session, but the one of line 1 has not ended"):
        list(trace.read(path))


def test_an_event_outside_any_session_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    trace.write(path, small_session()[1:])
    with pytest.raises(AccError, match=r"^Line 1 of .* belongs to no session"):
        list(trace.read(path))


def test_paths_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no trace"):
        list(trace.read(tmp_path / "none.jsonl"))
    with pytest.raises(AccError, match="Cannot read the trace"):
        list(trace.read(tmp_path))
    with pytest.raises(AccError, match="Cannot write"):
        trace.write(tmp_path / "no" / "t.jsonl", small_session())
