"""Verdicts given afterwards: kept beside the live ones, one for each proposal and critic."""

from __future__ import annotations

import time

import msgspec

from actorcritic_cli.store.database import Database
from actorcritic_cli.store.rows import as_json, put_critic
from actorcritic_cli.store.session_reader import verdict_of
from actorcritic_cli.types import CriticIdentity, Label, Verdict

Place = tuple[int, int]
"""Where a proposal stands in its session: step and attempt."""


def remember_critic(database: Database, critic: CriticIdentity) -> None:
    """Store who judges."""
    with database.writing() as connection:
        put_critic(connection, critic)


def proposal_ids(database: Database, session: str) -> dict[Place, int]:
    """Return the row of every proposal of a session."""
    rows = database.rows("SELECT id, step, attempt FROM proposals WHERE session = ?", (session,))
    return {(row["step"], row["attempt"]): row["id"] for row in rows}


def put_verdict(database: Database, session: str, proposal: int, verdict: Verdict) -> None:
    """Store a verdict given now; what the same critic said of this proposal before gives way to it.

    The model calls that it took belong to no event of the session: they are kept with it, in its detail.
    """
    detail = verdict.detail | ({"calls": msgspec.to_builtins(verdict.calls)} if verdict.calls else {})
    with database.writing() as connection:
        connection.execute(
            "INSERT INTO verdicts (proposal, session, seq, live, critic, kind, why, message, p_revise, threshold, critique, "
            "latency, detail, created_at) VALUES (?, ?, NULL, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (proposal, critic) WHERE live = 0 DO UPDATE SET kind = excluded.kind, why = excluded.why, "
            "message = excluded.message, p_revise = excluded.p_revise, threshold = excluded.threshold, "
            "critique = excluded.critique, latency = excluded.latency, detail = excluded.detail, "
            "created_at = excluded.created_at",
            (
                proposal,
                session,
                verdict.critic,
                verdict.kind,
                verdict.why,
                verdict.message,
                verdict.p_revise,
                verdict.threshold,
                as_json(verdict.critique) if verdict.critique else None,
                verdict.latency,
                as_json(detail),
                time.time(),
            ),
        )


def verdicts_again(database: Database, session: str, critic: str) -> dict[Place, Verdict]:
    """Return what a critic said of a session's proposals afterwards."""
    rows = database.rows(
        "SELECT p.step, p.attempt, v.* FROM proposals p JOIN verdicts v ON v.proposal = p.id "
        "WHERE p.session = ? AND v.live = 0 AND v.critic = ?",
        (session, critic),
    )
    return {(row["step"], row["attempt"]): verdict_of(row) for row in rows}


def all_verdicts_again(database: Database, session: str) -> list[tuple[int, int, str, Verdict]]:
    """Return what any critics said of a session's proposals afterwards, with their names, oldest first."""
    rows = database.rows(
        "SELECT p.step, p.attempt, c.name, v.* FROM proposals p JOIN verdicts v ON v.proposal = p.id "
        "LEFT JOIN critics c ON c.id = v.critic WHERE p.session = ? AND v.live = 0 ORDER BY v.id",
        (session,),
    )
    return [
        (row["step"], row["attempt"], f"{row['name'] or 'critic'} [{row['critic'][:8]}]", verdict_of(row))
        for row in rows
    ]


def known_labels(database: Database, session: str) -> dict[Place, Label]:
    """Return what is known to be true of a session's proposals: a person's word before an oracle's, that before what the
    task expects, that before what was inferred from the outcome; of the same source the latest."""
    rows = database.rows(
        "SELECT p.step, p.attempt, l.label, l.why, l.source FROM proposals p JOIN labels l ON l.proposal = p.id "
        "WHERE p.session = ? ORDER BY CASE l.source WHEN 'human' THEN 3 WHEN 'oracle' THEN 2 WHEN 'ground_truth' THEN 1 "
        "ELSE 0 END, l.id",
        (session,),
    )
    return {
        (row["step"], row["attempt"]): msgspec.convert({k: row[k] for k in ("label", "why", "source")}, Label)
        for row in rows
    }
