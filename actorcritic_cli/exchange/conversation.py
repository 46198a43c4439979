"""A conversation that another program recorded, as the events of an unsupervised session.

Such files hold messages in the OpenAI chat shape, in any order that a program may have made; what is asked of them here is
no more than the record needs: that tool results answer calls of the message before them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli.exchange.decoding import BadElement
from actorcritic_cli.session.events import Acted, Decided, Ended, Event, Failed, Observed, Proposed, Started
from actorcritic_cli.types import (
    Decision,
    Fault,
    Message,
    Proposal,
    Reward,
    Termination,
    ToolSpec,
    is_success,
)

_UNSUPERVISED = Decision("accept", "unsupervised")
ENDINGS: frozenset[str] = frozenset(Termination.__args__)  # type: ignore[attr-defined]  # the words of a Literal


class Outcome(Struct, frozen=True):
    """How a recorded conversation ended, as far as the file tells. ``reward`` is ``None`` where it has no score."""

    termination: Termination = "user_stop"
    reward: Reward | None = None
    message: str = ""


def session_events(
    started: Started, messages: Sequence[Message], outcome: Outcome, failed: frozenset[int] = frozenset()
) -> list[Event]:
    """Return the events of a session whose whole transcript is ``messages``; those before anyone spoke open it.

    ``failed`` are the places of results of calls that failed. Raises ``BadElement`` where a result answers no call.
    """
    opening = 0
    while opening < len(messages) and messages[opening].role == "system":
        opening += 1
    begin = msgspec.structs.replace(started, messages=tuple(messages[:opening]))
    return [begin, *_events(begin.at, messages, opening, outcome, failed)]


def _events(
    at: float, messages: Sequence[Message], place: int, outcome: Outcome, failed: frozenset[int]
) -> Iterator[Event]:
    step, before = 0, Message("system")
    while place < len(messages):
        message = messages[place]
        if message.role == "assistant":
            step, place, before = step + 1, place + 1, message
            yield Proposed(at, step, 0, Proposal(message))
            yield Decided(at, step, 0, _UNSUPERVISED)
            yield Acted(at, step, 0, message)
            continue
        seen = place
        while place < len(messages) and messages[place].role != "assistant":
            place += 1
        heard = _answers(messages[seen:place], before, seen)
        last = place == len(messages)
        ends = outcome.termination if last and outcome.termination in ("user_stop", "transfer") else None
        yield Observed(at, step, tuple(heard), error=any(n in failed for n in range(seen, place)), ends=ends)
    yield from _ended(at, step, outcome)


def _answers(messages: Sequence[Message], before: Message, seen: int) -> list[Message]:
    """Return what came back, the results in the order of their calls and with the names of these."""
    results = {m.tool_call_id or "": m for m in messages if m.role == "tool"}
    others = [m for m in messages if m.role != "tool"]
    names = {call.id: call.name for call in before.tool_calls}
    for place, message in enumerate(messages, start=seen + 1):
        if message.role == "tool" and (message.tool_call_id or "") not in names:
            raise BadElement(f"has a tool result without a call (message {place})")
    if results and (len(results) != len(names) or len(results) + len(others) != len(messages)):
        raise BadElement(f"does not answer each of the calls before message {seen + 1} once")
    named = [msgspec.structs.replace(results[call], name=name) for call, name in names.items() if call in results]
    return [*named, *others]


def _ended(at: float, step: int, outcome: Outcome) -> Iterator[Event]:
    if outcome.termination == "infrastructure_error":
        yield Failed(at, step, "actor", outcome.message, outcome.termination)
        yield Ended(at, outcome.termination, outcome.message, fault="infrastructure")
        return
    value = outcome.reward.value if outcome.reward else None
    fault: Fault | None = None
    if value is not None and not is_success(value):
        fault = "user" if outcome.termination == "user_error" else "actor"
    yield Ended(at, outcome.termination, outcome.message, outcome.reward, fault=fault)


def tools_from(functions: Sequence[dict[str, Any]], known: tuple[ToolSpec, ...]) -> tuple[ToolSpec, ...]:
    """Return tools given as OpenAI functions, each with the effect that the environment's tool of its name has.

    A tool that the environment does not know may do anything, so that it counts as one that writes.
    """
    effects = {tool.name: tool.effect for tool in known}
    found: list[ToolSpec] = []
    for function in functions:
        name, parameters = function.get("name"), function.get("parameters")
        if isinstance(name, str):
            parameters = parameters if isinstance(parameters, dict) else {}
            found.append(ToolSpec(name, str(function.get("description") or ""), parameters, effects.get(name, "write")))
    return tuple(found)


def text_of(content: Any) -> str | None:
    """Return a message's content as text: a text itself, or the texts among its parts."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else None
