"""The expert of the travel game: every search, every question, then every answer of the ground truth.

What failed because the search was out of order is done again. When the messages that are left are only just enough for the
answers, the questions that are left are not asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from random import Random
from typing import Any

from actorcritic_cli.actors.sim import slips
from actorcritic_cli.actors.sim.moves import Kind, Move, SlipKind
from actorcritic_cli.actors.sim.past import Past
from actorcritic_cli.types import ExpectedAction, Task

_KINDS: dict[str, Kind] = {"search": "look", "action": "ask", "answer": "write"}
_BUDGET = re.compile(r"You have (\d+) messages")
_AGAIN = ("later", "repeat it")
"""Words of a result that asks for the same again: the search was out of order, or nothing was decided."""
_RULES: dict[SlipKind, str] = {
    "breaks_rule": "rule 2",
    "wrong_argument": "search",
    "wrong_record": "rule 3",
    "early_transfer": "rule 4",
    "left_out": "rule 4",
}
_DAY = re.compile(r"\b(\d{1,2})(?=st\b|nd\b|rd\b|th\b)")


class TripExpert:
    """Knows one trip (see ``moves.Expert``)."""

    rates: Mapping[SlipKind, float] = slips.TRIP

    def __init__(self, task: Task):
        self.task = task

    def move(self, past: Past) -> Move:
        """Return the right move."""
        open_ = [action for action in self.task.actions if not _made(action, past)]
        if not open_:
            return Move("close", "Your trip is planned. Goodbye!")
        left = self._messages_left(past)
        answers = [action for action in open_ if action.arguments["choice"] == "answer"]
        chosen = open_[0] if left is None or left > len(answers) or not answers else answers[0]
        return Move(_KINDS[chosen.arguments["choice"]], tool=chosen.name, arguments=chosen.arguments)

    def slip(self, kind: SlipKind, move: Move, past: Past, draw: Random) -> Move | None:
        """Return the move spoilt by a slip, ``None`` where a slip of this kind cannot be."""
        match kind, move.kind:
            case "wrong_argument", "look":
                return _with_content(
                    move, _DAY.sub(lambda day: str(int(day[1]) % 28 + 1), move.arguments["content"], 1)
                )
            case "wrong_record", "write":
                return self._other_option(move, past, draw)
            case "breaks_rule", "ask":
                answer = next((a for a in self._answers() if not _made(a, past)), None)
                guess = Move("write", tool=answer.name, arguments=answer.arguments) if answer is not None else None
                return self._other_option(guess, past, draw) if guess is not None else None
            case "left_out", "ask":
                return _with_content(move, "Is there anything else that you prefer?")
            case "early_transfer", "look" | "ask" | "write":
                return Move("close", tool=move.tool, arguments=_call("finish", "[finish]", "that will do"))
        return None

    def rule(self, kind: SlipKind, past: Past) -> str:
        """Return which rule of the game a slip breaks."""
        return _RULES.get(kind, "")

    def _answers(self) -> list[ExpectedAction]:
        return [action for action in self.task.actions if action.arguments["choice"] == "answer"]

    def _messages_left(self, past: Past) -> int | None:
        budget = _BUDGET.search(past.policy)
        used = sum(1 for message in past.transcript if message.role == "assistant")
        return int(budget[1]) - used if budget is not None else None

    def _other_option(self, move: Move, past: Past, draw: Random) -> Move | None:
        """Return the answer with another option of the same aspect that a search has shown."""
        best = str(move.arguments["content"])
        shown = sorted({other for made in past.calls for other in _options(made.text) if other[0] == best[0]} - {best})
        return _with_content(move, draw.choice(shown)) if shown else None


def _made(action: ExpectedAction, past: Past) -> bool:
    """Whether an action has been done; an answer stands for every other to the same aspect, which is final."""
    wanted = action.arguments
    for made in past.calls:
        if made.name != action.name or (any(word in made.text for word in _AGAIN) and len(made.text) < 200):
            continue
        same = made.arguments.get("choice") == wanted["choice"]
        if same and wanted["choice"] == "answer" and str(made.arguments["content"])[:1] == wanted["content"][:1]:
            return True
        if same and made.arguments.get("content") == wanted["content"]:
            return True
    return False


def _options(listing: str) -> list[str]:
    """Return the ids that a search result lists."""
    found = []
    for line in listing.splitlines():
        if line.startswith("{"):
            try:
                found.append(str(json.loads(line)["id"]))
            except (ValueError, KeyError):
                continue
    return found


def _with_content(move: Move, content: str) -> Move | None:
    if content == move.arguments["content"]:
        return None
    return Move(move.kind, tool=move.tool, arguments={**move.arguments, "content": content})


def _call(choice: str, content: str, thought: str) -> dict[str, Any]:
    return {"thought": thought, "choice": choice, "content": content}
