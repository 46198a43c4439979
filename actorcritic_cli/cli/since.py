"""``--since``: a point in time as a person writes it."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Annotated

import typer

from actorcritic_cli.errors import UsageError

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}

SinceFilter = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="WHEN",
        help="Only sessions begun since then, none of unknown time: a date or time (2026-11-20, 2026-11-20T14:30), or how "
        "long ago (30m, 12h, 7d, 2w).",
    ),
]


def since_of(text: str | None, now: float | None = None) -> float | None:
    """Return the Unix seconds that ``--since`` means, dates in the local zone. Raises ``UsageError``.

    >>> since_of("2h", now=10_000.0)
    2800.0
    """
    if text is None:
        return None
    ago = re.fullmatch(r"(\d+)([mhdw])", text.strip())
    if ago:
        return (time.time() if now is None else now) - int(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"'{text}' is no time; write a date (2026-11-20), a time (2026-11-20T14:30) or how long ago (12h, 7d)."
        ) from None
