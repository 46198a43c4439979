"""What the commands share: the options that many have, opening the record, and printing.

stdout is data, stderr is talk. Nothing of rich or SQLite is imported before it is used, so that ``acc --help`` answers
at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from actorcritic_cli.store.library import Library

DbOption = Annotated[
    Path | None,
    typer.Option(
        "--db",
        metavar="FILE",
        help="Database of recorded sessions.",
        show_default="ACC_DB, else acc.db in acc's data folder",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
EnvFilter = Annotated[str | None, typer.Option("--env", help="Only sessions in this environment.")]
DatasetFilter = Annotated[str | None, typer.Option("--dataset", help="Only sessions on this data set.")]
RunFilter = Annotated[
    str | None,
    typer.Option("--run", metavar="RUN", help="Only sessions of this run (the beginning of its id, or last)."),
]


@contextmanager
def open_library(db: Path | None = None, *, create: bool = False) -> Iterator[Library]:
    """Open the record for reading; its database is at ``library.database``. Raises ``NotFound`` when there is none."""
    from actorcritic_cli.paths import database_path
    from actorcritic_cli.store.database import open_database
    from actorcritic_cli.store.library import Library

    with open_database(database_path(db), create=create) as database:
        yield Library(database)


def say(text: str) -> None:
    """Print a line of talk."""
    from actorcritic_cli.text import printable

    typer.echo(printable(text), err=True)


def print_json(value: Any) -> None:
    """Print a value of ours (structs, lists, dicts) as one indented JSON document."""
    import msgspec

    sys.stdout.write(msgspec.json.format(_encoded(value), indent=2).decode() + "\n")


def print_json_line(value: Any) -> None:
    """Print a value of ours as one line of JSON, at once."""
    sys.stdout.write(_encoded(value).decode() + "\n")
    sys.stdout.flush()


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()) -> None:
    """Print a table of text; the columns named in ``right`` are flush right."""
    from actorcritic_cli.show.console import print_rows, stdout

    print_rows(stdout(), headers, rows, right=right)


def _encoded(value: Any) -> bytes:
    import msgspec

    try:
        return msgspec.json.encode(value, enc_hook=_as_text)
    except UnicodeEncodeError:  # half of a surrogate pair, which only the escaped form of JSON can carry
        import json

        return json.dumps(msgspec.to_builtins(value, enc_hook=_as_text)).encode("ascii")


def _as_text(value: Any) -> str:
    """Return what JSON has no form for as text: the paths in what is printed. Raises ``TypeError`` for anything else."""
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
