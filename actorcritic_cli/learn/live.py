"""A critic at work: the same tasks, trials and seeds held with it and without it, and what became of each pair.

The runs stand on record like any other and are found again there, so that an interrupted measurement goes on where it
stood, and ``acc diff --run`` and ``acc stats --baseline`` tell more of them. Of a data set, the tasks of one split are
taken (by default ``test``, which no critic was trained on), and seeds of which the data set has no session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from actorcritic_cli.analysis.pairs import Effect, TaskPairs, effect
from actorcritic_cli.critics.protocol import Critic
from actorcritic_cli.errors import NotFound, UsageError
from actorcritic_cli.hashing import sha256
from actorcritic_cli.learn.dataset import SplitName, read_card, read_rows
from actorcritic_cli.learn.holding import Due, due, hold
from actorcritic_cli.session.plan import Plan
from actorcritic_cli.store.database import Database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.run_steps import sessions_of_run
from actorcritic_cli.types import CriticIdentity, Gate, SessionSpec, Supervision, is_success

Where = tuple[str, str]
"""Environment and data set."""


class Trials(Struct, frozen=True):
    """What is held: who proposes and asks, how often each task, from which seed on, and what the critic is shown."""

    actor: str
    actor_options: dict[str, Any]
    user: str
    user_options: dict[str, Any]
    trials: int
    seed: int
    gate: Gate = "auto"
    env_options: dict[str, Any] = {}

    def plan(self, where: Where, tasks: Sequence[str], critic: str | None, options: Mapping[str, Any]) -> Plan:
        """Return a run on some tasks of an environment, with a critic (by its name on record) or without one."""
        env, dataset = where
        spec = SessionSpec(
            env=env,
            dataset=dataset,
            task_id=None,
            actor=self.actor,
            user=self.user,
            critic=critic,
            seed=self.seed,
            supervision=Supervision(mode="off" if critic is None else "enforce", gate=self.gate),
            actor_options=self.actor_options,
            critic_options=dict(options) if critic is not None else {},
            env_options=self.env_options,
            user_options=self.user_options,
        )
        return Plan(spec, tuple(sorted(tasks)), self.trials)


class Side(Struct, frozen=True):
    """What a critic changed in one environment, or in all of them together (``env`` is then empty)."""

    env: str
    dataset: str
    critic: CriticIdentity
    tasks: tuple[str, ...]
    runs: tuple[str, ...]
    """The run without it and the run with it."""
    effect: Effect
    sent_back: int
    """Turns of the supervised sessions in which it sent something back."""


def tasks_of(data: Path, split: SplitName | None, most: int | None = None) -> dict[Where, tuple[str, ...]]:
    """Return the tasks of a data set's split (``None``: of all) by environment, of each at most so many: those whose hash is
    least. Raises ``NotFound`` where there are none.
    """
    names: tuple[SplitName, ...] = ("train", "valid", "test") if split is None else (split,)
    found: dict[Where, dict[str, None]] = {}
    for name in names:
        for row in read_rows(data, name):
            if row.task != f"session {row.session}":  # a free conversation cannot be held again
                found.setdefault((row.env, row.dataset), {})[row.task] = None
    if not found:
        raise NotFound(f"There are no tasks in {data.resolve().name}, {split or 'all splits'}; make a larger data set.")
    return {where: tuple(sorted(sorted(tasks, key=sha256)[:most])) for where, tasks in sorted(found.items())}


def check_fresh(data: Path, plans: Sequence[Plan]) -> None:
    """Raise ``UsageError`` where a session to be held has the seed of one that the data set was made of."""
    seen = set(read_card(data).get("seeds", ()))
    again = next((spec.seed for plan in plans for spec in plan.sessions() if spec.seed in seen), None)
    if again is not None:
        raise UsageError(
            f"The data set was made of sessions with the same seeds ({again} is one); choose another --seed, so that "
            "what is measured was not seen before."
        )


class Live:
    """Holds what a measurement needs. ``progress`` is told of sessions held, of how many, with whose name."""

    def __init__(self, database: Path, library: Library, trials: Trials, jobs: int, progress: Callable[..., Any]):
        self.database, self.library, self.trials, self.jobs, self.progress = database, library, trials, jobs, progress
        self._alone: dict[Where, Due] = {}

    def alone(self, tasks: Mapping[Where, Sequence[str]]) -> None:
        """Hold the sessions without a critic."""
        runs = [due(self.library, self.trials.plan(where, own, None, {})) for where, own in tasks.items()]
        self._hold(runs, None, "without a critic")
        self._alone = dict(zip(tasks, runs, strict=True))

    def supervised(
        self, tasks: Mapping[Where, Sequence[str]], critic: Critic, name: str, options: Mapping[str, Any]
    ) -> list[Side]:
        """Hold the same sessions with a critic that was started, and return what it changed: in each environment, and
        where there are several, in all."""
        plans = {where: self.trials.plan(where, own, name, options) for where, own in tasks.items()}
        runs = {where: due(self.library, plan, critic) for where, plan in plans.items()}
        self._hold(list(runs.values()), critic, f"with {critic.identity.name}")
        database = self.library.database
        everything: list[TaskPairs] = []
        sides = []
        for (env, dataset), run in runs.items():
            alone = self._alone[env, dataset]
            pairs = task_pairs(database, alone.run, run.run)
            everything += [_of(env, dataset, one) for one in pairs]
            sent_back = _sent_back(database, run.run)
            both = (alone.run, run.run)
            sides.append(Side(env, dataset, critic.identity, run.plan.tasks, both, effect(pairs), sent_back))
        if len(sides) > 1:
            total = sum(side.sent_back for side in sides)
            sides.append(Side("", "", critic.identity, (), (), effect(everything), total))
        return sides

    def _hold(self, runs: Sequence[Due], critic: Critic | None, who: str) -> None:
        hold(self.database, self.library, runs, self.jobs, lambda done, total: self.progress(who, done, total), critic)


def task_pairs(database: Database, alone: str, supervised: str) -> list[TaskPairs]:
    """Return how the scored pairs of two runs ended, task by task."""
    before, after = sessions_of_run(database, alone), sessions_of_run(database, supervised)
    counts: dict[str, dict[str, int]] = {}
    for (task, trial), one in before.items():
        other = after.get((task, trial))
        if task is None or other is None or one.reward is None or other.reward is None:
            continue
        words = {(True, True): "both", (False, True): "mended", (True, False): "broken", (False, False): "neither"}
        word = words[is_success(one.reward), is_success(other.reward)]
        own = counts.setdefault(task, dict.fromkeys(words.values(), 0))
        own[word] += 1
    return [TaskPairs(task, **own) for task, own in sorted(counts.items())]


def _of(env: str, dataset: str, one: TaskPairs) -> TaskPairs:
    return TaskPairs(f"{env}/{dataset}/{one.task}", one.both, one.mended, one.broken, one.neither)


def _sent_back(database: Database, run: str) -> int:
    row = database.row(
        "SELECT count(DISTINCT p.session || '/' || p.step) AS turns FROM decisions d JOIN proposals p ON p.id = d.proposal "
        "JOIN sessions s ON s.id = d.session WHERE s.run = ? AND d.decision <> 'accept'",
        (run,),
    )
    return int(row["turns"]) if row is not None else 0
