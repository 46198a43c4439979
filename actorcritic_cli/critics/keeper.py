"""Keeps a worker with the model running: starts it when it is first needed, and again after it has died."""

from __future__ import annotations

import threading
import time
import weakref
from pathlib import Path

from actorcritic_cli.critics.gguf_info import file_sha256
from actorcritic_cli.critics.line import Line
from actorcritic_cli.critics.process import WorkerGone, WorkerProcess, WorkerSlow
from actorcritic_cli.critics.wire import Load, Refused
from actorcritic_cli.errors import AccError

_STARTS = 3


class StartFailed(AccError):
    """The worker can't be started; ``worth_retrying`` when the cause was its death and not its refusal."""

    def __init__(self, message: str, *, worth_retrying: bool):
        super().__init__(message)
        self.worth_retrying = worth_retrying


class Keeper:
    """Has at most one worker, which holds the model of ``load``; ``log`` is where its words go. Thread-safe."""

    def __init__(self, load: Load, log: Path):
        self.load = load
        self.log = log
        self.line: Line | None = None
        """The running worker, ``None`` before the first start and after an end that was noticed."""
        self.lock = threading.Lock()
        """Held while a worker is started."""
        self._failed_starts = 0
        self._closed = False
        self._ends: weakref.finalize[..., Keeper] | None = None

    def ready(self, deadline: float) -> Line:
        """Return the line to a worker with the model loaded. Raises ``StartFailed``; ``WorkerSlow`` at the deadline."""
        if not self.lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise WorkerSlow
        try:
            if self._closed:
                raise StartFailed("The critic was closed.", worth_retrying=False)
            if self.line is not None and self.line.alive:
                return self.line
            self._drop()
            tries = _STARTS if self._failed_starts < _STARTS else 1  # after that, one try a judgement
            for left in reversed(range(tries)):
                try:
                    return self._start(deadline)
                except StartFailed as error:
                    self._failed_starts += 1
                    if not (left and error.worth_retrying) or self._closed:
                        raise
            raise AssertionError
        finally:
            self.lock.release()

    def give_up(self, line: Line) -> None:
        """End a worker that failed, unless another has taken its place; the next judgement starts a new one."""
        line.kill()
        with self.lock:
            if self.line is line:
                self._drop()

    def close(self) -> None:
        """End the worker; whoever waits for it is told. Idempotent."""
        self._closed = True
        line = self.line
        if line is not None:
            line.kill()
        with self.lock:
            self._drop()

    def _start(self, deadline: float) -> Line:
        path = Path(self.load.path)
        if not path.is_file() or file_sha256(path) != self.load.sha256:
            raise StartFailed(
                f"{path} has changed since the session began; start a new session with the new file.",
                worth_retrying=False,
            )
        try:
            worker = WorkerProcess(self.log)
        except OSError as error:
            raise StartFailed(f"The critic's worker can't be started ({error}).", worth_retrying=True) from error
        self.line = line = Line(worker)
        self._ends = weakref.finalize(self, worker.close)  # its listener holds the line, but nothing holds the keeper
        try:
            reply = line.load(self.load, deadline)
        except WorkerGone as gone:
            self._drop(kill=True)
            raise StartFailed(
                f"The critic's worker died while it loaded {path} ({gone}); "
                f"its log is {self.log}; try another model or a smaller --critic-ctx.",
                worth_retrying=True,
            ) from gone
        except BaseException:
            self._drop(kill=True)
            raise
        if isinstance(reply, Refused):
            self._drop()
            raise StartFailed(reply.message, worth_retrying=False)
        self._failed_starts = 0
        return line

    def _drop(self, *, kill: bool = False) -> None:
        line, self.line = self.line, None
        if self._ends is not None:
            self._ends.detach()
            self._ends = None
        if line is not None:
            if kill:
                line.kill()
            line.close()
