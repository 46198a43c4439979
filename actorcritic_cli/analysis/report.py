"""All that is said of each group of sessions: one value that the screen, the files and the gates read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from actorcritic_cli.analysis.added import Added, Overhead, added, overhead
from actorcritic_cli.analysis.measures import PASS_ESTIMATED, Measures, measure
from actorcritic_cli.analysis.pairs import Effect, TaskPairs, effect
from actorcritic_cli.analysis.quality import Quality, live_quality, qualities
from actorcritic_cli.store.labelled import Judge, Labelled
from actorcritic_cli.store.measures import GroupCounts
from actorcritic_cli.store.pairing import PairCounts
from actorcritic_cli.store.turns import Tool, Turns


class Comparison(Struct, frozen=True):
    """A group beside the baseline."""

    baseline: str
    """The run's id."""
    pairs: int
    """Sessions of the same task and trial on both sides, unscored ones included."""
    unscored: int
    """Pairs of which a side has no score; they enter nothing of ``effect``."""
    same_seed: int
    effect: Effect
    added: Added


class Entry(Struct, frozen=True):
    """One group of sessions. ``quality`` is that of the critic that was there, by the labels that count."""

    measures: Measures
    comparison: Comparison | None
    overhead: Overhead | None
    quality: Quality | None
    qualities: tuple[Quality, ...]
    turns: tuple[Turns, ...]
    """What became of the turns in which supervision stepped in."""
    tools: tuple[Tool, ...]


def report(
    groups: Sequence[GroupCounts],
    *,
    labelled: Mapping[Judge, Sequence[Labelled]],
    turns: Sequence[Turns],
    tools: Sequence[Tool] = (),
    pairs: Sequence[PairCounts] = (),
    baseline: str | None = None,
    labels: str | None = None,
    passes: int = PASS_ESTIMATED,
) -> list[Entry]:
    """Return an entry for every group, in their order. ``labels`` names the source of labels that counts, else it is
    the one that covers most."""
    entries = []
    for counts, measures in zip(groups, measure(groups, passes=passes), strict=True):
        number = counts.number
        found = qualities(labelled, number)
        own = [pair for pair in pairs if pair.group == number]
        entries.append(
            Entry(
                measures,
                None if baseline is None else _comparison(baseline, own),
                overhead(measures),
                live_quality(found, labels),
                tuple(q for q in found if labels in (None, q.labels)),
                tuple(t for t in turns if t.group == number),
                tuple(t for t in tools if t.group == number),
            )
        )
    return entries


def _comparison(baseline: str, pairs: Sequence[PairCounts]) -> Comparison:
    return Comparison(
        baseline,
        sum(p.pairs for p in pairs),
        sum(p.unscored for p in pairs),
        sum(p.same_seed for p in pairs),
        effect(TaskPairs(p.task, p.both, p.mended, p.broken, p.neither) for p in pairs),
        added(pairs),
    )
