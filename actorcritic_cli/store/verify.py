"""Checking that the record is what it claims to be: every hash derived again, every row where it belongs.

The promise of the store is that a message's id is the hash of what was said and of all that came before, that a session's
accepted transcript is one chain of such ids, and that whatever else is recorded hangs on an event of the session's spine.
This file proves it, or says where it does not hold. It reads and changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from actorcritic_cli.hashing import message_id, sha256
from actorcritic_cli.store.database import Database
from actorcritic_cli.types import Message

_COUNTED = (
    "runs",
    "sessions",
    "events",
    "messages",
    "proposals",
    "verdicts",
    "decisions",
    "steps",
    "model_calls",
    "critics",
    "labels",
)

_ON_THE_SPINE = {
    # table: (kind of its event, the column that names it, a condition on the rows that have one)
    "proposals": ("proposed", "seq", "1"),
    "choices": ("compared", "seq", "1"),
    "verdicts": ("judged", "seq", "t.live = 1"),
    "decisions": ("decided", "seq", "1"),
    "failures": ("failed", "seq", "1"),
    "steps": ("acted", "acted_seq", "t.acted_seq IS NOT NULL"),
}


class Verified(Struct, frozen=True):
    """What was found: how many rows each table has, and every problem in words."""

    counts: dict[str, int]
    problems: tuple[str, ...]


def verify(database: Database, progress: Callable[[int, int | None], None] | None = None) -> Verified:
    """Check the whole record. ``progress`` is told how many sessions are checked. Raises ``AccError`` for a file so
    damaged that it cannot be read."""
    database.connection.execute("BEGIN")  # one moment of the record, whoever writes meanwhile
    try:
        return _verify(database, progress)
    finally:
        if database.connection.in_transaction:
            database.connection.execute("ROLLBACK")


def _verify(database: Database, progress: Callable[[int, int | None], None] | None) -> Verified:
    counts = {table: database.rows(f"SELECT count(*) FROM {table}")[0][0] for table in _COUNTED}
    damage = tuple(_file(database))
    if damage:  # what is in a damaged file says nothing
        return Verified(counts, damage)
    problems = [*_foreign_keys(database), *_messages(database), *_spines(database), *_hangers(database)]
    problems += [*_labels(database), *_search(database)]
    rows = database.rows("SELECT id, opening, head FROM sessions ORDER BY created_at, id")
    for done, row in enumerate(rows, start=1):
        problems += _chain(database, row)
        if progress is not None:
            progress(done, len(rows))
    return Verified(counts, tuple(problems))


def _file(database: Database) -> Iterator[str]:
    for row in database.rows("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield f"the file is damaged: {row[0]}"


def _foreign_keys(database: Database) -> Iterator[str]:
    for row in database.rows("PRAGMA foreign_key_check"):
        yield f"a row of {row['table']} refers to a row of {row['parent']} that is not there"


def _messages(database: Database) -> Iterator[str]:
    cursor = database.connection.execute("SELECT id, parent, role, body FROM messages")
    for row in cursor:
        if sha256(f"{row['parent'] or ''}\n{row['body']}")[:32] != row["id"]:
            yield f"message {row['id']} is not what its id says: its text or its parent was changed"
        elif _role(row["body"]) != row["role"]:
            yield f"message {row['id']} has the role {row['role']} beside another in its text"


def _role(body: str) -> str | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value.get("role") if isinstance(value, dict) else None


def _spines(database: Database) -> Iterator[str]:
    """Every session's events are numbered 0, 1, 2 …, begin with ``started``, and end with ``ended`` if it has ended."""
    for row in database.rows(
        "SELECT s.id, s.termination, count(e.seq) AS n, min(e.seq) AS first, max(e.seq) AS last, "
        "sum(e.kind = 'started') AS starts, sum(e.kind = 'ended') AS ends, "
        "max(CASE WHEN e.kind = 'started' THEN e.seq END) AS started, "
        "max(CASE WHEN e.kind = 'ended' THEN e.seq END) AS ended "
        "FROM sessions s LEFT JOIN events e ON e.session = s.id GROUP BY s.id"
    ):
        if row["n"] == 0:
            yield f"session {row['id']} has no events"
            continue
        if row["first"] != 0 or row["last"] != row["n"] - 1:
            yield f"session {row['id']} has a gap in its events: {row['n']} of them, numbered up to {row['last']}"
        if row["starts"] != 1 or row["started"] != 0:
            yield f"session {row['id']} does not begin with its start"
        if (row["termination"] is not None) != (row["ends"] == 1) or (row["ends"] and row["ended"] != row["last"]):
            yield f"session {row['id']} has a termination and an end that do not fit"


