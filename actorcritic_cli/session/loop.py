"""The supervised turn.

    user / tool result ──► propose ──► judge ──► decide ──► act ──► observe
                              ▲                    │
                              └───── critique ◄────┘   at most N revisions

With ``--choose N`` the actor proposes N candidates at the beginning of a turn, and the critic compares them before it judges
the best one.

A session is a generator of events on one thread. Its methods stand below in the order in which a turn happens; each
looks at the state, lets one party do its part and returns the event that says so. The state then moves on by that event
alone (``state.after``), which is why a session read back from the record goes on where it stood. An event is yielded
before its effect, so the consumer that writes it down is always ahead of the world.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.actors.protocol import Actor, ActorContext, ActorFailed, Offers, Proposing, Streams
from actorcritic_cli.critics.comparing import compare_by_verdicts
from actorcritic_cli.critics.protocol import Case, Compares, Critic, Reading, ReadsAhead, Remembers
from actorcritic_cli.envs.protocol import Environment, Episode
from actorcritic_cli.errors import PartyError
from actorcritic_cli.session.arbiter import Arbiter, NobodyToAsk
from actorcritic_cli.session.choose import chosen, contest, proposals_of
from actorcritic_cli.session.critiques import critique_for, handover_call, person_critique
from actorcritic_cli.session.decide import decide
from actorcritic_cli.session.events import (
    Acted,
    Compared,
    Decided,
    Ended,
    Event,
    Failed,
    Judged,
    Observed,
    Proposed,
)
from actorcritic_cli.session.fault import fault_of
from actorcritic_cli.session.limits import reached, seconds_left
from actorcritic_cli.session.overhear import Overhearing
from actorcritic_cli.session.safe import safe, safe_call, safe_comparison, safe_proposal, safe_verdict
from actorcritic_cli.session.state import State, after
from actorcritic_cli.text import encodable
from actorcritic_cli.types import (
    Comparison,
    Decision,
    Message,
    PartyName,
    Proposal,
    SessionSpec,
    Termination,
    Verdict,
)
from actorcritic_cli.users.protocol import User, UserFailed


class Parties(Struct, frozen=True):
    """Who takes part in a session, and the world that it acts on. ``critic`` is ``None`` when unsupervised."""

    environment: Environment
    episode: Episode
    actor: Actor
    user: User
    critic: Critic | None = None
    arbiter: Arbiter = NobodyToAsk()


class Session:
    """One conversation under supervision: iterate over ``events()`` and write down each event before going on."""

    def __init__(self, parties: Parties, state: State, clock: Callable[[], float] = time.time):
        self.parties = parties
        self.state = state
        self.clock = clock
        self._offered: Iterator[Proposing] | None = None
        self._verdicts: dict[int, Verdict] = {}

    @property
    def mid_choice(self) -> bool:
        """Whether candidates have been asked for that are not on record yet."""
        return self._offered is not None

    def events(self) -> Iterator[Event]:
        """Yield what happens from here on, until the session has ended."""
        if self.reader is not None and self.state.phase != "ended":
            self.reader.prefill(self.known)
        while (event := self.next_event()) is not None:
            self.state = after(self.state, event)
            yield event
            self.read_ahead(event)
        if isinstance(self.parties.critic, Remembers):
            self.parties.critic.leave(self.state.session)

    def read_ahead(self, event: Event) -> None:
        """The critic begins to read what has just happened, if it can, while the others take their time."""
        if self.reader is not None and isinstance(event, (Acted, Observed)) and self.state.phase != "end":
            self.reader.prefill(self.known)

    @property
    def reader(self) -> ReadsAhead | None:
        """The critic, if it will judge and can use the time in which others are at work."""
        critic, supervision = self.parties.critic, self.state.spec.supervision
        judges = supervision.mode != "off" and supervision.gate != "none"
        return critic if judges and isinstance(critic, ReadsAhead) else None

    @property
    def known(self) -> Reading:
        """What the critic can read before there is a proposal."""
        state = self.state
        draft = Message("assistant") if state.phase == "propose" else None
        policy = self.parties.environment.policy
        return Reading(state.session, policy, state.tools, state.transcript, nonce_of(state.spec), draft)

    def next_event(self) -> Event | None:
        """Let the party whose turn it is do its part; ``None`` when the session is over."""
        match self.state.phase:
            case "hear":
                return self.hear()
            case "propose":
                limit = None if self.mid_choice else reached(self.state, self.parties.environment)
                return self.end(*limit) if limit else self.propose()
            case "compare":
                return self.compare()
            case "judge":
                return self.judge()
            case "decide":
                return self.decide()
            case "ask":
                return self.ask()
            case "hand_over":
                return self.hand_over()
            case "act":
                return self.act()
            case "observe":
                return self.observe()
            case "end":
                return self.end(self.state.ending or "stopped", self.state.ending_message)
            case "ended":
                return None

    def hear(self) -> Event:
        """The user speaks: first of all, or in answer to an accepted reply."""
        state, began = self.state, self.clock()
        try:
            turn = self.parties.user.speak(state.transcript)
        except UserFailed as failure:
            return self.failed("user", failure.error, "user_error", failure)
        at = self.clock()
        messages = (Message("user", safe(turn.text)),) if turn.text or not turn.leaves else ()
        stops = turn.leaves or self.parties.environment.is_stop(turn.text)
        return Observed(
            at, state.step, messages, latency=at - began, call=safe_call(turn.call), ends="user_stop" if stops else None
        )

    def propose(self) -> Event:
        """The actor proposes its next action, knowing the critiques of this turn; or the next of several candidates."""
        state = self.state
        context = ActorContext(
            transcript=state.transcript,
            tools=state.tools,
            step=state.step,
            attempts=state.attempts,
            history=state.history if state.spec.supervision.keep_critiques else (),
            max_seconds=seconds_left(state),
            candidate=state.chosen or 0,
        )
        try:
            answer = self.candidate(context) if state.choosing else self.proposal(context)
        except ActorFailed as failure:
            return self.failed("actor", failure.error, "actor_error", failure)
        if answer is None:
            return self.compare()
        return Proposed(
            self.clock(),
            state.step,
            state.attempt,
            safe_proposal(answer.proposal),
            safe_call(answer.call),
            answer.problem,
            answer.label,
        )

    def proposal(self, context: ActorContext) -> Proposing:
        """The actor's one proposal, which the critic reads while it comes in."""
        actor, critic = self.parties.actor, self.reader
        if critic is None or not isinstance(actor, Streams):
            return actor.propose(context)
        return actor.stream(context, Overhearing(critic, self.known).hear)

    def candidate(self, context: ActorContext) -> Proposing | None:
        """The next of several candidates, ``None`` when the actor has no other to offer.

        They are asked for together, so that a model can make them at the same time; those on record are not asked for again.
        """
        actor, made = self.parties.actor, len(self.state.candidates)
        if not isinstance(actor, Offers):
            return actor.propose(context) if made == 0 else None
        if self._offered is None:
            self._offered = actor.offer(context, range(made, self.state.spec.supervision.choose))
        offered, self._offered = self._offered, None
        answer = next(offered, None)
        if answer is not None and made + 1 < self.state.spec.supervision.choose:
            self._offered = offered
        return answer

    def compare(self) -> Event:
        """The critic compares the candidates, and one of them is taken."""
        state = self.state
        found = contest(
            state.candidates,
            lambda made: state.is_judged(made.proposal, made.problem),
            self.parties.environment.stands,
        )
        self._verdicts = {}
        comparison = safe_comparison(self.comparison(found.attempts)) if found.attempts else None
        taken, reason = chosen(found, comparison, state.spec.supervision)
        return Compared(self.clock(), state.step, len(state.candidates), taken, reason, found.attempts, comparison)

    def comparison(self, attempts: tuple[int, ...]) -> Comparison:
        """What the critic says of several candidates; one that cannot compare judges each of them."""
        critic, candidates = self.critic, proposals_of(self.state.candidates, attempts)
        case = case_of(self.state, self.parties.environment.policy, candidates[0])
        if isinstance(critic, Compares):
            return critic.compare(case, candidates)
        comparison, verdicts = compare_by_verdicts(critic, case, candidates)
        # What they cost is on record with the comparison.
        self._verdicts = {n: replace(verdict, calls=()) for n, verdict in zip(attempts, verdicts, strict=True)}
        return comparison

    def judge(self) -> Event:
        """The critic reads the proposal before it takes effect."""
        state = self.state
        verdict = self._verdicts.get(state.attempt)
        if verdict is None:
            verdict = self.critic.judge(case_of(state, self.parties.environment.policy))
        return Judged(self.clock(), state.step, state.attempt, safe_verdict(verdict))

    @property
    def critic(self) -> Critic:
        """Who judges. Raises ``RuntimeError`` where there is nobody."""
        if self.parties.critic is None:
            raise RuntimeError("a supervised session needs a critic")
        return self.parties.critic

    def decide(self) -> Event:
        """Verdict and configuration make the decision; a rejected proposal goes back with its critique."""
        state = self.state
        proposal = state.candidate(state.attempt)
        if proposal.author == "supervisor":
            return Decided(self.clock(), state.step, state.attempt, Decision("accept", "handed over to a human"))
        decision = decide(
            state.verdict, state.spec.supervision, revisions_left=state.revisions_left, problem=state.problem
        )
        critique = critique_for(decision, state.verdict, state.problem)
        return Decided(self.clock(), state.step, state.attempt, decision, critique)

    def ask(self) -> Event:
        """A person rules on the proposal that supervision could not settle."""
        state = self.state
        ruling = self.parties.arbiter.rule(state)
        last = state.number_of(len(state.attempts) - 1)
        match ruling.word:
            case "override":
                decision, critique = Decision("accept", ruling.text or "overridden"), None
            case "revise":
                decision, critique = Decision("revise", "the person objects"), person_critique(ruling.text)
            case "stop":
                decision, critique = Decision("stop", ruling.text or "stopped by the person"), None
        return Decided(self.clock(), state.step, last, decision, critique, by=ruling.by)

    def hand_over(self) -> Event:
        """The supervisor itself hands the customer to a human, by the environment's own tool; else it stops."""
        state, tool = self.state, self.parties.environment.transfer_tool
        if tool is None:
            reason = "out of revisions, and this environment has no tool that hands over to a human"
            last = state.number_of(len(state.attempts) - 1)
            return Decided(self.clock(), state.step, last, Decision("stop", reason))
        return Proposed(self.clock(), state.step, state.attempt, Proposal(handover_call(tool, state), "supervisor"))

    def act(self) -> Event:
        """The accepted proposal joins the transcript; its effect comes after this event is written."""
        state = self.state
        assert state.accepted is not None
        message = self.parties.environment.stands(state.candidate(state.accepted).message)
        return Acted(self.clock(), state.step, state.accepted, message)

    def observe(self) -> Event:
        """The tools run, and what they return is the observation."""
        state, began = self.state, self.clock()
        messages, error, ends = run_calls(self.parties.episode, state.transcript[-1])
        at = self.clock()
        return Observed(at, state.step, messages, error, at - began, ends=ends)

    def end(self, reason: Termination, message: str) -> Event:
        """The environment scores the session."""
        reward = self.parties.episode.score(self.state.transcript, reason)
        state_hash = self.parties.episode.state_hash()
        return Ended(self.clock(), reason, message, reward, state_hash, fault_of(self.state, reason, reward))

    def failed(
        self, party: PartyName, error: Exception, reason: Termination, failure: ActorFailed | UserFailed
    ) -> Event:
        """A party's model failed for good: the provider's failure is not counted as the agent's."""
        at, limit = self.clock(), self.state.spec.limits.max_seconds
        if isinstance(error, PartyError) and error.infrastructure:
            reason = "infrastructure_error"
        elif limit is not None and self.state.elapsed + at - (self.state.last_at or at) >= limit:
            reason = "max_seconds"  # the call was cut off because the session's time was up
        return Failed(at, self.state.step, party, str(error), reason, safe_call(failure.call))


