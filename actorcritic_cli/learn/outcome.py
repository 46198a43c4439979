"""Labels from how sessions ended.

A score says of a whole session whether it came out right, and of none of its proposals. What follows from it all the same
is little, and no more is inferred. Where the score compares the final state with one that is right:

- In a session that passed, every write that was carried out was right.
- In a session that failed, a write was right if the same call was made in a session on the same task that passed. If
  there are such sessions and none of them made that call, it was wrong. Where no session passed, nothing is known.

Replies, reads and failed calls change no state and get no label; nor does a session that another party than the actor made
fail, or that is not scored. It can err where a wrong write was mended by a later one in a session that passed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from actorcritic_cli.learn.ground_truth import Place, by_proposal
from actorcritic_cli.learn.writes import Held
from actorcritic_cli.types import Label

Task = tuple[str, str, str]
"""Environment, data set and the task's id."""


def task_of(held: Held) -> Task | None:
    """Return the task by which sessions are compared; ``None`` for one that nothing is inferred from."""
    if held.unsuitable is not None or held.passed is None or held.task is None:
        return None
    return held.env, held.dataset, held.task.id


def calls_that_passed(sessions: Iterable[Held]) -> dict[Task, frozenset[tuple[str, Hashable]]]:
    """Return, for every task with a session that passed, the writes made in those that did."""
    found: dict[Task, set[tuple[str, Hashable]]] = {}
    for held in sessions:
        task = task_of(held)
        if task is not None and held.passed:
            made = (held.identity(write.tool, write.arguments) for write in held.writes if not write.failed)
            found.setdefault(task, set()).update(made)
    return {task: frozenset(calls) for task, calls in found.items()}


def outcome_labels(held: Held, passed: dict[Task, frozenset[tuple[str, Hashable]]]) -> dict[Place, Label]:
    """Return the labels of a session's proposals, given what ``calls_that_passed`` found in all sessions."""
    task = task_of(held)
    if task is None or task not in passed or (not held.passed and held.fault not in (None, "actor")):
        return {}
    labels = []
    for write in held.writes:
        if write.failed:
            continue
        if held.passed:
            label = Label("approve", "the session passed", "outcome")
        elif held.identity(write.tool, write.arguments) in passed[task]:
            label = Label("approve", "a session on this task that passed did the same", "outcome")
        else:
            label = Label("revise", "no session on this task that passed did this, and this one failed", "outcome")
        labels.append((write, label))
    return by_proposal(labels)
