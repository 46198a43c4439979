"""Many examples in one sequence: what they have in common is read once.

The judged proposals of a session share their conversation, and most of an example's tokens are conversation. So examples
are laid out as a tree: each token follows the token before it in its own example, sees those before it in that example and
no others, and has the position that it has there. What the model computes for each example is exactly what it would
compute for it alone, at a fraction of the cost. (With plain padding the same conversation is read once for each of its
proposals.)

Attention costs the square of what is looked at together, so what has next to nothing in common is a block of its own, which
repeats those few tokens: no token of one block sees another block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from actorcritic_cli.learn.training.examples import Example

if TYPE_CHECKING:
    import numpy as np


_APART = 48
"""Tokens that neighbours must have in common to be laid out as one tree."""


class Pack(Struct, frozen=True):
    """Examples in one sequence of n tokens.

    ``tokens``, ``positions`` and ``parents`` are int64 (n,); a token's parent is the one before it in its example, -1 for
    a first one. ``blocks`` are the places where blocks begin, and n. The others name what is to be predicted: after the
    token at ``after[k]`` comes ``next[k]``. ``reading`` are the places of the prompts, each once; ``verdicts`` those of the
    verdicts, one for each of ``examples``; ``critiques`` those of the rest of the answers, with the number of their example.
    """

    examples: tuple[Example, ...]
    tokens: np.ndarray[Any, Any]
    positions: np.ndarray[Any, Any]
    parents: np.ndarray[Any, Any]
    blocks: tuple[int, ...]
    reading: np.ndarray[Any, Any]
    """int64 (places, 2): after, next."""
    verdicts: np.ndarray[Any, Any]
    """int64 (examples,): after."""
    critiques: np.ndarray[Any, Any]
    """int64 (places, 3): after, next, number of the example."""

    def sees(self) -> Iterator[tuple[int, int, np.ndarray[Any, Any]]]:
        """Yield each block's beginning and end, and what its tokens see of it, themselves included: bool (m, m)."""
        import numpy as np

        for start, end in pairwise(self.blocks):
            seen = np.zeros((end - start, end - start), dtype=bool)
            for place, parent in enumerate(self.parents[start:end]):
                if parent >= 0:
                    seen[place] = seen[parent - start]
                seen[place, place] = True
            yield start, end, seen


def packs(examples: Iterable[Example], most: int) -> Iterator[Pack]:
    """Yield packs of at most ``most`` tokens (a single longer example is a pack of its own), like beside like."""
    held: list[Example] = []
    size = 0
    for example in sorted(examples, key=lambda one: one.tokens):
        more = len(example.tokens) - (_shared(held[-1].tokens, example.tokens)[1] if held else 0)
        if held and size + more > most:
            yield pack(held)
            held, size, more = [], 0, len(example.tokens)
        held.append(example)
        size += more
    if held:
        yield pack(held)


def pack(examples: Sequence[Example]) -> Pack:
    """Return one pack of these examples; neighbours share what they have in common, unless it is next to nothing."""
    import numpy as np

    tokens: list[int] = []
    positions: list[int] = []
    parents: list[int] = []
    reading: list[tuple[int, int]] = []
    verdicts: list[int] = []
    critiques: list[tuple[int, int, int]] = []
    path: list[int] = []
    blocks: list[int] = []
    before: tuple[int, ...] = ()
    for number, example in enumerate(examples):
        whole = example.tokens
        common, shared = _shared(before, whole)
        if not shared:
            blocks.append(len(tokens))
        path = path[:shared]
        for place in range(shared, len(whole)):
            index = len(tokens)
            tokens.append(whole[place])
            positions.append(place)
            if place and common <= place < len(example.prompt):
                reading.append((path[-1], whole[place]))
            parents.append(path[-1] if path else -1)
            path.append(index)
        start = len(example.prompt)
        verdicts.append(path[start - 1])
        critiques += [(path[place - 1], whole[place], number) for place in range(start + 1, len(whole))]
        before = whole
    return Pack(
        tuple(examples),
        np.array(tokens, dtype=np.int64),
        np.array(positions, dtype=np.int64),
        np.array(parents, dtype=np.int64),
        (*blocks, len(tokens)),
        np.array(reading, dtype=np.int64).reshape(-1, 2),
        np.array(verdicts, dtype=np.int64),
        np.array(critiques, dtype=np.int64).reshape(-1, 3),
    )


def _shared(one: Sequence[int], other: Sequence[int]) -> tuple[int, int]:
    """Return how many tokens two sequences begin with in common, and how many of them are laid out once."""
    common = _common(one, other)
    return common, common if common >= _APART else 0


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    count = min(len(one), len(other))
    if one[:count] == other[:count]:
        return count
    low, high = 0, count  # one[:low] is common, one[:high] is not
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low
