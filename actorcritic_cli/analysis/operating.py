"""Where a critic may stand: how much it catches at a false-alarm rate, and which threshold gives that.

Raising the threshold trades catches for quiet; each threshold is a point of the ROC curve. Of all thresholds at which
at most a given share of the right proposals is sent back, the lowest catches most. Intervals are task-clustered (see
``bootstrap``) with the threshold found anew in every draw, so that they hold what is unsure about the threshold, too;
the wider of that and Wilson's, at each end, is given.

Thresholds are chosen by the false-alarm rate, by the greatest F1 (van Rijsbergen 1979, chapter 7), or by the greatest
J = catches - false alarms, both as shares (Youden 1950, "Index for rating diagnostic tests", Cancer 3:32).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from actorcritic_cli.analysis.auroc import Scored
from actorcritic_cli.analysis.bootstrap import Statistic, bootstrap
from actorcritic_cli.analysis.clustered import widest
from actorcritic_cli.analysis.shares import Estimate, too_few, wilson

Best = Literal["f1", "youden"]
_CUTS = 64
"""Scores that the intervals tell apart."""


class Catch(Struct, frozen=True):
    """What is caught when at most ``false_alarms`` (a share) of the right proposals may be sent back.

    ``threshold`` is the lowest that allows no more on these data; ``allowed`` how many right proposals that share is.
    """

    false_alarms: float
    threshold: float
    allowed: int
    caught: Estimate


def threshold_at(scored: Iterable[tuple[float, bool]], false_alarms: float) -> float:
    """Return the threshold (send back from there on) that lets through at most this share of false alarms.

    It lies midway between the highest score that must be left alone and the next one above, so that it is no score itself;
    above the highest score of all where everything must be left alone. 0 where everything may be sent back.
    """
    rows = list(scored)
    right = sorted((p for p, wrong in rows if not wrong), reverse=True)
    allowed = _allowed(len(right), false_alarms)
    if allowed >= len(right):
        return 0.0
    return _above(right[allowed], [p for p, _ in rows])


def best_threshold(scored: Iterable[tuple[float, bool]], best: Best) -> float:
    """Return the threshold with the greatest F1 or J; of equals the highest. Raises ``ValueError`` without both labels."""
    rows = sorted(scored, reverse=True)
    wrong = sum(label for _, label in rows)
    right = len(rows) - wrong
    if not wrong or not right:
        raise ValueError("a threshold needs proposals of both labels")
    scores = [p for p, _ in rows]
    greatest, found = -1.0, 1.0
    caught = alarms = 0
    for place, (p, label) in enumerate(rows):
        caught, alarms = caught + label, alarms + (not label)
        if place + 1 < len(rows) and rows[place + 1][0] == p:
            continue  # equal scores fall on the same side of every threshold
        value = 2 * caught / (wrong + caught + alarms) if best == "f1" else caught / wrong - alarms / right
        if value > greatest:
            below = scores[place + 1] if place + 1 < len(rows) else 0.0
            greatest, found = value, (p + below) / 2
    return found


def catches(scored: Iterable[Scored], rates: Sequence[float]) -> list[Catch]:
    """Return what is caught at each false-alarm rate."""
    rows = list(scored)
    wrong = [p for _, p, label in rows if label]
    right = [p for _, p, label in rows if not label]
    tasks = len({task for task, _, _ in rows})
    found = []
    for rate in rates:
        threshold = threshold_at(((p, label) for _, p, label in rows), rate)
        lacking = too_few(len(wrong), tasks, "proposals labelled revise") or too_few(
            len(right), tasks, "proposals labelled approve"
        )
        value = sum(p >= threshold for p in wrong) / len(wrong) if wrong else None
        caught = Estimate(value, None, None, len(wrong), tasks, lacking)
        found.append(Catch(rate, threshold, _allowed(len(right), rate), caught))
    telling = [n for n, catch in enumerate(found) if not catch.caught.lacking]
    if telling:
        intervals = bootstrap(*_columns(rows, right, [rates[n] for n in telling]))
        for n, interval in zip(telling, intervals, strict=True):
            known = found[n].caught
            if interval is not None and known.value is not None:
                caught = widest(known, interval, wilson(known.value, known.cases))
                found[n] = Catch(found[n].false_alarms, found[n].threshold, found[n].allowed, caught)
    return found


def _columns(
    rows: Sequence[Scored], right: Sequence[float], rates: Sequence[float]
) -> tuple[list[list[float]], list[Statistic]]:
    """Return the counts of each task, and for each rate the share caught as a function of their sums.

    Columns are, for each cut from the highest down, the wrong proposals above it (and not above the cut before), and the
    right ones; then all right and all wrong ones.
    """
    cuts = _cuts(right, max(rates))
    rising = cuts[::-1]
    tasks: dict[Hashable, list[float]] = {}
    for task, p, label in rows:
        own = tasks.setdefault(task, [0.0] * (2 * len(cuts) + 2))
        own[-1 if label else -2] += 1
        not_below = len(cuts) - bisect_left(rising, p)
        if not_below < len(cuts):
            own[2 * not_below + (not label)] += 1
    counts = [own for _, own in sorted(tasks.items(), key=lambda item: str(item[0]))]
    return counts, [_share_caught(rate, len(cuts)) for rate in rates]


def _cuts(right: Sequence[float], rate: float) -> list[float]:
    """Return the scores that are told apart, from the highest down: all that right proposals have, or where these are many,
    some down to well below the threshold of the highest rate, the closer together the higher they are."""
    falling = sorted(right, reverse=True)
    distinct = sorted(set(falling), reverse=True)
    if len(distinct) <= _CUTS:
        return distinct
    last = min(len(falling) - 1, int(2.5 * rate * len(falling)) + _CUTS)
    return sorted({falling[round(last * (n / (_CUTS - 1)) ** 2)] for n in range(_CUTS)}, reverse=True)


def _share_caught(rate: float, cuts: int) -> Statistic:
    def share(sums: Sequence[float]) -> float | None:
        wrong = sums[-1]
        if not wrong:
            return None
        caught, left, budget = 0.0, sums[-2], rate * sums[-2] + 1e-9
        for cut in range(cuts):
            alarms = sums[2 * cut + 1]
            budget, left = budget - alarms, left - alarms
            if budget < 0:
                return caught / wrong
            caught += sums[2 * cut]
        return 1.0 if budget >= left else caught / wrong

    return share


def _allowed(count: int, rate: float) -> int:
    return int(rate * count + 1e-9)


def _above(score: float, scores: Iterable[float]) -> float:
    higher = min((p for p in scores if p > score), default=None)
    if higher is None:
        # Nothing is sent back: any threshold above this score will do, and above 1 nothing can be.
        return min(1.0, (score + 1.0) / 2) if score < 1 else 1.0 + 1e-6
    return (score + higher) / 2
