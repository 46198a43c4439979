"""``acc run``: a batch of sessions, resumable."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from actorcritic_cli.cli import critic_options as c
from actorcritic_cli.cli import options as o
from actorcritic_cli.cli.common import DbOption, JsonOption, print_json
from actorcritic_cli.critics.protocol import Critic, KnowsPolicies
from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.session.plan import Plan
from actorcritic_cli.types import Limits, SessionSpec


def run(
    env: o.EnvOption = "tau_airline",
    dataset: o.DatasetOption = None,
    tasks: Annotated[str | None, typer.Option(help="Tasks: all, ids, ranges (0-9), patterns (cancel-*).")] = None,
    trials: Annotated[int, typer.Option(min=1, help="Sessions per task.")] = 1,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Sessions held at the same time.")] = 1,
    actor: o.ActorOption = None,
    user: o.UserOption = None,
    critic: c.CriticByDefaultOption = None,
    panel: c.PanelOption = None,
    critic_base: c.CriticBaseOption = None,
    supervise: o.SuperviseOption = "enforce",
    threshold: c.ThresholdOption = None,
    gate: o.GateOption = "auto",
    max_revisions: o.MaxRevisionsOption = 2,
    choose: o.ChooseOption = 1,
    out_of_revisions: o.OutOfRevisionsOption = None,
    on_critic_error: o.OnCriticErrorOption = None,
    keep_critiques: o.KeepCritiquesOption = False,
    critic_template: c.CriticTemplateOption = None,
    critic_timeout: c.CriticTimeoutOption = 120.0,
    critic_ctx: c.CriticContextOption = None,
    aspects: c.AspectsOption = None,
    think: c.ThinkOption = None,
    lora: c.LoraOption = None,
    gpu_layers: c.GpuLayersOption = "auto",
    max_turns: o.MaxTurnsOption = None,
    max_cost: o.MaxCostOption = None,
    max_seconds: o.MaxSecondsOption = None,
    judge: o.JudgeOption = None,
    env_option: o.EnvOptionsOption = None,
    actor_option: o.ActorOptionsOption = None,
    actor_base: o.ActorBaseOption = None,
    user_base: o.UserBaseOption = None,
    user_strategy: o.UserStrategyOption = None,
    temperature: o.TemperatureOption = None,
    max_tokens: o.MaxTokensOption = 4096,
    seed: o.SeedOption = None,
    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="RUN", help="Go on with an interrupted run; it keeps its own options."),
    ] = None,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Hold a batch of sessions: tasks × trials under one configuration.

    Every event is on record before its effect, so a run that is interrupted (Ctrl-C, a crash, a reboot) is resumed with
    --resume and loses nothing. Without --user, scripted users are used where the tasks have scripts.
    """
    from actorcritic_cli.ids import new_run_id
    from actorcritic_cli.paths import database_path
    from actorcritic_cli.session.plan import choose_tasks
    from actorcritic_cli.session.runner import read_plan
    from actorcritic_cli.store.database import open_database
    from actorcritic_cli.store.library import Library

    database = database_path(db)
    if resume is not None:
        with open_database(database, create=False) as opened:
            run_id = Library(opened).find_run(resume)
            plan = read_plan(opened, run_id)
    else:
        from actorcritic_cli.session.build import environment_for

        if actor is None:
            raise UsageError("Say who proposes: --actor MODEL (acc models lists aliases) or --actor recorded:SOURCE.")
        critic = c.default_critic(critic, supervise, env, dataset, o.env_options_of(judge, env_option))
        spec = o.spec_of(
            database=database,
            env=env,
            dataset=dataset,
            task=None,
            actor=actor,
            user=user or ("recorded" if actor.startswith("recorded:") else "script"),
            critic=critic,
            critic_options=c.critic_options(
                critic=critic,
                panel=panel,
                critic_base=critic_base,
                threshold=threshold,
                critic_template=critic_template,
                critic_timeout=critic_timeout,
                critic_ctx=critic_ctx,
                aspects=aspects,
                think=think,
                lora=lora,
                gpu_layers=gpu_layers,
            ),
            supervision=o.supervision_of(
                critic=critic,
                supervise=supervise,
                gate=gate,
                max_revisions=max_revisions,
                choose=choose,
                out_of_revisions=out_of_revisions,
                on_critic_error=on_critic_error,
                keep_critiques=keep_critiques,
                can_ask=False,
            ),
            limits=Limits(max_turns, max_cost, max_seconds),
            actor_base=actor_base,
            user_base=user_base,
            user_strategy=user_strategy,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed or 0,
            judge=judge,
            env_option=env_option,
            actor_option=actor_option,
        )
        existing = [task.id for task in environment_for(spec).tasks()]
        plan = Plan(spec, choose_tasks(tasks, existing), trials)
        run_id = new_run_id()
    _carry_out(database, run_id, plan, jobs, new=resume is None, json=json)


def _carry_out(database: Path, run_id: str, plan: Plan, jobs: int, *, new: bool, json: bool) -> None:
    from actorcritic_cli.exchange.recordings import finder
    from actorcritic_cli.session.build import check_models, environment_for, parties_for, task_for
    from actorcritic_cli.session.lock import held
    from actorcritic_cli.session.runner import Runner, record_plan
    from actorcritic_cli.show.progress import RunProgress
    from actorcritic_cli.store.database import open_database

    check_models(plan.spec)
    first = next(plan.sessions())
    # What no session could do is said once, and before anything is recorded.
    parties_for(first, task_for(environment_for(first), first.task_id), critic=None, recordings=finder(database))
    # The critic comes first: one that cannot be loaded is said before anything is recorded.
    with critic_of(plan.spec) as critic, held(database, run_id):
        if new:
            with open_database(database) as opened:
                record_plan(opened, run_id, plan)
        with RunProgress(run_id, plan) as progress:
            runner = Runner(database, run_id, plan, critic, finder(database), progress.watch)
            try:
                runner.hold_all(jobs, progress.report)
            except KeyboardInterrupt:
                progress.say(f"interrupted; go on with: acc run --resume {run_id}")
                raise
    if json:
        print_json(progress.summary())
    else:
        typer.echo(run_id)
    if progress.failures:
        raise AccError(
            f"{progress.failures} of {len(plan)} sessions stopped on an unexpected error ({progress.first_failure}); "
            f"what they did is kept: acc run --resume {run_id}"
        )


@contextlib.contextmanager
def critic_of(spec: SessionSpec) -> Iterator[Critic | None]:
    """Open the critic of a configuration, started and working, and close it afterwards; ``None`` when unsupervised.

    One that does not know the environment's policy warns of that here, before anything else is on the screen.
    """
    from actorcritic_cli.session.build import critic_for, environment_for

    critic = critic_for(spec)
    if critic is None:
        yield None
        return
    try:
        critic.start()
        if isinstance(critic, KnowsPolicies):
            critic.notice(environment_for(spec).policy)
        yield critic
    finally:
        critic.close()
