"""A live session that begins in the middle of a recorded one.

What was accepted before the wanted turn is kept: the new session begins with the same messages (content-addressed, so they
are shared), and its parties go on from there. Rejected proposals, verdicts, costs and times of the kept turns stay with
the parent; they are none of the new session's. Its ``source`` is ``fork``, so that statistics never count it among
sessions that were held from the beginning, and its ``extra`` names the parent.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.errors import NotFound
from actorcritic_cli.replay.cases import basis_of
from actorcritic_cli.replay.story import FORK, Story, Turn, told
from actorcritic_cli.replay.verify import compare_turn
from actorcritic_cli.session.build import opening
from actorcritic_cli.session.conduct import Stop, Watch, go_on
from actorcritic_cli.session.events import Acted, Decided, Event, Observed, Proposed, Started
from actorcritic_cli.session.loop import Parties, caught_up
from actorcritic_cli.session.state import State, after, begin, restored
from actorcritic_cli.store.database import Database
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import Decision, Message, Proposal, SessionSpec

SOURCE = "fork"


class ForkPoint(Struct, frozen=True):
    """A recorded session and the turn that is to be held anew."""

    parent: Started
    turn: int
    kept: tuple[Turn, ...]


def fork_point(events: Sequence[Event], turn: int) -> ForkPoint:
    """Return where a session is to be forked: turn 1 keeps no more than the user's first words.

    Raises ``NotFound`` for a turn that the session does not have, or that it did not reach.
    """
    story = told(events)
    last = _last_turn(events, story)
    name = story.started.session
    if last < 1:
        raise NotFound(f"Session {name} has no turn of the actor yet; begin a new session with acc chat.")
    if not 1 <= turn <= last:
        has = "turn 1 only" if last == 1 else f"turns 1 to {last}"
        raise NotFound(f"Session {name} cannot be forked at turn {turn}: it has {has}.")
    return ForkPoint(story.started, turn, tuple(t for t in story.turns if t.step < turn))


def forked(point: ForkPoint, spec: SessionSpec, parties: Parties, *, session: str, at: float) -> list[Event]:
    """Return the events by which the new session begins, up to the turn to be held."""
    parent = point.parent
    started = replace(
        opening(spec, parent.task, parties, session=session, at=at),
        messages=parent.messages,
        source=SOURCE,
        extra={FORK: {"session": parent.session, "turn": point.turn}},
    )
    events: list[Event] = [started]
    for turn in point.kept:
        if turn.acted is not None:
            message = turn.acted.message
            events += [
                Proposed(at, turn.step, 0, _proposal(turn, message)),
                Decided(at, turn.step, 0, Decision("accept", f"kept from {parent.session}")),
                Acted(at, turn.step, 0, message),
            ]
        if turn.observed is not None:
            events.append(Observed(at, turn.step, turn.observed.messages, turn.observed.error))
    return events


def changed_since(point: ForkPoint, environment: Environment) -> list[str]:
    """Return what is to be said of an environment that is no longer what the parent was held in."""
    said = [note for note in basis_of(point.parent, environment).notes if "changed" in note]
    episode = environment.open(point.parent.task)
    differing = [d for turn in point.kept for d, _ in compare_turn(turn, episode) if d is not None]
    if differing:
        first = differing[0]
        said.append(
            f"{first.tool} in turn {first.step} does not give today what is on record (acc replay {point.parent.session} "
            "--verify shows it), so the state may differ from what the conversation says"
        )
    return said


def hold_fork(
    database: Database,
    point: ForkPoint,
    spec: SessionSpec,
    parties: Parties,
    *,
    session: str,
    watch: Watch | None = None,
    stop: Stop | None = None,
) -> State:
    """Hold the new session to its end; return where it stands then.

    What is kept is written in one piece, so that an interrupted fork is resumed like any session.
    """
    events = forked(point, spec, parties, session=session, at=time.time())
    recorder = Recorder(database)
    with database.writing():
        for event in events:
            recorder.record(event)
    first = events[0]
    assert isinstance(first, Started)
    state = begin(first)
    for event in events:
        state = state if event is first else after(state, event)
        if watch is not None:
            watch(event, state)
    return go_on(caught_up(parties, state), recorder, watch, stop)


def _proposal(turn: Turn, message: Message) -> Proposal:
    """Return the proposal that was accepted: more than what stands of it, where the environment cut it."""
    assert turn.acted is not None
    accepted = [tried.proposal for tried in turn.tries if tried.attempt == turn.acted.attempt]
    return accepted[0] if accepted else Proposal(message)


def _last_turn(events: Sequence[Event], story: Story) -> int:
    """Return the last turn that the actor came to, whether it proposed anything in it or not."""
    acted = [turn.step for turn in story.turns if turn.acted is not None or turn.tries]
    state = restored(events)
    if state.phase not in ("end", "ended") or state.ending in ("max_turns", "max_cost", "max_seconds"):
        return state.step  # nothing said the conversation was over
    return max([*acted, state.step if story.turns and story.turns[-1].failed is not None else 0], default=0)
