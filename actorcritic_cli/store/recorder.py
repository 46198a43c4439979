"""Writes the event stream down: one short transaction an event, before the event's effect.

A recorder serves one session. It never loses or doubles an event: every event has the next number of its session's
spine (``events``), and the numbers are unique, so that two processes that hold the same session by mistake cannot both
go on.
"""

from __future__ import annotations

import json
import sqlite3

import msgspec

from actorcritic_cli.errors import AccError
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
from actorcritic_cli.store.database import Database
from actorcritic_cli.store.rows import as_json, calls_of, put_critic, put_message, put_tools, ruled
from actorcritic_cli.types import Comparison, Label, Message, ModelCall, SessionSpec


class Recorder:
    """The writer of one session. Start with ``Started``, or with ``Recorder.resume`` for a session on record."""

    def __init__(self, database: Database):
        self.database = database
        self.session = ""
        self.next_seq = 0
        self.head: str | None = None
        self._effects: dict[str, str] = {}
        self._chooses = False
        self._settled: set[int] = set()  # steps in which one of several candidates has been taken
        self._proposals: dict[tuple[int, int], tuple[int, Message]] = {}

    @classmethod
    def resume(cls, database: Database, session: str) -> Recorder:
        """Return a recorder that writes on at the end of a session on record."""
        self = cls(database)
        row = database.row("SELECT head, opening, toolset, spec FROM sessions WHERE id = ?", (session,))
        last = database.row("SELECT max(seq) AS seq FROM events WHERE session = ?", (session,))
        if row is None or last is None:
            raise LookupError(session)
        self.session, self.next_seq, self.head = session, last["seq"] + 1, row["head"] or row["opening"]
        self._chooses = chooses(msgspec.json.decode(row["spec"], type=SessionSpec).supervision)
        taken = "SELECT step FROM events WHERE session = ? AND kind IN ('compared', 'judged', 'decided')"
        self._settled = {event["step"] for event in database.rows(taken, (session,))}
        tools = database.row("SELECT body FROM toolsets WHERE id = ?", (row["toolset"],))
        if tools is not None:
            self._effects = {t["name"]: t["effect"] for t in json.loads(tools["body"])}
        for p in database.rows("SELECT id, step, attempt, exact FROM proposals WHERE session = ?", (session,)):
            self._proposals[p["step"], p["attempt"]] = (p["id"], msgspec.json.decode(p["exact"], type=Message))
        return self

    def record(self, event: Event) -> None:
        """Write one event. Raises ``AccError`` when the session has been continued elsewhere meanwhile."""
        with self.database.writing(durable=self._changes_the_world(event)) as connection:
            if isinstance(event, Started):
                self._started(connection, event)
            seq = self.next_seq
            step, attempt = getattr(event, "step", None), getattr(event, "attempt", None)
            kind = type(event).__struct_config__.tag
            try:
                connection.execute(
                    "INSERT INTO events (session, seq, kind, at, step, attempt) VALUES (?, ?, ?, ?, ?, ?)",
                    (self.session, seq, kind, event.at, step, attempt),
                )
            except sqlite3.IntegrityError as error:
                raise AccError(
                    f"Session {self.session} is being continued by another process; let that one finish it."
                ) from error
            self._body(connection, seq, event)
            if step is not None:
                for number, call in enumerate(calls_of(event)):
                    self._model_call(connection, seq, number, step, call)
        self.next_seq += 1

    def _changes_the_world(self, event: Event) -> bool:
        """Whether the effect of an event cannot be taken back: a call that writes, about to be made."""
        return isinstance(event, Acted) and any(
            self._effects.get(call.name) == "write" for call in event.message.tool_calls
        )

    def _body(self, connection: sqlite3.Connection, seq: int, event: Event) -> None:
        match event:
            case Started() | Resumed():
                pass
            case Proposed():
                self._proposed(connection, seq, event)
            case Compared():
                self._compared(connection, seq, event)
            case Judged():
                self._judged(connection, seq, event)
            case Decided():
                self._decided(connection, seq, event)
            case Acted():
                self._acted(connection, seq, event)
            case Observed():
                self._observed(connection, seq, event)
            case Failed():
                connection.execute(
                    "INSERT INTO failures (session, seq, step, party, message, reason) VALUES (?, ?, ?, ?, ?, ?)",
                    (self.session, seq, event.step, event.party, event.message, event.reason),
                )
            case Ended():
                connection.execute(
                    "UPDATE sessions SET ended_at = ?, termination = ?, termination_message = ?, reward = ?, "
                    "reward_info = ?, state = ?, fault = ? WHERE id = ?",
                    (
                        event.at,
                        event.reason,
                        event.message,
                        event.reward.value if event.reward else None,
                        as_json(event.reward.info) if event.reward else None,
                        event.state,
                        event.fault,
                        self.session,
                    ),
                )

    def _started(self, connection: sqlite3.Connection, event: Started) -> None:
        self.session, self.next_seq, self.head = event.session, 0, None
        self._proposals, self._chooses, self._settled = {}, chooses(event.spec.supervision), set()
        self._effects = {tool.name: tool.effect for tool in event.tools}
        for message in event.messages:
            self.head = put_message(connection, message, self.head)
        if event.critic is not None:
            put_critic(connection, event.critic)
        spec = event.spec
        connection.execute(
            "INSERT INTO sessions (id, run, created_at, env, dataset, task, trial, actor, user, critic, supervise, spec, "
            "task_body, toolset, opening, head, source, extra) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                event.session,
                event.run,
                event.at,
                spec.env,
                spec.dataset,
                spec.task_id,
                spec.trial,
                event.actor or spec.actor,
                event.user or spec.user,
                event.critic.id if event.critic else None,
                spec.supervision.mode,
                as_json(spec),
                as_json(event.task) if event.task else None,
                put_tools(connection, event.tools),
                self.head,
                self.head,
                event.source,
                as_json(event.extra),
            ),
        )

    def _proposed(self, connection: sqlite3.Connection, seq: int, event: Proposed) -> None:
        message = event.proposal.message
        tool = message.tool_calls[0].name if message.tool_calls else None
        cursor = connection.execute(
            "INSERT INTO proposals (session, seq, step, attempt, author, kind, tool, effect, message, exact, problem, "
            "set_aside) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.session,
                seq,
                event.step,
                event.attempt,
                event.proposal.author,
                event.proposal.kind,
                tool,
                self._effects.get(tool, "none") if tool is not None else None,
                put_message(connection, message, self.head),
                as_json(message),
                event.problem,
                int(self._chooses and event.step not in self._settled),
            ),
        )
        assert cursor.lastrowid is not None
        self._proposals[event.step, event.attempt] = (cursor.lastrowid, message)
        if event.label is not None:
            self._label(connection, seq, event, event.label)

    def _taken(self, connection: sqlite3.Connection, step: int, attempt: int) -> None:
        """Of the candidates of a step one is taken; it was set aside with the others until now."""
        if self._chooses and step not in self._settled:
            self._settled.add(step)
            connection.execute("UPDATE proposals SET set_aside = 0 WHERE id = ?", (self._proposals[step, attempt][0],))

    def _compared(self, connection: sqlite3.Connection, seq: int, event: Compared) -> None:
        self._taken(connection, event.step, event.chosen)
        said = event.comparison
        connection.execute(
            "INSERT INTO choices (session, seq, step, candidates, chosen, reason, compared, critic, scores, why, message, "
            "latency, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.session,
                seq,
                event.step,
                event.candidates,
                event.chosen,
                event.reason,
                as_json(event.attempts),
                *((None,) * 6 if said is None else _comparison(said)),
            ),
        )

    def _judged(self, connection: sqlite3.Connection, seq: int, event: Judged) -> None:
        self._taken(connection, event.step, event.attempt)
        verdict = event.verdict
        connection.execute(
            "INSERT INTO verdicts (proposal, session, seq, live, critic, kind, why, message, p_revise, threshold, critique, "
            "latency, detail, created_at) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._proposals[event.step, event.attempt][0],
                self.session,
                seq,
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
            ),
        )

    def _decided(self, connection: sqlite3.Connection, seq: int, event: Decided) -> None:
        self._taken(connection, event.step, event.attempt)
        connection.execute(
            "INSERT INTO decisions (proposal, session, seq, decision, escalate_to, reason, critique, decided_by) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._proposals[event.step, event.attempt][0],
                self.session,
                seq,
                event.decision.kind,
                event.decision.to,
                event.decision.reason,
                as_json(event.critique) if event.critique else None,
                event.by,
            ),
        )
        label = ruled(event)
        if label is not None:
            self._label(connection, seq, event, label)

    def _label(self, connection: sqlite3.Connection, seq: int, event: Proposed | Decided, label: Label) -> None:
        connection.execute(
            "INSERT INTO labels (proposal, source, label, why, created_at, seq) VALUES (?, ?, ?, ?, ?, ?)",
            (
                self._proposals[event.step, event.attempt][0],
                label.source,
                label.label,
                label.why,
                event.at,
                seq,
            ),
        )

    def _acted(self, connection: sqlite3.Connection, seq: int, event: Acted) -> None:
        self.head = put_message(connection, event.message, self.head)
        proposed = self._proposals[event.step, event.attempt][1]
        connection.execute(
            "INSERT INTO steps (session, step, acted_seq, attempt, message, exact) VALUES (?, ?, ?, ?, ?, ?)",
            (
                self.session,
                event.step,
                seq,
                event.attempt,
                self.head,
                None if event.message == proposed else as_json(event.message),
            ),
        )
        connection.execute("UPDATE sessions SET head = ? WHERE id = ?", (self.head, self.session))

    def _observed(self, connection: sqlite3.Connection, seq: int, event: Observed) -> None:
        for message in event.messages:
            self.head = put_message(connection, message, self.head)
        connection.execute(
            "INSERT INTO steps (session, step, observed_seq, observation, observations, error, ends, latency) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session, step) DO UPDATE SET "
            "observed_seq = excluded.observed_seq, observation = excluded.observation, "
            "observations = excluded.observations, error = excluded.error, ends = excluded.ends, "
            "latency = excluded.latency",
            (
                self.session,
                event.step,
                seq,
                self.head if event.messages else None,
                len(event.messages),
                int(event.error),
                event.ends,
                event.latency,
            ),
        )
        connection.execute("UPDATE sessions SET head = ? WHERE id = ?", (self.head, self.session))

    def _model_call(self, connection: sqlite3.Connection, seq: int, number: int, step: int, call: ModelCall) -> None:
        connection.execute(
            "INSERT INTO model_calls (session, seq, number, step, party, model, request, response, input_tokens, "
            "output_tokens, cached_tokens, usage, cost, latency, retries, error) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.session,
                seq,
                number,
                step,
                call.party,
                call.model,
                as_json(call.request),
                call.response,
                call.usage.input_tokens,
                call.usage.output_tokens,
                call.usage.cached_tokens,
                as_json(call.usage.raw),
                call.cost,
                call.latency,
                as_json(call.retries),
                call.error,
            ),
        )


def _comparison(said: Comparison) -> tuple[object, ...]:
    return said.critic, as_json(said.scores), said.why, said.message, said.latency, as_json(said.detail)
