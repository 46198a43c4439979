"""Runs of τ-bench v1 as sessions.

A run becomes the event stream of an unsupervised session: what the agent said was what it did, so every message is
proposed, accepted and acted upon. The file knows no times (a session's time is its place in the file) and no model calls
(so latency and cost are unknown, not zero).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from actorcritic_cli.exchange.tau_bench_file import FileMessage, FileRun, FileTask, Recording
from actorcritic_cli.session.events import Acted, Decided, Ended, Event, Failed, Observed, Proposed, Started
from actorcritic_cli.text import encodable, redact
from actorcritic_cli.types import (
    Decision,
    ExpectedAction,
    Fault,
    Message,
    Proposal,
    Reward,
    SessionSpec,
    Supervision,
    Task,
    Termination,
    ToolCall,
    ToolSpec,
    is_success,
)

SOURCE = "tau-bench"
USER = "simulated"
"""Who asked: a simulated user, of which the file says no more."""

_KNOWN_KEYS = {"role", "content", "tool_calls"}


def sessions(
    recording: Recording,
    ids: Sequence[str],
    *,
    env: str,
    dataset: str,
    actor: str,
    tools: tuple[ToolSpec, ...],
    run: str | None = None,
) -> Iterator[list[Event]]:
    """Yield the events of every run, in the order of the file; ``ids`` are the sessions' ids."""
    tasks = _tasks(recording.runs)
    for place, (recorded, raw, session) in enumerate(zip(recording.runs, recording.raw, ids, strict=True)):
        task_id = str(recorded.task_id)
        spec = SessionSpec(
            env, dataset, task_id, actor, USER, trial=recorded.trial, supervision=Supervision(mode="off")
        )
        messages = [_message(m, r) for m, r in zip(recorded.traj, raw["traj"], strict=True)]
        opening = 1 if messages and messages[0].role == "system" else 0
        extra: dict[str, Any] = {"file": recording.path.name, "place": place, "user_cost": recorded.info.user_cost}
        if recorded.info.reward_info is not None:
            extra["reward_info"] = raw["info"]["reward_info"]
        if recorded.info.error is not None:
            extra |= {"traceback": redact(recorded.info.traceback or ""), "recorded_reward": recorded.reward}
        at = float(place)
        started = Started(
            session,
            at,
            spec,
            tuple(messages[:opening]),
            task=tasks.get(task_id),
            tools=tools,
            run=run,
            source=SOURCE,
            extra=_storable(extra),
        )
        yield [started, *_conversation(messages[opening:], recorded, at)]


def actor_of(name: str) -> str:
    """Return the model that a result file's name tells of, or ``unknown``.

    >>> actor_of("gpt-4o-airline.json")
    'gpt-4o'
    >>> actor_of("tool-calling-gpt-4o-0.0_range_0--1_user-gpt-4o-llm_0520123456.json")
    'gpt-4o'
    """
    stem = Path(name).stem
    written = re.fullmatch(r"(?:tool-calling|act|react|few-shot)-(.+)-\d+(?:\.\d+)?_range_.*", stem)
    if written:
        return written[1]
    shipped = re.fullmatch(r"(.+)-(?:airline|retail)", stem)
    return shipped[1] if shipped else "unknown"


def _tasks(runs: Iterable[FileRun]) -> dict[str, Task]:
    """Return the tasks by id. A crashed run has lost its task; another trial of it still has it."""
    return {str(run.task_id): _task(str(run.task_id), run.info.task) for run in runs if run.info.task is not None}


def _task(task_id: str, task: FileTask) -> Task:
    return Task(
        id=task_id,
        instruction=encodable(task.instruction),
        actions=tuple(ExpectedAction(action.name, _storable(action.kwargs)) for action in task.actions),
        outputs=tuple(encodable(output) for output in task.outputs),
        extra={"user_id": task.user_id},
    )


def _message(message: FileMessage, raw: dict[str, Any]) -> Message:
    content = encodable(message.content) if message.content is not None else None
    if message.role != "assistant":
        # Which call a result answers follows from its place; ``_conversation`` fills it in.
        return Message(message.role, content, name=message.name if message.role == "tool" else None)
    calls = tuple(
        ToolCall(call.id, call.function.name, encodable(call.function.arguments)) for call in message.tool_calls or ()
    )
    more = set(raw) - _KNOWN_KEYS
    return Message("assistant", content, calls, raw=json.dumps(raw) if more else None)


def _conversation(messages: list[Message], run: FileRun, at: float) -> Iterator[Event]:
    step, place = 0, 0
    termination = _termination(run)
    calls: tuple[ToolCall, ...] = ()
    while place < len(messages):
        seen = place
        while place < len(messages) and messages[place].role != "assistant":
            place += 1
        if place > seen:
            ends = termination if place == len(messages) and termination != "max_turns" else None
            answers = tuple(_answer(m, calls, n) for n, m in enumerate(messages[seen:place]))
            yield Observed(at, step, answers, error=any(_failed(m) for m in answers), ends=ends)
        if place < len(messages):
            step, message = step + 1, messages[place]
            yield Proposed(at, step, 0, Proposal(message))
            yield Decided(at, step, 0, Decision("accept", "unsupervised"))
            yield Acted(at, step, 0, message)
            calls, place = message.tool_calls, place + 1
    if termination == "infrastructure_error":
        # What broke the run is not the agent's doing as far as the file tells, so it is not scored.
        error = redact(encodable(run.info.error or ""))
        yield Failed(at, step, "actor", error, termination)
        yield Ended(at, termination, error, fault="infrastructure")
        return
    fault: Fault | None = None if is_success(run.reward) else "actor"
    yield Ended(at, termination, "", Reward(run.reward, _account(run)), fault=fault)


def _answer(message: Message, calls: tuple[ToolCall, ...], place: int) -> Message:
    if message.role != "tool":
        return message
    return msgspec.structs.replace(message, tool_call_id=calls[place].id, name=message.name or calls[place].name)


def _failed(message: Message) -> bool:
    return message.role == "tool" and (message.content or "").startswith(("Error: ", "Unknown action "))


def _termination(run: FileRun) -> Termination:
    """A scored run ended by what it observed last; one that is not scored ran into the limit, or crashed."""
    if not run.traj:
        return "infrastructure_error"
    if run.info.reward_info is None:
        return "max_turns"
    return "transfer" if run.traj[-1].role == "tool" else "user_stop"


def _account(run: FileRun) -> dict[str, Any]:
    if run.info.reward_info is None:
        return {"why": "cut off at the limit; no score was computed"}
    info: dict[str, Any] = _storable(run.info.reward_info.info)
    return info


def _storable(value: Any) -> Any:
    """Return a JSON value whose texts can be stored (see ``text.encodable``)."""
    match value:
        case str():
            return encodable(value)
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {encodable(key): _storable(item) for key, item in value.items()}
        case _:
            return value
