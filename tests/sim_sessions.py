"""Sessions with simulated actors, and critics that know or do not know what is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.actors.protocol import Actor, ActorContext
from actorcritic_cli.critics.protocol import Case, Critic
from actorcritic_cli.envs import registry
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.session.build import opening, parties_for
from actorcritic_cli.session.choose import MOST, action_of
from actorcritic_cli.session.events import Ended, Event, Proposed
from actorcritic_cli.session.loop import Session
from actorcritic_cli.session.plan import Plan
from actorcritic_cli.session.state import begin
from actorcritic_cli.types import Comparison, Critique, Label, Proposal, SessionSpec, Supervision, Task, Verdict
from tests.parties import RuleCritic

GATE = "all"
CriticFor = Callable[[Actor, SessionSpec], Critic]


def no_recordings(source: str, spec: SessionSpec) -> tuple[Event, ...]:
    raise AssertionError("nothing is recorded here")


def spec_for(
    env: str,
    actor: str,
    *,
    task: str | None = None,
    seed: int = 0,
    supervised: bool = False,
    choose: int = 1,
    **options: Any,
) -> SessionSpec:
    """A session on bundled data with the task's own user. Every proposal is judged: a transfer counts as no write."""
    supervision = Supervision(mode="enforce" if supervised else "off", gate=GATE, choose=choose)
    headline = {"headline": "all_best"} if env == "travel" else {}
    return SessionSpec(
        env,
        "bundled",
        task,
        actor,
        "script",
        "test" if supervised else None,
        seed=seed,
        supervision=supervision,
        actor_options=options,
        env_options=headline,
    )


def hold(spec: SessionSpec, task: Task, critic: CriticFor | None = None) -> list[Event]:
    """All events of a session, from ``Started`` to ``Ended``."""
    parties = parties_for(spec, task, critic=None, recordings=no_recordings)
    if critic is not None:
        parties = replace(parties, critic=critic(parties.actor, spec))
    started = opening(spec, task, parties, session="s", at=0.0)
    return [started, *Session(parties, begin(started), clock=lambda: 0.0).events()]


def proposals(events: Iterable[Event]) -> list[Proposed]:
    return [event for event in events if isinstance(event, Proposed)]


def slips(events: Iterable[Event]) -> list[Proposed]:
    return [event for event in proposals(events) if event.label is not None and event.label.label == "revise"]


def ended(events: list[Event]) -> Ended:
    assert isinstance(events[-1], Ended)
    return events[-1]


def known_of(actor: Actor, case: Case, proposal: Proposal) -> Label:
    """What the actor itself knows of a proposal of its own, whichever candidate it is."""
    step = 1 + sum(message.role == "assistant" for message in case.transcript)
    for candidate in range(MOST):
        context = ActorContext(case.transcript, case.tools, step, case.attempts, candidate=candidate)
        known = actor.propose(context)
        if action_of(known.proposal.message) == action_of(proposal.message):
            assert known.label is not None
            return known.label
    raise AssertionError("the actor did not propose this")


def oracle(actor: Actor, spec: SessionSpec) -> Critic:
    """Objects to slips and to nothing else: it asks the actor itself what it knows of its proposal."""

    def rule(case: Case) -> Verdict:
        known = known_of(actor, case, case.proposal)
        if known.label == "approve":
            return Verdict("approve", "rule", 0.1, 0.5)
        return Verdict("revise", "rule", 0.9, 0.5, critique=Critique(f"This is wrong ({known.why})."))

    return RuleCritic(rule)


class ComparingOracle(RuleCritic):
    """Knows which of several candidates is right, and approves of whatever is put before it singly."""

    def __init__(self, actor: Actor, spec: SessionSpec):
        super().__init__(lambda case: 0.1)
        self.actor = actor

    def compare(self, case: Case, candidates: tuple[Proposal, ...]) -> Comparison:
        right = [known_of(self.actor, case, candidate).label == "approve" for candidate in candidates]
        scores = [1.0 if one else 0.01 for one in right]
        return Comparison("rule", tuple(score / sum(scores) for score in scores))


def at_random(share: float) -> CriticFor:
    """Objects to a share of all proposals, whatever they are."""

    def critic(actor: Actor, spec: SessionSpec) -> Critic:
        draw = Random(spec.seed)
        return RuleCritic(lambda case: 0.5 + draw.random() / 2 if draw.random() < share else draw.random() / 2)

    return critic


class Result(Struct, frozen=True):
    """How a run went: the share of sessions with the whole reward, and how many slips there were of each kind."""

    success: float
    sessions: int
    slips: dict[str, int]


def experiment(
    env: str, actor: str, trials: int, critic: CriticFor | None = None, *, choose: int = 1, **options: Any
) -> Result:
    """Hold a run's sessions: every bundled task, ``trials`` times, each with a seed of its own."""
    shared = spec_for(env, actor, supervised=critic is not None, choose=choose, **options)
    environment: Environment = registry.load(env, "bundled", shared.env_options)
    tasks = {task.id: task for task in environment.tasks()}
    won, kinds = 0, dict[str, int]()
    plan = Plan(shared, tuple(tasks), trials)
    for spec in plan.sessions():
        events = hold(spec, tasks[spec.task_id or ""], critic)
        reward = ended(events).reward
        assert reward is not None
        won += reward.value == 1.0
        for slip in slips(events):
            assert slip.label is not None
            kind = slip.label.why.partition(":")[0]
            kinds[kind] = kinds.get(kind, 0) + 1
    return Result(won / len(plan), len(plan), kinds)
