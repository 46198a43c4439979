"""Simulations of τ²-bench as sessions.

As with v1, a simulation becomes the event stream of an unsupervised session: every message was proposed, accepted and acted
upon. These files know more: when each message came, what it cost and how many tokens it took. Times are read as UTC, since
the files do not say where they were made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.tau2.environment import system_prompt
from actorcritic_cli.envs.tau2.tasks import FileTask, task_of
from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange.decoding import BadElement, Decoder
from actorcritic_cli.exchange.elements import Document
from actorcritic_cli.exchange.results import Format
from actorcritic_cli.exchange.settings import known_dataset, tools_of
from actorcritic_cli.exchange.tau2_bench_file import FileInfo, FileMessage, FileParty, FileSimulation, check
from actorcritic_cli.session.events import Acted, Decided, Ended, Event, Failed, Observed, Proposed, Started
from actorcritic_cli.types import (
    Decision,
    Fault,
    Message,
    ModelCall,
    PartyName,
    Proposal,
    Reward,
    SessionSpec,
    Supervision,
    Task,
    Termination,
    ToolCall,
    Usage,
    is_success,
)

SOURCE: Format = "tau2-bench"

_ENDINGS: dict[str, Termination] = {
    "user_stop": "user_stop",
    "agent_stop": "user_stop",  # scored alike, and no plain agent ends a conversation
    "max_steps": "max_turns",
    "timeout": "max_seconds",
    "too_many_errors": "too_many_errors",
    "agent_error": "actor_error",
    "user_error": "user_error",
    "infrastructure_error": "infrastructure_error",
    "context_window_exceeded": "actor_error",
    "unexpected_error": "actor_error",
}
"""The benchmark's reasons in acc's words. It counts all but infrastructure errors, and so must the words; ``message`` of
the last event keeps the reason as it was."""

_SCORED = ("user_stop", "agent_stop")
"""The reasons to end after which the benchmark computes a score; any other one is a reward of 0."""

REQUEST = ("temperature", "top_p", "max_tokens", "seed", "reasoning_effort")
"""The arguments of a model that are worth keeping; a file may hold keys among the others."""


class Tau2BenchFile:
    """A result file of τ²-bench that is open for import (see ``results.ResultFile``).

    Raises ``AccError`` when what its simulations have in common is not as it must be.
    """

    format = SOURCE
    noun = "Simulation"

    def __init__(self, path: Path, env: str | None, dataset: str | None, actor: str | None):
        self.path = path
        self._decoder = Decoder(FileSimulation, "one of tau2-bench")
        self._info, tasks = self._head()
        self._tasks = {task.id: task_of(task) for task in tasks}
        env = env or f"tau2_{self._info.environment_info.domain_name}"
        if env not in registry.names():
            raise AccError(f"{path} is of {env}, an environment that acc does not have; say --env if it is another.")
        dataset = known_dataset(env, dataset or "official")
        self._tools = tools_of(env)
        llm = self._info.user_info.llm
        self.spec = SessionSpec(
            env,
            dataset,
            None,
            actor or self._info.agent_info.llm or "unknown",
            f"llm:{llm}" if llm else "simulated",
            supervision=Supervision(mode="off"),
        )
        policy = self._info.environment_info.policy
        self._system = (Message("system", system_prompt(policy)),) if policy else ()

    def elements(self) -> Iterator[bytes | memoryview]:
        """Yield the simulations."""
        with self.path.open("rb") as file:
            document = Document(self.path, file)
            for name in document.members():
                if name == "simulations":
                    yield from document.elements()
                else:
                    document.skip()
            document.finish()

    def session(self, element: bytes | memoryview, place: int, session: str, run: str) -> list[Event]:
        """Return the events of a simulation."""
        simulation = self._decoder.decode(element)
        check(simulation)
        if simulation.task_id not in self._tasks:
            raise BadElement(f"{simulation.where()} is of a task that the file does not hold")
        spec = msgspec.structs.replace(
            self.spec, task_id=simulation.task_id, trial=simulation.trial, seed=simulation.seed or 0
        )
        begin = 1 if simulation.messages and _is_greeting(simulation.messages[0]) else 0
        greeting = tuple(_message(message) for message in simulation.messages[:begin])
        extra = {
            "file": self.path.name,
            "place": place,
            "simulation": simulation.id,
            "termination_reason": simulation.termination_reason,
            "agent_cost": simulation.agent_cost,
            "user_cost": simulation.user_cost,
            "duration": simulation.duration,
            "reward_info": simulation.reward_info,
        }
        started = Started(
            session,
            _seconds(simulation.start_time) or 0.0,
            spec,
            (*self._system, *greeting),
            task=self._tasks[simulation.task_id],
            tools=self._tools,
            run=run,
            source=SOURCE,
            extra=extra,
        )
        parties = self._info.agent_info, self._info.user_info
        return [started, *_Conversation(simulation, begin, started.at, *parties).events()]

    def late_tasks(self) -> Iterable[tuple[str, Task]]:
        """Return nothing: the tasks are known from the beginning."""
        return ()

    def _head(self) -> tuple[FileInfo, list[FileTask]]:
        """Return what stands beside the simulations, without reading them where they come last."""
        found: dict[str, Any] = {}
        with self.path.open("rb") as file:
            document = Document(self.path, file)
            for name in document.members():
                if name in ("info", "tasks"):
                    kind = FileInfo if name == "info" else list[FileTask]
                    found[name] = self._common(name, kind, document.value())
                elif name == "simulations" and len(found) == 2:
                    break
                else:
                    document.skip()
        for name in ("info", "tasks"):
            if name not in found:
                raise AccError(
                    f"{self.path} is not a result file of tau2-bench as acc knows it: it has no {name}; nothing of it "
                    "was imported."
                )
        return found["info"], found["tasks"]

    def _common(self, name: str, kind: Any, text: bytes) -> Any:
        try:
            return Decoder(kind, "as acc knows it").decode(text)
        except BadElement as error:
            raise AccError(
                f"{self.path} is not a result file of tau2-bench: its {name} {error}; nothing of it was imported."
            ) from error


class _Conversation:
    """The messages of a simulation on their way to events."""

    def __init__(self, simulation: FileSimulation, begin: int, at: float, agent: FileParty, user: FileParty):
        self._simulation = simulation
        self._messages = simulation.messages[begin:]
        self._at = _seconds(simulation.messages[0].timestamp) or at if begin else at
        self._models: dict[PartyName, FileParty] = {"actor": agent, "user": user}
        self._names: dict[str, str] = {}
        """The tools that the last message called, by the ids of the calls."""
        self._ending = _ENDINGS[simulation.termination_reason]

    def events(self) -> Iterator[Event]:
        """Yield everything after the start."""
        step, place = 0, 0
        while place < len(self._messages):
            message = self._messages[place]
            if message.role == "assistant":
                step, place = step + 1, place + 1
                yield from self._acted(step, message)
                continue
            end = place + 1
            while end < len(self._messages) and message.role == self._messages[end].role == "tool":
                end += 1
            yield self._observed(step, self._messages[place:end], last=end == len(self._messages))
            place = end
        yield from self._ended(step)

    def _acted(self, step: int, message: FileMessage) -> Iterator[Event]:
        latency = self._moved_on(message)
        self._names = {call.id: call.name for call in message.tool_calls or ()}
        proposal = _message(message)
        yield Proposed(self._at, step, 0, Proposal(proposal), self._call("actor", message, latency))
        yield Decided(self._at, step, 0, Decision("accept", "unsupervised"))
        yield Acted(self._at, step, 0, proposal)

    def _observed(self, step: int, messages: Sequence[FileMessage], *, last: bool) -> Event:
        latency = sum(self._moved_on(message) for message in messages)
        return Observed(
            self._at,
            step,
            tuple(_message(message, self._names) for message in messages),
            error=any(message.error for message in messages),
            latency=latency,
            call=self._call("user", messages[0], latency) if messages[0].role == "user" else None,
            ends="user_stop" if last and messages[0].role == "user" and self._ending == "user_stop" else None,
        )

    def _ended(self, step: int) -> Iterator[Event]:
        reason = self._simulation.termination_reason
        if self._ending == "infrastructure_error":
            yield Failed(self._at, step, "actor", reason, self._ending)
            yield Ended(self._at, self._ending, reason, fault="infrastructure")
            return
        reward = _reward(self._simulation)
        fault: Fault | None = None if is_success(reward.value or 0.0) else "actor"
        if reason == "user_error":
            fault = "user"
        yield Ended(self._at, self._ending, "" if reason == "user_stop" else reason, reward, fault=fault)

    def _moved_on(self, message: FileMessage) -> float:
        """Move the clock to a message; return the seconds it took."""
        at = max(self._at, _seconds(message.timestamp) or self._at)
        before, self._at = self._at, at
        return at - before

    def _call(self, party: PartyName, message: FileMessage, latency: float) -> ModelCall | None:
        """Return the model call that a message cost; ``None`` when the file says nothing of one."""
        model = self._models[party]
        if model.llm is None or (message.usage is None and message.cost is None):
            return None
        usage = message.usage or {}
        arguments = {name: value for name, value in (model.llm_args or {}).items() if name in REQUEST}
        return ModelCall(
            party=party,
            model=model.llm,
            request=arguments,
            usage=Usage(_count(usage, "prompt_tokens"), _count(usage, "completion_tokens"), raw=usage),
            cost=message.cost,
            latency=latency,
        )


def policy_of(message: Message) -> str | None:
    """Return the policy that a system message carries; the whole message when it was not made by ``system_prompt``."""
    text = message.content or ""
    _, _, rest = text.partition("<policy>\n")
    policy = rest.removesuffix("\n</policy>")
    return policy if system_prompt(policy) == text else text or None


def _is_greeting(message: FileMessage) -> bool:
    return message.role == "assistant" and not message.tool_calls


def _message(message: FileMessage, names: dict[str, str] | None = None) -> Message:
    match message.role:
        case "tool":
            return Message("tool", message.content, tool_call_id=message.id, name=(names or {}).get(message.id or ""))
        case "assistant":
            calls = tuple(ToolCall(call.id, call.name, json.dumps(call.arguments)) for call in message.tool_calls or ())
            raw = (message.raw_data or {}).get("message")
            return Message("assistant", message.content, calls, raw=json.dumps(raw) if isinstance(raw, dict) else None)
        case _:
            return Message(message.role, message.content)


def _reward(simulation: FileSimulation) -> Reward:
    score = simulation.score()
    if score is None and simulation.termination_reason in _SCORED:
        return Reward(None, {"unscored": "the file holds no score of it"})
    if score is None:
        return Reward(0.0, {"why": f"not scored: {simulation.termination_reason}"})
    info: dict[str, Any] = dict(score.reward_breakdown or {})
    if score.db_check is not None:
        info["db_match"] = score.db_check.db_match
    if score.communicate_checks:
        info["communicate"] = {check.info: check.met for check in score.communicate_checks}
    return Reward(score.reward, info)


def _seconds(text: str | None) -> float | None:
    """Return a time of the file as Unix seconds; ``None`` for one that is missing or no time."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _count(usage: dict[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) else None
