"""What a critic is: something that reads a proposal before it takes effect and says what it thinks of it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from msgspec import Struct

from actorcritic_cli.types import Attempt, Comparison, CriticIdentity, Message, Proposal, ToolSpec, Transcript, Verdict


class Case(Struct, frozen=True):
    """One proposal put before a critic, with all that it may look at.

    ``transcript`` starts with the system message (the policy). ``attempts`` are the earlier proposals of the turn. The
    ``session`` names the branch of the critic's cache; the delimiters around data are derived from ``nonce``, or from
    the session where that is empty. ``max_seconds`` bounds the judgement.
    """

    session: str
    policy: str
    tools: tuple[ToolSpec, ...]
    transcript: Transcript
    proposal: Proposal
    attempts: tuple[Attempt, ...] = ()
    max_seconds: float | None = None
    nonce: str = ""


class Reading(Struct, frozen=True):
    """What is known of a session before there is a proposal; the fields mean what they mean in ``Case``.

    ``draft`` is as much of a proposal as has come in so far, while the actor still writes it; an empty message where it is
    to begin.
    """

    session: str
    policy: str
    tools: tuple[ToolSpec, ...]
    transcript: Transcript
    nonce: str = ""
    draft: Message | None = None


@runtime_checkable
class ReadsAhead(Protocol):
    """A critic that can use the time in which the actor thinks. Not every critic is one."""

    def prefill(self, reading: Reading) -> None:
        """Begin to read a conversation. Returns at once, never raises, and never holds up a judgement for long."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A critic that keeps what it has read of a session for the next judgement. Not every critic is one."""

    def leave(self, session: str) -> None:
        """A session is over: what is kept of it may go. Returns at once and never raises."""
        ...


@runtime_checkable
class Compares(Protocol):
    """A critic that can say which of several candidates is the best one. Not every critic is one."""

    def compare(self, case: Case, candidates: tuple[Proposal, ...]) -> Comparison:
        """Compare two or more candidates for the action that ``case`` is about (``case.proposal`` is not looked at).

        The order of the candidates does not matter. Thread-safe. Never raises for a failing engine: see
        ``Comparison.why``.
        """
        ...


@runtime_checkable
class KnowsPolicies(Protocol):
    """A critic that was trained on some policies and may not know others. Not every critic is one."""

    def notice(self, policy: str) -> bool:
        """Return whether it knows a policy; warn once of each that it does not."""
        ...


class Critic(Protocol):
    """Who judges. A broken critic never raises: it answers ``no_verdict`` with the reason."""

    @property
    def identity(self) -> CriticIdentity:
        """Who judges, for the record."""
        ...

    def start(self) -> object:
        """Get ready to judge, so that a critic that cannot work is known at once. Raises ``AccError`` with the remedy."""
        ...

    def judge(self, case: Case) -> Verdict:
        """Judge one proposal. Thread-safe. Never raises for a failing engine: see ``Verdict.why``."""
        ...

    def close(self) -> None:
        """Release the engine. Idempotent."""
        ...
