"""Sessions as a result file of τ²-bench: one object with what all have in common, the tasks, and the simulations.

As with v1, only what was accepted is in it. Reasons to end that the benchmark does not know become ``unexpected_error``,
with the reward as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from actorcritic_cli.envs.tau2.tasks import Criteria, criteria, without_endings
from actorcritic_cli.errors import UsageError
from actorcritic_cli.exchange.tau2_bench import REQUEST, SOURCE, policy_of
from actorcritic_cli.exchange.to_chat import tool
from actorcritic_cli.exchange.to_tau_bench import check_once
from actorcritic_cli.exchange.told import Said, Told
from actorcritic_cli.types import ModelCall, Task, Termination

ENVIRONMENTS = ("tau2_airline", "tau2_retail")
MAX_STEPS, MAX_ERRORS = 200, 10

_REASONS: dict[Termination, str] = {
    "user_stop": "user_stop",
    "transfer": "user_stop",
    "max_turns": "max_steps",
    "max_seconds": "timeout",
    "too_many_errors": "too_many_errors",
    "actor_error": "agent_error",
    "user_error": "user_error",
    "infrastructure_error": "infrastructure_error",
}


class Common(Struct, frozen=True):
    """What is known of the sessions before they are read: their tasks, and how many trials there are."""

    tasks: tuple[Task, ...]
    trials: int


def chunks(sessions: Iterable[Told], common: Common) -> Iterator[bytes]:
    """Yield the file piece by piece. Raises ``UsageError`` for sessions that one such file cannot hold."""
    first: Told | None = None
    seen: dict[tuple[str, int], str] = {}
    for session in sessions:
        _check(session, first)
        check_once(seen, session)
        if first is None:
            first = session
            head: dict[str, Any] = {"timestamp": _time(session.started.at), "info": _info(session, common.trials)}
            head["tasks"] = [_task(task) for task in common.tasks]
            yield json.dumps(head)[:-1].encode() + b', "simulations": [\n'
        else:
            yield b",\n"
        yield json.dumps(_simulation(session)).encode()
    yield b"\n]}\n"


def _check(session: Told, first: Told | None) -> None:
    spec, name = session.started.spec, session.started.session
    if spec.env not in ENVIRONMENTS or spec.task_id is None or session.started.task is None:
        raise UsageError(
            f"Session {name} is in {spec.env}{'' if spec.task_id else ' without a task'}; a tau2-bench file holds tasks of "
            f"{' or '.join(ENVIRONMENTS)}."
        )
    if first is not None:
        for what, one, other in (
            ("environment", first.started.spec.env, spec.env),
            ("actor", first.actor, session.actor),
            ("user", first.user, session.user),
        ):
            if one != other:
                raise UsageError(
                    f"Sessions {first.started.session} and {name} differ in their {what} ({one}, {other}), of which a "
                    "tau2-bench file has one; export each run to its own file."
                )


def _info(session: Told, trials: int) -> dict[str, Any]:
    spec = session.started.spec
    calls = [said.call for said in session.said if said.call is not None]
    return {
        "git_commit": "",
        "num_trials": trials,
        "max_steps": MAX_STEPS,
        "max_errors": MAX_ERRORS,
        "user_info": {
            "implementation": "user_simulator",
            "llm": session.user.removeprefix("llm:") if session.user.startswith("llm:") else None,
            "llm_args": _arguments(calls, "user"),
            "global_simulation_guidelines": None,
        },
        "agent_info": {
            "implementation": "llm_agent",
            "llm": None if session.actor == "unknown" else session.actor,
            "llm_args": _arguments(calls, "actor"),
        },
        "environment_info": {
            "domain_name": spec.env.removeprefix("tau2_"),
            "policy": policy_of(session.opening[0]) if session.opening else None,
            "tool_defs": [tool(known) for known in session.started.tools] or None,
        },
        "seed": None,
    }


def _arguments(calls: list[ModelCall], party: str) -> dict[str, Any] | None:
    for call in calls:
        if call.party == party:
            return {name: value for name, value in call.request.items() if name in REQUEST}
    return None


def _task(task: Task) -> dict[str, Any]:
    wanted: Criteria = criteria(task)
    compared = dict(enumerate(wanted.compare_args))
    actions = [
        {
            "action_id": f"{task.id}_{n}",
            "requestor": "assistant",
            "name": action.name,
            "arguments": action.arguments,
            "info": None,
            "compare_args": compared.get(n),
        }
        for n, action in enumerate(task.actions)
    ]
    return {
        "id": task.id,
        "description": {"purpose": task.title or None, "relevant_policies": None, "notes": None},
        "user_scenario": {"persona": None, "instructions": without_endings(task.instruction)},
        "ticket": None,
        "initial_state": wanted.initial_state,
        "evaluation_criteria": {
            "actions": None if wanted.any_state else actions,
            "env_assertions": None if wanted.any_state else list(wanted.env_assertions),
            "communicate_info": list(task.outputs),
            "nl_assertions": list(wanted.nl_assertions),
            "reward_basis": list(wanted.reward_basis),
        },
    }


def _simulation(session: Told) -> dict[str, Any]:
    started, ended = session.started, session.ended
    extra = started.extra if started.source == SOURCE else {}
    return {
        "id": extra.get("simulation", started.session),
        "task_id": started.spec.task_id,
        "timestamp": _time(ended.at),
        "start_time": _time(started.at),
        "end_time": _time(ended.at),
        "duration": extra.get("duration", ended.at - started.at),
        "termination_reason": extra.get("termination_reason", _REASONS.get(ended.reason, "unexpected_error")),
        "agent_cost": extra.get("agent_cost", _cost(session, "actor")),
        "user_cost": extra.get("user_cost", _cost(session, "user")),
        "reward_info": extra["reward_info"] if "reward_info" in extra else _reward_info(session),
        "messages": list(_messages(session)),
        "trial": started.spec.trial,
        "seed": started.spec.seed,
    }


def _messages(session: Told) -> Iterator[dict[str, Any]]:
    """Yield the messages after the system prompt, which such a file does not record."""
    greeting = [message for message in session.opening if message.role != "system"]
    begins = session.said[0].at - session.said[0].latency if session.said else session.started.at
    whole = [*(Said(message, begins, 0) for message in greeting), *session.said]
    for place, said in enumerate(whole):
        yield {**_message(said), "turn_idx": place, "timestamp": _time(said.at)}


def _message(said: Said) -> dict[str, Any]:
    message, call = said.message, said.call
    if message.role == "tool":
        return {
            "id": message.tool_call_id,
            "role": "tool",
            "content": message.content,
            "requestor": "assistant",
            "error": said.error,
        }
    calls = [
        {"id": made.id, "name": made.name, "arguments": made.parsed(), "requestor": "assistant"}
        for made in message.tool_calls
    ]
    return {
        "role": message.role,
        "content": message.content,
        "tool_calls": calls or None,
        "cost": call.cost if call else None,
        "usage": _usage(call) if call else None,
        "raw_data": {"message": json.loads(message.raw)} if message.raw else None,
    }


def _usage(call: ModelCall) -> dict[str, Any] | None:
    counted = {"prompt_tokens": call.usage.input_tokens, "completion_tokens": call.usage.output_tokens}
    found = {**{name: n for name, n in counted.items() if n is not None}, **call.usage.raw}
    return found or None


def _reward_info(session: Told) -> dict[str, Any] | None:
    if session.ended.reward is None or session.reward is None:
        return None
    account = session.ended.reward.info
    breakdown = {name: account[name] for name in criteria_names(account)}
    found: dict[str, Any] = {"reward": session.reward, "reward_breakdown": breakdown or None}
    if "db_match" in account:
        found["db_check"] = {"db_match": account["db_match"], "db_reward": float(account["db_match"])}
    if "communicate" in account:
        found["communicate_checks"] = [
            {"info": text, "met": met, "justification": ""} for text, met in account["communicate"].items()
        ]
    if "nl_assertions" in account:
        found["nl_assertions"] = account["nl_assertions"]
    return {
        **found,
        "reward_basis": list(breakdown) or None,
        "info": {"note": account["why"]} if "why" in account else None,
    }


def criteria_names(account: dict[str, Any]) -> list[str]:
    """Return the components of the reward that an account tells of."""
    known = ("DB", "COMMUNICATE", "ACTION", "ENV_ASSERTION", "NL_ASSERTION")
    return [name for name in known if isinstance(account.get(name), float)]


def _cost(session: Told, party: str) -> float | None:
    costs = [said.call.cost for said in session.said if said.call is not None and said.call.party == party]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known and len(known) == len(costs) else None


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat()
