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
    ToolCall,
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
    step, count = 0, len(messages)
    calls: tuple[ToolCall, ...] = ()
    while place < count:
        message = messages[place]
        if message.role == "assistant":
            step, place, calls = step + 1, place + 1, message.tool_calls
            yield Proposed(at, step, 0, Proposal(message))
            yield Decided(at, step, 0, _UNSUPERVISED)
            yield Acted(at, step, 0, message)
            continue
        seen, place = place, place + 1
        while place < count and messages[place].role != "assistant":
            place += 1
        heard = _answers(messages[seen:place], calls, seen)
        ends = outcome.termination if place == count and outcome.termination in ("user_stop", "transfer") else None
        error = bool(failed) and not failed.isdisjoint(range(seen, place))
        yield Observed(at, step, heard, error, ends=ends)
    yield from _ended(at, step, outcome)


def _answers(messages: Sequence[Message], calls: Sequence[ToolCall], seen: int) -> tuple[Message, ...]:
    """Return what came back, the results in the order of their calls and with the names of these."""
    if len(messages) == 1 and messages[0].role != "tool":
        return (messages[0],)
    if len(messages) == len(calls) == 1 and messages[0].tool_call_id == calls[0].id:
        return (_named(messages[0], calls[0].name),)
    results = {m.tool_call_id or "": m for m in messages if m.role == "tool"}
    others = [m for m in messages if m.role != "tool"]
    names = {call.id: call.name for call in calls}
    for place, message in enumerate(messages, start=seen + 1):
        if message.role == "tool" and (message.tool_call_id or "") not in names:
            raise BadElement(f"has a tool result without a call (message {place})")
    if results and (len(results) != len(names) or len(results) + len(others) != len(messages)):
        raise BadElement(f"does not answer each of the calls before message {seen + 1} once")
    return (*(_named(results[call], name) for call, name in names.items() if call in results), *others)


def _named(result: Message, name: str) -> Message:
    return Message(result.role, result.content, result.tool_calls, result.tool_call_id, name, result.raw)


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


class Tools:
    """Tools given as OpenAI functions, which a file repeats with every session: the same ones are the same value."""

    def __init__(self, known: tuple[ToolSpec, ...]):
        self._effects = {tool.name: tool.effect for tool in known}
        self._functions = b""
        self._tools: tuple[ToolSpec, ...] = ()

    def of(self, functions: list[Any]) -> tuple[ToolSpec, ...]:
        """Return the tools of functions, each with the effect that the environment's tool of its name has.

        A tool that the environment does not know may do anything, so that it counts as one that writes.
        """
        text = msgspec.json.encode(functions)
        if text != self._functions:
            self._functions, self._tools = text, tuple(self._made(functions))
        return self._tools

    def _made(self, functions: list[Any]) -> Iterator[ToolSpec]:
        for function in functions:
            if isinstance(function, dict) and isinstance(name := function.get("name"), str):
                given = function.get("parameters")
                parameters = given if isinstance(given, dict) else {}
                text = str(function.get("description") or "")
                yield ToolSpec(name, text, parameters, self._effects.get(name, "write"))


def text_of(content: Any) -> str | None:
    """Return a message's content as text: a text itself, or the texts among its parts."""
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else None
