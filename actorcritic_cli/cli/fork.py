"""The part of ``acc replay`` that goes on live from the middle of a recorded session."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.cli import options as o
from actorcritic_cli.cli.common import say
from actorcritic_cli.critics.client import JUDGE_TIMEOUT
from actorcritic_cli.errors import UsageError
from actorcritic_cli.replay.fork import ForkPoint, changed_since, fork_point
from actorcritic_cli.session.build import environment_for
from actorcritic_cli.session.events import Started
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import Gate, OnCriticError, OutOfRevisions, SessionSpec, Supervise, Supervision
from actorcritic_cli.users.protocol import UserStrategy


class ForkOptions(Struct, frozen=True):
    """What is to be different from the parent; ``None`` leaves it as it was there."""

    actor: str | None
    actor_option: list[str] | None
    actor_base: str | None
    temperature: float | None
    user: str | None
    user_base: str | None
    user_strategy: UserStrategy | None
    critics: tuple[str, ...]
    critic_options: dict[str, Any]
    supervise: Supervise | None
    gate: Gate | None
    max_revisions: int | None
    out_of_revisions: OutOfRevisions | None
    on_critic_error: OnCriticError | None
    choose: int | None
    max_turns: int | None
    seed: int | None


def fork(library: Library, session: str, turn: int, wanted: ForkOptions, *, json: bool) -> None:
    """Open a live session from a turn of a recorded one, and hold it."""
    from actorcritic_cli.cli.chat import converse

    point = fork_point(list(library.events(session)), turn)
    spec = _spec(library, point, wanted)
    for note in changed_since(point, environment_for(spec)):
        say(f"note: {note}.")
    converse(library.database.path, spec, point.parent.task, fork=point, json=json)


def _spec(library: Library, point: ForkPoint, wanted: ForkOptions) -> SessionSpec:
    """Return the parent's specification with what is to be different. Raises ``UsageError`` for what cannot go on."""
    parent = point.parent.spec
    if point.parent.source not in ("live", "fork"):
        _check_imported(point.parent, wanted)
    inherited = (parent.critic, *parent.panel) if parent.critic is not None else ()
    critics = wanted.critics or inherited
    made = o.spec_of(
        database=library.database.path,
        env=parent.env,
        dataset=parent.dataset,
        task=parent.task_id,
        actor=wanted.actor or parent.actor,
        user=wanted.user or parent.user,
        critic=list(critics),
        critic_options={"timeout": JUDGE_TIMEOUT, **wanted.critic_options},
        supervision=_supervision(parent, critics, wanted),
        limits=replace(parent.limits, max_turns=wanted.max_turns) if wanted.max_turns is not None else parent.limits,
        actor_base=wanted.actor_base,
        user_base=wanted.user_base,
        user_strategy=wanted.user_strategy,
        temperature=wanted.temperature,
        max_tokens=int(parent.actor_options.get("max_tokens", 4096)),
        seed=parent.seed if wanted.seed is None else wanted.seed,
        judge=None,
        env_option=None,
        actor_option=wanted.actor_option,
    )
    kept_actor = parent.actor_options if wanted.actor is None else {}
    kept_user = parent.user_options if wanted.user is None else {}
    kept_critic = made.critic_options if wanted.critics else parent.critic_options
    return replace(
        made,
        env=parent.env,
        env_options=parent.env_options,
        trial=parent.trial,
        actor_options={**made.actor_options, **kept_actor, **_given_to_actor(made, wanted)},
        user_options={**made.user_options, **kept_user, **_given_to_user(made, wanted)},
        critic_options={**kept_critic, **wanted.critic_options} if critics else {},
    )


def _given_to_actor(made: SessionSpec, wanted: ForkOptions) -> dict[str, Any]:
    """Return the actor's options that were named for this fork: they win over the parent's."""
    named = {option.partition("=")[0] for option in wanted.actor_option or ()}
    named |= {"base_url"} if wanted.actor_base is not None else set()
    named |= {"temperature"} if wanted.temperature is not None else set()
    named |= {"seed"} if wanted.seed is not None else set()
    return {name: value for name, value in made.actor_options.items() if name in named}


def _given_to_user(made: SessionSpec, wanted: ForkOptions) -> dict[str, Any]:
    """Return the user's options that were named for this fork, likewise."""
    named = {"base_url": wanted.user_base, "strategy": wanted.user_strategy}
    return {name: value for name, value in made.user_options.items() if named.get(name) is not None}


def _supervision(parent: SessionSpec, critics: tuple[str, ...], wanted: ForkOptions) -> Supervision:
    before = parent.supervision
    can_ask = o.at_terminal()
    out = wanted.out_of_revisions or before.out_of_revisions
    on_error = wanted.on_critic_error or before.on_critic_error
    if "ask" in (wanted.out_of_revisions, wanted.on_critic_error) and not can_ask:
        raise UsageError(
            "Nobody can be asked without a terminal; choose another --out-of-revisions / --on-critic-error."
        )
    mode: Supervise
    if not critics:
        if wanted.supervise not in (None, "off"):
            raise UsageError("The session to be forked has no critic; name one with --critic.")
        mode = "off"
    else:
        fresh: Supervise = "enforce" if wanted.critics and before.mode == "off" else before.mode
        mode = wanted.supervise or fresh
    return replace(
        before,
        mode=mode,
        gate=wanted.gate or before.gate,
        max_revisions=before.max_revisions if wanted.max_revisions is None else wanted.max_revisions,
        out_of_revisions="best" if out == "ask" and not can_ask else out,
        choose=wanted.choose or (before.choose if wanted.actor is None and mode != "off" else 1),
        on_critic_error="allow" if on_error == "ask" and not can_ask else on_error,
    )


def _check_imported(parent: Started, wanted: ForkOptions) -> None:
    """An imported session names its parties in its own words, which need not be ours."""
    if wanted.actor is None:
        raise UsageError(
            f"Session {parent.session} was imported (actor {parent.spec.actor}); say who proposes from here: --actor MODEL."
        )
    if wanted.user is None:
        raise UsageError(
            f"Session {parent.session} was imported (user {parent.spec.user}); say who asks from here: --user person, "
            f"llm:MODEL or recorded:{parent.session}."
        )
