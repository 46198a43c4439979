"""Result files of τ-bench v1, made with the real tools of the bundled airline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from actorcritic_cli.envs import registry
from actorcritic_cli.types import Message

STOP = {"role": "user", "content": "###STOP###"}


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def agent(text: str) -> dict[str, Any]:
    return {"content": text, "role": "assistant"}


def call(name: str, arguments: dict[str, Any], beside: str | None = None, call_id: str = "call_1") -> dict[str, Any]:
    made = {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return {"content": beside, "role": "assistant", "tool_calls": [made]}


def result(text: str, name: str = "think", call_id: str = "call_1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "name": name, "content": text}


def a_run(
    *said: dict[str, Any], task_id: int | str = "cancel-01", trial: int = 0, ends: str = "user_stop"
) -> dict[str, Any]:
    """A run of a bundled task as v1 writes it; calls without a result get the one that the tools give."""
    environment = registry.load("tau_airline")
    task = next(t for t in environment.tasks() if t.id == str(task_id))
    episode = environment.open(task)
    traj: list[dict[str, Any]] = [{"role": "system", "content": environment.policy}]
    for message in said:
        traj.append(message)
        for made in message.get("tool_calls", ()):
            function = made["function"]
            text = episode.call(function["name"], json.loads(function["arguments"])).text
            traj.append(result(text, function["name"], made["id"]))
    reward = episode.score(tuple(Message(m["role"], m["content"]) for m in traj), ends)  # type: ignore[arg-type]
    assert reward is not None
    actions = [{"name": a.name, "kwargs": a.arguments} for a in task.actions]
    info = {
        "task": {"user_id": "u", "actions": actions, "instruction": task.instruction, "outputs": list(task.outputs)},
        "source": traj[-1].get("name", "user"),
        "user_cost": 0.001,
        "reward_info": None
        if ends == "max_turns"
        else {
            "reward": reward.value,
            "info": {"r_actions": reward.info["r_actions"], "gt_data_hash": reward.info["gt_data_hash"]},
            "actions": actions,
        },
    }
    return {"task_id": task_id, "reward": reward.value, "info": info, "traj": traj, "trial": trial}


def a_good_run(trial: int = 0) -> dict[str, Any]:
    """A run that does exactly what its task wants."""
    environment = registry.load("tau_airline")
    task = next(t for t in environment.tasks() if t.id == "cancel-01")
    calls = [call(a.name, a.arguments, call_id=f"call_{n}") for n, a in enumerate(task.actions)]
    outputs = agent("Done. " + " ".join(task.outputs))
    return a_run(user("Please cancel it."), agent("Sure?"), user("Yes."), *calls, outputs, STOP, trial=trial)


def a_bad_run(trial: int = 1) -> dict[str, Any]:
    """A run in which nothing is done: text beside a call, a failing call, and the user gives up."""
    return a_run(
        user("Hi"),
        call("get_user_details", {"user_id": "nobody"}, beside="Let me look."),
        agent("I cannot find you."),
        STOP,
        trial=trial,
    )


def a_transfer(trial: int = 2) -> dict[str, Any]:
    return a_run(user("Hi"), call("transfer_to_human_agents", {"summary": "no"}), trial=trial, ends="transfer")


def a_cut_off_run(trial: int = 3) -> dict[str, Any]:
    return a_run(user("Hi"), call("think", {"thought": "hm"}), trial=trial, ends="max_turns")


def a_crash(trial: int = 4, task_id: str = "cancel-01") -> dict[str, Any]:
    info = {"error": "Connection reset", "traceback": "Traceback …"}
    return {"task_id": task_id, "reward": 0.0, "info": info, "traj": [], "trial": trial}


def four_runs() -> list[dict[str, Any]]:
    return [a_good_run(), a_bad_run(), a_transfer(), a_cut_off_run()]


def write(folder: Path, runs: list[Any], name: str = "gpt-4o-airline.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(runs))
    return path
