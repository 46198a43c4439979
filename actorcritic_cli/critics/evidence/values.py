"""The values of a message that are noted: of its calls by their keys, of its words all that has a digit in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from actorcritic_cli.critics.evidence.records import LONG, leaves
from actorcritic_cli.types import Message

MOST_NOTES = 40
"""Values that are noted, at most."""
TRIVIAL = frozenset({"yes", "no", "true", "false", ""})
"""Values that stand everywhere, so that where they were met says nothing."""

_ENUMERATED = re.compile(r"^[ \t]*\d{1,2}[.)](?=[ \t])", re.MULTILINE)
"""The number of a list's entry, which is no value."""
_WITH_DIGIT = re.compile(r"[#$]?[A-Za-z_]*\d[\w.:+-]*")


def values_of(message: Message) -> Iterator[tuple[str, str]]:
    """Yield a message's values, each once and with its key (a text's are their own)."""
    met: set[tuple[str, str]] = set()
    pairs = in_words(message.content or "")
    for one in (pairs, *(in_call(call.arguments) for call in message.tool_calls)):
        for pair in one:
            if pair not in met:
                met.add(pair)
                yield pair


def in_words(text: str) -> Iterator[tuple[str, str]]:
    """Yield what has a digit in it, twice: as key and as value."""
    for match in _WITH_DIGIT.findall(_ENUMERATED.sub("", text)):
        value = match.rstrip(".:-+").lstrip("$")
        yield value, value


def in_call(arguments: str) -> Iterator[tuple[str, str]]:
    """Yield the values in a call's arguments with their keys, and of its texts what has a digit in it."""
    for name, leaf in leaves_of(arguments, MOST_NOTES):
        if _is_text(leaf):
            yield from in_words(leaf)
        elif leaf.lower() not in TRIVIAL:
            yield name, leaf


def texts_in(arguments: str) -> Iterator[tuple[str, str]]:
    """Yield the texts in a call's arguments with their keys."""
    return ((name, leaf) for name, leaf in leaves_of(arguments, MOST_NOTES) if _is_text(leaf))


def leaves_of(arguments: str, most: int) -> list[tuple[str, str]]:
    """Return the plain values in a call's arguments with their keys, of a list so many at most; none of what is no JSON
    object."""
    try:
        parsed = json.loads(arguments)
        return list(leaves("", parsed, most)) if isinstance(parsed, dict) else []
    except (ValueError, RecursionError):
        return []


def _is_text(leaf: str) -> bool:
    return len(leaf) > LONG or ("\n" in leaf) or leaf.count(" ") > 3
