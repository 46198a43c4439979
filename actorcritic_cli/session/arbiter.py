"""Who has the last word when supervision escalates: a person, if there is one."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

from actorcritic_cli.session.state import State


class Ruling(Struct, frozen=True):
    """A person's word on a stopped action: let it pass, send it back with their own critique, stop it, or leave."""

    word: Literal["override", "revise", "stop"]
    text: str = ""
    by: Literal["person", "supervisor"] = "person"


class Arbiter(Protocol):
    """Asked when a decision is ``escalate`` to ``ask``."""

    def rule(self, state: State) -> Ruling:
        """Return the word on the last proposal of ``state.attempts``."""
        ...


class NobodyToAsk:
    """Without a terminal nothing prompts: what would be asked is stopped."""

    def rule(self, state: State) -> Ruling:
        """Stop, saying why."""
        return Ruling("stop", "a person was to be asked, but there is no terminal to ask at", by="supervisor")
