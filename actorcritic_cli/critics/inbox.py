"""What waits for the worker: judgements first, reading ahead when there is nothing else to do.

Reading ahead is a favour that nobody waits for, so the newest wish of a session replaces the one before, and a judgement
of the same session, which reads all that anyway, makes it void.
"""

from __future__ import annotations

import threading
from collections import deque

from actorcritic_cli.critics.wire import Judge, Prefill, Request


class Inbox:
    """Requests in the order in which they are to be done. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._urgent: deque[Request] = deque()
        self._ahead: dict[str, Prefill] = {}

    def put(self, request: Request) -> None:
        """Add a request that came in."""
        with self._changed:
            if isinstance(request, Prefill):
                self._ahead.pop(request.session, None)  # the newest goes last
                self._ahead[request.session] = request
            else:
                if isinstance(request, Judge):
                    self._ahead.pop(request.session, None)
                self._urgent.append(request)
            self._changed.notify()

    def put_back(self, request: Prefill) -> None:
        """Add a reading that was interrupted, unless what came in since makes it void."""
        with self._changed:
            judged = any(isinstance(other, Judge) and other.session == request.session for other in self._urgent)
            if not judged:
                self._ahead.setdefault(request.session, request)
            self._changed.notify()

    def next(self) -> Request:
        """Return what is to be done next; wait until there is something."""
        with self._changed:
            while not self._urgent and not self._ahead:
                self._changed.wait()
            return self._urgent.popleft() if self._urgent else self._ahead.pop(next(iter(self._ahead)))

    def urgent(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._urgent)
