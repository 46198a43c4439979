"""The user who says what is written down, line by line, whatever the agent answers.

A script makes a session repeatable without a model: the k-th turn is the k-th line. It lives in a task (``script:task``) or
in a file (``script:FILE``): one turn a line, or JSON Lines when a turn itself has several lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.types import Task, Transcript
from actorcritic_cli.users.protocol import UserTurn

FROM_TASK = "script:task"
"""The name of the user who speaks a task's own script."""

_JSON_LINES = (".jsonl", ".ndjson")


class ScriptedUser:
    """Says its lines in order, one a turn, and leaves when there are none left.

    How far it has come is read off the transcript (the number of user messages), so it holds no state and a resumed or
    forked session goes on with the right line. ``name`` goes into the record.
    """

    def __init__(self, lines: Sequence[str], name: str = FROM_TASK):
        self.lines = tuple(lines)
        self.name = name

    @classmethod
    def from_task(cls, task: Task) -> ScriptedUser:
        """Return the user of a task's own script. Raises ``AccError`` when the task has none."""
        if not task.script:
            raise AccError(f"Task {task.id} has no script; name a file with script:FILE or choose another user.")
        return cls(task.script)

    @classmethod
    def from_file(cls, path: str | Path) -> ScriptedUser:
        """Return the user of a script file, named ``script:FILE``.

        A file called ``*.jsonl`` or ``*.ndjson`` holds a JSON text or ``{"text": …}`` on each line; any other file holds
        one turn a line. Blank lines count for nothing. Raises ``NotFound`` or ``AccError``, which names the line.
        """
        lines = tuple(_lines(Path(path)))
        if not lines:
            raise AccError(f"The script {path} says nothing; write one line for each turn of the user.")
        return cls(lines, f"script:{path}")

    def speak(self, transcript: Transcript) -> UserTurn:
        """Return the next line; after the last one, leave without a word."""
        said = sum(message.role == "user" for message in transcript)
        if said < len(self.lines):
            return UserTurn(self.lines[said])
        return UserTurn("", leaves=True)


def _lines(path: Path) -> Iterator[str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"There is no script {path}; name an existing file.") from None
    except OSError as error:
        raise AccError(f"Cannot read the script {path} ({error.strerror}); name a readable file.") from error
    except UnicodeDecodeError as error:
        bad = error.object[: error.start].count(b"\n") + 1
        raise AccError(f"Line {bad} of the script {path} is not UTF-8; save the file as UTF-8.") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _spoken(path, number, line) if path.suffix in _JSON_LINES else line.strip()


def _spoken(path: Path, number: int, line: str) -> str:
    """Return what one line of a JSON Lines script says."""
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise AccError(f"Line {number} of the script {path} is not JSON ({error}); mend it.") from error
    text = value.get("text") if isinstance(value, dict) else value
    if not isinstance(text, str) or not text.strip():
        raise AccError(f'Line {number} of the script {path} says nothing; write a JSON text or {{"text": "…"}} there.')
    return text
