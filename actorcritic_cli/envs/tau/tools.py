"""How a tool is called and how it answers.

A tool is a function of the present records and its arguments. It changes nothing itself: it returns its value and the
records to be put in, or raises. So whatever goes wrong, the state is as it was. The agent's arguments reach the tool
unchecked (the schema only informs the model), and whatever Python says of them is the result's text, as in the original.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from actorcritic_cli.envs.tau.database import Changes, State, clone
from actorcritic_cli.types import ToolResult, ToolSpec


class Refusal(Exception):
    """A tool's precondition does not hold; the text follows ``Error: ``."""


class Outcome(Struct, frozen=True):
    """What a tool did: ``value`` goes to the agent (a text bare, anything else as JSON), ``changes`` into the state.

    ``breaks`` marks the one case in which the original returns nothing at all, so that its episode cannot go on.
    """

    value: Any
    changes: Changes = {}
    breaks: bool = False


class Tool(Struct, frozen=True):
    """A tool: what the model is told of it, and the function ``run(tables, **arguments) -> Outcome``."""

    spec: ToolSpec
    run: Callable[..., Outcome]
    ends: bool = False
    """Whether a call, even a failing one, ends the episode."""


class Manner(Struct, frozen=True):
    """How a version of the benchmark words what goes wrong before a tool runs.

    ``unknown`` makes the answer to a call of a tool that is not there, ``callee`` the name with which Python's complaints
    about arguments begin; both of the tool's name.
    """

    unknown: Callable[[str], str]
    callee: Callable[[str], str]


V1 = Manner(
    unknown=lambda name: f"Unknown action {name}",
    callee=lambda name: f"{''.join(word.capitalize() for word in name.split('_'))}.invoke",
)


class Called(Struct, frozen=True):
    """A finished call: the result for the agent, and whether the episode is broken by it."""

    result: ToolResult
    broken: bool = False


def call(tools: Mapping[str, Tool], state: State, name: str, arguments: dict[str, Any], manner: Manner = V1) -> Called:
    """Run one tool on the state. Never raises for what an agent can send."""
    tool = tools.get(name)
    if tool is None:
        return Called(ToolResult(manner.unknown(name), error=True))
    broken = False
    try:
        _check_names(tool, arguments, manner.callee(name))
        outcome = tool.run(state.tables, **clone(arguments))
        text = outcome.value if isinstance(outcome.value, str) else json.dumps(outcome.value)
        state.put(outcome.changes)
        broken = outcome.breaks
    except Exception as error:
        # Arguments are whatever JSON the model wrote; any complaint of Python's is an answer to the agent.
        text = f"Error: {error}"
    return Called(ToolResult(text, error=broken or text.startswith("Error: "), ends=broken or tool.ends), broken)


def _check_names(tool: Tool, arguments: Mapping[str, Any], callee: str) -> None:
    """Raise the ``TypeError`` Python raises for a call whose argument names do not fit."""
    names: Sequence[str] = tool.spec.parameters["required"]
    for given in arguments:
        if given not in names:
            raise TypeError(f"{callee}() got an unexpected keyword argument '{given}'")
    missing = [repr(name) for name in names if name not in arguments]
    if not missing:
        return
    listed = missing[-1]
    if len(missing) == 2:
        listed = " and ".join(missing)
    elif len(missing) > 2:
        listed = f"{', '.join(missing[:-1])}, and {missing[-1]}"
    noun = "argument" if len(missing) == 1 else "arguments"
    raise TypeError(f"{callee}() missing {len(missing)} required positional {noun}: {listed}")
