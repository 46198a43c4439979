"""How many examples a property is tried on: few while one works, all of them in CI's slow run."""

from __future__ import annotations

import os

THOROUGH = bool(os.environ.get("ACC_TEST_THOROUGH"))
"""Whether properties are tried on all examples: ``ACC_TEST_THOROUGH=1 pytest -m hypothesis``."""
_SHARE, _LEAST = 4, 5


def examples(number: int) -> int:
    """Return how many of a property's ``number`` examples are tried in this run."""
    return number if THOROUGH else min(number, max(_LEAST, number // _SHARE))
