"""Options that several commands share, and what they mean together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from actorcritic_cli.errors import UsageError
from actorcritic_cli.session.choose import MOST
from actorcritic_cli.types import (
    Gate,
    Limits,
    OnCriticError,
    OutOfRevisions,
    SessionSpec,
    Supervise,
    Supervision,
)
from actorcritic_cli.users.protocol import UserStrategy

SUPERVISION = "Supervision"
_LIMITS = "Limits"

EnvOption = Annotated[
    str,
    typer.Option("--env", help="Environment (acc env list), or the path of a Python file with your own tools."),
]
DatasetOption = Annotated[
    str | None,
    typer.Option("--dataset", help="The environment's data set: bundled, official …", show_default="bundled"),
]
JudgeOption = Annotated[
    str | None,
    typer.Option(
        "--judge",
        metavar="MODEL",
        help="Model that scores free text, in environments that need one; for tau2 also a GGUF file.",
    ),
]
EnvOptionsOption = Annotated[
    list[str] | None,
    typer.Option("--env-option", metavar="KEY=VALUE", help="An option of the environment, VALUE as JSON. Repeatable."),
]
ActorOption = Annotated[
    str | None,
    typer.Option(
        "--actor",
        help="Who proposes: a model or its alias (acc models), recorded:SOURCE (a trace, session or run), or a simulated "
        "actor that knows the task: sim:expert, sim:hasty.",
    ),
]
ActorOptionsOption = Annotated[
    list[str] | None,
    typer.Option("--actor-option", metavar="KEY=VALUE", help="An option of the actor, VALUE as JSON. Repeatable."),
]
ActorBaseOption = Annotated[
    str | None, typer.Option("--actor-base", metavar="URL", help="Base URL of the actor's provider, if not its own.")
]
TemperatureOption = Annotated[
    float | None, typer.Option(help="The actor's temperature; the provider's own if not given.")
]
MaxTokensOption = Annotated[int, typer.Option(min=1, help="Tokens that one proposal of the actor may have.")]
UserOption = Annotated[
    str | None,
    typer.Option("--user", help="Who asks: person, script, script:FILE, llm:MODEL or recorded:SOURCE."),
]
UserStrategyOption = Annotated[
    UserStrategy | None,
    typer.Option(
        help="How a simulated user finds its words: one call; think first; check each; check and reflect.",
        show_default="llm",
    ),
]
UserBaseOption = Annotated[
    str | None, typer.Option("--user-base", metavar="URL", help="Base URL of the simulated user's provider.")
]
SuperviseOption = Annotated[
    Supervise,
    typer.Option(help="enforce: step in; shadow: judge and record only; off: no critic.", rich_help_panel=SUPERVISION),
]
GateOption = Annotated[
    Gate,
    typer.Option(help="Which proposals are judged; auto: replies and calls that write.", rich_help_panel=SUPERVISION),
]
MaxRevisionsOption = Annotated[
    int, typer.Option(min=0, help="How often the actor may revise within a turn.", rich_help_panel=SUPERVISION)
]
ChooseOption = Annotated[
    int,
    typer.Option(
        min=1,
        max=MOST,
        help="Candidates that the actor proposes at each turn; the critic compares them and the best one is judged. A "
        "temperature of 0 makes them equal.",
        rich_help_panel=SUPERVISION,
    ),
]
OutOfRevisionsOption = Annotated[
    OutOfRevisions | None,
    typer.Option(
        help="Then: the best candidate, ask the person, handoff to a human by the environment's tool, or stop.",
        show_default="ask at a terminal, else best",
        rich_help_panel=SUPERVISION,
    ),
]
OnCriticErrorOption = Annotated[
    OnCriticError | None,
    typer.Option(
        help="When the critic gives no verdict: block, ask or allow.",
        show_default="ask at a terminal, else allow",
        rich_help_panel=SUPERVISION,
    ),
]
KeepCritiquesOption = Annotated[
    bool,
    typer.Option(
        "--keep-critiques",
        help="Leave rejected proposals and critiques in the actor's context afterwards.",
        rich_help_panel=SUPERVISION,
    ),
]
MaxTurnsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Messages the actor may have.", show_default="the environment's", rich_help_panel=_LIMITS),
]
MaxCostOption = Annotated[
    float | None, typer.Option(min=0.0, help="Known cost in dollars at which a session ends.", rich_help_panel=_LIMITS)
]
MaxSecondsOption = Annotated[
    float | None, typer.Option(min=0.0, help="Seconds after which a session ends.", rich_help_panel=_LIMITS)
]
SeedOption = Annotated[
    int | None, typer.Option(help="Seed of what is random in a session.", show_default="0 for a run, drawn for a chat")
]


def at_terminal() -> bool:
    """Whether a person can be asked: both standard input and standard error are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def supervision_of(
    *,
    critic: list[str] | None,
    supervise: Supervise,
    gate: Gate,
    max_revisions: int,
    choose: int,
    out_of_revisions: OutOfRevisions | None,
    on_critic_error: OnCriticError | None,
    keep_critiques: bool,
    can_ask: bool,
) -> Supervision:
    """Return the supervision that the options mean. Without a critic it is off; asking needs a terminal, and choosing
    a critic."""
    if (out_of_revisions == "ask" or on_critic_error == "ask") and not can_ask:
        raise UsageError(
            "Nobody can be asked without a terminal; choose another --out-of-revisions / --on-critic-error."
        )
    if choose > 1 and (not critic or supervise == "off" or gate == "none"):
        raise UsageError(
            "--choose needs a critic that compares the candidates: name one with --critic, without --supervise off or "
            "--gate none."
        )
    return Supervision(
        mode=supervise if critic else "off",
        gate=gate,
        max_revisions=max_revisions,
        out_of_revisions=out_of_revisions or ("ask" if can_ask else "best"),
        on_critic_error=on_critic_error or ("ask" if can_ask else "allow"),
        keep_critiques=keep_critiques,
        choose=choose,
    )


