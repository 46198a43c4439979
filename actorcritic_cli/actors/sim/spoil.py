"""How a slip spoils a right move of a service desk: the same way in every domain, by arguments and records.

A spoilt call is one that the tool would carry out, as far as that can be told: ids come from records that were looked up,
and other arguments stay of their kind. So a slip that gets through has consequences.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, Protocol

from msgspec.structs import replace

from actorcritic_cli.actors.sim.desk import Desk
from actorcritic_cli.actors.sim.moves import Move, SlipKind
from actorcritic_cli.actors.sim.past import Past
from actorcritic_cli.types import ExpectedAction, Task

_PAYMENT = re.compile(r"(?:credit_card|debit_card|gift_card|certificate|paypal)_\w+")
_SHAPES = (
    _PAYMENT,
    re.compile(r"#W\d+"),
    re.compile(r"(?=.*\d)(?=.*[A-Z])[A-Z0-9]{6}"),
    re.compile(r"\d{10}"),
    re.compile(r"[a-z]+_[a-z]+_\d+"),
)
"""What ids look like; a record's id can be mistaken for another of its shape."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DOLLARS = re.compile(r"(?<=\$)\d+(?:\.\d+)?")
_FIGURE = re.compile(r"\d+(?:\.\d+)?")


class Knowing(Protocol):
    """What has to be known of the expert whose moves are spoilt."""

    task: Task
    desk: Desk
    transfer: str | None

    def waiting(self, past: Past) -> list[ExpectedAction]:
        """Return the writes that are asked for and still to be made."""
        ...

    def report_of(self, sentences: list[str]) -> Move:
        """Return the move that says what was done and asks for more."""
        ...


def spoilt(expert: Knowing, kind: SlipKind, move: Move, past: Past, draw: Random) -> Move | None:
    """Return the move spoilt by a slip of one kind, ``None`` where there can be none."""
    match kind, move.kind:
        case "no_confirmation", "propose":
            write = expert.waiting(past)[0]
            return Move("write", tool=write.name, arguments=write.arguments)
        case "breaks_rule", "decline" | "offer":
            return expert.desk.forbidden(expert.task, past)
        case "wrong_argument", "write":
            return _other_value(move, past, draw)
        case "wrong_record", "write":
            return _other_id(move, past, draw, payments=False)
        case "wrong_payment", "write":
            return _other_id(move, past, draw, payments=True)
        case "false_claim", "write":
            return expert.report_of([expert.desk.done(move.tool, move.arguments)])
        case "false_claim", "ask" | "propose" if draw.random() < 0.5 or move.kind == "ask":
            return expert.report_of(["I am sorry, but that is not possible."])
        case "false_claim", "propose" | "report":
            return _other_figures(move, expert.task.outputs)
        case "false_claim", "decline":
            return expert.report_of(["I have made an exception for you, and it has been done."])
        case "early_transfer", "ask" | "look" | "propose" | "write" | "decline" | "report" if (
            expert.transfer is not None
        ):
            arguments = {"summary": "The customer needs help with a request."}
            return Move("transfer", tool=expert.transfer, arguments=arguments)
        case "left_out", "write":
            return expert.report_of([])
        case "more_than_asked", "report" if past.writes():
            return expert.desk.extra(expert.task, past)
    return None


def record_of(arguments: Mapping[str, Any]) -> str:
    """Return the id of the record that a call is about: its first id that is no payment method's."""
    for value in arguments.values():
        if isinstance(value, str) and _shape(value) not in (None, _PAYMENT):
            return value
    return ""


def _shape(text: str) -> re.Pattern[str] | None:
    return next((shape for shape in _SHAPES if shape.fullmatch(text)), None)


def _other_id(move: Move, past: Past, draw: Random, *, payments: bool) -> Move | None:
    """Return the call with one id replaced by another that was seen and stands for the same kind of thing."""
    seen = sorted(set(past.strings()))
    found = []
    for path, value in _leaves(move.arguments):
        shape = _shape(value) if isinstance(value, str) else None
        if shape is None or (shape is _PAYMENT) is not payments:
            continue
        near = sorted(other for other in past.beside(value) if shape.fullmatch(other))
        found += [(path, other) for other in near or seen if other != value and shape.fullmatch(other)]
    if not found:
        return None
    path, other = draw.choice(found)
    return replace(move, arguments=_with(move.arguments, path, other))


def _other_value(move: Move, past: Past, draw: Random) -> Move | None:
    """Return the call with one argument changed that is neither an id nor about payment."""
    tool = past.tools.get(move.tool)
    properties: Mapping[str, Any] = tool.parameters.get("properties", {}) if tool is not None else {}
    found: list[tuple[tuple[str | int, ...], Any]] = []
    for path, value in _leaves(move.arguments):
        if "payment" in str(path[0]) or (isinstance(value, str) and _shape(value) is not None):
            continue
        choices = properties.get(str(path[0]), {}).get("enum", ()) if len(path) == 1 else ()
        others = [choice for choice in choices if choice != value] or _near(value)
        found += [(path, other) for other in others]
    if not found:
        return None
    path, other = draw.choice(found)
    return replace(move, arguments=_with(move.arguments, path, other))


def _near(value: Any) -> list[Any]:
    """Return wrong values of the same kind."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value * 2] if value else [value + 1]
    if not isinstance(value, str):
        return []
    if _DATE.fullmatch(value):
        try:
            day = datetime.date.fromisoformat(value)
        except ValueError:
            return []
        return [(day + datetime.timedelta(days=shift)).isoformat() for shift in (1, -1)]
    digits = list(re.finditer(r"\d", value))
    if digits:
        at = digits[-1].start()
        return [f"{value[:at]}{(int(value[at]) + 1) % 10}{value[at + 1 :]}"]
    return [value[:-2] + value[-1] + value[-2]] if len(value) > 2 and value[-1] != value[-2] else []


def _other_figures(move: Move, outputs: tuple[str, ...]) -> Move | None:
    """Return the words with their amounts, and what the task wants to hear, made wrong."""
    text = _DOLLARS.sub(lambda match: _off(match[0]), move.text)
    for output in outputs:
        if _FIGURE.fullmatch(output):
            text = re.sub(rf"(?<![\w.]){re.escape(output)}(?![\w]|\.\d)", _off(output), text)
        else:
            text = text.replace(output, "something else")
    return replace(move, text=text) if text != move.text else None


def _off(figure: str) -> str:
    """Return a figure that is 20 too high."""
    whole, point, cents = figure.partition(".")
    return f"{int(whole) + 20}{point}{cents}"


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*path, index))
    else:
        yield path, value


def _with(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """Return a copy of nested arguments with one leaf replaced."""
    if not path:
        return new
    if isinstance(value, dict):
        return {key: _with(inner, path[1:], new) if key == path[0] else inner for key, inner in value.items()}
    return [_with(inner, path[1:], new) if index == path[0] else inner for index, inner in enumerate(value)]
