"""How a training went, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actorcritic_cli.learn.training.train import Seen


def epoch_rows(epochs: Sequence[Seen], best: int) -> list[tuple[str, ...]]:
    """Return a row for each epoch; losses are in nats, the best epoch has a star."""
    return [
        (
            f"{seen.epoch}{' *' if seen.epoch == best else ''}",
            f"{seen.verdict:.3f}",
            f"{seen.critique:.3f}",
            f"{seen.reading:.3f}" if seen.reading else "",
            f"{seen.valid_verdict:.3f}",
            _share(seen.auroc),
            _share(seen.caught),
            f"{seen.seconds:,.0f}",
        )
        for seen in epochs
    ]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
