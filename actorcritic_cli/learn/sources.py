"""Where labelled cases come from: a data set's folder, or the record itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from actorcritic_cli.errors import NotFound
from actorcritic_cli.hashing import sha256
from actorcritic_cli.learn.collect import Collector, Progress
from actorcritic_cli.learn.dataset import SPLITS, Context, Row, SplitName, read_contexts, read_rows
from actorcritic_cli.learn.making import gather
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import Gate


class Cases(Struct, frozen=True):
    """Labelled cases with what they share; ``where`` says in words where they are from."""

    rows: list[Row]
    contexts: dict[str, Context]
    where: str


def from_folder(folder: Path, split: SplitName | None) -> Cases:
    """Return a split of a data set, or all of it. Raises ``NotFound`` where there are none."""
    names = SPLITS if split is None else (split,)
    rows = [row for name in names for row in read_rows(folder, name)]
    where = f"{folder.resolve().name}, {split or 'all splits'}"
    if not rows:
        raise NotFound(f"There are no cases in {where}; choose another --split, or make a larger data set.")
    return Cases(rows, read_contexts(folder), where)


def drawn(cases: Cases, count: int) -> Cases:
    """Return some of the cases, in their order: those whose hash is least, so that they are always the same."""
    kept = {row.id for row in sorted(cases.rows, key=lambda row: sha256(f"drawn/{row.id}"))[:count]}
    rows = [row for row in cases.rows if row.id in kept]
    return Cases(rows, cases.contexts, f"{len(rows):,} drawn from {cases.where}")


def from_record(
    library: Library, sessions: Sequence[str], sources: Sequence[str], gate: Gate | None, progress: Progress
) -> Cases:
    """Return what is labelled in sessions, each content once. Raises ``NotFound`` where nothing is."""
    gathered = gather(Collector(library, sources=sources, gate=gate), sessions, progress)
    if not gathered.rows:
        raise NotFound(
            "No proposal of these sessions is labelled; label some with acc label, or hold some with sim:hasty."
        )
    count = len({row.session for row in gathered.rows})
    return Cases(gathered.rows, gathered.contexts, f"{count} session{'' if count == 1 else 's'} on record")
