"""The progress of long work that has several steps, on stderr: at a terminal one line that changes, else a line a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from actorcritic_cli.show.console import stderr


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """Show what is being done; call what it gives with (what, done, total)."""
    console = stderr()
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    last = ""
    with bar:
        task = bar.add_task("", total=None)

        def tell(what: str, done: int, total: int) -> None:
            nonlocal last
            bar.update(task, description=what, completed=done, total=total)
            if what != last and not console.is_terminal:
                console.print(f"{what} …", soft_wrap=True)
            last = what

        yield tell
