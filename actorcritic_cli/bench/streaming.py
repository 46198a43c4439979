"""A proposal that comes in bit by bit, as a provider streams it: evenly over the time that its actor takes."""

from __future__ import annotations

import time
from collections.abc import Iterator

from msgspec.structs import replace

from actorcritic_cli.actors.protocol import Hear
from actorcritic_cli.types import Message

PIECE = 4
"""Characters that come in at a time: about a token of a large model."""


def play(message: Message, seconds: float, hear: Hear) -> None:
    """Tell a message piece by piece over ``seconds``, the last piece at their end."""
    drafts = list(drafts_of(message))
    began = time.monotonic()
    for number, draft in enumerate(drafts, start=1):
        time.sleep(max(0.0, began + seconds * number / len(drafts) - time.monotonic()))
        hear(draft)
    time.sleep(max(0.0, began + seconds - time.monotonic()))


def drafts_of(message: Message) -> Iterator[Message]:
    """Yield as much of a message as has come after each piece: its words, then each call's name and its arguments."""
    words = message.content or ""
    for end in range(PIECE, len(words) + PIECE, PIECE):
        yield Message(message.role, words[:end])
    for place, call in enumerate(message.tool_calls):
        for end in range(0, len(call.arguments) + PIECE, PIECE):
            begun = replace(call, arguments=call.arguments[:end])
            yield Message(message.role, message.content, (*message.tool_calls[:place], begun))
