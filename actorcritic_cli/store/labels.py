"""Labels of recorded proposals, given after the fact.

A proposal has at most one label of a source and labeller: a new one takes the place of the old. What came with an event (a
simulated actor's own, a person's ruling in a chat) is written by the recorder.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping

from msgspec import Struct

from actorcritic_cli.errors import NotFound, UsageError
from actorcritic_cli.store.database import Database
from actorcritic_cli.types import Effect, Label, LabelSource, LabelWord, ProposalKind

_SELECT = (
    "SELECT p.session, p.step, p.attempt, p.kind, p.tool, p.effect, l.source, l.labeller, l.label, l.why, "
    "l.created_at AS at FROM labels l JOIN proposals p ON p.id = l.proposal "
)


class Labelled(Struct, frozen=True):
    """A label on record. ``labeller`` is who gave it, empty for the person at this machine and for every other source;
    ``at`` Unix seconds."""

    session: str
    step: int
    attempt: int
    kind: ProposalKind
    tool: str | None
    effect: Effect | None
    source: LabelSource
    labeller: str
    label: LabelWord
    why: str
    at: float


class LabelChanges(Struct):
    """How many labels an inference added, changed, took away and found as they were."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    same: int = 0

    def add(self, other: LabelChanges) -> None:
        """Count another session's changes too."""
        self.added += other.added
        self.changed += other.changed
        self.removed += other.removed
        self.same += other.same


def labels(
    database: Database,
    *,
    session: str | None = None,
    run: str | None = None,
    source: LabelSource | None = None,
    labeller: str | None = None,
) -> Iterator[Labelled]:
    """Yield labels, session by session in the order of their proposals; of one session or run, if named."""
    conditions = {"p.session": session, "s.run": run, "l.source": source, "l.labeller": labeller}
    given = {column: value for column, value in conditions.items() if value is not None}
    where = "WHERE " + " AND ".join(f"{column} = ?" for column in given) if given else ""
    for row in database.rows(
        f"{_SELECT} JOIN sessions s ON s.id = p.session {where} "
        "ORDER BY s.created_at, p.session, p.step, p.attempt, l.source, l.labeller, l.id",
        list(given.values()),
    ):
        yield Labelled(**dict(row))


def put_label(database: Database, session: str, step: int, attempt: int, label: Label, labeller: str = "") -> None:
    """Label a proposal; the same labeller's earlier label goes. Raises ``NotFound``."""
    with database.writing() as connection:
        proposal = _proposal(connection, session, step, attempt)
        _take(connection, proposal, label.source, labeller)
        _put(connection, proposal, label, labeller)


def take_label(
    database: Database, session: str, step: int, attempt: int, source: LabelSource = "human", labeller: str = ""
) -> bool:
    """Take a label off a proposal; return whether there was one. Raises ``NotFound``, ``UsageError`` for an oracle's."""
    if source == "oracle":
        raise UsageError("An oracle's label is part of what was recorded; it cannot be removed.")
    with database.writing() as connection:
        return _take(connection, _proposal(connection, session, step, attempt), source, labeller) > 0


def infer_labels(
    database: Database, session: str, source: LabelSource, found: Mapping[tuple[int, int], Label]
) -> LabelChanges:
    """Make a session's labels of an inferred source exactly these (step and attempt → label); what is right stays."""
    changes = LabelChanges()
    with database.writing() as connection:
        there = {
            (row["step"], row["attempt"]): row
            for row in connection.execute(
                "SELECT p.step, p.attempt, p.id AS proposal, l.label, l.why FROM labels l "
                "JOIN proposals p ON p.id = l.proposal WHERE p.session = ? AND l.source = ? AND l.seq IS NULL",
                (session, source),
            )
        }
        for place, row in there.items():
            if place not in found:
                changes.removed += 1
                _take(connection, row["proposal"], source, "")
        for place, label in found.items():
            known = there.get(place)
            if known is not None and (known["label"], known["why"]) == (label.label, label.why):
                changes.same += 1
                continue
            if known is None:
                changes.added += 1
            else:
                changes.changed += 1
            proposal = _proposal(connection, session, *place)
            _take(connection, proposal, source, "")
            _put(connection, proposal, label, "")
    return changes


def _proposal(connection: sqlite3.Connection, session: str, step: int, attempt: int) -> int:
    row = connection.execute(
        "SELECT id FROM proposals WHERE session = ? AND step = ? AND attempt = ?", (session, step, attempt)
    ).fetchone()
    if row is None:
        raise NotFound(f"Session {session} has no proposal {step}.{attempt}; acc replay {session} shows its turns.")
    return int(row["id"])


def _take(connection: sqlite3.Connection, proposal: int, source: LabelSource, labeller: str) -> int:
    return connection.execute(
        "DELETE FROM labels WHERE proposal = ? AND source = ? AND labeller = ?", (proposal, source, labeller)
    ).rowcount


def _put(connection: sqlite3.Connection, proposal: int, label: Label, labeller: str) -> None:
    connection.execute(
        "INSERT INTO labels (proposal, source, label, why, created_at, labeller) VALUES (?, ?, ?, ?, ?, ?)",
        (proposal, label.source, label.label, label.why, time.time(), labeller),
    )
