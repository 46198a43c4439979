"""Your own agent behind the environments' protocol.

A tool call that fails leaves the state of a *writing* tool as it was before the call (see ``states.keep`` for what can be
put back), and its text goes to the agent; it never ends the session. Replay, resume and fork run the accepted calls again
on a new state, so tools have to act on the session's state and on nothing else, and give the same for the same.
"""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from actorcritic_cli.envs.own import states
from actorcritic_cli.envs.own.api import ToolError
from actorcritic_cli.envs.own.definition import Definition, told, where
from actorcritic_cli.envs.own.signature import OwnTool
from actorcritic_cli.envs.protocol import Records
from actorcritic_cli.envs.tau.scoring import RESPOND, replies, said
from actorcritic_cli.errors import AccError
from actorcritic_cli.types import Message, Reward, Task, Termination, ToolResult, ToolSpec, Transcript

STOP_WORD = "###STOP###"

_SCORED: tuple[Termination, ...] = ("user_stop", "transfer")
_NOT_THE_AGENTS: tuple[Termination, ...] = ("infrastructure_error", "user_error")


class OwnEpisode:
    """One session's state, and the tools that act on it. Raises ``AccError`` when the state cannot be opened."""

    def __init__(self, definition: Definition, task: Task | None):
        self._definition = definition
        self._task = task
        self._tools = {tool.spec.name: tool for tool in definition.tools}
        self.state = _of_the_file(definition, definition.open_state, "open_state", {"task": task})

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Run one tool; whatever goes wrong is the result's text."""
        tool = self._tools.get(name)
        if tool is None:
            return ToolResult(f"Error: there is no tool '{name}'; there are: {', '.join(self._tools)}.", error=True)
        put_back = states.keep(self.state) if tool.spec.effect == "write" else None
        try:
            text = result_text(tool.call(self.state, arguments))
            if put_back is not None:
                states.settle(self.state)
            return ToolResult(text, ends=tool.transfer)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a tool that calls sys.exit() shall not end the run either
            if put_back is not None:
                self.state = put_back()
            return ToolResult(f"Error: {self._complaint(error, tool)}", error=True)

    def state_hash(self) -> str:
        """Return the hash of the state as it is now. Raises ``AccError`` for a state that cannot be hashed."""
        try:
            return states.state_hash(self.state, self._definition.state_hash)
        except Exception as error:  # any error of the file's own function
            raise AccError(
                f"{where(error, self._definition.path)}: the state cannot be hashed ({told(error)}); write "
                f"state_hash(state) in {self._definition.path}, which returns plain values for all that counts."
            ) from error

    def records(self) -> Records | None:
        """Return the state as tables of records; ``None`` for a state that cannot be looked at."""
        try:
            return states.records(self.state, self._definition.state_hash)
        except Exception:  # any error of the file's own function: what counts is then unknown
            return None

    def score(self, transcript: Transcript, reason: Termination) -> Reward | None:
        """Return what the file's ``score`` says, else whether state and replies are those that the task asks for.

        ``None`` without a task or anything to go by; 0 for a session that neither the user nor a transfer ended.
        """
        if self._task is None or reason in _NOT_THE_AGENTS:
            return None
        if self._definition.score is None and not self._states_what_is_right(self._task):
            return None
        if reason not in _SCORED:
            return Reward(0.0, {"why": f"the session did not end by the user or a transfer but by {reason}"})
        if self._definition.score is None:
            return self._compared(self._task, transcript)
        given = {"state": self.state, "transcript": transcript, "task": self._task}
        try:
            return reward_of(_called(self._definition.score, given))
        except Exception as error:  # any error of the file's own function: the score is then unknown
            return Reward(None, {"why": f"score: {where(error, self._definition.path)}: {told(error)}"})

    def _states_what_is_right(self, task: Task) -> bool:
        return task.id in self._definition.stated or bool(task.actions or task.outputs)

    def _compared(self, task: Task, transcript: Transcript) -> Reward:
        right = OwnEpisode(self._definition, task)
        for action in task.actions:
            if action.name != RESPOND:
                right.call(action.name, action.arguments)
        reached, target = self.state_hash(), right.state_hash()
        info: dict[str, Any] = {
            "r_actions": float(reached == target),
            "gt_data_hash": target,
            "data_hash": reached,
        }
        good = reached == target
        if task.outputs:
            found = {output: said(output, replies(transcript)) for output in task.outputs}
            good = good and all(found.values())
            info |= {"r_outputs": float(all(found.values())), "outputs": found}
        return Reward(float(good), info)

    def _complaint(self, error: BaseException, tool: OwnTool) -> str:
        """Return an error in the words that the agent reads."""
        if isinstance(error, ToolError):
            return str(error) or "this cannot be done"
        if isinstance(error, msgspec.ValidationError) and error.__traceback__ is not None:
            inside = where(error, self._definition.path)
            if inside == self._definition.path.name:  # not raised by the user's code: the arguments do not fit
                return f"{str(error).replace('`', '').replace('$.', '')} ({tool.spec.name} was not run)"
        return f"{told(error)} ({where(error, self._definition.path)})"


