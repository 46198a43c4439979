"""The record: what is written is what happened, and comes back the same."""

from __future__ import annotations

import sqlite3
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.errors import AccError, NotFound, UsageError
from actorcritic_cli.hashing import chain_ids, message_id
from actorcritic_cli.session.events import Acted, Ended, Failed, Judged, Observed, Proposed, Started
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import Message, ModelCall, Proposal, SessionSpec, Supervision, ToolCall, Usage, Verdict
from tests.parties import RuleCritic, actor_of, call, reply, session_of
from tests.property_examples import examples


def a_session(name="s1"):
    """The events of a session with a rejected reply, a tool call and an ending."""
    critic = RuleCritic(lambda case: 0.9 if case.proposal.message.content == "bad" else 0.1)
    actor = actor_of([reply("bad"), reply("good")], call("list_all_airports", {}, "call_xyz"), reply("Done"))
    session, started = session_of(actor, ["Hi", "Go on", "###STOP###"], critic=critic, supervision=Supervision())
    return [_named(started, name), *session.events()]


def _named(started, name):
    from msgspec.structs import replace

    return replace(started, session=name)


def record(database, events):
    recorder = Recorder(database)
    for event in events:
        recorder.record(event)
    return recorder


def test_a_session_comes_back_event_by_event(tmp_path):
    events = a_session()
    with open_database(tmp_path / "a.db") as database:
        record(database, events)
        assert list(Library(database).events("s1")) == events


def test_failures_and_model_calls_come_back(tmp_path):
    spec = SessionSpec("tau_airline", "bundled", None, "gpt", "script")
    paid = ModelCall(
        "actor", "openai/x", {"temperature": 0}, '{"role":"assistant"}', Usage(3, 4, 1, {"a": 1}), 0.25, 1.5, ("429",)
    )
    failed = ModelCall("actor", "openai/x", error="gone")
    raw = Message("assistant", "hi", raw='{"role": "assistant", "content": "hi"}')
    events = [
        Started("s1", 1.0, spec, (Message("system", "p"),), actor="openai/x"),
        Observed(2.0, 0, (Message("user", "Hi"),)),
        Proposed(3.0, 1, 0, Proposal(raw), paid),
        Failed(4.0, 1, "actor", "the network is down", "infrastructure_error", failed),
        Ended(5.0, "infrastructure_error", "the network is down"),
    ]
    with open_database(tmp_path / "a.db") as database:
        record(database, events)
        assert list(Library(database).events("s1")) == events
        assert database.row("SELECT cost FROM model_calls WHERE error IS NOT NULL")["cost"] is None


def test_every_model_call_of_a_verdict_comes_back_and_is_counted(tmp_path):
    calls = (
        ModelCall("critic", "openai/x", response='{"content":"yes"}', usage=Usage(3, 1), cost=0.25),
        ModelCall("critic", "openai/x", response='{"content":"{}"}', usage=Usage(4, 9), cost=None, error="cut"),
    )
    verdict = Verdict("revise", "rule", 0.9, 0.5, calls=calls)
    critic = RuleCritic(lambda case: verdict if case.proposal.message.content == "bad" else 0.1)
    session, started = session_of(actor_of([reply("bad"), reply("good")]), ["Hi", "###STOP###"], critic=critic)
    events = [started, *session.events()]
    assert session.state.cost == 0.25
    with open_database(tmp_path / "a.db") as database:
        record(database, events)
        assert list(Library(database).events("s1")) == events
        assert [v.verdict.calls for v in Library(database).events("s1") if isinstance(v, Judged)] == [calls, ()]
        row = database.row("SELECT count(*) AS n, sum(cost) AS cost FROM model_calls WHERE party = 'critic'")
        assert (row["n"], row["cost"]) == (2, 0.25)


