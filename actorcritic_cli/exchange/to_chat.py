"""Sessions as OpenAI chat JSON Lines: one conversation a line, as fine-tuning takes it.

Each line has ``messages`` and ``tools`` in the form of the chat completions interface, and ``metadata``, all of whose values
are texts (as that interface wants them), by which ``acc import`` knows the session again. With ``rejected`` a line also has
the proposals that were not accepted, each with the number of messages that it followed on (``after``) and the critique.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from actorcritic_cli.exchange.to_tau_bench import assistant
from actorcritic_cli.exchange.told import Rejected, Told
from actorcritic_cli.types import Message, ToolSpec


def chunks(sessions: Iterable[Told], *, rejected: bool = False) -> Iterator[bytes]:
    """Yield a line for every session."""
    for session in sessions:
        line: dict[str, Any] = {"messages": [message(m) for m in session.messages]}
        if session.started.tools:
            line["tools"] = [tool(spec) for spec in session.started.tools]
        line["metadata"] = metadata(session)
        if rejected:
            line["rejected"] = [_rejected(r) for r in session.rejected]
        yield json.dumps(line).encode() + b"\n"


def message(message: Message) -> dict[str, Any]:
    """Return a message in the form of the chat completions interface."""
    match message.role:
        case "assistant":
            return assistant(message)
        case "tool":
            return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
        case _:
            return {"role": message.role, "content": message.content}


def tool(spec: ToolSpec) -> dict[str, Any]:
    """Return a tool as that interface takes it."""
    return {
        "type": "function",
        "function": {"name": spec.name, "description": spec.description, "parameters": spec.parameters},
    }


def metadata(session: Told) -> dict[str, str]:
    """Return what a session is, in texts."""
    started, ended = session.started, session.ended
    spec = started.spec
    found: dict[str, object] = {
        "session": started.session,
        "run": started.run,
        "env": spec.env,
        "dataset": spec.dataset,
        "task": spec.task_id,
        "trial": spec.trial,
        "actor": session.actor,
        "user": session.user,
        "critic": started.critic.id if started.critic else None,
        "supervise": spec.supervision.mode,
        "termination": ended.reason,
        "reward": session.reward,
        "at": started.at,
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _rejected(rejected: Rejected) -> dict[str, Any]:
    verdict, critique = rejected.verdict, rejected.critique
    found: dict[str, Any] = {
        "after": rejected.before,
        "message": message(rejected.proposal.message),
        "decision": rejected.decision,
    }
    if verdict is not None:
        found |= {"verdict": verdict.kind, "p_revise": verdict.p_revise}
    if critique is not None:
        found["critique"] = critique.text
    return found
