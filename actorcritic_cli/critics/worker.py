"""The critic's worker process: ``python -m actorcritic_cli.critics.worker``, started by the client only.

A crash of llama.cpp ends this process and not the session. It reads requests from standard input and writes replies to
what was its standard output; both are moved to other descriptors first, so that nothing a library prints gets between
the replies. It ends when its input closes or its parent is gone, even in the middle of a long reading.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import msgspec

from actorcritic_cli.critics.inbox import Inbox, Received
from actorcritic_cli.critics.wire import (
    Cancel,
    Compare,
    Frames,
    Judge,
    Leave,
    Load,
    Prefill,
    Refused,
    Reply,
    Unjudged,
    frame,
    request_of,
)
from actorcritic_cli.errors import AccError

if TYPE_CHECKING:
    from actorcritic_cli.critics.engine import Engine

_LOOK_FOR_PARENT = 1.0
"""Seconds between two looks whether the parent still lives."""


def main() -> None:
    """Answer requests until the input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the session, not for its critic
    incoming, outgoing = _take_over_standard_streams()
    inbox = Inbox()
    threading.Thread(target=_listen, args=(incoming, inbox, os.getppid()), daemon=True).start()
    worker = _Worker()
    while True:
        replies = [
            reply
            for received in inbox.take(wait=not worker.busy, linger=worker.linger)
            for reply in worker.accept(received)
        ]
        replies += worker.step()
        for reply in replies:
            _send(outgoing, reply)
        worker.tidy()


class _Worker:
    """What the process holds between two passes: the engine."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return self._engine is not None and self._engine.scheduler.busy

    @property
    def linger(self) -> float:
        """How long to look out for others who ask, in seconds, before one who asks is answered alone."""
        return 0.0 if self._engine is None else self._engine.scheduler.linger

    def accept(self, received: Received) -> list[Reply]:
        """Take on a request; return what can be said at once."""
        request = received.request
        if isinstance(request, Load):
            return [self._load(request)]
        engine = self._engine
        try:
            match request:
                case Judge() | Compare():
                    if engine is None:
                        return [Unjudged(request.number, "crash", "no model is loaded")]
                    engine.begin(request, received.at)
                case Prefill():
                    if engine is not None:
                        engine.read_ahead(request)
                case Cancel():
                    if engine is not None:
                        engine.scheduler.cancel(request.number)
                case Leave():
                    if engine is not None:
                        engine.scheduler.leave(request.session)
        except Exception as error:  # the session goes on; the log says where it broke
            traceback.print_exc()
            if isinstance(request, (Judge, Compare)):
                return [Unjudged(request.number, "crash", _sentence(error))]
        return []

    def step(self) -> list[Reply]:
        """Go on with what is under way."""
        if self._engine is None:
            return []
        try:
            return self._engine.step()
        except Exception as error:
            traceback.print_exc()
            return self._engine.scheduler.abandon(_sentence(error))

    def tidy(self) -> None:
        """Do what nobody has to wait for."""
        try:
            if self._engine is not None:
                self._engine.tidy()
        except Exception:  # nothing was promised
            traceback.print_exc()

    def _load(self, request: Load) -> Reply:
        try:
            from actorcritic_cli.critics.engine import Engine

            self._engine = Engine(request)
        except AccError as error:
            return Refused(str(error))
        except ImportError as error:
            return Refused(f"The local critic needs llama-cpp-python ({error}); install it, or use another critic.")
        return msgspec.structs.replace(self._engine.loaded, pid=os.getpid())


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__} in the critic's worker: {error}"


def _take_over_standard_streams() -> tuple[int, int]:
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return incoming, outgoing


def _listen(incoming: int, inbox: Inbox, parent: int) -> None:
    """Put requests into the inbox as they come, and end the whole process when nobody is left to ask."""
    frames = Frames()
    poll = select.poll()
    poll.register(incoming, select.POLLIN | select.POLLHUP)
    try:
        while True:
            if not poll.poll(_LOOK_FOR_PARENT * 1000):
                if os.getppid() != parent:
                    break  # a copy of the parent may hold the other end open
                continue
            data = os.read(incoming, 1 << 16)
            if not data:
                break
            frames.feed(data)
            while (body := frames.next()) is not None:
                inbox.put(request_of(body))
    except Exception:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)  # at once: the other thread may be deep in llama.cpp


def _send(outgoing: int, reply: Reply) -> None:
    data = memoryview(frame(reply))
    try:
        while data:
            data = data[os.write(outgoing, data) :]
    except OSError:
        os._exit(0)


if __name__ == "__main__":
    main()
    sys.exit(0)
