"""What a user is: someone (a person, a script, a model) who wants something and answers the agent."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

from actorcritic_cli.types import ModelCall, Transcript

UserStrategy = Literal["llm", "react", "verify", "reflection"]
"""How a simulated user finds its words (see ``strategies``)."""


class UserTurn(Struct, frozen=True):
    """What the user said. ``leaves`` is true when the user ends the session without another word."""

    text: str
    leaves: bool = False
    call: ModelCall | None = None


class UserFailed(Exception):
    """The (simulated) user cannot answer. Carries the ``PartyError`` to show and the failed call to record."""

    def __init__(self, error: Exception, call: ModelCall | None = None):
        super().__init__(str(error))
        self.error = error
        self.call = call


class User(Protocol):
    """Who asks. A function of the public transcript: users see the agent's replies only, never calls or results."""

    @property
    def name(self) -> str:
        """The resolved name that goes into the record (``person``, ``script:FILE``, ``llm:openai/gpt-…``)."""
        ...

    def speak(self, transcript: Transcript) -> UserTurn:
        """Return the next thing the user says; called first with a transcript in which nobody has spoken.

        Raises ``UserFailed``.
        """
        ...