def test_sessions_of_the_same_task_share_their_prefix(tmp_path):
    with open_database(tmp_path / "a.db") as database:
        record(database, a_session("s1"))
        before = database.row("SELECT count(*) AS n FROM messages")["n"]
        record(database, a_session("s2"))
        assert database.row("SELECT count(*) AS n FROM messages")["n"] == before
        library = Library(database)
        assert library.chain("s1") == library.chain("s2")


def test_call_ids_belong_to_the_session_and_not_to_the_shared_message(tmp_path):
    def events(name, call_id):
        actor = actor_of(call("list_all_airports", {}, call_id), reply("Done"))
        session, started = session_of(actor, ["Hi", "###STOP###"])
        return [_named(started, name), *session.events()]

    with open_database(tmp_path / "a.db") as database:
        for name in ("s1", "s2"):
            record(database, events(name, f"call_{name}"))
        for name in ("s1", "s2"):
            back = list(Library(database).events(name))
            acted = next(e for e in back if isinstance(e, Acted))
            observed = [e for e in back if isinstance(e, Observed)][1]
            assert acted.message.tool_calls[0].id == f"call_{name}"
            assert observed.messages[0].tool_call_id == f"call_{name}"


def test_an_interrupted_session_is_written_on_where_it_stood(tmp_path):
    events = a_session()
    for cut in range(1, len(events)):
        with open_database(tmp_path / f"{cut}.db") as database:
            record(database, events[:cut])
            recorder = Recorder.resume(database, "s1")
            for event in events[cut:]:
                recorder.record(event)
            assert list(Library(database).events("s1")) == events


def test_two_writers_cannot_both_go_on_with_a_session(tmp_path):
    events = a_session()
    with open_database(tmp_path / "a.db") as database:
        record(database, events[:5])
        one, two = Recorder.resume(database, "s1"), Recorder.resume(database, "s1")
        one.record(events[5])
        with pytest.raises(AccError, match="another process"):
            two.record(events[5])
        for event in events[6:]:
            one.record(event)
        assert list(Library(database).events("s1")) == events


def test_many_threads_write_to_one_file(tmp_path):
    path = tmp_path / "a.db"
    failures = []

    def write(n):
        try:
            with open_database(path) as database:
                record(database, a_session(f"s{n}"))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_database(path) as database:
        assert len(Library(database).sessions()) == 8


def test_a_new_record_that_another_process_is_just_making_is_waited_for(tmp_path):
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")  # where SQLite itself does not wait: the file is not yet in WAL mode
    done = threading.Timer(0.3, lambda: other.execute("ROLLBACK"))
    done.start()
    with open_database(tmp_path / "a.db") as database:
        assert database.rows("SELECT count(*) FROM proposals")[0][0] == 0
    done.join()
    other.close()


def test_a_session_is_found_by_the_beginning_of_its_id(tmp_path):
    with open_database(tmp_path / "a.db") as database:
        library = Library(database)
        with pytest.raises(NotFound, match="no session on record"):
            library.find_session("last")
        for name in ("abc1", "abc2", "xyz", "abc"):
            record(database, a_session(name))
        assert library.find_session("x") == "xyz"
        assert library.find_session("abc") == "abc"
        with pytest.raises(UsageError, match="Several sessions"):
            library.find_session("ab")
        for unknown in ("nope", "", "%", "a_c"):
            with pytest.raises((NotFound, UsageError)):
                library.find_session(unknown)


