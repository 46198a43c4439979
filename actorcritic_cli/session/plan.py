"""What a run is to do: tasks × trials under one configuration, as a value that the record keeps.

The same plan gives the same sessions, so a run that was interrupted is resumed from its plan alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.errors import NotFound, UsageError
from actorcritic_cli.types import SessionSpec


class Plan(Struct, frozen=True):
    """A run: ``spec`` is the configuration that all sessions share (its task and trial are placeholders)."""

    spec: SessionSpec
    tasks: tuple[str, ...]
    trials: int = 1

    def __len__(self) -> int:
        return len(self.tasks) * self.trials

    def sessions(self) -> Iterator[SessionSpec]:
        """Yield the specification of every session: trial by trial, so that an early stop leaves whole trials."""
        for trial in range(self.trials):
            for task in self.tasks:
                yield replace(self.spec, task_id=task, trial=trial, seed=_seed(self.spec.seed, task, trial))


def _seed(base: int, task: str, trial: int) -> int:
    """Return a seed of its own for every session, the same whenever the plan is carried out."""
    return int.from_bytes(hashlib.sha256(f"{base}/{task}/{trial}".encode()).digest()[:4], "big") >> 1


def choose_tasks(wanted: str | None, existing: Sequence[str]) -> tuple[str, ...]:
    """Return the tasks that ``--tasks`` names: ``all``, ids, ranges of numbers (``0-9``) or glob-like ``cancel-*``.

    Raises ``NotFound`` for an id that does not exist, ``UsageError`` for an empty choice.

    >>> choose_tasks("0-2,5", ["0", "1", "2", "3", "4", "5"])
    ('0', '1', '2', '5')
    """
    if wanted is None or wanted == "all":
        return tuple(existing)
    known, chosen = set(existing), dict[str, None]()
    for part in filter(None, (p.strip() for p in wanted.split(","))):
        span = re.fullmatch(r"(\d+)-(\d+)", part)
        if part in known:
            names = [part]
        elif "*" in part:
            pattern = re.compile(re.escape(part).replace(r"\*", ".*"))
            names = [task for task in existing if pattern.fullmatch(task)]
        elif span:
            names = [task for task in existing if task.isdigit() and int(span[1]) <= int(task) <= int(span[2])]
        else:
            names = []
        if not names:
            raise NotFound(f"No task is called '{part}'; this data set has {', '.join(existing[:6])} …")
        chosen.update(dict.fromkeys(names))
    if not chosen:
        raise UsageError("--tasks names no task; say all, ids, or a range such as 0-9.")
    return tuple(chosen)
