"""``acc critic live``: what critics change in sessions that they supervise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from actorcritic_cli.cli import critic_options as c
from actorcritic_cli.cli import options as o
from actorcritic_cli.cli.common import DbOption, JsonOption, print_json, say
from actorcritic_cli.errors import UsageError
from actorcritic_cli.types import Gate

if TYPE_CHECKING:
    from actorcritic_cli.learn.live import Live, Side, Where


def live(
    critic: Annotated[
        list[str],
        typer.Argument(metavar="CRITIC...", help="builtin, GGUF files, names of pulled models, provider/model."),
    ],
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="The tasks of a data set of acc critic data, and seeds it has not."),
    ] = None,
    split: Annotated[
        Literal["train", "valid", "test", "all"], typer.Option(help="With --data: the tasks of which split.")
    ] = "test",
    env: Annotated[str | None, typer.Option("--env", help="Without --data: the environment.")] = None,
    dataset: o.DatasetOption = None,
    tasks: Annotated[str | None, typer.Option(help="Without --data: its tasks, as for acc run.")] = None,
    most_tasks: Annotated[
        int | None,
        typer.Option("--most-tasks", metavar="N", min=1, help="With --data: at most N tasks of each environment."),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Sessions per task.")] = 4,
    seed: Annotated[int, typer.Option(help="Seed of the sessions.")] = 0,
    actor: Annotated[str, typer.Option("--actor", help="Who proposes, as for acc run.")] = "sim:hasty",
    user: Annotated[str, typer.Option("--user", help="Who asks, as for acc run.")] = "script",
    actor_option: o.ActorOptionsOption = None,
    env_option: o.EnvOptionsOption = None,
    gate: Annotated[Gate, typer.Option(help="Which proposals are judged.")] = "auto",
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Sessions held at the same time.")] = 1,
    threshold: c.ThresholdOption = None,
    critic_base: c.CriticBaseOption = None,
    critic_template: c.CriticTemplateOption = None,
    critic_timeout: c.CriticTimeoutOption = 120.0,
    critic_ctx: c.CriticContextOption = None,
    lora: c.LoraOption = None,
    gpu_layers: c.GpuLayersOption = "auto",
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Hold the same sessions with each critic and without one, and say which failures it mends and which successes it
    breaks.

    The tasks are those of a data set's split (--data), or of an environment (--env). Sessions are on record and are not
    held twice: interrupted, the same command goes on where it stood.
    """
    from actorcritic_cli.learn.live import Live, Trials, check_fresh, tasks_of
    from actorcritic_cli.paths import database_path
    from actorcritic_cli.show.steps import steps
    from actorcritic_cli.store.database import open_database
    from actorcritic_cli.store.library import Library

    if (data is None) == (env is None):
        raise UsageError("Say on which tasks: those of a data set with --data DIR, or of an environment with --env.")
    if data is not None and (tasks is not None or dataset is not None):
        raise UsageError("--tasks and --dataset go with --env; with --data, its split says which tasks.")
    chosen = (
        tasks_of(data, None if split == "all" else split, most_tasks)
        if data is not None
        else _tasks(env or "", dataset, tasks)
    )
    wanted = Trials(
        actor=actor,
        actor_options={**o.pairs_of("--actor-option", actor_option), **_model_options(actor, seed)},
        user=user,
        user_options={"seed": seed} if user.startswith("llm:") else {},
        trials=trials,
        seed=seed,
        gate=gate,
        env_options=o.env_options_of(None, env_option),
    )
    if data is not None:
        check_fresh(data, [wanted.plan(where, own, None, {}) for where, own in chosen.items()])
    options = c.critic_options(
        critic=critic[:1],
        critic_base=critic_base,
        threshold=threshold,
        critic_template=critic_template,
        critic_timeout=critic_timeout,
        critic_ctx=critic_ctx,
        lora=lora,
        gpu_layers=gpu_layers,
    )
    database = database_path(db)
    done: list[Side] = []
    with open_database(database) as opened, steps() as tell:
        holding = Live(database, Library(opened), wanted, jobs, tell)
        try:
            holding.alone(chosen)
            for name in critic:
                done += _supervised(holding, chosen, name, {**options, "seed": seed})
        except KeyboardInterrupt:
            say("\ninterrupted; what was held is on record: the same command goes on from there.")
            raise
    if json:
        print_json({"protocol": wanted, "critics": done})
        return
    from actorcritic_cli.show.console import stdout
    from actorcritic_cli.show.live_effect import print_effects

    print_effects(stdout(), wanted, done)
    say("More of each: acc diff --run A B, or acc stats --run B --baseline A; the runs are in --json.")


def _supervised(holding: Live, tasks: dict[Where, tuple[str, ...]], name: str, options: dict[str, Any]) -> list[Side]:
    from actorcritic_cli.critics.resolve import resolve

    judge = resolve(name, options)
    try:
        judge.start()
        return holding.supervised(tasks, judge, o.critic_on_record(name), options)
    finally:
        judge.close()


def _tasks(env: str, dataset: str | None, tasks: str | None) -> dict[Where, tuple[str, ...]]:
    from actorcritic_cli.envs import registry
    from actorcritic_cli.session.plan import choose_tasks

    environment = registry.load(env, dataset)
    named, _ = registry.on_record(env)
    existing = [task.id for task in environment.tasks()]
    return {(named, environment.dataset): choose_tasks(tasks, existing)}


def _model_options(actor: str, seed: int) -> dict[str, Any]:
    """Return what a cloud model is asked with, as in a run."""
    return {} if actor.startswith(("recorded:", "sim:")) else {"max_tokens": 4096, "seed": seed}
