"""A recorded session as other programs know one: its conversation, message by message, and how it ended.

What acc knows beyond that (rejected proposals, verdicts, decisions) stands beside it, for the formats that have a place
for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from actorcritic_cli.session.events import Acted, Decided, Ended, Event, Judged, Observed, Proposed, Started
from actorcritic_cli.types import Critique, Message, ModelCall, Proposal, Verdict


class Said(Struct, frozen=True):
    """One message of the accepted transcript. ``at`` is when it was complete (Unix seconds), ``latency`` what it took."""

    message: Message
    at: float
    step: int
    latency: float = 0.0
    error: bool = False
    """Whether it is the result of a call that failed."""
    call: ModelCall | None = None
    """The model call that made it."""


class Rejected(Struct, frozen=True):
    """A proposal that was not accepted. ``before`` counts the messages of the transcript that it followed on."""

    proposal: Proposal
    step: int
    attempt: int
    before: int
    at: float
    verdict: Verdict | None
    critique: Critique | None
    decision: str


class Told(Struct, frozen=True):
    """A session that has ended."""

    started: Started
    ended: Ended
    opening: tuple[Message, ...]
    """The transcript before anyone spoke."""
    said: tuple[Said, ...]
    rejected: tuple[Rejected, ...]

    @property
    def messages(self) -> tuple[Message, ...]:
        """The whole transcript."""
        return (*self.opening, *(said.message for said in self.said))

    @property
    def actor(self) -> str:
        """Who acted, by the resolved name."""
        return self.started.actor or self.started.spec.actor

    @property
    def user(self) -> str:
        """Who asked, by the resolved name."""
        return self.started.user or self.started.spec.user

    @property
    def reward(self) -> float | None:
        """The score; ``None`` where nothing was scored."""
        return self.ended.reward.value if self.ended.reward else None


def told(events: Sequence[Event]) -> Told:
    """Return a session as it is told. It must have ended."""
    started, ended = events[0], events[-1]
    assert isinstance(started, Started)
    assert isinstance(ended, Ended)
    said: list[Said] = []
    for event in events:
        match event:
            case Acted():
                call, at = _made(events, event)
                said.append(Said(event.message, at, event.step, call.latency if call else 0.0, call=call))
            case Observed():
                said += _observed(event)
            case _:
                pass
    return Told(started, ended, started.messages, tuple(said), tuple(_rejected(events, len(started.messages))))


def _made(events: Sequence[Event], acted: Acted) -> tuple[ModelCall | None, float]:
    """Return the model call of an accepted message, and when it was proposed."""
    for event in reversed(events):
        if isinstance(event, Proposed) and (event.step, event.attempt) == (acted.step, acted.attempt):
            return event.call, event.at
    return None, acted.at


def _observed(event: Observed) -> Iterable[Said]:
    texts = [(message.content or "").startswith("Error") for message in event.messages]
    for place, message in enumerate(event.messages):
        failed = event.error and message.role == "tool" and (texts[place] or not any(texts))
        call = event.call if place == 0 else None
        yield Said(message, event.at, event.step, event.latency if place == 0 else 0.0, failed, call)


def _rejected(events: Sequence[Event], before: int) -> Iterable[Rejected]:
    proposed: dict[int, Proposed] = {}
    verdicts: dict[int, Verdict] = {}
    for event in events:
        match event:
            case Proposed():
                proposed[event.attempt] = event
            case Judged():
                verdicts[event.attempt] = event.verdict
            case Decided() if event.decision.kind != "accept" and event.attempt in proposed:
                made = proposed[event.attempt]
                yield Rejected(
                    made.proposal,
                    event.step,
                    event.attempt,
                    before,
                    made.at,
                    verdicts.get(event.attempt),
                    event.critique,
                    event.decision.kind,
                )
            case Acted():
                before += 1
                proposed, verdicts = {}, {}
            case Observed():
                before += len(event.messages)
            case _:
                pass