def case_of(state: State, policy: str, proposal: Proposal | None = None) -> Case:
    """Return what the critic is shown of the proposal under way, or of another one for the same action; the same for a
    session read back from the record."""
    return Case(
        session=state.session,
        policy=policy,
        tools=state.tools,
        transcript=state.transcript,
        proposal=proposal if proposal is not None else state.candidate(state.attempt),
        attempts=state.attempts,
        max_seconds=seconds_left(state),
        nonce=nonce_of(state.spec),
    )


def nonce_of(spec: SessionSpec) -> str:
    """Return what the critic's delimiters are derived from: the same for the same session held or judged again."""
    return f"{spec.seed}/{spec.task_id}/{spec.trial}"


def run_calls(episode: Episode, message: Message) -> tuple[tuple[Message, ...], bool, Termination | None]:
    """Run the calls of an accepted message; return the tool messages, whether one failed, and why one ends it all."""
    messages: list[Message] = []
    failed = False
    ends: Termination | None = None
    for call in message.tool_calls:
        result = episode.call(call.name, call.parsed())
        messages.append(Message("tool", encodable(result.text), tool_call_id=call.id, name=call.name))
        failed, ends = failed or result.error, ends or (result.ending if result.ends else None)
    return tuple(messages), failed, ends


def caught_up(parties: Parties, state: State) -> Session:
    """Return a session that goes on from a state read back from the record (which gets a ``Resumed`` first).

    The world is brought to where it was by running again the calls whose results are in the transcript (tools are
    deterministic); an accepted call without a result is left to the session, which runs it next.
    """
    done = state.transcript[:-1] if state.phase == "observe" else state.transcript
    for message in done:
        if message.role == "assistant" and message.tool_calls:
            run_calls(parties.episode, message)
    return Session(parties, state)
