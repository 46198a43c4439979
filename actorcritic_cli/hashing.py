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
    try:
        parts = [b'{"content":', _quoted(message.content)]
        if message.name is not None:
            parts += (b',"name":', _quoted(message.name))
        parts += (b',"role":', _quoted(message.role))
        if message.tool_calls:
            parts += (b',"tool_calls":[', ",".join(map(_call_text, message.tool_calls)).encode(), b"]")
        parts.append(b"}")
        data = b"".join(parts)
    except UnicodeEncodeError:
        data = canonical_json(identity_body(message)).encode()
    above = parent.encode() if parent else b""
    return hashlib.sha256(b"%b\n%b" % (above, data)).hexdigest()[:32], data.decode()


_quoted = msgspec.json.Encoder().encode
"""A text (or ``None``) as JSON, with the escapes that ``json.dumps`` makes."""
_compact = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_make_encoder: Any = getattr(json.encoder, "c_make_encoder", None)
# What ``_compact.encode`` makes anew for every value; nothing is kept between values. Only CPython has it.
_pieces = _make_encoder and _make_encoder(
    None, _compact.default, json.encoder.encode_basestring, None, ":", ",", True, False, True
)


def _sorted_text(value: dict[str, Any]) -> str:
    return "".join(_pieces(value, 0)) if _pieces else _compact.encode(value)


def _call_text(call: ToolCall) -> str:
    try:
        arguments = f'"arguments":{_sorted_text(call.parsed())}'
    except (ValueError, RecursionError):
        arguments = f'"arguments_text":{_quoted(call.arguments).decode()}'
    return f'{{{arguments},"name":{_quoted(call.name).decode()}}}'


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
