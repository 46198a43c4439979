"""Copying the record while it is in use, through SQLite's own backup: the copy is one consistent moment."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.store.database import Database


def backup(database: Database, target: Path) -> int:
    """Copy the record to a new file, all or nothing; return its size in bytes.

    Raises ``UsageError`` when the file is there already, ``AccError`` when it cannot be written.
    """
    if target.exists():
        raise UsageError(f"{target} is there already; name a new file, or remove it first.")
    half = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        copy = sqlite3.connect(half)
        try:
            # All pages in one step: writers meanwhile go on in the write-ahead log.
            database.connection.backup(copy, pages=-1)
        finally:
            copy.close()
        half.rename(target)
    except (sqlite3.Error, OSError) as error:
        raise AccError(
            f"Cannot write the backup {target} ({error}); name a file in a folder with enough space."
        ) from error
    finally:
        for left in (half, half.with_name(half.name + "-wal"), half.with_name(half.name + "-shm")):
            left.unlink(missing_ok=True)
    return target.stat().st_size
