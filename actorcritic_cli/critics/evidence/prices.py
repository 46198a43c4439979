"""What is priced in a JSON value: by which keys a price is known, what each record costs, and what its extras cost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from actorcritic_cli.critics.evidence.texts import plain

KEYS = ("cost", "price", "fare")
"""The keys of what a record itself costs."""
PRICED = re.compile(r"price|amount|cost|fare|balance")
"""What keys of money have in them."""
NUMBERED = re.compile(r"_number$")
"""What the key of a record's number ends with."""

_OF_EXTRAS = frozenset({"cost", "total", "fee", "waiver", "price"})
"""Words of keys that do not name the extra itself."""
_MOST = 1e9
"""What is as much is no price."""


def of(value: Mapping[str, Any]) -> float | None:
    """Return the first price that a record has, of several the least."""
    return next((p for p in (least(value.get(key)) for key in KEYS) if p is not None), None)


def least(value: Any) -> float | None:
    """Return a price, of several (one for each kind of room) the least."""
    if isinstance(value, list):
        return min((price for price in map(least, value) if price is not None), default=None)
    return float(value) if _is_amount(value) else None


def all_of(value: Any, *, priced: bool = False) -> Iterator[int]:
    """Yield all prices in a value, in cents. With ``priced``, the value itself is one or holds nothing else."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from all_of(inner, priced=priced or PRICED.search(str(key)) is not None)
    elif isinstance(value, list):
        for inner in value:
            yield from all_of(inner, priced=priced)
    elif priced and _is_amount(value):
        yield round(value * 100)


def amounts(value: Any, named: str) -> Iterator[int]:
    """Yield the prices of a record, in cents; of prices by name (of cabins, say) only those whose name is in ``named``."""
    if not isinstance(value, dict):
        if isinstance(value, list):
            for inner in value:
                yield from amounts(inner, named)
        return
    for key, inner in value.items():
        if PRICED.search(key) and isinstance(inner, dict):
            chosen = {name: inner[name] for name in _spoken(inner, named)}
            yield from all_of(chosen or inner, priced=True)
        elif PRICED.search(key):
            yield from all_of(inner, priced=True)
        else:
            yield from amounts(inner, named)


def numbered(value: Any) -> Iterator[float]:
    """Yield the prices of the records with a number that a value holds."""
    if isinstance(value, dict):
        price = of(value)
        if price is not None and any(NUMBERED.search(key) for key in value):
            yield price
        for inner in value.values():
            yield from numbered(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbered(inner)


def extras(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """Yield a record's extras, by the words that name them, with what they cost."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from extras(inner, name)
    elif key.startswith("cost_") and _is_amount(value):
        yield extra(key), float(value)


def extra(key: str) -> str:
    """Return the words of a key that name an extra."""
    return " ".join(word for word in key.split("_") if word not in _OF_EXTRAS)


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST


def _spoken(names: Iterable[str], words: str) -> Iterator[str]:
    """Yield the names that stand in some words; what is part of a longer name is none."""
    for name in sorted(names, key=len, reverse=True):
        phrase = f" {plain(name)} "
        if phrase in words:
            words = words.replace(phrase, " ")
            yield name
