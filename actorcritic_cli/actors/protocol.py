"""What an actor is: something that proposes the next action."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from actorcritic_cli.types import Attempt, Label, Message, ModelCall, Proposal, ToolSpec, Transcript


class ActorContext(Struct, frozen=True):
    """All an actor may look at when it proposes.

    ``step`` counts from 1. ``attempts`` are the rejected proposals of this turn, oldest first, with their critiques: the
    actor sees them while it revises. ``history`` maps earlier steps to their rejected attempts and is empty unless
    ``--keep-critiques`` is set.
    """

    transcript: Transcript
    tools: tuple[ToolSpec, ...]
    step: int
    attempts: tuple[Attempt, ...] = ()
    history: tuple[tuple[int, tuple[Attempt, ...]], ...] = ()
    """For ``keep_critiques``: (index in ``transcript`` of the accepted message, what was rejected before it)."""
    max_seconds: float | None = None
    """Time left for the session; a call that would take longer is given up."""
    candidate: int = 0
    """Which of several candidates this proposal is, from 0; in a revision, the candidate that was taken and rejected."""


class Proposing(Struct, frozen=True):
    """An actor's answer: the proposal and, for a model, what the call cost."""

    proposal: Proposal
    call: ModelCall | None = None
    problem: str | None = None
    """Why this proposal cannot be carried out as it stands (arguments that are no JSON …): the supervisor sends it back
    to the actor without asking the critic."""
    label: Label | None = None
    """What the actor itself knows of its proposal (simulated actors know their slips); for the record, never for the
    critic."""


class ActorFailed(Exception):
    """The actor cannot propose. Carries the ``PartyError`` to show and the failed call to record."""

    def __init__(self, error: Exception, call: ModelCall | None = None):
        super().__init__(str(error))
        self.error = error
        self.call = call


class Actor(Protocol):
    """Who proposes. A function of its context: it keeps no state that a resumed session would miss."""

    @property
    def name(self) -> str:
        """The resolved name that goes into the record (``anthropic/claude-…``, ``recorded:FILE``)."""
        ...

    def propose(self, context: ActorContext) -> Proposing:
        """Return the next proposal. Raises ``ActorFailed`` when there is none to be had."""
        ...


@runtime_checkable
class Offers(Protocol):
    """An actor whose proposals for one context differ, so that several are worth having. Not every actor is one."""

    def offer(self, context: ActorContext, candidates: Sequence[int]) -> Iterator[Proposing]:
        """Yield a proposal for each candidate number, in that order.

        Raises ``ActorFailed`` when one is not to be had, after all that could be had have been yielded.
        """
        ...


Hear = Callable[[Message], None]
"""Called with as much of a proposal as has come in, every time that more of it has."""


@runtime_checkable
class Streams(Protocol):
    """An actor whose proposal comes in piece by piece. Not every actor is one."""

    def stream(self, context: ActorContext, hear: Hear) -> Proposing:
        """Return the next proposal as ``Actor.propose`` does, and tell on the way how much of it has come.

        What was told may turn out to be void: a call that breaks off is made again from the beginning.
        """
        ...


Progress = Callable[[int], None]
"""Called with the number of characters received so far while a held-back stream comes in."""
