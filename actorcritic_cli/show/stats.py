"""Measures of groups of sessions, one block a group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rich.text import Text

from actorcritic_cli.analysis.measures import Group, Measures, Money
from actorcritic_cli.analysis.passk import PassK
from actorcritic_cli.analysis.quantiles import Spread
from actorcritic_cli.show.console import print_rows, stdout
from actorcritic_cli.show.values import dollars, seconds, share
from actorcritic_cli.text import printable

PASS_SHOWN = 8
"""pass^k that are printed; ``--json`` has all."""


def print_measures(groups: Iterable[Measures]) -> None:
    """Print a block for every group."""
    console = stdout()
    for number, measures in enumerate(groups):
        if number:
            console.print()
        console.print(Text(heading(measures.group), "bold"), soft_wrap=not console.is_terminal)
        print_rows(console, ("", ""), ((f"  {label}", text) for label, text in lines(measures)))


def heading(group: Group) -> str:
    """Return what the sessions of a group have in common."""
    critic = f" by {group.critic}" if group.critic else ""
    simulated = " (simulated)" if is_simulated(group.actor) else ""
    parts = [
        f"{group.env} ({group.dataset})",
        f"actor {group.actor}{simulated}",
        f"supervision {group.supervise}{critic}",
    ]
    parts += [f"from {group.source}"] + ([f"run {group.run}"] if group.run else [])
    return printable(" · ".join(parts))


def is_simulated(actor: str) -> bool:
    """Return whether an actor only plays one: numbers of such sessions say nothing about a language model."""
    return actor.startswith("sim:")


def lines(m: Measures) -> Iterator[tuple[str, str]]:
    """Yield (name, value) for every measure there is something to say of."""
    under_way = f", and {m.under_way} under way that are not counted" if m.under_way else ""
    if is_simulated(m.group.actor):
        yield "SIMULATED", "the actor knows the task and slips as it is told to: this measures critics, not a model"
    yield "sessions", f"{m.sessions}{under_way}"
    if m.scored:
        yield "success", f"{share(m.success)} ({m.successes} of {m.scored} scored)"
        top = min(PASS_SHOWN, len(m.passk.values))
        yield ("pass^1" if top == 1 else f"pass^1..{top}"), _passk(m.passk)
    if m.unscored:
        yield "not scored", f"{_counts(m.unscored)} (in no rate above)"
    yield "ended by", _counts(m.terminations)
    if m.faults:
        yield "failures of", _counts(m.faults)
    yield "turns", f"{m.turns}, {m.proposals} proposals, revision rate {share(m.revision_rate)}"
    if m.malformed:
        yield "malformed", f"{m.malformed} proposals that could not be carried out"
    if m.comparisons:
        failed = f" ({m.failed_comparisons} failed)" if m.failed_comparisons else ""
        yield "choices", f"{m.comparisons} compared{failed}; another than the first taken in {m.chosen_another} turns"
    if m.group.supervise != "off" or m.verdicts:
        with_verdict = round((m.verdict_rate or 0.0) * m.judged)
        every = (
            "a verdict for every judged proposal" if with_verdict == m.judged else f"{m.judged - with_verdict} MISSING"
        )
        yield "judged", f"{m.judged} proposals, {with_verdict} verdicts: {every}"
        yield "verdicts", f"{_counts(m.verdicts)}; critic errors {share(m.critic_error_rate)}"
        per_session = "–" if m.interventions_per_session is None else f"{m.interventions_per_session:.2f}"
        yield (
            "interventions",
            f"{m.interventions}: {share(m.intervention_rate)} of judged proposals, {per_session} per session",
        )
    yield "actor latency", _latency(m.actor_latency, "no model call on record")
    if m.critic_latency:
        yield "critic latency", _latency(m.critic_latency, "")
    yield from _money(m.money)


def _passk(passk: PassK) -> str:
    least, most = passk.trials
    text = " ".join(share(value) for value in passk.values[:PASS_SHOWN])
    if least == most:
        return f"{text} ({passk.tasks} tasks × {least} trials)"
    return f"{text} ({passk.tasks} tasks with {least} to {most} scored trials; k up to the smallest number)"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.items()) or "none"


def _latency(spread: Spread | None, otherwise: str) -> str:
    if spread is None:
        return f"unknown ({otherwise})"
    return f"p50 {seconds(spread.p50)}, p95 {seconds(spread.p95)} ({spread.count} calls)"


def _money(money: Mapping[str, Money]) -> Iterator[tuple[str, str]]:
    if not money:
        yield "cost", "unknown (no model call on record)"
    for party, m in money.items():
        tokens = (
            "tokens unknown"
            if m.input_tokens is None
            else f"{m.input_tokens} tokens in ({m.cached_tokens} cached), {m.output_tokens} out"
        )
        if m.tokens_unknown and m.input_tokens is not None:
            tokens += f" + {m.tokens_unknown} calls of unknown size"
        cost = dollars(m.cost)
        if m.cost_unknown and m.cost is not None:
            cost += f" + {m.cost_unknown} calls of unknown cost"
        failed = f", {m.failed} failed" if m.failed else ""
        yield f"{party} calls", f"{m.calls}{failed}; {tokens}; cost {cost}"
