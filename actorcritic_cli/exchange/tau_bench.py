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

from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.exchange.decoding import BadElement, Decoder
from actorcritic_cli.exchange.elements import Document
from actorcritic_cli.exchange.results import Format
from actorcritic_cli.exchange.settings import known_dataset, tools_of
from actorcritic_cli.exchange.tau_bench_file import FileMessage, FileRun, FileTask, PlainRun, check
from actorcritic_cli.session.events import Acted, Decided, Ended, Event, Failed, Observed, Proposed, Started
from actorcritic_cli.text import redact
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
    is_success,
)

SOURCE: Format = "tau-bench"
USER = "simulated"
"""Who asked: a simulated user, of which the file says no more."""

_V1 = ("tau_airline", "tau_retail")
_LOOKED_AT = 50
"""Runs that are looked at to tell the environment and the edition of its data."""

_KNOWN_KEYS = {"role", "content", "tool_calls"}
_UNSUPERVISED = Decision("accept", "unsupervised")


class TauBenchFile:
    """A result file of τ-bench v1 that is open for import (see ``results.ResultFile``).

    Raises ``AccError`` and ``UsageError`` when it cannot be told what it is of.
    """

    format = SOURCE
    noun = "Run"

    def __init__(self, path: Path, env: str | None, dataset: str | None, actor: str | None):
        self.path = path
        self._plain = Decoder(PlainRun, "one of tau-bench")
        self._decoder = Decoder(FileRun, "one of tau-bench")
        if env is None or dataset is None:
            used, edition = self._look()
            env, dataset = env or _environment(path, used), dataset or edition
        self._tools = tools_of(env)
        dataset = known_dataset(env, dataset)
        self.spec = SessionSpec(
            env, dataset, None, actor or actor_of(path.name), USER, supervision=Supervision(mode="off")
        )
        self._tasks: dict[str, Task] = {}
        self._lost: list[tuple[str, str]] = []

    def elements(self) -> Iterator[bytes | memoryview]:
        """Yield the runs of the array."""
        with self.path.open("rb") as file:
            document = Document(self.path, file)
            yield from document.elements()
            document.finish()

    def session(self, element: bytes | memoryview, place: int, session: str, run: str) -> list[Event]:
        """Return the events of a run."""
        recorded, raw = self._run(element)
        check(recorded)
        task_id = str(recorded.task_id)
        spec = msgspec.structs.replace(self.spec, task_id=task_id, trial=recorded.trial)
        messages = _messages(recorded.traj, raw)
        opening = 1 if messages and messages[0].role == "system" else 0
        extra: dict[str, Any] = {"file": self.path.name, "place": place, "user_cost": recorded.info.user_cost}
        if recorded.info.reward_info is not None:
            extra["reward_info"] = recorded.info.reward_info
        if recorded.info.error is not None:
            extra |= {"traceback": redact(recorded.info.traceback or ""), "recorded_reward": recorded.reward}
        if recorded.info.task is not None:
            self._tasks[task_id] = _task(task_id, recorded.info.task)
        elif task_id not in self._tasks:
            self._lost.append((session, task_id))
        at = float(place)
        started = Started(
            session,
            at,
            spec,
            tuple(messages[:opening]),
            task=self._tasks.get(task_id),
            tools=self._tools,
            run=run,
            source=SOURCE,
            extra=extra,
        )
        return [started, *_conversation(messages[opening:], recorded, at)]

    def late_tasks(self) -> Iterable[tuple[str, Task]]:
        """Return the tasks of crashed runs, which have lost theirs; another trial still has it."""
        return [(session, self._tasks[task]) for session, task in self._lost if task in self._tasks]

    def _run(self, element: bytes | memoryview) -> tuple[FileRun, list[dict[str, Any]] | None]:
        """Return a run, and its messages as plain JSON where they hold more than is looked at."""
        try:
            run: FileRun = self._plain.decode(element)
            if not any(m.role == "assistant" and (m.name, m.tool_call_id) != _UNSET for m in run.traj):
                return run, None
        except BadElement:
            pass
        value = self._decoder.plain(element)
        return self._decoder.convert(value), value["traj"]

    def _look(self) -> tuple[set[str] | None, str]:
        """Return the tools that the first runs call or expect (``None``: no run can be read), and the edition of the data.

        It shows in the official data's users: they had a ``province`` before they had a ``state``.
        """
        tools: set[str] | None = None
        for _, element in zip(range(_LOOKED_AT), self.elements(), strict=False):
            try:
                run = self._decoder.decode(element)
            except BadElement:
                continue  # what is wrong with it is said when it is read
            tools = tools or set()
            tools |= {c.function.name for m in run.traj for c in m.tool_calls or ()}
            tools |= {a.name for a in run.info.task.actions} if run.info.task else set()
            shown = (m.content or "" for m in run.traj if m.role == "tool" and m.name == "get_user_details")
            for text in shown:
                if '"address"' in text:
                    return tools, "official-2024" if '"province":' in text else "official"
        return tools, "official"