def test_a_wrong_file_is_named_and_left_alone(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no database " * 100)
    with pytest.raises(AccError, match="not a database"):
        open_database(text)
    assert text.read_text() == "no database " * 100
    foreign = tmp_path / "other.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(AccError, match="another program"):
        open_database(foreign)
    with pytest.raises(NotFound):
        open_database(tmp_path / "missing.db", create=False)


def test_a_record_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "a.db"
    open_database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(AccError, match="newer acc"):
        open_database(path)


def test_a_full_disk_is_said_and_keeps_what_was_recorded(tmp_path):
    events = a_session()
    path = tmp_path / "a.db"
    with open_database(path) as database:
        recorder = record(database, events[:4])
        pages = database.row("PRAGMA page_count")[0]
        database.rows(f"PRAGMA max_page_count = {pages}")
        big = Proposed(9.0, 2, 0, Proposal(Message("assistant", "x" * 200_000)))
        with pytest.raises(AccError, match="full"):
            recorder.record(big)
    with open_database(path) as database:
        assert list(Library(database).events("s1")) == events[:4]


texts = st.text(max_size=20)
arguments = st.dictionaries(texts, st.one_of(texts, st.integers(), st.booleans(), st.none()), max_size=3)


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "tool"]), texts), min_size=1, max_size=6))
def test_a_messages_id_depends_on_all_that_came_before(chain):
    messages = [Message(role, text) for role, text in chain]
    ids = chain_ids(messages)
    assert len(set(ids)) == len(ids)
    for n, changed in enumerate(messages):
        other = [*messages[:n], Message(changed.role, changed.content + "!"), *messages[n + 1 :]]
        differing = chain_ids(other)
        assert differing[:n] == ids[:n]
        assert all(a != b for a, b in zip(differing[n:], ids[n:], strict=True))


@given(arguments, st.sampled_from([None, 0, 2]))
def test_how_arguments_are_written_and_call_ids_do_not_count(value, indent):
    import json

    plain = Message("assistant", None, (ToolCall("a", "t", json.dumps(value)),))
    other = Message("assistant", None, (ToolCall("b", "t", json.dumps(value, indent=indent)),), raw="{}")
    assert message_id(plain, "p") == message_id(other, "p")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(40), deadline=None)
@given(
    st.text(st.characters(codec=None), max_size=30), st.sampled_from(['{"a": "\\ud83d"}', "{", "[1]", '{"a": 1e400}'])
)
def test_whatever_a_model_writes_can_be_recorded(tmp_path_factory, text, arguments_text):
    from actorcritic_cli.text import encodable

    message = Message("assistant", encodable(text), (ToolCall("c", "t", arguments_text),))
    spec = SessionSpec("tau_airline", "bundled", None, "gpt", "script")
    events = [
        Started("s1", 1.0, spec, (Message("system", "p"),)),
        Proposed(3.0, 1, 0, Proposal(message)),
        Acted(3.0, 1, 0, message),
    ]
    with open_database(tmp_path_factory.mktemp("r") / "a.db") as database:
        record(database, events)
        assert list(Library(database).events("s1")) == events


def test_a_record_of_an_older_version_is_brought_up_to_date_with_all_that_is_in_it(tmp_path):
    import sqlite_utils

    from actorcritic_cli.store.migrations import migrations

    path = tmp_path / "old.db"
    old = sqlite_utils.Database(path)
    migrations.apply(old, stop_before="m002_whose_failure")
    old.execute("PRAGMA user_version = 1")
    old["runs"].insert(
        {"id": "r", "created_at": 1.0, "env": "e", "dataset": "d", "config": "{}", "planned": 0, "source": "live"}
    )
    old["sessions"].insert(
        {"id": "s", "created_at": 1.0, "env": "e", "dataset": "d", "trial": 0, "actor": "a", "user": "u",
         "supervise": "off", "spec": "{}", "source": "live", "extra": "{}"}
    )  # fmt: skip
    old["model_calls"].insert(
        {"session": "s", "seq": 4, "step": 1, "party": "actor", "model": "m", "request": "{}", "usage": "{}",
         "cost": 0.5, "latency": 1.0, "retries": "[]"}
    )  # fmt: skip
    old.close()
    with open_database(path) as database:
        kept = database.row("SELECT seq, number, party, cost FROM model_calls")
        assert tuple(kept) == (4, 0, "actor", 0.5)
        record(database, a_session())
        assert [run["id"] for run in Library(database).runs()] == ["r"]
        assert list(Library(database).events("s1")) == a_session()
