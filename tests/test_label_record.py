"""A person's rulings are labels; labels of an older database stay what they were."""

from __future__ import annotations

import sqlite3

import sqlite_utils

from actorcritic_cli.session.arbiter import Ruling
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.migrations import migrations
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.store.verify import verify
from actorcritic_cli.types import Supervision
from tests.parties import RuleCritic, Rulings, actor_of, reply, session_of

LABELS = "SELECT step, attempt, source, label, why FROM labels l JOIN proposals p ON p.id = l.proposal ORDER BY l.id"


def ruled(*rulings: Ruling):
    """Events of a session in which the critic objects to all and a person has the word."""
    actor = actor_of((reply("First."), reply("Second.")), reply("Bye."))
    session, started = session_of(
        actor,
        ["Hi", "###STOP###"],
        critic=RuleCritic(lambda case: 0.9),
        supervision=Supervision(max_revisions=0, out_of_revisions="ask"),
        arbiter=Rulings(*rulings),
    )
    return [started, *session.events()]


def record(database, events):
    recorder = Recorder(database)
    for event in events:
        recorder.record(event)


def test_a_persons_ruling_labels_the_proposal(tmp_path):
    events = ruled(Ruling("revise", "Say more."), Ruling("override", "it is fine"))
    with open_database(tmp_path / "a.db") as database:
        record(database, events)
        assert [tuple(row) for row in database.rows(LABELS)] == [
            (1, 0, "human", "revise", "Say more."),
            (1, 1, "human", "approve", "it is fine"),
        ]
        assert list(Library(database).events("s1")) == events


def test_stopping_a_session_says_nothing_of_the_proposal(tmp_path):
    with open_database(tmp_path / "a.db") as database:
        record(database, ruled(Ruling("stop")))
        assert database.rows(LABELS) == []


def test_an_older_database_keeps_its_labels_and_gains_those_of_its_rulings(tmp_path):
    events = ruled(Ruling("revise", "Say more."), Ruling("override", "it is fine"))
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    with open_database(new) as database:
        record(database, events)
        fresh = [tuple(row) for row in database.rows(LABELS)]
    _write_old_schema(old, new)
    with open_database(old) as database:
        rows = [tuple(row) for row in database.rows(LABELS)]
        assert [row for row in rows if row[2] == "human"] == fresh
        assert [row for row in rows if row[2] == "oracle"] == [(1, 0, "oracle", "revise", "slip")]
        assert database.row("SELECT count(*) FROM labels WHERE source = 'oracle' AND seq IS NOT NULL")[0] == 1
        assert [e.label.why for e in Library(database).events("s1") if getattr(e, "label", None)] == ["slip"]
        assert verify(database).problems == ()


def _write_old_schema(old, new):
    """Write a record as the second schema held it, with a label that came with its proposal."""
    with sqlite3.connect(old) as connection:
        before = sqlite_utils.Database(connection)
        migrations.apply(before, stop_before="m003_judged_again")
        connection.execute("PRAGMA user_version=2")
        connection.execute("ATTACH ? AS new", (str(new),))
        connection.execute("PRAGMA foreign_keys=OFF")
        for table in (
            "messages",
            "critics",
            "toolsets",
            "sessions",
            "events",
            "proposals",
            "verdicts",
            "decisions",
            "steps",
        ):
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))
            connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM new.{table}")
        connection.execute(
            "INSERT INTO labels (proposal, source, label, why, created_at) SELECT p.id, 'oracle', 'revise', 'slip', e.at "
            "FROM proposals p JOIN events e ON e.session = p.session AND e.seq = p.seq WHERE p.attempt = 0"
        )


def test_a_label_that_names_another_event_is_found(tmp_path):
    with open_database(tmp_path / "a.db") as database:
        record(database, ruled(Ruling("revise", "Say more."), Ruling("override", "it is fine")))
        assert verify(database).problems == ()
        database.connection.execute("UPDATE labels SET seq = 1")
        assert [problem for problem in verify(database).problems if "label" in problem]
