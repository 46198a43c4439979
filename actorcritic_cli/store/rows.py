"""What the writers of the record have in common: how values become columns, and the rows that sessions share."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from actorcritic_cli.hashing import identified, sha256
from actorcritic_cli.session.events import Compared, Decided, Event, Judged
from actorcritic_cli.types import CriticIdentity, Label, Message, ModelCall, ToolSpec

_encode = msgspec.json.Encoder().encode


def as_json(value: Any) -> str:
    """Return a value of ours as JSON text."""
    return _encode(value).decode()


def calls_of(event: Event) -> tuple[ModelCall, ...]:
    """Return the model calls that led to an event, in order."""
    if isinstance(event, Judged):
        return event.verdict.calls
    if isinstance(event, Compared):
        return event.comparison.calls if event.comparison is not None else ()
    call = getattr(event, "call", None)
    return () if call is None else (call,)


def ruled(event: Decided) -> Label | None:
    """Return what a person's ruling says of the proposal: let pass, it was fine; sent back, it was not.

    A person who stops the session may have any reason to, so that says nothing.
    """
    if event.by != "person":
        return None
    match event.decision.kind:
        case "accept":
            return Label("approve", event.decision.reason, "human")
        case "revise":
            return Label("revise", event.critique.text if event.critique else event.decision.reason, "human")
        case _:
            return None


def put_message(connection: sqlite3.Connection, message: Message, parent: str | None) -> str:
    """Store a message below its parent, unless it is there; return its id."""
    identity, body = identified(message, parent)
    connection.execute(
        "INSERT INTO messages (id, parent, role, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (identity, parent, message.role, body),
    )
    return identity


def put_critic(connection: sqlite3.Connection, critic: CriticIdentity) -> None:
    """Store who judges, unless it is known."""
    connection.execute(
        "INSERT INTO critics (id, name, file_sha256, quantisation, prompt_version, threshold, info) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            critic.id,
            critic.name,
            critic.file_sha256,
            critic.quantisation,
            critic.prompt_version,
            critic.threshold,
            as_json(critic.info),
        ),
    )


def put_tools(connection: sqlite3.Connection, tools: tuple[ToolSpec, ...]) -> str | None:
    """Store a set of tools, unless it is known; return its id (``None`` when there are none)."""
    if not tools:
        return None
    body = as_json(tools)
    identity = sha256(body)[:32]
    connection.execute("INSERT INTO toolsets (id, body) VALUES (?, ?) ON CONFLICT DO NOTHING", (identity, body))
    return identity
