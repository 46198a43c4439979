"""What a wish is to the generator: how a traveller speaks of it, and how an option meets or breaks it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from msgspec import Struct

from actorcritic_cli.envs.draw import below

Option = dict[str, Any]
Holds = Callable[[Option, Any], bool]
Change = Callable[[Option, Any, Random], None]


class Wish(Struct, frozen=True):
    """A kind of wish. ``family`` is its name in ``families``; two wishes that share a group exclude each other.

    ``text`` says it outright and ``says`` indirectly, with ``{}`` for the value where there are ``values`` to choose from.
    ``holds(option, value)`` tells whether an option meets it; ``fit`` makes it so, ``spoil`` makes it not so.
    """

    family: str
    text: str
    says: tuple[str, ...]
    holds: Holds
    fit: Change
    spoil: Change
    values: tuple[Any, ...] = (None,)
    groups: frozenset[str] = frozenset()


def offers(family: str, field: str, item: str, text: str, *says: str) -> Wish:
    """A wish for something in a list of the option (``amenities``, ``tags``)."""

    def holds(option: Option, value: Any) -> bool:
        return item in option[field]

    def fit(option: Option, value: Any, rng: Random) -> None:
        if item not in option[field]:
            option[field].insert(below(rng, len(option[field]) + 1), item)

    def spoil(option: Option, value: Any, rng: Random) -> None:
        option[field] = [other for other in option[field] if other != item]

    return Wish(family, text, says, holds, fit, spoil)


def sells(family: str, field: str, item: str, price: int, text: str, *says: str) -> Wish:
    """A wish for an extra with a price (``service``, ``insurance``); ``None`` means not offered."""

    def holds(option: Option, value: Any) -> bool:
        return option[field][item] is not None

    def fit(option: Option, value: Any, rng: Random) -> None:
        if option[field][item] is None:
            option[field][item] = price

    def spoil(option: Option, value: Any, rng: Random) -> None:
        option[field][item] = None

    return Wish(family, text, says, holds, fit, spoil)


def is_one(
    family: str,
    field: str,
    values: tuple[Any, ...],
    others: tuple[Any, ...],
    text: str,
    *says: str,
    groups: frozenset[str] = frozenset(),
) -> Wish:
    """A wish for a value of a field; to spoil it, another of ``values`` and ``others`` is put there."""

    def holds(option: Option, value: Any) -> bool:
        return bool(option[field] == value)

    def fit(option: Option, value: Any, rng: Random) -> None:
        option[field] = value

    def spoil(option: Option, value: Any, rng: Random) -> None:
        rest = [other for other in (*values, *others) if other != value]
        option[field] = rest[below(rng, len(rest))]

    return Wish(family, text, says, holds, fit, spoil, values, groups)


def rated(says: str) -> Wish:
    """A wish for a rating of at least the value, on the scale of 0 to 10."""

    def holds(option: Option, value: Any) -> bool:
        return isinstance(option["rating"], (int, float)) and value <= option["rating"] <= 10

    def fit(option: Option, value: Any, rng: Random) -> None:
        if not holds(option, value):
            option["rating"] = round(value + rng.random() * (9.8 - value), 1)

    def spoil(option: Option, value: Any, rng: Random) -> None:
        option["rating"] = round(value - 0.4 - 3 * rng.random(), 1)

    return Wish("rating", "a rating of {} or better", (says,), holds, fit, spoil, values=(7.5, 8, 8.5))
