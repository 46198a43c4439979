"""Where a session stands: a fold over its events.

``after(state, event)`` is the only way a session moves on, live or resumed: reading a session's events from the record
gives the same state that it had when it was interrupted, and the loop goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.session.choose import chooses
from actorcritic_cli.session.decide import is_judged
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
from actorcritic_cli.types import (
    Attempt,
    Effect,
    Label,
    Proposal,
    SessionSpec,
    Task,
    Termination,
    ToolSpec,
    Transcript,
    Verdict,
)

Phase = Literal["hear", "propose", "compare", "judge", "decide", "ask", "hand_over", "act", "observe", "end", "ended"]
"""What is to happen next, in the order of a turn."""

MALFORMED_LIMIT = 3
"""How often per turn a malformed proposal goes back before the session stops."""


class State(Struct, frozen=True):
    """A session between two events."""

    session: str
    spec: SessionSpec
    task: Task | None
    tools: tuple[ToolSpec, ...]
    transcript: Transcript
    phase: Phase
    step: int = 0
    attempts: tuple[Attempt, ...] = ()
    """Rejected proposals of this turn, oldest first."""
    candidates: tuple[Proposed, ...] = ()
    """What there is to choose from in this turn, attempts 0, 1 …; empty where nothing is chosen."""
    chosen: int | None = None
    """The attempt that was taken from among the candidates."""
    proposal: Proposal | None = None
    problem: str | None = None
    label: Label | None = None
    verdict: Verdict | None = None
    accepted: int | None = None
    """The attempt that is to take effect now."""
    history: tuple[tuple[int, tuple[Attempt, ...]], ...] = ()
    """(index of an accepted message in the transcript, what was rejected before it)."""
    ending: Termination | None = None
    ending_message: str = ""
    misled: bool = False
    """A proposal labelled right was rejected, or the first candidate and not taken, and one labelled wrong took its
    place."""
    handed_over: bool = False
    """The supervisor itself handed the customer over."""
    stopped_by_person: bool = False
    cost: float = 0.0
    """US dollars, as far as known."""
    elapsed: float = 0.0
    """Seconds the session has been held; pauses between interruption and resumption do not count."""
    last_at: float | None = None

    @property
    def attempt(self) -> int:
        """The number of the proposal under way, from 0; before there is one, that of the next."""
        return len(self.candidates) if self.choosing else self.number_of(len(self.attempts))

    @property
    def choosing(self) -> bool:
        """Whether this is a fresh turn with several candidates, none of which has been taken yet."""
        return chooses(self.spec.supervision) and self.chosen is None

    def number_of(self, place: int) -> int:
        """Return the attempt that stands at a place of ``attempts``, or will stand there once it is rejected.

        The first is the chosen candidate; revisions are numbered on after the last candidate.
        """
        if self.chosen is None:
            return place
        return self.chosen if place == 0 else len(self.candidates) + place - 1

    def place_of(self, attempt: int) -> int | None:
        """Return the place of an attempt in ``attempts``; ``None`` for one that was not rejected."""
        numbers = [self.number_of(place) for place in range(len(self.attempts))]
        return numbers.index(attempt) if attempt in numbers else None

    @property
    def revisions_left(self) -> int:
        """How many more proposals the actor may make in this turn."""
        if self.problem is not None:
            malformed = sum(1 for a in self.attempts if a.critique is not None and a.critique.by == "protocol")
            return MALFORMED_LIMIT - malformed
        judged = sum(1 for a in self.attempts if a.critique is None or a.critique.by != "person")
        return self.spec.supervision.max_revisions - judged

    def effect_of(self, proposal: Proposal) -> Effect:
        """Return the effect of the call a proposal makes; ``none`` for a reply or an unknown tool."""
        effects = {tool.name: tool.effect for tool in self.tools}
        called = [effects.get(call.name, "none") for call in proposal.message.tool_calls]
        return "write" if "write" in called else "read" if "read" in called else "none"

    def is_judged(self, proposal: Proposal, problem: str | None) -> bool:
        """Whether the critic is asked about a proposal."""
        supervision = self.spec.supervision
        return (
            supervision.mode != "off"
            and problem is None
            and is_judged(supervision.gate, proposal, self.effect_of(proposal))
        )

    def candidate(self, attempt: int) -> Proposal:
        """Return the proposal made as the given attempt of this turn."""
        place = self.place_of(attempt)
        if place is not None:
            return self.attempts[place].proposal
        if self.proposal is None:
            raise LookupError(f"step {self.step} has no attempt {attempt}")
        return self.proposal


def restored(events: Iterable[Event]) -> State:
    """Return the state after a recorded session's events. Raises ``ValueError`` if they do not begin with ``Started``."""
    stream = iter(events)
    first = next(stream, None)
    if not isinstance(first, Started):
        raise ValueError("a session's events begin with started")
    state = begin(first)
    for event in stream:
        state = after(state, event)
    return state


def begin(event: Started) -> State:
    """Return the state of a session that has just started."""
    return State(
        session=event.session,
        spec=event.spec,
        task=event.task,
        tools=event.tools,
        transcript=event.messages,
        phase="hear",
        last_at=event.at,
    )


