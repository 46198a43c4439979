"""Puts a session's events together again from its rows: what ``Recorder`` wrote, read back."""

from __future__ import annotations

import json
import sqlite3
import sys
from typing import Any

import msgspec

from actorcritic_cli.errors import NotFound
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
from actorcritic_cli.types import (
    Comparison,
    CriticIdentity,
    Critique,
    Decision,
    Label,
    Message,
    ModelCall,
    Proposal,
    Reward,
    SessionSpec,
    Task,
    ToolCall,
    ToolSpec,
    Usage,
    Verdict,
)


class SessionReader:
    """Reads one session's rows and puts its events together again. Raises ``NotFound`` where there is no such session."""

    def __init__(self, database: Database, session: str):
        self.database, self.session = database, session
        row = database.row("SELECT * FROM sessions WHERE id = ?", (session,))
        if row is None:
            raise NotFound(f"There is no session {session}; acc sessions lists them.")
        self.row = row

    def events(self) -> list[Event]:
        """Return the session's events as they happened."""
        spine = self._rows("events")
        self.proposals = {(r["step"], r["attempt"]): r for r in self._rows("proposals")}
        self.labels = self._labels()
        self.choices = {r["seq"]: r for r in self._rows("choices")}
        self.verdicts = {r["seq"]: r for r in self._rows("verdicts", "AND seq IS NOT NULL")}
        self.decisions = {r["seq"]: r for r in self._rows("decisions")}
        self.steps = {r["step"]: r for r in self._rows("steps")}
        self.failures = {r["seq"]: r for r in self._rows("failures")}
        self.calls: dict[int, tuple[ModelCall, ...]] = {}
        for call in self._rows("model_calls"):
            self.calls[call["seq"]] = (*self.calls.get(call["seq"], ()), _model_call(call))
        self.acted: Message | None = None
        return [self._event(row) for row in spine]

    def _rows(self, table: str, more: str = "") -> list[sqlite3.Row]:
        order = {"steps": "step", "model_calls": "seq, number"}.get(table, "seq")
        return self.database.rows(f"SELECT * FROM {table} WHERE session = ? {more} ORDER BY {order}", (self.session,))

    def _call(self, seq: int) -> ModelCall | None:
        """Return the model call that led to an event that has one at most."""
        return next(iter(self.calls.get(seq, ())), None)

    def _labels(self) -> dict[int, Label]:
        """Return event number → label of the proposals that came with one (later labels are not part of the event)."""
        rows = self.database.rows(
            "SELECT p.seq, l.label, l.why, l.source FROM proposals p JOIN labels l ON l.proposal = p.id AND l.seq = p.seq "
            "WHERE p.session = ? ORDER BY l.id DESC",
            (self.session,),
        )
        return {row["seq"]: msgspec.convert({k: row[k] for k in ("label", "why", "source")}, Label) for row in rows}

    def _event(self, row: sqlite3.Row) -> Event:
        seq, at, step, attempt = row["seq"], row["at"], row["step"], row["attempt"]
        match row["kind"]:
            case "started":
                return self._started()
            case "resumed":
                return Resumed(at)
            case "proposed":
                found = self.proposals[step, attempt]
                proposal = Proposal(_message(found["exact"]), found["author"])
                return Proposed(at, step, attempt, proposal, self._call(seq), found["problem"], self.labels.get(seq))
            case "compared":
                return _compared(at, self.choices[seq], self.calls.get(seq, ()))
            case "judged":
                return Judged(at, step, attempt, verdict_of(self.verdicts[seq], self.calls.get(seq, ())))
            case "decided":
                d = self.decisions[seq]
                decision = Decision(d["decision"], d["reason"], d["escalate_to"])
                critique = msgspec.json.decode(d["critique"], type=Critique) if d["critique"] else None
                return Decided(at, step, attempt, decision, critique, sys.intern(d["decided_by"]))
            case "acted":
                exact = self.steps[step]["exact"] or self.proposals[step, attempt]["exact"]
                self.acted = _message(exact)
                return Acted(at, step, attempt, self.acted)
            case "observed":
                s = self.steps[step]
                return Observed(
                    at,
                    step,
                    self._observation(s),
                    bool(s["error"]),
                    s["latency"],
                    self._call(seq),
                    s["ends"],
                )
            case "failed":
                f = self.failures[seq]
                return Failed(at, step, f["party"], f["message"], f["reason"], self._call(seq))
            case "ended":
                info = json.loads(self.row["reward_info"]) if self.row["reward_info"] else {}
                reward = Reward(self.row["reward"], info) if self.row["reward_info"] is not None else None
                ended = self.row
                return Ended(
                    at,
                    ended["termination"],
                    ended["termination_message"] or "",
                    reward,
                    ended["state"],
                    ended["fault"],
                )
            case other:
                raise ValueError(f"unknown event {other}")

    def _started(self) -> Started:
        row, database = self.row, self.database
        critic = database.row("SELECT * FROM critics WHERE id = ?", (row["critic"],)) if row["critic"] else None
        tools = database.row("SELECT body FROM toolsets WHERE id = ?", (row["toolset"],)) if row["toolset"] else None
        spec = msgspec.json.decode(row["spec"], type=SessionSpec)
        return Started(
            session=self.session,
            at=row["created_at"],
            spec=spec,
            messages=self._chain(row["opening"]),
            task=msgspec.json.decode(row["task_body"], type=Task) if row["task_body"] else None,
            tools=msgspec.json.decode(tools["body"], type=tuple[ToolSpec, ...]) if tools else (),
            critic=_critic(critic) if critic else None,
            run=row["run"],
            actor=row["actor"] if row["actor"] != spec.actor else "",
            user=row["user"] if row["user"] != spec.user else "",
            source=sys.intern(row["source"]),  # so that a default is known as one and left out of traces
            extra=json.loads(row["extra"]),
        )

    def _chain(self, head: str | None, count: int | None = None) -> tuple[Message, ...]:
        messages: list[Message] = []
        while head is not None and (count is None or len(messages) < count):
            row = self.database.row("SELECT parent, body FROM messages WHERE id = ?", (head,))
            assert row is not None  # a foreign key
            messages.append(message_from_body(row["body"]))
            head = row["parent"]
        return tuple(reversed(messages))

    def _observation(self, step: sqlite3.Row) -> tuple[Message, ...]:
        messages = self._chain(step["observation"], step["observations"])
        calls = self.acted.tool_calls if self.acted is not None else ()
        if not calls or not messages or messages[0].role != "tool":
            return messages
        # A result answers the call at its position; call ids are not part of a message's identity.
        return tuple(
            msgspec.structs.replace(message, tool_call_id=call.id)
            for message, call in zip(messages, calls, strict=False)
        )