def spec_of(
    *,
    database: Path,
    env: str,
    dataset: str | None,
    task: str | None,
    actor: str,
    user: str,
    critic: list[str] | None,
    critic_options: dict[str, Any],
    supervision: Supervision,
    limits: Limits,
    actor_base: str | None,
    user_base: str | None,
    user_strategy: UserStrategy | None,
    temperature: float | None,
    max_tokens: int,
    seed: int,
    judge: str | None,
    env_option: list[str] | None,
    actor_option: list[str] | None,
) -> SessionSpec:
    """Return the specification that the options mean, with every source in the form that goes on record."""
    from actorcritic_cli.envs import registry
    from actorcritic_cli.exchange.recordings import resolve_source

    def recorded(party: str) -> str:
        kind, _, source = party.partition(":")
        return f"recorded:{resolve_source(source, database)}" if kind == "recorded" and source else party

    actor = recorded(actor)
    if user == "recorded":
        if not actor.startswith("recorded:"):
            raise UsageError("--user recorded needs --actor recorded:SOURCE, or say --user recorded:SOURCE.")
        user = actor
    if supervision.choose > 1 and actor.startswith(("recorded:", "sim:expert")):
        raise UsageError("--choose needs an actor that has several candidates to offer: a model, or sim:hasty.")
    is_model = not actor.startswith(("recorded:", "sim:"))
    actor_options: dict[str, Any] = {"max_tokens": max_tokens, "seed": seed} if is_model else {}
    if actor_base is not None:
        actor_options["base_url"] = actor_base
    if temperature is not None:
        actor_options["temperature"] = temperature
    if user_strategy is not None and not user.startswith("llm:"):
        raise UsageError("--user-strategy goes with a simulated user: --user llm:MODEL.")
    actor_options |= pairs_of("--actor-option", actor_option)
    critics = tuple(critic_on_record(one) for one in critic or ())
    named, env_options = registry.on_record(env)
    env_options = {**env_options, **env_options_of(judge, env_option)}
    return SessionSpec(
        env=named,
        dataset=dataset or registry.datasets(env)[0],
        task_id=task,
        actor=actor,
        user=recorded(user),
        critic=critics[0] if critics else None,
        panel=critics[1:],
        seed=seed,
        supervision=supervision,
        limits=limits,
        actor_options=actor_options,
        critic_options={**critic_options, "seed": seed} if critics else {},
        env_options=env_options,
        user_options=given(base_url=user_base, seed=seed, strategy=user_strategy) if user.startswith("llm:") else {},
    )


def critic_on_record(critic: str) -> str:
    """Return a critic's name as it goes on record: the built-in one by its name, a file by its whole path."""
    from actorcritic_cli.critics.builtin import is_builtin

    return str(Path(critic).resolve()) if not is_builtin(critic) and Path(critic).exists() else critic


def env_options_of(judge: str | None, env_option: list[str] | None) -> dict[str, Any]:
    """Return the environment's options. Raises ``UsageError`` for one that is not of the form KEY=VALUE."""
    return {**given(judge=judge), **pairs_of("--env-option", env_option)}


def pairs_of(name: str, options: list[str] | None) -> dict[str, Any]:
    """Return KEY=VALUE options as values. Raises ``UsageError`` for one that is not of that form."""
    import json

    found: dict[str, Any] = {}
    for option in options or ():
        key, equals, value = option.partition("=")
        if not equals or not key:
            raise UsageError(f"{name} takes KEY=VALUE, not '{option}'.")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value  # a word need not be quoted
    return found


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given: those that are not ``None``."""
    return {name: value for name, value in options.items() if value is not None}
