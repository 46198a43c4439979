"""What an expert of a service desk (the τ-bench domains) must know of its domain, beside the task's ground truth."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from actorcritic_cli.actors.sim.moves import Move, SlipKind
from actorcritic_cli.actors.sim.past import Past
from actorcritic_cli.types import ExpectedAction, Task


class Question(Struct, frozen=True):
    """Something to ask before a write. ``known`` fits the words of a user who has said it already."""

    text: str
    known: str = ""

    def needed(self, past: Past) -> bool:
        """Whether it has been neither asked nor answered."""
        if past.told(self.text):
            return False
        return not self.known or re.search(self.known, past.words, re.IGNORECASE) is None


class Refusal(Struct, frozen=True):
    """A rule that forbids what customers ask for. ``asked`` fits the words of such a customer."""

    asked: str
    rule: str
    text: str


class Desk(Protocol):
    """A domain's knowledge."""

    rules: Mapping[SlipKind, str]
    """Which rule each kind of slip breaks."""

    topics: Mapping[str, str]
    """Writing tool → pattern of the words with which a customer asks for it."""

    def identify(self, task: Task, past: Past) -> Move | None:
        """Return what is to be done to know who is asking, ``None`` when it is done."""
        ...

    def look(self, task: Task, write: ExpectedAction | None, past: Past) -> Move | None:
        """Return the next record to look up for a write (``None``: for the request as such), if any is missing."""
        ...

    def questions(self, tools: Sequence[str], past: Past) -> Sequence[Question]:
        """Return what is to be asked before calls of these tools (none: before a request is declined)."""
        ...

    def headline(self, write: ExpectedAction) -> str:
        """Return a write in a few words that no other write of the task has: 'cancel reservation ABC123'."""
        ...

    def details(self, task: Task, write: ExpectedAction, past: Past) -> str:
        """Return what the customer must know ahead of a write: what changes, what it costs, how it is paid."""
        ...

    def done(self, name: str, arguments: dict[str, Any]) -> str:
        """Return a sentence that says that a call has been made."""
        ...

    def remark(self, task: Task, writes: Sequence[ExpectedAction], past: Past) -> str:
        """Return what part of the request cannot be met beside these writes, with the rule; empty if nothing is."""
        ...

    def refusal(self, task: Task, past: Past, request: str) -> Refusal | None:
        """Return the rule that stands against a request in these words, ``None`` if none is known to."""
        ...

    def forbidden(self, task: Task, past: Past) -> Move | None:
        """Return the call that would do what the rules forbid the customer, where a tool can do it."""
        ...

    def extra(self, task: Task, past: Past) -> Move | None:
        """Return a call that nobody asked for."""
        ...
