"""Carrying out a run: sessions in a thread pool, one critic for all of them, resumable at any moment.

The actor's time is network time, so threads suffice; every thread has its own connection to the record. A session that
fails for a reason nobody foresaw is reported and left resumable; the others go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import msgspec

from actorcritic_cli.critics.protocol import Critic
from actorcritic_cli.ids import new_session_id
from actorcritic_cli.session.build import Recordings, environment_for, parties_for, task_for
from actorcritic_cli.session.conduct import hold_new, hold_on
from actorcritic_cli.session.events import Event
from actorcritic_cli.session.plan import Plan
from actorcritic_cli.session.state import State
from actorcritic_cli.store.database import Database, open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import SessionSpec

Report = Callable[[SessionSpec, State | Exception], None]
"""Told of every session that is over: its last state, or what went wrong."""


def record_plan(database: Database, run: str, plan: Plan) -> None:
    """Write a run's plan down, before its first session."""
    with database.writing() as connection:
        connection.execute(
            "INSERT INTO runs (id, created_at, env, dataset, config, planned, source) VALUES (?, ?, ?, ?, ?, ?, 'live')",
            (
                run,
                time.time(),
                plan.spec.env,
                plan.spec.dataset,
                msgspec.json.encode(plan).decode(),
                len(plan),
            ),
        )


def read_plan(database: Database, run: str) -> Plan:
    """Return the plan of a recorded run. Raises ``NotFound``."""
    return msgspec.json.decode(Library(database).run(run)["config"], type=Plan)


Progress = Callable[[SessionSpec, State], None]
"""Told of every event of every session, on the session's own thread."""


class Runner:
    """Holds the sessions of one run. ``stop()`` lets every session pause at its next event."""

    def __init__(
        self,
        database: Path,
        run: str,
        plan: Plan,
        critic: Critic | None,
        recordings: Recordings,
        progress: Progress | None = None,
    ):
        self.database, self.run, self.plan, self.critic, self.recordings = database, run, plan, critic, recordings
        self.progress = progress
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Pause every session at its next event; what has happened is on record."""
        self._stopping.set()

    def hold_all(self, jobs: int, report: Report) -> None:
        """Hold every session of the plan that has not ended yet, ``jobs`` at a time.

        ``report`` is called on the calling thread. ``KeyboardInterrupt`` there pauses the sessions, waits for the
        events under way and is raised again.
        """
        with open_database(self.database) as database:
            known = Library(database).run_sessions(self.run)
        waiting = [spec for spec in self.plan.sessions() if not known.get((spec.task_id, spec.trial), ("", False))[1]]
        with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="session") as pool:
            futures: dict[Future[State], SessionSpec] = {}
            try:
                while waiting or futures:
                    while waiting and len(futures) < jobs:
                        spec = waiting.pop(0)
                        session, _ = known.get((spec.task_id, spec.trial), (None, False))
                        futures[pool.submit(self._hold, spec, session)] = spec
                    done, _ = wait(futures, timeout=0.5, return_when=FIRST_COMPLETED)
                    for future in done:
                        error = future.exception()
                        spec = futures.pop(future)
                        report(spec, error if isinstance(error, Exception) else future.result())
            except BaseException:
                self.stop()
                raise

    def _hold(self, spec: SessionSpec, session: str | None) -> State:
        task = task_for(environment_for(spec), spec.task_id)
        parties = parties_for(spec, task, critic=self.critic, recordings=self.recordings)

        def watch(event: Event, state: State) -> None:
            if self.progress is not None:
                self.progress(spec, state)

        with open_database(self.database) as database:
            if session is not None:
                return hold_on(database, session, parties, watch=watch, stop=self._stopping.is_set)
            return hold_new(
                database,
                spec,
                task,
                parties,
                session=new_session_id(),
                run=self.run,
                watch=watch,
                stop=self._stopping.is_set,
            )
