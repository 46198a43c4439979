"""Reads what statistics are made of: counts of every group of sessions, by task.

All counting happens here, in SQL (``STATEMENTS``, one pass over each table); what the counts mean is in ``analysis``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from actorcritic_cli.store.database import Database
from actorcritic_cli.store.selection import EVERYTHING, JUDGED, Group, Selection, choose, under_way
from actorcritic_cli.types import PartyName


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


class TaskCounts(Struct):
    """What was counted on the ended sessions of one task, or on one free conversation (``free``)."""

    task: str
    free: bool
    sessions: int = 0
    scored: int = 0
    successes: int = 0
    turns: int = 0
    """Steps in which the actor proposed something."""
    revised_turns: int = 0
    """Steps in which it proposed again after a proposal had been sent back."""
    proposals: int = 0
    """Candidates that were not taken included."""
    malformed: int = 0
    judged: int = 0
    """Proposals that the gate sends to the critic."""
    judged_with_verdict: int = 0
    judged_interventions: int = 0
    interventions: int = 0
    """Proposals with a decision that was not ``accept``, malformed ones included."""


class GroupCounts(Struct):
    """A group of sessions as it is counted. Latencies are seconds, one for each model call or verdict."""

    group: Group
    number: int
    """Of the group in the connection's table ``chosen``; 0 for a group none of whose sessions has ended."""
    under_way: int = 0
    tasks: dict[str, TaskCounts] = field(default_factory=dict)
    endings: dict[tuple[str, bool, bool], int] = field(default_factory=dict)
    """(termination, whether it was scored, whether it was a free conversation) → sessions."""
    faults: dict[str, int] = field(default_factory=dict)
    """Whose failure each failed session is → sessions."""
    verdicts: dict[str, int] = field(default_factory=dict)
    """approve, revise, and no_verdict with its reason (``no_verdict (timeout)``) → count."""
    actor_latency: list[float] = field(default_factory=list)
    critic_latency: list[float] = field(default_factory=list)
    calls: dict[PartyName, PartyCalls] = field(default_factory=dict)
    revising: PartyCalls = field(default_factory=PartyCalls)
    """Of the actor's calls, those that were not the first of their turn: revisions and further candidates."""
    revising_seconds: float = 0.0
    comparisons: int = 0
    """Turns in which the critic compared candidates."""
    failed_comparisons: int = 0
    chosen_another: int = 0
    """Turns in which another candidate than the first was taken."""
    comparing_seconds: float = 0.0
    """What the critic took to compare."""


_REVISION = (
    "p.attempt > 0 AND p.author = 'actor' AND NOT p.set_aside AND NOT EXISTS (SELECT 1 FROM choices o "
    "WHERE o.session = p.session AND o.step = p.step AND o.chosen = p.attempt)"
)
"""SQL: whether a proposal came after another one was sent back, and not beside it as a further candidate."""

_OF_PROPOSALS = (
    "SELECT c.grp, c.task, sum(p.author = 'actor') AS proposals, sum(p.author = 'actor' AND p.attempt = 0) AS turns, "
    f"count(DISTINCT CASE WHEN {_REVISION} THEN p.step END) AS revised_turns, count(p.problem) AS malformed, "
    f"sum({JUDGED}) AS judged FROM chosen c CROSS JOIN proposals p ON p.session = c.session GROUP BY c.session"
)
_CALLS = (
    "count(*) AS calls, count(m.error) AS failed, total(m.input_tokens) AS input_tokens, "
    "total(m.output_tokens) AS output_tokens, total(m.cached_tokens) AS cached_tokens, "
    "sum(m.input_tokens IS NULL OR m.output_tokens IS NULL) AS tokens_unknown, total(m.cost) AS cost, "
    "sum(m.cost IS NULL) AS cost_unknown"
)

