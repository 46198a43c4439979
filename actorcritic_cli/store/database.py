"""Opening the database file: pragmas, migrations, and clear words when that fails.

WAL lets readers and several writing processes share one file; every write is a short immediate transaction, so that a
second process waits (up to ``BUSY_SECONDS``) instead of failing.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actorcritic_cli.errors import AccError, NotFound

SCHEMA_VERSION = 7
"""Number of migrations; kept in ``PRAGMA user_version`` so that an up-to-date file opens without looking further."""

BUSY_SECONDS = 60.0

PAGE_BYTES = 16_384
"""A tool's result or a policy mostly fits into a page of this size; in SQLite's own 4 KiB it takes a chain of pages."""


class Database:
    """One connection to the record. Use one per thread; close it, or use it as a context manager."""

    def __init__(self, path: Path, connection: sqlite3.Connection):
        self.path = path
        self.connection = connection

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Idempotent."""
        self.connection.close()

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """Hold one immediate transaction: all of it is written, or nothing. Nested use joins the outer one.

        What is written outlives this process in any case. With ``durable`` it (and all before it) is on the disk itself
        when this returns, so that it outlives a power cut too, for the price of a flush.
        """
        if self.connection.in_transaction:
            yield self.connection
            return
        with _clearly(self.path):
            self.connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def rows(self, sql: str, parameters: tuple[object, ...] | list[object] = ()) -> list[sqlite3.Row]:
        """Run a query and return its rows."""
        with _clearly(self.path):
            return self.connection.execute(sql, tuple(parameters)).fetchall()

    def tuples(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Run a query and yield its rows as plain tuples, one by one: for results of a million rows."""
        with _clearly(self.path):
            cursor = self.connection.cursor()
            cursor.row_factory = None
            yield from cursor.execute(sql, tuple(parameters))

    def row(self, sql: str, parameters: tuple[object, ...] = ()) -> sqlite3.Row | None:
        """Run a query and return its first row, or ``None``."""
        found = self.rows(sql, parameters)
        return found[0] if found else None


def open_database(path: Path, *, create: bool = True) -> Database:
    """Open the record, creating or migrating it where needed.

    Raises ``NotFound`` when the file is missing and ``create`` is false, ``AccError`` for a file that is no SQLite
    database, is newer than this version of acc, or cannot be opened.
    """
    if not create and not path.exists():
        raise NotFound(f"There is no database at {path}; record a session first (acc demo), or name another with --db.")
    with _clearly(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AccError(
                f"Cannot create the folder of {path} ({error.strerror}); choose another with --db."
            ) from error
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _prepare(path, connection)
        except BaseException:
            connection.close()
            raise
    return Database(path, connection)


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise AccError(
            f"{path} was written by a newer acc (schema {version}, this one knows {SCHEMA_VERSION}); upgrade acc."
        )
    connection.execute("PRAGMA foreign_keys=ON")
    if version < SCHEMA_VERSION:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and "_sqlite_migrations" not in tables:
            raise AccError(f"{path} is another program's database; name a different file with --db.")
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")  # what a new file gets; one that is there keeps its own
        _write_ahead(connection)
        _migrate(connection)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Make the file's journal a write-ahead log.

    Two processes that open a new file at once would each have to wait for the other's lock here. SQLite sees this and
    says "locked" at once, without its own waiting, so that we have to wait and try again.
    """
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
        time.sleep(random.uniform(0.005, 0.05))  # so that the two do not stay in step


def _migrate(connection: sqlite3.Connection) -> None:
    """Apply what is missing while holding the write lock, so that two processes cannot migrate at once."""
    import sqlite_utils

    from actorcritic_cli.store.migrations import migrations

    connection.execute("BEGIN IMMEDIATE")
    try:
        migrations.apply(sqlite_utils.Database(connection))
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _clearly(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences that say what to do."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "full" in text:
            raise AccError(
                f"The disk that holds {path} is full; free some space, then resume: all before is kept."
            ) from error
        if "locked" in text or "busy" in text:
            raise AccError(
                f"Another process holds {path} for over {BUSY_SECONDS:.0f} s; wait for it, then try again."
            ) from error
        if "not a database" in text or "malformed" in text:
            raise AccError(
                f"{path} is not a database that SQLite can read ({text}); name another with --db, or restore a backup."
            ) from error
        if "readonly" in text or "unable to open" in text:
            raise AccError(
                f"Cannot open {path} for writing ({text}); check its permissions or name another with --db."
            ) from error
        if "fts5" in text:
            raise AccError(
                "The SQLite of this Python has no full-text search (FTS5); use a Python whose SQLite has it."
            ) from error
        raise
