"""The tools that every domain of v1 has: calculate, think, transfer_to_human_agents."""

from __future__ import annotations

from typing import Any

from actorcritic_cli.envs.tau.calculate import calculate
from actorcritic_cli.envs.tau.database import Tables
from actorcritic_cli.envs.tau.schemas import spec, string
from actorcritic_cli.envs.tau.tools import Outcome, Tool

TRANSFER = "transfer_to_human_agents"


def _calculate(tables: Tables, expression: Any) -> Outcome:
    return Outcome(calculate(expression))


def _think(tables: Tables, thought: Any) -> Outcome:
    return Outcome("")


def _transfer(tables: Tables, summary: Any) -> Outcome:
    return Outcome("Transfer successful")


CALCULATE = Tool(
    spec(
        "calculate",
        "Work out an arithmetic expression. The result is rounded to two decimals.",
        "none",
        expression=string(
            "Numbers, the operators + - * /, brackets and spaces; nothing else, such as '2 * (130 + 55)'."
        ),
    ),
    _calculate,
)
THINK = Tool(
    spec(
        "think",
        "Write down a line of thought. It looks nothing up and changes nothing; use it to reason over several steps.",
        "none",
        thought=string("The thought."),
    ),
    _think,
)
TRANSFER_TO_HUMAN_AGENTS = Tool(
    spec(
        TRANSFER,
        "Hand the customer over to a human agent, with a summary of what they want. Meant for a customer who asks for a "
        "human, or for a request that the tools and the policy leave no way to meet. It ends the conversation.",
        "none",
        summary=string("What the customer wants and what has been done so far."),
    ),
    _transfer,
    ends=True,
)
