"""Texts made comparable: how the deterministic judge reads a request.

A text becomes lower-case words without accents and punctuation, and key words are looked for as whole words in it. Dates are
found in the ways in which people write them ("November 10th", "10 Nov", "2025-11-10", "November 10–15") and
become pairs (month, day), so that two spellings of one day are equal. The year does not count: requests leave it out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

Day = tuple[int, int]
"""(month, day of the month)."""

MAX_TEXT = 20_000
"""Characters of an agent's text that are looked at; nobody asks a longer question."""

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
"""Names of the months, as ``plain`` makes them."""
_MONTHS = {name: n for n, name in enumerate(MONTHS, 1)} | {name[:3]: n for n, name in enumerate(MONTHS, 1)}
_MONTHS["sept"] = 9
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY = r"([0-3]?[0-9])(?:st|nd|rd|th)?(?![0-9])"
_UNTIL = r"\s*(?:to|through|till|until|and|-)\s*(?:the\s+)?"
_NO_DAY = r"(?!\s*(?:adult|people|person|passenger|guest|night|room|day|hour|travel|seat|kid|child|of us))"
"""What is counted after a date is no day: "October 16th and 2 adults"."""
_ISO = re.compile(r"(?<![0-9])[12][0-9]{3}[-/.]([01]?[0-9])[-/.]([0-3]?[0-9])(?![0-9])")
_SLASHED = re.compile(r"(?<![0-9/])([01]?[0-9])/([0-3]?[0-9])(?:/(?:[0-9]{4}|[0-9]{2}))?(?![0-9/])")
_MONTH_FIRST = re.compile(
    rf"\b({_MONTH})\b\.?\s+(?:the\s+)?{_DAY}(?:,?\s+[12][0-9]{{3}}\b)?(?:{_UNTIL}{_DAY}{_NO_DAY}(?!\s*(?:of\s+)?(?:{_MONTH})\b))?"
)
_DAY_FIRST = re.compile(rf"(?<![0-9]){_DAY}(?:{_UNTIL}{_DAY})?\s+(?:of\s+)?({_MONTH})\b")


@lru_cache(maxsize=512)
def plain(text: str) -> str:
    """Return the words of a text, lower-case, without accents and punctuation, one space between them.

    >>> plain("Málaga – car-rental, please!")
    'malaga car rental please'
    """
    return " ".join(re.findall(r"[^\W_]+", _folded(text)))


def days(text: str) -> frozenset[Day]:
    """Return the days a text names.

    >>> sorted(days("from November 10th to 15th, or 2025-12-01"))
    [(11, 10), (11, 15), (12, 1)]
    """
    folded = _folded(text)
    found: set[Day] = set()
    for match in _ISO.finditer(folded):
        found.add((int(match[1]), int(match[2])))
    folded = _ISO.sub(" ; ", folded)
    for match in _SLASHED.finditer(folded):
        found.add((int(match[1]), int(match[2])))
    for match in _DAY_FIRST.finditer(folded):
        found |= {(_MONTHS[match[3]], int(day)) for day in match.group(1, 2) if day}
    rest = _DAY_FIRST.sub(" ; ", folded)
    for match in _MONTH_FIRST.finditer(rest):
        found |= {(_MONTHS[match[1]], int(day)) for day in match.group(2, 3) if day}
    return frozenset((month, day) for month, day in found if 1 <= month <= 12 and 1 <= day <= 31)


def without_days(text: str) -> str:
    """Return what ``plain`` makes of a text once its dates are taken out.

    >>> without_days("a table on May 3rd in Cork")
    'a table on in cork'
    """
    folded = _folded(text)
    for pattern in (_ISO, _SLASHED, _DAY_FIRST, _MONTH_FIRST):
        folded = pattern.sub(" ", folded)
    return plain(folded)


def has_words(words: str, phrase: str) -> bool:
    """Return whether a phrase occurs as whole words; both as ``plain`` makes them. An empty phrase never does."""
    return bool(phrase) and f" {phrase} " in f" {words} "


def key_words(phrases: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern for any of the phrases; a phrase that ends in ``*`` stands for all words that begin so."""
    parts = [
        re.escape(plain(phrase)) + (r"\w*" if phrase.endswith("*") else "")
        for phrase in sorted(set(phrases), key=len, reverse=True)
        if plain(phrase)
    ]
    return re.compile(rf"\b(?:{'|'.join(parts)})\b") if parts else None


def _folded(text: str) -> str:
    text = text[:MAX_TEXT].replace("–", "-").replace("—", "-").replace("’", "").replace("'", "")
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if not unicodedata.combining(char)).replace("ø", "o").replace("ł", "l")
