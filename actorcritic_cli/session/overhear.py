"""The critic reads along while the actor still writes: when the proposal is whole, little of it is left to be read."""

from __future__ import annotations

from msgspec.structs import replace

from actorcritic_cli.critics.protocol import Reading, ReadsAhead
from actorcritic_cli.types import Message

STEP = 8
"""Characters that have to come in before the critic is told again: some two tokens. With more, more would be left to be
read when the proposal is whole; what comes in while the critic is still at a pass is read in the next one together."""


class Overhearing:
    """Tells a critic what has come in of one proposal; ``known`` is the conversation that it belongs to."""

    def __init__(self, critic: ReadsAhead, known: Reading):
        self._critic = critic
        self._known = known
        self._told = 0

    def hear(self, draft: Message) -> None:
        """Take in as much of the proposal as there is. Raises nothing."""
        length = len(draft.content or "") + sum(len(call.name) + len(call.arguments) for call in draft.tool_calls)
        if length < self._told:
            self._told = 0  # the call broke off, and another one begins
        if length - self._told >= STEP:
            self._told = length
            self._critic.prefill(replace(self._known, draft=draft))
