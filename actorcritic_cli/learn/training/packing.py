"""Many examples in one sequence: what they have in common is read once.

The judged proposals of a session share their conversation, and most of an example's tokens are conversation. So examples
are laid out as a tree: each token follows the token before it in its own example, sees those before it in that example and
no others, and has the position that it has there. What the model computes for each example is exactly what it would
compute for it alone, at a fraction of the cost. (With plain padding the same conversation is read once for each of its
proposals.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from actorcritic_cli.learn.training.examples import Example

if TYPE_CHECKING:
    import numpy as np


class Pack(Struct, frozen=True):
    """Examples in one sequence of n tokens.

    ``tokens`` and ``positions`` are int64 (n,), ``sees`` is bool (n, n): row i says which tokens token i sees, itself
    included. The others name what is to be predicted: after the token at ``after[k]`` comes ``next[k]``. ``reading`` are the
    places of the prompts, each once; ``verdicts`` those of the verdicts, one for each of ``examples``; ``critiques`` those
    of the rest of the answers, with the number of their example.
    """

    examples: tuple[Example, ...]
    tokens: np.ndarray[Any, Any]
    positions: np.ndarray[Any, Any]
    sees: np.ndarray[Any, Any]
    reading: np.ndarray[Any, Any]
    """int64 (places, 2): after, next."""
    verdicts: np.ndarray[Any, Any]
    """int64 (examples,): after."""
    critiques: np.ndarray[Any, Any]
    """int64 (places, 3): after, next, number of the example."""


def packs(examples: Iterable[Example], most: int) -> Iterator[Pack]:
    """Yield packs of at most ``most`` tokens (a single longer example is a pack of its own), like beside like."""
    held: list[Example] = []
    size = 0
    for example in sorted(examples, key=lambda one: one.tokens):
        more = len(example.tokens) - (_common(held[-1].tokens, example.tokens) if held else 0)
        if held and size + more > most:
            yield pack(held)
            held, size, more = [], 0, len(example.tokens)
        held.append(example)
        size += more
    if held:
        yield pack(held)


def pack(examples: Sequence[Example]) -> Pack:
    """Return one pack of these examples; they share what neighbours have in common."""
    import numpy as np

    tokens: list[int] = []
    positions: list[int] = []
    rows: list[list[int]] = []
    reading: list[tuple[int, int]] = []
    verdicts: list[int] = []
    critiques: list[tuple[int, int, int]] = []
    path: list[int] = []
    before: tuple[int, ...] = ()
    for number, example in enumerate(examples):
        whole = example.tokens
        shared = _common(before, whole)
        path = path[:shared]
        for place in range(shared, len(whole)):
            index = len(tokens)
            tokens.append(whole[place])
            positions.append(place)
            if place and place < len(example.prompt):
                reading.append((path[-1], whole[place]))
            path.append(index)
            rows.append(list(path))
        start = len(example.prompt)
        verdicts.append(path[start - 1])
        critiques += [(path[place - 1], whole[place], number) for place in range(start + 1, len(whole))]
        before = whole
    sees = np.zeros((len(tokens), len(tokens)), dtype=bool)
    for index, seen in enumerate(rows):
        sees[index, seen] = True
    return Pack(
        tuple(examples),
        np.array(tokens, dtype=np.int64),
        np.array(positions, dtype=np.int64),
        sees,
        np.array(reading, dtype=np.int64).reshape(-1, 2),
        np.array(verdicts, dtype=np.int64),
        np.array(critiques, dtype=np.int64).reshape(-1, 3),
    )


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
