"""A τ²-bench domain behind the environments' protocol: its conversation rules, its episodes, its score.

The agent greets first; a message may hold several calls, and all are run; a hand-over to a human ends nothing, since the
customer is to be told of it; the user ends the conversation with one of three words.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from actorcritic_cli.envs.protocol import Records
from actorcritic_cli.envs.tau.database import State, Tables
from actorcritic_cli.envs.tau.tools import call
from actorcritic_cli.envs.tau2 import scoring
from actorcritic_cli.envs.tau2.common import TRANSFER, Domain
from actorcritic_cli.envs.tau2.dataset import Dataset
from actorcritic_cli.envs.tau2.judge import Judge
from actorcritic_cli.types import Message, Reward, Task, Termination, ToolResult, ToolSpec, Transcript

GREETING = "Hi! How can I help you today?"
STOP_WORDS = ("###STOP###", "###TRANSFER###", "###OUT-OF-SCOPE###")
MAX_STEPS = 200
"""Hand-overs in an episode: the agent speaks, the user speaks, or tools answer. The greeting is none."""
MAX_ERRORS = 10
"""Failed calls in an episode."""

_SCORED: tuple[Termination, ...] = ("user_stop", "transfer")
_INSTRUCTIONS = """\
You serve customers and keep to the policy below. In each turn you either write to the customer or call tools, never both \
at once. The arguments of a call are valid JSON."""


def system_prompt(policy: str) -> str:
    """Return the agent's system message for a policy."""
    return f"<instructions>\n{_INSTRUCTIONS}\n</instructions>\n<policy>\n{policy}\n</policy>"


class Tau2Episode:
    """One task under way, on a state of its own."""

    def __init__(self, environment: Tau2Environment, task: Task | None):
        self._environment = environment
        self._task = task
        self._state = State(environment.data.database)

    @property
    def tables(self) -> Tables:
        """The records as they are now, for looking only."""
        return self._state.tables

    def records(self) -> Records:
        """Return the tables as they are now (records themselves are never changed in place)."""
        return {name: dict(table) for name, table in self.tables.items()}

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Run one tool; a failure is a text and leaves the state as it was."""
        return self._environment.run(self._state, name, arguments)

    def state_hash(self) -> str:
        """Return the v2 hash of the database as it is now, hex."""
        return self._state.hash()

    def score(self, transcript: Transcript, reason: Termination) -> Reward | None:
        """Return the v2 reward; 0 for an episode that the user did not end.

        ``None`` without a task, and for a failure of the infrastructure; a reward whose value is ``None`` where it needs a
        judge that is not there.
        """
        if self._task is None or reason == "infrastructure_error":
            return None
        if reason not in _SCORED:
            return Reward(0.0, {"why": f"the episode did not end by the user but by {reason}"})
        spent = self._environment.spent(transcript)
        if spent is not None:
            return Reward(0.0, {"why": f"the last step reached a limit ({spent[1]})"})
        target = self._environment.target_hash(self._task)
        return scoring.reward(self._task, self.state_hash(), target, transcript, self._environment.judge)


class Tau2Environment:
    """A domain with a data set, and a judge for statements about the conversation, if one is given."""

    def __init__(self, domain: Domain, dataset: str, data: Dataset, judge: Judge | None = None):
        self.domain = domain
        self.data = data
        self.judge = judge
        self._toolbox = {tool.spec.name: tool for tool in domain.tools}
        self._manner = domain.manner
        self._dataset = dataset

    @property
    def name(self) -> str:
        """For example ``tau2_airline``."""
        return self.domain.environment

    @property
    def dataset(self) -> str:
        """For example ``official`` or ``official-test``."""
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
        """The tool that hands over to a human; it does not end the conversation."""
        return TRANSFER

    def run(self, state: State, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Run one tool on a state. Never raises for what an agent can send."""
        return call(self._toolbox, state, name, arguments, self._manner).result

    def target_hash(self, task: Task) -> str:
        """Return the hash of the database after the task's actions; expected calls that fail change nothing."""
        state = State(self.data.database)
        for action in task.actions:
            self.run(state, action.name, action.arguments)
        return state.hash()

    def spent(self, transcript: Transcript) -> tuple[Termination, str] | None:
        """200 hand-overs, or 10 failed calls."""
        begun = [message for message in transcript if message.role != "system"]
        if begun and begun[0].role == "assistant":  # the greeting
            begun = begun[1:]
        failed = sum(1 for m in begun if m.role == "tool" and (m.content or "").startswith("Error: "))
        results_in_a_row = sum(1 for before, m in pairwise(begun) if before.role == m.role == "tool")
        if len(begun) - results_in_a_row >= MAX_STEPS:
            return "max_turns", f"the conversation has had its {MAX_STEPS} steps"
        if failed >= MAX_ERRORS:
            return "too_many_errors", f"{failed} calls have failed, which is the limit"
        return None

    def tasks(self) -> Sequence[Task]:
        """All tasks in order."""
        return self.data.tasks

    def opening(self) -> tuple[Message, ...]:
        """The instructions with the policy as system message, and the agent's fixed greeting."""
        return (Message("system", system_prompt(self.policy)), Message("assistant", GREETING))

    def open(self, task: Task | None) -> Tau2Episode:
        """Start on a fresh state."""
        return Tau2Episode(self, task)

    def stands(self, message: Message) -> Message:
        """Return the message as it is: all its calls are run."""
        return message

    def is_stop(self, user_text: str) -> bool:
        """Whether one of the three words occurs that end a conversation."""
        return any(word in user_text for word in STOP_WORDS)
