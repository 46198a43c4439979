"""Doing recorded sessions again: the accepted calls on a fresh world must give what is on record.

Tools are deterministic, so every observation, the final state and the score can be computed anew from the accepted calls
alone. Where they differ, either the record or the tools have changed since.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from actorcritic_cli.envs.protocol import Environment, Episode
from actorcritic_cli.replay.story import Story, Turn, told
from actorcritic_cli.session.events import Event
from actorcritic_cli.session.loop import run_calls
from actorcritic_cli.types import Message, Reward, Transcript

SAME_REWARD = 1e-9
TARGET = "gt_data_hash"
"""Where τ-bench keeps the hash of the database as it should have become."""


class Difference(Struct, frozen=True):
    """A call that does not give what is on record."""

    step: int
    tool: str
    arguments: str
    recorded: str
    computed: str


class Checked(Struct, frozen=True):
    """A session that was done again. A ``…_same`` is ``None`` where the record holds nothing to compare with."""

    session: str
    task: str | None
    trial: int
    calls: dict[str, int]
    """Tool → how many calls were compared."""
    differences: tuple[Difference, ...]
    state_same: bool | None
    reward_same: bool | None
    reward_recorded: float | None
    reward_computed: float | None
    target_same: bool | None
    """Whether the recorded hash of the state to be reached comes out the same."""

    @property
    def same(self) -> bool:
        """Whether everything that could be compared is the same."""
        return not self.differences and False not in (self.state_same, self.reward_same, self.target_same)


class Tally(Struct, frozen=True):
    """What a number of checks come to; pairs are (the same, compared)."""

    sessions: tuple[int, int]
    calls: tuple[int, int]
    rewards: tuple[int, int]
    states: tuple[int, int]
    targets: tuple[int, int]
    unscored: int
    """Sessions without a recorded reward."""
    differing_tools: dict[str, tuple[int, int]]
    """Tool → (calls that differ, calls compared), of tools with differences."""


def check(events: Iterable[Event], environment: Environment) -> Checked:
    """Do a recorded session again in its environment, and compare. Raises ``ValueError`` for no session."""
    story = told(events)
    episode = environment.open(story.started.task)
    calls: dict[str, int] = {}
    differences: list[Difference] = []
    for turn in story.turns:
        for difference, tool in compare_turn(turn, episode):
            calls[tool] = calls.get(tool, 0) + 1
            if difference is not None:
                differences.append(difference)
    computed = _score(story, episode)
    recorded = story.ended.reward if story.ended is not None else None
    state = story.ended.state if story.ended is not None else None
    spec = story.started.spec
    return Checked(
        session=story.started.session,
        task=spec.task_id,
        trial=spec.trial,
        calls=calls,
        differences=tuple(differences),
        state_same=None if state is None else state == episode.state_hash(),
        reward_same=_same_reward(recorded, computed),
        reward_recorded=recorded.value if recorded is not None else None,
        reward_computed=computed.value if computed is not None else None,
        target_same=_same_target(recorded, computed),
    )


def tally(checks: Iterable[Checked]) -> Tally:
    """Count what was the same."""
    done = list(checks)
    compared: dict[str, int] = {}
    differing: dict[str, int] = {}
    for one in done:
        for tool, n in one.calls.items():
            compared[tool] = compared.get(tool, 0) + n
        for difference in one.differences:
            differing[difference.tool] = differing.get(difference.tool, 0) + 1
    total = sum(compared.values())
    return Tally(
        sessions=(sum(1 for c in done if c.same), len(done)),
        calls=(total - sum(differing.values()), total),
        rewards=_count(c.reward_same for c in done),
        states=_count(c.state_same for c in done),
        targets=_count(c.target_same for c in done),
        unscored=sum(1 for c in done if c.reward_recorded is None),
        differing_tools={tool: (n, compared[tool]) for tool, n in sorted(differing.items())},
    )


def compare_turn(turn: Turn, episode: Episode) -> Iterable[tuple[Difference | None, str]]:
    """Run a turn's accepted calls; yield for each its difference, if there is one, and the tool."""
    if turn.acted is None or turn.observed is None or not turn.acted.message.tool_calls:
        return
    message = turn.acted.message
    heard = [m.content or "" for m in turn.heard]
    for place, call in enumerate(message.tool_calls):
        recorded = heard[place] if place < len(heard) else ""
        single = Message("assistant", tool_calls=(call,))
        try:
            results, _, _ = run_calls(episode, single)
            computed = results[0].content or ""
        except ValueError as error:  # arguments that no live session would have let through
            computed = f"(cannot be run: {error})"
        same = computed == recorded
        yield (None if same else Difference(turn.step, call.name, call.arguments, recorded, computed)), call.name


def _score(story: Story, episode: Episode) -> Reward | None:
    if story.ended is None:
        return None
    return episode.score(_transcript(story), story.ended.reason)


def _transcript(story: Story) -> Transcript:
    messages = list(story.started.messages)
    for turn in story.turns:
        if turn.acted is not None:
            messages.append(turn.acted.message)
        messages += turn.heard
    return tuple(messages)


def _same_target(recorded: Reward | None, computed: Reward | None) -> bool | None:
    if recorded is None or TARGET not in recorded.info:
        return None
    return computed is not None and recorded.info[TARGET] == computed.info.get(TARGET)


def _same_reward(recorded: Reward | None, computed: Reward | None) -> bool | None:
    if recorded is None or recorded.value is None:
        return None
    if computed is None:
        return False
    if computed.value is None:  # it takes a judge that is not here
        return None
    return abs(recorded.value - computed.value) <= SAME_REWARD


def _count(answers: Iterable[bool | None]) -> tuple[int, int]:
    known = [answer for answer in answers if answer is not None]
    return sum(known), len(known)
