"""Runs on record whose sessions pair: the same tasks, trials and seeds, with a critic and without."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.session.events import Ended
from actorcritic_cli.session.plan import Plan
from actorcritic_cli.session.runner import record_plan
from actorcritic_cli.store.bulk import bulk_writing
from actorcritic_cli.store.database import Database
from actorcritic_cli.types import ModelCall, Usage
from tests.sim_sessions import CriticFor, hold, spec_for


def record_run(
    database: Database,
    run: str,
    critic: CriticFor | None = None,
    *,
    trials: int = 2,
    env: str = "tau_retail",
    tasks: Iterable[str] | None = None,
    seed: int = 0,
    cost: float | None = None,
    unscored: Iterable[tuple[str, int]] = (),
    **options: object,
) -> None:
    """Hold the sessions of a run with ``sim:hasty`` and write them down.

    Each actor's proposal costs ``cost`` dollars, a second and 10 tokens, if that is given. The sessions named in
    ``unscored`` end without a reward.
    """
    shared = spec_for(env, "sim:hasty", seed=seed, supervised=critic is not None, **options)
    known = {task.id: task for task in registry.load(env).tasks()}
    plan = Plan(shared, tuple(tasks or known), trials)
    record_plan(database, run, plan)
    without_score = set(unscored)
    with bulk_writing(database) as writer:
        for number, spec in enumerate(plan.sessions()):
            assert spec.task_id is not None
            started, *events = hold(spec, known[spec.task_id], critic)
            written = [replace(started, session=f"{run}-{number}", run=run, at=1.7e9)]
            for event in events:
                if isinstance(event, Ended) and (spec.task_id, spec.trial) in without_score:
                    event = replace(event, reward=None)
                written.append(_priced(event, cost))
            writer.add(written)


def _priced(event, cost):
    if cost is None or type(event).__name__ != "Proposed":
        return event
    return replace(event, call=ModelCall("actor", "openai/x", usage=Usage(7, 3, 0), cost=cost, latency=1.0))
