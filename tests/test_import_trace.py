"""Traces of our own go out and come in again without a loss."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange import trace
from actorcritic_cli.exchange.intake import import_file
from actorcritic_cli.session.events import Judged, Started
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.verify import verify
from tests.program import acc

TRACES = sorted((Path(__file__).parents[1] / "traces").glob("*.jsonl"))


@pytest.fixture
def database(tmp_path):
    with open_database(tmp_path / "a.db") as opened:
        yield opened


def all_of(tmp_path) -> Path:
    path = tmp_path / "all.jsonl"
    path.write_bytes(b"".join(p.read_bytes() for p in TRACES))
    return path


@pytest.mark.parametrize("path", TRACES, ids=lambda p: p.stem)
def test_a_trace_that_was_imported_is_exported_as_it_was(path, tmp_path):
    assert acc("import", path).code == 0
    out = tmp_path / "out.jsonl"
    assert acc("export", "last", "-o", out).code == 0
    # The first line may name the actor that the specification names already; the rest is the same to the byte.
    assert out.read_bytes().splitlines()[1:] == path.read_bytes().splitlines()[1:]
    assert acc("db", "verify").code == 0
    with open_database(tmp_path / "other.db") as other:
        assert import_file(out, other).sessions == 1
        assert import_file(path, other).present == 1


def test_a_trace_is_imported_once(database, tmp_path):
    path = all_of(tmp_path)
    assert (import_file(path, database).sessions, import_file(path, database).present) == (len(TRACES), len(TRACES))
    assert len(Library(database).sessions()) == len(TRACES)
    assert verify(database).problems == ()


def test_another_session_of_the_same_id_is_not_taken_for_it(database, tmp_path):
    import_file(TRACES[0], database)
    other = tmp_path / "other.jsonl"
    (events,) = trace.read(TRACES[0])
    trace.write(other, [*events[:-1], replace(events[-1], message="otherwise")])
    with pytest.raises(AccError, match="with other content"):
        import_file(other, database)


def test_a_trace_with_a_fault_leaves_nothing_behind(database, tmp_path):
    (events,) = trace.read(TRACES[0])
    good = b"".join(trace.encode(e) + b"\n" for e in events)
    stray = replace(events[-1], at=1.0)
    unproposed = trace.encode(Judged(1.0, 9, 0, next(e for e in _all_events() if isinstance(e, Judged)).verdict))
    for bad, said in [
        (good[:-20], "cut off"),
        (good + trace.encode(stray) + b"\n", "belongs to no session"),
        (good + b"nonsense\n", "is not an event"),
        (good.replace(good.splitlines()[-1], unproposed + b"\n" + good.splitlines()[-1]), "does not follow"),
    ]:
        path = tmp_path / "bad.jsonl"
        path.write_bytes(bad)
        with pytest.raises(AccError, match=said):
            import_file(path, database)
        assert database.rows("SELECT 1 FROM sessions") == []
        assert database.rows("SELECT 1 FROM messages") == []


def _all_events():
    for path in TRACES:
        for session in trace.read(path):
            yield from session


def test_sessions_come_with_their_run_or_with_the_one_that_is_named(database, tmp_path):
    path = tmp_path / "run.jsonl"
    sessions = [events for p in TRACES for events in trace.read(p)]
    trace.write(path, [replace(e, run="run-there") if isinstance(e, Started) else e for s in sessions for e in s])
    assert import_file(path, database).run == "run-there"
    assert len(Library(database).sessions(run="run-there")) == len(TRACES)
    assert Library(database).run("run-there")["planned"] == len(TRACES)
    with open_database(tmp_path / "b.db") as other:
        assert import_file(path, other, name="mine").run == "mine"
        assert len(Library(other).sessions(run="mine")) == len(TRACES)


def test_a_trace_says_its_own_environment():
    assert acc("import", TRACES[0], "--actor", "me").code == 2


def test_export_writes_to_stdout_or_leaves_an_old_file_alone(tmp_path):
    acc("import", all_of(tmp_path))
    out = acc("export", "example-cancel", "example-refusal")
    assert [e["session"] for e in out.json_lines if e["event"] == "started"] == ["example-cancel", "example-refusal"]
    old = tmp_path / "old.jsonl"
    old.write_text("old")
    failed = acc("export", "example-cancel", "nothing", "-o", old)
    assert (failed.code, old.read_text()) == (3, "old")
    assert acc("export").code == 2
    assert acc("export", "example-cancel", "-o", tmp_path / "missing" / "x.jsonl").code == 1


def test_a_session_that_has_not_ended_is_not_exported(tmp_path):
    from actorcritic_cli.paths import database_path
    from actorcritic_cli.store.recorder import Recorder

    (events,) = trace.read(TRACES[0])
    with open_database(database_path()) as database:
        recorder = Recorder(database)
        for event in events[:-1]:
            recorder.record(event)
    old = tmp_path / "old.jsonl"
    old.write_text("old")
    done = acc("export", "last", "-o", old)
    assert done.code == 1
    assert "has not ended" in done.error
    assert old.read_text() == "old"
    assert list(tmp_path.glob("*.part")) == []
