"""Another critic's word on what is on record, without the actor.

Every recorded proposal that the gate shows is put before the critic as it was in the session (see ``cases``), and the
verdict is stored beside the live one. A verdict is written down as soon as it is there, so work that was interrupted goes
on where it stood: what the same critic has judged already is not judged again, unless it came to no verdict.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from actorcritic_cli.critics.protocol import Critic
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.errors import AccError
from actorcritic_cli.replay.cases import Basis, basis_of, judgeable
from actorcritic_cli.replay.flips import SessionVerdicts, compared
from actorcritic_cli.session.build import environment_for
from actorcritic_cli.session.events import Event, Started
from actorcritic_cli.session.safe import safe_verdict
from actorcritic_cli.store.database import Database, open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.rejudged import (
    known_labels,
    proposal_ids,
    put_verdict,
    remember_critic,
    verdicts_again,
)
from actorcritic_cli.types import Gate

Progress = Callable[[int, int], None]
"""Told, on the calling thread, how many sessions are done, of how many; of a single session, how many proposals."""


class Rejudging:
    """Puts recorded sessions before a critic.

    ``gate`` replaces the sessions' own; ``again`` judges anew what the critic has judged already.
    """

    def __init__(self, database: Path, critic: Critic, *, gate: Gate | None = None, again: bool = False):
        self.database, self.critic, self.gate, self.again = database, critic, gate, again
        self._stopping = threading.Event()
        self._environments: dict[str, Environment | None] = {}
        self._loading = threading.Lock()
        self._proposals = (0, 0)
        """Of the session under way: how many were judged, of how many."""

    def stop(self) -> None:
        """Leave off after the judgements under way; what was judged is on record."""
        self._stopping.set()

    def judge_all(self, sessions: Sequence[str], jobs: int, progress: Progress) -> list[SessionVerdicts]:
        """Judge sessions, ``jobs`` at a time, and return what came of each, in their order.

        ``KeyboardInterrupt`` on the calling thread waits for the judgements under way and is raised again.
        """
        with open_database(self.database) as database:
            remember_critic(database, self.critic.identity)
        waiting, done = list(enumerate(sessions)), dict[int, SessionVerdicts]()
        with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="rejudge") as pool:
            under_way: dict[Future[SessionVerdicts], int] = {}
            try:
                while waiting or under_way:
                    while waiting and len(under_way) < jobs:
                        place, session = waiting.pop(0)
                        under_way[pool.submit(self.judge, session)] = place
                    finished, _ = wait(under_way, timeout=0.5, return_when=FIRST_COMPLETED)
                    for future in finished:
                        done[under_way.pop(future)] = future.result()
                    progress(*(self._proposals if len(sessions) == 1 else (len(done), len(sessions))))
            except BaseException:
                self.stop()
                raise
        return [done[place] for place in sorted(done)]

    def judge(self, session: str) -> SessionVerdicts:
        """Judge one session's proposals and return what came of it."""
        with open_database(self.database) as database:
            events = list(Library(database).events(session))
            started = _started(events)
            basis = basis_of(started, self._environment(started))
            known = {} if self.again else verdicts_again(database, session, self.critic.identity.id)
            new = self._judge_missing(
                database, events, basis, {place for place, v in known.items() if v.p_revise is not None}
            )
            return compared(
                events,
                judgeable(events, basis.policy, self.gate),
                verdicts_again(database, session, self.critic.identity.id),
                known_labels(database, session),
                new=new,
                notes=basis.notes,
            )

    def _judge_missing(
        self, database: Database, events: Sequence[Event], basis: Basis, known: set[tuple[int, int]]
    ) -> int:
        """Judge what has no verdict yet; return how many verdicts were given."""
        session, count = _started(events).session, 0
        ids = proposal_ids(database, session)
        missing = [one for one in judgeable(events, basis.policy, self.gate) if (one.step, one.attempt) not in known]
        for one in missing:
            self._proposals = (count, len(missing))
            if self._stopping.is_set():
                break
            verdict = safe_verdict(self.critic.judge(one.case))
            if self._stopping.is_set() and verdict.kind == "no_verdict":
                break  # it was broken off, which says nothing of the critic
            put_verdict(database, session, ids[one.step, one.attempt], verdict)
            count += 1
        return count

    def _environment(self, started: Started) -> Environment | None:
        """Return a session's environment; ``None`` where it or its data are not on this machine."""
        spec = started.spec
        place = repr((spec.env, spec.dataset, sorted(spec.env_options.items())))
        with self._loading:
            if place not in self._environments:
                try:
                    self._environments[place] = environment_for(spec)
                except AccError:
                    self._environments[place] = None
            return self._environments[place]


def _started(events: Sequence[Event]) -> Started:
    first = events[0]
    assert isinstance(first, Started)  # the record holds no session without it
    return first
