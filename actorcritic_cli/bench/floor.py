"""The floor: what the model itself costs for the same new tokens at the same depth, and nothing else.

One context, arbitrary ordinary tokens: their number and their place decide the time, not their meaning. The same threads,
number format and (plain) attention as in the critic's engine: for so few tokens the fastest there is. For several sessions
there are as many sequences as they have, over as many cells as they take.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Sequence
from typing import Any

from actorcritic_cli.bench.beside import serve

_PASS = 512
"""Tokens per pass, as llama-cpp-python's own default."""


class Floor:
    """A model, a context, and the tokens in it."""

    def __init__(self) -> None:
        self._lib: Any = None
        self._model: Any = None
        self._vocab: Any = None
        self._context: Any = None
        self._n_ctx = 0
        self._depth = 0

    def load(self, question: dict[str, Any]) -> dict[str, Any]:
        """Load the model; nothing is read yet."""
        from llama_cpp import llama_cpp as lib

        self._lib = lib
        lib.llama_backend_init()
        self._model = lib.llama_model_load_from_file(question["path"].encode(), lib.llama_model_default_params())
        if not self._model:
            raise RuntimeError(f"llama.cpp can't load {question['path']}")
        self._vocab = lib.llama_model_get_vocab(self._model)
        return {"trained": int(lib.llama_model_n_ctx_train(self._model))}

    def count(self, question: dict[str, Any]) -> dict[str, Any]:
        """Count the tokens of a text."""
        raw = question["text"].encode("utf-8", "replace")
        room = len(raw) + 8
        tokens = (self._lib.llama_token * room)()
        found = self._lib.llama_tokenize(self._vocab, raw, len(raw), tokens, room, False, False)
        return {"tokens": abs(int(found))}

    def open(self, question: dict[str, Any]) -> dict[str, Any]:
        """Make the context, for so many sequences if not for one."""
        lib = self._lib
        params = lib.llama_context_default_params()
        params.n_ctx = question["n_ctx"]
        params.n_seq_max = question.get("sequences", 1)
        params.kv_unified = True
        params.n_batch = params.n_ubatch = _PASS
        params.n_threads = params.n_threads_batch = question["threads"]
        params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._context = lib.llama_init_from_model(self._model, params)
        if not self._context:
            raise RuntimeError(f"llama.cpp can't make a context of {question['n_ctx']} tokens")
        self._n_ctx = int(lib.llama_n_ctx(self._context))
        return {"n_ctx": self._n_ctx}

    def decode(self, question: dict[str, Any]) -> dict[str, Any]:
        """Read ``new`` tokens after ``depth`` others, then ``single`` ones one by one: the seconds of both.

        They are read once before, untimed: weights and threads are then as awake as those of the other sides.
        """
        depth, new, single = question["depth"], question["new"], question["single"]
        self._stand_at(depth)
        self._read(new)
        self._stand_at(depth)
        started = time.monotonic()
        self._read(new)
        between = time.monotonic()
        for _ in range(single):
            self._read(1)
        ended = time.monotonic()
        return {"seconds": between - started, "single": ended - between}

    def share(self, question: dict[str, Any]) -> dict[str, Any]:
        """Have ``sessions`` sequences hold the same ``depth`` tokens, and sequences of nobody's take ``others`` cells more.

        The context was made for ``others // depth + 2`` sequences more than there are sessions, and for ``depth`` tokens
        more than that takes. Its own sequence comes to hold nothing.
        """
        lib, sessions, depth, left = self._lib, question["sessions"], question["depth"], question["others"]
        memory = lib.llama_get_memory(self._context)
        self._stand_at(depth)
        state = (ctypes.c_uint8 * int(lib.llama_state_seq_get_size(self._context, 0)))()
        lib.llama_state_seq_get_data(self._context, state, len(state), 0)
        for sequence in range(1, sessions + 1):
            lib.llama_memory_seq_cp(memory, 0, sequence, -1, -1)
        spare = sessions
        while left > 0:
            # What is set has cells of its own, which go on belonging to the spare sequence when they are set anew.
            if not lib.llama_state_seq_set_data(self._context, state, len(state), 0):
                raise RuntimeError(f"llama.cpp has no room for {left} tokens more")
            if left < depth and not lib.llama_memory_seq_rm(memory, 0, left, -1):
                raise RuntimeError("this model's memory can't be cut")
            spare += 1
            lib.llama_memory_seq_cp(memory, 0, spare, -1, -1)
            left -= depth
        lib.llama_memory_seq_rm(memory, 0, -1, -1)
        self._depth = 0
        return {}

    def several(self, question: dict[str, Any]) -> dict[str, Any]:
        """Read ``new`` tokens at the end of each of ``sessions`` sequences (see ``share``), one by one and at once: the
        seconds of both."""
        new, depth, sequences = question["new"], question["depth"], range(1, question["sessions"] + 1)
        spent = {"one_by_one": 0.0, "together": 0.0}
        for at_once in (False, True, True, False):
            started = time.monotonic()
            for group in [list(sequences)] if at_once else [[sequence] for sequence in sequences]:
                self._read_of(group, depth, new)
            spent["together" if at_once else "one_by_one"] += time.monotonic() - started
            for sequence in sequences:
                if not self._lib.llama_memory_seq_rm(self._lib.llama_get_memory(self._context), sequence, depth, -1):
                    raise RuntimeError("this model's memory can't be cut")
        return {side: seconds / 2 for side, seconds in spent.items()}

    def _read_of(self, sequences: Sequence[int], depth: int, new: int) -> None:
        """Read ``new`` tokens at the end of each sequence, in as few passes as can be."""
        lib = self._lib
        places = [(sequence, depth + offset) for sequence in sequences for offset in range(new)]
        batch = lib.llama_batch_init(_PASS, 0, 1)
        try:
            for start in range(0, len(places), _PASS):
                part = places[start : start + _PASS]
                for index, (sequence, position) in enumerate(part):
                    batch.token[index] = position % 200 + 33
                    batch.pos[index] = position
                    batch.n_seq_id[index] = 1
                    batch.seq_id[index][0] = sequence
                    batch.logits[index] = position == depth + new - 1
                batch.n_tokens = len(part)
                status = lib.llama_decode(self._context, batch)
                if status != 0:
                    raise RuntimeError(f"llama.cpp failed to read {len(part)} tokens after {depth} (status {status})")
            lib.llama_synchronize(self._context)
        finally:
            lib.llama_batch_free(batch)

    def _stand_at(self, depth: int) -> None:
        """Have the context hold ``depth`` tokens."""
        if self._depth > depth:
            memory = self._lib.llama_get_memory(self._context)
            if self._lib.llama_memory_seq_rm(memory, 0, depth, -1):
                self._depth = depth
            else:
                self._lib.llama_memory_clear(memory, True)
                self._depth = 0
        self._read(depth - self._depth)

    def _read(self, count: int) -> None:
        lib = self._lib
        while count > 0:
            size = min(count, _PASS)
            tokens = (lib.llama_token * size)(*((self._depth + index) % 200 + 33 for index in range(size)))
            status = lib.llama_decode(self._context, lib.llama_batch_get_one(tokens, size))
            if status != 0:
                raise RuntimeError(f"llama.cpp failed to read {size} tokens after {self._depth} (status {status})")
            self._depth += size
            count -= size
        lib.llama_synchronize(self._context)


if __name__ == "__main__":
    side = Floor()
    serve(
        {
            "load": side.load,
            "count": side.count,
            "open": side.open,
            "decode": side.decode,
            "share": side.share,
            "several": side.several,
        }
    )
