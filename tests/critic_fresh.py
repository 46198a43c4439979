"""What a model says of a case when nothing is shared: a new context, all tokens from the first, one sequence.

Written apart from the engine, so that an error in how the engine keeps what was read can't be in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from actorcritic_cli.critics.engine import Engine
from actorcritic_cli.critics.prompt import Prompt, build
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.critics.wire import Load

_PASS = 512


class Fresh:
    """Evaluates cases with a model file, each from nothing."""

    def __init__(self, path: Path, n_ctx: int = 4096):
        from llama_cpp import llama_cpp as lib

        self._lib = lib
        self._engine = Engine(Load(str(path), threads=1, n_ctx=n_ctx))  # for its words: labels and tokens
        self._n_ctx = n_ctx
        self._model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
        self._known: dict[tuple[int, ...], float] = {}

    def p_revise(self, case: Case) -> float:
        """Return the probability that the case's proposal is to be revised."""
        return self.p_of(build(case, self._engine.labels.pair))

    def p_of(self, prompt: Prompt) -> float:
        """Return the probability that the answer to a prompt is to revise."""
        tokens = tuple(self._engine.tokens(prompt))
        if tokens not in self._known:
            logits = self._read(tokens)
            gap = float(logits[self._engine.labels.approve]) - float(logits[self._engine.labels.revise])
            self._known[tokens] = 1 / (1 + float(np.exp(gap)))
        return self._known[tokens]

    def _read(self, tokens: Sequence[int]) -> Any:
        lib = self._lib
        params = lib.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = self._n_ctx, _PASS, _PASS
        params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED  # as the engine has it
        params.n_threads = params.n_threads_batch = 1
        context = lib.llama_init_from_model(self._model, params)
        try:
            passes = -(-len(tokens) // _PASS)  # of about the same size, so that none is a small rest
            size = -(-len(tokens) // passes)
            for start in range(0, len(tokens), size):
                part = tokens[start : start + size]
                array = (lib.llama_token * len(part))(*part)
                assert lib.llama_decode(context, lib.llama_batch_get_one(array, len(part))) == 0
            pointer = lib.llama_get_logits_ith(context, -1)
            return np.array(np.ctypeslib.as_array(pointer, shape=(self._engine.vocab.size,)))
        finally:
            lib.llama_free(context)