class OwnEnvironment:
    """A file's definition as an environment; see ``Environment``."""

    def __init__(self, definition: Definition):
        self.definition = definition

    @property
    def name(self) -> str:
        """``own:`` and the file's ``NAME``, else its stem."""
        return self.definition.name

    @property
    def dataset(self) -> str:
        """The version: a short hash of the file, its policy, its tasks and its ``FILES``."""
        return self.definition.version

    @property
    def policy(self) -> str:
        """The policy text."""
        return self.definition.policy

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The tools in the order in which they stand in the file."""
        return tuple(tool.spec for tool in self.definition.tools)

    @property
    def transfer_tool(self) -> str | None:
        """The tool marked ``transfer=True``, if there is one."""
        return next((tool.spec.name for tool in self.definition.tools if tool.transfer), None)

    def spent(self, transcript: Transcript) -> tuple[Termination, str] | None:
        """``MAX_TURNS`` messages of the agent."""
        turns, limit = sum(1 for message in transcript if message.role == "assistant"), self.definition.max_turns
        return ("max_turns", f"the actor has had its {limit} messages") if turns >= limit else None

    def tasks(self) -> Sequence[Task]:
        """The tasks in their order; none where the file has none."""
        return self.definition.tasks

    def opening(self) -> tuple[Message, ...]:
        """The policy as system message."""
        return (Message("system", self.policy),)

    def open(self, task: Task | None) -> OwnEpisode:
        """Start on a fresh state. Raises ``AccError``."""
        return OwnEpisode(self.definition, task)

    def stands(self, message: Message) -> Message:
        """Every call of a message is run."""
        return message

    def is_stop(self, user_text: str) -> bool:
        """Whether the stop word occurs."""
        return STOP_WORD in user_text


def result_text(value: Any) -> str:
    """Return what a tool returned as the agent reads it: a text as it is, anything else as JSON.

    Raises ``TypeError`` for a value that is no JSON.
    """
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=_encoded).decode()


def reward_of(value: Any) -> Reward:
    """Return what ``score`` returned as a reward: a number from 0 to 1, ``None`` for unknown, or a dict with ``value``.

    Raises ``ValueError`` for anything else.
    """
    info: dict[str, Any] = {}
    if isinstance(value, Mapping):
        info = {str(key): item for key, item in value.items() if key != "value"}
        if "value" not in value:
            raise ValueError("the dict has no 'value'")
        value = value["value"]
    if value is None:
        return Reward(None, {"why": "score returned no value"} | info)
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"{value!r} is no number from 0 to 1")
    return Reward(float(value), msgspec.to_builtins(info))


def _encoded(value: Any) -> Any:
    if isinstance(value, sqlite3.Row):
        return dict(value)
    raise TypeError(f"a tool returned a {type(value).__name__}, which is no JSON; return plain values")


def _of_the_file(
    definition: Definition, function: Callable[..., Any] | None, name: str, given: Mapping[str, Any]
) -> Any:
    if function is None:
        return None
    try:
        return _called(function, given)
    except Exception as error:  # any error of the file's own function
        raise AccError(
            f"{where(error, definition.path)}: {name} failed ({told(error)}); mend {definition.path}."
        ) from error


def _called(function: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """Call a function of the file with those of the given values that it has parameters for, by name."""
    names = inspect.signature(function).parameters
    return function(**{name: value for name, value in given.items() if name in names})
