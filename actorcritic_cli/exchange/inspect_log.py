"""Evaluation logs of Inspect (``inspect_ai``), in their JSON form, as sessions: a sample is one, its epoch the trial.

Logs of any evaluation are read: what is of no environment of acc's is filed under the name of the evaluation, to be shown,
compared and counted, but not run again. Content that a log keeps aside as an attachment is put back in its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange.conversation import ENDINGS, Outcome, Tools, session_events, text_of
from actorcritic_cli.exchange.decoding import BadElement, Decoder
from actorcritic_cli.exchange.elements import Document
from actorcritic_cli.exchange.results import Format
from actorcritic_cli.exchange.settings import known_dataset, tools_of
from actorcritic_cli.session.events import Event, Started
from actorcritic_cli.types import Message, Reward, SessionSpec, Supervision, Task, Termination, ToolCall, ToolSpec

SOURCE: Format = "inspect"
FREE = "free"
"""The id that acc gives to samples that have no task."""

_LIMITS: dict[str, Termination] = {
    "message": "max_turns",
    "turn": "max_turns",
    "token": "max_turns",
    "context": "max_turns",
    "time": "max_seconds",
    "working": "max_seconds",
    "cost": "max_cost",
}
_GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""What Inspect's letters count (its own ``value_to_float``)."""


class FileCall(Struct):
    """One tool call."""

    id: str
    function: str
    arguments: dict[str, Any] = {}
    parse_error: str | None = None


class FileMessage(Struct):
    """One message; ``content`` is a text or a list of parts."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[FileCall] | None = None
    tool_call_id: str | None = None
    error: dict[str, Any] | None = None


class FileScore(Struct):
    """A score of one sample."""

    value: Any
    metadata: dict[str, Any] | None = None


class FileError(Struct):
    """Why a sample broke."""

    message: str = ""


class FileSample(Struct):
    """One sample."""

    id: int | str
    epoch: int
    messages: list[FileMessage] = []
    scores: dict[str, FileScore] | None = None
    metadata: dict[str, Any] | None = None
    error: FileError | None = None
    limit: dict[str, Any] | None = None
    started_at: str | None = None
    attachments: dict[str, str] = {}


class FileEval(Struct):
    """What was evaluated."""

    task: str
    model: str
    dataset: dict[str, Any] = {}
    metadata: dict[str, Any] | None = None


class InspectFile:
    """A log that is open for import (see ``results.ResultFile``). Raises ``AccError`` for one of another version."""

    format = SOURCE
    noun = "Sample"

    def __init__(self, path: Path, env: str | None, dataset: str | None, actor: str | None):
        self.path = path
        self._decoder = Decoder(FileSample, "one of Inspect")
        evaluated = self._head()
        own = _acc(evaluated.metadata)
        env = env or str(own.get("env") or evaluated.task)
        known = env in registry.names()
        named = own.get("dataset") if env == own.get("env") else evaluated.dataset.get("name")
        dataset = dataset or (str(named) if named else None)
        if known:
            dataset = known_dataset(env, dataset or registry.datasets(env)[0])
        self._known: tuple[ToolSpec, ...] = tools_of(env) if known else ()
        self._tools = Tools(self._known)
        self.spec = SessionSpec(
            env,
            dataset or "imported",
            None,
            actor or evaluated.model,
            str(own.get("user") or "simulated"),
            supervision=Supervision(mode="off"),
        )

    def elements(self) -> Iterator[bytes | memoryview]:
        """Yield the samples."""
        with self.path.open("rb") as file:
            document = Document(self.path, file)
            for name in document.members():
                if name == "samples":
                    yield from document.elements()
                else:
                    document.skip()
            document.finish()

    def session(self, element: bytes | memoryview, place: int, session: str, run: str) -> list[Event]:
        """Return the events of a sample."""
        sample = self._decoder.decode(element)
        own = _acc(sample.metadata)
        task = None if own and sample.id == FREE else str(sample.id)
        spec = replace(self.spec, task_id=task, trial=max(0, sample.epoch - 1))
        extra: dict[str, Any] = {"file": self.path.name, "place": place}
        if not own and sample.metadata:
            extra["metadata"] = sample.metadata
        if sample.scores:
            extra["scores"] = msgspec.to_builtins(sample.scores)
        functions = [tool.get("function") for tool in own.get("tools") or ()]
        started = Started(
            session,
            _seconds(sample.started_at, float(place)),
            spec,
            (),
            task=_task(own.get("task")),
            tools=self._tools.of(functions) or self._known,
            run=run,
            source=SOURCE,
            extra=extra,
        )
        failed = frozenset(n for n, m in enumerate(sample.messages) if m.error is not None)
        messages = [_message(message, sample.attachments) for message in sample.messages]
        return session_events(started, messages, _outcome(sample, own), failed)

    def late_tasks(self) -> Iterable[tuple[str, Task]]:
        """Return nothing: tasks stand in their samples."""
        return ()

    def _head(self) -> FileEval:
        """Return what stands before the samples."""
        with self.path.open("rb") as file:
            document = Document(self.path, file)
            for name in document.members():
                if name == "version":
                    version = json.loads(document.value())
                    if version not in (1, 2):
                        raise AccError(f"{self.path} is an Inspect log of version {version}; acc reads version 2.")
                elif name == "eval":
                    try:
                        return Decoder(FileEval, "as acc knows it").decode(document.value())
                    except BadElement as error:
                        raise AccError(
                            f"{self.path} is not an Inspect log: its eval {error}; nothing was imported."
                        ) from error
                else:
                    document.skip()
        raise AccError(f"{self.path} is not an Inspect log: it does not say what was evaluated; nothing was imported.")


def _acc(metadata: dict[str, Any] | None) -> dict[str, Any]:
    """Return what acc itself wrote into a log's metadata."""
    own = (metadata or {}).get("acc")
    return own if isinstance(own, dict) else {}


def _task(value: Any) -> Task | None:
    try:
        return msgspec.convert(value, Task | None)
    except msgspec.ValidationError:
        return None


def _message(message: FileMessage, attachments: dict[str, str]) -> Message:
    content = text_of(message.content)
    if content is not None and attachments and "attachment://" in content:
        for name, text in attachments.items():
            content = content.replace(f"attachment://{name}", text)
    calls = tuple(
        ToolCall(c.id, c.function, json.dumps(c.arguments) if c.parse_error is None or c.arguments else c.parse_error)
        for c in message.tool_calls or ()
    )
    if message.role == "assistant" and calls and not content:
        content = None
    return Message(message.role, content, calls, message.tool_call_id if message.role == "tool" else None)


def _outcome(sample: FileSample, own: dict[str, Any]) -> Outcome:
    scores = sample.scores or {}
    score = scores.get("reward") or next(iter(scores.values()), None)
    value = _value(score.value) if score else None
    reward = Reward(value, (score.metadata or {}) if score else {}) if value is not None else None
    termination: Any = own.get("termination")
    if termination not in ENDINGS:
        termination = "user_stop"
        if sample.error is not None:
            termination = "infrastructure_error"
        elif sample.limit is not None:
            termination = _LIMITS.get(str(sample.limit.get("type")), "stopped")
    return Outcome(termination, reward, sample.error.message if sample.error else "")


def _value(value: Any) -> float | None:
    """Return a score as a number in [0, 1]; ``None`` for one that is none."""
    if isinstance(value, str):
        return _GRADES.get(value)
    if isinstance(value, bool | int | float) and 0.0 <= value <= 1.0:
        return float(value)
    return None


def _seconds(text: str | None, otherwise: float) -> float:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return otherwise
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
