"""Tables: ruled and wrapped at a terminal, plain aligned columns (nothing cut) where a program may read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from actorcritic_cli.text import printable

_STYLES = {"ok": "green", "note": "yellow", "problem": "red"}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], console: Console | None = None) -> None:
    """Print rows under their heads. Text is shown as it is: markup in it means nothing."""
    console = console or Console(highlight=False)
    cells = [[printable(cell) for cell in row] for row in rows]
    if not console.is_terminal:
        _plain(heads, cells, console)
        return
    shown = Table(box=box.SIMPLE_HEAD, show_header=any(heads), pad_edge=False)
    for head in heads:
        shown.add_column(head, overflow="fold")
    for row in cells:
        shown.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in row))
    console.print(shown)


def _plain(heads: Sequence[str], rows: list[list[str]], console: Console) -> None:
    lines = [list(heads), *rows] if any(heads) else rows
    if not lines:
        return
    lines = [[" ".join(cell.split()) for cell in line] for line in lines]
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    for line in lines:
        padded = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        console.print(padded.rstrip(), markup=False, highlight=False, soft_wrap=True)
