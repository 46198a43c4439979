"""A τ-bench v1 domain behind the environments' protocol: its conversation rules, its episodes, its score.

The user speaks first, the policy alone is the system prompt, one call a message is run, and the episode ends when the user
says the stop word or the agent hands over to a human.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from actorcritic_cli.envs.protocol import Records
from actorcritic_cli.envs.tau import scoring
from actorcritic_cli.envs.tau.common import TRANSFER
from actorcritic_cli.envs.tau.database import State, Tables
from actorcritic_cli.envs.tau.dataset import Dataset
from actorcritic_cli.envs.tau.domain import Domain
from actorcritic_cli.envs.tau.tools import call
from actorcritic_cli.types import Message, Reward, Task, Termination, ToolResult, ToolSpec, Transcript

STOP_WORD = "###STOP###"
MAX_TURNS = 30
"""The agent's messages in an episode, calls and replies together."""

_SCORED: tuple[Termination, ...] = ("user_stop", "transfer")
_NOT_THE_AGENTS: tuple[Termination, ...] = ("infrastructure_error", "user_error")


class TauEpisode:
    """One task under way, on a state of its own."""

    def __init__(self, environment: TauEnvironment, task: Task | None):
        self._environment = environment
        self._task = task
        self._state = State(environment.data.database)
        self._broken = False

    @property
    def tables(self) -> Tables:
        """The records as they are now, for looking only."""
        return self._state.tables

    def records(self) -> Records:
        """Return the tables as they are now (records themselves are never changed in place)."""
        return {name: dict(table) for name, table in self.tables.items()}

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Run one tool; a failure is a text and leaves the state as it was (see ``tools``)."""
        called = call(self._environment.toolbox, self._state, name, arguments)
        self._broken = self._broken or called.broken
        return called.result

    def state_hash(self) -> str:
        """Return the v1 hash of the database as it is now, hex."""
        return self._state.hash()

    def score(self, transcript: Transcript, reason: Termination) -> Reward | None:
        """Return the v1 reward; 0 for an episode that did not end by stop word or transfer.

        ``None`` without a task, and when it ended through no conduct of the agent's.
        """
        if self._task is None or reason in _NOT_THE_AGENTS:
            return None
        if self._broken:
            return Reward(0.0, {"why": "a tool returned nothing, which ends the episode", "fault": "environment"})
        if reason not in _SCORED:
            return Reward(0.0, {"why": f"the episode did not end by the user or a transfer but by {reason}"})
        target = scoring.target_hash(self._environment.data.database, self._environment.toolbox, self._task)
        return scoring.reward(self._task, self.state_hash(), target, transcript)


class TauEnvironment:
    """A domain with a data set."""

    def __init__(self, domain: Domain, dataset: str, data: Dataset):
        self.domain = domain
        self.data = data
        self.toolbox = {tool.spec.name: tool for tool in domain.tools}
        self._dataset = dataset

    @property
    def name(self) -> str:
        """For example ``tau_airline``."""
        return self.domain.environment

    @property
    def dataset(self) -> str:
        """``bundled``, ``official`` or ``official-2024``."""
        return self._dataset

    @property
    def policy(self) -> str:
        """The policy as the file has it."""
        return self.data.policy

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The tools in the order of the benchmark."""
        return tuple(tool.spec for tool in self.domain.tools)

    @property
    def transfer_tool(self) -> str | None:
        """The tool that hands over to a human."""
        return TRANSFER

    def spent(self, transcript: Transcript) -> tuple[Termination, str] | None:
        """30 messages of the agent."""
        turns = sum(1 for message in transcript if message.role == "assistant")
        return ("max_turns", f"the actor has had its {MAX_TURNS} messages") if turns >= MAX_TURNS else None

    def tasks(self) -> Sequence[Task]:
        """All tasks in order; official ones are numbered from "0"."""
        return self.data.tasks

    def opening(self) -> tuple[Message, ...]:
        """The policy as system message."""
        return (Message("system", self.policy),)

    def open(self, task: Task | None) -> TauEpisode:
        """Start on a fresh state."""
        return TauEpisode(self, task)

    def stands(self, message: Message) -> Message:
        """Return the message with its first call only, in the provider's own form too."""
        if len(message.tool_calls) < 2:
            return message
        return msgspec.structs.replace(message, tool_calls=message.tool_calls[:1], raw=_first_call_only(message.raw))

    def is_stop(self, user_text: str) -> bool:
        """Whether the stop word occurs."""
        return STOP_WORD in user_text


def _first_call_only(raw: str | None) -> str | None:
    """Return the provider's message without its further calls, which will get no result and which it would miss.

    ``None`` when it cannot be told where they are; the message is then rebuilt from its fields.
    """
    try:
        message = json.loads(raw or "")
    except ValueError:
        return None
    if not isinstance(message, dict) or not isinstance(message.get("tool_calls"), list):
        return None
    message["tool_calls"] = message["tool_calls"][:1]
    return json.dumps(message)
