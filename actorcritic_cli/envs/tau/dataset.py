"""A data set on disk: one folder with a JSON file for each table, the policy and the tasks.

Three layouts are understood, so that a checkout of the benchmark can be used as it is: ``ROOT/airline/`` (how ``acc``
stores it), the domain's folder itself, and ``ROOT/tau_bench/envs/airline/``, the benchmark's own.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from actorcritic_cli.envs.tau.database import Database
from actorcritic_cli.envs.tau.domain import Domain
from actorcritic_cli.envs.tau.tasks import read_tasks
from actorcritic_cli.errors import AccError
from actorcritic_cli.types import Task

POLICY_NAMES = ("policy.md", "wiki.md")
TASK_NAMES = ("tasks.json", "tasks_test.json", "tasks_test.py")
"""The files of the usual tasks. Other lists have files of their own (``tasks_train.json``)."""


class Files(Struct, frozen=True):
    """Where the parts of a data set lie: a file for each table, in the order of the domain, the policy, the tasks."""

    tables: tuple[tuple[str, Path], ...]
    policy: Path
    tasks: Path

    def all(self) -> tuple[Path, ...]:
        """All files."""
        return (*(path for _, path in self.tables), self.policy, self.tasks)


class Dataset(Struct, frozen=True):
    """A data set in memory."""

    database: Database
    policy: str
    tasks: tuple[Task, ...]


def locate(root: Path, domain: Domain, users: str = "users.json", task_list: str = "") -> Files | None:
    """Return the files of a domain below ``root``, or ``None`` when they are not all there.

    ``users`` names the file of users, of which the official data have an older edition too; ``task_list`` one of the
    domain's further task lists.
    """
    task_names = (f"tasks_{task_list}.json", f"tasks_{task_list}.py") if task_list else TASK_NAMES
    for base in (root / domain.name, root / "tau_bench" / "envs" / domain.name, root):
        data = base / "data" if (base / "data").is_dir() else base
        tables = tuple((name, data / (users if name == "users" else f"{name}.json")) for name in domain.tables)
        policy = _first(base, POLICY_NAMES)
        tasks = _first(base, task_names)
        if policy and tasks and all(path.is_file() for _, path in tables):
            return Files(tables, policy, tasks)
    return None


def load(files: Files) -> Dataset:
    """Read a data set, once per process while its files stay as they are. Raises ``AccError`` for a broken file."""
    return _load(files, tuple(path.stat().st_mtime_ns for path in files.all()))


@lru_cache(maxsize=8)
def _load(files: Files, times: tuple[int, ...]) -> Dataset:
    tables = {name: _table(path) for name, path in files.tables}
    return Dataset(Database(tables), text_of(files.policy), read_tasks(files.tasks))


def _first(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def text_of(path: Path) -> str:
    """Return a file's text with the line ends it has: the policy is part of every prompt, byte for byte."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AccError(f"Cannot read {path} ({error}); fetch the data set again.") from error


def _table(path: Path) -> dict[str, dict[str, Any]]:
    try:
        value = json.loads(text_of(path))
    except (ValueError, RecursionError) as error:
        raise AccError(f"{path} is no valid JSON ({error}); fetch the data set again.") from error
    if not isinstance(value, dict) or not all(isinstance(record, dict) for record in value.values()):
        raise AccError(f"{path} is not an object of records; fetch the data set again.")
    return value