_UNSET = (msgspec.UNSET, msgspec.UNSET)


def _environment(path: Path, used: set[str] | None) -> str:
    """Return the environment that runs are of, by their tools."""
    if used is None:
        return _V1[0]  # what is wrong with the file is said when it is read
    if not used:
        raise UsageError(f"{path} calls no tool by which its environment could be told; say --env.")
    tools = {name: {tool.name for tool in tools_of(name)} for name in _V1}
    best = max(tools, key=lambda name: len(used & tools[name]))
    if 2 * len(used & tools[best]) <= len(used):
        strange = ", ".join(sorted(used - tools[best])[:3])
        raise AccError(
            f"{path} is of an environment that acc does not have (its tools: {strange} …); say --env if it is."
        )
    return best


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


def _task(task_id: str, task: FileTask) -> Task:
    return Task(
        id=task_id,
        instruction=task.instruction,
        actions=tuple(ExpectedAction(action.name, action.kwargs) for action in task.actions),
        outputs=tuple(task.outputs),
        extra={"user_id": task.user_id},
    )


def _messages(traj: Sequence[FileMessage], raw: Sequence[dict[str, Any]] | None) -> list[Message]:
    """Return messages that were found to be in order. Which call a result answers follows from its place."""
    made: list[Message] = []
    calls: tuple[ToolCall, ...] = ()
    answered = 0
    for place, message in enumerate(traj):
        role, content = message.role, message.content
        if role == "assistant":
            called = message.tool_calls or ()
            calls = tuple([ToolCall(call.id, call.function.name, call.function.arguments) for call in called])
            more = raw is not None and raw[place].keys() - _KNOWN_KEYS
            made.append(Message("assistant", content, calls, raw=json.dumps(raw[place]) if raw and more else None))
            answered = 0
        elif role == "tool":
            call = calls[answered]
            name = None if message.name is msgspec.UNSET else message.name
            made.append(Message("tool", content, (), call.id, name or call.name))
            answered += 1
        else:
            made.append(Message(role, content))
    return made


def _conversation(messages: list[Message], run: FileRun, at: float) -> Iterator[Event]:
    step, place, count = 0, 0, len(messages)
    termination = _termination(run)
    while place < count:
        message = messages[place]
        if message.role == "assistant":
            step, place = step + 1, place + 1
            yield Proposed(at, step, 0, Proposal(message))
            yield Decided(at, step, 0, _UNSUPERVISED)
            yield Acted(at, step, 0, message)
            continue
        seen = place
        while place < count and messages[place].role != "assistant":
            place += 1
        heard = tuple(messages[seen:place])
        ends = termination if place == count and termination != "max_turns" else None
        yield Observed(at, step, heard, any(map(_failed, heard)), ends=ends)
    if termination == "infrastructure_error":
        # What broke the run is not the agent's doing as far as the file tells, so it is not scored.
        error = redact(run.info.error or "")
        yield Failed(at, step, "actor", error, termination)
        yield Ended(at, termination, error, fault="infrastructure")
        return
    fault: Fault | None = None if is_success(run.reward) else "actor"
    yield Ended(at, termination, "", Reward(run.reward, _account(run)), fault=fault)


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
    info = run.info.reward_info.get("info")
    return info if isinstance(info, dict) else {}