def _hangers(database: Database) -> Iterator[str]:
    """Rows without their event, and events without their row."""
    for table, (kind, column, condition) in _ON_THE_SPINE.items():
        for row in database.rows(
            f"SELECT t.session, t.{column} AS seq FROM {table} t LEFT JOIN events e "
            f"ON e.session = t.session AND e.seq = t.{column} AND e.kind = '{kind}' WHERE {condition} AND e.seq IS NULL"
        ):
            yield f"a row of {table} in session {row['session']} has no event {row['seq']} of kind {kind}"
        for row in database.rows(
            f"SELECT e.session, e.seq FROM events e LEFT JOIN {table} t ON t.session = e.session "
            f"AND t.{column} = e.seq WHERE e.kind = '{kind}' AND t.session IS NULL"
        ):
            yield f"event {row['seq']} of session {row['session']} ({kind}) has no row in {table}"
    yield from _observations(database)
    for row in database.rows(
        "SELECT c.session, c.step, c.chosen FROM choices c LEFT JOIN proposals p ON p.session = c.session "
        "AND p.step = c.step AND p.attempt = c.chosen WHERE p.id IS NULL OR p.set_aside"
    ):
        yield f"what was chosen in step {row['step']} of session {row['session']} is not among its proposals"
    for row in database.rows(
        "SELECT c.session, c.seq FROM model_calls c LEFT JOIN events e ON e.session = c.session AND e.seq = c.seq "
        "WHERE e.seq IS NULL"
    ):
        yield f"a model call of session {row['session']} has no event {row['seq']}"
    for table in ("verdicts", "decisions"):
        for row in database.rows(
            f"SELECT t.id, t.session FROM {table} t JOIN proposals p ON p.id = t.proposal LEFT JOIN events e "
            "ON e.session = t.session AND e.seq = t.seq WHERE p.session <> t.session "
            "OR (e.seq IS NOT NULL AND (e.step <> p.step OR e.attempt <> p.attempt))"
        ):
            yield f"row {row['id']} of {table} in session {row['session']} belongs to another proposal"


def _labels(database: Database) -> Iterator[str]:
    """A label that came with an event hangs on one of its proposal's: as it was proposed, or ruled upon."""
    for row in database.rows(
        "SELECT l.id, p.session FROM labels l JOIN proposals p ON p.id = l.proposal LEFT JOIN events e "
        "ON e.session = p.session AND e.seq = l.seq AND e.step = p.step AND e.attempt = p.attempt "
        "AND e.kind IN ('proposed', 'decided') WHERE l.seq IS NOT NULL AND e.seq IS NULL"
    ):
        yield f"label {row['id']} in session {row['session']} names an event that is not its proposal's"


def _search(database: Database) -> Iterator[str]:
    """The search index never knows more of a session than there is."""
    for row in database.rows(
        "SELECT x.session FROM search_sessions x WHERE x.events > coalesce("
        "(SELECT max(seq) + 1 FROM events e WHERE e.session = x.session), 0)"
    ):
        yield f"the search index knows of more events of session {row['session']} than there are"


