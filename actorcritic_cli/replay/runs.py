"""Two runs paired by task and trial: which outcomes changed, and where each pair of sessions first differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Literal

from msgspec import Struct

from actorcritic_cli.analysis.mcnemar import mcnemar
from actorcritic_cli.store.database import Database
from actorcritic_cli.store.run_steps import Held, Step, sessions_of_run, steps_of
from actorcritic_cli.types import is_success

Change = Literal["mended", "broken", "both succeed", "both fail", "unknown"]


class FirstDifference(Struct, frozen=True):
    """The first step in which two sessions differ, and what each did in it. ``hidden`` when only what was proposed, or
    decided on it, differs, and not what came of it."""

    step: int
    did: tuple[str | None, str | None]
    hidden: bool


class SessionPair(Struct, frozen=True):
    """The same task and trial in both runs. ``unknown``: at least one of the sessions has no score."""

    task: str | None
    trial: int
    left: Held
    right: Held
    outcome: Change
    first: FirstDifference | None
    """``None`` when both sessions went the same way."""


class RunDifference(Struct, frozen=True):
    """How two runs differ. ``p`` is the exact McNemar p-value of mended against broken pairs, ``None`` without a scored
    pair."""

    pairs: tuple[SessionPair, ...]
    counts: dict[Change, int]
    only: tuple[tuple[str, ...], tuple[str, ...]]
    """Sessions of each run that have no counterpart in the other."""
    same_way: int
    """Pairs that went the same way."""
    p: float | None

    @property
    def same(self) -> bool:
        """Whether every session has its counterpart and went the same way to the same outcome."""
        return (
            not any(self.only)
            and self.same_way == len(self.pairs)
            and not (self.counts["mended"] or self.counts["broken"])
        )


def run_difference(
    database: Database, left: str, right: str, progress: Callable[[int, int | None], None] = lambda done, of: None
) -> RunDifference:
    """Pair two runs and compare them."""
    one, two = sessions_of_run(database, left), sessions_of_run(database, right)
    common = [key for key in one if key in two]
    pairs: list[SessionPair] = []
    for key in common:
        pairs.append(_pair(database, key, one[key], two[key]))
        progress(len(pairs), len(common))
    counts: dict[Change, int] = dict.fromkeys(("mended", "broken", "both succeed", "both fail", "unknown"), 0)
    for pair in pairs:
        counts[pair.outcome] += 1
    return RunDifference(
        tuple(pairs),
        counts,
        (
            tuple(held.session for key, held in one.items() if key not in two),
            tuple(held.session for key, held in two.items() if key not in one),
        ),
        sum(1 for pair in pairs if pair.first is None),
        mcnemar(counts["mended"], counts["broken"]) if counts["unknown"] < len(pairs) else None,
    )


def first_difference(left: list[Step], right: list[Step]) -> FirstDifference | None:
    """Return where two sessions first differ, by the ids of what was said and done."""
    for one, two in zip_longest(left, right):
        if one is None or two is None:
            there = one or two
            assert there is not None
            return FirstDifference(there.step, (one.did if one else None, two.did if two else None), hidden=False)
        public = (one.message, one.observation) == (two.message, two.observation)
        if not public or one.proposed != two.proposed:
            return FirstDifference(one.step, (one.did, two.did), hidden=public)
    return None


def _pair(database: Database, key: tuple[str | None, int], one: Held, two: Held) -> SessionPair:
    first = first_difference(steps_of(database, one.session), steps_of(database, two.session))
    return SessionPair(key[0], key[1], one, two, _outcome(one, two), first)


def _outcome(one: Held, two: Held) -> Change:
    if one.reward is None or two.reward is None:
        return "unknown"
    before, after = is_success(one.reward), is_success(two.reward)
    if before and after:
        return "both succeed"
    return "broken" if before else "mended" if after else "both fail"


def worth_showing(found: RunDifference) -> Iterator[SessionPair]:
    """Yield the pairs that a reader looks for first: broken, then mended, then the others that differ."""
    order: tuple[Change, ...] = ("broken", "mended", "both fail", "both succeed", "unknown")
    for outcome in order:
        for pair in found.pairs:
            if pair.outcome == outcome and (pair.first is not None or outcome in ("broken", "mended")):
                yield pair
