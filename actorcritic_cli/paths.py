"""Where things lie: the database, fetched data, logs and caches.

``ACC_HOME`` moves everything at once; ``ACC_DB`` (or ``--db``) names the database alone.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from actorcritic_cli.errors import AccError


def data_dir() -> Path:
    """Return the folder for what must be kept (database, fetched environments), created if missing."""
    home = os.environ.get("ACC_HOME")
    return _made(Path(home) if home else Path(platformdirs.user_data_dir("acc", appauthor=False)))


def cache_dir() -> Path:
    """Return the folder for what can be made again (demo model, prefix states), created if missing."""
    home = os.environ.get("ACC_HOME")
    return _made(Path(home) / "cache" if home else Path(platformdirs.user_cache_dir("acc", appauthor=False)))


def log_dir() -> Path:
    """Return the folder for log files (the critic worker's stderr), created if missing."""
    home = os.environ.get("ACC_HOME")
    return _made(Path(home) / "log" if home else Path(platformdirs.user_log_dir("acc", appauthor=False)))


def database_path(option: Path | None = None) -> Path:
    """Return the database's path: ``--db``, else ``ACC_DB``, else ``acc.db`` in the data folder."""
    if option is not None:
        return option
    named = os.environ.get("ACC_DB")
    return Path(named) if named else data_dir() / "acc.db"


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AccError(
            f"Cannot create the folder {folder} ({error.strerror}); set ACC_HOME to a writable one."
        ) from error
    return folder
