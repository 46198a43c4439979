"""Ids of sessions and runs: short enough to type, random enough not to meet."""

from __future__ import annotations

import secrets

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that cannot be taken for one another."""


def new_session_id() -> str:
    """Return a fresh session id: 9 characters, 44 random bits; with a digit in it, so that it looks like no word."""
    while True:
        made = "".join(secrets.choice(_ALPHABET) for _ in range(9))
        if not made.isalpha():
            return made


def new_run_id() -> str:
    """Return a fresh run id: ``run-`` and 6 characters."""
    return "run-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))


def letters(digest: bytes, length: int) -> str:
    """Return an id of the same alphabet that follows from a hash: what is imported twice gets the same id twice.

    >>> letters(bytes(range(32)), 4)
    'abcd'
    """
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])
