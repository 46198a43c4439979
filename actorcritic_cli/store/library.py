"""Reads the record: which sessions and runs there are, by id, filter or run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import msgspec

from actorcritic_cli.errors import NotFound, UsageError
from actorcritic_cli.session.events import Event
from actorcritic_cli.store.database import Database
from actorcritic_cli.store.filters import Filter
from actorcritic_cli.store.session_reader import SessionReader
from actorcritic_cli.types import SessionSpec, Task


class Summary(msgspec.Struct, frozen=True):
    """One session on one line. ``turns`` counts accepted messages of the actor."""

    id: str
    run: str | None
    created_at: float
    env: str
    dataset: str
    task: str | None
    trial: int
    actor: str
    user: str
    critic: str | None
    supervise: str
    termination: str | None
    reward: float | None
    turns: int
    interventions: int
    source: str
    fault: str | None = None
    forked: str | None = None
    """Of a fork: the session that it was forked from and the turn, in words."""


class Library:
    """The reader of a record."""

    def __init__(self, database: Database):
        self.database = database

    def find_session(self, prefix: str) -> str:
        """Return the id of the session that a full id, the beginning of one, or ``last`` names.

        Raises ``NotFound``, or ``UsageError`` when several sessions begin like that.
        """
        return self._find("sessions", "session", prefix, "acc sessions")

    def find_run(self, prefix: str) -> str:
        """Return the id of a run, as ``find_session`` does for sessions."""
        return self._find("runs", "run", prefix, "acc sessions --runs")

    def _find(self, table: str, what: str, prefix: str, lister: str) -> str:
        if prefix == "last":
            row = self.database.row(f"SELECT id FROM {table} ORDER BY created_at DESC, id DESC LIMIT 1")
            if row is None:
                raise NotFound(f"There is no {what} on record yet; hold one with acc demo or acc chat.")
            return str(row["id"])
        rows = self.database.rows(f"SELECT id FROM {table} WHERE id = ?", (prefix,)) or self.database.rows(
            f"SELECT id FROM {table} WHERE id >= ? AND id < ? ORDER BY id LIMIT 6", (prefix, prefix + "\U0010ffff")
        )
        if not rows or not prefix:
            raise NotFound(f"No {what} begins with '{prefix}'; {lister} lists them.")
        if len(rows) > 1:
            names = ", ".join(r["id"] for r in rows[:5])
            raise UsageError(f"Several {what}s begin with '{prefix}' ({names} …); give more of the id.")
        return str(rows[0]["id"])

    def sessions(
        self,
        chosen: Filter | None = None,
        *,
        env: str | None = None,
        dataset: str | None = None,
        run: str | None = None,
        limit: int | None = None,
    ) -> list[Summary]:
        """Return sessions, newest first: those of a filter, or of an environment, data set or run."""
        where, values = (chosen or Filter(env=env, dataset=dataset, run=run)).where()
        tail = " LIMIT ?" if limit is not None else ""
        rows = self.database.rows(
            "SELECT s.id, s.run, s.created_at, s.env, s.dataset, s.task, s.trial, s.actor, s.user, s.critic, s.supervise, "
            "s.termination, s.reward, s.source, s.fault, CASE WHEN s.source = 'fork' THEN "
            "json_extract(s.extra, '$.fork.session') || ', turn ' || json_extract(s.extra, '$.fork.turn') END AS forked, "
            "(SELECT count(*) FROM steps t WHERE t.session = s.id AND t.acted_seq IS NOT NULL) AS turns, "
            "(SELECT count(*) FROM decisions d WHERE d.session = s.id AND d.decision <> 'accept' "
            " AND d.decided_by = 'supervisor') AS interventions "
            f"FROM sessions s {where} ORDER BY s.created_at DESC, s.id DESC{tail}",
            [*values, limit] if limit is not None else values,
        )
        return [msgspec.convert(dict(row), Summary) for row in rows]

    def events(self, session: str) -> Iterator[Event]:
        """Yield a session's events as they happened. Raises ``NotFound``."""
        return iter(SessionReader(self.database, session).events())

    def session_spec(self, session: str) -> tuple[SessionSpec, Task | None]:
        """Return what a session was to be: its specification and its task as it was then. Raises ``NotFound``."""
        row = self.database.row("SELECT spec, task_body FROM sessions WHERE id = ?", (session,))
        if row is None:
            raise NotFound(f"There is no session {session}; acc sessions lists them.")
        task = msgspec.json.decode(row["task_body"], type=Task) if row["task_body"] else None
        return msgspec.json.decode(row["spec"], type=SessionSpec), task

    def chain(self, session: str) -> list[str]:
        """Return the ids of the accepted transcript's messages, first to last."""
        rows = self.database.rows(
            "WITH RECURSIVE chain(id, parent, back) AS (SELECT m.id, m.parent, 0 FROM sessions s JOIN messages m "
            "ON m.id = s.head WHERE s.id = ? UNION ALL SELECT m.id, m.parent, c.back + 1 FROM chain c "
            "JOIN messages m ON m.id = c.parent) SELECT id FROM chain ORDER BY back DESC",
            (session,),
        )
        return [row["id"] for row in rows]

    def run(self, run: str) -> sqlite3.Row:
        """Return a run's row. Raises ``NotFound``."""
        row = self.database.row("SELECT * FROM runs WHERE id = ?", (run,))
        if row is None:
            raise NotFound(f"There is no run {run}; acc sessions --runs lists them.")
        return row

    def runs(self) -> list[sqlite3.Row]:
        """Return all runs, newest first, with how many of their sessions are there and have ended."""
        return self.database.rows(
            "SELECT r.*, count(s.id) AS sessions, count(s.termination) AS ended FROM runs r "
            "LEFT JOIN sessions s ON s.run = r.id GROUP BY r.id ORDER BY r.created_at DESC, r.id DESC"
        )

    def run_sessions(self, run: str) -> dict[tuple[str | None, int], tuple[str, bool]]:
        """Return (task, trial) → (session id, whether it has ended) of a run."""
        rows = self.database.rows("SELECT id, task, trial, termination FROM sessions WHERE run = ?", (run,))
        return {(r["task"], r["trial"]): (r["id"], r["termination"] is not None) for r in rows}

    def ended_sessions(self, *, run: str | None = None, env: str | None = None) -> list[str]:
        """Return the ids of the sessions that have ended, run by run, as they stood in their file or trial by trial."""
        given = {"run": run, "env": env}
        named = {column: value for column, value in given.items() if value is not None}
        where = "".join(f" AND {column} = ?" for column in named)
        rows = self.database.rows(
            f"SELECT id FROM sessions WHERE termination IS NOT NULL{where} "
            "ORDER BY run, json_extract(extra, '$.place'), trial, created_at, task, id",
            list(named.values()),
        )
        return [row["id"] for row in rows]
