"""Making a data set: which sessions, what is known of them, and what goes into the files.

``plan`` reads the record and holds nothing new; what takes time or money (trials, rollouts, a teacher) is done by the
others, each of which keeps what it has beside the data set, so that interrupted work goes on where it stood.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from actorcritic_cli import __version__
from actorcritic_cli.critics.labels import CANDIDATES, LabelPair
from actorcritic_cli.critics.prompt import PROMPT_VERSION
from actorcritic_cli.errors import UsageError
from actorcritic_cli.learn.card import card_text
from actorcritic_cli.learn.collect import Collector, Progress
from actorcritic_cli.learn.dataset import (
    CARD,
    CONTEXTS,
    SPLITS,
    Context,
    Row,
    SplitName,
    write_document,
    write_lines,
)
from actorcritic_cli.learn.formats import Format, lines
from actorcritic_cli.learn.splitting import SHARES, balanced, counts, split, unique

NEEDS_BETTER = ("better-of-two", "revisions")


class Wanted(Struct, frozen=True):
    """How rows become files."""

    form: Format = "cases"
    shares: tuple[int, ...] = SHARES
    seed: int = 0
    balance: float | None = None
    """How many cases of the more frequent label there may be in train for one of the other; ``None``: all of them. The
    other splits keep their shares, for calibration is measured on them."""
    labels: LabelPair = CANDIDATES[0]
    held_out: tuple[str, ...] = ()
    """Data sets of which all tasks go into test."""


class Gathered(Struct):
    """Rows before they are split, with what was left out on the way."""

    rows: list[Row]
    contexts: dict[str, Context]
    left_out: dict[str, int]
    """Why proposals are not in the rows → how many."""


class Splits(Struct):
    """Rows by split."""

    rows: dict[SplitName, list[Row]]
    left_out: dict[str, int]

    @property
    def counts(self) -> dict[str, Any]:
        """What is in each split and in all of them."""
        everything = [row for own in self.rows.values() for row in own]
        return {name: counts(own) for name, own in self.rows.items()} | {"all": counts(everything)}


def gather(collector: Collector, sessions: Sequence[str], progress: Progress | None = None) -> Gathered:
    """Collect the rows of sessions, each content once."""
    rows = unique(collector.rows(sessions, progress))
    left_out = {
        "nothing is known of them": collector.unlabelled,
        "the same again": rows.repeated,
        "labels contradict each other": rows.contradicting,
    }
    return Gathered(rows.rows, collector.contexts, {why: count for why, count in left_out.items() if count})


def divide(gathered: Gathered, wanted: Wanted) -> Splits:
    """Split rows, and balance them if wanted."""
    left_out = dict(gathered.left_out)
    # All rows are split, whatever the format needs: so a task is in the same split in every format.
    found = split(gathered.rows, wanted.shares, wanted.seed, wanted.held_out)
    if wanted.form in NEEDS_BETTER:
        found = {name: [row for row in own if row.better is not None] for name, own in found.items()}
        left_out["no better action is known"] = len(gathered.rows) - sum(map(len, found.values()))
    if wanted.balance is not None:
        before = len(found["train"])
        found["train"] = balanced(found["train"], wanted.seed, wanted.balance)
        left_out["to balance the labels"] = before - len(found["train"])
    return Splits(found, {why: count for why, count in left_out.items() if count})


def write(folder: Path, splits: Splits, contexts: dict[str, Context], wanted: Wanted, made: dict[str, Any]) -> None:
    """Write a data set. ``made`` says how it was made, for the card, which comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD).unlink(missing_ok=True)
    used = {row.context for rows in splits.rows.values() for row in rows}
    write_document(folder / CONTEXTS, {key: context for key, context in contexts.items() if key in used})
    for name in SPLITS:
        write_lines(folder / f"{name}.jsonl", lines(splits.rows[name], contexts, wanted.form, wanted.labels))
    card = card_of(splits, wanted, made)
    (folder / "card.md").write_text(card_text(card), encoding="utf-8")
    write_document(folder / CARD, card)


def card_of(splits: Splits, wanted: Wanted, made: dict[str, Any]) -> dict[str, Any]:
    """Return a data set's card."""
    rows = [row for own in splits.rows.values() for row in own]
    return {
        "format": wanted.form,
        "acc": __version__,
        "prompt_version": PROMPT_VERSION,
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seed": wanted.seed,
        "shares": list(wanted.shares),
        "balanced": wanted.balance,
        "held_out": list(wanted.held_out),
        "labels": [wanted.labels.revise, wanted.labels.approve],
        **made,
        "datasets": sorted({f"{row.env} ({row.dataset})" for row in rows}),
        "actors": sorted({str(row.provenance.get("actor", "")) for row in rows}),
        "runs": sorted({str(row.provenance["run"]) for row in rows if "run" in row.provenance}),
        "seeds": sorted({int(row.provenance["seed"]) for row in rows if "seed" in row.provenance}),
        "left_out": splits.left_out,
        "counts": splits.counts,
    }


def check_folder(folder: Path, *, force: bool) -> None:
    """Raise ``UsageError`` for a folder that holds a data set (or anything else) that would be overwritten."""
    if not folder.exists() or force:
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder for the data set.")
    if (folder / CARD).exists():
        raise UsageError(f"{folder} holds a data set; choose another folder, or replace it with --force.")
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in _OURS)
    if foreign:
        raise UsageError(
            f"{folder} holds other files ({foreign[0]}); choose a new folder, or write into it with --force."
        )


_OURS = frozenset(
    [f"{name}.jsonl{part}" for name in (*SPLITS, "rollouts", "teacher") for part in ("", ".part")]
    + [CONTEXTS, f"{CONTEXTS}.part", f"{CARD}.part", "card.md"]
)
"""What interrupted work leaves behind."""
