"""The travel game behind the protocol of ``envs``.

Everything the agent does goes through one tool, ``interact_with_env``. Its user is part of the environment: a question asked
through the tool is answered in the tool's result. The session's own user says the opening request and, to a plain reply,
that the tool must be used; such a reply uses a step and gains nothing, like any other message out of form. A task's script
holds these lines, so ``--user script`` plays it whole.

The tool writes (an answer is final) and reads (a search) and talks to the user (a question). An effect belongs to a tool,
not to a call, so it is declared ``write``: under the gate ``auto`` the critic sees every call, as it sees every reply
elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli.envs.protocol import Records
from actorcritic_cli.envs.travel import expert, scoring, turn, wording
from actorcritic_cli.envs.travel.judge import Case, Judge, Line, Undecided
from actorcritic_cli.envs.travel.one_call import first_call_only
from actorcritic_cli.envs.travel.scenario import Scenario
from actorcritic_cli.envs.travel.turn import Rules, State, Turn
from actorcritic_cli.hashing import canonical_json, sha256
from actorcritic_cli.types import Message, ModelCall, Reward, Task, Termination, ToolResult, ToolSpec, Transcript

TOOL = ToolSpec(
    expert.TOOL,
    "Search the travel database, say something to the user, or answer with an option.",
    {
        "type": "object",
        "properties": {
            "thought": {"type": "string", "description": "What you think before this step; nobody else reads it."},
            "choice": {"type": "string", "enum": ["action", "answer", "search"], "description": "What to do."},
            "content": {
                "type": "string",
                "description": "The search request, the words to the user, or the id of the option.",
            },
        },
        "required": ["thought", "choice", "content"],
    },
    "write",
)
STOP_WORD = "###STOP###"
"""Ends a session when the (simulated) user says it."""

_NOT_THE_AGENTS: tuple[Termination, ...] = ("infrastructure_error", "user_error")
_CHOICES = ("search", "action", "answer")
_PROSE = 200
"""Characters of a search result that stay in the history for the judge."""


class Request(Struct, frozen=True):
    """A well-formed call: ``search``, ``action``, ``answer`` or ``finish``, and its text."""

    choice: str
    text: str


def request_of(arguments: Mapping[str, Any]) -> Request | str:
    """Return what a call asks for, or what is wrong with its form.

    As in the benchmark, the content may carry its choice in front (``[search] …``), and for a choice that is none the
    content must do so; ``[finish]`` in any case ends the game.
    """
    names = ("thought", "choice", "content")
    missing = [name for name in names if not isinstance(arguments.get(name), str)]
    if missing:
        return f"The call lacks {', '.join(missing)} as text: thought, choice and content are all needed."
    if unknown := sorted(str(name) for name in arguments if name not in names):
        return f"The call has unknown arguments ({', '.join(unknown)[:80]}): it takes thought, choice and content."
    choice, content = arguments["choice"], arguments["content"].strip()
    if choice not in _CHOICES:
        if (content or choice.strip()).casefold() == "[finish]":
            return Request("finish", "")
        choice = next((name for name in _CHOICES if content.startswith(f"[{name}]")), "")
        if not choice:
            return f"The choice must be one of {', '.join(_CHOICES)}."
    text = content.removeprefix(f"[{choice}]").strip()
    return Request(choice, text) if text else f"A {choice} needs a content."


class TravelEpisode:
    """One trip under way."""

    def __init__(self, scenario: Scenario, rules: Rules, judge: Judge, headline: scoring.Headline = "micro_max"):
        self._scenario = scenario
        self._rules = rules
        self._judge = judge
        self._headline = headline
        self._state = turn.begin(scenario)
        self._turns: list[Turn] = []
        self._history = [Line("user", wording.opening(scenario.opening))]
        self._calls: list[ModelCall] = []
        self._undecided: list[str] = []

    @property
    def state(self) -> State:
        """The state as it is now."""
        return self._state

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What the calls so far came to."""
        return tuple(self._turns)

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Play one message of the agent. Whatever it holds, the result is a text."""
        played = self._play(turn.stepped(self._state), name, arguments)
        ended_now = played.state.over and played.event != "over"
        self._state = played.state
        self._turns.append(played)
        return ToolResult(played.feedback, error=played.is_error, ends=ended_now, ending="user_stop")

    def records(self) -> Records:
        """Return the state of the game as one record."""
        return {"game": {self._scenario.id: msgspec.to_builtins(self._state, str_keys=True)}}

    def state_hash(self) -> str:
        """Return the hash of scenario and state."""
        return sha256(canonical_json([self._scenario.id, msgspec.to_builtins(self._state)]))

    def score(self, transcript: Transcript, reason: Termination) -> Reward | None:
        """Return the metrics and, as value, the headline one, however the game ended.

        ``None`` when it ended through no conduct of the agent's; a value of ``None`` when a message could not be judged.
        """
        if reason in _NOT_THE_AGENTS:
            return None
        messages = sum(1 for message in transcript if message.role == "assistant")
        found = scoring.metrics(self._scenario, self._state, self._turns, messages)
        info = {"headline": self._headline, "judge": self._judge.name, **found, **self._accounts()}
        if self._undecided:
            why = f"{len(self._undecided)} message(s) could not be judged: {self._undecided[0]}"
            return Reward(None, {"why": why, **info})
        return Reward(scoring.value(found, self._headline), info)

    def _play(self, state: State, name: str, arguments: dict[str, Any]) -> Turn:
        if state.over:
            return turn.nothing(state, "over", wording.OVER)
        if name != TOOL.name:
            return turn.nothing(state, "malformed", f"There is no tool {name[:80]!r}; use {TOOL.name}.")
        request = request_of(arguments)
        if isinstance(request, str):
            return self._noted("", turn.nothing(state, "malformed", request))
        match request.choice:
            case "search":
                played = self._search(state, request.text)
            case "action":
                played = self._ask(state, request.text)
            case "answer":
                played = turn.answered(state, self._scenario, self._rules, request.text)
            case _:
                played = turn.finished(state, self._scenario)
        return self._noted(f"[{request.choice}] {request.text}", played)

    def _search(self, state: State, text: str) -> Turn:
        if turn.search_is_out_of_order(state, self._rules):
            return turn.out_of_order(state)
        verdict = self._judge.search(self._case(state, text))
        self._calls += verdict.calls
        if isinstance(verdict, Undecided):
            return self._no_decision(state, verdict)
        return turn.searched(state, self._scenario, self._rules, verdict)

    def _ask(self, state: State, text: str) -> Turn:
        verdict = self._judge.question(self._case(state, text))
        self._calls += verdict.calls
        if isinstance(verdict, Undecided):
            return self._no_decision(state, verdict)
        return turn.asked(state, self._scenario, self._rules, verdict)

    def _case(self, state: State, text: str) -> Case:
        return Case(self._scenario, text, state.remaining, state.topic, tuple(self._history))

    def _no_decision(self, state: State, verdict: Undecided) -> Turn:
        self._undecided.append(verdict.reason)
        return turn.undecided(state)

    def _noted(self, said: str, played: Turn) -> Turn:
        """Write the message and its feedback into the public history that a judge may read; only results are shortened."""
        if said:
            self._history.append(Line("agent", said))
        who = "search" if played.event in ("listed", "listed_before", "bad_search", "out_of_order") else "user"
        text = played.feedback.partition("\n")[0][:_PROSE] if who == "search" else played.feedback
        self._history.append(Line("search" if who == "search" else "user", text))
        return played

    def _accounts(self) -> dict[str, Any]:
        """What judging has cost. US dollars; ``None`` when the price of some call is not known."""
        costs = [call.cost for call in self._calls]
        known = [cost for cost in costs if cost is not None]
        cost = sum(known) if len(known) == len(costs) else None
        return {"judge_calls": len(costs), "judge_cost": cost} if costs else {}


class FreeEpisode:
    """A conversation without a trip: there is nothing to search."""

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Say so."""
        return ToolResult("There is no trip to plan: choose a task.", error=True)

    def state_hash(self) -> str:
        """Return a constant."""
        return sha256("no trip")

    def score(self, transcript: Transcript, reason: Termination) -> Reward | None:
        """Score nothing."""
        return None


