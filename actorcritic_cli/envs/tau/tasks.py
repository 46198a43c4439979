"""Reading task lists: our own JSON, the benchmark's JSON, and the benchmark's Python.

The benchmark ships its tasks as Python source, ``TASKS = [Task(user_id=…, actions=[Action(…)], …), …]``. It is parsed, never
run: nothing but literals inside those two calls is understood.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import msgspec

from actorcritic_cli.errors import AccError
from actorcritic_cli.types import ExpectedAction, Task


class _Action(msgspec.Struct):
    name: str
    kwargs: dict[str, Any]


class _Task(msgspec.Struct):
    user_id: str
    instruction: str
    actions: list[_Action]
    outputs: list[str] = []


def read_tasks(path: Path) -> tuple[Task, ...]:
    """Return the tasks of a file; which of the three forms it has shows in its content.

    Raises ``AccError`` when it cannot be read or understood.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        value = tasks_of_source(text) if path.suffix == ".py" else json.loads(text)
        ours = isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "id" in value[0]
        if ours:
            return msgspec.convert(value, tuple[Task, ...])
        return tuple(_task(index, task) for index, task in enumerate(msgspec.convert(value, list[_Task])))
    except OSError as error:
        raise AccError(f"Cannot read the tasks {path} ({error.strerror}); fetch the data set again.") from error
    except (ValueError, SyntaxError, RecursionError, msgspec.ValidationError) as error:
        raise AccError(f"The tasks {path} are not in a known form ({error}); fetch the data set again.") from error


def tasks_of_source(source: str) -> list[dict[str, Any]]:
    """Return the task list of the benchmark's Python file as JSON values, without running it.

    Annotators' names are left out. Raises ``ValueError`` or ``SyntaxError`` for anything but a list of ``Task(…)`` literals.
    """
    for statement in ast.parse(source).body:
        value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
        if isinstance(value, ast.List) and value.elts and all(_is_call(item, "Task") for item in value.elts):
            return [_literal(item) for item in value.elts]
    raise ValueError("there is no list of Task(…) in it")


def _is_call(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _literal(node: ast.expr) -> Any:
    """Return the value of a literal in which ``Task(…)`` and ``Action(…)`` stand for objects."""
    if isinstance(node, ast.List):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Call) and (_is_call(node, "Task") or _is_call(node, "Action")) and not node.args:
        return {word.arg: _literal(word.value) for word in node.keywords if word.arg and word.arg != "annotator"}
    return ast.literal_eval(node)


def _task(index: int, task: _Task) -> Task:
    return Task(
        id=str(index),
        instruction=task.instruction,
        actions=tuple(ExpectedAction(action.name, action.kwargs) for action in task.actions),
        outputs=tuple(task.outputs),
        extra={"user_id": task.user_id},
    )
