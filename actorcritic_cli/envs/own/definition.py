"""Reading a file with your own agent: its tools, its policy, its tasks, and which version of them this is.

The file is Python and is run, like any module that is imported: name only files you trust. Whatever goes wrong in it is
told in one sentence with file and line; the traceback is shown under ``ACC_DEBUG=1``.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct

from actorcritic_cli.envs.own.api import MARK
from actorcritic_cli.envs.own.signature import NotATool, OwnTool, tool_of
from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.hashing import canonical_json, sha256
from actorcritic_cli.types import Task

MAX_TURNS = 30
"""The agent's messages in a session, where the file does not say ``MAX_TURNS``."""
PREFIX = "own:"
"""What the names of these environments begin with."""

_OURS = Path(__file__).parents[2]


class Definition(Struct, frozen=True):
    """A file, read. ``version`` is a short hash of the file, its policy, its tasks and what it names in ``FILES``."""

    path: Path
    name: str
    version: str
    policy: str
    tools: tuple[OwnTool, ...]
    tasks: tuple[Task, ...]
    stated: frozenset[str]
    """Ids of the tasks that say what is right (``actions`` or ``outputs``, empty ones too)."""
    max_turns: int
    open_state: Callable[..., Any] | None
    state_hash: Callable[[Any], Any] | None
    score: Callable[..., Any] | None


class _Read(Struct, frozen=True):
    definition: Definition
    stamps: dict[Path, tuple[int, int] | None]


_known: dict[Path, _Read] = {}
_lock = threading.Lock()


def definition_of(path: str | Path) -> Definition:
    """Return what a file defines; it is read again when it, its policy, tasks or ``FILES`` have changed.

    Raises ``NotFound`` for no such file, ``AccError`` for what is wrong in it.
    """
    path = Path(path).resolve()
    with _lock:
        known = _known.get(path)
        if known is None or any(_stamp(file) != stamp for file, stamp in known.stamps.items()):
            known = _known[path] = _read(path)
        return known.definition


def where(error: BaseException, path: Path) -> str:
    """Return the place in the user's own code where an error arose: ``desk.py, line 12``."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename).resolve()
        installed = file.is_relative_to(_OURS) or "site-packages" in file.parts
        if file == path or (file.is_relative_to(path.parent) and not installed):
            return f"{file.name}, line {frame.lineno}"
    return path.name


def told(error: BaseException) -> str:
    """Return an error's type and text on one line."""
    text = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _read(path: Path) -> _Read:
    if not path.is_file():
        raise NotFound(f"There is no file {path}; --env takes the path of a Python file with your tools.")
    reading = _Reading(path)
    definition = reading.definition()
    return _Read(definition, {file: _stamp(file) for file in reading.files})