def message_from_body(body: str) -> Message:
    """Return the message that a stored body says (call ids are made up: they are not part of it)."""
    value: dict[str, Any] = json.loads(body)
    calls = tuple(
        ToolCall(f"call_{i}", c["name"], c.get("arguments_text", json.dumps(c.get("arguments"))))
        for i, c in enumerate(value.get("tool_calls", ()))
    )
    return Message(value["role"], value["content"], calls, None, value.get("name"))


def _message(exact: str) -> Message:
    return msgspec.json.decode(exact, type=Message)


def _compared(at: float, row: sqlite3.Row, calls: tuple[ModelCall, ...]) -> Compared:
    comparison = None
    if row["critic"] is not None:
        scores, detail = tuple(json.loads(row["scores"])), json.loads(row["detail"])
        comparison = Comparison(row["critic"], scores, row["why"], row["message"], row["latency"], detail, calls)
    attempts = tuple(json.loads(row["compared"]))
    return Compared(at, row["step"], row["candidates"], row["chosen"], row["reason"], attempts, comparison)


def verdict_of(row: sqlite3.Row, calls: tuple[ModelCall, ...] = ()) -> Verdict:
    """Return the verdict that a row of ``verdicts`` holds; ``calls`` are the model calls that led to it."""
    return Verdict(
        kind=row["kind"],
        critic=row["critic"],
        p_revise=row["p_revise"],
        threshold=row["threshold"],
        why=row["why"],
        message=row["message"],
        critique=msgspec.json.decode(row["critique"], type=Critique) if row["critique"] else None,
        latency=row["latency"],
        detail=json.loads(row["detail"]),
        calls=calls,
    )


def _critic(row: sqlite3.Row) -> CriticIdentity:
    return CriticIdentity(
        row["id"],
        row["name"],
        row["file_sha256"],
        row["quantisation"],
        row["prompt_version"],
        row["threshold"],
        json.loads(row["info"]),
    )


def _model_call(row: sqlite3.Row) -> ModelCall:
    return ModelCall(
        party=row["party"],
        model=row["model"],
        request=json.loads(row["request"]),
        response=row["response"],
        usage=Usage(row["input_tokens"], row["output_tokens"], row["cached_tokens"], json.loads(row["usage"])),
        cost=row["cost"],
        latency=row["latency"],
        retries=tuple(json.loads(row["retries"])),
        error=row["error"],
    )
