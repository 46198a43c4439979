"""What sessions come to: rates, pass^k, latencies and costs of a group of sessions that may be compared.

Sessions are only ever put together when environment, data set, actor, critic, mode of supervision and source are the
same. Sessions that nothing can be said of (a provider's failure, a free conversation, one that is still under way) are
counted apart and enter no rate.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from actorcritic_cli.analysis.clustered import Ratio, ratios
from actorcritic_cli.analysis.passk import PassK, pass_estimates, pass_k
from actorcritic_cli.analysis.quantiles import Spread, spread
from actorcritic_cli.analysis.shares import Estimate
from actorcritic_cli.store.measures import GroupCounts, PartyCalls, TaskCounts
from actorcritic_cli.store.selection import Group

FREE = "free conversation"
FAILURES = ("infrastructure_error", "user_error", "actor_error")
NO_SCORE = "score unknown"
PASS_ESTIMATED = 8
"""pass^k that have an interval, unless more are asked for."""


class Money(Struct, frozen=True):
    """What model calls of one party took. ``cost`` (US dollars) and tokens are sums over the calls of which they are
    known; ``cost`` is ``None`` where no call's is. The two ``unknown`` count the calls of which they are not."""

    calls: int
    failed: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    tokens_unknown: int
    cost: float | None
    cost_unknown: int


class Measures(Struct, frozen=True):
    """A group of sessions in numbers. Rates lie in [0, 1] and are ``None`` where nothing could be counted."""

    group: Group
    sessions: int
    """Sessions that have ended."""
    under_way: int
    scored: int
    successes: int
    success: float | None
    """Scored sessions with reward 1."""
    passk: PassK
    estimates: dict[str, Estimate]
    """Metric → value and interval: success, pass^1 …, intervention_rate, interventions_per_session, revision_rate."""
    unscored: dict[str, int]
    """Why ended sessions have no reward → how many."""
    terminations: dict[str, int]
    faults: dict[str, int]
    """Whose failure each failed session is → how many (see ``session.fault``)."""
    turns: int
    proposals: int
    malformed: int
    judged: int
    """Proposals that the gate sends to the critic."""
    verdicts: dict[str, int]
    verdict_rate: float | None
    """Judged proposals that have a verdict (``no_verdict`` is one); less than 1 means that the record lacks some."""
    critic_error_rate: float | None
    """Verdicts that are ``no_verdict``."""
    interventions: int
    """Proposals that were not simply accepted, malformed ones included."""
    intervention_rate: float | None
    """Judged proposals that were not simply accepted."""
    interventions_per_session: float | None
    revision_rate: float | None
    """Turns in which the actor proposed again after a proposal had been sent back."""
    comparisons: int
    """Turns in which the critic compared candidates."""
    failed_comparisons: int
    chosen_another: int
    """Turns in which another candidate than the first was taken."""
    actor_latency: Spread | None
    """Seconds of the actor's model calls that succeeded."""
    critic_latency: Spread | None
    """Seconds of the critic's verdicts, failed ones included."""
    critic_seconds: float
    """All of them together, and what comparing candidates took."""
    money: dict[str, Money]
    """Party → what its model calls took; a party without calls on record is missing."""
    revising: Money | None
    """Of the actor's calls, those that were not the first of their turn (revisions, further candidates); ``None`` where
    there are none."""
    revising_seconds: float
    tasks: tuple[TaskCounts, ...]
    """The counts of each task, free conversations included."""


def measure(groups: Iterable[GroupCounts], *, passes: int = PASS_ESTIMATED) -> list[Measures]:
    """Return the measures of every group, in their order; pass^k have intervals up to ``passes``."""
    return [_measure(counts, passes) for counts in groups]


def _measure(counts: GroupCounts, passes: int) -> Measures:
    tasks = list(counts.tasks.values())
    sessions, scored, successes = (_sum(tasks, name) for name in ("sessions", "scored", "successes"))
    judged, verdicts = _sum(tasks, "judged"), dict(sorted(counts.verdicts.items()))
    outcomes = [(t.scored, t.successes) for t in tasks if not t.free]
    estimates = _estimates(tasks)
    estimates |= {f"pass^{k}": one for k, one in enumerate(pass_estimates(outcomes, passes), start=1)}
    return Measures(
        group=counts.group,
        sessions=sessions,
        under_way=counts.under_way,
        scored=scored,
        successes=successes,
        success=estimates["success"].value,
        passk=pass_k(outcomes),
        estimates=estimates,
        unscored=_counted(
            (_why_unscored(end, free), n) for (end, scored, free), n in counts.endings.items() if not scored
        ),
        terminations=_counted((end, n) for (end, _, _), n in counts.endings.items()),
        faults=dict(sorted(counts.faults.items())),
        turns=_sum(tasks, "turns"),
        proposals=_sum(tasks, "proposals"),
        malformed=_sum(tasks, "malformed"),
        judged=judged,
        verdicts=verdicts,
        verdict_rate=_rate(_sum(tasks, "judged_with_verdict"), judged),
        critic_error_rate=_rate(
            sum(n for kind, n in verdicts.items() if kind.startswith("no_verdict")), sum(verdicts.values())
        ),
        interventions=_sum(tasks, "interventions"),
        intervention_rate=estimates["intervention_rate"].value,
        interventions_per_session=estimates["interventions_per_session"].value,
        revision_rate=estimates["revision_rate"].value,
        comparisons=counts.comparisons,
        failed_comparisons=counts.failed_comparisons,
        chosen_another=counts.chosen_another,
        actor_latency=spread(counts.actor_latency),
        critic_latency=spread(counts.critic_latency),
        critic_seconds=sum(counts.critic_latency) + counts.comparing_seconds,
        money={party: _money(counts.calls[party]) for party in sorted(counts.calls)},
        revising=_money(counts.revising) if counts.revising.calls else None,
        revising_seconds=counts.revising_seconds,
        tasks=tuple(tasks),
    )


def _estimates(tasks: list[TaskCounts]) -> dict[str, Estimate]:
    rows = [
        (t.scored, t.successes, t.judged, t.judged_interventions, t.sessions, t.interventions, t.turns, t.revised_turns)
        for t in tasks
    ]
    return ratios(
        rows,
        {
            "success": Ratio(1, 0, "scored sessions"),
            "intervention_rate": Ratio(3, 2, "judged proposals"),
            "interventions_per_session": Ratio(5, 4, "sessions", kind="count"),
            "revision_rate": Ratio(7, 6, "turns"),
        },
    )


def _why_unscored(termination: str, free: bool) -> str:
    if termination in FAILURES:
        return termination
    return FREE if free else NO_SCORE


def _money(p: PartyCalls) -> Money:
    tokens = p.tokens_unknown < p.calls
    return Money(
        calls=p.calls,
        failed=p.failed,
        input_tokens=p.input_tokens if tokens else None,
        output_tokens=p.output_tokens if tokens else None,
        cached_tokens=p.cached_tokens if tokens else None,
        tokens_unknown=p.tokens_unknown,
        cost=p.cost if p.cost_unknown < p.calls else None,
        cost_unknown=p.cost_unknown,
    )


def _sum(tasks: Iterable[TaskCounts], name: str) -> int:
    return sum(getattr(task, name) for task in tasks)


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _counted(named: Iterable[tuple[str, int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, n in named:
        counts[name] = counts.get(name, 0) + n
    return dict(sorted(counts.items()))