def _observations(database: Database) -> Iterator[str]:
    for row in database.rows(
        "SELECT t.session, t.step FROM steps t LEFT JOIN events e ON e.session = t.session AND e.seq = t.observed_seq "
        "AND e.kind = 'observed' AND e.step = t.step WHERE t.observed_seq IS NOT NULL AND e.seq IS NULL"
    ):
        yield f"what was observed in step {row['step']} of session {row['session']} has no event"
    for row in database.rows(
        "SELECT e.session, e.seq FROM events e LEFT JOIN steps t ON t.session = e.session AND t.observed_seq = e.seq "
        "WHERE e.kind = 'observed' AND t.session IS NULL"
    ):
        yield f"event {row['seq']} of session {row['session']} (observed) has no row in steps"


def _chain(database: Database, session: sqlite3.Row) -> Iterator[str]:
    """Follow a session's accepted transcript from its opening through its steps to its head."""
    name, head = session["id"], session["opening"]
    parents = _parents(database, session["head"])
    rows = {(p["step"], p["attempt"]): p for p in _proposals(database, name)}
    steps = database.rows("SELECT * FROM steps WHERE session = ? ORDER BY step", (name,))
    for before, step in zip([None, *steps], steps, strict=False):
        if step["step"] != (before["step"] + 1 if before is not None else min(step["step"], 1)):
            yield f"session {name} lacks the step before step {step['step']}"
            return
        where = f"step {step['step']} of session {name}"
        for (number, attempt), proposal in rows.items():
            if number == step["step"]:
                yield from _proposal(proposal, head, f"proposal {attempt} in {where}")
        if step["message"] is not None:
            accepted = rows.get((step["step"], step["attempt"]))
            if accepted is None:
                yield f"{where} accepted a proposal that is not on record"
            elif _id_of(step["exact"] or accepted["exact"], head) != step["message"]:
                yield f"the accepted message in {where} is not the one that was proposed"
            if parents.get(step["message"], "?") != head:
                yield f"the accepted message in {where} does not follow on the transcript before it"
            head = step["message"]
        if step["observation"] is not None:
            back = _back(parents, step["observation"], step["observations"])
            if back != head:
                yield f"what was observed in {where} does not follow on the transcript before it"
            head = step["observation"]
    if head != session["head"]:
        yield f"the transcript of session {name} does not end where its steps end"


def _proposals(database: Database, session: str) -> list[sqlite3.Row]:
    return database.rows(
        "SELECT p.step, p.attempt, p.message, p.exact, m.parent FROM proposals p LEFT JOIN messages m ON m.id = p.message "
        "WHERE p.session = ? ORDER BY p.step, p.attempt",
        (session,),
    )


def _proposal(row: sqlite3.Row, head: str | None, what: str) -> Iterator[str]:
    if row["parent"] != head:
        yield f"{what} does not follow on the transcript before it"
    elif _id_of(row["exact"], head) != row["message"]:
        yield f"{what} is not what its message says"


def _parents(database: Database, head: str | None) -> dict[str, str | None]:
    """Return the parent of every message from a head back to the first."""
    rows = database.rows(
        "WITH RECURSIVE chain(id, parent) AS (SELECT id, parent FROM messages WHERE id = ? UNION "
        "SELECT m.id, m.parent FROM chain c JOIN messages m ON m.id = c.parent) SELECT id, parent FROM chain",
        (head,),
    )
    return {row["id"]: row["parent"] for row in rows}


def _back(parents: dict[str, str | None], message: str, count: int) -> str | None:
    """Return the message ``count`` places before one; ``?`` when the chain does not hold it."""
    place: str | None = message
    for _ in range(count):
        place = parents.get(place, "?") if place is not None else "?"
    return place


def _id_of(exact: str, parent: str | None) -> str | None:
    """Return the id of a message stored as it came; ``None`` when it cannot be read."""
    try:
        return message_id(msgspec.json.decode(exact, type=Message), parent)
    except msgspec.DecodeError:
        return None
