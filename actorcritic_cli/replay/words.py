"""Where two texts differ, word by word."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import Literal

from msgspec import Struct

LONGEST = 2000
"""Words of a text that are compared one by one; of longer ones the rest counts as one word."""


class Stretch(Struct, frozen=True):
    """A stretch of text that both have, or one of them."""

    kind: Literal["same", "removed", "added"]
    text: str


def word_changes(left: str, right: str) -> tuple[Stretch, ...]:
    """Return two texts as one, with what is in one of them only marked; what stands in ``left`` comes first.

    >>> [(s.kind, s.text) for s in word_changes("cancel it now", "cancel that now")]
    [('same', 'cancel '), ('removed', 'it '), ('added', 'that '), ('same', 'now')]
    """
    one, two = _words(left), _words(right)
    found: list[Stretch] = []
    for kind, a, a_end, b, b_end in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Stretch("same", "".join(one[a:a_end])))
            continue
        if a_end > a:
            found.append(Stretch("removed", "".join(one[a:a_end])))
        if b_end > b:
            found.append(Stretch("added", "".join(two[b:b_end])))
    return tuple(found)


def shared_words(left: str, right: str) -> float:
    """Return the share of words that two texts have in common, in whatever order (Dice's coefficient), in [0, 1].

    >>> shared_words("a b c d", "d c b x")
    0.75
    """
    one, two = Counter(left.lower().split()), Counter(right.lower().split())
    count = one.total() + two.total()
    return 1.0 if not count else 2 * (one & two).total() / count


def _words(text: str) -> list[str]:
    """Return a text as words, each with the space behind it."""
    words = re.findall(r"\s*\S+\s*|\s+", text) if len(text) < 200_000 else [text]
    return words if len(words) <= LONGEST else [*words[:LONGEST], "".join(words[LONGEST:])]
