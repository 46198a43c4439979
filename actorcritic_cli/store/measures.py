"""Reads what statistics are made of: one row of counts for every session that has ended.

Only counting happens here, in SQL; what the counts mean is in ``analysis``. Whether a proposal *should* have been judged is
asked of the same rule that the live session follows, so that a missing verdict shows.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from msgspec import Struct, field

from actorcritic_cli.session.decide import is_judged
from actorcritic_cli.store.database import Database
from actorcritic_cli.types import Message, PartyName, Proposal, ToolCall


class PartyCalls(Struct):
    """Model calls of one party: tokens and dollars as far as known, and of how many calls they are not known."""

    calls: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    tokens_unknown: int = 0
    cost: float = 0.0
    cost_unknown: int = 0


class SessionCounts(Struct):
    """One session as it is counted. Latencies are seconds, one for each model call or verdict."""

    id: str
    run: str | None
    env: str
    dataset: str
    task: str | None
    trial: int
    actor: str
    critic: str | None
    """The critic's name with the beginning of its identity; ``None`` when unsupervised."""
    supervise: str
    source: str
    termination: str | None
    """``None`` while the session is under way; nothing but its existence is then counted."""
    reward: float | None
    fault: str | None = None
    """Whose failure it is, of a session that failed."""
    turns: int = 0
    """Steps in which the actor proposed something."""
    revised_turns: int = 0
    """Steps in which it proposed again after a proposal was sent back."""
    comparisons: int = 0
    """Steps in which the critic compared candidates."""
    failed_comparisons: int = 0
    chosen_another: int = 0
    """Steps in which another candidate than the first was taken."""
    proposals: int = 0
    """Candidates that were not taken included."""
    malformed: int = 0
    judged: int = 0
    """Proposals that the gate sends to the critic."""
    judged_with_verdict: int = 0
    judged_interventions: int = 0
    interventions: int = 0
    """Proposals with a decision that was not ``accept``, malformed ones included."""
    verdicts: dict[str, int] = field(default_factory=dict)
    """approve, revise, and no_verdict with its reason (``no_verdict (timeout)``) → count."""
    actor_latency: list[float] = field(default_factory=list)
    critic_latency: list[float] = field(default_factory=list)
    calls: dict[PartyName, PartyCalls] = field(default_factory=dict)


def session_counts(
    database: Database, *, env: str | None = None, dataset: str | None = None, run: str | None = None
) -> list[SessionCounts]:
    """Return the counts of all sessions, oldest first, of one environment, data set or run if named."""
    given = {"env": env, "dataset": dataset, "run": run}
    named = {column: value for column, value in given.items() if value is not None}
    where = "WHERE " + " AND ".join(f"s.{column} = ?" for column in named) if named else ""
    return _Counter(database, where, list(named.values())).counts()


