"""Asking several critics, or one critic several things, at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any


def at_once(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run tasks at the same time, a thread each; return what each returned, or the exception that it raised.

    The threads do not hold up the end of the program, so an interrupt here is not delayed by a task that hangs.
    """
    results: list[Any] = [None] * len(tasks)

    def run(place: int) -> None:
        try:
            results[place] = tasks[place]()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
