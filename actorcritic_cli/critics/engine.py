"""The loaded model: from a prompt to a probability. Runs inside the worker only.

The verdict is not written by the model but read off: after the question, the probabilities of the two label tokens at
the last position. What the model has already read of the prompt is kept (see ``memory``), so a judgement costs one pass
over what is new. What is reused is a matter of tokens alone: a prompt's tokens are made piece by piece, so a prompt that
grows at its end has tokens that grow at their end.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actorcritic_cli.critics import cpu, labels, template
from actorcritic_cli.critics.critique import MAX_TOKENS
from actorcritic_cli.critics.fitting import left_out
from actorcritic_cli.critics.labels import ChosenLabels
from actorcritic_cli.critics.llama_log import last_errors, listen
from actorcritic_cli.critics.memory import CHUNK, EngineFailure, Memory, OutOfTime, Stop
from actorcritic_cli.critics.prefix_state import PrefixStates
from actorcritic_cli.critics.prefix_store import PrefixStore
from actorcritic_cli.critics.prompt import Prompt, pieces_of_events, shortened
from actorcritic_cli.critics.vocab import Vocab
from actorcritic_cli.critics.wire import Judge, Judged, Load, Loaded, Prefill, Unjudged
from actorcritic_cli.critics.writing import Writer
from actorcritic_cli.errors import AccError

DEFAULT_CONTEXT = 8192
"""Tokens of context, unless asked otherwise or the model was trained with fewer."""
DEFAULT_SEQUENCES = 8
"""Sequences of llama.cpp: one for what all sessions share, the others for one session each."""
CRITIQUE_ROOM = MAX_TOKENS + 8
"""Tokens kept free for a critique and the answer's first word."""


