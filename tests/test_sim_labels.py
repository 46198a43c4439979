"""What a simulated actor knows of its own proposals is kept with them."""

from __future__ import annotations

import io

from msgspec.structs import replace

from actorcritic_cli.exchange import trace
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import Label
from tests.parties import actor_of, call, reply, session_of

LABELS = [Label("approve"), Label("revise", "wrong record: R1.6"), None]


def labelled_session():
    made = [reply("Good day."), call("list_all_airports", {}), reply("Bye.")]
    steps = [replace(p, label=label) for p, label in zip(made, LABELS, strict=True)]
    session, started = session_of(actor_of(*steps), ["Hi", "Go on", "###STOP###"])
    return [started, *session.events()]


def proposed(events):
    return [event for event in events if type(event).__name__ == "Proposed"]


def test_a_label_comes_back_from_the_record_with_its_proposal(tmp_path):
    events = labelled_session()
    assert [event.label for event in proposed(events)] == LABELS
    with open_database(tmp_path / "a.db") as database:
        recorder = Recorder(database)
        for event in events:
            recorder.record(event)
        assert list(Library(database).events("s1")) == events
        rows = database.rows(
            "SELECT p.step, l.source, l.label, l.why FROM labels l JOIN proposals p ON p.id = l.proposal"
        )
        assert [tuple(row) for row in rows] == [
            (1, "oracle", "approve", ""),
            (2, "oracle", "revise", "wrong record: R1.6"),
        ]


def test_a_label_given_afterwards_is_no_part_of_what_happened(tmp_path):
    events = labelled_session()
    with open_database(tmp_path / "a.db") as database:
        recorder = Recorder(database)
        for event in events:
            recorder.record(event)
        with database.writing() as connection:
            connection.execute(
                "INSERT INTO labels (proposal, source, label, why, created_at) "
                "SELECT id, 'human', 'revise', 'no', 1e9 FROM proposals"
            )
        assert list(Library(database).events("s1")) == events


def test_a_label_comes_back_from_a_trace(tmp_path):
    events = labelled_session()
    file = io.BytesIO()
    trace.write(file, events)
    path = tmp_path / "t.jsonl"
    path.write_bytes(file.getvalue())
    assert list(trace.read(path)) == [tuple(events)]
    assert file.getvalue().count(b'"label":{') == 2
