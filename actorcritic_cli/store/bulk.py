"""Writes whole sessions at once: the rows that ``Recorder`` writes event by event, in a fraction of the time.

An import has its sessions complete before it writes the first of them, so nothing needs to be on disk before an effect:
rows are collected over many sessions and handed to SQLite by the table, messages in the order of their ids (they lie in
that order in the file). What ends up in the database is the same to the row; a test holds the two writers side by side.
Sessions in which the actor proposes several candidates at once are left to ``Recorder``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from operator import itemgetter
from typing import Any

from actorcritic_cli.errors import AccError
from actorcritic_cli.hashing import identified, sha256
from actorcritic_cli.session.choose import chooses
from actorcritic_cli.session.events import (
    Acted,
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
from actorcritic_cli.store.database import Database
from actorcritic_cli.store.recorder import Recorder, as_json, calls_of, ruled
from actorcritic_cli.types import Label, Message, ModelCall, ToolSpec

BATCH_ROWS = 60_000
BATCH_CHARACTERS = 24_000_000
"""When collected rows are written: what bounds the memory that a writer takes."""

_PAGES_IN_MEMORY = 64_000
"""Kibibytes of the database that SQLite keeps while it is written to: a million messages come in the order of a hash."""

_TABLES = {
    "messages": ("id", "parent", "role", "body"),
    "critics": ("id", "name", "file_sha256", "quantisation", "prompt_version", "threshold", "info"),
    "toolsets": ("id", "body"),
    "sessions": (
        "id",
        "run",
        "created_at",
        "ended_at",
        "env",
        "dataset",
        "task",
        "trial",
        "actor",
        "user",
        "critic",
        "supervise",
        "termination",
        "termination_message",
        "reward",
        "reward_info",
        "state",
        "spec",
        "task_body",
        "toolset",
        "opening",
        "head",
        "source",
        "extra",
        "fault",
    ),
    "events": ("session", "seq", "kind", "at", "step", "attempt"),
    "model_calls": (
        "id",
        "session",
        "seq",
        "number",
        "step",
        "party",
        "model",
        "request",
        "response",
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "usage",
        "cost",
        "latency",
        "retries",
        "error",
    ),
    "proposals": (
        "id",
        "session",
        "seq",
        "step",
        "attempt",
        "author",
        "kind",
        "tool",
        "effect",
        "message",
        "exact",
        "problem",
        "set_aside",
    ),
    "verdicts": (
        "id",
        "proposal",
        "session",
        "seq",
        "live",
        "critic",
        "kind",
        "why",
        "message",
        "p_revise",
        "threshold",
        "critique",
        "latency",
        "detail",
        "created_at",
    ),
    "decisions": (
        "id",
        "proposal",
        "session",
        "seq",
        "decision",
        "escalate_to",
        "reason",
        "critique",
        "decided_by",
    ),
    "steps": (
        "session",
        "step",
        "acted_seq",
        "attempt",
        "message",
        "exact",
        "observed_seq",
        "observation",
        "observations",
        "error",
        "ends",
        "latency",
    ),
    "failures": ("session", "seq", "step", "party", "message", "reason"),
    "labels": ("id", "proposal", "source", "label", "why", "created_at", "seq"),
}
_SHARED = frozenset(("messages", "critics", "toolsets"))
"""Tables whose rows several sessions refer to: one that is there is left as it is."""

_NUMBERED = ("model_calls", "proposals", "verdicts", "decisions", "labels")

_BY_SESSION = ("sessions", "events", "steps")
"""Tables that lie in the order of their sessions' ids."""

_AT_ONCE = 50
"""Rows by one statement."""


def _statement(table: str, rows: int) -> str:
    columns = _TABLES[table]
    values = ", ".join([f"({', '.join('?' * len(columns))})"] * rows)
    shared = " ON CONFLICT DO NOTHING" if table in _SHARED else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}{shared}"


_KNOWN: dict[type, str] = {
    kind: kind.__struct_config__.tag  # type: ignore[misc]
    for kind in (Started, Resumed, Proposed, Judged, Decided, Acted, Observed, Failed, Ended)
}
"""Events that this writer knows → what the spine calls them."""

Row = tuple[Any, ...]


class DoesNotFollow(Exception):
    """An event that does not follow from those before it; the text says in what."""


@contextmanager
def bulk_writing(database: Database) -> Iterator[BulkRecorder]:
    """Hold one transaction in which whole sessions are written: all that is added is on record, or nothing.

    Foreign keys are not looked at meanwhile (every row's parent is written with it, or was there).
    """
    connection = database.connection
    cache = connection.execute("PRAGMA cache_size").fetchone()[0]
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute(f"PRAGMA cache_size=-{_PAGES_IN_MEMORY}")
    try:
        with database.writing():
            recorder = BulkRecorder(database)
            yield recorder
            recorder.flush()
    finally:
        connection.execute(f"PRAGMA cache_size={cache}")
        connection.execute("PRAGMA foreign_keys=ON")


