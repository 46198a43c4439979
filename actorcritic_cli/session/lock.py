"""One process at a time holds a run (or a session): an advisory lock that a crash releases by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actorcritic_cli.errors import AccError


@contextmanager
def held(database: Path, name: str) -> Iterator[None]:
    """Hold the lock ``name`` beside a database. Raises ``AccError`` when another process has it.

    The lock file stays behind when its process is killed; the lock itself does not, so it never needs clearing.
    """
    try:
        import fcntl
    except ImportError:  # no advisory locks on this system: the record's unique numbering still prevents doubling
        yield
        return
    path = database.with_name(f"{database.name}.{name}.lock")
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AccError(f"Another process is working on {name}; wait until it has finished.") from error
        yield
        path.unlink(missing_ok=True)
    finally:
        os.close(handle)
