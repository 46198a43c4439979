"""Holding a session: every event is written down, then shown, then the next one may happen."""

from __future__ import annotations

import time
from collections.abc import Callable

from actorcritic_cli.session.build import opening
from actorcritic_cli.session.events import Event, Resumed
from actorcritic_cli.session.loop import Parties, Session, caught_up
from actorcritic_cli.session.state import State, after, begin, restored
from actorcritic_cli.store.database import Database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import SessionSpec, Task

Watch = Callable[[Event, State], None]
"""Sees every event once it is on record, with the state after it."""

Stop = Callable[[], bool]
"""Asked between events: true makes the session pause where it stands (it can be resumed)."""


def hold_new(
    database: Database,
    spec: SessionSpec,
    task: Task | None,
    parties: Parties,
    *,
    session: str,
    run: str | None = None,
    watch: Watch | None = None,
    stop: Stop | None = None,
) -> State:
    """Hold a new session to its end (or until ``stop``); return where it stands then."""
    event = opening(spec, task, parties, session=session, at=time.time(), run=run)
    recorder = Recorder(database)
    recorder.record(event)
    state = begin(event)
    if watch is not None:
        watch(event, state)
    return go_on(Session(parties, state), recorder, watch, stop)


def hold_on(
    database: Database, session: str, parties: Parties, *, watch: Watch | None = None, stop: Stop | None = None
) -> State:
    """Go on with a session that was interrupted; one that has ended is returned as it is."""
    state = restored(Library(database).events(session))
    if state.phase == "ended":
        return state
    recorder = Recorder.resume(database, session)
    resumed = Resumed(time.time())
    recorder.record(resumed)
    state = after(state, resumed)
    if watch is not None:
        watch(resumed, state)
    return go_on(caught_up(parties, state), recorder, watch, stop)


def go_on(session: Session, recorder: Recorder, watch: Watch | None, stop: Stop | None) -> State:
    """Hold a session from where it stands."""
    for event in session.events():
        recorder.record(event)
        if watch is not None:
            watch(event, session.state)
        # Candidates that were asked for are paid for: they go on record before the session pauses.
        if stop is not None and stop() and not session.mid_choice:
            break
    return session.state
