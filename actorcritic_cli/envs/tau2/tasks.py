"""Tasks of τ²-bench, as its files and its recordings hold them.

A task's scenario becomes the instruction of the simulated user; what the score needs beside the expected calls (which
components count, the statements for a judge …) goes into ``extra`` and is read back by ``criteria``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli.types import ExpectedAction, Task

DEFAULT_BASIS = ("DB", "COMMUNICATE")


class _Action(Struct):
    name: str
    arguments: dict[str, Any]
    requestor: str = "assistant"
    compare_args: list[str] | None = None


class _Evaluation(Struct):
    actions: list[_Action] | None = None
    env_assertions: list[dict[str, Any]] | None = None
    communicate_info: list[str] | None = None
    nl_assertions: list[str] | None = None
    reward_basis: list[str] | None = None


class _Instructions(Struct):
    domain: str | None = None
    reason_for_call: str | None = None
    known_info: str | None = None
    unknown_info: str | None = None
    task_instructions: str | None = None


class _Scenario(Struct):
    instructions: _Instructions | str
    persona: str | None = None


class _Description(Struct):
    purpose: str | None = None


class FileTask(Struct):
    """A task in a file; unknown keys are passed over."""

    id: str
    user_scenario: _Scenario
    description: _Description | None = None
    initial_state: dict[str, Any] | None = None
    evaluation_criteria: _Evaluation | None = None


class Criteria(Struct, frozen=True):
    """What of a task the score needs beside its actions and outputs (``Task.extra``)."""

    reward_basis: tuple[str, ...] = DEFAULT_BASIS
    nl_assertions: tuple[str, ...] = ()
    env_assertions: tuple[dict[str, Any], ...] = ()
    compare_args: tuple[tuple[str, ...] | None, ...] = ()
    """For each action the arguments that are compared; ``None`` and a missing entry are those of the call."""
    any_state: bool = False
    """Whether the state is not looked at: the task names neither actions nor assertions (not even empty lists)."""
    initial_state: dict[str, Any] | None = None


def criteria(task: Task) -> Criteria:
    """Return what ``extra`` says of the score. Raises ``msgspec.ValidationError`` for an ``extra`` of another form."""
    return msgspec.convert(task.extra, Criteria)


def task_of(file: FileTask) -> Task:
    """Return a task in acc's form."""
    evaluation = file.evaluation_criteria or _Evaluation()
    actions = [action for action in evaluation.actions or () if action.requestor == "assistant"]
    compared = tuple(tuple(a.compare_args) if a.compare_args is not None else None for a in actions)
    kept = Criteria(
        reward_basis=tuple(evaluation.reward_basis if evaluation.reward_basis is not None else DEFAULT_BASIS),
        nl_assertions=tuple(evaluation.nl_assertions or ()),
        env_assertions=tuple(evaluation.env_assertions or ()),
        compare_args=compared if any(names is not None for names in compared) else (),
        any_state=evaluation.actions is None and evaluation.env_assertions is None,
        initial_state=file.initial_state or None,
    )
    return Task(
        id=file.id,
        instruction=instruction(file.user_scenario),
        actions=tuple(ExpectedAction(action.name, action.arguments) for action in actions),
        outputs=tuple(evaluation.communicate_info or ()),
        title=(file.description.purpose or "") if file.description else "",
        extra={key: value for key, value in msgspec.to_builtins(kept).items() if value != _ABSENT.get(key)},
    )


_ABSENT: dict[str, Any] = {**msgspec.to_builtins(Criteria()), "reward_basis": None}


def instruction(scenario: _Scenario) -> str:
    """Return a scenario as the text a simulated user plays."""
    parts: list[tuple[str, str | None]] = [("Personality", scenario.persona)]
    wanted = scenario.instructions
    if isinstance(wanted, str):
        parts.append(("", wanted))
    else:
        parts += [
            ("What the call is about", wanted.domain),
            ("Why you call", wanted.reason_for_call),
            ("What you know", wanted.known_info),
            ("What you do not know", wanted.unknown_info),
            ("How to act", wanted.task_instructions),
        ]
    return "\n\n".join(
        [*(f"{title}:\n{text}" if title else text for title, text in parts if text and text.strip()), _ENDINGS]
    )


def without_endings(text: str) -> str:
    """Return an instruction as the one text of a scenario that makes it."""
    return text.removesuffix(_ENDINGS).rstrip("\n") if text.endswith(_ENDINGS) else text


_ENDINGS = (
    "How it can end otherwise:\n"
    "Once you are told that you are being transferred to a human, answer ###TRANSFER### alone. If the talk needs "
    "something that nothing above provides for, answer ###OUT-OF-SCOPE### alone."
)


def tasks_of(files: Sequence[FileTask]) -> tuple[Task, ...]:
    """Return tasks in acc's form."""
    return tuple(task_of(file) for file in files)
