"""Whether a call does something else than the agent's last reply named: another value, another record, another number.

The last reply is what the customer has just answered to. A value that it doesn't name may be right all the same (an id is
seldom spoken of), but not if the reply names another one in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actorcritic_cli.critics.evidence.records import Record
from actorcritic_cli.critics.evidence.texts import Text, number
from actorcritic_cli.critics.evidence.values import TRIVIAL

Choices = Mapping[str, frozenset[str]]
"""The values that the tools' schemas allow, by the name of the argument."""
_MOST_BESIDE = 12
"""Records of one kind that are compared: of a profile or a product, not of a search."""


class Agreed:
    """What the last reply named, beside the fields that tools' results have and the values that arguments may have."""

    def __init__(self, told: Text, choices: Choices | None = None):
        self._told = told
        self._fields: dict[str, set[str]] = {}
        self._choices = choices or {}

    def take(self, fields: Mapping[str, frozenset[str]]) -> None:
        """Take note of the fields of a result."""
        for key, values in fields.items():
            self._fields.setdefault(key, set()).update(values)

    def differs(self, key: str, value: str) -> bool:
        """Whether the reply names another value of a field that this one is a value of."""
        fields: list[Iterable[str]] = [
            values for name, values in self._fields.items() if name == key or value in values
        ]
        if value in self._choices.get(key, ()):
            fields.append(self._choices[key])
        return any(other != value and self._told.holds(other) for values in fields for other in values)

    def counts(self, value: str) -> bool:
        """Whether the value is a number, and the reply names numbers, but not this one."""
        wanted = number(value)
        return wanted is not None and self._told.counts() and not self._told.holds(value)

    def rivalled(self, record: Record, used: frozenset[str]) -> bool:
        """Whether the reply describes a record that stands beside this one better than this one.

        Those whose ids are in ``used`` are none: the call names them as well.
        """
        beside = record.siblings
        if not 1 < len(beside) <= _MOST_BESIDE:
            return False
        texts = [one.described for one in beside]
        common = frozenset.intersection(*texts)
        mine = self._share(record, common)
        return any(
            self._share(other, common) > mine
            for other in beside
            if other.value != record.value and not used & other.ids
        )

    def together(self, record: Record) -> bool:
        """Whether the reply names all texts of a record one after the other."""
        return len(record.texts) > 1 and self._told.holds(" ".join(record.texts))

    def _share(self, record: Record, common: frozenset[tuple[str, str]]) -> float:
        """Return how much of what tells a record apart is in the reply; more than 1 for a description as a whole."""
        if self.together(record):
            return 2.0
        own = [value for _, value in record.described - common if value.lower() not in TRIVIAL]
        return sum(map(self._told.holds, own)) / len(own) if own else 0.0
