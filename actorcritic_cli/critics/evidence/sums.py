"""Amounts that follow from prices: what a few of them make together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

from msgspec import Struct

from actorcritic_cli.critics.evidence.texts import number

_MOST_PRICES = 60
_MOST_NAMED = 10
_MOST_TIMES = 5
"""How many persons or pieces a price is multiplied by, at most."""
_MOST_CHARGE = 10_000
"""Cents up to which an amount in the policy may be a charge for a person or a piece."""
_MOST_PIECES = 8
_MOST_DESCRIBED = 10
"""Described records up to which it is tried what some of them make together."""
_DOLLARS = re.compile(r"\$(\d[\d,]*(?:\.\d+)?)")


class Named(Struct, frozen=True):
    """The prices of what some words name, in cents."""

    prices: tuple[int, ...] = ()
    """Of the records that are named by their ids."""
    described: tuple[tuple[int, ...], ...] = ()
    """Of those that are described, listing by listing."""
    fares: int = 0
    """Of what is named by a number, together."""
    before: int = 0
    """Of what has a number in the records that are named, together."""


class Sums:
    """The prices in a conversation, in cents."""

    def __init__(self, rules: str = "") -> None:
        self._met: dict[int, None] = {}
        self._charges = sorted({cents for cents in _dollars(rules) if cents <= _MOST_CHARGE})

    def take(self, prices: Iterable[int]) -> None:
        """Take note of a result's prices."""
        self._met.update(dict.fromkeys(prices))

    def mark(self, value: str, named: Named) -> str:
        """Return ``sum`` for what one or two of the named prices make, a few times over, what some described records cost
        more than others, or what all that is named costs more than before; ``total`` for the latter with charges that the
        policy names; ``chance`` for what any two of all prices make; else nothing."""
        amount = number(value)
        cents = round(abs(amount) * 100) if amount is not None and abs(amount) < 1e9 else 0
        if cents <= 0:
            return ""
        for times in range(1, _MOST_TIMES + 1):
            if cents % times == 0 and _makes(cents // times, frozenset(named.prices[:_MOST_NAMED]), single=True):
                return "sum"
        due = [named.fares, named.fares - named.before]
        if any(times * fares in (cents, -cents) for fares in due for times in range(1, _MOST_TIMES + 1)):
            return "sum"
        if _exchanged(cents, named.described):
            return "sum"
        if named.fares and self._totals(cents, named.fares):
            return "total"
        return "chance" if _makes(cents, frozenset(list(self._met)[-_MOST_PRICES:]), single=False) else ""

    def _totals(self, cents: int, fares: int) -> bool:
        """Whether so much is due for so many persons: their fares, a charge for each of them, another for each piece."""
        for persons in range(1, _MOST_TIMES + 1):
            for each in (0, *self._charges):
                rest = cents - persons * (fares + each)
                if rest == 0 or any(rest > 0 and rest % c == 0 and rest // c <= _MOST_PIECES for c in self._charges):
                    return True
        return False


def _exchanged(cents: int, described: Sequence[Sequence[int]]) -> bool:
    """Whether an amount is the difference between what records of one listing cost and as many of the others."""
    if sum(map(len, described)) > _MOST_DESCRIBED:
        return False
    for place, given in enumerate(described):
        others = [price for other, prices in enumerate(described) if other != place for price in prices]
        for size in range(1, len(given) + 1):
            mine = {sum(some) for some in combinations(given, size)}
            theirs = {sum(some) for some in combinations(others, size)}
            if any(abs(one - two) == cents for one in mine for two in theirs):
                return True
    return False


def _dollars(text: str) -> list[int]:
    found = (float(amount.replace(",", "")) for amount in _DOLLARS.findall(text))
    return [round(amount * 100) for amount in found if amount < 1e9]


def _makes(cents: int, prices: frozenset[int], *, single: bool) -> bool:
    if single and cents in prices:
        return True
    return any(other != one and other in prices for one in prices for other in (cents - one, one - cents, one + cents))


def total(text: str) -> str:
    """Return whether one of a text's amounts is the total of the others, empty for fewer than three."""
    cents = _dollars(text)
    if len(cents) < 3:
        return ""
    return "total right" if any(2 * one == sum(cents) for one in cents) else "total wrong"
