"""What your own file uses: the decorator that makes a function a tool, the error of a tool that refuses, a state.

Kept light, because the file is imported by every command that meets one of its sessions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, overload

from msgspec import Struct

from actorcritic_cli.types import Effect

Function = TypeVar("Function", bound=Callable[..., Any])

MARK = "__acc_tool__"
"""The attribute by which a function is known as a tool."""


class Mark(Struct, frozen=True):
    """What ``tool`` was told of a function."""

    effect: Effect = "read"
    transfer: bool = False


class ToolError(Exception):
    """A tool cannot do what it is asked; the message is for the agent, which may then do something else.

    Any other exception reaches the agent as well, with its type and the line where it was raised.
    """


@overload
def tool(function: Function, /) -> Function: ...


@overload
def tool(*, effect: Effect = "read", transfer: bool = False) -> Callable[[Function], Function]: ...


def tool(
    function: Function | None = None, /, *, effect: Effect = "read", transfer: bool = False
) -> Function | Callable[[Function], Function]:
    """Make a function a tool of the agent: ``@tool``, or ``@tool(effect="write")`` for one that changes the state.

    The function stays what it was and can be called and tested as such. Its types become the JSON schema of the
    arguments, its docstring the description. ``effect`` is ``read``, ``write`` or ``none`` (neither, such as a
    calculator); it decides what is judged (``--gate``). ``transfer`` marks the tool that hands the customer to a human:
    it ends the conversation, and supervision uses it for ``--out-of-revisions handoff`` with the argument ``summary``.
    """
    if effect not in ("read", "write", "none"):
        raise ValueError(f"effect is read, write or none, not {effect!r}")

    def mark(marked: Function) -> Function:
        setattr(marked, MARK, Mark(effect, transfer))
        return marked

    return mark if function is None else mark(function)


def sqlite(path: str | Path) -> sqlite3.Connection:
    """Return a private copy in memory of a SQLite database file, or of what a file of SQL statements (``*.sql``) makes.

    The file itself is never changed. Rows come as ``sqlite3.Row``. Raises ``OSError`` or ``sqlite3.Error``.
    """
    path = Path(path)
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    if path.suffix == ".sql":
        connection.executescript(path.read_text("utf-8"))
    else:
        source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            source.backup(connection)
        finally:
            source.close()
    connection.commit()
    return connection
