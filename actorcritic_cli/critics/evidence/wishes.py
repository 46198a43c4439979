"""What a customer wishes of a listing: the questions that the agent asked through a tool, and how they were answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from actorcritic_cli.critics.evidence.records import Record
from actorcritic_cli.critics.evidence.texts import Text, numbers, plain
from actorcritic_cli.critics.evidence.values import leaves_of
from actorcritic_cli.types import Transcript

MOST_WISHES = 10
"""Wishes that are told of one listing, the last ones."""
_NONE = re.compile(
    r"\bno\b[^.]{0,20}\b(?:wish|preference)|\b(?:do|does)(?:n't| not) (?:mind|care|matter|need)\b", re.IGNORECASE
)
"""An answer that there is no wish."""
# fmt: off
_SMALL = frozenset((
    "a", "an", "and", "any", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from",
    "has", "have", "i", "in", "is", "it", "many", "me", "more", "must", "my", "need", "of", "on",
    "or", "shall", "should", "suit", "that", "the", "there", "this", "to", "want", "will", "with", "would", "you",
    "your", "yourself", "like", "which", "what", "how",
))
# fmt: on
"""Words of questions that say nothing of what is asked for."""
_MOST_CHARACTERS = 80
_MOST_OF_A_LIST = 8


class Wish(Struct, frozen=True):
    """A question and its answer."""

    question: str
    answer: str

    def told(self) -> str:
        """Return what is asked for, without the small words, and the numbers of the answer."""
        words = [word for word in plain(self.question).split() if word not in _SMALL]
        return " ".join([*words, *(f"{one:g}" for one in numbers(self.answer))])[:_MOST_CHARACTERS]


class Wishes:
    """The wishes that a conversation has brought up for one listing."""

    def __init__(self, wishes: Sequence[Wish]):
        self.wishes = list(wishes)
        self.text = Text([part for wish in wishes for part in (wish.question, wish.answer)])
        # A number in an answer is how much is wanted of what the question names.
        self._wanted = [(f" {plain(w.question)} ", numbers(w.answer)[0]) for w in wishes if len(numbers(w.answer)) == 1]

    def met(self, record: Record) -> frozenset[str]:
        """Return what of a record was asked for, by words and by figures that are large enough."""
        words = {word for word in record.words if self.text.holds(word)}
        for key, value in record.figures.items():
            name = f" {plain(key)} "
            if any(name in question and value >= wanted for question, wanted in self._wanted):
                words.add(key)
        return frozenset(words)

    def cost(self, record: Record) -> float | None:
        """Return a record's price with the extras that were asked for."""
        price = record.price()
        if price is None:
            return None
        return price + sum(cost for name, cost in record.extras.items() if self.text.holds(name))

    def beaten(self, record: Record) -> tuple[int, int]:
        """Return how many of the listing meet everything that the record meets and more, and how many meet as much for
        less."""
        mine, cost = self.met(record), self.cost(record)
        more = cheaper = 0
        for other in record.siblings:
            theirs = self.met(other)
            if theirs >= mine:
                more += theirs > mine
                price = self.cost(other)
                cheaper += cost is not None and price is not None and price < cost
        return more, cheaper

    def told(self) -> list[str]:
        """Return what was asked for, each once."""
        return list(dict.fromkeys(filter(None, (wish.told() for wish in self.wishes))))[-MOST_WISHES:]


def wishes_of(transcript: Transcript) -> list[Wish]:
    """Return the questions that went through a tool and did not come back empty, in order."""
    asked: dict[str, str] = {}
    found = []
    for message in transcript:
        for call in message.tool_calls:
            question = next((text for text in texts_of(call.arguments) if "?" in text), None)
            if question is not None:
                asked[call.id] = question
        if message.role == "tool" and message.tool_call_id in asked:
            answer = message.content or ""
            if not _NONE.search(answer):
                found.append(Wish(asked[message.tool_call_id], answer))
    return found


def by_listing(wishes: Iterable[Wish], requests: Mapping[str, str]) -> dict[str, Wishes]:
    """Return which wishes concern which listing; ``requests`` are the words by which each was asked for.

    A wish that names what only another listing was asked for by does not concern this one.
    """
    words = {name: frozenset(plain(request).split()) - _SMALL for name, request in requests.items()}
    distinct = {
        name: own - frozenset().union(*(other for key, other in words.items() if key != name))
        for name, own in words.items()
    }
    held: dict[str, list[Wish]] = {name: [] for name in words}
    for wish in wishes:
        about = _about(wish.answer, distinct) or _about(wish.question, distinct)
        for name in about or held:
            held[name].append(wish)
    return {name: Wishes(own) for name, own in held.items()}


def texts_of(arguments: str) -> list[str]:
    """Return the texts in a call's arguments."""
    return [value for _, value in leaves_of(arguments, _MOST_OF_A_LIST)]


def _about(text: str, distinct: Mapping[str, frozenset[str]]) -> list[str]:
    spoken = frozenset(plain(text).split())
    return [name for name, words in distinct.items() if words & spoken]