class BulkRecorder:
    """The writer of many sessions; made by ``bulk_writing``."""

    def __init__(self, database: Database):
        self.database = database
        self._rows: dict[str, list[Row]] = {table: [] for table in _TABLES}
        self._messages: dict[str, Row] = {}
        self._toolsets: dict[str, Row] = {}
        self._characters = self._count = 0
        self._sessions: set[str] = set()
        self._trials: set[tuple[str, str, int]] = set()
        self._runs: dict[str, bool] = {}
        """Run → whether it had sessions before this writer came to it."""
        self._next = self._numbers()
        self._openings: dict[tuple[Message, ...], tuple[tuple[str, Row], ...]] = {}
        self._tools: tuple[tuple[ToolSpec, ...], Row | None, dict[str, str]] = ((), None, {})

    def _numbers(self) -> dict[str, int]:
        return {table: (self.database.rows(f"SELECT max(id) FROM {table}")[0][0] or 0) + 1 for table in _NUMBERED}

    def holds(self, session: str) -> bool:
        """Whether a session is on record, or among those to be written."""
        return (
            session in self._sessions
            or self.database.row("SELECT 1 FROM sessions WHERE id = ?", (session,)) is not None
        )

    def add(self, events: Sequence[Event]) -> None:
        """Add one session, from its start on. Raises ``DoesNotFollow``, and then nothing of it will be written."""
        started = events[0] if events else None
        if not isinstance(started, Started):
            raise DoesNotFollow("a session begins with a started event")
        self._check_new(started)
        if chooses(started.spec.supervision) or any(type(event) not in _KNOWN for event in events):
            self._record(events)
            self._note_trial(started)
            return
        before = dict(self._next)
        try:
            session = _Session(self, started)
            session.write(events)
        except DoesNotFollow:
            self._next = before
            raise
        self._take(session)
        self._note_trial(started)
        if self._count >= BATCH_ROWS or self._characters >= BATCH_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Hand everything collected to SQLite, within the transaction."""
        self._rows["messages"] = [self._messages[identity] for identity in sorted(self._messages)]
        self._rows["toolsets"] = list(self._toolsets.values())
        for table in _BY_SESSION:
            self._rows[table].sort(key=itemgetter(0))
        try:
            for table, rows in self._rows.items():
                self._insert(table, rows)
                rows.clear()
        except sqlite3.IntegrityError as error:
            raise AccError(
                f"The sessions do not fit in with those on record ({error}); nothing was imported."
            ) from error
        self._messages.clear()
        self._toolsets.clear()
        self._sessions.clear()
        self._characters = self._count = 0

    def _take(self, session: _Session) -> None:
        self._sessions.add(session.id)
        for table, rows in session.rows.items():
            self._rows[table] += rows
            self._count += len(rows)
        self._messages |= session.messages
        self._characters += session.characters
        if session.toolset is not None:
            self._toolsets[session.toolset[0]] = session.toolset

    def _insert(self, table: str, rows: list[Row]) -> None:
        """Insert rows, many by one statement as far as they go: half the work of a statement is to begin it."""
        execute = self.database.connection.executemany
        whole = len(rows) // _AT_ONCE * _AT_ONCE
        if whole:
            groups = (tuple(chain.from_iterable(rows[n : n + _AT_ONCE])) for n in range(0, whole, _AT_ONCE))
            execute(_statement(table, _AT_ONCE), groups)
        if whole < len(rows):
            execute(_statement(table, 1), rows[whole:])

    def _check_new(self, started: Started) -> None:
        if self.holds(started.session):
            raise DoesNotFollow(f"there is a session {started.session} already")
        if started.run is None or started.spec.task_id is None:
            return
        trial = (started.run, started.spec.task_id, started.spec.trial)
        if started.run not in self._runs:
            held = self.database.row("SELECT 1 FROM sessions WHERE run = ?", (started.run,)) is not None
            self._runs[started.run] = held
        if trial in self._trials or (
            self._runs[started.run]
            and self.database.row("SELECT 1 FROM sessions WHERE run = ? AND task = ? AND trial = ?", trial) is not None
        ):
            raise DoesNotFollow(f"run {trial[0]} has a trial {trial[2]} of task {trial[1]} already")

    def _note_trial(self, started: Started) -> None:
        if started.run is not None and started.spec.task_id is not None:
            self._trials.add((started.run, started.spec.task_id, started.spec.trial))

    def _record(self, events: Sequence[Event]) -> None:
        """Write a session event by event."""
        self.flush()
        recorder = Recorder(self.database)
        self.database.connection.execute("SAVEPOINT session")
        try:
            for event in events:
                recorder.record(event)
        except (LookupError, sqlite3.IntegrityError) as error:
            self.database.connection.execute("ROLLBACK TO session")
            raise DoesNotFollow(f"{type(error).__name__}: {error}") from error
        finally:
            self.database.connection.execute("RELEASE session")
        self._next = self._numbers()

    def opening(self, messages: tuple[Message, ...]) -> tuple[tuple[str, Row], ...]:
        """Return (id, row) of the messages before anyone spoke: the same for all sessions of a kind, and long."""
        known = self._openings.get(messages)
        if known is None:
            rows: list[tuple[str, Row]] = []
            parent: str | None = None
            for message in messages:
                identity, body = identified(message, parent)
                rows.append((identity, (identity, parent, message.role, body)))
                parent = identity
            known = tuple(rows)
            if len(self._openings) >= 64:
                self._openings.clear()
            self._openings[messages] = known
        return known

    def tools(self, tools: tuple[ToolSpec, ...]) -> tuple[Row | None, dict[str, str]]:
        """Return the row of a set of tools, and each one's effect."""
        if tools is not self._tools[0]:
            body = as_json(tools)
            row = (sha256(body)[:32], body) if tools else None
            self._tools = (tools, row, {tool.name: tool.effect for tool in tools})
        return self._tools[1], self._tools[2]

    def number(self, table: str) -> int:
        """Return the next row number of a table."""
        number = self._next[table]
        self._next[table] = number + 1
        return number


