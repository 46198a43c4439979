"""OpenAI chat JSON Lines as sessions: one conversation a line, with ``messages`` and, if it has any, ``tools``.

What acc writes itself tells by its ``metadata`` what environment and task it is of, who took part and how it ended. A line
of another program tells none of that: its environment is ``--env``, else ``chat``, which acc can show and compare but not
run again, and it has no score.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.exchange.conversation import ENDINGS, Outcome, Tools, session_events, text_of
from actorcritic_cli.exchange.decoding import BadElement, Decoder
from actorcritic_cli.exchange.elements import CHUNK
from actorcritic_cli.exchange.results import Format
from actorcritic_cli.exchange.settings import known_dataset, tools_of
from actorcritic_cli.session.events import Event, Started
from actorcritic_cli.types import Message, Reward, SessionSpec, Supervision, Task, ToolCall

SOURCE: Format = "chat"
ENVIRONMENT, DATASET = "chat", "imported"
"""What a conversation is filed under that is of no environment of acc's."""


class FileFunction(Struct):
    """What a call calls; ``arguments`` is JSON text."""

    name: str
    arguments: str = "{}"


class FileCall(Struct):
    """One tool call."""

    id: str
    function: FileFunction


class FileMessage(Struct):
    """One message; ``content`` is a text or a list of parts."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[FileCall] | None = None
    tool_call_id: str | None = None


class FileLine(Struct):
    """One line."""

    messages: list[FileMessage]
    tools: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] | None = None


class ChatFile:
    """A file of conversations that is open for import (see ``results.ResultFile``)."""

    format = SOURCE
    noun = "Line"

    def __init__(self, path: Path, env: str | None, dataset: str | None, actor: str | None):
        self.path = path
        self._decoder = Decoder(FileLine, "a conversation in chat form")
        told = self._first()
        self._actor = actor
        env = env or told.get("env", ENVIRONMENT)
        known = env in registry.names()
        dataset = dataset or (told.get("dataset") if env == told.get("env") else None)
        if known:
            dataset = known_dataset(env, dataset or registry.datasets(env)[0])
        self._tools = Tools(tools_of(env) if known else ())
        self.spec = SessionSpec(
            env,
            dataset or DATASET,
            None,
            actor or told.get("actor", "unknown"),
            told.get("user", "unknown"),
            supervision=Supervision(mode="off"),
        )

    def elements(self) -> Iterator[bytes | memoryview]:
        """Yield the lines that are not blank."""
        with self.path.open("rb", CHUNK) as file:
            for number, line in enumerate(file):
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
                if text and not text.isspace():
                    yield text

    def session(self, element: bytes | memoryview, place: int, session: str, run: str) -> list[Event]:
        """Return the events of a conversation."""
        line = self._decoder.decode(element)
        if not line.messages:
            raise BadElement("holds no messages")
        told = {name: str(value) for name, value in (line.metadata or {}).items()}
        spec = replace(
            self.spec,
            task_id=told.get("task"),
            trial=_trial(told.get("trial")),
            actor=self._actor or told.get("actor", self.spec.actor),
            user=told.get("user", self.spec.user),
        )
        functions = [tool.get("function", tool) for tool in line.tools or ()]
        extra: dict[str, Any] = {"file": self.path.name, "place": place}
        if line.metadata:
            extra["metadata"] = line.metadata
        at = _number(told.get("at"))
        started = Started(
            session,
            float(place) if at is None else at,
            spec,
            (),
            tools=self._tools.of(functions),
            run=run,
            source=SOURCE,
            extra=extra,
        )
        return session_events(started, [_message(m) for m in line.messages], _outcome(told))

    def late_tasks(self) -> Iterable[tuple[str, Task]]:
        """Return nothing: such a file holds no tasks."""
        return ()

    def _first(self) -> dict[str, str]:
        """Return the metadata of the first line that has any to read."""
        for element in self.elements():
            try:
                found = self._decoder.decode(element).metadata or {}
            except BadElement:
                continue
            return {name: str(value) for name, value in found.items()}
        return {}


def _message(message: FileMessage) -> Message:
    role, content = message.role, message.content
    if content is not None and not isinstance(content, str):
        content = text_of(content)
    if role == "tool":
        return Message("tool", content, _calls(message), message.tool_call_id)
    return Message("system" if role == "developer" else role, content, _calls(message))


def _calls(message: FileMessage) -> tuple[ToolCall, ...]:
    if not message.tool_calls:
        return ()
    return tuple([ToolCall(c.id, c.function.name, c.function.arguments) for c in message.tool_calls])


def _outcome(told: dict[str, str]) -> Outcome:
    termination: Any = told.get("termination")
    value = _number(told.get("reward"))
    reward = Reward(value) if value is not None and 0.0 <= value <= 1.0 else None
    return Outcome(termination if termination in ENDINGS else "user_stop", reward)


def _trial(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else 0


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
