"""The record proves itself: every kind of tampering is found, and a copy is whole while others write."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from actorcritic_cli.errors import UsageError
from actorcritic_cli.exchange import trace
from actorcritic_cli.paths import database_path
from actorcritic_cli.store.backup import backup
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.store.verify import verify
from tests.program import acc

TRACES = sorted((Path(__file__).parents[1] / "traces").glob("*.jsonl"))


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> Path:
    """A record of all traces, which tests take copies of."""
    path = tmp_path_factory.mktemp("imported") / "acc.db"
    for file in TRACES:
        assert acc("import", file, "--db", path).code == 0
    return path


@pytest.fixture
def database(imported):
    database_path().parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(imported, database_path())
    with open_database(database_path()) as opened:
        yield opened


def test_a_sound_record_is_called_sound_and_counted(database):
    done = acc("db", "verify", "--json")
    assert done.code == 0
    assert done.json["problems"] == []
    assert done.json["counts"]["sessions"] == len(TRACES)
    assert "is sound" in acc("db", "verify").err


def test_a_session_under_way_is_sound_at_every_event():
    (events,) = trace.read(TRACES[-1])
    with open_database(database_path()) as database:
        recorder = Recorder(database)
        for event in events:
            recorder.record(event)
            assert verify(database).problems == ()


SESSION = "'example-cancel'"
TAMPERINGS = {
    "a message's text": (
        "UPDATE messages SET body = replace(body, 'Chicago', 'Denver') WHERE body LIKE '%Chicago%'",
        "not what its id says",
    ),
    "a message's parent": (
        "UPDATE messages SET parent = NULL WHERE id = (SELECT head FROM sessions LIMIT 1)",
        "not what its id says",
    ),
    "a message's role": ("UPDATE messages SET role = 'tool' WHERE role = 'user'", "role tool beside another"),
    "a message's text that is no JSON": ("UPDATE messages SET body = 'x' WHERE role = 'user'", "not what its id says"),
    "a gap in the events": (f"DELETE FROM events WHERE session = {SESSION} AND seq = 4", "gap in its events"),
    "no events at all": (f"DELETE FROM events WHERE session = {SESSION}", "has no events"),
    "no start": ("UPDATE events SET kind = 'resumed' WHERE seq = 0", "does not begin with its start"),
    "an end taken back": ("UPDATE sessions SET termination = NULL", "termination and an end that do not fit"),
    "an end too early": ("UPDATE events SET kind = 'ended' WHERE seq = 5", "termination and an end that do not fit"),
    "a lost proposal": ("DELETE FROM proposals WHERE step = 2", "has no row in proposals"),
    "a lost verdict": ("DELETE FROM verdicts WHERE kind = 'revise'", "has no row in verdicts"),
    "a lost decision": ("DELETE FROM decisions WHERE decision = 'revise'", "has no row in decisions"),
    "a lost step": ("DELETE FROM steps WHERE step = 3", "lacks the step before step 4"),
    "a lost opening": ("DELETE FROM steps WHERE step = 0", "has no row in steps"),
    "a verdict without event": ("UPDATE verdicts SET seq = seq + 900 WHERE kind = 'revise'", "verdicts in session"),
    "a decision on another proposal": (
        "UPDATE decisions SET proposal = (SELECT max(id) FROM proposals WHERE session = decisions.session) WHERE seq = 4",
        "belongs to another proposal",
    ),
    "a proposal that said otherwise": (
        "UPDATE proposals SET exact = replace(exact, 'BRE419', 'BRE420') WHERE step = 5",
        "is not what its message says",
    ),
    "a proposal that cannot be read": (
        "UPDATE proposals SET exact = '{' WHERE step = 5",
        "is not what its message says",
    ),
    "a proposal elsewhere in the transcript": (
        "UPDATE proposals SET message = (SELECT message FROM proposals p WHERE p.session = proposals.session AND step = 1 "
        "AND attempt = 0) WHERE step = 2",
        "does not follow on the transcript",
    ),
    "an accepted message that was not proposed": (
        f"UPDATE steps SET attempt = 0 WHERE session = {SESSION} AND step = 4",
        "is not the one that was proposed",
    ),
    "an attempt that is not there": ("UPDATE steps SET attempt = 7 WHERE step = 4", "not on record"),
    "an observation elsewhere": (
        f"UPDATE steps SET observation = (SELECT opening FROM sessions WHERE id = {SESSION}) "
        f"WHERE session = {SESSION} AND step = 3",
        "what was observed in step 3",
    ),
    "a head elsewhere": ("UPDATE sessions SET head = opening", "does not"),
    "a row that refers to nothing": ("UPDATE sessions SET toolset = 'gone'", "refers to a row of toolsets"),
    "an observation without event": ("UPDATE steps SET observed_seq = 998 WHERE step = 2", "has no event"),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found(database, what):
    statement, said = TAMPERINGS[what]
    database.connection.execute("PRAGMA foreign_keys=OFF")
    assert database.connection.execute(statement).rowcount > 0
    done = acc("db", "verify", "--json")
    assert done.code == 1
    assert any(said in problem for problem in done.json["problems"]), done.json["problems"]
    assert "problem(s)" in done.error


def test_a_model_call_without_event_is_found(database):
    database.connection.execute(
        "INSERT INTO model_calls (session, seq, step, party, model, request, usage, latency, retries) "
        "VALUES ('example-cancel', 500, 1, 'actor', 'm', '{}', '{}', 1.0, '[]')"
    )
    assert any("model call" in problem for problem in verify(database).problems)


def test_a_damaged_file_is_named_and_nothing_more_is_said_of_it(tmp_path):
    for path in TRACES:
        acc("import", path)
    copy = tmp_path / "copy.db"
    acc("db", "backup", copy)
    data = bytearray(copy.read_bytes())
    for page in range(4096 * 8, len(data), 4096):
        data[page : page + 200] = b"\xff" * 200
    copy.write_bytes(bytes(data))
    done = acc("db", "verify", "--db", copy)
    assert done.code == 1
    assert "restore" in done.error


def test_the_path_is_where_the_database_is_or_will_be(tmp_path):
    assert Path(acc("db", "path").out.strip()) == database_path()
    assert acc("db", "path", "--db", tmp_path / "x.db").out.strip() == str(tmp_path / "x.db")
    missing = acc("db", "verify", "--db", tmp_path / "x.db")
    assert (missing.code, (tmp_path / "x.db").exists()) == (3, False)


def test_a_copy_is_a_record_like_any_other_and_overwrites_nothing(database, tmp_path):
    copy = tmp_path / "copy.db"
    done = acc("db", "backup", copy, "--json")
    assert done.json == {"file": str(copy), "bytes": copy.stat().st_size}
    assert acc("sessions", "--db", copy, "--json").json == acc("sessions", "--json").json
    assert acc("db", "verify", "--db", copy).code == 0
    assert acc("db", "backup", copy).code == 2
    with pytest.raises(UsageError):
        backup(database, database.path)
    assert acc("db", "backup", tmp_path / "missing" / "copy.db").code == 1
    named = Path(acc("db", "backup").out.strip())
    assert named.parent == database_path().parent
    assert named.stat().st_size == copy.stat().st_size
    assert [p.name for p in tmp_path.glob("*.part*")] == []


def test_a_copy_and_a_check_are_whole_while_others_write(tmp_path):
    (events,) = trace.read(TRACES[-1])
    database_path().parent.mkdir(parents=True, exist_ok=True)
    stop, failures = threading.Event(), []

    def write(number):
        from msgspec.structs import replace

        try:
            with open_database(database_path()) as mine:
                count = 0
                while not stop.is_set() or count == 0:
                    recorder = Recorder(mine)
                    for event in [replace(events[0], session=f"w{number}n{count}"), *events[1:]]:
                        recorder.record(event)
                    count += 1
        except Exception as error:
            failures.append(error)

    open_database(database_path()).close()
    threads = [threading.Thread(target=write, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    try:
        with open_database(database_path()) as reader:
            for number in range(4):
                assert verify(reader).problems == ()
                copy = tmp_path / f"{number}.db"
                backup(reader, copy)
                with open_database(copy) as opened:
                    assert verify(opened).problems == ()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    with open_database(database_path()) as whole, sqlite3.connect(tmp_path / "3.db") as copied:
        assert copied.execute("SELECT count(*) FROM sessions").fetchone()[0] <= len(Library(whole).sessions())
