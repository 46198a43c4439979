"""The form of a τ-bench v1 result file, read and checked: an array of runs in which everybody speaks in turn.

Unknown keys are passed over. What does not fit is named by run and message, so that a damaged file can be mended.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from actorcritic_cli.errors import AccError


class FileFunction(Struct):
    """What a call calls; ``arguments`` is JSON text."""

    name: str
    arguments: str


class FileCall(Struct):
    """One tool call."""

    id: str
    function: FileFunction


class FileMessage(Struct):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    tool_calls: list[FileCall] | None = None
    name: str | None = None


class FileAction(Struct):
    """An expected call."""

    name: str
    kwargs: dict[str, Any]


class FileTask(Struct):
    """The task as it was when the run was made."""

    instruction: str
    actions: list[FileAction] = []
    outputs: list[str] = []
    user_id: str = ""


class FileScore(Struct):
    """The benchmark's own account of the reward."""

    info: dict[str, Any] = {}


class FileInfo(Struct):
    """What else is known of a run; a crashed one has only ``error`` and ``traceback``."""

    task: FileTask | None = None
    source: str | None = None
    user_cost: float | None = None
    reward_info: FileScore | None = None
    error: str | None = None
    traceback: str | None = None


class FileRun(Struct):
    """One run."""

    task_id: int | str
    trial: int
    reward: float
    info: FileInfo
    traj: list[FileMessage]


class Recording(Struct, frozen=True):
    """A result file that has been read and checked: its runs, and the same as the plain JSON they came from."""

    path: Path
    runs: tuple[FileRun, ...]
    raw: tuple[dict[str, Any], ...]

    def __len__(self) -> int:
        return len(self.runs)

    def tasks(self) -> list[str]:
        """The ids of the tasks, in the order of the file."""
        return list(dict.fromkeys(str(run.task_id) for run in self.runs))

    def trials(self) -> int:
        """The largest number of runs that a task has."""
        counts: dict[str, int] = {}
        for run in self.runs:
            counts[str(run.task_id)] = counts.get(str(run.task_id), 0) + 1
        return max(counts.values(), default=0)

    def tool_names(self) -> set[str]:
        """Every tool that was called or expected."""
        called = {c.function.name for run in self.runs for m in run.traj for c in m.tool_calls or ()}
        return called | {a.name for run in self.runs if run.info.task for a in run.info.task.actions}

    def edition(self) -> str:
        """Which edition of the official data the runs were made on: users had a ``province`` before they had a ``state``."""
        shown = (
            m.content or ""
            for run in self.runs
            for m in run.traj
            if m.role == "tool" and m.name == "get_user_details" and '"address"' in (m.content or "")
        )
        return "official-2024" if any('"province":' in text for text in shown) else "official"


def read(path: Path, text: str) -> Recording:
    """Read the text of a result file. Raises ``AccError`` that names the run and the field where it is not as it must be."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise AccError(
            f"{path} is cut off or no JSON ({error.msg} at line {error.lineno}, column {error.colno}); get it again."
        ) from error
    except RecursionError as error:
        raise AccError(f"{path} is nested too deeply to be a result file of tau-bench; get it again.") from error
    if not isinstance(value, list) or not value:
        raise AccError(f"{path} holds no runs; a result file of tau-bench is an array of them.")
    runs = tuple(_run(path, number, item) for number, item in enumerate(value, start=1))
    _check_unique(path, runs)
    return Recording(path, runs, tuple(value))


def _run(path: Path, number: int, value: object) -> FileRun:
    try:
        run = msgspec.convert(value, FileRun)
    except msgspec.ValidationError as error:
        raise AccError(
            f"Run {number} of {path} is not one of tau-bench: {error}; nothing of the file was imported."
        ) from error
    where = f"Run {number} of {path} (task {run.task_id}, trial {run.trial})"
    if not (math.isfinite(run.reward) and 0.0 <= run.reward <= 1.0):
        raise AccError(f"{where} has the reward {run.reward}, which is not between 0 and 1; nothing was imported.")
    if not run.traj:
        if run.info.error is None:
            raise AccError(f"{where} has neither a conversation nor an error; nothing was imported.")
        return run
    _check_order(where, run.traj)
    return run


def _check_order(where: str, traj: list[FileMessage]) -> None:
    """Check that calls are answered one by one and that nobody speaks twice in a row."""
    before: FileMessage | None = None
    open_calls = 0
    for number, message in enumerate(traj, start=1):
        place = f"{where}, message {number}:"
        match message.role:
            case "system":
                if before is not None:
                    raise AccError(f"{place} a system message after the beginning; nothing was imported.")
            case "user":
                if open_calls or (before is not None and before.role not in ("system", "assistant")):
                    raise AccError(f"{place} the user speaks out of turn; nothing was imported.")
                if (message.content or "").startswith("API output: "):
                    raise AccError(
                        f"{place} made by a text agent (act or react); only tool-calling runs can be imported."
                    )
            case "assistant":
                if before is None or before.role not in ("user", "tool") or open_calls:
                    raise AccError(f"{place} the agent speaks out of turn; nothing was imported.")
                open_calls = len(message.tool_calls or ())
            case "tool":
                if open_calls == 0:
                    raise AccError(f"{place} a tool result without a call; nothing was imported.")
                open_calls -= 1
        before = message


def _check_unique(path: Path, runs: Iterable[FileRun]) -> None:
    seen: dict[tuple[str, int], int] = {}
    for number, run in enumerate(runs, start=1):
        key = (str(run.task_id), run.trial)
        if key in seen:
            raise AccError(
                f"{path} has task {key[0]}, trial {key[1]} twice (runs {seen[key]} and {number}); "
                "give the trials different numbers."
            )
        seen[key] = number