def after(state: State, event: Event) -> State:
    """Return the state after an event."""
    gap = max(0.0, event.at - state.last_at) if state.last_at is not None else 0.0
    if isinstance(event, Resumed):
        gap = 0.0
    state = replace(state, elapsed=state.elapsed + gap, last_at=event.at)
    match event:
        case Started():
            raise ValueError("a session starts once")
        case Resumed():
            return state
        case Observed():
            return _after_observed(state, event)
        case Proposed():
            return _after_proposed(state, event)
        case Compared():
            for call in event.comparison.calls if event.comparison is not None else ():
                state = _paid(state, call.cost)
            return _under_way(replace(state, chosen=event.chosen), state.candidates[event.chosen])
        case Judged():
            state = _settled(state, event.attempt)
            for call in event.verdict.calls:
                state = _paid(state, call.cost)
            return replace(state, verdict=event.verdict, phase="decide")
        case Decided():
            return _after_decided(_settled(state, event.attempt), event)
        case Acted():
            return _after_acted(state, event)
        case Failed():
            state = _paid(state, event.call.cost if event.call else None)
            return replace(state, phase="end", ending=event.reason, ending_message=event.message)
        case Ended():
            return replace(state, phase="ended", ending=event.reason, ending_message=event.message)


def best_candidate(state: State) -> int | None:
    """Return the judged attempt of this turn with the lowest ``p_revise``, or ``None`` if none was judged."""
    judged = [
        (attempt.verdict.p_revise, state.number_of(place))
        for place, attempt in enumerate(state.attempts)
        if attempt.verdict is not None and attempt.verdict.p_revise is not None
    ]
    return min(judged)[1] if judged else None


def _after_observed(state: State, event: Observed) -> State:
    state = _paid(state, event.call.cost if event.call else None)
    state = replace(state, transcript=state.transcript + event.messages)
    if event.ends is not None:
        return replace(state, phase="end", ending=event.ends)
    return replace(
        state,
        phase="propose",
        step=event.step + 1,
        attempts=(),
        candidates=(),
        chosen=None,
        proposal=None,
        verdict=None,
        problem=None,
    )


def _after_proposed(state: State, event: Proposed) -> State:
    state = _paid(state, event.call.cost if event.call else None)
    if not state.choosing:
        return _under_way(state, event)
    state = replace(state, candidates=(*state.candidates, event))
    whole = len(state.candidates) >= state.spec.supervision.choose
    return replace(state, phase="compare" if whole else "propose")


def _settled(state: State, attempt: int) -> State:
    """What is judged or decided on without a choice was the only candidate (a turn kept from another session)."""
    if not state.choosing or attempt >= len(state.candidates):
        return state
    return _under_way(replace(state, chosen=attempt), state.candidates[attempt])


def _under_way(state: State, event: Proposed) -> State:
    """One proposal goes on to be judged and decided on."""
    judged = state.is_judged(event.proposal, event.problem)
    return replace(
        state,
        proposal=event.proposal,
        problem=event.problem,
        label=event.label,
        verdict=None,
        phase="judge" if judged else "decide",
    )


def _after_decided(state: State, event: Decided) -> State:
    if event.decision.kind == "accept":
        return replace(state, phase="act", accepted=event.attempt)
    if event.attempt == state.attempt and state.proposal is not None:
        rejected = Attempt(state.proposal, state.verdict, event.critique, state.label)
        state = replace(state, attempts=(*state.attempts, rejected), proposal=None)
    elif event.critique is not None:  # the person's word on a proposal that was already set aside
        place = state.place_of(event.attempt)
        assert place is not None
        worded = replace(state.attempts[place], critique=event.critique)
        state = replace(state, attempts=(*state.attempts[:place], worded, *state.attempts[place + 1 :]))
    malformed, state = state.problem is not None, replace(state, verdict=None, problem=None)
    match event.decision.kind, event.decision.to:
        case "revise", _:
            return replace(state, phase="propose")
        case "escalate", "ask":
            return replace(state, phase="ask")
        case "escalate", "handoff":
            return replace(state, phase="hand_over")
        case "escalate", "best":
            best = best_candidate(state)
            return replace(state, phase="act", accepted=best) if best is not None else replace(state, phase="hand_over")
        case _:
            ending: Termination = "actor_error" if malformed else "stopped"
            return replace(
                state,
                phase="end",
                ending=ending,
                ending_message=event.decision.reason,
                stopped_by_person=event.by == "person",
            )


def _after_acted(state: State, event: Acted) -> State:
    place = state.place_of(event.attempt)
    rejected = tuple(attempt for number, attempt in enumerate(state.attempts) if number != place)
    history = (*state.history, (len(state.transcript), rejected)) if rejected else state.history
    taken = state.attempts[place].label if place is not None else state.label
    wrong = taken is not None and taken.label == "revise"
    given_up = [attempt.label for attempt in rejected]
    if state.chosen not in (None, 0):
        given_up.append(state.candidates[0].label)
    state = replace(
        state,
        transcript=(*state.transcript, event.message),
        history=history,
        accepted=None,
        misled=state.misled or (wrong and any(label and label.label == "approve" for label in given_up)),
        handed_over=state.candidate(event.attempt).author == "supervisor",
    )
    return replace(state, phase="observe" if event.message.tool_calls else "hear")


def _paid(state: State, cost: float | None) -> State:
    return replace(state, cost=state.cost + cost) if cost is not None else state
