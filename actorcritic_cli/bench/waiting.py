"""A whole conversation through the real session loop, with an actor that takes its time before every proposal."""

from __future__ import annotations

import time
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.actors.protocol import Actor, ActorContext, Proposing
from actorcritic_cli.actors.recorded import RecordedActor
from actorcritic_cli.bench.conversation import Conversation
from actorcritic_cli.critics.protocol import Critic
from actorcritic_cli.envs import registry
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.session.build import opening, recorded_lines
from actorcritic_cli.session.events import Judged, Proposed
from actorcritic_cli.session.loop import Parties, Session
from actorcritic_cli.session.state import begin, restored
from actorcritic_cli.types import Limits, Supervision, ToolSpec
from actorcritic_cli.users.script import ScriptedUser


class Held(Struct, frozen=True):
    """A conversation that was held: its duration in seconds, and what happened in it."""

    seconds: float
    proposals: int
    judgements: int
    failures: tuple[str, ...]
    """Why judgements came to no verdict."""


class SlowActor:
    """Proposes what another actor proposes, ``seconds`` later."""

    def __init__(self, actor: Actor, seconds: float):
        self._actor, self._seconds = actor, seconds

    @property
    def name(self) -> str:
        """The other actor's name."""
        return self._actor.name

    def propose(self, context: ActorContext) -> Proposing:
        """Wait, then propose."""
        time.sleep(self._seconds)
        return self._actor.propose(context)


class _Cut:
    """An environment under another policy and other tools."""

    def __init__(self, environment: Environment, policy: str, tools: tuple[ToolSpec, ...]):
        self._environment, self.policy, self.tools = environment, policy, tools

    def __getattr__(self, name: str) -> object:
        return getattr(self._environment, name)


def world(conversation: Conversation) -> Environment:
    """Return the environment that a conversation was recorded in. Raises ``NotFound``."""
    spec = conversation.started.spec
    return registry.load(spec.env, spec.dataset, spec.env_options)


def held(
    conversation: Conversation, environment: Environment, critic: Critic | None, actor_seconds: float, name: str
) -> Held:
    """Hold the conversation again as it was accepted, every proposal ``actor_seconds`` late, judged if ``critic`` is."""
    first = conversation.started
    spec = replace(first.spec, supervision=Supervision(mode="enforce" if critic else "off"), limits=Limits())
    accepted = restored(conversation.events).transcript
    under = cast(Environment, _Cut(environment, conversation.policy, conversation.tools))
    parties = Parties(
        environment=under,
        episode=environment.open(first.task),
        actor=SlowActor(RecordedActor.from_messages(accepted), actor_seconds),
        user=ScriptedUser(recorded_lines(conversation.events)),
        critic=critic,
    )
    session = Session(parties, begin(opening(spec, first.task, parties, session=name, at=time.time())))
    began = time.monotonic()
    events = list(session.events())
    seconds = time.monotonic() - began
    verdicts = [event.verdict for event in events if isinstance(event, Judged)]
    failures = tuple(verdict.message for verdict in verdicts if verdict.kind == "no_verdict")
    return Held(seconds, sum(isinstance(event, Proposed) for event in events), len(verdicts), failures)