class _Session:
    """The rows of one session, until it is known to be whole."""

    def __init__(self, writer: BulkRecorder, started: Started):
        self.id = started.session
        self.rows: dict[str, list[Row]] = {table: [] for table in _TABLES if table not in ("messages", "toolsets")}
        self.messages: dict[str, Row] = {}
        self.toolset, self._effects = writer.tools(started.tools)
        self.characters = 0
        self._number = writer.number
        self._started = started
        self._head: str | None = None
        for self._head, row in writer.opening(started.messages):
            self.messages[self._head] = row
        self._opening = self._head
        self._proposals: dict[tuple[int, int], tuple[int, Message, str, str | None]] = {}
        """(step, attempt) → row number, message, the message's id, and that of the message before it."""
        self._steps: dict[int, list[Any]] = {}

    def write(self, events: Sequence[Event]) -> None:
        """Make the rows of all events. Raises ``DoesNotFollow``."""
        session, spine = self.id, self.rows["events"]
        last: Ended | None = None
        for seq, event in enumerate(events):
            step = attempt = None
            if isinstance(event, Proposed):
                step, attempt = event.step, event.attempt
                self._proposed(seq, event)
            elif isinstance(event, Decided):
                step, attempt = event.step, event.attempt
                self._decided(seq, event)
            elif isinstance(event, Acted):
                step, attempt = event.step, event.attempt
                self._acted(seq, event)
            elif isinstance(event, Observed):
                step = event.step
                self._observed(seq, event)
            elif isinstance(event, Judged):
                step, attempt = event.step, event.attempt
                self._judged(seq, event)
            elif isinstance(event, Failed):
                step = event.step
                self._failed(seq, event)
            elif isinstance(event, Ended):
                last = event
            elif isinstance(event, Started) and seq:
                raise DoesNotFollow("a session begins twice")
            spine.append((session, seq, _KNOWN[type(event)], event.at, step, attempt))
        self.rows["steps"] = [(session, step, *row) for step, row in self._steps.items()]
        self._session(last)

    def _session(self, ended: Ended | None) -> None:
        event, spec, critic = self._started, self._started.spec, self._started.critic
        if critic is not None:
            info = as_json(critic.info)
            self.rows["critics"].append(
                (
                    critic.id,
                    critic.name,
                    critic.file_sha256,
                    critic.quantisation,
                    critic.prompt_version,
                    critic.threshold,
                    info,
                )
            )
        reward = ended.reward if ended else None
        self.rows["sessions"].append(
            (
                event.session,
                event.run,
                event.at,
                ended.at if ended else None,
                spec.env,
                spec.dataset,
                spec.task_id,
                spec.trial,
                event.actor or spec.actor,
                event.user or spec.user,
                critic.id if critic else None,
                spec.supervision.mode,
                ended.reason if ended else None,
                ended.message if ended else None,
                reward.value if reward else None,
                as_json(reward.info) if reward else None,
                ended.state if ended else None,
                as_json(spec),
                as_json(event.task) if event.task else None,
                self.toolset[0] if self.toolset else None,
                self._opening,
                self._head,
                event.source,
                as_json(event.extra),
                ended.fault if ended else None,
            )
        )

    def _message(self, message: Message) -> str:
        """Add a message below the head, unless it is there; return its id."""
        head = self._head
        identity, body = identified(message, head)
        self.messages[identity] = (identity, head, message.role, body)
        self.characters += len(body)
        return identity

    def _known(self, event: Judged | Decided | Acted) -> tuple[int, Message, str, str | None]:
        try:
            return self._proposals[event.step, event.attempt]
        except KeyError:
            raise DoesNotFollow(f"nothing was proposed as attempt {event.attempt} of step {event.step}") from None

    def _proposed(self, seq: int, event: Proposed) -> None:
        key, message, author = (event.step, event.attempt), event.proposal.message, event.proposal.author
        if key in self._proposals:
            raise DoesNotFollow(f"attempt {event.attempt} of step {event.step} is proposed twice")
        identity, exact, number = self._message(message), as_json(message), self._number("proposals")
        self._proposals[key] = (number, message, identity, self._head)
        kind, tool, effect = "reply", None, None
        if message.tool_calls:
            kind, tool = "tool_call", message.tool_calls[0].name
            effect = self._effects.get(tool, "none")
        self.rows["proposals"].append(
            (number, self.id, seq, *key, author, kind, tool, effect, identity, exact, event.problem, 0)
        )
        self.characters += len(exact)
        if event.label is not None:
            self._label(seq, event, event.label)
        if event.call is not None:
            self._model_call(seq, 0, event.step, event.call)

    def _judged(self, seq: int, event: Judged) -> None:
        verdict = event.verdict
        self.rows["verdicts"].append(
            (
                self._number("verdicts"),
                self._known(event)[0],
                self.id,
                seq,
                1,
                verdict.critic,
                verdict.kind,
                verdict.why,
                verdict.message,
                verdict.p_revise,
                verdict.threshold,
                as_json(verdict.critique) if verdict.critique else None,
                verdict.latency,
                as_json(verdict.detail),
                event.at,
            )
        )
        for number, call in enumerate(calls_of(event)):
            self._model_call(seq, number, event.step, call)

    def _decided(self, seq: int, event: Decided) -> None:
        decision, number = event.decision, self._known(event)[0]
        critique = as_json(event.critique) if event.critique else None
        self.rows["decisions"].append(
            (
                self._number("decisions"),
                number,
                self.id,
                seq,
                decision.kind,
                decision.to,
                decision.reason,
                critique,
                event.by,
            )
        )
        label = ruled(event) if event.by == "person" else None
        if label is not None:
            self._label(seq, event, label)

    def _label(self, seq: int, event: Proposed | Decided, label: Label) -> None:
        proposal = self._proposals[event.step, event.attempt][0]
        row = (self._number("labels"), proposal, label.source, label.label, label.why, event.at, seq)
        self.rows["labels"].append(row)

    def _acted(self, seq: int, event: Acted) -> None:
        _, proposed, identity, head = self._known(event)
        same = event.message is proposed or event.message == proposed
        if event.step in self._steps:
            raise DoesNotFollow(f"step {event.step} is made twice")
        self._head = identity if same and head == self._head else self._message(event.message)
        exact = None if same else as_json(event.message)
        self._steps[event.step] = [seq, event.attempt, self._head, exact, None, None, None, None, None, None]

    def _observed(self, seq: int, event: Observed) -> None:
        for message in event.messages:
            self._head = self._message(message)
        step = self._steps.setdefault(event.step, [None] * 10)
        seen = self._head if event.messages else None
        step[4:] = (seq, seen, len(event.messages), int(event.error), event.ends, event.latency)
        if event.call is not None:
            self._model_call(seq, 0, event.step, event.call)

    def _failed(self, seq: int, event: Failed) -> None:
        self.rows["failures"].append((self.id, seq, event.step, event.party, event.message, event.reason))
        if event.call is not None:
            self._model_call(seq, 0, event.step, event.call)

    def _model_call(self, seq: int, among: int, step: int, call: ModelCall) -> None:
        usage, number = call.usage, self._number("model_calls")
        request, raw, retries = as_json(call.request), as_json(usage.raw), as_json(call.retries)
        self.characters += len(call.response or "")
        self.rows["model_calls"].append(
            (
                number,
                self.id,
                seq,
                among,
                step,
                call.party,
                call.model,
                request,
                call.response,
                usage.input_tokens,
                usage.output_tokens,
                usage.cached_tokens,
                raw,
                call.cost,
                call.latency,
                retries,
                call.error,
            )
        )
