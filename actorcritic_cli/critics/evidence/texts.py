"""Texts in which values are looked for: words without regard to case and underscores, numbers by value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

SMALL = frozenset({"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "the", "to", "until"})
"""Words that may differ where the same is meant."""
_NUMBER = re.compile(r"(?<![\w.])-?\$?\d+(?:,\d{3})*(?:\.\d+)?(?![\w])")


class Text:
    """Some texts, indexed."""

    def __init__(self, texts: Sequence[str]):
        self._read = [_read(text) for text in texts]

    def counts(self) -> bool:
        """Whether there is a number in one of them."""
        return any(numbers for _, numbers in self._read)

    def holds(self, value: str) -> bool:
        """Whether a value stands in one of them, as a number or as whole words."""
        wanted = number(value)
        if wanted is not None:
            return any(wanted in numbers for _, numbers in self._read)
        words = plain(value)
        return bool(words) and any(f" {words} " in text for text, _ in self._read)

    def says(self, phrase: str) -> bool:
        """Whether a phrase's words stand one after the other in one of them, without regard to small words."""
        words = _large(plain(phrase))
        return any(f" {words} " in f" {_large(text)} " for text, _ in self._read)


@lru_cache(maxsize=1024)
def _large(text: str) -> str:
    return " ".join(word for word in text.split() if word not in SMALL)


def numbers(text: str) -> list[float]:
    """Return the numbers in a text, in order."""
    found = (number(match) for match in _NUMBER.findall(text))
    return [one for one in found if one is not None]


@lru_cache(maxsize=4096)  # the same values are met again with every proposal
def plain(text: str) -> str:
    """Return a text's words, lower case, with single spaces."""
    return " ".join(re.sub(r"[^\w#@.-]+|_", " ", text.lower()).replace(". ", " ").split()).rstrip(".")


def straight(text: str) -> str:
    """Return a text with straight apostrophes: models write both kinds."""
    return text.replace("\u2019", "'")


def number(text: str) -> float | None:
    """Return the number that a text is, if it is one."""
    try:
        return float(text.replace("$", "").replace(",", ""))
    except ValueError:
        return None


@lru_cache(maxsize=1024)  # a conversation is looked at again with every candidate
def _read(text: str) -> tuple[str, frozenset[float | None]]:
    """Return a text's words, each between two spaces, and its numbers."""
    return f" {plain(text)} ", frozenset(numbers(text))
