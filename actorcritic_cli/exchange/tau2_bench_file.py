"""The form of what a τ²-bench result file holds, and what else must hold of a simulation: everybody speaks in turn.

Unknown keys are passed over, since newer versions of the benchmark add some. What does not fit is named by message, so that
a damaged file can be mended.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import msgspec
from msgspec import Struct

from actorcritic_cli.exchange.decoding import BadElement

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
    reward_info: dict[str, Any] | None = None

    def score(self) -> FileScore | None:
        """Return the benchmark's account of the reward, typed. Raises ``BadElement``."""
        try:
            return msgspec.convert(self.reward_info, FileScore | None)
        except msgspec.ValidationError as error:
            raise BadElement(f"{self.where()}, reward_info: {error}") from error

    def where(self) -> str:
        """Return which simulation it is, in words."""
        return f"(task {self.task_id}, trial {self.trial})"


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


def check(simulation: FileSimulation) -> None:
    """Check what types cannot say. Raises ``BadElement``."""
    where, score = simulation.where(), simulation.score()
    if score is not None and not (math.isfinite(score.reward) and 0.0 <= score.reward <= 1.0):
        raise BadElement(f"{where} has the reward {score.reward}, which is not between 0 and 1")
    _check_order(where, simulation.messages)


def _check_order(where: str, messages: list[FileMessage]) -> None:
    """Check that calls are answered in order, all of them, and that agent and user take turns."""
    before = ""
    waiting: list[str] = []
    for number, message in enumerate(messages, start=1):
        place = f"{where}, message {number}:"
        if message.requestor == "user" or (message.role == "user" and message.tool_calls):
            raise BadElement(f"{place} the user calls tools of their own, which acc does not have")
        match message.role:
            case "system":
                raise BadElement(f"{place} a system message, which tau2-bench does not record")
            case "tool":
                if not waiting or message.id != waiting[0]:
                    raise BadElement(f"{place} a tool result without its call")
                waiting = waiting[1:]
            case _:
                if waiting or before == message.role:
                    who = "agent" if message.role == "assistant" else "user"
                    raise BadElement(f"{place} the {who} speaks out of turn")
                if message.role == "user" and before == "tool":
                    raise BadElement(f"{place} the user speaks out of turn")
                waiting = [call.id for call in message.tool_calls or ()]
        before = message.role
