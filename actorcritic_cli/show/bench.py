"""What a benchmark of a critic found, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from actorcritic_cli.bench.judged import Speed
from actorcritic_cli.bench.report import Figure, Report, middle
from actorcritic_cli.show.values import UNKNOWN, seconds


def circumstance_rows(report: Report) -> list[tuple[str, str]]:
    """Return (what, value) rows of what was measured, and how."""
    parameters = f", {report.parameters / 1e6:,.0f} M parameters" if report.parameters else ""
    return [
        ("model", f"{report.model} ({report.quantisation or 'unknown layout'}{parameters})"),
        ("threads", str(report.threads)),
        ("conversation", f"{report.trace}: {report.judgements} judgements"),
        ("shared prefix", f"{report.prefix_tokens:,} tokens, with the longest case about {report.longest_tokens:,}"),
        ("context", f"{report.n_ctx:,} tokens"),
        ("repetitions", f"{report.repeat}; medians are shown"),
    ]


def time_rows(report: Report) -> list[tuple[str, str, str, str, str]]:
    """Return rows of (what, ours, floor, naive, tokens): median seconds of each side."""
    start, rows = report.start, []
    for what, values in (
        ("loading the model", start.loading),
        ("first verdict, cold", start.cold),
        ("first verdict in a session, state file", start.in_session),
        ("first verdict, state file, nothing read ahead", start.from_file),
        ("first verdict, prefix in memory", start.in_memory),
    ):
        if values:
            rows.append((what, _middle(values), "", "", ""))
    for what, timed in (
        ("approved action", report.approved),
        ("approved, proposal there at once", report.at_once),
        ("revised action", report.revised),
    ):
        if timed.ours:
            tokens = f"{middle(timed.new):g} read, {middle(timed.written):g} written"
            if timed.naive_written:
                tokens += f"; naive {middle(timed.naive_written):g} written"
            rows.append((what, _middle(timed.ours), _middle(timed.floor), _middle(timed.naive), tokens))
    if report.approved.verdict_only:
        rows.append(("naive with the verdict alone", "", "", _middle(report.approved.verdict_only), ""))
    waiting = report.waiting
    if waiting is not None and waiting.supervised:
        rows.append((f"conversation of {waiting.proposals} proposals", _middle(waiting.supervised), "", "", ""))
        rows.append(("the same unsupervised", _middle(waiting.unsupervised), "", "", ""))
        rows.append((f"each of its {waiting.judgements} judgements", _middle(waiting.added), "", "", ""))
        if waiting.floor:
            rows.append(("reading it in one piece", "", _middle(waiting.floor), "", f"{waiting.new:,} read"))
        if waiting.revised:
            rows.append(("the same with one proposal sent back", _middle(waiting.revised), "", "", ""))
    return rows


def speed_rows(found: Sequence[Speed]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return headers and rows of how long one judged proposal takes."""
    headers = ("model", "M parameters", "loading", "first verdict", "one judged proposal", "p95", "tokens", "threads")
    rows: list[tuple[str, ...]] = [
        (
            one.model,
            f"{one.parameters / 1e6:,.1f}",
            seconds(one.loading),
            seconds(one.first),
            f"{seconds(one.median)} (median of {one.judgements})",
            seconds(one.p95),
            f"{one.tokens:g}",
            str(one.threads),
        )
        for one in found
    ]
    return headers, rows


def load_rows(report: Report) -> list[tuple[str, str]]:
    """Return (what, value) rows of throughput and memory."""
    rows = [
        (
            f"{found.sessions} sessions" if found.sessions > 1 else "1 session",
            f"{middle(found.one_by_one):.2f} judgements/s one by one, {middle(found.together):.2f} at once "
            f"({middle(found.new):g} tokens each)"
            + (
                f"; the model alone {middle(found.floor_one_by_one):.2f}, {middle(found.floor_together):.2f}"
                if found.floor_together
                else ""
            ),
        )
        for found in report.throughput
        if found.together
    ]
    memory = report.memory
    if memory.one:
        bytes_ = f" ({memory.all * memory.bytes_per_cell / 1e6:,.1f} MB)" if memory.bytes_per_cell else ""
        own = f"one {memory.one:,} and {memory.own:,} of the others' own; {memory.separate:,} if each had all"
        rows.append((f"cells of {memory.sessions} sessions", f"{memory.all:,}{bytes_}; {own}"))
    if memory.worker_peak:
        beside = f"; naive {memory.naive_peak / 1e6:,.0f} MB" if memory.naive_peak else ""
        rows.append(("peak memory of the worker", f"{memory.worker_peak / 1e6:,.0f} MB{beside}"))
    return rows


def figure_rows(figures: Sequence[Figure]) -> list[tuple[str, str, str, str]]:
    """Return rows of (figure, value, goal, reached)."""
    return [(figure.name, _number(figure.value), _goal(figure), _WORDS[figure.reached]) for figure in figures]


_WORDS = {None: "", True: "yes", False: "no"}


def _goal(figure: Figure) -> str:
    if figure.goal is None:
        return ""
    return f"{'≥' if figure.at_least else '≤'} {figure.goal:g}"


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3g}"


def _middle(values: Sequence[float]) -> str:
    found = middle(values)
    return "" if found is None else _fine(found)


def _fine(value: float) -> str:
    return seconds(value) if value < 1 else f"{value:.2f} s"
