"""What has come in for the worker and was not yet looked at."""

from __future__ import annotations

import threading
import time
from collections import deque

from msgspec import Struct

from actorcritic_cli.critics.wire import Compare, Judge, Request


class Received(Struct, frozen=True):
    """A request, and when it came in (monotonic seconds)."""

    request: Request
    at: float


class Inbox:
    """Requests in the order in which they came. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: deque[Received] = deque()

    def put(self, request: Request) -> None:
        """Add a request that came in."""
        with self._changed:
            self._requests.append(Received(request, time.monotonic()))
            self._changed.notify()

    def take(self, *, wait: bool, linger: float = 0.0) -> list[Received]:
        """Return all that has come in; with ``wait`` there is something to return.

        Where somebody is to be answered, ``linger`` is how long (seconds) to look out for the next one each time: those who
        ask at the same moment come in one after another.
        """
        with self._changed:
            while wait and not self._requests:
                self._changed.wait()
            before = 0
            while linger and before < len(self._requests) and isinstance(self._requests[-1].request, (Judge, Compare)):
                before = len(self._requests)
                self._changed.wait(linger)
            taken = list(self._requests)
            self._requests.clear()
            return taken
