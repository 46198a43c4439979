"""Labels from rollouts: what an action changes in the chance that the session succeeds.

The session is forked before a step and after it, each K times, and held to its end without supervision by its own
simulated actor under other seeds. The shares that succeed are estimates of two values: V of the situation, where the
actor proposes anew, and Q of the action taken there. Monte Carlo estimates of a step's value as labels: Math-Shepherd
(Wang et al. 2024, arXiv 2312.08935); the difference Q - V, the advantage, says what the step itself did: Setlur et al.
2024 (arXiv 2410.08146).

The rule: ``revise`` where Q - V is at most -margin, with the weight V - Q; ``approve`` where Q is at least V, with the
weight Q. What lies between is not told by so few continuations and gets no label, nor does any action in a situation
from which nothing succeeded (V = 0). Q of a session's last action is its own outcome.

Only simulated actors are continued: they cost nothing. Their continuations are held in memory and never stand in the record;
what came of each is kept beside the data set (``rollouts.jsonl``), so that interrupted work goes on where it stood.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.learn.collect import Environments, Finding, Place, Progress
from actorcritic_cli.learn.kept_lines import KeptLines
from actorcritic_cli.replay.cases import basis_of, judgeable
from actorcritic_cli.replay.fork import fork_point, forked
from actorcritic_cli.session.build import parties_for
from actorcritic_cli.session.events import Acted, Ended, Event, Started
from actorcritic_cli.session.loop import caught_up
from actorcritic_cli.session.state import after, begin
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import Gate, SessionSpec, Supervision, is_success

MARGIN = 0.5
"""How much an action must lower the chance of success to be called wrong."""
FILE = "rollouts.jsonl"


class Rollout(Struct, frozen=True):
    """How one continuation ended: of a session from a turn on, the k-th with this seed."""

    session: str
    turn: int
    k: int
    seed: int
    success: bool


class Steps(Struct, frozen=True):
    """What of a session is to be estimated: its judged and accepted actions (attempt by step), and the turns from which it
    is continued. ``outcome`` is its own success; ``last`` its last turn."""

    events: tuple[Event, ...]
    actions: dict[int, int]
    turns: tuple[int, ...]
    last: int
    outcome: bool


class Rollouts:
    """Estimates values by ``count`` continuations each. ``folder`` keeps what came of them."""

    def __init__(
        self,
        library: Library,
        folder: Path,
        count: int,
        *,
        margin: float = MARGIN,
        seed: int = 0,
        gate: Gate | None = None,
    ):
        self.library, self.count, self.margin, self.seed, self.gate = library, count, margin, seed, gate
        self.held = 0
        """Continuations held now, not before."""
        self._kept = KeptLines(folder / FILE, Rollout)
        self._known = {(one.session, one.turn, one.k, one.seed): one.success for one in self._kept.read()}
        self._environments = Environments()

    def findings(
        self, sessions: Sequence[str], progress: Progress | None = None
    ) -> dict[str, dict[Place, list[Finding]]]:
        """Return what rollouts say of sessions' actions. Raises ``NotFound`` where none of them can be continued."""
        found: dict[str, dict[Place, list[Finding]]] = {}
        suitable = 0
        for done, session in enumerate(sessions, start=1):
            steps = self.steps(session)
            if steps is not None:
                suitable += 1
                own = {place: [finding] for place, finding in self._of(session, steps)}
                if own:
                    found[session] = own
            if progress is not None:
                progress(done, len(sessions))
        if not suitable:
            raise NotFound(
                "Rollouts continue scored sessions of simulated actors, and there are none; hold some with sim:hasty."
            )
        return found

    def planned(self, sessions: Sequence[str]) -> int:
        """Return how many continuations there are to hold, those that are kept left out."""
        total = 0
        for session in sessions:
            steps = self.steps(session)
            for turn in steps.turns if steps is not None else ():
                total += sum(
                    (session, turn, k, self._seed(session, turn, k)) not in self._known for k in range(self.count)
                )
        return total

    def steps(self, session: str) -> Steps | None:
        """Return what is to be estimated of a session; ``None`` for one that is not scored or not of a simulated actor."""
        events = tuple(self.library.events(session))
        started, ended = events[0], events[-1]
        assert isinstance(started, Started)  # the record holds no session without it
        scored = isinstance(ended, Ended) and ended.reward is not None and ended.reward.value is not None
        if not scored or not started.spec.actor.startswith("sim:") or started.source not in ("live", "fork"):
            return None
        assert isinstance(ended, Ended)
        assert ended.reward is not None
        assert ended.reward.value is not None
        policy = basis_of(started, self._environments.of(started.spec)).policy
        accepted = {event.step: event.attempt for event in events if isinstance(event, Acted)}
        actions = {
            one.step: one.attempt
            for one in judgeable(events, policy, self.gate)
            if accepted.get(one.step) == one.attempt
        }
        last = max(accepted, default=0)
        turns = sorted({turn for step in actions for turn in (step, step + 1) if turn <= last})
        return Steps(events, actions, tuple(turns), last, is_success(ended.reward.value))

    def _of(self, session: str, steps: Steps) -> list[tuple[Place, Finding]]:
        values = {turn: self._value(session, steps, turn) for turn in steps.turns}
        found = []
        for step, attempt in steps.actions.items():
            value = values[step]
            outcome = values[step + 1] if step < steps.last else float(steps.outcome)
            finding = judged(value, outcome, self.count, self.margin)
            if finding is not None:
                found.append(((step, attempt), finding))
        return found

    def _value(self, session: str, steps: Steps, turn: int) -> float:
        successes = 0
        for k in range(self.count):
            seed = self._seed(session, turn, k)
            known = self._known.get((session, turn, k, seed))
            if known is None:
                known = succeeds(steps.events, turn, seed)
                self._kept.add(Rollout(session, turn, k, seed, known))
                self._known[session, turn, k, seed] = known
                self.held += 1
            successes += known
        return successes / self.count

    def _seed(self, session: str, turn: int, k: int) -> int:
        return int.from_bytes(hashlib.sha256(f"{self.seed}/{session}/{turn}/{k}".encode()).digest()[:4], "big") >> 1


