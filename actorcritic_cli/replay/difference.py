"""How two sessions differ: where they part, which turns answer to each other, and how they ended.

A message's id covers all that came before it, so the first place where the ids differ is the first difference of the
conversations. From there on the turns are aligned, so that one turn more or less does not make all that follows look
different. Two sessions can say the same and still differ in what was held back, so proposals, verdicts and decisions are
compared as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from actorcritic_cli.hashing import canonical_json, chain_ids, identity_body
from actorcritic_cli.replay.alignment import aligned, arguments_of
from actorcritic_cli.replay.json_paths import PathChange, path_changes
from actorcritic_cli.replay.story import Story, Try, Turn
from actorcritic_cli.replay.words import Stretch, word_changes
from actorcritic_cli.types import Message, Verdict


class Parting(Struct, frozen=True):
    """The first message that differs: its place in the transcript (from 0), its step, the two ids and messages.

    ``None`` on a side whose transcript ends before. Step 0 is the user's opening; before it stands what nobody said (the
    policy), with step -1.
    """

    place: int
    step: int
    ids: tuple[str | None, str | None]
    messages: tuple[Message | None, Message | None]


class CallDifference(Struct, frozen=True):
    """Two calls of the same tool with other arguments."""

    tool: str
    arguments: tuple[PathChange, ...]


class Pair(Struct, frozen=True):
    """A turn of each session that answer to each other, or one that has no like in the other.

    ``same`` compares all that was said, proposed, judged and decided. ``removed`` is in the first session only, ``inserted``
    in the second only. ``calls``, ``words`` and ``results`` say how accepted calls of the same tools, accepted replies, and
    what tools returned to calls that are the same, differ. ``verdicts`` are those on what was accepted.
    """

    kind: Literal["same", "changed", "removed", "inserted"]
    left: Turn | None
    right: Turn | None
    calls: tuple[CallDifference, ...] = ()
    words: tuple[Stretch, ...] = ()
    results: tuple[PathChange, ...] = ()
    verdicts: tuple[Verdict | None, Verdict | None] = (None, None)

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return self.kind == "same"

    @property
    def step(self) -> int:
        """The turn's number: the first session's, where it has the turn."""
        turn = self.left or self.right
        assert turn is not None
        return turn.step


class SessionDifference(Struct, frozen=True):
    """How two sessions differ."""

    same: bool
    parting: Parting | None
    """``None`` when both conversations are the same."""
    first_step: int | None
    """The first step in which anything differs: the conversation, or what supervision did."""
    outcome_same: bool
    pairs: tuple[Pair, ...]


def difference(left: Story, right: Story) -> SessionDifference:
    """Compare two sessions."""
    parting = _parting(left, right)
    pairs = _pairs(left, right)
    outcome = _same_outcome(left, right)
    first = next((pair.step for pair in pairs if not pair.same), None)
    if parting is not None and (first is None or parting.step < first):
        first = parting.step
    same = parting is None and outcome and all(pair.same for pair in pairs)
    return SessionDifference(same, parting, first, outcome, pairs)


def message_changes(one: Message, two: Message) -> tuple[tuple[CallDifference, ...], tuple[Stretch, ...]]:
    """Return how two messages of the agent differ: arguments of calls of the same tools, or the words of two replies.

    Both are empty where there is nothing to compare: a call and a reply, or calls of different tools.
    """
    tools = [tuple(call.name for call in message.tool_calls) for message in (one, two)]
    if tools[0] != tools[1]:
        return (), ()
    if not tools[0]:
        return (), word_changes(one.content or "", two.content or "") if one.content != two.content else ()
    differing = [
        CallDifference(a.name, changes)
        for a, b in zip(one.tool_calls, two.tool_calls, strict=True)
        if (changes := path_changes(arguments_of(a), arguments_of(b)))
    ]
    return tuple(differing), ()


def _parting(left: Story, right: Story) -> Parting | None:
    one, two = _steps(left), _steps(right)
    ids = (chain_ids(m for _, m in one), chain_ids(m for _, m in two))
    for place in range(max(len(one), len(two))):
        a = ids[0][place] if place < len(one) else None
        b = ids[1][place] if place < len(two) else None
        if a != b:
            step = one[place][0] if a is not None else two[place][0]
            return Parting(
                place,
                step,
                (a, b),
                (one[place][1] if a is not None else None, two[place][1] if b is not None else None),
            )
    return None


def _steps(story: Story) -> list[tuple[int, Message]]:
    """Return the accepted transcript with the step of every message."""
    found = [(-1, message) for message in story.started.messages]
    for turn in story.turns:
        if turn.acted is not None:
            found.append((turn.step, turn.acted.message))
        found += [(turn.step, message) for message in turn.heard]
    return found


def _pairs(left: Story, right: Story) -> tuple[Pair, ...]:
    openings = [next((turn for turn in story.turns if turn.step == 0), None) for story in (left, right)]
    turns = [[turn for turn in story.turns if turn.step > 0] for story in (left, right)]
    first = [_pair(*openings)] if openings[0] is not None or openings[1] is not None else []
    return (*first, *(_pair(a, b) for a, b in aligned(*turns)))


def _pair(left: Turn | None, right: Turn | None) -> Pair:
    if left is None or right is None:
        return Pair(
            "inserted" if left is None else "removed", left, right, verdicts=(_accepted(left), _accepted(right))
        )
    if _conduct(left) == _conduct(right):
        return Pair("same", left, right, verdicts=(_accepted(left), _accepted(right)))
    calls: tuple[CallDifference, ...] = ()
    words: tuple[Stretch, ...] = ()
    if left.acted is not None and right.acted is not None:
        calls, words = message_changes(left.acted.message, right.acted.message)
    results = () if calls else _result_changes(left, right)
    return Pair("changed", left, right, calls, words, results, (_accepted(left), _accepted(right)))


def _accepted(turn: Turn | None) -> Verdict | None:
    """Return the verdict on what was accepted in a turn, if there was one."""
    if turn is None or turn.acted is None:
        return None
    return next((tried.verdict for tried in turn.tries if tried.attempt == turn.acted.attempt), None)


def _result_changes(left: Turn, right: Turn) -> tuple[PathChange, ...]:
    """Return how differently the same calls were answered."""
    values = [[_value(m.content or "") for m in turn.heard if m.role == "tool"] for turn in (left, right)]
    if len(values[0]) != len(values[1]):
        return ()
    return tuple(change for a, b in zip(*values, strict=True) for change in path_changes(a, b))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _conduct(turn: Turn) -> object:
    """Return what of a turn counts: everything but times, costs, probabilities and the wording of reasons."""
    return (
        [_tried(tried) for tried in turn.tries],
        turn.choice.chosen if turn.choice is not None and turn.candidates else None,
        _identity([turn.acted.message]) if turn.acted is not None else None,
        _identity(turn.heard),
        turn.failed.reason if turn.failed is not None else None,
    )


def _tried(tried: Try) -> object:
    return (
        _identity([tried.proposal.message]),
        tried.proposal.author,
        (tried.verdict.kind, tried.verdict.why) if tried.verdict is not None else None,
        [(d.decision.kind, d.decision.to, d.by) for d in tried.decisions],
    )


def _identity(messages: Sequence[Message]) -> list[str]:
    return [canonical_json(identity_body(message)) for message in messages]


def _same_outcome(left: Story, right: Story) -> bool:
    one, two = left.ended, right.ended
    if one is None or two is None:
        return one is two
    rewards = [ended.reward.value if ended.reward is not None else None for ended in (one, two)]
    # An imported session may lack its state; what is not known is no difference.
    states = [ended.state for ended in (one, two) if ended.state is not None]
    return one.reason == two.reason and rewards[0] == rewards[1] and len(set(states)) < 2
