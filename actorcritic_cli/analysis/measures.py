"""What sessions come to: rates, pass^k, latencies and costs of a group of sessions that may be compared.

Sessions are only ever put together when environment, data set, actor, critic, mode of supervision and source are the same.
Sessions that nothing can be said of (a provider's failure, a free conversation, one that is still under way) are counted
apart and enter no rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from actorcritic_cli.analysis.passk import PassK, pass_k
from actorcritic_cli.analysis.quantiles import Spread, spread
from actorcritic_cli.store.measures import PartyCalls, SessionCounts
from actorcritic_cli.types import is_success

FREE = "free conversation"
FAILURES = ("infrastructure_error", "user_error", "actor_error")
NO_SCORE = "score unknown"


class Group(Struct, frozen=True, order=True):
    """What sessions must have in common to be counted together. ``run`` is empty unless runs are kept apart."""

    env: str
    dataset: str
    actor: str
    supervise: str
    critic: str
    source: str
    run: str = ""


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
    """Turns in which the actor proposed again after a proposal was sent back."""
    comparisons: int
    """Turns in which the critic compared candidates."""
    failed_comparisons: int
    chosen_another: int
    """Turns in which another candidate than the first was taken."""
    actor_latency: Spread | None
    """Seconds of the actor's model calls that succeeded."""
    critic_latency: Spread | None
    """Seconds of the critic's verdicts, failed ones included."""
    money: dict[str, Money]
    """Party → what its model calls took; a party without calls on record is missing."""


def measure(sessions: Iterable[SessionCounts], *, by_run: bool = False) -> list[Measures]:
    """Return the measures of every group among the sessions, ordered by group."""
    groups: dict[Group, list[SessionCounts]] = {}
    for session in sessions:
        groups.setdefault(_group(session, by_run), []).append(session)
    return [_measure(group, groups[group]) for group in sorted(groups)]


def _group(session: SessionCounts, by_run: bool) -> Group:
    return Group(
        session.env,
        session.dataset,
        session.actor,
        session.supervise,
        session.critic or "",
        session.source,
        (session.run or "") if by_run else "",
    )


def _measure(group: Group, all_sessions: Sequence[SessionCounts]) -> Measures:
    sessions = [s for s in all_sessions if s.termination is not None]
    scored = [s for s in sessions if s.reward is not None]
    outcomes: dict[str, list[bool]] = {}
    for s in scored:
        if s.task is not None and s.reward is not None:
            outcomes.setdefault(s.task, []).append(is_success(s.reward))
    successes = sum(1 for s in scored if s.reward is not None and is_success(s.reward))
    judged = sum(s.judged for s in sessions)
    verdicts = _summed(s.verdicts for s in sessions)
    turns = sum(s.turns for s in sessions)
    interventions = sum(s.interventions for s in sessions)
    return Measures(
        group=group,
        sessions=len(sessions),
        under_way=len(all_sessions) - len(sessions),
        scored=len(scored),
        successes=successes,
        success=_rate(successes, len(scored)),
        passk=pass_k(outcomes),
        unscored=_counted(_why_unscored(s) for s in sessions if s.reward is None),
        terminations=_counted(s.termination or "" for s in sessions),
        faults=_counted(s.fault for s in sessions if s.fault is not None),
        turns=turns,
        proposals=sum(s.proposals for s in sessions),
        malformed=sum(s.malformed for s in sessions),
        judged=judged,
        verdicts=verdicts,
        verdict_rate=_rate(sum(s.judged_with_verdict for s in sessions), judged),
        critic_error_rate=_rate(
            sum(n for kind, n in verdicts.items() if kind.startswith("no_verdict")), sum(verdicts.values())
        ),
        interventions=interventions,
        intervention_rate=_rate(sum(s.judged_interventions for s in sessions), judged),
        interventions_per_session=_rate(interventions, len(sessions)),
        revision_rate=_rate(sum(s.revised_turns for s in sessions), turns),
        comparisons=sum(s.comparisons for s in sessions),
        failed_comparisons=sum(s.failed_comparisons for s in sessions),
        chosen_another=sum(s.chosen_another for s in sessions),
        actor_latency=spread([x for s in sessions for x in s.actor_latency]),
        critic_latency=spread([x for s in sessions for x in s.critic_latency]),
        money=_money(sessions),
    )


def _why_unscored(session: SessionCounts) -> str:
    if session.termination in FAILURES:
        return session.termination or ""
    return FREE if session.task is None else NO_SCORE


def _money(sessions: Iterable[SessionCounts]) -> dict[str, Money]:
    by_party: dict[str, list[PartyCalls]] = {}
    for session in sessions:
        for party, calls in session.calls.items():
            by_party.setdefault(party, []).append(calls)
    return {party: _party(by_party[party]) for party in sorted(by_party)}


def _party(parts: list[PartyCalls]) -> Money:
    calls = sum(p.calls for p in parts)
    tokens_unknown = sum(p.tokens_unknown for p in parts)
    cost_unknown = sum(p.cost_unknown for p in parts)
    tokens = tokens_unknown < calls
    return Money(
        calls=calls,
        failed=sum(p.failed for p in parts),
        input_tokens=sum(p.input_tokens for p in parts) if tokens else None,
        output_tokens=sum(p.output_tokens for p in parts) if tokens else None,
        cached_tokens=sum(p.cached_tokens for p in parts) if tokens else None,
        tokens_unknown=tokens_unknown,
        cost=sum(p.cost for p in parts) if cost_unknown < calls else None,
        cost_unknown=cost_unknown,
    )


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _counted(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def _summed(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in parts:
        for name, n in part.items():
            counts[name] = counts.get(name, 0) + n
    return dict(sorted(counts.items()))