class _Reading:
    """One reading of a file: the module, and every file that counts for its version."""

    def __init__(self, path: Path):
        self.path = path
        self.files: dict[Path, None] = {path: None}
        self.source = self._bytes(path)
        self.module = self._module()

    def definition(self) -> Definition:
        """Return what the module says."""
        policy, (tasks, stated) = self._policy(), self._tasks()
        more = [self._bytes(self._beside(name)) for name in self._names("FILES")]
        parts = [self.source.decode("utf-8", "replace"), policy, canonical_json(msgspec.to_builtins(tasks))]
        version = sha256(canonical_json([*parts, *(text.hex() for text in more)]))[:12]
        max_turns = getattr(self.module, "MAX_TURNS", MAX_TURNS)
        if not isinstance(max_turns, int) or max_turns < 1:
            raise self._wrong("MAX_TURNS is not a whole number from 1")
        return Definition(
            path=self.path,
            name=PREFIX + self._text("NAME", self.path.stem),
            version=version,
            policy=policy,
            tools=tuple(self._tools()),
            tasks=tasks,
            stated=stated,
            max_turns=max_turns,
            open_state=self._function("open_state"),
            state_hash=self._function("state_hash"),
            score=self._function("score"),
        )

    def _module(self) -> ModuleType:
        folder = str(self.path.parent)
        if folder not in sys.path:  # at the end, so that nothing of ours or of Python's is hidden by it
            sys.path.append(folder)
        name = f"acc_own_{sha256(str(self.path))[:12]}"
        spec = importlib.util.spec_from_file_location(name, self.path)
        if spec is None or spec.loader is None:
            raise AccError(f"{self.path} is no Python file; --env takes one whose name ends in .py.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses and type hints look their module up
        try:
            exec(compile(self.source, str(self.path), "exec"), module.__dict__)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit() in somebody's file is an error in that file, too
            raise AccError(
                f"{where(error, self.path)}: {told(error)}; mend {self.path} (ACC_DEBUG=1 shows the traceback)."
            ) from error
        return module

    def _tools(self) -> Iterable[OwnTool]:
        names: set[str] = set()
        state_type = self._state_type()
        for value in list(vars(self.module).values()):
            if not inspect.isfunction(value) or not hasattr(value, MARK):
                continue
            try:
                tool = tool_of(value, state_type)
            except NotATool as error:
                line = value.__code__.co_firstlineno
                file = Path(value.__code__.co_filename).name
                raise AccError(f"{file}, line {line}: {value.__name__} cannot be a tool: {error}.") from error
            if tool.spec.name not in names:
                names.add(tool.spec.name)
                yield tool
        if not names:
            raise self._wrong("it has no tools; put @tool above the functions that the agent may call")

    def _state_type(self) -> Any:
        opens = self._function("open_state")
        if opens is None:
            return None
        try:
            found = get_type_hints(opens).get("return")
        except Exception:  # the parameter called ``state`` is still known by its name
            return None
        # A type that a model can send as well (a plain dict) is told from an argument by the name only.
        return None if found in (dict, list, str, int, float, bool, Any, type(None)) else found

    def _policy(self) -> str:
        given = self._text("POLICY", "policy.md")
        if "\n" in given:
            return given
        path = self._beside(given)
        if not path.is_file():
            raise self._wrong(f"there is no policy {path}; write one there, or name another file with POLICY = …")
        return self._read_text(path)

    def _tasks(self) -> tuple[tuple[Task, ...], frozenset[str]]:
        given = getattr(self.module, "TASKS", None)
        if given is None:
            beside = [self._beside(name) for name in ("tasks.json", "tasks.jsonl")]
            self.files.update(dict.fromkeys(beside))
            found = [path for path in beside if path.is_file()]
            given = found[0] if found else []
        items = self._tasks_in(self._beside(given)) if isinstance(given, (str, Path)) else _listed(given)
        tasks: dict[str, Task] = {}
        stated: set[str] = set()
        for place, item in items:
            task = self._task(place, item)
            if task.id in tasks:
                raise self._wrong(f"{place}: there is a second task '{task.id}'")
            tasks[task.id] = task
            if not isinstance(item, dict) or "actions" in item or "outputs" in item:
                stated.add(task.id)
        return tuple(tasks.values()), frozenset(stated)

    def _tasks_in(self, path: Path) -> Iterable[tuple[str, Any]]:
        if not path.is_file():
            raise self._wrong(f"there are no tasks {path}; write them there, or name another file with TASKS = …")
        text = self._read_text(path)
        if path.suffix == ".json":
            yield from (
                (f"{path.name}, task {n}", item) for n, item in enumerate(self._json(path, 1, text, list), start=1)
            )
            return
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                yield f"{path.name}, line {number}", self._json(path, number, line, dict)

    def _task(self, place: str, item: Any) -> Task:
        if isinstance(item, Task):
            return item
        try:
            task = msgspec.convert(item, Task)
        except msgspec.ValidationError as error:
            raise self._wrong(f"{place}: {error}") from error
        unknown = [key for key in item if key not in Task.__struct_fields__]
        if unknown:
            raise self._wrong(f"{place}: a task has no '{unknown[0]}' (what is your own goes into extra)")
        return task

    def _json(self, path: Path, first: int, text: str, kind: type) -> Any:
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise self._wrong(f"{path.name}, line {first + error.lineno - 1} is no JSON ({error.msg})") from error
        except RecursionError as error:
            raise self._wrong(f"{path.name}, line {first} is nested too deeply") from error
        if not isinstance(value, kind):
            raise self._wrong(f"{path.name}, line {first} is no JSON {'object' if kind is dict else 'list'}")
        return value

    def _function(self, name: str) -> Callable[..., Any] | None:
        value = getattr(self.module, name, None)
        if value is not None and not callable(value):
            raise self._wrong(f"{name} is not a function")
        return value

    def _text(self, name: str, default: str) -> str:
        value = getattr(self.module, name, default)
        if not isinstance(value, (str, Path)) or not str(value).strip():
            raise self._wrong(f"{name} is not a text")
        return str(value)

    def _names(self, name: str) -> list[str]:
        value = getattr(self.module, name, ())
        if isinstance(value, str) or not all(isinstance(item, (str, Path)) for item in value):
            raise self._wrong(f"{name} is not a list of file names")
        return [str(item) for item in value]

    def _beside(self, name: str | Path) -> Path:
        path = self.path.parent / name
        self.files[path] = None
        return path

    def _bytes(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise AccError(f"{self.path.name}: cannot read {path} ({error.strerror}); name a readable file.") from error

    def _read_text(self, path: Path) -> str:
        try:
            return self._bytes(path).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self._wrong(f"{path.name} is not UTF-8") from error

    def _wrong(self, what: str) -> AccError:
        return AccError(f"{self.path.name}: {what}; mend {self.path}.")


def _listed(given: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(given, (list, tuple)) or not all(isinstance(item, (Mapping, Task)) for item in given):
        raise AccError("TASKS is neither a list of tasks nor the name of a file with them; mend it.")
    return ((f"TASKS[{n}]", dict(item) if isinstance(item, Mapping) else item) for n, item in enumerate(given))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
