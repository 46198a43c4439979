"""What a critic is: something that reads a proposal before it takes effect and says what it thinks of it."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from actorcritic_cli.types import Attempt, CriticIdentity, Proposal, ToolSpec, Transcript, Verdict


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