STATEMENTS = {
    "sessions": "SELECT c.grp, c.task, c.free, count(*) AS sessions, count(c.score) AS scored, total(c.score) AS successes "
    "FROM chosen c GROUP BY 1, 2, 3",
    "endings": "SELECT c.grp, s.termination, c.score IS NOT NULL, c.free, count(*) FROM chosen c "
    "JOIN sessions s ON s.id = c.session GROUP BY 1, 2, 3, 4",
    "faults": "SELECT c.grp, s.fault, count(*) FROM chosen c JOIN sessions s ON s.id = c.session "
    "WHERE s.fault IS NOT NULL GROUP BY 1, 2",
    "proposals": "SELECT grp, task, total(proposals) AS proposals, total(turns) AS turns, "
    "total(revised_turns) AS revised_turns, total(malformed) AS malformed, total(judged) AS judged "
    f"FROM ({_OF_PROPOSALS}) GROUP BY 1, 2",
    "interventions": "SELECT grp, task, total(interventions) AS interventions, total(judged) AS judged_interventions FROM ("
    f"SELECT c.grp, c.task, count(DISTINCT p.id) AS interventions, count(DISTINCT CASE WHEN {JUDGED} THEN p.id END) "
    "AS judged "
    "FROM chosen c CROSS JOIN decisions d ON d.session = c.session JOIN proposals p ON p.id = d.proposal "
    "WHERE d.decision <> 'accept' GROUP BY c.session) GROUP BY 1, 2",
    "with verdict": "SELECT grp, task, total(n) AS judged_with_verdict FROM (SELECT c.grp, c.task, "
    f"count(DISTINCT CASE WHEN {JUDGED} THEN p.id END) AS n FROM chosen c CROSS JOIN verdicts v ON v.session = c.session "
    "JOIN proposals p ON p.id = v.proposal WHERE v.live = 1 AND v.seq IS NOT NULL GROUP BY c.session) GROUP BY 1, 2",
    "verdicts": "SELECT grp, kind, why, sum(n) FROM (SELECT c.grp, v.kind, v.why, count(*) AS n FROM chosen c "
    "CROSS JOIN verdicts v ON v.session = c.session WHERE v.live = 1 AND v.seq IS NOT NULL "
    "GROUP BY c.session, 2, 3) GROUP BY 1, 2, 3",
    "critic latency": "SELECT c.grp, v.latency FROM chosen c CROSS JOIN verdicts v ON v.session = c.session "
    "WHERE v.live = 1 AND v.seq IS NOT NULL",
    "calls": "SELECT grp, party, sum(calls), sum(failed), sum(input_tokens), sum(output_tokens), sum(cached_tokens), "
    f"sum(tokens_unknown), sum(cost), sum(cost_unknown) FROM (SELECT c.grp, m.party, {_CALLS} FROM chosen c "
    "CROSS JOIN model_calls m ON m.session = c.session GROUP BY c.session, 2) GROUP BY 1, 2",
    "actor latency": "SELECT c.grp, m.latency FROM chosen c CROSS JOIN model_calls m ON m.session = c.session "
    "WHERE m.party = 'actor' AND m.error IS NULL",
    "comparisons": "SELECT c.grp, count(o.critic), count(o.why), sum(o.chosen > 0), total(o.latency) FROM chosen c "
    "CROSS JOIN choices o ON o.session = c.session GROUP BY 1",
    "revising": f"SELECT c.grp, total(m.latency), {_CALLS} FROM chosen c CROSS JOIN proposals p ON p.session = c.session "
    "AND p.attempt > 0 AND p.author = 'actor' CROSS JOIN model_calls m ON m.session = p.session AND m.seq = p.seq "
    "WHERE m.party = 'actor' GROUP BY 1",
}
"""What is counted → the query over the table ``chosen`` that counts it. (``v.seq IS NOT NULL`` holds of every live
verdict, and lets SQLite use the index of these.)"""


def group_counts(database: Database, selection: Selection = EVERYTHING) -> list[GroupCounts]:
    """Return the counts of every group among the sessions, ordered by group and task.

    The connection's table ``chosen`` holds the sessions afterwards, for what else is to be read of them.
    """
    found = {number: GroupCounts(group, number) for number, group in choose(database, selection).items()}
    for row in database.rows(STATEMENTS["sessions"]):
        counts = TaskCounts(row["task"], bool(row["free"]), row["sessions"], row["scored"], int(row["successes"]))
        found[row["grp"]].tasks[counts.task] = counts
    for statement in ("proposals", "interventions", "with verdict"):
        for row in database.rows(STATEMENTS[statement]):
            task = found[row["grp"]].tasks[row["task"]]
            for column in row.keys()[2:]:
                setattr(task, column, int(row[column]))
    for grp, termination, scored, free, n in _rows(database, "endings"):
        found[grp].endings[termination, bool(scored), bool(free)] = n
    for grp, fault, n in _rows(database, "faults"):
        found[grp].faults[fault] = n
    for grp, kind, why, n in _rows(database, "verdicts"):
        found[grp].verdicts[kind if why is None else f"{kind} ({why})"] = n
    for grp, latency in _rows(database, "critic latency"):
        found[grp].critic_latency.append(latency)
    for grp, latency in _rows(database, "actor latency"):
        found[grp].actor_latency.append(latency)
    for grp, party, *calls in _rows(database, "calls"):
        found[grp].calls[party] = _calls(calls)
    for grp, seconds, *calls in _rows(database, "revising"):
        found[grp].revising, found[grp].revising_seconds = _calls(calls), seconds
    for grp, compared, failed, another, seconds in _rows(database, "comparisons"):
        group = found[grp]
        group.comparisons, group.failed_comparisons, group.chosen_another = compared, failed, another
        group.comparing_seconds = seconds
    return _with_those_under_way(database, selection, found)


def _rows(database: Database, statement: str) -> Iterator[tuple[Any, ...]]:
    return database.tuples(STATEMENTS[statement])


def _calls(row: list[Any]) -> PartyCalls:
    calls, failed, given, made, cached, tokens_unknown, cost, cost_unknown = row
    return PartyCalls(calls, failed, int(given), int(made), int(cached), tokens_unknown, cost, cost_unknown)


def _with_those_under_way(database: Database, selection: Selection, found: dict[int, GroupCounts]) -> list[GroupCounts]:
    groups = {counts.group: counts for counts in found.values()}
    for group, n in under_way(database, selection).items():
        groups.setdefault(group, GroupCounts(group, 0)).under_way = n
    for counts in groups.values():
        counts.tasks = dict(sorted(counts.tasks.items()))
    return [groups[group] for group in sorted(groups)]
