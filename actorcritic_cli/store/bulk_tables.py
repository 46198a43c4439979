"""The tables that whole sessions are written to, and the statements that take many rows at once.

Rows are handed on as flat lists, one value after another: a list of a table's values costs far less to make and to walk
through than a tuple for each row does.
"""

from __future__ import annotations

import sqlite3
from typing import Any

_COLUMNS = {
    "messages": "id parent role body",
    "critics": "id name file_sha256 quantisation prompt_version threshold info",
    "toolsets": "id body",
    "sessions": "id run created_at ended_at env dataset task trial actor user critic supervise termination "
    "termination_message reward reward_info state spec task_body toolset opening head source "
    "extra fault",
    "events": "session seq kind at step attempt",
    "model_calls": "id session seq number step party model request response input_tokens output_tokens "
    "cached_tokens usage cost latency retries error",
    "proposals": "id session seq step attempt author kind tool effect message exact problem set_aside",
    "verdicts": "id proposal session seq live critic kind why message p_revise threshold critique latency "
    "detail created_at",
    "decisions": "id proposal session seq decision escalate_to reason critique decided_by",
    "steps": "session step acted_seq attempt message exact observed_seq observation observations error ends latency",
    "failures": "session seq step party message reason",
    "labels": "id proposal source label why created_at seq",
}
COLUMNS = {table: tuple(names.split()) for table, names in _COLUMNS.items()}
"""Table → its columns, in the order in which values are given. Tables come after those that they refer to."""

SHARED = frozenset(("messages", "critics", "toolsets"))
"""Tables whose rows several sessions refer to: one that is there is left as it is."""

NUMBERED = ("model_calls", "proposals", "verdicts", "decisions", "labels")
"""Tables whose rows have a number of their own."""

BY_SESSION = ("sessions", "events", "steps", "failures")
"""Tables that lie in the order of their sessions' ids."""

_AT_ONCE = 500
"""Rows by one statement. Beginning a statement is work, and so is going to and fro between Python and SQLite."""


def next_numbers(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the number that the next row of each numbered table will have."""
    return {table: (connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0) + 1 for table in NUMBERED}


def insert(connection: sqlite3.Connection, table: str, values: list[Any]) -> None:
    """Insert rows into a table, given as a flat list of their values."""
    width = len(COLUMNS[table])
    variables = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    whole = width * max(1, min(_AT_ONCE, variables // width))
    few = width * max(1, min(20, variables // width))
    done = _insert(connection, table, values, 0, whole)
    done = _insert(connection, table, values, done, few)
    _insert(connection, table, values, done, width)


def _insert(connection: sqlite3.Connection, table: str, values: list[Any], begin: int, size: int) -> int:
    """Insert values from a place on, so many by one statement as long as there are as many; return where it ended."""
    end = begin + (len(values) - begin) // size * size
    if end > begin:
        groups = (values[place : place + size] for place in range(begin, end, size))
        connection.executemany(_statement(table, size // len(COLUMNS[table])), groups)
    return end


def _statement(table: str, rows: int) -> str:
    columns = COLUMNS[table]
    values = ", ".join([f"({', '.join('?' * len(columns))})"] * rows)
    shared = " ON CONFLICT DO NOTHING" if table in SHARED else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}{shared}"