class _Counter:
    """Runs one query a table over the sessions chosen, and puts the rows together."""

    def __init__(self, database: Database, where: str, values: list[object]):
        self.database, self.values = database, values
        self.where = where
        self.chosen = f"session IN (SELECT s.id FROM sessions s {where})"

    def counts(self) -> list[SessionCounts]:
        rows = self.database.rows(
            "SELECT s.*, c.name AS critic_name, json_extract(s.spec, '$.supervision.gate') AS gate FROM sessions s "
            f"LEFT JOIN critics c ON c.id = s.critic {self.where} ORDER BY s.created_at, s.id",
            self.values,
        )
        found = {row["id"]: _session(row) for row in rows}
        gates = {row["id"]: row["gate"] or "auto" for row in rows}
        self._count_proposals(found, gates)
        self._count_turns(found)
        self._count_choices(found)
        self._count_verdicts(found)
        self._count_calls(found)
        return list(found.values())

    def _rows(self, sql: str) -> Iterable[sqlite3.Row]:
        return self.database.rows(sql.replace("{chosen}", self.chosen), self.values)

    def _count_proposals(self, found: dict[str, SessionCounts], gates: dict[str, str]) -> None:
        for row in self._rows(
            "SELECT p.session, p.author, p.kind, p.effect, p.set_aside, p.problem IS NOT NULL AS malformed, "
            "EXISTS (SELECT 1 FROM verdicts v WHERE v.proposal = p.id AND v.live = 1) AS verdict, "
            "EXISTS (SELECT 1 FROM decisions d WHERE d.proposal = p.id AND d.decision <> 'accept') AS intervened, "
            "count(*) AS n FROM proposals p WHERE p.{chosen} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
        ):
            session = found[row["session"]]
            n = row["n"]
            if row["author"] == "actor":
                session.proposals += n
            session.malformed += n * row["malformed"]
            session.interventions += n * row["intervened"]
            asked = session.supervise != "off" and not row["malformed"] and not row["set_aside"]
            if asked and _is_judged(gates[session.id], row):
                session.judged += n
                session.judged_with_verdict += n * row["verdict"]
                session.judged_interventions += n * row["intervened"]

    def _count_turns(self, found: dict[str, SessionCounts]) -> None:
        for row in self._rows(
            "SELECT p.session, count(DISTINCT p.step) AS turns, count(DISTINCT CASE WHEN NOT p.set_aside "
            "AND p.attempt >= coalesce(c.candidates, 1) THEN p.step END) AS revised FROM proposals p "
            "LEFT JOIN choices c ON c.session = p.session AND c.step = p.step "
            "WHERE p.{chosen} AND p.author = 'actor' GROUP BY p.session"
        ):
            session = found[row["session"]]
            session.turns, session.revised_turns = row["turns"], row["revised"]

    def _count_choices(self, found: dict[str, SessionCounts]) -> None:
        for row in self._rows(
            "SELECT session, count(critic) AS compared, count(why) AS failed, sum(chosen > 0) AS another FROM choices "
            "WHERE {chosen} GROUP BY session"
        ):
            session = found[row["session"]]
            session.comparisons, session.failed_comparisons = row["compared"], row["failed"]
            session.chosen_another = row["another"]

    def _count_verdicts(self, found: dict[str, SessionCounts]) -> None:
        for row in self._rows(
            "SELECT session, kind, why, json_group_array(latency) AS latencies, count(*) AS n FROM verdicts "
            "WHERE {chosen} AND live = 1 GROUP BY 1, 2, 3"
        ):
            session = found[row["session"]]
            name = row["kind"] if row["why"] is None else f"{row['kind']} ({row['why']})"
            session.verdicts[name] = session.verdicts.get(name, 0) + row["n"]
            session.critic_latency += json.loads(row["latencies"])

    def _count_calls(self, found: dict[str, SessionCounts]) -> None:
        for row in self._rows(
            "SELECT session, party, count(*) AS calls, count(error) AS failed, "
            "total(input_tokens) AS input_tokens, total(output_tokens) AS output_tokens, "
            "total(cached_tokens) AS cached_tokens, sum(input_tokens IS NULL OR output_tokens IS NULL) AS tokens_unknown, "
            "total(cost) AS cost, sum(cost IS NULL) AS cost_unknown, "
            "json_group_array(latency) FILTER (WHERE error IS NULL) AS latencies FROM model_calls "
            "WHERE {chosen} GROUP BY 1, 2"
        ):
            session = found[row["session"]]
            session.calls[row["party"]] = PartyCalls(
                row["calls"],
                row["failed"],
                int(row["input_tokens"]),
                int(row["output_tokens"]),
                int(row["cached_tokens"]),
                row["tokens_unknown"],
                row["cost"],
                row["cost_unknown"],
            )
            if row["party"] == "actor":
                session.actor_latency += json.loads(row["latencies"])


def _session(row: sqlite3.Row) -> SessionCounts:
    return SessionCounts(
        id=row["id"],
        run=row["run"],
        env=row["env"],
        dataset=row["dataset"],
        task=row["task"],
        trial=row["trial"],
        actor=row["actor"],
        critic=f"{row['critic_name']} [{row['critic'][:8]}]" if row["critic"] else None,
        supervise=row["supervise"],
        source=row["source"],
        termination=row["termination"],
        reward=row["reward"],
        fault=row["fault"],
    )


def _is_judged(gate: str, row: sqlite3.Row) -> bool:
    """Ask the session's own rule; of a proposal it looks at no more than these columns."""
    calls = (ToolCall("", "", "{}"),) if row["kind"] == "tool_call" else ()
    proposal = Proposal(Message("assistant", tool_calls=calls), row["author"])
    return is_judged(gate, proposal, row["effect"] or "none")  # type: ignore[arg-type]  # the record holds gates only
