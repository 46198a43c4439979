"""Writes the critique of a rejected proposal, token by token, within the grammar.

The answer's first word is already decided: the model continues after its own label. Always the likeliest allowed token
is taken, so the same case gets the same critique. The grammar is asked about the likeliest tokens first, because asking
it about a whole vocabulary of 150,000 costs more than the model itself.
"""

from __future__ import annotations

import ctypes
from functools import cached_property
from typing import Any

from actorcritic_cli.critics.critique import FALLBACK, GRAMMAR, MAX_TOKENS, parse
from actorcritic_cli.critics.reading import Branch, Reading, Work
from actorcritic_cli.critics.vocab import Vocab
from actorcritic_cli.types import Critique

_FIRST_LOOK = 64


class Writer:
    """The grammar for one vocabulary, and the loop that writes in it."""

    def __init__(self, lib: Any, vocab: Vocab):
        self._lib = lib
        self._vocab = vocab

    @cached_property
    def forbidden(self) -> Any:
        """For each token, whether it may not occur in what the model writes: bool, shape (vocabulary,)."""
        import numpy as np

        return ~np.array(self._vocab.writable, dtype=bool)

    def unwritten(self, state: str, count: int = 0) -> tuple[Critique, str, int]:
        """Return what stands in for a critique that could not be written (see ``write``)."""
        return FALLBACK, state, count

    def write(self, branch: Branch, label: int, room: int) -> Work[tuple[Critique, str, int]]:
        """Return the critique, how it came out (see ``wire.Judged``) and how many tokens it took.

        ``branch`` ends where the answer begins, and takes ``room`` more tokens. Raises what reading raises.
        """
        opening = [label, *self._vocab.data("\n")]
        limit = min(MAX_TOKENS, room - len(opening))
        if limit <= 0:
            return self.unwritten("no_room")
        grammar = self._lib.llama_sampler_init_grammar(self._vocab.handle, GRAMMAR.encode(), b"root")
        if not grammar:
            return self.unwritten("unparsable")
        raw = bytearray()
        count = 0
        try:
            (logits,) = yield [Reading(branch, opening)]
            while count < limit:
                token = self._next(logits, grammar)
                if token is None:
                    return self.unwritten("unparsable", count)
                self._lib.llama_sampler_accept(grammar, token)
                raw += self._vocab.piece(token)
                count += 1
                critique = parse(raw.decode("utf-8", "replace")) if raw.endswith(b'"}') else None
                if critique is not None:
                    return critique, "ok", count
                (logits,) = yield [Reading(branch, [token])]
            return self.unwritten("cut", count)
        finally:
            self._lib.llama_sampler_free(grammar)

    def _next(self, logits: Any, grammar: Any) -> int | None:
        """Return the likeliest token that the grammar allows."""
        import numpy as np

        weights = np.where(self.forbidden | ~np.isfinite(logits), -np.inf, logits)
        few = min(_FIRST_LOOK, weights.size)
        likely = np.argpartition(weights, -few)[-few:]
        for candidates in (likely, np.arange(weights.size)):
            token = self._best_allowed(weights, candidates, grammar)
            if token is not None:
                return token
        return None

    def _best_allowed(self, weights: Any, candidates: Any, grammar: Any) -> int | None:
        import numpy as np

        table = np.zeros(candidates.size, dtype=[("id", "<i4"), ("logit", "<f4"), ("p", "<f4")])
        table["id"] = candidates
        table["logit"] = weights[candidates]
        array = self._lib.llama_token_data_array()
        array.data = ctypes.cast(table.ctypes.data, ctypes.POINTER(self._lib.llama_token_data))
        array.size = candidates.size
        array.selected = -1
        array.sorted = False
        self._lib.llama_sampler_apply(grammar, ctypes.byref(array))
        best = int(table["logit"].argmax())
        return int(table["id"][best]) if np.isfinite(table["logit"][best]) else None
