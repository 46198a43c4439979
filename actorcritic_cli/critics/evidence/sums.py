"""Amounts that follow from prices: what a few of them make together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from actorcritic_cli.critics.evidence.texts import number

_MOST_PRICES = 60
_MOST_NAMED = 10
_MOST_TIMES = 5
"""How many persons or pieces a price is multiplied by, at most."""
_DOLLARS = re.compile(r"\$(\d[\d,]*(?:\.\d+)?)")


class Sums:
    """The prices in a conversation, in cents."""

    def __init__(self) -> None:
        self._met: dict[int, None] = {}

    def take(self, prices: Iterable[int]) -> None:
        """Take note of a result's prices."""
        self._met.update(dict.fromkeys(prices))

    def mark(self, value: str, named: Sequence[int]) -> str:
        """Return ``sum`` for what one or two of the named prices make, a few times over, ``chance`` for what any two of all
        make, else nothing."""
        amount = number(value)
        cents = round(amount * 100) if amount is not None and abs(amount) < 1e9 else 0
        if cents <= 0:
            return ""
        for times in range(1, _MOST_TIMES + 1):
            if cents % times == 0 and _makes(cents // times, frozenset(named[:_MOST_NAMED]), single=True):
                return "sum"
        return "chance" if _makes(cents, frozenset(list(self._met)[-_MOST_PRICES:]), single=False) else ""


def _makes(cents: int, prices: frozenset[int], *, single: bool) -> bool:
    if single and cents in prices:
        return True
    return any(other != one and other in prices for one in prices for other in (cents - one, one - cents, one + cents))


def total(text: str) -> str:
    """Return whether one of a text's amounts is the total of the others, empty for fewer than three."""
    cents = [round(float(amount.replace(",", "")) * 100) for amount in _DOLLARS.findall(text)]
    if len(cents) < 3:
        return ""
    return "total right" if any(2 * one == sum(cents) for one in cents) else "total wrong"
