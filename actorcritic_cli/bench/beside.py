"""A process beside the critic's worker that holds the same model for one of the other sides.

It is asked one thing at a time: one line of JSON in, one out. What a library prints goes to a log, and the terminal's
Ctrl-C is for acc, which ends it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from actorcritic_cli.errors import AccError

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""What a side does: from a question to its answer."""


class Beside:
    """A side in its own process: ``python -m actorcritic_cli.bench.SIDE``. Use as a context manager.

    ``passive`` has its threads wait for each other as those of the critic's worker do; else as libraries do unasked.
    """

    def __init__(self, side: str, log: Path, *, passive: bool):
        self._side, self._log = side, log
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", f"actorcritic_cli.bench.{side}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=_environment(passive=passive),
                start_new_session=True,
                text=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, what: str, **details: Any) -> dict[str, Any]:
        """Ask for something and wait for the answer. Raises ``AccError`` when the process failed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = ""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"ask": what, **details}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise AccError(f"The {self._side} side of the benchmark ended unexpectedly{self._last_words()}.")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise AccError(f"The {self._side} side of the benchmark failed: {answer['error']}")
        return answer

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self._log.read_text(errors="replace").strip().splitlines()
            if lines:
                return f" ({lines[-1][:200]})"
        return ""

    def __enter__(self) -> Beside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def serve(sides: Mapping[str, Answer]) -> None:
    """Answer questions until the input closes; for the process itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(os.dup(1), "w") as outgoing:
        os.dup2(2, 1)
        for line in sys.stdin:
            question = json.loads(line)
            try:
                answer = sides[question.pop("ask")](question)
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            outgoing.write(json.dumps(answer) + "\n")
            outgoing.flush()


def _environment(*, passive: bool) -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), root)))
    environment = {**os.environ, "PYTHONPATH": path}
    return {**environment, "OMP_WAIT_POLICY": "passive"} if passive else environment
