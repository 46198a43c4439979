"""A progress bar for long work on the record: at a terminal only, on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from actorcritic_cli.show.console import stderr


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar while work goes on; call what it gives with (done, total), the total ``None`` while unknown."""
    console = stderr()
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
