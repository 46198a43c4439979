"""Demands on metrics, for use as a gate in continuous integration: ``--fail-under`` and ``--fail-over``.

A metric that is an estimate is held against the cautious end of its 95 % interval: the lower bound must reach what
``--fail-under`` demands, the upper bound must not exceed what ``--fail-over`` allows. So a gate that is met has been
shown to be, and data too few to tell do not meet it. A metric that is a plain fact of the record is held against its
value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct

from actorcritic_cli.analysis.report import Entry
from actorcritic_cli.analysis.shares import Estimate
from actorcritic_cli.errors import UsageError
from actorcritic_cli.store.selection import Group


class Metric(Struct, frozen=True):
    """What a metric is, and how it is read off; ``needs`` says what makes it known."""

    what: str
    of: Callable[[Entry], Estimate | float | None]
    needs: str = ""


_BASELINE = "it takes --baseline"
_LABELS = "it takes labelled proposals with verdicts"


def _estimate(name: str) -> Callable[[Entry], Estimate | float | None]:
    return lambda entry: entry.measures.estimates.get(name)


def _effect(name: str) -> Callable[[Entry], Estimate | float | None]:
    return lambda entry: getattr(entry.comparison.effect, name) if entry.comparison else None


def _added(name: str) -> Callable[[Entry], Estimate | float | None]:
    return lambda entry: getattr(entry.comparison.added, name) if entry.comparison else None


def _quality(name: str) -> Callable[[Entry], Estimate | float | None]:
    return lambda entry: getattr(entry.quality, name) if entry.quality else None


def _critic_ok(entry: Entry) -> float | None:
    errors = entry.measures.critic_error_rate
    return None if errors is None else 1 - errors


def _scored(entry: Entry) -> float | None:
    m = entry.measures
    return m.scored / m.sessions if m.sessions else None


ESTIMATES = {
    "success": Metric("scored sessions with reward 1", _estimate("success")),
    "helpfulness": Metric("the baseline's failures that are mended", _effect("helpfulness"), _BASELINE),
    "harmfulness": Metric("the baseline's successes that are broken", _effect("harmfulness"), _BASELINE),
    "uplift": Metric("success less the baseline's, over the pairs", _effect("uplift"), _BASELINE),
    "added_seconds": Metric(
        "seconds of actor and critic per session, less the baseline's", _added("seconds"), _BASELINE
    ),
    "added_tokens": Metric("tokens of actor and critic per session, less the baseline's", _added("tokens"), _BASELINE),
    "added_cost": Metric("dollars of actor and critic per session, less the baseline's", _added("cost"), _BASELINE),
    "precision": Metric("objections that are right", _quality("precision"), _LABELS),
    "recall": Metric("what should be revised that is objected to", _quality("recall"), _LABELS),
    "false_alarm_rate": Metric("what is right that is objected to", _quality("false_alarm_rate"), _LABELS),
    "auroc": Metric("area under the ROC curve of p_revise", _quality("auroc"), _LABELS),
    "brier": Metric("mean squared error of p_revise", _quality("brier"), _LABELS),
    "intervention_rate": Metric("judged proposals that were not simply accepted", _estimate("intervention_rate")),
    "interventions_per_session": Metric("interventions, per session", _estimate("interventions_per_session")),
    "revision_rate": Metric("turns in which a proposal was sent back and another made", _estimate("revision_rate")),
}
"""Name → metric with an interval; ``pass^1``, ``pass^2`` … come on top."""

FACTS = {
    "verdict_rate": Metric("judged proposals that have a verdict", lambda e: e.measures.verdict_rate),
    "critic_ok_rate": Metric("verdicts that are approve or revise", _critic_ok),
    "scored_rate": Metric("ended sessions that have a reward", _scored),
    "ece": Metric("expected calibration error of p_revise", _quality("ece"), _LABELS),
}
"""Name → metric that the record simply has."""

METRICS = ESTIMATES | FACTS

_PASS = re.compile(r"pass\^([1-9]\d*)")


class Demand(Struct, frozen=True):
    """A metric and the least (or the most) that it may be."""

    metric: str
    value: float
    side: Literal["least", "most"] = "least"

    @property
    def passes(self) -> int:
        """The k of a demand on pass^k, else 0."""
        passed = _PASS.fullmatch(self.metric)
        return int(passed[1]) if passed else 0

    def words(self) -> str:
        """Return the demand as a person says it.

        >>> Demand("pass^1", 0.5).words()
        'pass^1 at least 0.5'
        """
        return f"{self.metric} at {self.side} {self.value:g}"


class Ruling(Struct, frozen=True):
    """Whether a group meets a demand. ``held`` is the number that was held against it: an end of the interval, or the
    value of a fact; ``None`` where the data cannot tell, and ``lacking`` then says why."""

    group: Group
    demand: Demand
    met: bool
    value: float | None
    held: float | None
    lacking: str = ""

    def measured(self) -> str:
        """Say what was measured, without a full stop."""
        value = "not known" if self.value is None else f"{self.value:.4g}"
        if self.lacking:
            return f"{value}, {self.lacking}" if self.value is not None else f"{value} ({self.lacking})"
        if self.held is None or self.held == self.value:
            return value
        return f"{value} and may be as {'low' if self.demand.side == 'least' else 'high'} as {self.held:.4g}"

    def sentence(self) -> str:
        """Say what was measured and what was demanded, without a full stop."""
        g = self.group
        who = f"{g.env} ({g.dataset}), actor {g.actor}, supervision {g.supervise}" + (f", run {g.run}" if g.run else "")
        verb = "demanded" if self.demand.side == "least" else "allowed"
        asked = f"at {self.demand.side} {self.demand.value:g} is {verb}"
        return f"{self.demand.metric} is {self.measured()}, where {asked} ({who})"


def demand(text: str, side: Literal["least", "most"] = "least") -> Demand:
    """Return the demand that ``METRIC=VALUE`` makes. Raises ``UsageError`` naming the metrics there are.

    >>> demand("pass^2=0.4")
    Demand(metric='pass^2', value=0.4, side='least')
    """
    metric, equals, value = (part.strip() for part in text.partition("="))
    if metric not in METRICS and not _PASS.fullmatch(metric):
        raise UsageError(f"There is no metric '{metric}'; there are: pass^1, pass^2 …, {', '.join(METRICS)}.")
    try:
        number = float(value) if equals else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        option = "--fail-under" if side == "least" else "--fail-over"
        raise UsageError(f"'{text}' demands no number; write for example {option} {metric}=0.4.")
    return Demand(metric, number, side)


def value_of(entry: Entry, metric: str) -> Estimate | float | None:
    """Return a metric of a group; ``None`` when it is not known there (pass^k beyond the trials, nothing judged …)."""
    return _estimate(metric)(entry) if _PASS.fullmatch(metric) else METRICS[metric].of(entry)


def rulings(entries: Iterable[Entry], demands: Iterable[Demand]) -> list[Ruling]:
    """Return for every group and demand whether it is met. What is not known, or cannot be told, does not meet it."""
    wanted = list(demands)
    return [_ruling(entry, wish) for entry in entries for wish in wanted]


def _ruling(entry: Entry, wish: Demand) -> Ruling:
    group, found = entry.measures.group, value_of(entry, wish.metric)
    value = found.value if isinstance(found, Estimate) else found
    if value is None:
        metric = METRICS.get(wish.metric)
        return Ruling(group, wish, False, None, None, (metric.needs if metric else "") or "nothing to measure it by")
    held: float | None = value
    if isinstance(found, Estimate):
        held = found.low if wish.side == "least" else found.high
        if held is None:
            return Ruling(group, wish, False, value, None, found.lacking or "too few to tell")
    assert held is not None
    met = held >= wish.value - 1e-12 if wish.side == "least" else held <= wish.value + 1e-12
    return Ruling(group, wish, met, value, held)
