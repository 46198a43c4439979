"""What a data set for critics holds, or would hold."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from actorcritic_cli.learn.making import Splits
from actorcritic_cli.show.console import print_rows

_TABLES = (("sources", "source"), ("environments", "environment"), ("rules", "rule"), ("slips", "slip"))
_MOST = 20


def print_counts(console: Console, splits: Splits) -> None:
    """Print how many cases there are, by split, source, environment, rule and slip, and what was left out."""
    counts = splits.counts
    headers = ("split", "cases", "approve", "revise", "tasks", "users", "sessions", "with a better action")
    print_rows(console, headers, [(name, *_row(own)) for name, own in counts.items()], right=headers[1:])
    for key, name in _TABLES:
        if rows := list(counts["all"][key].items()):
            console.print()
            cells = [(what, f"{count:,}") for what, count in rows[:_MOST]]
            more = (
                [(f"({len(rows) - _MOST} more)", f"{sum(n for _, n in rows[_MOST:]):,}")] if len(rows) > _MOST else []
            )
            print_rows(console, (name, "cases"), [*cells, *more], right=("cases",))
    if splits.left_out:
        console.print()
        left = [(why, f"{count:,}") for why, count in splits.left_out.items()]
        print_rows(console, ("left out", "proposals"), left, right=("proposals",))


def _row(own: dict[str, Any]) -> tuple[str, ...]:
    labels = own["labels"]
    numbers = (own["rows"], labels["approve"], labels["revise"], own["tasks"], own["users"], own["sessions"])
    return *(f"{n:,}" for n in numbers), f"{own['with_better']:,}"
