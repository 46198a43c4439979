"""The form of a run in a τ-bench v1 result file, and what else must hold of it: everybody speaks in turn.

Unknown keys are passed over. What does not fit is named by message, so that a damaged file can be mended.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from actorcritic_cli.exchange.decoding import BadElement


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
    name: str | UnsetType | None = UNSET
    tool_call_id: str | UnsetType | None = UNSET


class PlainMessage(FileMessage, forbid_unknown_fields=True):
    """A message that holds nothing but what is looked at; most do."""


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


class FileInfo(Struct):
    """What else is known of a run; a crashed one has only ``error`` and ``traceback``."""

    task: FileTask | None = None
    source: str | None = None
    user_cost: float | None = None
    reward_info: dict[str, Any] | None = None
    """The benchmark's own account of the reward."""
    error: str | None = None
    traceback: str | None = None


class FileRun(Struct):
    """One run."""

    task_id: int | str
    trial: int
    reward: float
    info: FileInfo
    traj: Sequence[FileMessage]


class PlainRun(FileRun):
    """A run all of whose messages are plain."""

    traj: list[PlainMessage]


def check(run: FileRun) -> None:
    """Check what types cannot say. Raises ``BadElement``."""
    where = f"(task {run.task_id}, trial {run.trial})"
    if not (math.isfinite(run.reward) and 0.0 <= run.reward <= 1.0):
        raise BadElement(f"{where} has the reward {run.reward}, which is not between 0 and 1")
    if run.traj:
        _check_order(where, run.traj)
    elif run.info.error is None:
        raise BadElement(f"{where} has neither a conversation nor an error")


def _check_order(where: str, traj: Sequence[FileMessage]) -> None:
    """Check that calls are answered one by one and that nobody speaks twice in a row."""
    before = ""
    open_calls = 0
    wrong = ""
    for number, message in enumerate(traj, start=1):
        role = message.role
        if role == "assistant":
            if open_calls or before not in ("user", "tool"):
                wrong = "the agent speaks out of turn"
            open_calls = len(message.tool_calls or ())
        elif role == "tool":
            if open_calls == 0:
                wrong = "a tool result without a call"
            open_calls -= 1
        elif role == "user":
            if open_calls or before not in ("", "system", "assistant"):
                wrong = "the user speaks out of turn"
            elif (message.content or "").startswith("API output: "):
                wrong = "made by a text agent (act or react); only tool-calling runs are read"
        elif before:
            wrong = "a system message after the beginning"
        if wrong:
            raise BadElement(f"{where}, message {number}: {wrong}")
        before = role
