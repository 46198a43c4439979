"""``acc replay``: a session told again, done again and compared, judged again, or gone on with from its middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from actorcritic_cli.cli import critic_options as c
from actorcritic_cli.cli import options as o
from actorcritic_cli.cli.common import (
    DatasetFilter,
    DbOption,
    EnvFilter,
    RunFilter,
    open_library,
    print_json,
    print_json_line,
)
from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.replay.selection import Only
from actorcritic_cli.session.choose import MOST
from actorcritic_cli.types import Gate, OnCriticError, OutOfRevisions, Supervise

if TYPE_CHECKING:
    from actorcritic_cli.replay.verify import Checked
    from actorcritic_cli.store.library import Library

_TELL = "Telling"
_JUDGE = "Judging again"
_FORK = "Forking"
_MANY = "Many sessions (with --verify or --critic)"


def replay(
    session: Annotated[
        str | None,
        typer.Argument(metavar="SESSION", help="Session (the beginning of its id, or last).", show_default=False),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Leave nothing out of tool results and critiques.", rich_help_panel=_TELL)
    ] = False,
    step: Annotated[
        bool,
        typer.Option("--step", help="Turn by turn: a key goes on, another goes back.", rich_help_panel=_TELL),
    ] = False,
    speed: Annotated[
        float | None,
        typer.Option("--speed", metavar="X", help="Play in time, X times as fast as it was.", rich_help_panel=_TELL),
    ] = None,
    turn: Annotated[
        str | None,
        typer.Option("--turn", metavar="N", help="Only this turn, or a range: 3, 2-5, 4-.", rich_help_panel=_TELL),
    ] = None,
    only: Annotated[
        Only | None, typer.Option("--only", help="Only turns in which supervision stepped in.", rich_help_panel=_TELL)
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Run the accepted tool calls again on a fresh world and compare results, state and reward."
        ),
    ] = False,
    critic: c.CriticOption = None,
    panel: c.PanelOption = None,
    critic_base: c.CriticBaseOption = None,
    threshold: c.ThresholdOption = None,
    critic_template: c.CriticTemplateOption = None,
    critic_timeout: c.CriticTimeoutWanted = None,
    critic_ctx: c.CriticContextOption = None,
    aspects: c.AspectsOption = None,
    think: c.ThinkOption = None,
    lora: c.LoraOption = None,
    gpu_layers: c.GpuLayersOption = "auto",
    gate: Annotated[
        Gate | None,
        typer.Option(help="Which proposals are judged.", show_default="as in the session", rich_help_panel=_JUDGE),
    ] = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Judge anew what this critic has judged already.", rich_help_panel=_JUDGE),
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Sessions judged at the same time.", rich_help_panel=_JUDGE)
    ] = 1,
    fork: Annotated[
        int | None,
        typer.Option(
            "--fork",
            metavar="N",
            help="Go on live from turn N, in a session of its own; what is not named is as it was.",
            rich_help_panel=_FORK,
        ),
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--actor", help="Who proposes from there.", rich_help_panel=_FORK)
    ] = None,
    actor_option: o.ActorOptionsOption = None,
    actor_base: o.ActorBaseOption = None,
    temperature: o.TemperatureOption = None,
    user: Annotated[str | None, typer.Option("--user", help="Who asks from there.", rich_help_panel=_FORK)] = None,
    user_base: o.UserBaseOption = None,
    user_strategy: o.UserStrategyOption = None,
    supervise: Annotated[
        Supervise | None, typer.Option(help="enforce, shadow or off, from there.", rich_help_panel=_FORK)
    ] = None,
    max_revisions: Annotated[
        int | None, typer.Option(min=0, help="How often the actor may revise.", rich_help_panel=_FORK)
    ] = None,
    out_of_revisions: Annotated[
        OutOfRevisions | None, typer.Option(help="Then: best, ask, handoff or stop.", rich_help_panel=_FORK)
    ] = None,
    on_critic_error: Annotated[
        OnCriticError | None, typer.Option(help="Without a verdict: block, ask or allow.", rich_help_panel=_FORK)
    ] = None,
    choose: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="Candidates at a fresh turn.", rich_help_panel=_FORK)
    ] = None,
    max_turns: o.MaxTurnsOption = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of what is random.", show_default="the session's", rich_help_panel=_FORK)
    ] = None,
    run: RunFilter = None,
    env: EnvFilter = None,
    dataset: DatasetFilter = None,
    all_: Annotated[bool, typer.Option("--all", help="Every session on record.")] = False,
    db: DbOption = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print JSON for programs: the events, one a line; with --verify or --critic, the report."
        ),
    ] = False,
) -> None:
    """Tell a recorded session again: what was proposed, what the critic said, what was decided, what came of it.

    --verify runs its accepted tool calls again, and leaves with 1 when anything differs from the record. --critic has
    another critic judge every recorded proposal, without the actor, and reports which verdicts flip. Both take many
    sessions too: --run, --env, --dataset, --all. --fork N goes on live from turn N, with another actor, user or critic.
    """
    telling = {"--step": step, "--speed": speed is not None, "--turn": turn is not None, "--only": only is not None}
    judging = bool(critic) and fork is None
    _check_modes(telling, verify=verify, critic=judging, fork=fork is not None, json=json)
    given = {"--actor": actor, "--user": user, "--supervise": supervise, "--max-revisions": max_revisions}
    if fork is None and (stray := [name for name, value in given.items() if value is not None]):
        raise UsageError(f"{stray[0]} goes with --fork N, which goes on live from a turn; acc chat begins a session.")
    many = run is not None or env is not None or dataset is not None or all_
    if many and not (verify or judging):
        raise UsageError(
            "--run, --env, --dataset and --all go with --verify or --critic; a story is told of one SESSION."
        )
    if (session is None) != many:
        raise UsageError(
            "Name a SESSION (acc sessions lists them), or, with --verify or --critic, --run, --env, --dataset or --all."
        )
    critic_options = c.critic_options(
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
    )
    with open_library(db) as library:
        if verify:
            _verify(library, _chosen(library, session, run, env, dataset), json)
            return
        if critic and judging:
            from actorcritic_cli.cli.rejudge import rejudge

            chosen = _chosen(library, session, run, env, dataset)
            rejudge(library, chosen, critic, critic_options, gate=gate, again=again, jobs=jobs, json=json)
            return
        assert session is not None
        name = library.find_session(session)
        if fork is None:
            _tell(library, name, full=full, step=step, speed=speed, turn=turn, only=only, json=json)
            return
        from actorcritic_cli.cli.fork import ForkOptions
        from actorcritic_cli.cli.fork import fork as fork_session

        wanted = ForkOptions(
            actor=actor,
            actor_option=actor_option,
            actor_base=actor_base,
            temperature=temperature,
            user=user,
            user_base=user_base,
            user_strategy=user_strategy,
            critics=tuple(critic or ()),
            critic_options=critic_options,
            supervise=supervise,
            gate=gate,
            max_revisions=max_revisions,
            out_of_revisions=out_of_revisions,
            on_critic_error=on_critic_error,
            choose=choose,
            max_turns=max_turns,
            seed=seed,
        )
        fork_session(library, name, fork, wanted, json=json)


def _check_modes(telling: dict[str, bool], *, verify: bool, critic: bool, fork: bool, json: bool) -> None:
    """Raise ``UsageError`` for options that cannot be meant together."""
    modes = [name for name, on in (("--verify", verify), ("--critic", critic), ("--fork", fork)) if on]
    told = [name for name, on in telling.items() if on]
    if len(modes) > 1:
        raise UsageError(f"{modes[0]} and {modes[1]} are two different things to do; choose one.")
    if modes and told:
        raise UsageError(f"{told[0]} is for telling a session; leave it out with {modes[0]}.")
    if telling["--step"] and telling["--speed"]:
        raise UsageError("--step waits for keys and --speed for the clock; choose one.")
    if json and (telling["--step"] or telling["--speed"]):
        raise UsageError("--json prints at once; leave out --step and --speed.")


def _tell(
    library: Library,
    session: str,
    *,
    full: bool,
    step: bool,
    speed: float | None,
    turn: str | None,
    only: Only | None,
    json: bool,
) -> None:
    from actorcritic_cli.replay.selection import wanted
    from actorcritic_cli.replay.story import add_judged_again, told
    from actorcritic_cli.store.rejudged import all_verdicts_again

    if speed is not None and not speed > 0:
        raise UsageError("--speed is how many times as fast as it was: a number above 0.")
    events = list(library.events(session))
    story = told(events)
    add_judged_again(story, all_verdicts_again(library.database, session))
    is_wanted = wanted(story, turns=turn, only=only)
    if json:
        steps = {one.step for one in story.turns if is_wanted(one)}
        for event in events:
            if getattr(event, "step", None) in (None, *steps):
                print_json_line(event)
        return
    from actorcritic_cli.show.console import stdout

    if step:
        from actorcritic_cli.show.stepper import frames_of, step_through

        step_through(stdout(), frames_of(story, is_wanted, full=full))
    elif speed is not None:
        from actorcritic_cli.show.pace import play

        play(stdout(), events, speed, is_wanted, full=full)
    else:
        from actorcritic_cli.show.story import print_story

        print_story(stdout(), story, full=full, is_wanted=is_wanted)


def _chosen(library: Library, session: str | None, run: str | None, env: str | None, dataset: str | None) -> list[str]:
    from actorcritic_cli.errors import NotFound

    if session is not None:
        return [library.find_session(session)]
    run = library.find_run(run) if run is not None else None
    found = [s.id for s in reversed(library.sessions(env=env, dataset=dataset, run=run))]
    if not found:
        raise NotFound("No session on record matches; acc sessions lists them.")
    return found


def _verify(library: Library, sessions: list[str], json: bool) -> None:
    from actorcritic_cli.envs.protocol import Environment
    from actorcritic_cli.replay.verify import check, tally
    from actorcritic_cli.session.build import environment_for
    from actorcritic_cli.show.bar import counting
    from actorcritic_cli.show.verify import print_tally

    environments: dict[str, Environment] = {}
    checks: list[Checked] = []
    with counting("verifying") as progress:
        for done, session in enumerate(sessions, start=1):
            spec, _ = library.session_spec(session)
            place = repr((spec.env, spec.dataset, spec.env_options))
            if place not in environments:
                environments[place] = environment_for(spec)
            checks.append(check(library.events(session), environments[place]))
            progress(done, len(sessions))
    total = tally(checks)
    if json:
        print_json({"total": total, "sessions": checks})
    else:
        print_tally(total, checks)
    same, compared = total.sessions
    if same < compared:
        raise AccError(
            f"{compared - same} of {compared} sessions do not come out as recorded; the record, the tools or the data "
            "have changed since (acc db verify, acc env check)."
        )
