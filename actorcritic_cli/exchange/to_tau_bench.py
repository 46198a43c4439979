"""Sessions as a result file of τ-bench v1: a JSON array of runs.

Only what was accepted is in it: a supervised session looks like one whose agent got it right at once. A session that a
failure of the infrastructure ended becomes a crashed run, as the benchmark writes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from actorcritic_cli.errors import UsageError
from actorcritic_cli.exchange.tau_bench import SOURCE
from actorcritic_cli.exchange.told import Told
from actorcritic_cli.types import Message, Task

ENVIRONMENTS = ("tau_airline", "tau_retail")


def chunks(sessions: Iterable[Told]) -> Iterator[bytes]:
    """Yield the file piece by piece. Raises ``UsageError`` for a session that such a file cannot hold."""
    before = b"[\n  "
    seen: dict[tuple[str, int], str] = {}
    env = ""
    for session in sessions:
        spec = session.started.spec
        env = env or spec.env
        if spec.env not in ENVIRONMENTS or spec.task_id is None:
            raise UsageError(
                f"Session {session.started.session} is in {spec.env}"
                f"{'' if spec.task_id else ' without a task'}; a tau-bench file holds tasks of "
                f"{' or '.join(ENVIRONMENTS)}."
            )
        if spec.env != env:
            raise UsageError(f"The sessions are in {env} and {spec.env}; export one environment a file (--env).")
        check_once(seen, session)
        yield before + json.dumps(run(session)).encode()
        before = b",\n  "
    yield b"\n]\n" if seen else b"[]\n"


def check_once(seen: dict[tuple[str, int], str], session: Told) -> None:
    """Note a session's task and trial. Raises ``UsageError`` when another session has the same."""
    spec, name = session.started.spec, session.started.session
    key = (spec.task_id or "", spec.trial)
    if key in seen:
        raise UsageError(
            f"Sessions {seen[key]} and {name} are both trial {key[1]} of task {key[0]}; export each run to its own file."
        )
    seen[key] = name


def run(session: Told) -> dict[str, Any]:
    """Return a session as a run of the benchmark."""
    started, ended = session.started, session.ended
    task_id = started.spec.task_id or ""
    extra = started.extra if started.source == SOURCE else {}
    base: dict[str, Any] = {"task_id": int(task_id) if _is_index(task_id) else task_id}
    if session.reward is None or ended.reason in ("infrastructure_error", "user_error"):
        info: dict[str, Any] = {"error": ended.message or ended.reason, "traceback": extra.get("traceback", "")}
        return {
            **base,
            "reward": extra.get("recorded_reward", 0.0),
            "info": info,
            "traj": [],
            "trial": started.spec.trial,
        }
    last = session.said[-1].message if session.said else None
    info = {
        "task": _task(started.task) if started.task else None,
        "source": (last.name if last.role == "tool" else last.role) if last else None,
        "user_cost": extra.get("user_cost", _user_cost(session)),
        "reward_info": extra["reward_info"] if "reward_info" in extra else _reward_info(session),
    }
    if started.task is None:
        del info["task"]
    traj = [_message(message, started.source == SOURCE) for message in session.messages]
    return {**base, "reward": session.reward, "info": info, "traj": traj, "trial": started.spec.trial}


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and str(int(text)) == text


def _task(task: Task) -> dict[str, Any]:
    return {
        "user_id": task.extra.get("user_id", ""),
        "actions": _actions(task),
        "instruction": task.instruction,
        "outputs": list(task.outputs),
    }


def _actions(task: Task) -> list[dict[str, Any]]:
    return [{"name": action.name, "kwargs": action.arguments} for action in task.actions]


def _reward_info(session: Told) -> dict[str, Any] | None:
    """Return the benchmark's own account; it has none of a run that the limit cut off."""
    if session.ended.reason == "max_turns" or session.ended.reward is None:
        return None
    account = session.ended.reward.info
    names = ("r_outputs", "outputs") if "r_outputs" in account else ("r_actions", "gt_data_hash")
    return {
        "reward": session.reward,
        "info": {name: account[name] for name in names if name in account},
        "actions": _actions(session.started.task) if session.started.task else [],
    }


def _user_cost(session: Told) -> float | None:
    calls = [said.call for said in session.said if said.call is not None and said.message.role == "user"]
    return calls[-1].cost if calls else None


def _message(message: Message, as_read: bool) -> dict[str, Any]:
    match message.role:
        case "tool":
            return {
                "role": "tool",
                "tool_call_id": message.tool_call_id,
                "name": message.name,
                "content": message.content,
            }
        case "assistant":
            if as_read and message.raw is not None:
                raw: dict[str, Any] = json.loads(message.raw)
                return raw
            return assistant(message)
        case _:
            return {"role": message.role, "content": message.content}


def assistant(message: Message) -> dict[str, Any]:
    """Return an assistant message in the OpenAI chat form."""
    made: dict[str, Any] = {"role": "assistant", "content": message.content}
    if message.tool_calls:
        made["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return made
