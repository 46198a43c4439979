"""Ids of sessions and runs: short enough to type, random enough not to meet."""

from __future__ import annotations

import secrets

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that cannot be taken for one another."""


def new_session_id() -> str:
    """Return a fresh session id: 9 characters, 44 random bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(9))


def new_run_id() -> str:
    """Return a fresh run id: ``run-`` and 6 characters."""
    return "run-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))
