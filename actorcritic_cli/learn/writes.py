"""The calls of a session that changed something, and whether its task says which ones were right."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any

from msgspec import Struct

from actorcritic_cli.session.events import Acted, Ended, Event, Observed, Started
from actorcritic_cli.types import Effect, Fault, Task, is_success

OF_A_SEGMENT = ("price", "origin", "destination")
"""What of a flight segment follows from its number and date, and may be given or left out."""


class Write(Struct, frozen=True):
    """A call of a tool that writes, as it was carried out. ``place`` counts the calls of its message from 0; ``failed``
    ones changed nothing."""

    step: int
    attempt: int
    place: int
    tool: str
    arguments: dict[str, Any]
    failed: bool


class Held(Struct, frozen=True):
    """What labels are inferred from: a session, its task, its writes and its score."""

    session: str
    env: str
    dataset: str
    task: Task | None
    expected: frozenset[tuple[str, Hashable]]
    """The writes that the task expects, by tool and normalised arguments."""
    writes: tuple[Write, ...]
    reward: float | None
    fault: Fault | None
    """Whose failure it is, of a session that failed."""
    unsuitable: str | None
    """Why nothing can be inferred from the task; ``None`` where it can."""

    @property
    def passed(self) -> bool | None:
        """Whether it has the whole reward; ``None`` where it is not scored."""
        return None if self.reward is None else is_success(self.reward)

    def identity(self, tool: str, arguments: dict[str, Any]) -> tuple[str, Hashable]:
        """Return what makes two calls of this session's environment the same."""
        return tool, normalised(arguments, parse_texts=self.env.startswith("tau2_"))


def held(events: Iterable[Event]) -> Held:
    """Gather what labels are inferred from. Raises ``ValueError`` when the events do not begin with ``Started``."""
    stream = iter(events)
    started = next(stream, None)
    if not isinstance(started, Started):
        raise ValueError("a session's events begin with started")
    effects: dict[str, Effect] = {tool.name: tool.effect for tool in started.tools}
    writes: list[Write] = []
    acted: Acted | None = None
    ended: Ended | None = None
    for event in stream:
        match event:
            case Acted():
                acted = event
            case Observed() if acted is not None and acted.step == event.step:
                writes += _writes(acted, event, effects)
            case Ended():
                ended = event
            case _:
                pass
    task, env = started.task, started.spec.env
    parse = env.startswith("tau2_")
    expected = frozenset(
        (action.name, normalised(action.arguments, parse_texts=parse))
        for action in (task.actions if task is not None else ())
        if effects.get(action.name) == "write"
    )
    reward = ended.reward.value if ended is not None and ended.reward is not None else None
    return Held(
        started.session,
        env,
        started.spec.dataset,
        task,
        expected,
        tuple(writes),
        reward,
        ended.fault if ended is not None else None,
        _unsuitable(started, ended),
    )


def normalised(value: Any, *, parse_texts: bool = False) -> Hashable:
    """Return a JSON value without what does not count when two calls are compared.

    The order of keys and of arrays does not count; numbers are compared as floats; texts stripped and in lower case; of a
    flight segment (an object with ``flight_number``) price, origin and destination are left out. With ``parse_texts`` a
    text that is a JSON array or object stands for it (τ²-bench's models send such texts). A known weakness of it: arrays
    that belong together pair by pair (item_ids, new_item_ids) lose their pairing.

    >>> normalised({"n": 250, "of": [" A", "b"]}) == normalised({"of": ["B", "a"], "n": 250.0})
    True
    """
    match value:
        case None | bool():
            return ("constant", value)
        case int() | float():
            try:
                return ("number", float(value))
            except OverflowError:
                return ("number", value)
        case str():
            parsed = _parsed(value) if parse_texts else None
            return ("text", value.strip().lower()) if parsed is None else normalised(parsed, parse_texts=True)
        case list() | tuple():
            counted = Counter(normalised(item, parse_texts=parse_texts) for item in value)
            return ("array", frozenset(counted.items()))
        case dict():
            left_out = OF_A_SEGMENT if "flight_number" in value else ()
            items = ((k, normalised(v, parse_texts=parse_texts)) for k, v in value.items() if k not in left_out)
            return ("object", frozenset(items))
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON value")


def _parsed(text: str) -> Any:
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _writes(acted: Acted, observed: Observed, effects: dict[str, Effect]) -> Iterable[Write]:
    """Yield the writes of a message. Of several results the text says which one failed."""
    calls, results = acted.message.tool_calls, observed.messages
    for place, (call, result) in enumerate(zip(calls, results, strict=False)):
        if effects.get(call.name) != "write":
            continue
        failed = observed.error and (len(calls) == 1 or (result.content or "").startswith("Error"))
        try:
            arguments = call.parsed()
        except (ValueError, RecursionError):
            continue
        yield Write(acted.step, acted.attempt, place, call.name, arguments, failed)


def _unsuitable(started: Started, ended: Ended | None) -> str | None:
    """Return why a session's task does not say which writes are right.

    It does where the score compares the final state with the one that the task's actions lead to: always in τ-bench v1; in
    τ²-bench unless the task leaves the state open; with tools of one's own when the states are compared (no ``score`` of
    one's own). A trip of ``travel`` can be planned well in many ways: its actions are one of them.
    """
    env, task = started.spec.env, started.task
    if started.spec.task_id is None:
        return "free conversation"
    if task is None:
        return "the task is not on record"
    if env.startswith("tau_"):
        return None
    if env.startswith("tau2_"):
        return "the task leaves the final state open" if task.extra.get("any_state") else None
    if ended is not None and ended.reward is not None and "r_actions" in ended.reward.info:
        return None
    return "the score does not compare the final state with that of expected calls"
