"""Which sessions statistics are made of, and what these must have in common to be counted together.

The sessions chosen go into a temporary table with a number for their group, so that every count is one pass of SQL
over the rows of these sessions, in the order of the table's index.
"""

from __future__ import annotations

import sqlite3
from typing import Any, get_args

from msgspec import Struct

from actorcritic_cli.session.decide import is_judged
from actorcritic_cli.store.database import Database
from actorcritic_cli.types import SUCCESS_TOLERANCE, Effect, Gate, Message, Proposal, ToolCall


class Group(Struct, frozen=True, order=True):
    """What sessions must have in common to be counted together. ``run`` is empty unless runs are kept apart."""

    env: str
    dataset: str
    actor: str
    supervise: str
    critic: str
    """The critic's name with the beginning of its identity; empty when unsupervised."""
    source: str
    run: str = ""


class Selection(Struct, frozen=True):
    """Sessions by environment, data set, run and time (Unix seconds, from then on); ``None`` leaves all in.

    ``by_run`` counts every run by itself; sessions of no run are then a group of their own. ``baseline`` is the run to
    compare with: its own sessions are left out, and every run is counted by itself.
    """

    env: str | None = None
    dataset: str | None = None
    run: str | None = None
    since: float | None = None
    by_run: bool = False
    baseline: str | None = None


EVERYTHING = Selection()
"""All sessions on record."""

_COLUMNS = ("env", "dataset", "actor", "supervise", "critic", "source", "run")

_CREATE = """CREATE TEMP TABLE chosen (
    session TEXT PRIMARY KEY,
    grp INTEGER NOT NULL,
    task TEXT NOT NULL,     -- of a free conversation, a name of its own
    free INTEGER NOT NULL,  -- 1: a free conversation
    trial INTEGER NOT NULL,
    seed INTEGER,
    score INTEGER,          -- 1 success, 0 failure, NULL not scored
    critic TEXT,            -- identity, of a session that has verdicts
    reply INTEGER NOT NULL, -- 1: the gate sends these to the critic
    write INTEGER NOT NULL,
    read INTEGER NOT NULL,
    neither INTEGER NOT NULL,
    begins INTEGER NOT NULL -- the first turn that was held in it; a fork keeps those before from its parent
) WITHOUT ROWID"""

JUDGED = (
    "(p.author = 'actor' AND p.problem IS NULL AND NOT p.set_aside AND p.step >= c.begins AND CASE "
    "WHEN p.kind = 'reply' THEN c.reply WHEN p.effect = 'write' THEN c.write WHEN p.effect = 'read' THEN c.read "
    "ELSE c.neither END)"
)
"""SQL: whether the gate of session ``c`` sends its proposal ``p`` to the critic."""


def choose(database: Database, selection: Selection) -> dict[int, Group]:
    """Fill the connection's table ``chosen`` with the sessions that have ended; return what the numbers of groups
    mean."""
    database.rows("PRAGMA temp_store=MEMORY")
    database.rows("DROP TABLE IF EXISTS temp.chosen")
    database.rows(_CREATE)
    where, values = _where(selection)
    database.rows(
        f"INSERT INTO chosen SELECT s.id, {_group(selection)}, coalesce(s.task, 'session ' || s.id), "
        "s.task IS NULL, s.trial, "
        f"json_extract(s.spec, '$.seed'), {succeeded('s')}, "
        f"CASE WHEN s.supervise <> 'off' THEN s.critic END, {_gates()}, "
        "CASE WHEN s.source = 'fork' THEN json_extract(s.extra, '$.fork.turn') ELSE 0 END FROM sessions s "
        f"WHERE s.termination IS NOT NULL AND {where}",
        values,
    )
    rows = database.rows(
        f"SELECT DISTINCT c.grp, s.env, s.dataset, s.actor, s.supervise, s.critic, s.source, {_run(selection)} AS run, "
        "k.name FROM chosen c JOIN sessions s ON s.id = c.session LEFT JOIN critics k ON k.id = s.critic"
    )
    return {row["grp"]: group_of(row) for row in rows}


def under_way(database: Database, selection: Selection) -> dict[Group, int]:
    """Return how many sessions of each group have not ended."""
    where, values = _where(selection)
    rows = database.rows(
        f"SELECT s.env, s.dataset, s.actor, s.supervise, s.critic, s.source, {_run(selection)} AS run, k.name, "
        "count(*) AS n "
        f"FROM sessions s LEFT JOIN critics k ON k.id = s.critic WHERE s.termination IS NULL AND {where} "
        "GROUP BY 1, 2, 3, 4, 5, 6, 7",
        values,
    )
    return {group_of(row): row["n"] for row in rows}


def group_of(row: sqlite3.Row) -> Group:
    """Return the group that a row with the columns of a group tells."""
    critic = critic_name(row["name"], row["critic"]) if row["critic"] else ""
    return Group(row["env"], row["dataset"], row["actor"], row["supervise"], critic, row["source"], row["run"] or "")


def critic_name(name: str | None, identity: str) -> str:
    """Return how a critic is called: its name and the beginning of its identity."""
    return f"{name or 'critic'} [{identity[:8]}]"


def succeeded(session: str) -> str:
    """Return SQL for ``types.is_success`` of a row of ``sessions``: 1, 0, or NULL where nothing was scored."""
    return f"abs({session}.reward - 1.0) <= {SUCCESS_TOLERANCE}"


def _where(selection: Selection) -> tuple[str, list[Any]]:
    named = {
        "s.env = ?": selection.env,
        "s.dataset = ?": selection.dataset,
        "s.run = ?": selection.run,
        "s.created_at >= ?": selection.since,
        "s.run IS NOT ?": selection.baseline,
    }
    given = {text: value for text, value in named.items() if value is not None}
    return " AND ".join(given) or "1", list(given.values())


def _run(selection: Selection) -> str:
    return "s.run" if selection.by_run or selection.baseline is not None else "NULL"


def _group(selection: Selection) -> str:
    columns = [f"s.{column}" for column in _COLUMNS[:-1]] + [_run(selection)]
    return f"dense_rank() OVER (ORDER BY {', '.join(columns)})"


def _gates() -> str:
    """Return the columns of what a session's gate sends to the critic, asked of the rule that the live session
    follows."""
    call = Proposal(Message("assistant", tool_calls=(ToolCall("", "", "{}"),)))
    kinds: list[tuple[Proposal, Effect]] = [(Proposal(Message("assistant")), "none")]
    kinds += [(call, effect) for effect in ("write", "read", "none")]
    gate = "coalesce(json_extract(s.spec, '$.supervision.gate'), 'auto')"
    columns = []
    for proposal, effect in kinds:
        sent = [f"'{name}'" for name in get_args(Gate) if is_judged(name, proposal, effect)]
        columns.append(f"s.supervise <> 'off' AND {gate} IN ({', '.join(sent)})")
    return ", ".join(columns)
