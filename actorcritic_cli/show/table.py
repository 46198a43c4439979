"""Plain tables of text that came from anywhere: nothing in a cell is taken for markup or an escape sequence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich import box
from rich.table import Table
from rich.text import Text

from actorcritic_cli.text import printable

UNKNOWN = "–"
"""What stands where a value is not known; never 0."""

_FIRST_KNOWN_TIME = 365 * 86400.0
"""Recordings without times are numbered in seconds from the beginning of 1970, when no session can have been held."""


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()) -> Table:
    """Return a table; the columns named in ``right`` are flush right. Long cells fold, none is cut."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    flush = set(right)
    for header in headers:
        made.add_column(Text(header), justify="right" if header in flush else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(printable(cell)) for cell in row))
    return made


def when(at: float | None) -> str:
    """Return a time in words of the local zone; ``–`` for the unknown times of imported recordings."""
    if not knows_time(at):
        return UNKNOWN
    assert at is not None
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")


def knows_time(at: float | None) -> bool:
    """Whether a recorded time is one, and not the place in an imported file that had no times."""
    return at is not None and at >= _FIRST_KNOWN_TIME


def number(value: float | None, digits: int = 3) -> str:
    """Return a number for a cell; ``–`` when it is not known."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"
