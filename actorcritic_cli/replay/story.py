"""A session told turn by turn: the events folded into what a reader follows.

A turn begins when the actor proposes and ends with what came back: everything that was proposed in between, what the
critic said of it and what was decided belongs to it. What the user said first of all is turn 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from actorcritic_cli.session.choose import chooses
from actorcritic_cli.session.events import (
    Acted,
    Compared,
    Decided,
    Ended,
    Event,
    Failed,
    Judged,
    Observed,
    Proposed,
    Resumed,
    Started,
)
from actorcritic_cli.types import Message, ModelCall, Proposal, Verdict

FORK = "fork"
"""The key under which the ``extra`` of a forked session keeps {session, turn} of its parent."""


class Try(Struct):
    """One proposal of a turn and what became of it. Several decisions: it was escalated, and then ruled upon."""

    attempt: int
    proposal: Proposal
    problem: str | None
    call: ModelCall | None
    verdict: Verdict | None = None
    decisions: list[Decided] = field(default_factory=list)
    again: list[tuple[str, Verdict]] = field(default_factory=list)
    """What critics said of it afterwards, each with its name (see ``rejudge``)."""


class Turn(Struct):
    """One turn. ``acted`` is ``None`` when nothing was accepted in it; ``observed`` when nothing came back; ``choice`` when
    nothing was chosen. ``chooses`` says that several candidates were to be proposed."""

    step: int
    tries: list[Try] = field(default_factory=list)
    choice: Compared | None = None
    acted: Acted | None = None
    observed: Observed | None = None
    failed: Failed | None = None
    chooses: bool = False

    @property
    def candidates(self) -> int:
        """How many of ``tries``, the first ones, there were to choose from; 0 where there was no choice."""
        if self.choice is not None:
            return self.choice.candidates if self.choice.candidates > 1 else 0
        waiting = self.chooses and not any(tried.verdict or tried.decisions for tried in self.tries)
        return len(self.tries) if waiting else 0

    @property
    def heard(self) -> tuple[Message, ...]:
        """What came back."""
        return self.observed.messages if self.observed is not None else ()


class Story(Struct):
    """A whole session. ``ended`` is ``None`` while it is under way; ``pauses`` counts how often it was resumed."""

    started: Started
    turns: list[Turn]
    ended: Ended | None = None
    pauses: int = 0


def parent_of(started: Started) -> tuple[str, int] | None:
    """Return the session and turn that a session was forked from, or ``None``."""
    place: Any = started.extra.get(FORK)
    return (str(place["session"]), int(place["turn"])) if isinstance(place, dict) else None


def told(events: Iterable[Event]) -> Story:
    """Fold a session's events into its story. Raises ``ValueError`` when they do not begin with ``Started``."""
    stream = iter(events)
    first = next(stream, None)
    if not isinstance(first, Started):
        raise ValueError("a session's events begin with started")
    story = Story(first, [])
    for event in stream:
        match event:
            case Started():
                raise ValueError("a session starts once")
            case Resumed():
                story.pauses += 1
            case Ended():
                story.ended = event
            case _:
                _tell(_turn(story, event.step), event)
    return story


def add_judged_again(story: Story, verdicts: Iterable[tuple[int, int, str, Verdict]]) -> None:
    """Put verdicts that were given afterwards, as (step, attempt, critic's name, verdict), beside the live ones."""
    turns = {turn.step: turn for turn in story.turns}
    for step, attempt, name, verdict in verdicts:
        _try(turns[step], attempt).again.append((name, verdict))


def _tell(turn: Turn, event: Proposed | Compared | Judged | Decided | Acted | Observed | Failed) -> None:
    match event:
        case Proposed():
            turn.tries.append(Try(event.attempt, event.proposal, event.problem, event.call))
        case Compared():
            turn.choice = event
        case Judged():
            _try(turn, event.attempt).verdict = event.verdict
        case Decided():
            _try(turn, event.attempt).decisions.append(event)
        case Acted():
            turn.acted = event
        case Observed():
            turn.observed = event
        case Failed():
            turn.failed = event


def _turn(story: Story, step: int) -> Turn:
    if not story.turns or story.turns[-1].step != step:
        story.turns.append(Turn(step, chooses=chooses(story.started.spec.supervision)))
    return story.turns[-1]


def _try(turn: Turn, attempt: int) -> Try:
    for made in turn.tries:
        if made.attempt == attempt:
            return made
    raise ValueError(f"step {turn.step} has no proposal {attempt}")
