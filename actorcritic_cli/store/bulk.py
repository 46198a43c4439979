"""Writes whole sessions at once: the rows that ``Recorder`` writes event by event, in a fraction of the time.

An import has its sessions complete before it writes the first of them, so nothing needs to be on disk before an effect:
rows are collected over many sessions (``bulk_rows``) and handed to SQLite by the table (``bulk_tables``) while the next ones
are made (``bulk_insert``), messages in the order of their ids (they lie in that order in the file). What ends up in the
database is the same to the row; a test holds the two writers side by side. Sessions in which the actor proposes several
candidates at once are left to ``Recorder``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from actorcritic_cli.errors import AccError
from actorcritic_cli.session.choose import chooses
from actorcritic_cli.session.events import Event, Started
from actorcritic_cli.store.bulk_insert import Batch, Inserter
from actorcritic_cli.store.bulk_rows import KINDS, DoesNotFollow, InCommon, MessageRow, SessionRows
from actorcritic_cli.store.bulk_tables import BY_SESSION, COLUMNS, next_numbers
from actorcritic_cli.store.database import Database
from actorcritic_cli.store.recorder import Recorder

__all__ = ["BulkRecorder", "DoesNotFollow", "bulk_writing"]

BATCH_EVENTS = 12_000
BATCH_CHARACTERS = 12_000_000
"""When collected rows are written: this bounds the memory that a writer takes (one batch is made while one is written)."""
_FIRST_BATCH = 1_500
"""Events of the first batch; each has twice as many as the one before, up to those. So writing begins at once, and a small
file's rows are made and written side by side, too."""

_KIBIBYTES_IN_MEMORY = 64_000
"""How much of the database SQLite keeps while it is written to: a million messages come in the order of a hash."""


@contextmanager
def bulk_writing(database: Database) -> Iterator[BulkRecorder]:
    """Hold one transaction in which whole sessions are written: all that is added is on record, or nothing.

    Foreign keys are not looked at meanwhile (every row's parent is written with it, or was there).
    """
    connection = database.connection
    cache = connection.execute("PRAGMA cache_size").fetchone()[0]
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute(f"PRAGMA cache_size=-{_KIBIBYTES_IN_MEMORY}")
    try:
        with database.writing():
            recorder = BulkRecorder(database)
            try:
                yield recorder
                recorder.flush()
            finally:
                recorder.close()
    finally:
        connection.execute(f"PRAGMA cache_size={cache}")
        connection.execute("PRAGMA foreign_keys=ON")


class BulkRecorder:
    """The writer of many sessions; made by ``bulk_writing``."""

    def __init__(self, database: Database):
        self.database = database
        self._inserter = Inserter(database.connection)
        self._common = InCommon()
        self._collected: dict[str, SessionRows] = {}
        """Sessions that are to be written."""
        self._messages: dict[str, MessageRow] = {}
        self._events = self._characters = 0
        self._enough = min(_FIRST_BATCH, BATCH_EVENTS)
        self._written: set[str] | None = None
        """All sessions on record, once it would hold things up to ask."""
        self._trials: set[tuple[str, str, int]] = set()
        self._runs: dict[str, bool] = {}
        """Run → whether it had sessions before this writer came to it."""
        self._numbers = next_numbers(database.connection)

    def holds(self, session: str) -> bool:
        """Whether a session is on record, or among those to be written."""
        if session in self._collected:
            return True
        if self._written is not None:
            return session in self._written
        return self.database.row("SELECT 1 FROM sessions WHERE id = ?", (session,)) is not None

    def add(self, events: Sequence[Event]) -> None:
        """Add one session, from its start on. Raises ``DoesNotFollow``, and then nothing of it will be written."""
        started = events[0] if events else None
        if not isinstance(started, Started):
            raise DoesNotFollow("a session begins with a started event")
        self._check_new(started)
        if chooses(started.spec.supervision) or not all(type(event) in KINDS for event in events):
            self._record(events)
        else:
            rows = SessionRows(started, self._common, self._numbers)
            rows.write(events)
            self._take(rows, len(events))
        if started.run is not None and started.spec.task_id is not None:
            self._trials.add((started.run, started.spec.task_id, started.spec.trial))

    def flush(self) -> None:
        """Have everything collected on record, within the transaction, when this returns."""
        with _fitting():
            self._inserter.write(self._batch())

    def close(self) -> None:
        """Let the connection go. Idempotent."""
        self._inserter.close()

    def _take(self, rows: SessionRows, events: int) -> None:
        self._collected[rows.id] = rows
        self._messages |= rows.messages
        self._numbers = rows.numbers
        self._events += events
        self._characters += rows.characters
        if self._events >= self._enough or self._characters >= BATCH_CHARACTERS:
            if self._written is None:
                self._written = {row[0] for row in self.database.tuples("SELECT id FROM sessions")}
            with _fitting():
                self._inserter.begin(self._batch())
            self._enough = min(2 * self._enough, BATCH_EVENTS)

    def _batch(self) -> Batch:
        """Return what was collected, table by table, and begin anew."""
        batch: Batch = {table: [] for table in COLUMNS}
        toolsets: dict[str, str] = {}
        for rows in self._collected.values():
            if rows.toolset is not None:
                toolsets[rows.toolset[0]] = rows.toolset[1]
            for table, values in rows.values.items():
                if values and table not in BY_SESSION:
                    batch[table] += values
        for session in sorted(self._collected):
            for table in BY_SESSION:
                batch[table] += self._collected[session].values[table]
        batch["toolsets"] = list(chain.from_iterable(toolsets.items()))
        batch["messages"] = list(chain.from_iterable(map(self._messages.__getitem__, sorted(self._messages))))
        if self._written is not None:
            self._written |= self._collected.keys()
        self._collected, self._messages = {}, {}
        self._events = self._characters = 0
        return batch

    def _check_new(self, started: Started) -> None:
        if self.holds(started.session):
            raise DoesNotFollow(f"there is a session {started.session} already")
        if started.run is None or started.spec.task_id is None:
            return
        trial = (started.run, started.spec.task_id, started.spec.trial)
        if started.run not in self._runs:
            held = self.database.row("SELECT 1 FROM sessions WHERE run = ?", (started.run,)) is not None
            self._runs[started.run] = held
        if trial in self._trials or (
            self._runs[started.run]
            and self.database.row("SELECT 1 FROM sessions WHERE run = ? AND task = ? AND trial = ?", trial) is not None
        ):
            raise DoesNotFollow(f"run {trial[0]} has a trial {trial[2]} of task {trial[1]} already")

    def _record(self, events: Sequence[Event]) -> None:
        """Write a session event by event."""
        self.flush()
        recorder = Recorder(self.database)
        self.database.connection.execute("SAVEPOINT session")
        try:
            for event in events:
                recorder.record(event)
        except (LookupError, sqlite3.IntegrityError) as error:
            self.database.connection.execute("ROLLBACK TO session")
            raise DoesNotFollow(f"{type(error).__name__}: {error}") from error
        finally:
            self.database.connection.execute("RELEASE session")
        if self._written is not None:
            self._written.add(recorder.session)
        self._numbers = next_numbers(self.database.connection)


@contextmanager
def _fitting() -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise AccError(f"The sessions do not fit in with those on record ({error}); nothing was imported.") from error
