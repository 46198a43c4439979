"""Of several calls in one message only the first counts."""

from __future__ import annotations

import json

import msgspec

from actorcritic_cli.types import Message


def first_call_only(message: Message) -> Message:
    """Return the message with its first call only, in the provider's own form too.

    Where that form cannot be understood it is dropped, and the message is rebuilt from its fields when it is sent back.
    """
    if len(message.tool_calls) < 2:
        return message
    return msgspec.structs.replace(message, tool_calls=message.tool_calls[:1], raw=_shortened(message.raw))


def _shortened(raw: str | None) -> str | None:
    try:
        message = json.loads(raw or "")
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or not isinstance(message.get("tool_calls"), list):
        return None
    return json.dumps(message | {"tool_calls": message["tool_calls"][:1]})