class Engine:
    """One model and one context, shared by sessions. Not thread-safe. Raises ``AccError`` if it can't be used."""

    def __init__(self, load: Load):
        from llama_cpp import llama_cpp as lib

        started = time.monotonic()
        self._lib = lib
        listen(lib)
        lib.llama_backend_init()
        path = Path(load.path)
        self._model = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())
        if not self._model:
            raise AccError(f"llama.cpp can't load {path}{last_errors()}; name another GGUF file, or download it again.")
        warnings: list[str] = []
        trained = int(lib.llama_model_n_ctx_train(self._model))
        wanted = load.n_ctx or min(trained, DEFAULT_CONTEXT)
        if wanted > trained:
            warnings.append(f"A context of {wanted} tokens is more than the {trained} the model was trained with.")
        threads = load.threads or cpu.threads()
        sequences = load.sequences or DEFAULT_SEQUENCES
        self._context = self._new_context(wanted, sequences, threads, path)
        self.n_ctx = int(lib.llama_n_ctx(self._context))
        self._memory = Memory(lib, self._context, self.n_ctx, sequences, self._states(load, sequences))
        self.vocab = Vocab(lib.llama_model_get_vocab(self._model))
        self._frame = self._frame_of(load.template)
        self._head = self.vocab.structure(self._frame.before)
        self._head = [*self.vocab.leading(self._head), *self._head]
        self._between = self.vocab.structure(self._frame.between)
        self._tail = self.vocab.structure(self._frame.after)
        self.labels = self._choose(load, path)
        self._writer = Writer(lib, self.vocab)
        self.loaded = Loaded(
            self.labels.pair, self.n_ctx, threads, self._frame.kind, 0, time.monotonic() - started, tuple(warnings)
        )

    def _new_context(self, n_ctx: int, sequences: int, threads: int, path: Path) -> Any:
        params = self._lib.llama_context_default_params()
        params.n_ctx = n_ctx
        params.n_batch = params.n_ubatch = CHUNK
        params.n_seq_max = sequences
        params.kv_unified = True  # all sequences share the cells, so that a prefix is stored once
        # On CPUs the fused attention sums in 16 bits, in an order that depends on how many tokens are read at once: the
        # same case, read in other portions, would get another probability (by 1e-3). Plain attention gives the same.
        params.flash_attn_type = self._lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.n_threads = params.n_threads_batch = threads
        params.swa_full = True  # else a sliding window forgets what a cut back to the prefix needs
        context = self._lib.llama_init_from_model(self._model, params)
        if not context:
            raise AccError(
                f"llama.cpp can't make a context of {n_ctx} tokens for {path}{last_errors()}; "
                "try a smaller --critic-ctx or a smaller model."
            )
        return context

    def _states(self, load: Load, sequences: int) -> PrefixStates | None:
        import llama_cpp

        if load.states is None or not load.sha256:
            return None
        origin = {
            "model": load.sha256,
            "llama_cpp": llama_cpp.__version__,
            "n_ctx": self.n_ctx,
            "sequences": sequences,
            "chunk": CHUNK,
            "flash_attention": False,
        }
        return PrefixStates(self._lib, self._context, PrefixStore(Path(load.states)), Path(load.path).stem, origin)

    def _frame_of(self, name: str | None) -> template.Frame:
        if name is not None:
            return template.builtin(name)
        raw = self._lib.llama_model_chat_template(self._model, None)
        if not raw:
            raise AccError("The model has no chat template; name the one it was trained with (--critic-template).")
        return template.frame_of(raw.decode("utf-8", "replace"), self.vocab.bos, self.vocab.eos)

    def _choose(self, load: Load, path: Path) -> ChosenLabels:
        wanted = () if load.labels is None else (load.labels,)
        chosen = labels.choose(self._frame.after, self.vocab.structure, wanted)
        if chosen is None:
            raise AccError(
                f"{path} can't be used as a critic: it has no yes/no pair of single tokens; try another model."
            )
        return chosen

    def tokens(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt within the model's template. Only the template yields special tokens."""
        tokens = self._shared(prompt)
        for segment in prompt.user:
            for piece in segment.pieces:
                tokens += self.vocab.data(piece)
        return tokens + self._tail

    def _shared(self, prompt: Prompt) -> list[int]:
        """Return the tokens that all sessions of an environment have in common."""
        data = (token for segment in prompt.system for piece in segment.pieces for token in self.vocab.data(piece))
        return [*self._head, *data, *self._between]

    def fitted(self, prompt: Prompt) -> tuple[list[int], int]:
        """Return a prompt's tokens, its oldest events left out where it would not fit, and how many entries that are.

        Room for a critique is kept whether or not one will be written, so that the probability does not depend on it.
        What does not even fit without a conversation comes back too long.
        """
        tokens = self.tokens(prompt)
        if len(tokens) + CRITIQUE_ROOM <= self.n_ctx:
            return tokens, 0
        sizes = [sum(len(self.vocab.data(piece)) for piece in event) for event in pieces_of_events(prompt)]
        bare = len(self.tokens(shortened(prompt, len(sizes))))
        if bare + CRITIQUE_ROOM > self.n_ctx and len(tokens) <= self.n_ctx:
            return tokens, 0
        count = left_out(bare, sizes, self.n_ctx, CRITIQUE_ROOM)
        if count is None:
            count = len(sizes)
        if count == 0:
            return tokens, 0
        return self.tokens(shortened(prompt, count)), sum(prompt.events[:count])

    def judge(self, request: Judge) -> Judged | Unjudged:
        """Judge one prompt. Failures of the engine come back as ``Unjudged``."""
        started = time.monotonic()
        deadline = started + request.seconds
        tokens, truncated = self.fitted(request.prompt)
        total = len(tokens)
        if total > self.n_ctx:
            message = (
                f"the case has {total:,} tokens even without its conversation, "
                f"and the critic's context holds {self.n_ctx:,}; raise --critic-ctx"
            )
            return Unjudged(request.number, "context", message, total, truncated=truncated)
        memory = self._memory
        try:
            memory.bring(request.session, tokens, len(self._shared(request.prompt)), _at(deadline))
        except OutOfTime:
            done = memory.reused + memory.evaluated
            message = f"no verdict within {request.seconds:.3g} s ({done:,} of {total:,} tokens read)"
            return Unjudged(request.number, "timeout", message, total, memory.evaluated, memory.reused, truncated)
        except EngineFailure as failure:
            reused = memory.reused
            self.forget()
            return Unjudged(request.number, "crash", str(failure), total, 0, reused, truncated)
        reused = total - memory.evaluated
        weighed = weigh(self.logits(), self.labels)
        if weighed is None:
            self.forget()
            message = "the model's output is not a number"
            return Unjudged(request.number, "parse", message, total, total - reused, reused, truncated)
        p_revise, p_labels = weighed
        critique, state, written = None, "none", 0
        if request.critique and p_revise >= request.threshold:
            critique, state, written = self._writer.write(self, self.labels.revise, deadline)
        return Judged(
            request.number,
            p_revise,
            p_labels,
            total,
            total - reused,
            reused,
            time.monotonic() - started,
            critique,
            state,
            written,
            truncated,
            memory.loaded,
        )

    def prefill(self, request: Prefill, stop: Stop) -> bool:
        """Read a conversation ahead; false when ``stop`` said so before the end. What was read is kept."""
        tokens, _ = self.fitted(request.prompt)
        known = tokens[: len(tokens) - len(self._tail)]
        if len(tokens) > self.n_ctx:
            return True
        try:
            self._memory.bring_ahead(request.session, known, len(self._shared(request.prompt)), stop)
        except OutOfTime:
            return False
        except EngineFailure:
            self.forget()
        return True

    @property
    def room(self) -> int:
        """How many more tokens the context holds."""
        return self._memory.room

    def tidy(self) -> None:
        """Do what can wait until an answer has been given: keep a newly read prefix."""
        self._memory.save_prefix()

    def forget(self) -> None:
        """Empty the model's memory."""
        self._memory.forget()

    def read(self, tokens: Sequence[int], deadline: float) -> None:
        """Read tokens after what was read last. Raises ``OutOfTime`` between two passes, ``EngineFailure``."""
        self._memory.read(tokens, _at(deadline))

    def logits(self) -> Any:
        """Return the last position's logits: a float32 view of shape (vocabulary,), valid until the next reading."""
        import numpy as np

        pointer = self._lib.llama_get_logits_ith(self._context, -1)
        if not pointer:
            raise EngineFailure("llama.cpp gave no output")
        floats = ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(floats, shape=(self.vocab.size,))


def _at(deadline: float) -> Stop:
    return lambda: time.monotonic() >= deadline


def weigh(logits: Any, chosen: ChosenLabels) -> tuple[float, tuple[float, float]] | None:
    """Return p_revise and the two labels' probabilities among all tokens; ``None`` where the logits are no numbers."""
    import numpy as np

    values = np.asarray(logits, dtype=np.float64)
    revise, approve = float(values[chosen.revise]), float(values[chosen.approve])
    greatest = float(values.max())
    if not (math.isfinite(revise) and math.isfinite(approve) and math.isfinite(greatest)):
        return None
    total = greatest + math.log(float(np.exp(values - greatest).sum()))
    p_revise = 1 / (1 + math.exp(min(approve - revise, 700.0)))
    return p_revise, (math.exp(revise - total), math.exp(approve - total))
