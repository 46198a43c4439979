"""Identity by content: what makes two messages the same.

A message's id is a hash of its canonical JSON and its parent's id, so a transcript is a chain that two sessions share
up to the point where they differ, and the first differing id *is* the first difference. What counts is what was said
and done: role, text, the calls with their arguments as values, and which call a result answers. What providers make up
anew each time (call ids, spacing of the arguments, the raw message) does not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import msgspec

from actorcritic_cli.types import Message, ToolCall


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, non-ASCII kept.

    >>> canonical_json({"b": 1, "a": [True, None, "é"]})
    '{"a":[true,null,"é"],"b":1}'
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if text.isascii() or _is_encodable(text):
        return text
    # Half of a surrogate pair, which JSON can carry but UTF-8 cannot: such a text is escaped as a whole.
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def sha256(text: str) -> str:
    """Return the SHA-256 of a text as hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def identity_body(message: Message) -> dict[str, Any]:
    """Return what of a message counts for its identity."""
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["tool_calls"] = [_call_body(call) for call in message.tool_calls]
    if message.name is not None:
        body["name"] = message.name
    return body


def _call_body(call: ToolCall) -> dict[str, Any]:
    try:
        return {"name": call.name, "arguments": call.parsed()}
    except (ValueError, RecursionError):
        return {"name": call.name, "arguments_text": call.arguments}


def identified(message: Message, parent: str | None) -> tuple[str, str]:
    """Return a message's id below ``parent``, and its body: ``canonical_json`` of ``identity_body``, made in one go."""
    name = message.name
    try:
        said = _encode(_Said(message.content, _UNSET if name is None else name, message.role))
        if message.tool_calls:
            calls = b",".join(map(_call_text, message.tool_calls))
            said = b'%b,"tool_calls":[%b]}' % (said[:-1], calls)
    except UnicodeEncodeError:
        said = canonical_json(identity_body(message)).encode()
    above = parent.encode() if parent else b""
    return hashlib.sha256(b"%b\n%b" % (above, said)).hexdigest()[:32], said.decode()


class _Said(msgspec.Struct, gc=False):
    """What counts of a message beside its calls, in the order of the names."""

    content: str | None
    name: str | msgspec.UnsetType
    role: str


class _Call(msgspec.Struct, gc=False):
    """A call whose arguments are canonical JSON."""

    arguments: msgspec.Raw
    name: str


_UNSET = msgspec.UNSET
_encode = msgspec.json.Encoder(order="deterministic").encode
"""A value as JSON: texts with the escapes that ``json.dumps`` makes, names in their order."""


def _not_here(text: str) -> float:
    raise ValueError(f"{text} has more than one form")


_decode = msgspec.json.Decoder(dict[str, Any], float_hook=_not_here).decode
"""Arguments without numbers that are no integers: msgspec and the standard library write those differently."""


def _call_text(call: ToolCall) -> bytes:
    try:
        return _encode({"arguments": _decode(call.arguments), "name": call.name})
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass  # what msgspec does not take, or would not give back as the standard library does
    try:
        arguments = json.dumps(call.parsed(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        return _encode({"arguments_text": call.arguments, "name": call.name})
    return _encode(_Call(msgspec.Raw(arguments.encode()), call.name))


def message_id(message: Message, parent: str | None) -> str:
    """Return the id of a message below ``parent`` (``None`` for the first of a chain): 32 hex digits."""
    return identified(message, parent)[0]


def chain_ids(messages: Iterable[Message], parent: str | None = None) -> list[str]:
    """Return the ids of a chain of messages, in order."""
    ids: list[str] = []
    for message in messages:
        parent = message_id(message, parent)
        ids.append(parent)
    return ids
