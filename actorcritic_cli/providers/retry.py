"""When to try again: exponential backoff with jitter, unless the provider says when.

litellm's and the clients' own retries are off (they multiply with each other, and retry a context overflow); this is
the one place that waits.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 60.0
"""Seconds that a backoff grows to; a provider's own ``retry-after`` may be longer."""


def base_seconds(option: float | None) -> float:
    """Return the first wait in seconds: the option, else ``ACC_RETRY_BASE``, else 1."""
    if option is not None:
        return max(0.0, option)
    try:
        return max(0.0, float(os.environ.get("ACC_RETRY_BASE", "1")))
    except ValueError:
        return 1.0


def wait_before(retry: int, base: float, retry_after: float | None = None) -> float:
    """Return how long to wait in seconds before the ``retry``-th retry (from 0).

    Doubles from ``base`` with jitter (so that a run's threads do not come back in step), and is never shorter than what
    the provider asked for.
    """
    backoff = min(LONGEST_WAIT, math.ldexp(base, retry)) * random.uniform(0.5, 1.0)
    return backoff if retry_after is None else max(retry_after, backoff)


def retry_after_seconds(headers: Mapping[str, str] | None, now: float | None = None) -> float | None:
    """Return what the headers ask to wait in seconds, ``None`` when they do not say.

    Understands ``retry-after-ms`` and ``retry-after`` in seconds or as an HTTP date. ``now`` is Unix seconds.
    """
    if not headers:
        return None
    folded = {str(name).lower(): str(value).strip() for name, value in headers.items()}
    milliseconds = _number(folded.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = folded.get("retry-after")
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
