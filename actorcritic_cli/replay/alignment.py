"""Which turn of one session answers to which turn of another.

Turns are aligned so that the sum of their similarities is greatest (Needleman and Wunsch 1970, without a price for gaps):
what only one of the sessions has is an insertion or a removal, and the turns behind it still stand beside their like. A call
is like a call of the same tool, the more so the more of its arguments are the same; a reply is like a reply, the more so the
more of its words are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from actorcritic_cli.hashing import canonical_json, identity_body
from actorcritic_cli.replay.json_paths import same_leaves
from actorcritic_cli.replay.story import Turn
from actorcritic_cli.replay.words import shared_words
from actorcritic_cli.types import Message, ToolCall

SAME_TOOL, SAME_REPLY = 0.5, 0.2
"""What two calls of a tool, and two replies, have in common before their arguments or words are looked at."""
_GREATEST = 250_000
"""Pairs of turns that are compared, after those at both ends that are the same; longer sessions are aligned in order."""

Aligned = list[tuple[Turn | None, Turn | None]]


class _Act(Struct, frozen=True):
    """What of a turn counts when it is compared with another."""

    identity: str
    tools: tuple[str, ...]
    arguments: tuple[Any, ...]
    words: str


def aligned(left: Sequence[Turn], right: Sequence[Turn]) -> Aligned:
    """Return the turns of two sessions in pairs, in order; ``None`` stands where one has no like of the other's turn."""
    one, two = [_act(turn) for turn in left], [_act(turn) for turn in right]
    start = 0
    while start < min(len(one), len(two)) and one[start].identity == two[start].identity:
        start += 1
    end = 0
    while end < min(len(one), len(two)) - start and one[-1 - end].identity == two[-1 - end].identity:
        end += 1
    a_end, b_end = len(one) - end, len(two) - end
    middle = _middle(one[start:a_end], two[start:b_end])
    return [
        *zip(left[:start], right[:start], strict=True),
        *((left[start + a] if a is not None else None, right[start + b] if b is not None else None) for a, b in middle),
        *zip(left[a_end:], right[b_end:], strict=True),
    ]


def likeness(one: Message, two: Message) -> float:
    """Return how like two messages of the agent are, in [0, 1]; 0 for a call and a reply, or calls of different tools."""
    return _likeness(_act_of(one), _act_of(two))


def _middle(one: Sequence[_Act], two: Sequence[_Act]) -> list[tuple[int | None, int | None]]:
    if len(one) * len(two) > _GREATEST:
        both = min(len(one), len(two))
        return [
            *((n, n) for n in range(both)),
            *((n, None) for n in range(both, len(one))),
            *((None, n) for n in range(both, len(two))),
        ]
    score = [[0.0] * (len(two) + 1) for _ in range(len(one) + 1)]
    like = [[_likeness(a, b) for b in two] for a in one]
    for a in range(len(one) - 1, -1, -1):
        for b in range(len(two) - 1, -1, -1):
            paired = like[a][b] + score[a + 1][b + 1] if like[a][b] > 0 else -1.0
            score[a][b] = max(paired, score[a + 1][b], score[a][b + 1])
    pairs: list[tuple[int | None, int | None]] = []
    a = b = 0
    while a < len(one) and b < len(two):
        if like[a][b] > 0 and score[a][b] == like[a][b] + score[a + 1][b + 1]:
            pairs.append((a, b))
            a, b = a + 1, b + 1
        elif score[a][b] == score[a + 1][b]:
            pairs.append((a, None))
            a += 1
        else:
            pairs.append((None, b))
            b += 1
    return [*pairs, *((n, None) for n in range(a, len(one))), *((None, n) for n in range(b, len(two)))]


def _likeness(one: _Act, two: _Act) -> float:
    if one.identity == two.identity:
        return 1.0
    if one.tools != two.tools:
        return 0.0
    if not one.tools:
        return SAME_REPLY + (1 - SAME_REPLY) * 0.9 * shared_words(one.words, two.words)
    shared = [same_leaves(a, b) for a, b in zip(one.arguments, two.arguments, strict=True)]
    return SAME_TOOL + (1 - SAME_TOOL) * 0.9 * sum(shared) / len(shared)


def _act(turn: Turn) -> _Act:
    """Return what was done in a turn, or else what was last proposed in it."""
    if turn.acted is not None:
        return _act_of(turn.acted.message)
    return _act_of(turn.tries[-1].proposal.message if turn.tries else Message("assistant"))


def _act_of(message: Message) -> _Act:
    return _Act(
        canonical_json(identity_body(message)),
        tuple(call.name for call in message.tool_calls),
        tuple(arguments_of(call) for call in message.tool_calls),
        "" if message.tool_calls else message.content or "",
    )


def arguments_of(call: ToolCall) -> Any:
    """Return a call's arguments as values, or their text where they are no JSON object."""
    try:
        return call.parsed()
    except (ValueError, RecursionError):
        return call.arguments
