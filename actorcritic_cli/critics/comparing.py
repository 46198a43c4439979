"""Comparing candidates with a critic that can only judge: the one that it would least likely send back is the best."""

from __future__ import annotations

from msgspec.structs import replace

from actorcritic_cli.critics.protocol import Case, Critic
from actorcritic_cli.types import Comparison, Proposal, Verdict


def compare_by_verdicts(
    critic: Critic, case: Case, candidates: tuple[Proposal, ...]
) -> tuple[Comparison, tuple[Verdict, ...]]:
    """Judge every candidate; return the comparison that follows, and the verdicts.

    The scores are the probabilities of approval, made to sum to 1. A candidate without a verdict cannot be the best one;
    where none has one, nothing was compared.
    """
    verdicts = tuple(critic.judge(replace(case, proposal=proposal)) for proposal in candidates)
    approval = [0.0 if verdict.p_revise is None else 1.0 - verdict.p_revise for verdict in verdicts]
    known = [verdict.p_revise is not None for verdict in verdicts]
    total = sum(approval)
    if not any(known):
        scores: tuple[float, ...] = ()
    elif total > 0:
        scores = tuple(share / total for share in approval)
    else:  # certainly wrong, all of them
        scores = tuple(one / sum(known) for one in known)
    return (
        Comparison(
            critic=verdicts[0].critic,
            scores=scores,
            why=None if scores else verdicts[0].why,
            message="" if scores else verdicts[0].message,
            latency=sum(verdict.latency for verdict in verdicts),
            calls=tuple(call for verdict in verdicts for call in verdict.calls),
            detail={"verdicts": [{"kind": v.kind, "p_revise": v.p_revise} for v in verdicts]},
        ),
        verdicts,
    )
