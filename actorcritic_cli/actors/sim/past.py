"""What a simulated actor reads off the transcript: who said what, which calls were made, and what came back.

It is all that a simulated actor goes by, so that it goes on rightly wherever a session is resumed or forked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from actorcritic_cli.types import ToolSpec, Transcript

_YES = re.compile(
    r"\b(?:yes|yeah|yep|sure|certainly|of course|go ahead|go on|confirm(?:ed)?|please do|do it|do that|proceed|agreed?"
    r"|that(?:'s| is) (?:fine|right|correct)|alright|all right|okay|ok)\b",
    re.IGNORECASE,
)
_NO = re.compile(r"^\W*(?:no|nope|not yet|rather not|don't|do not)\b(?!.*\byes\b)", re.IGNORECASE | re.DOTALL)


class Made:
    """A call that was made, with its result. ``value`` is the result read as JSON (``None`` where it is none)."""

    def __init__(self, index: int, name: str, arguments: dict[str, Any], text: str):
        self.index, self.name, self.arguments, self.text = index, name, arguments, text

    @property
    def failed(self) -> bool:
        """Whether the tool refused. Only the text tells."""
        return self.text.startswith("Error")

    @cached_property
    def value(self) -> Any:
        """The result as JSON, ``None`` where it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return None


class Past:
    """A transcript, read."""

    def __init__(self, transcript: Transcript, tools: tuple[ToolSpec, ...]):
        self.transcript = transcript
        self.tools = {tool.name: tool for tool in tools}

    @cached_property
    def policy(self) -> str:
        """The system message."""
        return next((m.content or "" for m in self.transcript if m.role == "system"), "")

    @cached_property
    def said(self) -> list[str]:
        """What the user has said, in order."""
        return [m.content or "" for m in self.transcript if m.role == "user"]

    @cached_property
    def words(self) -> str:
        """All that the user has said."""
        return "\n".join(self.said)

    @cached_property
    def replies(self) -> list[tuple[str, str | None]]:
        """What the user was told, each with what the user answered (``None`` where the answer is still to come)."""
        found: list[tuple[str, str | None]] = []
        for message in self.transcript:
            if message.role == "assistant" and not message.tool_calls:
                found.append((message.content or "", None))
            elif message.role == "user" and found and found[-1][1] is None:
                found[-1] = (found[-1][0], message.content or "")
        return found

    @cached_property
    def calls(self) -> list[Made]:
        """The calls that were made and have a result, in order."""
        found: list[Made] = []
        waiting: list[tuple[int, str, dict[str, Any]]] = []
        for index, message in enumerate(self.transcript):
            if message.role == "assistant" and message.tool_calls:
                call = message.tool_calls[0]
                try:
                    arguments = call.parsed()
                except ValueError:
                    arguments = {}
                waiting = [(index, call.name, arguments)]
            elif message.role == "tool" and waiting:
                found.append(Made(*waiting.pop(), message.content or ""))
        return found

    def writes(self) -> list[Made]:
        """The successful calls that changed something."""
        return [made for made in self.calls if not made.failed and self.effect(made.name) == "write"]

    def effect(self, name: str) -> str:
        """The effect of a tool, ``none`` for an unknown one."""
        tool = self.tools.get(name)
        return tool.effect if tool is not None else "none"

    def result(self, name: str, arguments: dict[str, Any]) -> Made | None:
        """The first call of a tool with these arguments, failed or not; ``None`` if it was never made."""
        return next((made for made in self.calls if made.name == name and made.arguments == arguments), None)

    def told(self, phrase: str) -> int:
        """How many replies contain a phrase."""
        return sum(phrase in reply for reply, _ in self.replies)

    def agreed(self, phrase: str) -> bool:
        """Whether the user said yes to a reply that contains a phrase."""
        return any(phrase in reply and answer is not None and is_yes(answer) for reply, answer in self.replies)

    def wrote_last(self) -> bool:
        """Whether the last thing the agent did was a call that changed something."""
        last = next((m for m in reversed(self.transcript) if m.role == "assistant"), None)
        made = self.calls[-1] if self.calls else None
        return last is not None and bool(last.tool_calls) and made in self.writes()

    def beside(self, value: str) -> set[str]:
        """Return what the results so far list beside a text: other keys of its object, other elements of its list, and the
        same field of its object's neighbours."""
        found: set[str] = set()
        for made in self.calls:
            for siblings in _families(made.value):
                if value in siblings:
                    found |= siblings
        return found - {value}

    def strings(self) -> Iterator[str]:
        """Yield every text in the results so far, keys included."""
        for made in self.calls:
            yield from _strings(made.value)


def is_yes(text: str) -> bool:
    """Whether the user agrees.

    >>> is_yes("No, leave it. I'll take the certificate, yes."), is_yes("No, thank you, that is okay.")
    (True, False)
    """
    return _YES.search(text) is not None and _NO.search(text) is None


def _families(value: Any) -> Iterator[set[str]]:
    """Yield the sets of texts that stand beside each other in a result."""
    if isinstance(value, dict):
        yield set(value)
        for inner in value.values():
            yield from _families(inner)
    elif isinstance(value, list):
        yield {inner for inner in value if isinstance(inner, str)}
        objects = [inner for inner in value if isinstance(inner, dict)]
        for key in {key for inner in objects for key in inner}:
            yield {inner[key] for inner in objects if isinstance(inner.get(key), str)}
        for inner in value:
            yield from _families(inner)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value
