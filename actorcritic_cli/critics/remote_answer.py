"""What the answer of a model behind a server says: how probable each of the two labels was, or at least which it wrote.

A server gives the log probabilities of the likeliest tokens only, as text and in many spellings (``yes``, `` Yes``,
``Ġyes``), so the probabilities of all spellings of a label are added up. A label that is not among those given counts as
impossible, for it is less likely than every one of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from actorcritic_cli.critics.labels import LabelPair
from actorcritic_cli.providers.completion import Completion
from actorcritic_cli.providers.stream import TokenChance

_THOUGHT = re.compile(r"<think>.*?</think>|^.*?</think>", re.DOTALL | re.IGNORECASE)
_OPEN_THOUGHT = re.compile(r"<think>.*\Z", re.DOTALL | re.IGNORECASE)
_AROUND = " \t\r\n\"'`*_.:,;!()[]Ġ▁Ċ"
"""What may stand around a word; Ġ, Ċ and ▁ are how vocabularies write white space."""


class Reading(Struct, frozen=True):
    """What an answer says: the probabilities of both labels among all tokens (revise, approve) and the entropy of the
    next token in nats, what was not given counted as one token. Without log probabilities, the word that was written
    has 1, and the entropy is ``None``."""

    p_labels: tuple[float, float]
    entropy: float | None

    @property
    def p_revise(self) -> float:
        """The probability of the one label against the other."""
        revise, approve = self.p_labels
        return revise / (revise + approve)


def read(answer: Completion, labels: LabelPair) -> Reading | None:
    """Return what an answer says, or ``None`` when it is neither label (a thought that was cut off, other words)."""
    content = without_thought(answer.message.content or "")
    if not content:
        return None
    chance = chance_of_answer(answer.chances, content)
    if chance is not None:
        weights = tuple(mass(chance.likeliest, word) for word in (labels.revise, labels.approve))
        if sum(weights) > 0:
            return Reading((weights[0], weights[1]), entropy(chance.likeliest))
    word = said(content, labels)
    if word is None:
        return None
    return Reading((1.0, 0.0) if word == "revise" else (0.0, 1.0), None)


def shares(answer: Completion, letters: str) -> list[float] | None:
    """Return the probabilities of the letters among themselves, or a vote for the one that was written.

    ``None`` when the answer is no letter. Unlike words, letters count in upper case only: ``a`` is a word.
    """
    content = without_thought(answer.message.content or "")
    if not content:
        return None
    chance = chance_of_answer(answer.chances, content)
    given = chance.likeliest if chance is not None else ()
    weights = [
        math.fsum(math.exp(min(value, 0.0)) for token, value in given if token.strip(_AROUND) == letter)
        for letter in letters
    ]
    if sum(weights) > 0:
        return [weight / sum(weights) for weight in weights]
    first = re.match(r"[\W_]*(\w+)", content)
    return [float(letter == first[1]) for letter in letters] if first and first[1] in [*letters] else None


def mass(likeliest: Sequence[tuple[str, float]], label: str) -> float:
    """Return the probability of a label: that of all its spellings together.

    >>> mass([("yes", math.log(0.5)), (" Yes", math.log(0.25)), ("no", math.log(0.2))], "yes")
    0.75
    """
    wanted = plain(label)
    return math.fsum(math.exp(min(value, 0.0)) for token, value in likeliest if plain(token) == wanted)


def entropy(likeliest: Sequence[tuple[str, float]]) -> float:
    """Return the entropy in nats of the next token; the tokens that were not given count as one.

    >>> round(entropy([("yes", math.log(0.5)), ("no", math.log(0.5))]), 6)
    0.693147
    """
    given = [math.exp(min(value, 0.0)) for _, value in likeliest]
    rest = 1.0 - math.fsum(given)
    return math.fsum(-p * math.log(p) for p in (*given, rest) if p > 0)


def chance_of_answer(chances: Sequence[TokenChance], content: str) -> TokenChance | None:
    """Return the token with which the answer begins, after whatever was thought; ``None`` if that cannot be told.

    Thoughts may or may not be among the tokens, so the answer's own text is looked for at their end.
    """
    tail = ""
    for place in range(len(chances) - 1, -1, -1):
        tail = chances[place].token + tail
        if tail.strip(_AROUND) and plain(tail).startswith(plain(content)):  # what follows is a mark of the end
            while place < len(chances) and not chances[place].token.strip(_AROUND):
                place += 1  # white space before the word
            return chances[place]
    return None


def said(content: str, labels: LabelPair) -> Literal["revise", "approve"] | None:
    """Return which label an answer begins with, in whatever spelling."""
    first = re.match(r"[\W_]*(\w+)", content)
    word = plain(first[1]) if first else ""
    if word == plain(labels.revise):
        return "revise"
    return "approve" if word == plain(labels.approve) else None


def without_thought(content: str) -> str:
    """Return an answer without the thoughts that some servers leave in it, a thought that was cut off included."""
    rest = _OPEN_THOUGHT.sub("", _THOUGHT.sub("", content)).strip()
    return "" if "<think>".startswith(rest.lower()) else rest


def plain(text: str) -> str:
    """Return a word without what may stand around it and in lower case: all spellings of a label have this in common."""
    return text.strip(_AROUND).casefold()
