"""What is read together: pieces of work that wait for the model, and the passes that serve several of them at once.

A piece of work (a judgement, a comparison, reading ahead) is a generator. It yields the readings that it waits for and
gets back the model's output at the end of each. So its code is written as if it were alone, while one pass of the model
carries tokens of many: the weights go through the processor once for all of them.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Generator, Sequence
from typing import Any, TypeVar

from actorcritic_cli.critics.llama_log import last_errors

CHUNK = 256
"""Tokens per pass: between passes the clock is looked at, and what has come in meanwhile joins."""
AHEAD_CHUNK = 32
"""Tokens per pass when nobody waits: what comes in meanwhile has to wait for the end of the pass."""
AHEAD_CHUNK_ALONE = 128
"""The same where there is but one session."""


class OutOfTime(Exception):
    """The time is up; what was read so far is kept."""


class EngineFailure(Exception):
    """llama.cpp failed in the middle of a judgement."""


class Branch:
    """One sequence of llama.cpp's memory: the tokens in it, how many of them it shares, and with whom.

    ``users`` counts who works on it now, ``used`` orders branches by their last use. What is not ``alive`` is gone.
    """

    def __init__(self, number: int, tokens: Sequence[int] = (), family: int = 0):
        self.number = number
        self.tokens = list(tokens)
        self.shared = len(self.tokens)
        self.family = family
        self.used = 0
        self.users = 0
        self.alive = True


class Account:
    """What a piece of work cost: tokens that were there already (``loaded`` of them from a file) and that were read.

    ``awaited`` of those that were there were still being read ahead when it was asked for.
    """

    def __init__(self) -> None:
        self.reused = self.evaluated = self.loaded = self.awaited = 0


class Reading:
    """Tokens to be read at the end of a branch; with ``logits`` the model's output after the last one is wanted."""

    def __init__(self, branch: Branch, tokens: Sequence[int], *, logits: bool = True):
        self.branch = branch
        self.tokens = list(tokens)
        self.logits = logits
        self.done = 0
        self.output: Any = None

    @property
    def left(self) -> int:
        """Tokens still to be read."""
        return len(self.tokens) - self.done


_T = TypeVar("_T")
Work = Generator[list[Reading], list[Any], _T]
"""A piece of work: yields readings, is sent their outputs (float32, shape (vocabulary,), or ``None``)."""


def together(works: Sequence[Work[_T]]) -> Work[list[_T]]:
    """Do several pieces of work side by side, as one; return their results in order."""
    results: dict[int, _T] = {}
    waiting: dict[int, list[Reading]] = {}
    for index, work in enumerate(works):
        _advance(work, index, None, waiting, results)
    while waiting:
        order = list(waiting)
        outputs = iter((yield [reading for index in order for reading in waiting[index]]))
        for index in order:
            mine = [next(outputs) for _ in waiting.pop(index)]
            _advance(works[index], index, mine, waiting, results)
    return [results[index] for index in range(len(works))]


def _advance(
    work: Work[_T], index: int, outputs: list[Any] | None, waiting: dict[int, list[Reading]], results: dict[int, _T]
) -> None:
    try:
        waiting[index] = next(work) if outputs is None else work.send(outputs)
    except StopIteration as end:
        results[index] = end.value


class Passes:
    """Runs passes of the model over several readings."""

    def __init__(self, lib: Any, context: Any, vocabulary: int):
        self._lib = lib
        self._context = context
        self._vocabulary = vocabulary
        self._batch = lib.llama_batch_init(CHUNK, 0, 1)
        self.seconds = 0.0
        """What the last pass took."""

    def choose(self, readings: Sequence[Reading], limit: int) -> list[tuple[Reading, int]]:
        """Return what goes into the next pass: the readings nearest to their end first, as many tokens as fit."""
        chosen, room = [], limit
        for reading in sorted((r for r in readings if r.left), key=lambda r: r.left):
            count = min(reading.left, room)
            if not count:
                break
            chosen.append((reading, count))
            room -= count
        return chosen

    def run(self, chosen: Sequence[tuple[Reading, int]]) -> int:
        """Read; return llama.cpp's status: 0 for success, 1 when no cells were free (nothing was read then).

        Raises ``EngineFailure`` for any other status.
        """
        began = time.monotonic()
        ends = self._fill(chosen)
        status = int(self._lib.llama_decode(self._context, self._batch))
        self.seconds = time.monotonic() - began
        if status == 1:
            return status
        if status != 0:
            raise EngineFailure(f"llama.cpp failed to read the case (status {status}){last_errors()}")
        for (reading, count), end in zip(chosen, ends, strict=True):
            reading.branch.tokens += reading.tokens[reading.done : reading.done + count]
            reading.done += count
            if end is not None:
                reading.output = self._output(end)
        return status

    def _fill(self, chosen: Sequence[tuple[Reading, int]]) -> list[int | None]:
        """Lay out the batch; return for each reading the place of its last token, if its output is wanted."""
        batch, place = self._batch, 0
        ends: list[int | None] = []
        for reading, count in chosen:
            first = len(reading.branch.tokens)
            for offset, token in enumerate(reading.tokens[reading.done : reading.done + count]):
                batch.token[place] = token
                batch.pos[place] = first + offset
                batch.n_seq_id[place] = 1
                batch.seq_id[place][0] = reading.branch.number
                batch.logits[place] = 0
                place += 1
            wanted = reading.logits and count == reading.left
            ends.append(place - 1 if wanted else None)
            if wanted:
                batch.logits[place - 1] = 1
        batch.n_tokens = place
        return ends

    def _output(self, place: int) -> Any:
        import numpy as np

        pointer = self._lib.llama_get_logits_ith(self._context, place)
        if not pointer:
            raise EngineFailure("llama.cpp gave no output")
        floats = ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(floats, shape=(self._vocabulary,)).copy()
