"""What a critic was shown, or would have been shown, of each proposal of a recorded session.

The events are folded into the session's states as they were; before every proposal that the gate lets through stands then
the same case as in the live session, with the same delimiters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.session.decide import is_judged
from actorcritic_cli.session.events import Compared, Decided, Event, Judged, Proposed, Started
from actorcritic_cli.session.loop import case_of
from actorcritic_cli.session.state import State, after, begin
from actorcritic_cli.types import Decision, Gate, Supervision, Transcript, Verdict


class Basis(Struct, frozen=True):
    """What the critic holds proposals against: the policy of the session, and what is to be said of where it comes from."""

    policy: str
    notes: tuple[str, ...] = ()


class Judgeable(Struct, frozen=True):
    """A recorded proposal that a critic can be asked about, with what came of it then.

    ``live`` is the verdict of the session itself, ``decided`` the supervisor's first decision; ``None`` where there was
    none. ``supervision`` and ``revisions_left`` are what the decision was, or would have been, made with.
    """

    case: Case
    step: int
    attempt: int
    supervision: Supervision
    revisions_left: int
    live: Verdict | None = None
    decided: Decision | None = None


def basis_of(started: Started, environment: Environment | None) -> Basis:
    """Return the policy that a session was held under.

    It is the environment's where the environment still opens a conversation in the same words. Where it has changed since,
    the recorded words count, without the frame that the environment puts around its policy.
    """
    recorded = _system(started.messages)
    if environment is None:
        return Basis(recorded or "", ("the environment is not here: the policy is the recorded system message",))
    notes = []
    if started.tools and started.tools != environment.tools:
        notes.append("the environment's tools have changed since: the recorded ones are shown to the critic")
    if recorded is None:
        notes.append("the record holds no system message: the policy is the environment's as it is now")
        return Basis(environment.policy, tuple(notes))
    now = _system(environment.opening()) or environment.policy
    if recorded == now:
        return Basis(environment.policy, tuple(notes))
    notes.append("the environment's policy has changed since: the recorded one counts")
    before, _, behind = now.partition(environment.policy)
    framed = recorded.startswith(before) and recorded.endswith(behind) and len(recorded) >= len(before) + len(behind)
    policy = recorded[len(before) : len(recorded) - len(behind)] if framed else recorded
    return Basis(policy, tuple(notes))


def judgeable(events: Iterable[Event], policy: str, gate: Gate | None = None) -> Iterator[Judgeable]:
    """Yield the proposals of a session that the gate lets the critic see; ``None`` is the session's own gate.

    Raises ``ValueError`` when the events do not begin with ``Started``.
    """
    stream = iter(events)
    first = next(stream, None)
    if not isinstance(first, Started):
        raise ValueError("a session's events begin with started")
    state = begin(first)
    waiting: Judgeable | None = None
    for event in stream:
        before, state = state, after(state, event)
        shown = _shown(before, state, event)
        if shown is not None:
            if waiting is not None:
                yield waiting
            waiting = _judgeable(*shown, policy, gate)
        match event:
            case Judged() if waiting is not None and _same_place(event, waiting):
                waiting = replace(waiting, live=event.verdict)
            case Decided() if waiting is not None and _same_place(event, waiting) and waiting.decided is None:
                waiting = replace(waiting, decided=event.decision)
    if waiting is not None:
        yield waiting


def _shown(before: State, now: State, event: Event) -> tuple[State, Proposed] | None:
    """Return the proposal that goes on to be judged with an event, and the state in which it does.

    Of several candidates it is the one that was chosen, once it is chosen; or, in a turn kept from another session, the
    one that was decided on.
    """
    match event:
        case Proposed() if not now.choosing:
            return now, event
        case Compared():
            return now, now.candidates[event.chosen]
        case Judged() | Decided() if before.choosing and event.attempt < len(before.candidates):
            return before, before.candidates[event.attempt]
    return None


def _judgeable(state: State, event: Proposed, policy: str, gate: Gate | None) -> Judgeable | None:
    supervision = state.spec.supervision
    wanted = gate or supervision.gate
    if event.problem is not None or not is_judged(wanted, event.proposal, state.effect_of(event.proposal)):
        return None
    # What was left of the session's time bounds no judgement made afterwards.
    case = replace(case_of(state, policy, event.proposal), max_seconds=None)
    return Judgeable(case, event.step, event.attempt, replace(supervision, mode="enforce"), state.revisions_left)


def _same_place(event: Judged | Decided, waiting: Judgeable) -> bool:
    return (event.step, event.attempt) == (waiting.step, waiting.attempt)


def _system(messages: Transcript) -> str | None:
    return next((message.content or "" for message in messages if message.role == "system"), None)
