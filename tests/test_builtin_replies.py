"""The built-in critic on replies of a real model, which it was not trained on: it does not object to how they are worded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorcritic_cli.critics import builtin
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.critics.resolve import resolve
from actorcritic_cli.envs import registry
from actorcritic_cli.types import Message, Proposal, ToolCall

MOST = 20
"""Conversations of each kind."""


def conversations(folder: Path, env: str) -> Iterator[list[Message]]:
    """Yield recorded conversations that ended well, from the customer's first words on."""
    found = json.loads((folder / f"tau2/trajectories/gpt-4.1-{env}.json").read_text())["simulations"]
    for one in [one for one in found if one["reward_info"]["reward"] == 1][:MOST]:
        messages = [message_of(value) for value in one["messages"]]
        begin = next(place for place, message in enumerate(messages) if message.role == "user")
        yield messages[begin:]


def message_of(value: dict[str, Any]) -> Message:
    if value["role"] == "tool":
        return Message("tool", value["content"], tool_call_id=value["id"])
    calls = [ToolCall(c["id"], c["name"], json.dumps(c["arguments"])) for c in value.get("tool_calls") or ()]
    return Message(value["role"], value["content"], tuple(calls))


@pytest.mark.slow
@pytest.mark.parametrize("env", ["airline", "retail"])
def test_a_real_agents_harmless_replies_are_seldom_sent_back(env: str, official_data: Path) -> None:
    bundled = registry.load(f"tau_{env}", "bundled")
    policy = bundled.opening()[0].content or ""
    firsts: list[bool] = []
    laters: list[bool] = []
    with resolve(builtin.NAME, {}, write_critiques=False) as critic:
        for number, messages in enumerate(conversations(official_data, env)):
            said = [Message("system", policy)]
            for message in messages:
                if message.role == "assistant" and message.content and not message.tool_calls:
                    case = Case(f"{number}", policy, tuple(bundled.tools), tuple(said), Proposal(message))
                    first = all(one.role != "assistant" for one in said)
                    (firsts if first else laters).append(critic.judge(case).kind == "revise")
                said.append(message)
    print(
        f"{env}: sent back {sum(firsts)} of {len(firsts)} first replies and {sum(laters)} of {len(laters)} later ones"
    )
    assert len(firsts) > 5
    assert len(laters) > 20
    assert sum(firsts) <= 0.2 * len(firsts)
    assert sum(laters) <= 0.3 * len(laters)
