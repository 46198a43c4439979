"""A help desk: tools over a SQLite database, for an agent that answers the staff of a small company."""

import sqlite3
from pathlib import Path
from typing import Literal

from actorcritic_cli.own import ToolError, sqlite, tool

HERE = Path(__file__).parent
FILES = ["tickets.sql"]  # what counts for the version besides this file, policy.md and tasks.jsonl


def open_state() -> sqlite3.Connection:
    """Every session works on a private copy."""
    return sqlite(HERE / "tickets.sql")


def state_hash(state: sqlite3.Connection) -> list[tuple[object, ...]]:
    """What counts of the state: not the wording of notes, which differs from agent to agent."""
    return [tuple(row) for row in state.execute("SELECT id, status, priority FROM tickets ORDER BY id")]


@tool
def find_tickets(
    db: sqlite3.Connection, person: str, status: Literal["open", "closed", "any"] = "any"
) -> list[dict[str, object]]:
    """List a person's tickets, newest first.

    Args:
        person: Login name, such as "jonas".
        status: Which tickets to list.
    """
    rows = db.execute(
        "SELECT id, title, status, priority FROM tickets WHERE person = ? AND ? IN (status, 'any') ORDER BY id DESC",
        (person, status),
    )
    return [dict(row) for row in rows]


@tool
def show_ticket(db: sqlite3.Connection, ticket_id: int) -> dict[str, object]:
    """Show one ticket whole, with its notes."""
    ticket = db.execute("SELECT * FROM tickets WHERE id = ?", (ticket_id,)).fetchone()
    if ticket is None:
        raise ToolError(f"there is no ticket {ticket_id}")
    notes = db.execute("SELECT note FROM notes WHERE ticket_id = ? ORDER BY id", (ticket_id,))
    return {**ticket, "notes": [row["note"] for row in notes]}


@tool(effect="write")
def close_ticket(db: sqlite3.Connection, ticket_id: int, note: str) -> dict[str, object]:
    """Close an open ticket.

    Args:
        ticket_id: The number of the ticket.
        note: How it was solved, in one sentence.
    """
    if show_ticket(db, ticket_id)["status"] == "closed":
        raise ToolError(f"ticket {ticket_id} is closed already")
    db.execute("UPDATE tickets SET status = 'closed' WHERE id = ?", (ticket_id,))
    db.execute("INSERT INTO notes (ticket_id, note) VALUES (?, ?)", (ticket_id, note))
    return show_ticket(db, ticket_id)


@tool(effect="write")
def set_priority(
    db: sqlite3.Connection, ticket_id: int, priority: Literal["low", "normal", "high"]
) -> dict[str, object]:
    """Change the priority of a ticket."""
    show_ticket(db, ticket_id)
    db.execute("UPDATE tickets SET priority = ? WHERE id = ?", (priority, ticket_id))
    return show_ticket(db, ticket_id)


@tool(effect="none", transfer=True)
def hand_over(summary: str) -> str:
    """Hand the conversation over to a technician. It ends with this.

    Args:
        summary: What the technician has to know, in one or two sentences.
    """
    return "A technician takes over."
