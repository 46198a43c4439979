"""What every domain of τ²-bench shares: how it words bad calls, calculate and the hand-over to a human."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli.envs.tau import common as v1
from actorcritic_cli.envs.tau.calculate import InvalidCharacters, calculate
from actorcritic_cli.envs.tau.database import Tables
from actorcritic_cli.envs.tau.schemas import Schema, spec, string
from actorcritic_cli.envs.tau.tools import Manner, Outcome, Refusal, Tool
from actorcritic_cli.types import Task, ToolSpec

TRANSFER = v1.TRANSFER


class Domain(Struct, frozen=True):
    """A domain of τ²-bench.

    ``kit`` is the name that Python's complaints about arguments begin with; ``records`` says of which type the records of
    each table are (see ``records``); ``tools`` stand in the order in which the model sees them; ``problems(tables, tasks)``
    lists what is wrong with a data set, one sentence each.
    """

    name: str
    kit: str
    records: dict[str, type]
    tools: tuple[Tool, ...]
    problems: Callable[[Tables, Sequence[Task]], list[str]]

    @property
    def environment(self) -> str:
        """The name under which the environment is asked for."""
        return f"tau2_{self.name}"

    @property
    def manner(self) -> Manner:
        """How the domain words calls that cannot be made."""
        return Manner(
            unknown=lambda name: f"Error: Tool '{name}' not found.",
            callee=lambda name: f"{self.kit}.{name}",
        )


def amended(tool: ToolSpec, **parameters: Schema) -> ToolSpec:
    """Return a tool's specification with the schemas of some parameters exchanged; the others keep their places."""
    properties = {**tool.parameters["properties"], **parameters}
    return msgspec.structs.replace(tool, parameters={**tool.parameters, "properties": properties})


def _calculate(tables: Tables, expression: Any) -> Outcome:
    try:
        return Outcome(calculate(expression))
    except InvalidCharacters:
        raise Refusal("Invalid characters in expression") from None


CALCULATE = Tool(v1.CALCULATE.spec, _calculate)
TRANSFER_TO_HUMAN_AGENTS = Tool(
    spec(
        TRANSFER,
        "Hand the customer over to a human agent, with a summary of what they want. Meant for a customer who asks for a "
        "human, or for a request that the tools and the policy leave no way to meet. The policy says what to tell the "
        "customer afterwards.",
        "none",
        summary=string("What the customer wants and what has been done so far."),
    ),
    v1.TRANSFER_TO_HUMAN_AGENTS.run,
)
