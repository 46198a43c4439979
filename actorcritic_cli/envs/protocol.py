"""What an environment is: policy text + tools + tasks + scoring, and the rules of its conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from actorcritic_cli.types import Message, Reward, Task, Termination, ToolResult, ToolSpec, Transcript


class Episode(Protocol):
    """One task under way: a fresh state that tool calls act on."""

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Run one tool. Never raises for what an agent can send: a failure is a result with ``error`` set."""
        ...

    def state_hash(self) -> str:
        """Return the hash of the state as it is now."""
        ...

    def score(self, transcript: Transcript, reason: Termination) -> Reward | None:
        """Score the ended session; ``None`` where there is nothing to score."""
        ...


Records = Mapping[str, Mapping[str, Any]]
"""Table → key → record, a JSON value."""


@runtime_checkable
class ShowsRecords(Protocol):
    """An episode whose state can be looked at, so that two sessions' effects can be compared. Not every one is."""

    def records(self) -> Records | None:
        """Return the records as they are now, as a value that later calls do not change; ``None`` for a state without."""
        ...


class Environment(Protocol):
    """A place where actions land. Stateless: state lives in its episodes."""

    @property
    def name(self) -> str:
        """For example ``tau_airline``."""
        ...

    @property
    def dataset(self) -> str:
        """Which data stand behind it (``bundled``, ``official``): part of every session, never mixed in statistics."""
        ...

    @property
    def policy(self) -> str:
        """The policy text: the actor's system prompt, and what the critic holds proposals against."""
        ...

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The tools in the order in which the model sees them."""
        ...

    @property
    def transfer_tool(self) -> str | None:
        """The tool that hands over to a human (``--out-of-revisions handoff``), if there is one."""
        ...

    def spent(self, transcript: Transcript) -> tuple[Termination, str] | None:
        """Return why the environment's own budget is used up, and words for it; ``None`` while it is not.

        Asked before the actor's next turn. ``--max-turns``, if given, stands in the place of this.
        """
        ...

    def tasks(self) -> Sequence[Task]:
        """All tasks in order."""
        ...

    def opening(self) -> tuple[Message, ...]:
        """The transcript before anyone spoke: the system message with the policy."""
        ...

    def open(self, task: Task | None) -> Episode:
        """Start a task on a fresh state; ``None`` is a free conversation on the same data."""
        ...

    def stands(self, message: Message) -> Message:
        """Return an accepted assistant message as the protocol lets it stand (v1 keeps the first call only)."""
        ...

    def is_stop(self, user_text: str) -> bool:
        """Whether the user's words end the session."""
        ...
