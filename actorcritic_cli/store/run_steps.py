"""Reads two runs side by side: sessions by task and trial, and the first step in which a pair differs.

Messages are content-addressed, so the accepted transcripts are compared by their ids alone; nothing is decoded.
"""

from __future__ import annotations

from msgspec import Struct

from actorcritic_cli.store.database import Database


class Held(Struct, frozen=True):
    """One session of a run. ``reward`` is ``None`` where nothing was scored, ``termination`` while it is under way."""

    session: str
    reward: float | None
    termination: str | None


class Step(Struct, frozen=True):
    """What was done in a step, by ids: the proposals with their decisions, what was accepted, and what came back.

    ``did`` says it for a reader: the tool of the accepted call, or ``reply``; ``None`` where nothing was accepted.
    """

    step: int
    proposed: tuple[str, ...]
    message: str | None
    observation: str | None
    did: str | None


def sessions_of_run(database: Database, run: str) -> dict[tuple[str | None, int], Held]:
    """Return a run's sessions by task and trial, in the order of their tasks."""
    rows = database.rows(
        "SELECT id, task, trial, reward, termination FROM sessions WHERE run = ? ORDER BY task, trial", (run,)
    )
    return {(r["task"], r["trial"]): Held(r["id"], r["reward"], r["termination"]) for r in rows}


def steps_of(database: Database, session: str) -> list[Step]:
    """Return what was done in each step of a session, in order."""
    proposed: dict[int, list[str]] = {}
    did: dict[tuple[int, int], str] = {}
    for row in database.rows(
        "SELECT p.step, p.attempt, p.message, p.tool, "
        "(SELECT d.decision FROM decisions d WHERE d.proposal = p.id ORDER BY d.seq DESC LIMIT 1) AS decision "
        "FROM proposals p WHERE p.session = ? ORDER BY p.step, p.attempt",
        (session,),
    ):
        proposed.setdefault(row["step"], []).append(f"{row['message']} {row['decision']}")
        did[row["step"], row["attempt"]] = row["tool"] or "reply"
    return [
        Step(
            row["step"],
            tuple(proposed.get(row["step"], ())),
            row["message"],
            row["observation"],
            did.get((row["step"], row["attempt"])) if row["message"] is not None else None,
        )
        for row in database.rows(
            "SELECT step, attempt, message, observation FROM steps WHERE session = ? ORDER BY step", (session,)
        )
    ]
