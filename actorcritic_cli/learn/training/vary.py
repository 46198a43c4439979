"""Other names and numbers in the same conversation, so that a critic learns to compare ids and not to know them by heart.

A small critic is trained on few tasks, again and again. If every record kept its id, the quickest way to a low loss would
be to remember which id is right in which task, and that is worth nothing in the next one. So everywhere in a session (what
was said, arguments, results, the critique) an id becomes another of its shape, and a customer's name another name; the same
one always the same. Amounts, dates and counts stay, for sums and rules hang on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from random import Random

from msgspec.structs import replace

from actorcritic_cli.learn.dataset import Row
from actorcritic_cli.types import Message

_IDS = re.compile(
    r"(?<=_)\d{5,}\b"  # of a card, a certificate
    r"|(?<=#W)\d{5,}\b"
    r"|\b(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{6}\b"
    r"|\b\d{10}\b"
    r"|(?<=[a-z]_)\d{4}\b"  # of a customer
)
_LAST_FOUR = re.compile(r'(?<="last_four": ")\d{4}(?=")')
_NAMES = re.compile(r'"(?:first_name|last_name)": "([A-Z][a-z]{2,})"')
_STARTS = (
    "b",
    "c",
    "d",
    "f",
    "g",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "br",
    "dr",
    "gr",
    "pr",
    "st",
    "tr",
)
_MIDDLES = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
_ENDS = ("l", "m", "n", "r", "s", "t", "x", "nd", "rk", "ss")


def varied(rows: Iterable[Row], seed: int) -> Iterator[Row]:
    """Yield the rows with ids and names changed: the same in all rows of a session, and the same for the same seed."""
    for rows_of_one in _by_session(rows):
        # By what is in the session, not by its id, so that the same sessions held again give the same weights.
        table = _table(rows_of_one, Random(f"{seed}/{min(row.id for row in rows_of_one)}"))
        if not table:
            yield from rows_of_one
            continue
        pattern = re.compile("|".join(re.escape(word) for word in sorted(table, key=len, reverse=True)))
        other = lru_cache(maxsize=None)(lambda text, p=pattern, t=table: p.sub(lambda match: t[match[0]], text))
        for row in rows_of_one:
            yield _changed(row, other)


def _by_session(rows: Iterable[Row]) -> list[list[Row]]:
    held: dict[str, list[Row]] = {}
    for row in rows:
        held.setdefault(row.session, []).append(row)
    return list(held.values())


def _table(rows: list[Row], draw: Random) -> dict[str, str]:
    """Return what each id and name becomes."""
    text = "\n".join(dict.fromkeys(one for row in rows for one in _texts([row])))
    table: dict[str, str] = {}
    for old in dict.fromkeys(match[0] for match in _IDS.finditer(text)):
        table[old] = _another(old, draw)
    for old in dict.fromkeys(_LAST_FOUR.findall(text)):
        table.setdefault(old, _another(old, draw))
    for name in dict.fromkeys(_NAMES.findall(text)):
        new = _name(draw)
        table[name], table[name.lower()] = new.title(), new
    return table


def _another(old: str, draw: Random) -> str:
    return "".join(
        draw.choice("0123456789") if c.isdigit() else draw.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") if c.isupper() else c
        for c in old
    )


def _name(draw: Random) -> str:
    first = draw.choice(_STARTS) + draw.choice(_VOWELS)
    return first + draw.choice(_MIDDLES) + draw.choice(_VOWELS[:5]) + draw.choice(_ENDS)


def _texts(rows: list[Row]) -> Iterator[str]:
    for row in rows:
        for message in (*row.transcript, row.proposal):
            yield message.content or ""
            yield from (call.arguments for call in message.tool_calls)


def _changed(row: Row, other: Callable[[str], str]) -> Row:
    def said(message: Message) -> Message:
        calls = tuple(replace(call, arguments=other(call.arguments)) for call in message.tool_calls)
        return replace(
            message, content=other(message.content) if message.content else message.content, tool_calls=calls
        )

    better = said(row.better) if row.better is not None else None
    return replace(
        row,
        transcript=tuple(said(message) for message in row.transcript),
        proposal=said(row.proposal),
        wrong=other(row.wrong),
        right=other(row.right),
        better=better,
    )
