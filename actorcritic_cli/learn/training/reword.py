"""The same replies in other words, so that a critic judges what an agent says and not how it says it.

A simulated agent has one sentence for each thing that it says. A small critic that has read no other takes every other one
for a slip, and a real agent never says a thing twice in the same way. So in a share of the sessions, in every epoch in
another way, the agent speaks differently: its sentences become others that mean the same, it begins with a courtesy, lists
what it said in one breath, and now and then says something that means nothing at all. What it claims, asks and denies, all
figures, ids and names stay, and so does the label. A customer who only greets is greeted.

The sentences are those of ``actors.sim``; of other agents' replies only openings, fillers and layout change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from importlib.resources import files
from random import Random
from typing import Any

from msgspec.structs import replace

from actorcritic_cli.learn.dataset import Row
from actorcritic_cli.learn.training.courtesies import (
    CLOSINGS,
    FILLERS,
    GREETED,
    GREETINGS,
    OPENINGS,
    QUESTION_OPENINGS,
)
from actorcritic_cli.learn.training.wordings import WORDINGS
from actorcritic_cli.types import Message, ToolCall

_AS_IT_WAS = 0.15
"""Chance of a sentence to stay, so that both ways of saying things are met in one conversation."""
_OPENED, _CLOSED, _FILLED, _BABBLED = 0.45, 0.1, 0.15, 0.1
_LISTED, _JOINED = 0.3, 0.3
_GREETED = 0.35
"""Chance of a first question, which has no history yet, to become a greeting."""
_FEWEST, _MOST = 3, 9
"""Words that mean nothing."""


def reworded(rows: Iterable[Row], seed: int, share: float) -> Iterator[Row]:
    """Yield the rows, a ``share`` of the sessions with an agent that speaks in other words.

    In all rows of a session a reply is reworded in the same way, so that they still begin alike. The same seed gives the
    same words.
    """
    held = list(rows)
    # By what is in the session, not by its id, so that the same sessions held again give the same weights.
    first: dict[str, str] = {}
    for row in held:
        first[row.session] = min(row.id, first.get(row.session, row.id))
    for row in held:
        voice = f"{seed}/{first[row.session]}"
        if Random(voice).random() >= share:
            yield row
        elif _may_greet(row) and Random(f"{voice}/{row.id}").random() < _GREETED:
            draw = Random(f"{voice}/greeting")
            said = (replace(row.transcript[0], content=draw.choice(GREETINGS)),)
            yield replace(row, transcript=said, proposal=replace(row.proposal, content=draw.choice(GREETED)))
        else:
            yield replace(
                row,
                transcript=tuple(_said(message, voice) for message in row.transcript),
                proposal=_said(row.proposal, voice),
            )


def in_other_words(text: str, draw: Random) -> str:
    """Return a reply in other words."""
    for pattern, others in WORDINGS:
        text = pattern.sub(partial(_another, others, draw), text)
    if draw.random() < _LISTED:
        text = _listed(text, draw)
    if draw.random() < _JOINED:
        text = re.sub(r"\n+- ?", " ", text)
    sentences = [text]
    if draw.random() < _FILLED:
        sentences.insert(draw.randrange(2), draw.choice(FILLERS))
    if draw.random() < _BABBLED:
        sentences.insert(draw.randrange(2), _babble(draw))
    if draw.random() < _OPENED:
        sentences.insert(0, draw.choice(OPENINGS))
    if draw.random() < _CLOSED:
        sentences.append(draw.choice(CLOSINGS))
    return " ".join(part for part in sentences if part)


def _listed(text: str, draw: Random) -> str:
    """Return a text with what it says in one breath as a list."""
    mark = draw.choice(("- ", "- **", "{}. ", "* "))
    first, *others = text.split("; ")
    return first + "".join(f"\n{mark.format(number)}{one}" for number, one in enumerate(others, start=1))


def _may_greet(row: Row) -> bool:
    asks = not row.proposal.tool_calls and (row.proposal.content or "").rstrip().endswith("?")
    return len(row.transcript) == 1 and row.label == "approve" and row.transcript[0].role == "user" and asks


def _said(message: Message, voice: str) -> Message:
    if message.role != "assistant":
        return message
    # By the words alone, whatever else the session holds: its rows share their beginnings.
    if message.content:
        message = replace(message, content=in_other_words(message.content, Random(f"{voice}/{message.content}")))
    if message.tool_calls:
        message = replace(message, tool_calls=tuple(_asked(call, voice) for call in message.tool_calls))
    return message


def _asked(call: ToolCall, voice: str) -> ToolCall:
    """Return a call that asks the customer a question through a tool, as the travel agent does, with another beginning."""
    draw = Random(f"{voice}/{call.arguments}")
    if draw.random() < 0.5:
        return call
    try:
        given: Any = json.loads(call.arguments)
    except ValueError:
        return call
    asks = isinstance(given, dict) and given.get("choice") == "action" and isinstance(given.get("content"), str)
    if not asks:
        return call
    given["content"] = f"{draw.choice(QUESTION_OPENINGS)} {given['content']}"
    return replace(call, arguments=json.dumps(given))


def _another(others: Sequence[str], draw: Random, match: re.Match[str]) -> str:
    if draw.random() < _AS_IT_WAS:
        return match[0]
    groups = [group or "" for group in match.groups()]
    return draw.choice(others).format(*groups, *(group[:1].lower() + group[1:] for group in groups))


def _babble(draw: Random) -> str:
    words = _corpus()
    count = draw.randint(_FEWEST, _MOST)
    return f"{' '.join(draw.choice(words) for _ in range(count)).capitalize()}."


@lru_cache(maxsize=1)
def _corpus() -> list[str]:
    text = (files("actorcritic_cli.critics") / "corpus.txt").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"\b[a-z]{2,}\b", text)))
