"""Two runs in pairs: which outcomes changed, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from actorcritic_cli.replay.runs import RunDifference, SessionPair, worth_showing
from actorcritic_cli.show.console import print_rows, stdout
from actorcritic_cli.show.story import Line, print_lines
from actorcritic_cli.show.values import UNKNOWN, several
from actorcritic_cli.store.library import Library

PAIRS = 30
"""Pairs in the table where not everything is wanted."""


def print_run_difference(library: Library, runs: Sequence[str], found: RunDifference, *, full: bool) -> None:
    """Print the totals and the pairs that differ, broken ones first."""
    console = stdout()
    print_lines(console, _total_lines(library, runs, found))
    pairs = list(worth_showing(found))
    if not pairs:
        return
    console.print()
    print_rows(
        console,
        ("task/trial", "outcome", "A", "B", "first differ", "A did", "B did", "session A", "session B"),
        (_row(pair) for pair in (pairs if full else pairs[:PAIRS])),
    )
    if not full and len(pairs) > PAIRS:
        console.print(Text(f"… and {len(pairs) - PAIRS} more that differ; --full shows all.", "dim"))


def _total_lines(library: Library, runs: Sequence[str], found: RunDifference) -> Iterator[Line]:
    for name, run in zip("AB", runs, strict=True):
        row = library.run(run)
        yield Line(
            name, f"{run} in {row['env']} ({row['dataset']}), {several(row['planned'], 'session')} planned", "bold"
        )
    yield Line("pairs", f"{len(found.pairs):,} by task and trial, {found.same_way:,} of them went the same way")
    for name, sessions in zip("AB", found.only, strict=True):
        if sessions:
            yield Line(f"{name} only", several(len(sessions), "session"), "yellow")
    counts = found.counts
    yield Line("mended", f"{counts['mended']:,} failed in A and succeed in B", "green" if counts["mended"] else "")
    yield Line("broken", f"{counts['broken']:,} succeeded in A and fail in B", "red" if counts["broken"] else "")
    unknown = f", {counts['unknown']:,} without a score" if counts["unknown"] else ""
    yield Line("same", f"{counts['both succeed']:,} succeed and {counts['both fail']:,} fail in both{unknown}")
    if found.p is not None:
        yield Line(
            "p", f"{found.p:.4g} (exact McNemar; takes the pairs as independent, which trials of a task are not)"
        )


def _row(pair: SessionPair) -> tuple[str, ...]:
    first = pair.first
    where = UNKNOWN if first is None else f"turn {first.step}" + (" (hidden)" if first.hidden else "")
    did = (UNKNOWN, UNKNOWN) if first is None else tuple(word or "nothing" for word in first.did)
    return (
        f"{pair.task or UNKNOWN}/{pair.trial}",
        pair.outcome,
        _reward(pair.left.reward),
        _reward(pair.right.reward),
        where,
        *did,
        pair.left.session,
        pair.right.session,
    )


def _reward(reward: float | None) -> str:
    return UNKNOWN if reward is None else f"{reward:g}"
