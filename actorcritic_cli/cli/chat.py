"""``acc chat``: one supervised session."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorcritic_cli.cli import critic_options as c
from actorcritic_cli.cli import options as o
from actorcritic_cli.cli.common import DbOption, print_json_line, say
from actorcritic_cli.errors import EXIT_ERROR, UsageError
from actorcritic_cli.session.events import Event
from actorcritic_cli.session.state import State
from actorcritic_cli.types import Limits, SessionSpec, Task

if TYPE_CHECKING:
    from actorcritic_cli.replay.fork import ForkPoint


def chat(
    env: o.EnvOption = "tau_airline",
    dataset: o.DatasetOption = None,
    task: Annotated[
        str | None, typer.Option(help="Task (acc env show); without one it is a free, unscored conversation.")
    ] = None,
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
        typer.Option(
            "--resume", metavar="SESSION", help="Go on with an interrupted session; it keeps its own options."
        ),
    ] = None,
    db: DbOption = None,
    json: Annotated[bool, typer.Option("--json", help="Print the session's events as JSON Lines.")] = False,
) -> None:
    """Hold one supervised session, on the screen and on record.

    At a terminal you are the user: type, or use /why, /override, /revise TEXT, /stop, /quit. With --user script or
    --user llm:MODEL somebody else asks, and you only have the last word on what supervision stops.
    """
    from actorcritic_cli.paths import database_path
    from actorcritic_cli.session.build import environment_for, task_for
    from actorcritic_cli.store.database import open_database
    from actorcritic_cli.store.library import Library

    database = database_path(db)
    if resume is not None:
        with open_database(database, create=False) as opened:
            library = Library(opened)
            session = library.find_session(resume)
            spec, task_body = library.session_spec(session)
        converse(database, spec, task_body, resume=session, json=json)
        return
    if actor is None:
        raise UsageError("Say who proposes: --actor MODEL (acc models lists aliases) or --actor recorded:SOURCE.")
    critic = c.default_critic(critic, supervise, env, dataset, o.env_options_of(judge, env_option))
    spec = o.spec_of(
        database=database,
        env=env,
        dataset=dataset,
        task=task,
        actor=actor,
        user=user or ("recorded" if actor.startswith("recorded:") else "person"),
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
            can_ask=o.at_terminal() and not json,
        ),
        limits=Limits(max_turns, max_cost, max_seconds),
        actor_base=actor_base,
        user_base=user_base,
        user_strategy=user_strategy,
        temperature=temperature,
        max_tokens=max_tokens,
        seed=secrets.randbelow(1 << 31) if seed is None else seed,
        judge=judge,
        env_option=env_option,
        actor_option=actor_option,
    )
    converse(database, spec, task_for(environment_for(spec), task), json=json)


def converse(
    database: Path,
    spec: SessionSpec,
    task: Task | None,
    *,
    resume: str | None = None,
    fork: ForkPoint | None = None,
    json: bool = False,
) -> None:
    """Hold (or go on with, or fork) one session on the screen. Leaves with 1 when it ended by a party's failure."""
    from actorcritic_cli.cli.run import critic_of
    from actorcritic_cli.cli.terminal import Terminal
    from actorcritic_cli.exchange.recordings import finder
    from actorcritic_cli.ids import new_session_id
    from actorcritic_cli.replay.fork import hold_fork
    from actorcritic_cli.session.build import check_models, parties_for
    from actorcritic_cli.session.conduct import hold_new, hold_on
    from actorcritic_cli.session.lock import held
    from actorcritic_cli.show.live import LiveView
    from actorcritic_cli.store.database import open_database

    check_models(spec)
    session = resume or new_session_id()
    with LiveView(typed=spec.user == "person" and o.at_terminal()) as view, critic_of(spec) as critic:
        terminal = Terminal(view)

        def watch(event: Event, state: State) -> None:
            if json:
                print_json_line(event)
            else:
                terminal.watch(event, state)

        parties = parties_for(
            spec,
            task,
            critic=critic,
            recordings=finder(database),
            person=terminal.person,
            arbiter=terminal if o.at_terminal() and not json else None,
            progress=view.progress,
        )
        with open_database(database) as opened, held(database, session):
            try:
                if resume is not None:
                    state = hold_on(opened, session, parties, watch=watch)
                elif fork is not None:
                    state = hold_fork(opened, fork, spec, parties, session=session, watch=watch)
                else:
                    state = hold_new(opened, spec, task, parties, session=session, watch=watch)
            except KeyboardInterrupt:
                view.rest()
                say(f"\ninterrupted; go on with: acc chat --resume {session}")
                raise
    say(f"recorded as {session}; look at it with: acc replay {session}")
    if state.ending in ("actor_error", "user_error", "infrastructure_error"):
        say(f"acc: the session ended early ({state.ending}).")
        raise typer.Exit(EXIT_ERROR)
