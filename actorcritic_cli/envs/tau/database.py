"""Records in tables, shared by all episodes, and the state of one episode on top of them.

An official database is five megabytes of JSON, and a run opens hundreds of episodes: so records are never changed in
place. An episode starts with its own maps of the *shared* records; a tool returns the records it wants replaced, and they
are put in together once the call has succeeded. So a fresh state costs microseconds, a failed call leaves nothing behind,
and the hash only renews the text of what was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from actorcritic_cli.envs.tau.hashing import V1, Canon, digest

Record = dict[str, Any]
Tables = Mapping[str, Mapping[str, Record]]
Changes = Mapping[str, Mapping[str, Record]]
"""Records to put in, by table and key; tables not named stay as they are."""


def clone(value: Any) -> Any:
    """Return a deep copy of a JSON value."""
    if isinstance(value, dict):
        return {key: clone(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clone(item) for item in value]
    return value


class Database:
    """The untouched records of a data set: table name → key → record, in file order. Never changed.

    ``canon`` says how the benchmark's version writes what is hashed.
    """

    def __init__(self, tables: dict[str, dict[str, Record]], canon: Canon = V1):
        self.tables: Tables = tables
        self.canon = canon

    @cached_property
    def texts(self) -> dict[str, dict[str, str]]:
        """The canonical text of every record, made once when the first hash is asked for."""
        text = self.canon.value
        return {name: {key: text(record) for key, record in table.items()} for name, table in self.tables.items()}

    @cached_property
    def table_texts(self) -> dict[str, str]:
        """The canonical text of every untouched table."""
        return {name: self.canon.map(texts) for name, texts in self.texts.items()}


class State:
    """The records as one episode sees them."""

    def __init__(self, database: Database):
        self._database = database
        self._tables: dict[str, dict[str, Record]] = {name: dict(table) for name, table in database.tables.items()}
        self._changed: dict[str, dict[str, str]] = {}

    @property
    def tables(self) -> Tables:
        """The present records; not to be changed by the reader."""
        return self._tables

    def put(self, changes: Changes) -> None:
        """Replace or add records, all or none.

        Raises ``RecursionError`` for a record nested too deeply to be hashed, before anything is changed.
        """
        text = self._database.canon.value
        texts = {name: {key: text(record) for key, record in table.items()} for name, table in changes.items()}
        for name, table in changes.items():
            self._tables[name].update(table)
            self._changed.setdefault(name, {}).update(texts[name])

    def hash(self) -> str:
        """Return the hash of all records as they are now, in the version's form."""
        return digest([self._database.canon.map({name: self._table_text(name) for name in self._tables})])

    def _table_text(self, name: str) -> str:
        changed = self._changed.get(name)
        if not changed:
            return self._database.table_texts[name]
        return self._database.canon.map(self._database.texts[name] | changed)
