"""The reward of τ²-bench: the product of the components that a task names.

What cannot be known is not guessed: a component that needs a judge, where none is given, leaves the reward open, unless
another component is 0 already, which settles the product.
"""

from __future__ import annotations

from typing import Any

import msgspec

from actorcritic_cli.envs.tau.scoring import said
from actorcritic_cli.envs.tau2.judge import Judge, JudgeFailed
from actorcritic_cli.envs.tau2.tasks import Criteria, criteria
from actorcritic_cli.types import ExpectedAction, Reward, Task, ToolCall, Transcript

Part = tuple[float | None, dict[str, Any]]
"""A component: its value (``None``: not to be known, with ``unscored``) and its account."""


def reward(task: Task, state_hash: str, target: str, transcript: Transcript, judge: Judge | None) -> Reward:
    """Return the reward of an episode that ended in good order.

    ``info`` has the value of every component by its name, the hashes of the state reached and of the target, and what
    each component found; ``unscored`` says why the value is ``None``. The judge is only asked if it can make a difference.
    """
    try:
        wanted = criteria(task)
    except msgspec.ValidationError as error:
        return Reward(None, {"unscored": f"the task's criteria are not in a known form ({error})"})
    if wanted.initial_state is not None:
        return Reward(None, {"unscored": "the task starts from a state of its own, which acc cannot set up"})
    info: dict[str, Any] = {"data_hash": state_hash, "gt_data_hash": target}
    value: float | None = 1.0
    for name in sorted(set(wanted.reward_basis), key=_cheapest_first):
        if value == 0.0 and name == "NL_ASSERTION":
            continue
        part, account = _component(name, task, wanted, info, transcript, judge)
        info |= {name: part, **account}
        if part == 0.0 or value == 0.0:
            value = 0.0
        elif part is None or value is None:
            value = None
    if value is not None:
        info.pop("unscored", None)
    return Reward(value, info)


def _cheapest_first(name: str) -> tuple[bool, str]:
    return name == "NL_ASSERTION", name


def _component(
    name: str, task: Task, wanted: Criteria, hashes: dict[str, Any], transcript: Transcript, judge: Judge | None
) -> Part:
    match name:
        case "DB":
            match_ = hashes["data_hash"] == hashes["gt_data_hash"]
            return (1.0, {}) if wanted.any_state else (float(match_), {"db_match": match_})
        case "COMMUNICATE":
            texts = [m.content for m in transcript if m.role == "assistant" and m.content is not None]
            found = {output: said(output, texts) for output in task.outputs}
            return float(all(found.values())), {"communicate": found}
        case "ACTION":
            calls = [call for message in transcript for call in message.tool_calls]
            made = [_made(a, _names(wanted, n), calls) for n, a in enumerate(task.actions)]
            return float(all(made)), {"actions": made}
        case "ENV_ASSERTION":
            if not wanted.env_assertions:
                return 1.0, {}
            return None, {"unscored": "the task has assertions on the state, of which acc knows none"}
        case "NL_ASSERTION":
            return _judged(wanted, transcript, judge)
        case _:
            return None, {"unscored": f"the reward has a component that acc does not know: {name}"}


def _names(wanted: Criteria, place: int) -> tuple[str, ...] | None:
    return wanted.compare_args[place] if place < len(wanted.compare_args) else None


def _made(action: ExpectedAction, names: tuple[str, ...] | None, calls: list[ToolCall]) -> bool:
    """Whether an expected call was made: the same values of the arguments compared (those of the call, if not named)."""
    for call in calls:
        if call.name != action.name:
            continue
        try:
            given = call.parsed()
        except (ValueError, RecursionError):
            continue
        compared = set(given) if names is None else set(names)
        if _only(given, compared) == _only(action.arguments, compared):
            return True
    return False


def _only(arguments: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name in names}


def _judged(wanted: Criteria, transcript: Transcript, judge: Judge | None) -> Part:
    if not wanted.nl_assertions:
        return 1.0, {}
    if judge is None:
        return None, {"unscored": "statements about the conversation count, and no judge was named to decide on them"}
    account: dict[str, Any] = {"judge": {"model": judge.name}}
    try:
        judged = judge.judge(wanted.nl_assertions, transcript)
    except JudgeFailed as failed:
        if failed.call is not None:
            account["judge"]["cost"] = failed.call.cost
        return None, {**account, "unscored": str(failed)}
    if judged.call is not None:
        account["judge"]["cost"] = judged.call.cost
    account["nl_assertions"] = [
        {"nl_assertion": statement, "met": result.met, "justification": result.reason}
        for statement, result in zip(wanted.nl_assertions, judged.results, strict=True)
    ]
    return float(all(result.met for result in judged.results)), account
