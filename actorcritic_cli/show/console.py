"""Where printed things go: data to stdout, talk to stderr.

At a terminal, rich lays out tables to its width. Elsewhere (a pipe, a file) they are plain aligned text, as wide as their
content: nothing is folded or cut, so that what a script reads is whole, and thousands of rows take no time. Colours are
left out there, and under ``NO_COLOR``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console

from actorcritic_cli.show.table import table
from actorcritic_cli.text import printable

PLAIN_WIDTH = 120
"""Columns where there is no terminal, for what needs a width at all."""


def stdout() -> Console:
    """Return a console for data."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return a console for talk."""
    return _console(stderr=True)


def print_rows(
    console: Console, headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()
) -> None:
    """Print a table: folded to the terminal, or as plain lines where there is none."""
    if console.is_terminal:
        console.print(table(headers, rows, right=right))
    else:
        console.file.writelines(f"{line}\n" for line in plain_lines(headers, rows, right=right))


def plain_lines(headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()) -> Iterator[str]:
    """Yield a table as aligned lines; one line a row, whatever is in its cells.

    >>> list(plain_lines(("id", "n"), [("a", "7"), ("bcd", "12")], right=("n",)))
    ['id    n', 'a     7', 'bcd  12']
    """
    lines = [[re.sub(r"\s*[\n\t]\s*", " ", printable(cell)) for cell in row] for row in rows]
    if any(headers):
        lines.insert(0, list(headers))
    if not lines:
        return
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    flush = [header in set(right) for header in headers]
    for line in lines:
        cells = []
        for cell, width, to_the_right in zip(line, widths, flush, strict=True):
            space = " " * (width - cell_len(cell))
            cells.append(space + cell if to_the_right else cell + space)
        yield "  ".join(cells).rstrip()


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console
