"""Where printed things go: data to stdout, talk to stderr.

At a terminal, tables fold to its width. Elsewhere (a pipe, a file) they are as wide as their content and nothing is
folded or cut, so that what a script reads is whole; rich leaves out colours there, and under ``NO_COLOR``.
"""

from __future__ import annotations

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

PLAIN_WIDTH = 120
"""Columns where there is no terminal, for what needs a width at all."""


def stdout() -> Console:
    """Return a console for data."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return a console for talk."""
    return _console(stderr=True)


def print_whole(console: Console, table: Table) -> None:
    """Print a table: folded to the terminal, or unfolded where there is none."""
    if not console.is_terminal:
        console.width = max(PLAIN_WIDTH, Measurement.get(console, console.options.update(width=100_000), table).maximum)
    console.print(table)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console
