"""Tables of text. What is in a cell is shown as it is: markup and terminal escapes in it mean nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from actorcritic_cli.text import printable

_STYLES = {"ok": "green", "note": "yellow", "problem": "red"}


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()) -> Table:
    """Return a table of rows under their headers; the columns named in ``right`` are flush right."""
    shown = Table(box=box.SIMPLE_HEAD, show_header=any(headers), pad_edge=False)
    flush = set(right)
    for header in headers:
        shown.add_column(header, overflow="fold", justify="right" if header in flush else "left")
    for row in rows:
        cells = (printable(cell) for cell in row)
        shown.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in cells))
    return shown
