"""Writes the critique of a rejected proposal, token by token, within the grammar.

The answer's first word is already decided: the model continues after its own label. Always the likeliest allowed token
is taken, so the same case gets the same critique. The grammar is asked about the likeliest tokens first, because asking
it about a whole vocabulary of 150,000 costs more than the model itself.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from actorcritic_cli.critics.critique import FALLBACK, GRAMMAR, MAX_TOKENS, parse
from actorcritic_cli.critics.memory import EngineFailure, OutOfTime
from actorcritic_cli.critics.vocab import Vocab
from actorcritic_cli.types import Critique

if TYPE_CHECKING:
    from actorcritic_cli.critics.engine import Engine

_FIRST_LOOK = 64


class Writer:
    """The grammar for one vocabulary, and the loop that writes in it."""

    def __init__(self, lib: Any, vocab: Vocab):
        self._lib = lib
        self._vocab = vocab
        self._forbidden: Any = None

    def write(self, engine: Engine, label: int, deadline: float) -> tuple[Critique, str, int]:
        """Return the critique, how it came out (see ``wire.Judged``) and how many tokens it took."""
        grammar = self._lib.llama_sampler_init_grammar(self._vocab.handle, GRAMMAR.encode(), b"root")
        if not grammar:
            return FALLBACK, "unparsable", 0
        raw = bytearray()
        count = 0
        try:
            opening = [label, *self._vocab.data("\n")]
            limit = min(MAX_TOKENS, engine.room - len(opening))
            if limit <= 0:
                return FALLBACK, "no_room", 0
            engine.read(opening, deadline)
            while count < limit:
                token = self._next(engine.logits(), grammar)
                if token is None:
                    return FALLBACK, "unparsable", count
                self._lib.llama_sampler_accept(grammar, token)
                raw += self._vocab.piece(token)
                count += 1
                critique = parse(raw.decode("utf-8", "replace")) if raw.endswith(b'"}') else None
                if critique is not None:
                    return critique, "ok", count
                engine.read([token], deadline)
            return FALLBACK, "cut", count
        except OutOfTime:
            return FALLBACK, "no_time", count
        except EngineFailure:
            engine.forget()
            return FALLBACK, "unparsable", count
        finally:
            self._lib.llama_sampler_free(grammar)

    def _next(self, logits: Any, grammar: Any) -> int | None:
        """Return the likeliest token that the grammar allows."""
        import numpy as np

        if self._forbidden is None:
            self._forbidden = ~np.array(self._vocab.writable, dtype=bool)
        weights = np.where(self._forbidden | ~np.isfinite(logits), -np.inf, logits)
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
