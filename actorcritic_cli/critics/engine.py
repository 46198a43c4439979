"""The loaded model and what it has read: from a prompt to a probability. Runs inside the worker only.

The verdict is not written by the model but read off: after the question, the probabilities of the two label tokens at
the last position. What the model has already read of the prompt (the longest common prefix of tokens) is kept, so a
judgement costs one pass over what is new. The prefix is a matter of tokens alone; where a model's memory can't be cut
back (recurrent and some hybrid ones), everything is read again.
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
from actorcritic_cli.critics.prompt import Prompt, pieces_of_events, shortened
from actorcritic_cli.critics.vocab import Vocab
from actorcritic_cli.critics.wire import Judge, Judged, Load, Loaded, Unjudged
from actorcritic_cli.critics.writing import Writer
from actorcritic_cli.errors import AccError

DEFAULT_CONTEXT = 8192
"""Tokens of context, unless asked otherwise or the model was trained with fewer."""
CHUNK = 256
"""Tokens per pass: between passes the clock is looked at."""
CRITIQUE_ROOM = MAX_TOKENS + 8
"""Tokens kept free for a critique and the answer's first word."""


class OutOfTime(Exception):
    """The judgement's time is up; what was read so far is kept."""


class EngineFailure(Exception):
    """llama.cpp failed in the middle of a judgement."""


class Engine:
    """One model, one context, one sequence. Not thread-safe. Raises ``AccError`` when the model can't be used."""

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
        self._context = self._new_context(wanted, threads, path)
        self._memory = lib.llama_get_memory(self._context)
        self.n_ctx = int(lib.llama_n_ctx(self._context))
        self.vocab = Vocab(lib.llama_model_get_vocab(self._model))
        self._frame = self._frame_of(load.template)
        self._head = self.vocab.structure(self._frame.before)
        self._head = [*self.vocab.leading(self._head), *self._head]
        self._between = self.vocab.structure(self._frame.between)
        self._tail = self.vocab.structure(self._frame.after)
        self.labels = self._choose(load, path)
        self._batch = lib.llama_batch_init(CHUNK, 0, 1)
        self._read: list[int] = []
        self._writer = Writer(lib, self.vocab)
        self.loaded = Loaded(
            self.labels.pair, self.n_ctx, threads, self._frame.kind, 0, time.monotonic() - started, tuple(warnings)
        )

    def _new_context(self, n_ctx: int, threads: int, path: Path) -> Any:
        params = self._lib.llama_context_default_params()
        params.n_ctx = n_ctx
        params.n_batch = params.n_ubatch = CHUNK
        params.n_seq_max = 1
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
        tokens = list(self._head)
        for segment in prompt.system:
            for piece in segment.pieces:
                tokens += self.vocab.data(piece)
        tokens += self._between
        for segment in prompt.user:
            for piece in segment.pieces:
                tokens += self.vocab.data(piece)
        return tokens + self._tail

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
        reused = self._cut_back(tokens)
        try:
            self.read(tokens[reused:], deadline)
        except OutOfTime:
            done = len(self._read)
            message = f"no verdict within {request.seconds:.3g} s ({done:,} of {total:,} tokens read)"
            return Unjudged(request.number, "timeout", message, total, done - reused, reused, truncated)
        except EngineFailure as failure:
            self.forget()
            return Unjudged(request.number, "crash", str(failure), total, 0, reused, truncated)
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
        )

    @property
    def room(self) -> int:
        """How many more tokens the context holds."""
        return self.n_ctx - len(self._read)

    def forget(self) -> None:
        """Empty the model's memory."""
        self._lib.llama_memory_clear(self._memory, True)
        self._read = []

    def _cut_back(self, tokens: Sequence[int]) -> int:
        """Take everything off the memory that is not a prefix of ``tokens``; return how many tokens remain in it.

        At least one token is always read anew, for its output is what is wanted.
        """
        keep = min(common_prefix(self._read, tokens), len(tokens) - 1)
        if keep == len(self._read):
            return keep
        if keep == 0 or not self._lib.llama_memory_seq_rm(self._memory, 0, keep, -1):
            self.forget()
            return 0
        del self._read[keep:]
        return keep

    def read(self, tokens: Sequence[int], deadline: float) -> None:
        """Read tokens after what was read before. Raises ``OutOfTime`` between two passes, ``EngineFailure``."""
        for start in range(0, len(tokens), CHUNK):
            if time.monotonic() >= deadline:
                raise OutOfTime
            part = tokens[start : start + CHUNK]
            self._fill(part)
            status = self._lib.llama_decode(self._context, self._batch)
            if status != 0:
                raise EngineFailure(f"llama.cpp failed to read the case (status {status}){last_errors()}")
            self._read += part

    def _fill(self, part: Sequence[int]) -> None:
        batch, first = self._batch, len(self._read)
        batch.n_tokens = len(part)
        for index, token in enumerate(part):
            batch.token[index] = token
            batch.pos[index] = first + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = 0
        batch.logits[len(part) - 1] = 1

    def logits(self) -> Any:
        """Return the last position's logits: a float32 view of shape (vocabulary,), valid until the next reading."""
        import numpy as np

        pointer = self._lib.llama_get_logits_ith(self._context, -1)
        if not pointer:
            raise EngineFailure("llama.cpp gave no output")
        floats = ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(floats, shape=(self.vocab.size,))


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many leading items two sequences share."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


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
