"""A τ² data set in memory, and the files it comes from.

Official data lie in one folder a domain: ``db.json``, ``policy.md``, ``tasks.json`` and ``split_tasks.json``. Three layouts
are understood: ``ROOT/airline/``, the domain's folder itself, and ``ROOT/data/tau2/domains/airline/``, a checkout of the
benchmark. The bundled data are those of ``tau_airline`` and ``tau_retail``, brought into v2's form.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli.envs.tau import dataset as v1
from actorcritic_cli.envs.tau.database import Database, Record
from actorcritic_cli.envs.tau.hashing import V2
from actorcritic_cli.envs.tau2.common import Domain
from actorcritic_cli.envs.tau2.records import typed
from actorcritic_cli.envs.tau2.tasks import FileTask, tasks_of
from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.types import Task


class Files(Struct, frozen=True):
    """Where the parts of an official data set lie; ``splits`` may be missing."""

    database: Path
    policy: Path
    tasks: Path
    splits: Path | None

    def all(self) -> tuple[Path, ...]:
        """All files."""
        return (self.database, self.policy, self.tasks, *((self.splits,) if self.splits else ()))


class Dataset(Struct, frozen=True):
    """A data set in memory; ``splits`` are parts of the tasks, name → ids."""

    database: Database
    policy: str
    tasks: tuple[Task, ...]
    splits: dict[str, tuple[str, ...]] = {}

    def split(self, name: str) -> Dataset:
        """Return the data set with a part of its tasks. Raises ``NotFound``."""
        if name not in self.splits:
            known = ", ".join(self.splits) or "none at all"
            raise NotFound(f"The data have no part '{name}' of the tasks, but {known}; fetch the data set again.")
        return msgspec.structs.replace(
            self, tasks=tuple(task for task in self.tasks if task.id in set(self.splits[name]))
        )


def locate(root: Path, domain: Domain) -> Files | None:
    """Return the official files of a domain below ``root``, or ``None`` when they are not all there."""
    for base in (root / domain.name, root / "data" / "tau2" / "domains" / domain.name, root):
        splits = base / "split_tasks.json"
        files = Files(base / "db.json", base / "policy.md", base / "tasks.json", splits if splits.is_file() else None)
        if all(path.is_file() for path in files.all()) and _is_of(base, domain):
            return files
    return None


def load(domain: Domain, files: Files) -> Dataset:
    """Read official data, once per process while the files stay as they are. Raises ``AccError`` for a broken file."""
    times = tuple(path.stat().st_mtime_ns for path in files.all())
    cached = _cache.get(files)
    if cached is None or cached[0] != times:
        cached = _cache[files] = (times, _load(domain, files))
    return cached[1]


def convert(domain: Domain, data: v1.Dataset) -> Dataset:
    """Return a data set of v1 in the form of v2."""
    return Dataset(_database(domain, data.database.tables, "The bundled data"), data.policy, data.tasks)


_cache: dict[Files, tuple[tuple[int, ...], Dataset]] = {}
"""What was read, with the times of the files; a domain's files are its own."""


def _load(domain: Domain, files: Files) -> Dataset:
    policy = v1.text_of(files.policy)
    tables = _json(files.database)
    if not isinstance(tables, dict) or any(not isinstance(tables.get(table), dict) for table in domain.records):
        raise AccError(f"{files.database} has not the tables {', '.join(domain.records)}; fetch the data set again.")
    try:
        tasks = tasks_of(msgspec.convert(_json(files.tasks), list[FileTask]))
        splits = msgspec.convert(_json(files.splits), dict[str, tuple[str, ...]]) if files.splits else {}
    except msgspec.ValidationError as error:
        raise AccError(
            f"The tasks in {files.tasks.parent} are not in a known form ({error}); fetch the data set again."
        ) from error
    return Dataset(_database(domain, tables, str(files.database)), policy, tasks, splits)


def _is_of(base: Path, domain: Domain) -> bool:
    """Whether a folder is the domain's: by its name, or else by the tables in it."""
    if base.name == domain.name:
        return True
    tables = _json(base / "db.json")
    return isinstance(tables, dict) and set(domain.records) <= set(tables)


def _database(domain: Domain, tables: Any, source: str) -> Database:
    return Database({name: _table(kind, name, tables[name], source) for name, kind in domain.records.items()}, V2)


def _table(kind: type, name: str, records: dict[str, Record], source: str) -> dict[str, Record]:
    keyed = records if name != "users" else {key: {"user_id": key, **user} for key, user in records.items()}
    try:
        table: dict[str, Record] = typed(dict[str, kind], keyed)  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise AccError(f"{source} has {name} of another form ({error}); fetch the data set again.") from error
    return table


def _json(path: Path) -> Any:
    try:
        return json.loads(v1.text_of(path))
    except (ValueError, RecursionError) as error:
        raise AccError(f"{path} is no valid JSON ({error}); fetch the data set again.") from error
