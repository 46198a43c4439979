"""Errors a user can act on.

Every error that leaves a command is one sentence that says what is wrong and what to do. Code raises ``AccError`` (or
one of its kinds) with that sentence; ``cli`` prints it and exits with its code. Anything else is a bug and is shown as
one, with the traceback under ``ACC_DEBUG=1``.
"""

from __future__ import annotations

from typing import Literal

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_GATE_FAILED = 100
EXIT_INTERRUPTED = 130


class AccError(Exception):
    """Something went wrong that the user can mend; the message is one sentence with the remedy in it."""

    exit_code = EXIT_ERROR


class UsageError(AccError):
    """The command line asks for something that cannot be meant."""

    exit_code = EXIT_USAGE


class NotFound(AccError):
    """A named thing (session, run, file, environment, task) does not exist."""

    exit_code = EXIT_NOT_FOUND


class GateFailed(AccError):
    """A measured value is below what ``--fail-under`` demands."""

    exit_code = EXIT_GATE_FAILED


class PartyError(AccError):
    """A party (actor or user) could not do its part; the session ends with a stated reason and stays in the record.

    ``kind`` says what happened; ``infrastructure`` is true when the agent is not to blame (network, provider, quota).
    """

    def __init__(
        self, message: str, *, kind: Literal["network", "provider", "auth", "protocol", "endless", "exhausted"]
    ):
        super().__init__(message)
        self.kind = kind

    @property
    def infrastructure(self) -> bool:
        """True when the failure says nothing about the agent's conduct."""
        return self.kind in ("network", "provider", "auth", "exhausted")
