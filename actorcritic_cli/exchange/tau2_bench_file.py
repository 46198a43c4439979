"""The form of a τ²-bench result file, read and checked: one object with tasks and simulations.

Unknown keys are passed over, since newer versions of the benchmark add some. What does not fit is named by simulation and
message, so that a damaged file can be mended.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from actorcritic_cli.envs.tau2.tasks import FileTask
from actorcritic_cli.errors import AccError
from actorcritic_cli.text import encodable

TERMINATIONS = Literal[
    "user_stop",
    "agent_stop",
    "max_steps",
    "timeout",
    "too_many_errors",
    "agent_error",
    "user_error",
    "infrastructure_error",
    "context_window_exceeded",
    "unexpected_error",
]


class FileCall(Struct):
    """One tool call."""

    id: str
    name: str
    arguments: dict[str, Any]
    requestor: str = "assistant"


class FileMessage(Struct):
    """One message: ``id``, ``error`` and ``requestor`` are a tool result's, ``usage``, ``cost``, ``raw_data`` a model's."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None
    tool_calls: list[FileCall] | None = None
    id: str | None = None
    error: bool = False
    requestor: str = "assistant"
    timestamp: str | None = None
    cost: float | None = None
    usage: dict[str, Any] | None = None
    raw_data: dict[str, Any] | None = None


class FileDatabaseCheck(Struct):
    """Whether the database was as it should be."""

    db_match: bool


class FileSaid(Struct):
    """Whether a text was said."""

    info: str
    met: bool


class FileScore(Struct):
    """The benchmark's own account of the reward."""

    reward: float
    db_check: FileDatabaseCheck | None = None
    communicate_checks: list[FileSaid] | None = None
    reward_breakdown: dict[str, float] | None = None


class FileSimulation(Struct):
    """One conversation."""

    id: str
    task_id: str
    termination_reason: TERMINATIONS
    messages: list[FileMessage]
    trial: int = 0
    seed: int | None = None
    start_time: str | None = None
    duration: float | None = None
    agent_cost: float | None = None
    user_cost: float | None = None
    reward_info: FileScore | None = None


class FileParty(Struct, frozen=True):
    """The agent or the user: which model, with which arguments."""

    llm: str | None = None
    llm_args: dict[str, Any] | None = None


class FileEnvironment(Struct):
    """The environment: its domain and the policy as it was."""

    domain_name: str
    policy: str | None = None


class FileInfo(Struct):
    """What all simulations have in common."""

    environment_info: FileEnvironment
    agent_info: FileParty = FileParty()
    user_info: FileParty = FileParty()


class FileResults(Struct):
    """The whole file."""

    info: FileInfo
    tasks: list[FileTask]
    simulations: list[FileSimulation]


class Recording(Struct, frozen=True):
    """A result file that has been read and checked, and the simulations as the plain JSON they came from."""

    path: Path
    results: FileResults
    raw: tuple[dict[str, Any], ...]

    def __len__(self) -> int:
        return len(self.results.simulations)

    def tasks(self) -> list[str]:
        """The ids of the tasks, in the order of the simulations."""
        return list(dict.fromkeys(simulation.task_id for simulation in self.results.simulations))

    def trials(self) -> int:
        """The largest number of simulations that a task has."""
        counts: dict[str, int] = {}
        for simulation in self.results.simulations:
            counts[simulation.task_id] = counts.get(simulation.task_id, 0) + 1
        return max(counts.values(), default=0)


def read(path: Path, text: str) -> Recording:
    """Read the text of a result file. Raises ``AccError`` that names what is not as it must be, and where."""
    try:
        value = _storable(json.loads(text))
    except json.JSONDecodeError as error:
        raise AccError(
            f"{path} is cut off or no JSON ({error.msg} at line {error.lineno}, column {error.colno}); get it again."
        ) from error
    except RecursionError as error:
        raise AccError(f"{path} is nested too deeply to be a result file of tau2-bench; get it again.") from error
    try:
        results = msgspec.convert(value, FileResults)
    except msgspec.ValidationError as error:
        raise AccError(
            f"{path} is not a result file of tau2-bench as acc knows it: {error}; nothing of it was imported."
        ) from error
    if not results.simulations:
        raise AccError(f"{path} holds no simulations.")
    known = {task.id for task in results.tasks}
    for number, simulation in enumerate(results.simulations, start=1):
        where = f"Simulation {number} of {path} (task {simulation.task_id}, trial {simulation.trial})"
        if simulation.task_id not in known:
            raise AccError(f"{where} is of a task that the file does not hold; nothing was imported.")
        _check(where, simulation)
    _check_unique(path, results.simulations)
    return Recording(path, results, tuple(value["simulations"]))


def _storable(value: Any) -> Any:
    """Return a JSON value without halves of surrogate pairs, which JSON can escape but the record cannot hold."""
    text = json.dumps(value, ensure_ascii=False)
    return value if text.isascii() else json.loads(encodable(text))


def _check(where: str, simulation: FileSimulation) -> None:
    score = simulation.reward_info
    if score is not None and not (math.isfinite(score.reward) and 0.0 <= score.reward <= 1.0):
        raise AccError(f"{where} has the reward {score.reward}, which is not between 0 and 1; nothing was imported.")
    _check_order(where, simulation.messages)


def _check_order(where: str, messages: list[FileMessage]) -> None:
    """Check that calls are answered in order, all of them, and that agent and user take turns."""
    before = ""
    waiting: list[str] = []
    for number, message in enumerate(messages, start=1):
        place = f"{where}, message {number}:"
        if message.requestor == "user" or (message.role == "user" and message.tool_calls):
            raise AccError(f"{place} the user calls tools of their own, which acc does not have; nothing was imported.")
        match message.role:
            case "system":
                raise AccError(f"{place} a system message, which tau2-bench does not record; nothing was imported.")
            case "tool":
                if not waiting or message.id != waiting[0]:
                    raise AccError(f"{place} a tool result without its call; nothing was imported.")
                waiting = waiting[1:]
            case _:
                if waiting or before == message.role:
                    who = "agent" if message.role == "assistant" else "user"
                    raise AccError(f"{place} the {who} speaks out of turn; nothing was imported.")
                if message.role == "user" and before == "tool":
                    raise AccError(f"{place} the user speaks out of turn; nothing was imported.")
                waiting = [call.id for call in message.tool_calls or ()]
        before = message.role


def _check_unique(path: Path, simulations: Iterable[FileSimulation]) -> None:
    seen: dict[tuple[str, int], int] = {}
    for number, simulation in enumerate(simulations, start=1):
        key = (simulation.task_id, simulation.trial)
        if key in seen:
            raise AccError(
                f"{path} has task {key[0]}, trial {key[1]} twice (simulations {seen[key]} and {number}); "
                "give the trials different numbers."
            )
        seen[key] = number
