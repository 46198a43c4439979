"""Demands on measures: ``--fail-under METRIC=VALUE``, for use as a gate in continuous integration."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from actorcritic_cli.analysis.measures import Group, Measures
from actorcritic_cli.errors import UsageError

METRICS: dict[str, tuple[str, Callable[[Measures], float | None]]] = {
    "success": ("scored sessions with reward 1", lambda m: m.success),
    "verdict_rate": ("judged proposals that have a verdict", lambda m: m.verdict_rate),
    "intervention_rate": ("judged proposals that were not simply accepted", lambda m: m.intervention_rate),
    "interventions_per_session": ("interventions, per session", lambda m: m.interventions_per_session),
    "revision_rate": ("turns with more than one proposal", lambda m: m.revision_rate),
    "critic_ok_rate": (
        "verdicts that are approve or revise",
        lambda m: None if m.critic_error_rate is None else 1 - m.critic_error_rate,
    ),
    "scored_rate": ("ended sessions that have a reward", lambda m: m.scored / m.sessions if m.sessions else None),
}
"""Name → (what it is a share of, how it is read off); ``pass^1``, ``pass^2`` … come on top."""

_PASS = re.compile(r"pass\^([1-9]\d*)")


class Demand(Struct, frozen=True):
    """A metric and the least value it may have."""

    metric: str
    least: float


class Miss(Struct, frozen=True):
    """A demand that a group does not meet; ``value`` is ``None`` where the metric is not known."""

    group: Group
    demand: Demand
    value: float | None

    def sentence(self) -> str:
        """Say what was measured and what was demanded, without a full stop."""
        g = self.group
        who = f"{g.env} ({g.dataset}), actor {g.actor}, supervision {g.supervise}" + (f", run {g.run}" if g.run else "")
        value = "not known" if self.value is None else f"{self.value:.4g}"
        return f"{self.demand.metric} is {value} where at least {self.demand.least:g} is demanded ({who})"


def demand(text: str) -> Demand:
    """Return the demand that ``METRIC=VALUE`` makes. Raises ``UsageError`` naming the metrics there are.

    >>> demand("pass^2=0.4")
    Demand(metric='pass^2', least=0.4)
    """
    metric, equals, value = (part.strip() for part in text.partition("="))
    if metric not in METRICS and not _PASS.fullmatch(metric):
        raise UsageError(f"There is no metric '{metric}'; there are: pass^1, pass^2 …, {', '.join(METRICS)}.")
    try:
        least = float(value) if equals else math.nan
    except ValueError:
        least = math.nan
    if not math.isfinite(least):
        raise UsageError(f"'{text}' demands no number; write for example --fail-under {metric}=0.4.")
    return Demand(metric, least)


def value_of(measures: Measures, metric: str) -> float | None:
    """Return a metric of a group; ``None`` when it is not known there (pass^k beyond the trials, nothing judged …)."""
    passed = _PASS.fullmatch(metric)
    if passed:
        k = int(passed[1])
        return measures.passk.values[k - 1] if k <= len(measures.passk.values) else None
    return METRICS[metric][1](measures)


def misses(groups: Iterable[Measures], demands: Iterable[Demand]) -> list[Miss]:
    """Return every demand that a group does not meet. What is not known does not meet a demand."""
    wanted = list(demands)
    return [
        Miss(measures.group, wish, value)
        for measures in groups
        for wish in wanted
        if (value := value_of(measures, wish.metric)) is None or value < wish.least - 1e-12
    ]
