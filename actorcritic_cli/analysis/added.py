"""What supervision adds to a session: seconds, tokens and dollars.

Against a baseline it is the mean over pairs of the difference, with the interval of the task-clustered bootstrap (see
``bootstrap``); pairs of which a side is not known are left out. Without one, the record itself tells what the critic
took and what the actor's second and later proposals of a turn took.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from actorcritic_cli.analysis.clustered import Ratio, ratios
from actorcritic_cli.analysis.measures import Measures
from actorcritic_cli.analysis.shares import Estimate
from actorcritic_cli.store.pairing import PairCounts


class Added(Struct, frozen=True):
    """Mean differences between the sessions of a pair: with supervision, less the baseline's."""

    seconds: Estimate
    tokens: Estimate
    cost: Estimate


class Overhead(Struct, frozen=True):
    """Means per session of what supervision took; ``None`` where it is not known."""

    critic_seconds: float
    critic_tokens: float | None
    """Of calls to a critic that is a service; a local critic's are free and not counted."""
    critic_cost: float | None
    revising_seconds: float
    revising_tokens: float | None
    revising_cost: float | None


def added(tasks: Sequence[PairCounts]) -> Added:
    """Return what the pairs of all tasks show."""
    rows = [
        (t.seconds_added, t.seconds_known, t.tokens_added, t.tokens_known, t.cost_added, t.cost_known) for t in tasks
    ]
    found = ratios(
        rows,
        {
            "seconds": Ratio(0, 1, "pairs with known times", kind="mean"),
            "tokens": Ratio(2, 3, "pairs with known tokens", kind="mean"),
            "cost": Ratio(4, 5, "pairs with known cost", kind="mean"),
        },
    )
    return Added(found["seconds"], found["tokens"], found["cost"])


def overhead(m: Measures) -> Overhead | None:
    """Return what supervision took in a group of sessions; ``None`` of one that was not supervised."""
    if not m.sessions or not m.verdicts:
        return None
    critic, revising = m.money.get("critic"), m.revising
    return Overhead(
        critic_seconds=m.critic_seconds / m.sessions,
        critic_tokens=_each((critic.input_tokens, critic.output_tokens), m.sessions) if critic else 0.0,
        critic_cost=_each((critic.cost,), m.sessions) if critic else 0.0,
        revising_seconds=m.revising_seconds / m.sessions,
        revising_tokens=_each((revising.input_tokens, revising.output_tokens), m.sessions) if revising else 0.0,
        revising_cost=_each((revising.cost,), m.sessions) if revising else 0.0,
    )


def _each(parts: Sequence[float | None], sessions: int) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) / sessions if len(known) == len(parts) else None
