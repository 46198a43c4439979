"""The state of a session with your own agent: keeping it, putting it back, and its hash.

Three kinds are known: nothing at all (``None``), a SQLite connection, and values that Python can copy and msgspec can
turn into JSON (dicts, lists, dataclasses, Structs …). A connection belongs to the session: what a successful call left
open is committed, so that the next call begins afresh.
"""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec

from actorcritic_cli.hashing import canonical_json, sha256


def keep(state: Any) -> Callable[[], Any]:
    """Return a function that gives the state as it is now, whatever happens to it meanwhile.

    A SQLite database in memory is put back whole, commits included; of one in a file, only what is not committed. A
    value that cannot be copied is not put back.
    """
    if isinstance(state, sqlite3.Connection):
        return _kept_database(state)
    try:
        kept = copy.deepcopy(state)
    except Exception:  # whatever an object's __deepcopy__ raises
        return lambda: state
    return lambda: kept


def settle(state: Any) -> None:
    """Make final what a successful call did."""
    if isinstance(state, sqlite3.Connection):
        state.commit()


def state_text(state: Any) -> str:
    """Return one text for all states that are the same. Raises ``TypeError`` for a value that is no JSON.

    Of a database it is the SQL that makes it, in sorted lines: the order of rows does not count.
    """
    if isinstance(state, sqlite3.Connection):
        rows, state.row_factory = state.row_factory, None
        try:
            return "\n".join(sorted(state.iterdump()))
        finally:
            state.row_factory = rows
    return canonical_json(msgspec.to_builtins(state, order="sorted", str_keys=True))


def state_hash(state: Any, given: Callable[[Any], Any] | None = None) -> str:
    """Return the hash of a state, hex; ``given`` is the file's own function, whose value is hashed in its place."""
    return sha256(state_text(state if given is None else given(state)))


def records(state: Any, given: Callable[[Any], Any] | None = None) -> dict[str, dict[str, Any]] | None:
    """Return a state as table → key → record; ``None`` for nothing. Raises ``TypeError`` for a value that is no JSON.

    Of a database these are its tables by primary key. Of other values, a dict of dicts or lists at the top is a dict of
    tables; everything else stands in the table ``state``. ``given`` is the file's own function for what counts.
    """
    value = state if given is None else given(state)
    if isinstance(value, sqlite3.Connection):
        return _tables(value)
    value = msgspec.to_builtins(value, order="sorted", str_keys=True)
    if value is None:
        return None
    found: dict[str, dict[str, Any]] = {}
    for name, item in value.items() if isinstance(value, dict) else (("", value),):
        match item:
            case dict():
                found[name] = item
            case list():
                found[name] = {str(place): record for place, record in enumerate(item)}
            case _:
                found.setdefault("state", {})[name] = item
    return found


def _tables(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    rows, connection.row_factory = connection.row_factory, None
    try:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return {name: _rows(connection, name) for (name,) in names.fetchall()}
    finally:
        connection.row_factory = rows


def _rows(connection: sqlite3.Connection, table: str) -> dict[str, Any]:
    quoted = '"' + table.replace('"', '""') + '"'
    columns = connection.execute(f"PRAGMA table_info({quoted})").fetchall()
    names = [column[1] for column in columns]
    keys = [column[1] for column in sorted(columns, key=lambda c: int(c[5])) if column[5]]
    found: dict[str, Any] = {}
    for place, row in enumerate(connection.execute(f"SELECT * FROM {quoted}")):
        record = {n: v.hex() if isinstance(v, bytes) else v for n, v in zip(names, row, strict=True)}
        found[" ".join(str(record[key]) for key in keys) if keys else str(place)] = record
    return found


def is_copied(state: Any) -> bool:
    """Whether a failing call is undone whatever it did."""
    if isinstance(state, sqlite3.Connection):
        return _in_memory(state)
    try:
        copy.deepcopy(state)
    except Exception:  # as in ``keep``
        return False
    return True


def _kept_database(connection: sqlite3.Connection) -> Callable[[], Any]:
    connection.commit()
    content = _content(connection) if _in_memory(connection) else None

    def put_back() -> sqlite3.Connection:
        connection.rollback()
        if content:
            connection.deserialize(content)
        return connection

    return put_back


def _content(connection: sqlite3.Connection) -> bytes:
    try:
        return connection.serialize()
    except sqlite3.OperationalError:  # a database in which nothing was ever written has no first page
        connection.execute("PRAGMA user_version = 0")
        connection.commit()
        return connection.serialize()


def _in_memory(connection: sqlite3.Connection) -> bool:
    rows, connection.row_factory = connection.row_factory, None
    try:
        return not any(row[2] for row in connection.execute("PRAGMA database_list"))
    finally:
        connection.row_factory = rows
