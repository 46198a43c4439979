"""Handing batches of rows to SQLite beside the thread that makes them.

SQLite works without holding Python's lock, so while one batch is written the next one is made. A batch at a time is under
way: memory is bounded, and rows arrive in the order in which they were given.
"""

from __future__ import annotations

import sqlite3
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from actorcritic_cli.store.bulk_tables import insert

Batch = dict[str, list[Any]]
"""Table → the values of its rows, as ``bulk_tables.insert`` takes them."""

_SWITCH_SECONDS = 0.0005
"""How long a thread that comes back from SQLite waits for the one that makes rows; Python's own 5 ms are ten statements."""


class Inserter:
    """Writes batches within the transaction that the connection is in. Close it before the transaction ends."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        self._beside: ThreadPoolExecutor | None = None
        self._under_way: Future[None] | None = None
        self._interval = sys.getswitchinterval()

    @property
    def beside(self) -> bool:
        """Whether batches are written on a thread of their own, which holds up other uses of the connection."""
        return self._beside is not None

    def begin(self, batch: Batch) -> None:
        """Have a batch written. Raises what went wrong with the one before it."""
        self.finish()
        if sqlite3.threadsafety < 3:  # this SQLite does not let two threads use a connection
            self._write(batch)
            return
        if self._beside is None:
            self._beside = ThreadPoolExecutor(1, "acc-insert")
            sys.setswitchinterval(_SWITCH_SECONDS)
        self._under_way = self._beside.submit(self._write, batch)

    def write(self, batch: Batch) -> None:
        """Write a batch, after those before it. Raises what went wrong."""
        self.finish()
        self._write(batch)

    def finish(self) -> None:
        """Wait until what was begun is written. Raises what went wrong."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            under_way.result()

    def close(self) -> None:
        """Let the connection go, whatever became of the last batch. Idempotent."""
        if self._beside is not None:
            self._beside.shutdown()
            self._beside = None
            sys.setswitchinterval(self._interval)

    def _write(self, batch: Batch) -> None:
        for table, values in batch.items():
            insert(self._connection, table, values)
