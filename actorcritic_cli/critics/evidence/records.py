"""The records in tools' results: objects with an id, the listings that they stand in, and what is priced."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from msgspec import Struct

from actorcritic_cli.critics.evidence import prices
from actorcritic_cli.critics.evidence.texts import plain

MOST_FIELDS = 24
"""Fields of one record, at most."""
LONG = 60
"""Characters from which on a text is not one value but words."""
LISTING = 3
"""Records from which on a listing has ranks."""

_ID_FIELD = re.compile(r"(?:^|_)id$")
_SHORT = 40


class Record:
    """An object in a result, and those it stands beside."""

    def __init__(self, value: Mapping[str, Any], siblings: Sequence[Any]):
        self.value = value
        self._siblings = siblings
        self.listing = id(siblings)
        """Which listing it stands in: the same number for the records of one."""

    @cached_property
    def siblings(self) -> list[Record]:
        """The records of the same listing, with this one."""
        return [Record(one, ()) for one in self._siblings if isinstance(one, dict)]

    def fields(self) -> Iterator[tuple[str, str]]:
        """Yield the fields that can be told in a word or two."""
        count = 0
        for key, one in self.value.items():
            if key == "address" or _ID_FIELD.search(key):
                continue
            for name, value in leaves(key, one):
                if count == MOST_FIELDS:
                    return
                count += 1
                yield name, value

    @cached_property
    def words(self) -> frozenset[str]:
        """What the record has: its words, and of its priced extras the names."""
        return _words_of(self.value)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Its texts that are no ids, in order: how one would write it down."""
        return tuple(_texts(self.value))

    @cached_property
    def described(self) -> frozenset[tuple[str, str]]:
        """Its short fields, as pairs of name and value."""
        return frozenset(self.fields())

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids that it has."""
        return frozenset(one for key, one in self.value.items() if _ID_FIELD.search(key) and isinstance(one, str))

    @cached_property
    def held(self) -> frozenset[str]:
        """Every text in it, the keys of its objects too."""
        return frozenset(_held(self.value))

    @cached_property
    def figures(self) -> dict[str, float]:
        """Its plain numbers that are no prices, by key."""
        return {
            key: float(one)
            for key, one in self.value.items()
            if isinstance(one, int | float) and not isinstance(one, bool) and not prices.PRICED.search(key)
        }

    @cached_property
    def extras(self) -> dict[str, float]:
        """The prices of its extras, by the words that name them."""
        return dict(prices.extras(self.value))

    def price(self) -> float | None:
        """Return the first price that it has, of several the least."""
        return prices.of(self.value)

    @cached_property
    def paid(self) -> int:
        """What the numbered records inside it cost, in cents."""
        return sum(round(price * 100) for price in prices.numbered(self.value))

    @cached_property
    def offers(self) -> bool:
        """Whether it has several prices, by name."""
        return any(prices.PRICED.search(key) and isinstance(one, dict) for key, one in self.value.items())

    def spoken_of(self, words: str) -> int:
        """Return how many of its texts stand in some words."""
        return sum(f" {plain(text)} " in words for text in self.texts)

    def ranks(self) -> list[str]:
        """Return the place of each price among the siblings', 1 for the least."""
        found = []
        for key in prices.KEYS:
            mine = prices.least(self.value.get(key))
            known = [p for p in (prices.least(one.value.get(key)) for one in self.siblings) if p is not None]
            if mine is not None and len(known) >= LISTING:
                found.append(f"rank {1 + sum(price < mine for price in known)} of {len(known)}")
        return found

    def amounts(self, named: str) -> Iterator[int]:
        """Yield its prices in cents; of prices by name (of cabins, say) only those whose name is in ``named``."""
        yield from prices.amounts(self.value, named)


class Indexed(Struct, frozen=True):
    """What a result holds."""

    records: Mapping[str, Record]
    """By id. What only has a number of its own (a flight) is among ``numbered``."""
    numbered: Mapping[str, Record]
    prices: tuple[int, ...]
    """In cents."""
    fields: Mapping[str, frozenset[str]]
    """The short values by the name of their field; of an object of objects the keys, too, by its name."""
    listing: bool
    """Whether it lists records that can be chosen from."""


@lru_cache(maxsize=1024)
def indexed(text: str) -> Indexed:
    """Return what a result holds."""
    value = _value(text)
    records: dict[str, Record] = {}
    numbered: dict[str, Record] = {}
    _index(value, (), "", records, numbered)
    fields: dict[str, set[str]] = {}
    for key, one in _fields(value, ""):
        fields.setdefault(key, set()).add(one)
    return Indexed(
        records,
        numbered,
        tuple(prices.all_of(value)),
        {key: frozenset(values) for key, values in fields.items()},
        isinstance(value, list) and sum(isinstance(one, dict) for one in value) >= LISTING,
    )


def leaves(key: str, value: Any, most: int = 8) -> Iterator[tuple[str, str]]:
    """Yield the plain values below a key; long lists of objects are left to their own ids."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(name, inner, most)
    elif isinstance(value, list):
        for inner in value[:most]:
            yield from leaves(key, inner, most)
    elif value is None or value == "":
        return
    elif isinstance(value, bool):
        yield key, "yes" if value else "no"
    elif isinstance(value, float):
        yield key, f"{value:.2f}".rstrip("0").rstrip(".")
    else:
        yield key, str(value)


def _index(
    value: Any, siblings: Sequence[Any], above: str, records: dict[str, Record], numbered: dict[str, Record]
) -> None:
    if isinstance(value, dict):
        name = _id_of(value) or above
        if name and (name not in records or len(value) >= len(records[name].value)):
            records[name] = Record(value, siblings)
        for key, one in value.items():
            if prices.NUMBERED.search(key) and isinstance(one, str):
                numbered[one] = Record(value, siblings)
        inner = list(value.values())
        for key, one in value.items():
            if isinstance(one, dict | list):
                _index(one, inner, key if isinstance(one, dict) else "", records, numbered)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, dict | list):
                _index(one, value, "", records, numbered)


def _value(text: str) -> Any:
    """Return the JSON value of a result: the whole of it, or the list of its lines (some tools list a record a line)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError):
                continue
    return found


def _id_of(value: Mapping[str, Any]) -> str:
    for key in ("id", *value):
        if _ID_FIELD.search(key) and key != "product_id" and isinstance(value.get(key), str):
            return str(value[key])
    return ""


def _fields(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if value and all(isinstance(inner, dict) for inner in value.values()):
            yield from ((key, name) for name in value)
        for name, inner in value.items():
            yield from _fields(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner, key)
    elif isinstance(value, str) and 0 < len(value) <= _SHORT:
        yield key, value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not _ID_FIELD.search(key):
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str) and value:
        yield value


def _held(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from _held(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _held(inner)
    elif isinstance(value, str):
        yield value


def _words_of(value: Any, key: str = "") -> frozenset[str]:
    if isinstance(value, dict):
        return frozenset().union(*(_words_of(inner, name) for name, inner in value.items()))
    if isinstance(value, list):
        return frozenset().union(*(_words_of(inner, key) for inner in value))
    if isinstance(value, str):
        return frozenset() if _ID_FIELD.search(key) or len(value) > LONG else frozenset({plain(value)})
    if value is None or isinstance(value, bool):
        return frozenset()
    extra = prices.extra(key)
    return frozenset({extra}) if " " in extra or key.startswith("cost_") else frozenset()
