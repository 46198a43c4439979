"""What a critique says where nobody wrote one: from a slip or a label, and the right action if that is known.

A critic writes its critique in a grammar without double quotes, backslashes and control characters, in three texts of
bounded length (``critics.critique``). Targets for training are put into the same form here.
"""

from __future__ import annotations

from typing import Any

from actorcritic_cli.critics.critique import MAX_CHARACTERS
from actorcritic_cli.critics.prompt import say
from actorcritic_cli.hashing import canonical_json
from actorcritic_cli.replay.difference import message_changes
from actorcritic_cli.text import one_line
from actorcritic_cli.types import Message

SLIPS: dict[str, str] = {
    "no_confirmation": "It acts before the customer has said yes to what will be done.",
    "breaks_rule": "It does what a rule forbids.",
    "wrong_argument": "An argument is not what was agreed on.",
    "wrong_record": "It takes another record than the one that is meant.",
    "wrong_payment": "It uses another payment method than the one agreed on.",
    "false_claim": "It says what is not so.",
    "early_transfer": "It hands over though the agent can go on itself.",
    "left_out": "It leaves out something that is still to be done.",
    "more_than_asked": "It does something that nobody asked for.",
}
"""Slip of a simulated actor (``actors.sim.slips``) → what is wrong about it."""
_UNREAD = ("thought",)
"""Arguments that have no effect."""


def said(source: str, slip: str, why: str) -> str:
    """Return what a label says is wrong, in words that a critic can use, which knows neither tasks nor outcomes.

    A person's words are taken as they are; what was inferred from how sessions ended says nothing in words.

    >>> said("ground_truth", "", "the task expects no write at all")
    'Nothing is to be changed in this case.'
    """
    match source:
        case "oracle":
            return SLIPS.get(slip, "")
        case "human":
            return why
        case "ground_truth" if why.endswith("no write at all"):
            return "Nothing is to be changed in this case."
        case "ground_truth" if why.endswith("with other arguments"):
            return "An argument is not what this case calls for."
        case "ground_truth":
            return "This call is not what this case calls for."
        case _:
            return ""


def wrong_text(words: str, proposal: Message, better: Message | None) -> str:
    """Return what is wrong: what is said of it, and the first argument that should differ."""
    changed = _first_difference(proposal, better) if better is not None else ""
    return as_written(" ".join(part for part in (words, changed) if part))


def right_text(better: Message | None) -> str:
    """Return what would be right: the better action, as the critic reads actions; empty where it is not known."""
    if better is None:
        return ""
    return as_written(say(better) if better.tool_calls else f"Say: {better.content or ''}")


def as_written(text: str) -> str:
    """Return a text as the grammar of critiques allows it: one line, no quotes but single ones, at most 160 characters.

    >>> as_written('He said "no".\\nTwice \\\\ thrice.')
    "He said 'no'. Twice / thrice."
    """
    flat = text.replace('"', "'").replace("\\", "/")
    return one_line(flat, MAX_CHARACTERS)


def _first_difference(proposal: Message, better: Message) -> str:
    calls, _ = message_changes(proposal, better)
    for call in calls:
        for change in call.arguments:
            name = change.path.removeprefix("$.")
            if name in _UNREAD:
                continue
            match change.kind:
                case "changed":
                    return f"{name} is {_value(change.left)}, not {_value(change.right)}."
                case "removed":
                    return f"{name} should not be given."
                case "added":
                    return f"{name} is missing: {_value(change.right)}."
    return ""


def _value(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)
