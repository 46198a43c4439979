"""The event stream: what a session says while it happens.

The supervised loop yields these and nothing else. The recorder, the screen and the tests are consumers of this one
stream; an importer produces it; the project's own trace files are this stream as JSON Lines. An event is yielded
*before* its effect: ``Acted`` comes before the tool runs or the user reads, so that whatever happened is in the record.

Steps count the actor's accepted messages from 1; step 0 is the opening (the first words of the user). Attempts count
the proposals of one step from 0.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from actorcritic_cli.types import (
    Comparison,
    CriticIdentity,
    Critique,
    Decision,
    Fault,
    Label,
    Message,
    ModelCall,
    PartyName,
    Proposal,
    Reward,
    SessionSpec,
    Task,
    Termination,
    ToolSpec,
    Verdict,
)


class Started(Struct, frozen=True, tag="started", tag_field="event", omit_defaults=True):
    """A session begins. ``messages`` is the transcript before anyone spoke (the system prompt with the policy)."""

    session: str
    at: float
    spec: SessionSpec
    messages: tuple[Message, ...]
    task: Task | None = None
    tools: tuple[ToolSpec, ...] = ()
    critic: CriticIdentity | None = None
    run: str | None = None
    actor: str = ""
    """The actor's resolved name; empty means as in ``spec``."""
    user: str = ""
    source: str = "live"
    """``live``, or the format an imported session came from (``tau-bench``)."""
    extra: dict[str, Any] = field(default_factory=dict)


class Proposed(Struct, frozen=True, tag="proposed", tag_field="event", omit_defaults=True):
    """The actor (or the supervisor, for a hand-over) proposed an action."""

    at: float
    step: int
    attempt: int
    proposal: Proposal
    call: ModelCall | None = None
    problem: str | None = None
    """Why it cannot be carried out as it stands (arguments that are no JSON …); such a proposal goes straight back."""
    label: Label | None = None
    """What a simulated actor knows of its own proposal."""


class Compared(Struct, frozen=True, tag="compared", tag_field="event", omit_defaults=True):
    """One of several candidates is taken: the proposals made as attempts 0 to ``candidates`` - 1 of a fresh turn.

    It stands after the last candidate of every turn in which there is a choice (``Supervision.choose``), compared or not.
    """

    at: float
    step: int
    candidates: int
    chosen: int
    """The attempt that goes on to be judged; the others are set aside without a verdict."""
    reason: str
    """Why this one, in words that a log line can show."""
    attempts: tuple[int, ...] = ()
    """The attempts that were compared, in the order of the comparison's scores: the same action stands for itself once, and
    what cannot be carried out is left out. Empty where nothing was compared."""
    comparison: Comparison | None = None


class Judged(Struct, frozen=True, tag="judged", tag_field="event", omit_defaults=True):
    """The critic judged a proposal (or failed to: ``no_verdict``)."""

    at: float
    step: int
    attempt: int
    verdict: Verdict


class Decided(Struct, frozen=True, tag="decided", tag_field="event", omit_defaults=True):
    """What is done with the proposal. ``critique`` goes to the actor with ``revise``; ``by`` is ``person`` when a
    person had the word."""

    at: float
    step: int
    attempt: int
    decision: Decision
    critique: Critique | None = None
    by: str = "supervisor"


class Acted(Struct, frozen=True, tag="acted", tag_field="event", omit_defaults=True):
    """A proposal is accepted and takes effect now: it joins the transcript as ``message``.

    ``attempt`` names the accepted proposal. ``message`` is the proposal's message as the environment's protocol lets it
    stand (τ-bench v1 keeps only the first of several calls).
    """

    at: float
    step: int
    attempt: int
    message: Message


class Observed(Struct, frozen=True, tag="observed", tag_field="event", omit_defaults=True):
    """What came back: tool messages, or what the user said. ``error`` is true for a failed tool call."""

    at: float
    step: int
    messages: tuple[Message, ...]
    error: bool = False
    latency: float = 0.0
    call: ModelCall | None = None
    ends: Termination | None = None
    """Set when this ends the session: the user's stop, or a transfer."""


class Failed(Struct, frozen=True, tag="failed", tag_field="event", omit_defaults=True):
    """A party's model call failed for good; kept for the record just before the session ends."""

    at: float
    step: int
    party: PartyName
    message: str
    reason: Termination
    call: ModelCall | None = None


class Ended(Struct, frozen=True, tag="ended", tag_field="event", omit_defaults=True):
    """The session is over. ``reward`` is ``None`` where nothing can be scored (a free chat, a provider's failure)."""

    at: float
    reason: Termination
    message: str = ""
    reward: Reward | None = None
    state: str | None = None
    """Hash of the environment's final state."""
    fault: Fault | None = None
    """Whose failure it is; ``None`` for a success, or where nothing can be said."""


class Resumed(Struct, frozen=True, tag="resumed", tag_field="event", omit_defaults=True):
    """The session goes on after an interruption; the time in between does not count."""

    at: float


Event = Started | Resumed | Proposed | Compared | Judged | Decided | Acted | Observed | Failed | Ended
