"""Parties for tests of the loop: real actors, users and environments, and a critic that judges by a given rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from actorcritic_cli.actors.protocol import ActorContext, Proposing
from actorcritic_cli.actors.recorded import RecordedActor
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.envs import registry
from actorcritic_cli.session.arbiter import Arbiter, NobodyToAsk, Ruling
from actorcritic_cli.session.events import Started
from actorcritic_cli.session.loop import Parties, Session
from actorcritic_cli.session.state import State, begin
from actorcritic_cli.types import (
    Comparison,
    CriticIdentity,
    Critique,
    Limits,
    Message,
    Proposal,
    SessionSpec,
    Supervision,
    Task,
    ToolCall,
    Verdict,
)
from actorcritic_cli.users.script import ScriptedUser

IDENTITY = CriticIdentity("rule", "a rule of the test")


class RuleCritic:
    """Judges by a function from proposal to ``p_revise`` or to a whole verdict."""

    def __init__(self, rule: Callable[[Case], float | Verdict], threshold: float = 0.5):
        self.rule, self.threshold, self.identity = rule, threshold, IDENTITY
        self.cases: list[Case] = []

    def judge(self, case: Case) -> Verdict:
        self.cases.append(case)
        said = self.rule(case)
        if isinstance(said, Verdict):
            return said
        if said < self.threshold:
            return Verdict("approve", "rule", said, self.threshold)
        return Verdict("revise", "rule", said, self.threshold, critique=Critique(f"objection {len(self.cases)}"))

    def close(self) -> None:
        pass


class ComparingCritic(RuleCritic):
    """Compares by a function from candidate to its score, or by one that answers the whole comparison."""

    def __init__(
        self,
        score: Callable[[Proposal], float] | Comparison,
        rule: Callable[[Case], float | Verdict] = lambda case: 0.1,
    ):
        super().__init__(rule)
        self.score = score
        self.compared: list[tuple[Case, tuple[Proposal, ...]]] = []

    def compare(self, case: Case, candidates: tuple[Proposal, ...]) -> Comparison:
        self.compared.append((case, candidates))
        if isinstance(self.score, Comparison):
            return self.score
        scores = [self.score(candidate) for candidate in candidates]
        return Comparison("rule", tuple(score / sum(scores) for score in scores))


class ListeningActor:
    """Another actor, with a note of every context it was given."""

    def __init__(self, actor: RecordedActor):
        self.actor, self.contexts, self.name = actor, [], actor.name

    def propose(self, context: ActorContext) -> Proposing:
        self.contexts.append(context)
        return self.actor.propose(context)


class OfferingActor(ListeningActor):
    """An actor that offers several candidates at the beginning of a turn, one after another; then come its revisions."""

    def __init__(self, steps: dict[int, tuple[Sequence[Proposing], Sequence[Proposing]]]):
        super().__init__(RecordedActor({step: revisions for step, (_, revisions) in steps.items()}, "test"))
        self.steps, self.asked = steps, list[tuple[int, int]]()

    def offer(self, context: ActorContext, candidates: Sequence[int]) -> Iterator[Proposing]:
        for number in candidates:
            self.asked.append((context.step, number))
            yield self.steps[context.step][0][number]

    def propose(self, context: ActorContext) -> Proposing:
        assert context.attempts, "a fresh turn is asked for candidates"
        self.contexts.append(context)
        return self.steps[context.step][1][len(context.attempts) - 1]


class Rulings:
    """An arbiter with its words prepared."""

    def __init__(self, *rulings: Ruling):
        self.rulings = list(rulings)

    def rule(self, state: State) -> Ruling:
        return self.rulings.pop(0)


def reply(text: str) -> Proposing:
    return Proposing(Proposal(Message("assistant", text)))


def call(name: str, arguments: dict | str, call_id: str = "c1") -> Proposing:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Proposing(Proposal(Message("assistant", None, (ToolCall(call_id, name, text),))))


def actor_of(*steps: Proposing | Iterable[Proposing]) -> ListeningActor:
    """An actor with the proposals of each step: one, or several attempts."""
    made = {n: (s,) if isinstance(s, Proposing) else tuple(s) for n, s in enumerate(steps, start=1)}
    return ListeningActor(RecordedActor(made, "test"))


def offers(*steps: Sequence[Proposing], revisions: Sequence[Proposing] = ()) -> OfferingActor:
    """An actor with the candidates of each step, and the revisions that follow an objection, the same at every step."""
    return OfferingActor({n: (candidates, revisions) for n, candidates in enumerate(steps, start=1)})


def session_of(
    actor: ListeningActor,
    lines: list[str],
    *,
    critic: RuleCritic | None = None,
    supervision: Supervision = Supervision(),
    limits: Limits = Limits(),
    task: Task | None = None,
    arbiter: Arbiter = NobodyToAsk(),
    clock: Callable[[], float] | None = None,
) -> tuple[Session, Started]:
    """A session on the bundled airline, and the event that starts it."""
    environment = registry.load("tau_airline")
    if critic is None:
        supervision = Supervision(mode="off")
    spec = SessionSpec(
        "tau_airline",
        "bundled",
        task.id if task else None,
        "recorded:test",
        "script",
        "rule" if critic else None,
        supervision=supervision,
        limits=limits,
    )
    parties = Parties(environment, environment.open(task), actor, ScriptedUser(lines), critic, arbiter)
    ticks = iter(range(1, 1_000_000))
    started = Started("s1", 0.0, spec, environment.opening(), task, environment.tools, IDENTITY if critic else None)
    return Session(parties, begin(started), clock or (lambda: float(next(ticks)))), started
