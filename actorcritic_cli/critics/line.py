"""The line to one running worker: many threads ask, one worker answers, each gets its own answer.

What is asked is sent at once, so that the worker can take what waits together through the model together. Answers carry
the number of their question. The worker says when the turn of a question has come; until then it only has to show that
it lives, from then on it has the question's own time.
"""

from __future__ import annotations

import threading
import time

import msgspec

from actorcritic_cli.critics.process import WorkerGone, WorkerProcess, WorkerSlow
from actorcritic_cli.critics.wire import (
    Begun,
    Cancel,
    Compare,
    Compared,
    Judge,
    Judged,
    Leave,
    Load,
    Loaded,
    Prefill,
    Refused,
    Unjudged,
    frame,
    reply_of,
)

Answer = Judged | Compared | Unjudged
_PATIENCE = 5.0
"""Seconds in which a worker takes a message that needs no answer; one that lives takes it at once."""

_DYING = 0.05
"""Seconds in which the end of a worker that was dying when it was asked is heard of."""


class NotTaken(WorkerGone):
    """The worker had ended before the question was put to it: another worker may be asked."""


class _Waiting:
    """Somebody who waits for the answer to one question."""

    def __init__(self) -> None:
        self.begun: float | None = None
        self.answer: Answer | None = None


class Line:
    """A worker and those who wait for it. ``ask`` may be called by several threads at once."""

    def __init__(self, worker: WorkerProcess):
        self._worker = worker
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._waiting: dict[int, _Waiting] = {}
        self._sign = time.monotonic()
        self._gone: WorkerGone | None = None
        self.loaded: Loaded | None = None
        """What the worker loaded."""

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._worker.pid

    @property
    def alive(self) -> bool:
        """Whether the worker still runs and can be asked."""
        return self._gone is None and self._worker.alive

    def load(self, load: Load, deadline: float) -> Loaded | Refused:
        """Have the model loaded: the first thing that is asked. Raises ``WorkerSlow``, ``WorkerGone``."""
        self._worker.send(frame(load), deadline)
        try:
            reply = reply_of(self._worker.receive(deadline))
        except msgspec.DecodeError as error:
            raise WorkerGone(f"the worker's answer can't be read ({error})") from error
        if not isinstance(reply, (Loaded, Refused)):
            raise WorkerGone("the worker gave no sensible answer")
        if isinstance(reply, Loaded):
            self.loaded = reply
            self._worker.listen(self._listen)
        return reply

    def ask(self, question: Judge | Compare, grace: float) -> Answer | None:
        """Return the answer, or ``None`` when ``question.within`` ended before its turn came.

        Raises ``WorkerSlow`` when the worker shows no sign of life for the question's time and ``grace`` seconds, or
        does not answer that long after the turn has come; ``WorkerGone`` when it ends, ``NotTaken`` when it
        had ended before.
        """
        waiting = _Waiting()
        asked = time.monotonic()
        patience = question.seconds + grace
        end = asked + question.within if question.within is not None else None
        with self._changed:
            self._waiting[question.number] = waiting
        try:
            try:
                self._send(frame(question), asked + patience)
            except WorkerGone as gone:
                raise NotTaken(*gone.args) from gone
            with self._changed:
                while waiting.answer is None:
                    if self._gone is not None:
                        dying = waiting.begun is None and time.monotonic() - asked < _DYING
                        raise NotTaken(*self._gone.args) if dying else self._gone
                    now, heard = time.monotonic(), self._sign > asked
                    limit = (max(asked, self._sign) if waiting.begun is None else waiting.begun) + patience
                    if end is not None and waiting.begun is None:
                        if now >= end and heard:
                            break  # it lives, but others took all the time
                        limit = min(limit, end + grace * (now >= end))
                    if now >= limit:
                        raise WorkerSlow
                    self._changed.wait(limit - now)
        except (WorkerSlow, WorkerGone):
            raise
        except BaseException:
            self.kill()  # an interrupt: half a frame may be on its way
            raise
        finally:
            with self._changed:
                self._waiting.pop(question.number, None)
        if waiting.answer is None:
            self.tell(Cancel(question.number))
        return waiting.answer

    def tell(self, message: Prefill | Cancel | Leave) -> None:
        """Send what needs no answer. A worker that does not take it is ended."""
        try:
            self._send(frame(message), time.monotonic() + _PATIENCE)
        except (WorkerSlow, WorkerGone):
            self.kill()  # half a frame may be on its way
        except BaseException:
            self.kill()  # an interrupt: the same
            raise

    def kill(self) -> None:
        """End the worker at once; those who wait are told."""
        self._worker.kill()

    def close(self) -> None:
        """End the worker and leave nothing behind. Idempotent."""
        self._worker.close()

    def _send(self, data: bytes, deadline: float) -> None:
        if not self._sending.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise WorkerSlow
        try:
            self._worker.send(data, deadline)
        finally:
            self._sending.release()

    def _listen(self) -> None:
        try:
            while True:
                reply = reply_of(self._worker.receive(None))
                with self._changed:
                    self._sign = time.monotonic()
                    if isinstance(reply, Begun):
                        if (waiting := self._waiting.get(reply.number)) is not None:
                            waiting.begun = self._sign
                    elif isinstance(reply, Answer) and (waiting := self._waiting.get(reply.number)) is not None:
                        waiting.answer = reply
                    self._changed.notify_all()
        except WorkerGone as gone:
            self._end(gone)
        except msgspec.DecodeError as error:
            self._worker.kill()
            self._end(WorkerGone(f"the worker's answer can't be read ({error})"))

    def _end(self, gone: WorkerGone) -> None:
        with self._changed:
            self._gone = gone
            self._changed.notify_all()
