"""A whole conversation through the real session loop, with an actor that takes its time for every proposal."""

from __future__ import annotations

import time
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.actors.protocol import Actor, ActorContext, Hear, Proposing
from actorcritic_cli.actors.recorded import RecordedActor
from actorcritic_cli.bench.conversation import Conversation
from actorcritic_cli.bench.streaming import play
from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.protocol import Case, Critic, Reading
from actorcritic_cli.envs import registry
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.session.build import opening, recorded_lines
from actorcritic_cli.session.events import Decided, Event, Judged, Proposed
from actorcritic_cli.session.loop import Parties, Session
from actorcritic_cli.session.state import begin, restored
from actorcritic_cli.types import CriticIdentity, Limits, Proposal, Supervision, ToolSpec, Verdict
from actorcritic_cli.users.script import ScriptedUser


class Held(Struct, frozen=True):
    """A conversation that was held: its duration in seconds, and what happened in it."""

    seconds: float
    proposals: int
    verdicts: tuple[Verdict, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """Why judgements came to no verdict."""
        return tuple(verdict.message for verdict in self.verdicts if verdict.kind == "no_verdict")


class SlowActor:
    """Proposes what another actor proposes, ``seconds`` later; implements ``Streams``, evenly over that time."""

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

    def stream(self, context: ActorContext, hear: Hear) -> Proposing:
        """Propose bit by bit."""
        made = self._actor.propose(context)
        play(made.proposal.message, self._seconds, hear)
        return made


class Objecting:
    """A critic that has every proposal approved but one: the first time that it sees that one, it objects.

    It judges and writes its critique for real; only its threshold is moved.
    """

    def __init__(self, critic: LlamaCritic, rejected: Proposal):
        self._critic, self._rejected, self._objected = critic, rejected, False

    @property
    def identity(self) -> CriticIdentity:
        """The critic's own."""
        return self._critic.identity

    def start(self) -> None:
        """See ``Critic.start``."""
        self._critic.start()

    def prefill(self, reading: Reading) -> None:
        """See ``ReadsAhead.prefill``."""
        self._critic.prefill(reading)

    def leave(self, session: str) -> None:
        """See ``Remembers.leave``."""
        self._critic.leave(session)

    def judge(self, case: Case) -> Verdict:
        """See ``Critic.judge``."""
        if self._objected or case.proposal.message != self._rejected.message:
            return self._critic.judge(case)
        self._objected = True
        before, self._critic.threshold = self._critic.threshold, 0.0
        try:
            return self._critic.judge(case)
        finally:
            self._critic.threshold = before

    def close(self) -> None:
        """See ``Critic.close``."""
        self._critic.close()


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


def rejected(conversation: Conversation) -> Proposal | None:
    """Return the first proposal that was sent back when the conversation was recorded, if there was one."""
    proposed: Event | None = None
    for event in conversation.events:
        proposed = event if isinstance(event, Proposed) else proposed
        if isinstance(event, Decided) and event.decision.kind == "revise" and isinstance(proposed, Proposed):
            return proposed.proposal
    return None


def held(
    conversation: Conversation,
    environment: Environment,
    critic: Critic | None,
    actor_seconds: float,
    name: str,
    *,
    revised: bool = False,
) -> Held:
    """Hold the conversation again, every proposal ``actor_seconds`` late, judged if ``critic`` is.

    The actor proposes what was accepted then; with ``revised`` also what was sent back before it.
    """
    first = conversation.started
    spec = replace(first.spec, supervision=Supervision(mode="enforce" if critic else "off"), limits=Limits())
    recorded = RecordedActor.from_events(conversation.events)
    accepted = RecordedActor.from_messages(restored(conversation.events).transcript)
    under = cast(Environment, _Cut(environment, conversation.policy, conversation.tools))
    parties = Parties(
        environment=under,
        episode=environment.open(first.task),
        actor=SlowActor(recorded if revised else accepted, actor_seconds),
        user=ScriptedUser(recorded_lines(conversation.events)),
        critic=critic,
    )
    session = Session(parties, begin(opening(spec, first.task, parties, session=name, at=time.time())))
    began = time.monotonic()
    events = list(session.events())
    seconds = time.monotonic() - began
    verdicts = tuple(event.verdict for event in events if isinstance(event, Judged))
    return Held(seconds, sum(isinstance(event, Proposed) for event in events), verdicts)
