"""What is said of a group of sessions, line by line: the same lines for the screen and for Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from actorcritic_cli.analysis.added import Overhead
from actorcritic_cli.analysis.gates import Ruling
from actorcritic_cli.analysis.measures import PASS_ESTIMATED, Measures, Money
from actorcritic_cli.analysis.pairs import Effect
from actorcritic_cli.analysis.quality import Quality
from actorcritic_cli.analysis.quantiles import Spread
from actorcritic_cli.analysis.report import Comparison, Entry
from actorcritic_cli.analysis.shares import Estimate
from actorcritic_cli.show.values import dollars, seconds, several, share, signed
from actorcritic_cli.store.selection import Group
from actorcritic_cli.store.turns import Turns


class Line(Struct, frozen=True):
    """A measure: its name, and either a value with its 95 % interval and a remark, or words alone (``value`` is
    empty)."""

    name: str
    value: str
    interval: str
    words: str


class Section(Struct, frozen=True):
    """Lines that belong together, under a title (the first section of a group has none)."""

    title: str
    lines: tuple[Line, ...]


Number = Callable[[float | None], str]


def heading(group: Group) -> tuple[str, str]:
    """Return what the sessions of a group have in common, as two short lines."""
    simulated = " (simulated)" if is_simulated(group.actor) else ""
    critic = f" by {group.critic}" if group.critic and group.supervise != "off" else ""
    first = f"{group.env} ({group.dataset}) · actor {group.actor}{simulated}"
    second = [f"supervision {group.supervise}{critic}", f"from {group.source}"] + (
        [f"run {group.run}"] if group.run else []
    )
    return first, " · ".join(second)


def is_simulated(actor: str) -> bool:
    """Return whether an actor only plays one: numbers of such sessions say nothing about a language model."""
    return actor.startswith("sim:")


def sections(entry: Entry, rulings: Iterable[Ruling] = ()) -> Iterator[Section]:
    """Yield what there is to say of a group."""
    yield Section("", tuple(_outcome(entry.measures)))
    if entry.comparison:
        yield Section(f"Against run {entry.comparison.baseline}", tuple(_comparison(entry.comparison)))
    m = entry.measures
    if m.group.supervise != "off" or m.verdicts or m.malformed:
        yield Section("Supervision", tuple(_supervision(m, entry.turns)))
    if entry.quality:
        title = f"The critic, by {several(entry.quality.labelled, f'{entry.quality.labels} label')}"
        yield Section(title, tuple(_quality(entry.quality)))
    yield Section("Time and money", tuple(_spent(m, entry.overhead)))
    own = tuple(_ruling(ruling) for ruling in rulings)
    if own:
        yield Section("Gates", own)


def estimate(name: str, found: Estimate, words: str = "", number: Number = share) -> Line:
    """Return the line of an estimate; one that cannot tell says so."""
    if found.low is None:
        return Line(name, number(found.value), "too few to tell", words)
    return Line(name, number(found.value), f"{number(found.low)} to {number(found.high)}", words)


def _outcome(m: Measures) -> Iterator[Line]:
    if is_simulated(m.group.actor):
        yield _words("SIMULATED", "the actor slips as it is told to: this measures critics")
    under_way = f", and {m.under_way} under way that are not counted" if m.under_way else ""
    yield _words("sessions", f"{m.sessions}{under_way}")
    if m.scored:
        yield estimate("success", m.estimates["success"], f"{m.successes} of {m.scored} scored")
        least, most = m.passk.trials
        for k in range(1, min(PASS_ESTIMATED, len(m.passk.values)) + 1):
            words = ""
            if k == 1:
                trials = several(least, "trial") if least == most else f"{least} to {most} trials, k up to the fewest"
                words = f"{several(m.passk.tasks, 'task')} × {trials}"
            yield estimate(f"pass^{k}", m.estimates[f"pass^{k}"], words)
    if m.unscored:
        yield _words("not scored", f"{_counts(m.unscored)} (in no rate above)")
    yield _words("ended by", _counts(m.terminations))
    if m.faults:
        yield _words("failures of", _counts(m.faults))
    yield _words("turns", f"{m.turns}, {several(m.proposals, 'proposal')}")


def _comparison(c: Comparison) -> Iterator[Line]:
    e, others = c.effect, []
    if c.unscored:
        others.append(f"{c.unscored} more without a score on one side")
    if c.same_seed < c.pairs:
        others.append(f"{c.pairs - c.same_seed} with another seed")
    yield _words("pairs", "; ".join([f"{e.pairs} of {several(e.tasks, 'task')}", *others]))
    if not e.pairs:
        return
    yield estimate("helpfulness", e.helpfulness, f"mends {e.mended} of {e.mended + e.neither} failures")
    yield estimate("harmfulness", e.harmfulness, f"breaks {e.broken} of {e.broken + e.both} successes")
    yield estimate("uplift", e.uplift, f"exact McNemar p {p_value(e)}", signed)
    for name, found, number in (
        ("added seconds", c.added.seconds, lambda v: signed(v, 1)),
        ("added tokens", c.added.tokens, lambda v: signed(v, 0)),
        ("added cost", c.added.cost, lambda v: signed(v, 4)),
    ):
        if found.cases:
            yield estimate(name, found, "per session" + (" in US dollars" if name == "added cost" else ""), number)
        else:
            yield _words(name, "unknown (no model calls on record on both sides)")
    yield _words("in all", FINDINGS[e.finding])


FINDINGS = {
    "better": "better than the baseline",
    "worse": "WORSE than the baseline",
    "no difference shown": "no difference shown",
    "too few to tell": "too few to tell",
}


def p_value(e: Effect) -> str:
    """Return a p-value as it is usually written, with its sign."""
    return "< .001" if e.p_value < 0.001 else f"= {share(e.p_value)}"


def _supervision(m: Measures, turns: tuple[Turns, ...]) -> Iterator[Line]:
    if m.malformed:
        yield _words("malformed", f"{several(m.malformed, 'proposal')} that could not be carried out")
    if m.group.supervise != "off" or m.verdicts:
        with_verdict = round((m.verdict_rate or 0.0) * m.judged)
        every = (
            "every one with a verdict" if with_verdict == m.judged else f"{m.judged - with_verdict} verdicts MISSING"
        )
        yield _words("judged", f"{several(m.judged, 'proposal')}, {every}")
        errors = f"; critic errors {share(m.critic_error_rate)}" if m.critic_error_rate else ""
        yield _words("verdicts", f"{_counts(m.verdicts)}{errors}")
    if m.comparisons:
        failed = f" ({m.failed_comparisons} failed)" if m.failed_comparisons else ""
        yield _words("choices", f"{m.comparisons} compared{failed}; not the first taken in {m.chosen_another}")
    per_session = m.interventions_per_session
    each = "" if per_session is None else f", {per_session:.2f} per session"
    yield estimate("interventions", m.estimates["intervention_rate"], f"of judged; {m.interventions}{each}")
    yield estimate("revision rate", m.estimates["revision_rate"], "of turns")
    for number, text in enumerate(led_to(turns)):
        yield _words("" if number else "led to", text)


def led_to(turns: Iterable[Turns]) -> list[str]:
    """Return what became of turns, and of their sessions; the most frequent first."""
    ends: dict[str, list[int]] = {}
    for turn in turns:
        counts = ends.setdefault(turn.became, [0, 0, 0])
        counts[0] += turn.count
        counts[1] += turn.count if turn.passed else 0
        counts[2] += turn.count if turn.passed is False else 0
    said = []
    for became, (count, passed, failed) in sorted(ends.items(), key=lambda item: -item[1][0]):
        scored = f": {passed} in sessions that passed, {failed} that failed" if passed + failed else ""
        said.append(f"{became} {count}{scored}")
    return said


def _quality(q: Quality) -> Iterator[Line]:
    missing = f", {q.no_verdict} without a verdict" if q.no_verdict else ""
    yield estimate("precision", q.precision, f"{q.hits} of {q.hits + q.false_alarms} objections{missing}")
    yield estimate("recall", q.recall, f"{q.hits} of {q.hits + q.misses} to be revised")
    yield estimate("false alarms", q.false_alarm_rate, f"{q.false_alarms} of {q.false_alarms + q.passes} right ones")
    yield estimate("AUROC", q.auroc)
    error = "" if q.ece is None else f"calibration error {share(q.ece)}"
    yield estimate("Brier score", q.brier, error)


def _spent(m: Measures, overhead: Overhead | None) -> Iterator[Line]:
    yield _words("actor latency", _latency(m.actor_latency, "no model call on record"))
    if m.critic_latency:
        yield _words("critic latency", _latency(m.critic_latency, ""))
    if overhead:
        yield _words("supervision", f"per session: critic {seconds(overhead.critic_seconds)}{_revising(overhead)}")
    yield from _money(m.money)


def _revising(o: Overhead) -> str:
    parts = [f"revising {seconds(o.revising_seconds)}"] if o.revising_seconds else []
    known = [t for t in (o.critic_tokens, o.revising_tokens) if t is not None]
    if sum(known):
        parts.append(f"{sum(known):.0f} tokens")
    if o.critic_cost is None or o.revising_cost is None:
        parts.append("cost unknown")
    elif o.critic_cost + o.revising_cost:
        parts.append(dollars(o.critic_cost + o.revising_cost))
    return "".join(f", {part}" for part in parts)


def _money(money: Mapping[str, Money]) -> Iterator[Line]:
    if not money:
        yield _words("cost", "unknown (no model call on record)")
    for party, m in money.items():
        failed = f", {m.failed} failed" if m.failed else ""
        cached = f" ({m.cached_tokens} cached)" if m.cached_tokens else ""
        tokens = (
            "tokens unknown" if m.input_tokens is None else f"{m.input_tokens} tokens in{cached}, {m.output_tokens} out"
        )
        if m.tokens_unknown and m.input_tokens is not None:
            tokens += f" + {several(m.tokens_unknown, 'call')} of unknown size"
        cost = dollars(m.cost)
        if m.cost_unknown and m.cost is not None:
            cost += f" + {several(m.cost_unknown, 'call')} of unknown cost"
        yield _words(f"{party} calls", f"{m.calls}{failed}; {tokens}; cost {cost}")


def _ruling(ruling: Ruling) -> Line:
    return _words("met" if ruling.met else "NOT MET", f"{ruling.demand.words()}: {ruling.measured()}")


def _words(name: str, words: str) -> Line:
    return Line(name, "", "", words)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.items()) or "none"


def _latency(spread: Spread | None, otherwise: str) -> str:
    if spread is None:
        return f"unknown ({otherwise})"
    return f"p50 {seconds(spread.p50)}, p95 {seconds(spread.p95)} ({several(spread.count, 'call')})"
