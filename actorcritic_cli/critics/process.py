"""The worker process as the client sees it: start it, talk to it with a deadline, end it for sure."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from actorcritic_cli.critics.wire import Frames

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_LOG_LIMIT = 1 << 20
_GRACE = 2.0
"""Seconds a worker has to end by itself after its input was closed."""


class WorkerGone(Exception):
    """The worker ended, or can't be understood; the message says how."""


class WorkerSlow(Exception):
    """The deadline passed before the worker answered."""


class WorkerProcess:
    """A running worker. ``send`` must be called by one thread at a time, and so must ``receive``; ``kill`` by any."""

    def __init__(self, log: Path):
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.unlink()
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "actorcritic_cli.critics.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=0,
                env=_environment(),
                start_new_session=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        os.set_blocking(self._in.fileno(), False)
        self._frames = Frames()
        self._listeners: list[threading.Thread] = []
        self._finalizer = weakref.finalize(self, _end, self._process, self._listeners, os.getpid())

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def send(self, data: bytes, deadline: float) -> None:
        """Write a frame. Raises ``WorkerSlow`` when the worker does not take it in time, ``WorkerGone``."""
        view = memoryview(data)
        while view:
            self._wait(self._in.fileno(), select.POLLOUT, deadline)
            try:
                written = os.write(self._in.fileno(), view)
            except BlockingIOError:
                continue
            except OSError as error:
                raise WorkerGone(self._how()) from error
            view = view[written:]

    def listen(self, target: Callable[[], None]) -> None:
        """Run what receives from now on in a thread of its own; it has to end with ``WorkerGone``."""
        listener = threading.Thread(target=target, daemon=True)
        self._listeners.append(listener)
        listener.start()

    def receive(self, deadline: float | None) -> bytes:
        """Return the body of the next frame. Raises ``WorkerSlow``, ``WorkerGone``."""
        while True:
            try:
                body = self._frames.next()
            except ValueError as error:
                raise WorkerGone(f"the worker sent {error}") from error
            if body is not None:
                return body
            self._wait(self._out.fileno(), select.POLLIN, deadline)
            data = os.read(self._out.fileno(), 1 << 16)
            if not data:
                raise WorkerGone(self._how())
            self._frames.feed(data)

    def _wait(self, descriptor: int, event: int, deadline: float | None) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        if deadline is None:
            poll.poll()
            return
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise WorkerSlow

    def _how(self) -> str:
        """Say how the worker ended."""
        try:
            code = self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            return "the worker closed its end"
        if code >= 0:
            return f"the worker ended with exit code {code}"
        try:
            return f"the worker was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"the worker was ended by signal {-code}"

    def kill(self) -> None:
        """End the worker at once; whoever waits for its answer is told."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            self._process.kill()

    def close(self) -> None:
        """Ask the worker to end, kill it if it does not, and leave nothing behind. Idempotent."""
        self._finalizer()


def _end(process: subprocess.Popen[bytes], listeners: list[threading.Thread], owner: int) -> None:
    if os.getpid() != owner:
        return  # a forked copy of the client: the worker is not its to end
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for listener in listeners:
        if listener is not threading.current_thread():
            listener.join(_GRACE)  # it hears the end; only then may its descriptor become somebody else's
    if process.stdout is not None and not any(listener.is_alive() for listener in listeners):
        process.stdout.close()


def _environment() -> dict[str, str]:
    """Return the worker's environment: without secrets, which it has no use for, and with threads that wait quietly."""
    environment = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    environment["OMP_WAIT_POLICY"] = "passive"
    environment["PYTHONUNBUFFERED"] = "1"
    root = Path(__file__).resolve().parents[2]
    if root.name not in ("site-packages", "dist-packages"):  # a checkout that is not installed
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (environment.get("PYTHONPATH"), str(root))))
    return environment
