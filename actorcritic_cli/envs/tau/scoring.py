"""The reward of τ-bench v1: the database as it should be, and everything said that had to be said.

The database a perfect agent leaves is computed, not stored: the task's actions run through the same tools on a fresh state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from actorcritic_cli.envs.tau.common import TRANSFER
from actorcritic_cli.envs.tau.database import Database, State
from actorcritic_cli.envs.tau.tools import Tool, call
from actorcritic_cli.types import Reward, Task, Transcript

RESPOND = "respond"
"""The name of an expected action that is a reply, not a call."""


def target_hash(database: Database, tools: Mapping[str, Tool], task: Task) -> str:
    """Return the hash of the database after the task's actions; expected calls that fail change nothing."""
    state = State(database)
    for action in task.actions:
        if action.name not in (TRANSFER, RESPOND):
            call(tools, state, action.name, action.arguments)
    return state.hash()


def replies(transcript: Transcript) -> list[str]:
    """Return what the user was told: assistant texts, but not those beside a call, which nobody hears."""
    return [
        message.content
        for message in transcript
        if message.role == "assistant" and message.content is not None and not message.tool_calls
    ]


def said(output: str, texts: Iterable[str]) -> bool:
    """Return whether a required output occurs in one of the texts, case and the texts' commas aside."""
    return any(output.lower() in text.lower().replace(",", "") for text in texts)


def reward(task: Task, state_hash: str, target: str, transcript: Transcript) -> Reward:
    """Return 1.0 if every check that applies holds, else 0.0, with the account of the checks.

    ``info`` has r_actions (1.0 or 0.0), data_hash and gt_data_hash (the hashes of the state reached and of the target)
    and, for a task with outputs, r_outputs and outputs (which of them were said).
    """
    info: dict[str, Any] = {
        "r_actions": float(state_hash == target),
        "gt_data_hash": target,
        "data_hash": state_hash,
    }
    good = state_hash == target
    if task.outputs:
        texts = replies(transcript)
        found = {output: said(output, texts) for output in task.outputs}
        good = good and all(found.values())
        info |= {"r_outputs": float(all(found.values())), "outputs": found}
    return Reward(float(good), info)
