"""From all rows to train, valid and test: no content twice, no task and no user in two of them, both labels in balance.

Tasks that share a user belong together, and users that share a task: such a group goes into one split as a whole. So what a
critic is measured on is neither a task nor a person that it was trained on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.errors import UsageError
from actorcritic_cli.hashing import sha256
from actorcritic_cli.learn.dataset import SOURCES, SPLITS, Row, SplitName

SHARES = (80, 10, 10)
Group = tuple[str, ...]


class Unique(Struct, frozen=True):
    """Rows without repetitions; ``repeated`` were the same again, ``contradicting`` said both of one content."""

    rows: list[Row]
    repeated: int
    contradicting: int


def unique(rows: Iterable[Row]) -> Unique:
    """Return each content once, in the order of its first occurrence.

    Of several labels that of the better source counts (see ``SOURCES``); where rows of the same, best source contradict
    each other, the content is left out. How often a content was found is kept in the provenance (``times``).
    """
    rank = {source: place for place, source in enumerate(SOURCES)}
    held: dict[str, list[Row]] = {}
    for row in rows:
        held.setdefault(row.id, []).append(row)
    found, repeated, contradicting = [], 0, 0
    for same in held.values():
        best = min(rank[row.source] for row in same)
        counting = [row for row in same if rank[row.source] == best]
        if len({row.label for row in counting}) > 1:
            contradicting += len(same)
            continue
        repeated += len(same) - 1
        # A row that knows more (what would be right) is worth more than an earlier one.
        chosen = max(counting, key=lambda row: (row.better is not None, bool(row.wrong), bool(row.rule)))
        if len(same) > 1:
            chosen = replace(chosen, provenance={**chosen.provenance, "times": len(same)})
        found.append(chosen)
    return Unique(found, repeated, contradicting)


def groups(rows: Sequence[Row]) -> dict[Group, list[int]]:
    """Return which rows belong together, by the least name of a task in the group: tasks and users joined, as above.

    A user is one of an environment, whatever the data set; a task is one of an environment and data set.
    """
    parent: dict[Group, Group] = {}

    def root(one: Group) -> Group:
        parent.setdefault(one, one)
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for row in rows:
        task = root(_task(row))
        if row.user:
            parent[root(("user", row.env, row.user))] = task
    together: dict[Group, list[int]] = {}
    for place, row in enumerate(rows):
        together.setdefault(root(_task(row)), []).append(place)
    return {min(_task(rows[place]) for place in places): places for places in together.values()}


def split(
    rows: Sequence[Row], shares: Sequence[int] = SHARES, seed: int = 0, held_out: Container[str] = ()
) -> dict[SplitName, list[Row]]:
    """Return the rows of each split, in their order.

    Environment by environment, groups are taken in the order of a hash of the seed and their name, and each goes where the
    most rows are wanting, by the shares (whole numbers that need not sum to 100). Every environment is so in every split, as
    far as it has groups enough; the same rows and seed always give the same splits. Groups with a task of a data set that is
    ``held_out`` go into test whatever the shares.
    """
    if len(shares) != len(SPLITS) or min(shares) < 0 or shares[0] <= 0:
        raise UsageError("The shares of the splits are three numbers for train, valid and test, for example 80,10,10.")
    total = sum(shares)
    chosen: dict[int, SplitName] = {}
    by_env: dict[str, list[tuple[Group, list[int]]]] = {}
    for name, places in groups(rows).items():
        if any(rows[place].dataset in held_out for place in places):
            chosen.update(dict.fromkeys(places, "test"))
            continue
        by_env.setdefault(rows[places[0]].env, []).append((name, places))
    for own in by_env.values():
        count = sum(len(places) for _, places in own)
        wanting = {name: count * share / total for name, share in zip(SPLITS, shares, strict=True)}
        for _, places in sorted(own, key=lambda group: sha256(f"{seed}/{group[0]}")):
            into = max(SPLITS, key=lambda name: wanting[name])
            wanting[into] -= len(places)
            chosen.update(dict.fromkeys(places, into))
    return {name: [row for place, row in enumerate(rows) if chosen[place] == name] for name in SPLITS}


def balanced(rows: Sequence[Row], seed: int = 0, within: float = 1.0) -> list[Row]:
    """Return at most ``within`` times as many rows of one label as of the other in each environment: of the more frequent
    one those are kept whose hash with the seed is least."""
    kept: set[int] = set()
    for env in {row.env for row in rows}:
        sides = [[n for n, row in enumerate(rows) if row.env == env and row.label == word] for word in _WORDS]
        most = int(within * min(len(side) for side in sides))
        for side in sides:
            kept.update(sorted(side, key=lambda n: sha256(f"{seed}/{rows[n].id}"))[:most])
    return [row for place, row in enumerate(rows) if place in kept]


def counts(rows: Iterable[Row]) -> dict[str, Any]:
    """Return how many rows there are: in all, by label, source, environment, rule and slip; and of how many tasks, users and
    sessions."""
    rows = list(rows)

    def by(what: str) -> dict[str, int]:
        counted = Counter(getattr(row, what) for row in rows if getattr(row, what))
        return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))

    return {
        "rows": len(rows),
        "labels": {word: sum(row.label == word for row in rows) for word in _WORDS},
        "sources": by("source"),
        "environments": by("env"),
        "rules": by("rule"),
        "slips": by("slip"),
        "tasks": len({_task(row) for row in rows}),
        "users": len({(row.env, row.user) for row in rows if row.user}),
        "sessions": len({row.session for row in rows}),
        "with_better": sum(row.better is not None for row in rows),
    }


_WORDS = ("approve", "revise")


def _task(row: Row) -> Group:
    return ("task", row.env, row.dataset, row.task)
