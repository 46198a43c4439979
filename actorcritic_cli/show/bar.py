"""A progress bar for long work on the record: at a terminal only, on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

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


@contextmanager
def transferring(what: str) -> Iterator[Callable[[str, int, int | None], None]]:
    """Show bytes come in; call what it gives with (what is being done, bytes done, bytes in all)."""
    console = stderr()
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=None)
        doing = ""

        def report(now: str, done: int, total: int | None) -> None:
            nonlocal doing
            if now != doing:
                doing = now
                bar.reset(task, description=f"{now} {what}", total=total)
            bar.update(task, completed=done, total=total)

        yield report