class TravelEnvironment:
    """Trips with the rules and the judge of a session."""

    name = "travel"

    def __init__(
        self,
        dataset: str,
        scenarios: Sequence[Scenario],
        rules: Rules,
        judge: Judge,
        *,
        headline: scoring.Headline = "micro_max",
        texts: Mapping[str, str] | None = None,
        policy: str | None = None,
    ):
        """``texts`` holds the user's first words by scenario, and ``policy`` the text for the agent, where the data set has
        its own."""
        self._dataset = dataset
        self._scenarios = {scenario.id: scenario for scenario in scenarios}
        self._rules = rules
        self._judge = judge
        self._headline = headline
        self._policy = policy or wording.policy(rules.one_choice, rules.max_steps)
        self._tasks = tuple(task_of(scenario, rules, (texts or {}).get(scenario.id)) for scenario in scenarios)

    @property
    def dataset(self) -> str:
        """``bundled``, ``bundled-multi`` or ``official``."""
        return self._dataset

    @property
    def policy(self) -> str:
        """The rules as the agent is told them."""
        return self._policy

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The one tool."""
        return (TOOL,)

    @property
    def transfer_tool(self) -> str | None:
        """There is nobody to hand over to."""
        return None

    @property
    def scenarios(self) -> Mapping[str, Scenario]:
        """The trips by id, hidden wishes and all: for the record side, never for an agent."""
        return self._scenarios

    def spent(self, transcript: Transcript) -> tuple[Termination, str] | None:
        """``max_steps`` messages of the agent, plain replies included."""
        steps, limit = sum(1 for message in transcript if message.role == "assistant"), self._rules.max_steps
        return ("max_turns", f"the actor has had its {limit} messages") if steps >= limit else None

    def tasks(self) -> Sequence[Task]:
        """All trips in the order of the data."""
        return self._tasks

    def opening(self) -> tuple[Message, ...]:
        """The policy as system message."""
        return (Message("system", self.policy),)

    def open(self, task: Task | None) -> TravelEpisode | FreeEpisode:
        """Start a trip afresh."""
        if task is None or task.id not in self._scenarios:
            return FreeEpisode()
        return TravelEpisode(self._scenarios[task.id], self._rules, self._judge, self._headline)

    def stands(self, message: Message) -> Message:
        """Return the message with its first call only."""
        return first_call_only(message)

    def is_stop(self, user_text: str) -> bool:
        """Whether the stop word occurs."""
        return STOP_WORD in user_text


def task_of(scenario: Scenario, rules: Rules, first_words: str | None = None) -> Task:
    """Return the task of a trip. Nothing hidden is in it but the ground truth."""
    opening = first_words or wording.opening(scenario.opening)
    instruction = (
        f"You are planning a trip. Your first message is exactly this:\n{opening}\n"
        f"To whatever the agent writes to you afterwards you answer only: {wording.USE_THE_TOOL}\n"
        "You say nothing else; your wishes are told elsewhere."
    )
    return Task(
        id=scenario.id,
        instruction=instruction,
        actions=expert.actions(scenario),
        script=(opening, *[wording.USE_THE_TOOL] * rules.max_steps),
        title=f"{wording.aspects(scenario.aspects)} ({scenario.composition})",
        kind=scenario.composition,
        extra={
            "composition": scenario.composition,
            "difficulty": scenario.difficulty,
            "aspects": list(scenario.aspects),
        },
    )
