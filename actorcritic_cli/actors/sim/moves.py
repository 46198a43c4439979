"""What a simulated actor may do next, and what an expert of some kind of environment is.

An expert makes the right move for what has happened so far; it can also say how each kind of slip would spoil that move. Who
slips, when, and what is recorded of it is the same for all environments (``hasty``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any, Literal, Protocol

from msgspec import Struct

from actorcritic_cli.actors.sim.past import Past
from actorcritic_cli.types import Message, ToolCall

Kind = Literal[
    "ask",  # a question for what is needed
    "look",  # a call that reads
    "propose",  # what will be done, and the question for a yes
    "write",  # a call that changes something
    "report",  # what has been done, or what was found out
    "decline",  # no, and which rule says so
    "offer",  # the offer to hand over to a human
    "transfer",
    "close",  # good-bye
]

SlipKind = Literal[
    "no_confirmation",
    "breaks_rule",
    "wrong_argument",
    "wrong_record",
    "wrong_payment",
    "false_claim",
    "early_transfer",
    "left_out",
    "more_than_asked",
]


class Move(Struct, frozen=True):
    """One thing to do: words, or a call (then ``text`` is empty)."""

    kind: Kind
    text: str = ""
    tool: str = ""
    arguments: dict[str, Any] = {}

    def message(self, call_id: str) -> Message:
        """Return the move as the message that an actor proposes."""
        if not self.tool:
            return Message("assistant", self.text)
        return Message("assistant", None, (ToolCall(call_id, self.tool, json.dumps(self.arguments)),))


class Expert(Protocol):
    """Who knows one task. Keeps no state: everything is a function of what has happened."""

    @property
    def rates(self) -> Mapping[SlipKind, float]:
        """How often each slip happens where it can (see ``slips``)."""
        ...

    def move(self, past: Past) -> Move:
        """Return the right move."""
        ...

    def slip(self, kind: SlipKind, move: Move, past: Past, draw: Random) -> Move | None:
        """Return the move spoilt by a slip, ``None`` where a slip of this kind cannot be."""
        ...

    def rule(self, kind: SlipKind, past: Past) -> str:
        """Return the rule of the policy that a slip breaks (its number), empty where it has none."""
        ...