def judged(value: float, outcome: float, count: int, margin: float = MARGIN) -> Finding | None:
    """Return what the two shares say of an action: V before it, Q after it, of ``count`` continuations each (see above).

    >>> judged(0.75, 0.0, 4).label, judged(0.5, 0.75, 4).label, judged(0.5, 0.25, 4), judged(0.0, 0.0, 4)
    ('revise', 'approve', None, None)
    """
    how = f"V {value:.2f}, Q {outcome:.2f}, {count} continuations each"
    if value <= 0:
        return None
    if outcome - value <= -margin:
        why = f"it lowers the chance of success from {value:.0%} to {outcome:.0%}"
        return Finding("rollout", "revise", why, value - outcome, how)
    return Finding("rollout", "approve", "", outcome, how) if outcome >= value else None


def succeeds(events: Sequence[Event], turn: int, seed: int) -> bool:
    """Hold a continuation of a session from a turn on, in memory; return whether it succeeds."""
    point = fork_point(events, turn)
    spec = replace(
        point.parent.spec, seed=seed, critic=None, panel=(), critic_options={}, supervision=Supervision(mode="off")
    )
    parties = parties_for(spec, point.parent.task, critic=None, recordings=_nothing)
    kept = forked(point, spec, parties, session="rollout", at=0.0)
    first = kept[0]
    assert isinstance(first, Started)
    state = begin(first)
    for event in kept[1:]:
        state = after(state, event)
    last: Event = first
    for event in caught_up(parties, state).events():
        last = event
    if not isinstance(last, Ended) or last.reward is None or last.reward.value is None:
        return False
    return is_success(last.reward.value)


def _nothing(source: str, spec: SessionSpec) -> Sequence[Event]:
    raise AccError(f"A continuation cannot speak from the recording {source}; take sessions with --user script.")
