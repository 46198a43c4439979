"""The tables of ``acc stats --by``: one row an actor, critic, task, tool or rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from actorcritic_cli.analysis.quality import Quality
from actorcritic_cli.analysis.report import Entry
from actorcritic_cli.analysis.shares import Estimate, clopper_pearson
from actorcritic_cli.show.values import UNKNOWN, seconds, share
from actorcritic_cli.store.turns import Turns

By = Literal["actor", "critic", "task", "tool", "rule", "run"]


class Table(Struct, frozen=True):
    """A table of text. Every column but the first ``left`` is of numbers; ``note`` explains them."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    note: str = ""


def by_actor(entries: Iterable[Entry]) -> Table:
    """Return a line for every configuration, to compare actors."""
    rows = []
    for entry in sorted(
        entries, key=lambda e: (e.measures.group.env, e.measures.group.dataset, e.measures.group.actor)
    ):
        m, g = entry.measures, entry.measures.group
        how = g.supervise + (f" by {g.critic}" if g.critic and g.supervise != "off" else "")
        passes = " ".join(share(value) for value in m.passk.values[1:4])
        cost = [money.cost for money in m.money.values() if money.cost is not None]
        rows.append(
            (
                g.actor,
                how + (f", {g.run}" if g.run else ""),
                f"{g.env} ({g.dataset})",
                str(m.sessions),
                _value(m.estimates["success"]),
                _range(m.estimates["success"]),
                passes or UNKNOWN,
                seconds(m.actor_latency.p50) if m.actor_latency else UNKNOWN,
                f"${sum(cost) / m.sessions:.4f}" if cost and m.sessions else UNKNOWN,
            )
        )
    headers = ("actor", "supervision", "on", "sessions", "success", "95 %", "pass^2..4", "p50", "cost each")
    return Table(headers, tuple(rows), 3)


def by_critic(entry: Entry) -> Table:
    """Return a line for every critic that judged, live and afterwards, by the labels there are."""
    return Table(
        ("critic", "verdicts", "labels", "n", "precision", "recall", "false alarms", "AUROC", "95 %", "Brier", "ECE"),
        tuple(_critic(q) for q in entry.qualities),
        3,
        "" if entry.qualities else "No judged proposal has a label; acc label gives them.",
    )


def _critic(q: Quality) -> tuple[str, ...]:
    return (
        q.critic,
        "live" if q.live else "re-judged",
        q.labels,
        str(q.labelled),
        _value(q.precision),
        _value(q.recall),
        _value(q.false_alarm_rate),
        _value(q.auroc),
        _range(q.auroc),
        _value(q.brier),
        share(q.ece),
    )


def by_task(entry: Entry) -> Table:
    """Return a line for every task; the intervals are exact (Clopper-Pearson), as its trials are independent."""
    rows = []
    for t in entry.measures.tasks:
        low, high = clopper_pearson(t.successes, t.scored)
        rows.append(
            (
                t.task,
                str(t.sessions),
                str(t.successes),
                str(t.scored - t.successes),
                share(t.successes / t.scored) if t.scored else UNKNOWN,
                f"{share(low)} to {share(high)}" if t.scored else UNKNOWN,
                str(t.turns),
                str(t.interventions),
            )
        )
    return Table(("task", "sessions", "passed", "failed", "success", "95 %", "turns", "interventions"), tuple(rows))


def by_tool(entry: Entry) -> Table:
    """Return a line for every tool: its proposals, what became of the turns that were sent back, and labels."""
    judged, labelled = any(t.judged for t in entry.tools), any(t.right or t.wrong for t in entry.tools)
    rows = []
    for t in entry.tools:
        row = [t.tool, str(t.proposals), str(t.failed)]
        if judged:
            row += [str(t.objections), *_ends(turn for turn in entry.turns if turn.tool == t.tool)]
        if labelled:
            row += [str(t.right), str(t.wrong), str(t.first_wrong)]
        rows.append(tuple(row))
    headers = ["tool", "proposed", "failed"]
    notes = []
    if judged:
        headers += ["objections", *ENDS]
        notes.append(_ENDS_NOTE)
    if labelled:
        headers += ["approve", "revise", "first"]
        notes.append("approve, revise: labels; first: sessions whose first proposal labelled revise is of this tool.")
    return Table(tuple(headers), tuple(rows), note=" ".join(notes))


def by_rule(entry: Entry) -> Table:
    """Return a line for every rule that a critique names: what became of the turns that it was first to stop."""
    rules: dict[str, list[Turns]] = {}
    for turn in entry.turns:
        rules.setdefault(turn.rule, []).append(turn)
    ordered = sorted(rules.items(), key=lambda item: (-sum(t.count for t in item[1]), item[0]))
    rows = tuple((rule, str(sum(t.count for t in own)), *_ends(own)) for rule, own in ordered)
    return Table(("rule", "turns", *ENDS), rows, note=_ENDS_NOTE if rows else "Supervision did not step in.")


ENDS = ("revised", "exhausted", "other")
"""What became of turns; ``other`` is handed over, stopped or overruled."""
_ENDS_NOTE = "Turns that were sent back: how many of their sessions passed/failed."


def _ends(turns: Iterable[Turns]) -> tuple[str, ...]:
    counts = {name: [0, 0] for name in ENDS}
    for turn in turns:
        if turn.passed is not None:
            counts[turn.became if turn.became in counts else "other"][not turn.passed] += turn.count
    return tuple(f"{passed}/{failed}" for passed, failed in counts.values())


OF_GROUP: dict[str, Callable[[Entry], Table]] = {
    "critic": by_critic,
    "task": by_task,
    "tool": by_tool,
    "rule": by_rule,
}
"""What ``--by`` names → the table of one group."""


def _value(found: Estimate) -> str:
    return share(found.value)


def _range(found: Estimate) -> str:
    return "too few" if found.low is None else f"{share(found.low)} to {share(found.high)}"


def columns(table: Table) -> Sequence[str]:
    """Return the headers of a table's columns of numbers."""
    return table.headers[table.left :]
