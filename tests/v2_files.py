"""Result files of τ²-bench, made on the bundled shop: real tool results, invented conversations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.tau2.environment import GREETING

Json = dict[str, Any]
ORDER = "#W204117"
"""A pending order of the bundled shop."""
CANCEL = ("cancel_pending_order", {"order_id": ORDER, "reason": "no longer needed"})


def agent(text: str) -> Json:
    return {"role": "assistant", "content": text, "tool_calls": None, "cost": 0.25, "usage": usage(100, 10)}


def user(text: str) -> Json:
    return {"role": "user", "content": text, "tool_calls": None, "cost": 0.125, "usage": usage(50, 5)}


def usage(prompt: int, completion: int) -> Json:
    return {"prompt_tokens": prompt, "completion_tokens": completion}


def calls(*wanted: tuple[str, Json]) -> Json:
    made = [
        {"id": f"call_{n}", "name": name, "arguments": arguments, "requestor": "assistant"}
        for n, (name, arguments) in enumerate(wanted)
    ]
    raw = {"message": {"role": "assistant", "content": None, "annotations": []}}
    return {**agent(""), "content": None, "tool_calls": made, "raw_data": raw}


def conversation(*said: Json) -> list[Json]:
    """Return messages with the greeting before them, real results behind every call, and a time on each."""
    episode = registry.load("tau2_retail").open(None)
    messages: list[Json] = [{"role": "assistant", "content": GREETING, "tool_calls": None, "cost": 0.0, "usage": None}]
    for message in said:
        messages.append(message)
        for call in message.get("tool_calls") or ():
            result = episode.call(call["name"], call["arguments"])
            answer = {"role": "tool", "id": call["id"], "content": result.text, "requestor": "assistant"}
            messages.append({**answer, "error": result.error})
    return [
        {**message, "turn_idx": n, "timestamp": f"2025-08-01T16:00:{n:02}.500000"} for n, message in enumerate(messages)
    ]


def simulation(messages: list[Json], reward: float = 1.0, reason: str = "user_stop", **changed: Any) -> Json:
    """Return a simulation; a reward below 1 is one of the database."""
    return {
        "id": "x-1",
        "task_id": "7",
        "trial": 0,
        "seed": 5,
        "start_time": "2025-08-01T16:00:00",
        "end_time": "2025-08-01T16:01:00",
        "duration": 60.0,
        "termination_reason": reason,
        "agent_cost": 1.0,
        "user_cost": 0.5,
        "reward_info": {
            "reward": reward,
            "db_check": {"db_match": reward == 1.0, "db_reward": reward},
            "communicate_checks": [{"info": "96.2", "met": True, "justification": "said"}],
            "reward_breakdown": {"DB": reward, "COMMUNICATE": 1.0},
        },
        "messages": messages,
        "something_new": {"kept": False},
        **changed,
    }


def good(**changed: Any) -> Json:
    """A simulation in which two lookups stand in one message and the order is cancelled."""
    looks = (("find_user_id_by_email", {"email": "nobody"}), ("get_order_details", {"order_id": ORDER}))
    said = conversation(
        user("Please cancel my order."),
        calls(*looks),
        agent("Shall I?"),
        user("Yes."),
        calls(CANCEL),
        agent("Done: you get $96.20 back."),
        user("Thanks. ###STOP###"),
    )
    return {**simulation(said), **changed}


def results(*simulations: Json, domain: str = "retail", **changed: Any) -> Json:
    action = {"action_id": "7_0", "name": CANCEL[0], "arguments": CANCEL[1], "info": None}
    wants = {"domain": domain, "reason_for_call": "Cancel an order.", "known_info": "You are Agnes."}
    task = {
        "id": "7",
        "description": {"purpose": "A cancellation", "notes": None},
        "user_scenario": {"persona": None, "instructions": {**wants, "unknown_info": None, "task_instructions": "."}},
        "ticket": None,
        "initial_state": None,
        "evaluation_criteria": {
            "actions": [action],
            "communicate_info": ["96.2"],
            "nl_assertions": None,
            "reward_basis": ["DB", "COMMUNICATE"],
        },
    }
    return {
        "timestamp": "2025-08-01T16:00:00",
        "info": {
            "git_commit": "x",
            "agent_info": {
                "implementation": "llm_agent",
                "llm": "gpt-x",
                "llm_args": {"temperature": 0.0, "api_key": "k"},
            },
            "user_info": {"implementation": "user_simulator", "llm": "gpt-y", "llm_args": None},
            "environment_info": {"domain_name": domain, "policy": "Be kind.", "tool_defs": None},
        },
        "tasks": [task],
        "simulations": list(simulations),
        **changed,
    }


def write(folder: Path, value: Any) -> Path:
    path = folder / "results.json"
    path.write_text(json.dumps(value))
    return path
