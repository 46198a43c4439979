"""A person at a terminal. Lines that begin with ``/`` are commands to the program, not words to the agent."""

from __future__ import annotations

from collections.abc import Callable

from actorcritic_cli.types import Transcript
from actorcritic_cli.users.protocol import UserTurn

ReadLine = Callable[[], str | None]
"""Prompts for and returns a line; ``None`` at the end of input."""

Command = Callable[[str], bool]
"""Carries out a line that begins with ``/``; returns true when the person leaves."""


class Person:
    """A user who types. Empty lines are ignored; the end of input (Ctrl-D) or ``/quit`` leaves."""

    name = "person"

    def __init__(self, read: ReadLine, command: Command):
        self._read = read
        self._command = command

    def speak(self, transcript: Transcript) -> UserTurn:
        """Read until the person has said something or leaves."""
        while True:
            line = self._read()
            if line is None:
                return UserTurn("", leaves=True)
            line = line.strip()
            if line.startswith("/"):
                if self._command(line):
                    return UserTurn("", leaves=True)
            elif line:
                return UserTurn(line)
