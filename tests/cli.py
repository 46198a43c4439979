"""Running ``acc`` as a user does: a process of its own, with its exit code, stdout and stderr."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ACC = [sys.executable, "-m", "actorcritic_cli"]


def acc(
    *arguments: str | Path, stdin: str | None = None, timeout: float = 120, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. It gets the test's own ACC_HOME, and no terminal."""
    return subprocess.run(
        [*ACC, *map(str, arguments)],
        env={**os.environ, "COLUMNS": "120", **environment},
        input=stdin if stdin is not None else "",
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def acc_ok(*arguments: str | Path, **options: str) -> str:
    """Run a command that must succeed; return its stdout."""
    done = acc(*arguments, **options)
    assert done.returncode == 0, f"acc {' '.join(map(str, arguments))} → {done.returncode}\n{done.stderr}"
    return done.stdout


def start(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
    """Start a command in a process group of its own."""
    return subprocess.Popen(
        [*ACC, *map(str, arguments)],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
