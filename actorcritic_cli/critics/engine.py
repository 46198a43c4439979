"""The loaded model: from a prompt to a probability. Runs inside the worker only.

The verdict is not written by the model but read off: after the question, the probabilities of the two label tokens at
the last position. What the model has already read of the prompt is kept (see ``memory``), so a judgement costs one pass
over what is new, and judgements that wait together share their passes (see ``schedule``). What is reused is a matter of
tokens alone: a prompt's tokens are made piece by piece, so a prompt that grows at its end has tokens that grow at their
end.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct

from actorcritic_cli.critics import cpu, labels, template
from actorcritic_cli.critics.critique import MAX_TOKENS
from actorcritic_cli.critics.fitting import left_out
from actorcritic_cli.critics.judging import comparison, judgement, reading_ahead
from actorcritic_cli.critics.kept_files import KeptFiles
from actorcritic_cli.critics.labels import ChosenLabels
from actorcritic_cli.critics.llama_log import listen
from actorcritic_cli.critics.loading import add_adapters, load_model, new_context
from actorcritic_cli.critics.memory import Memory
from actorcritic_cli.critics.prefix_state import PrefixStates
from actorcritic_cli.critics.prompt import Prompt, Segment, pieces_of_events, shortened
from actorcritic_cli.critics.reading import CHUNK, Account, Passes, Work
from actorcritic_cli.critics.schedule import Scheduler, Task
from actorcritic_cli.critics.vocab import Vocab
from actorcritic_cli.critics.wire import Compare, Compared, Judge, Judged, Load, Loaded, Prefill, Reply, Unjudged
from actorcritic_cli.critics.writing import Writer
from actorcritic_cli.errors import AccError

DEFAULT_CONTEXT = 8192
"""Tokens of context, unless asked otherwise or the model was trained with fewer."""
_ROUND = 256
"""llama.cpp's contexts have a multiple of so many tokens."""
DEFAULT_SEQUENCES = 32
"""Sequences of llama.cpp: one for what all sessions share, the others for sessions and for questions on the side."""
CRITIQUE_ROOM = MAX_TOKENS + 8
"""Tokens kept free for a critique and the answer's first word."""


class Plan(Struct, frozen=True):
    """What is to be read for one request: ``base``, of which the first ``shared`` tokens are common to all sessions, and
    then each of ``endings``. ``total`` counts all of it, ``truncated`` the entries that were left out."""

    base: list[int]
    shared: int
    endings: list[list[int]]
    truncated: int = 0

    @property
    def total(self) -> int:
        """Tokens of the base and of all endings."""
        return len(self.base) + sum(len(ending) for ending in self.endings)


class Engine:
    """One model and one context, shared by sessions. Not thread-safe. Raises ``AccError`` if it can't be used."""

    def __init__(self, load: Load):
        from llama_cpp import llama_cpp as lib

        started = time.monotonic()
        self._lib = lib
        listen(lib)
        lib.llama_backend_init()
        warnings: list[str] = []
        self._model, gpu_layers = load_model(lib, load, warnings)
        trained = int(lib.llama_model_n_ctx_train(self._model))
        wanted = load.n_ctx or min(trained, DEFAULT_CONTEXT)
        if wanted > trained:
            warnings.append(f"A context of {wanted} tokens is more than the {trained} the model was trained with.")
        threads = load.threads or cpu.threads()
        sequences = load.sequences or DEFAULT_SEQUENCES
        self.n_ctx = -(-wanted // _ROUND) * _ROUND
        self._context = new_context(lib, self._model, load, self.n_ctx, sequences, threads)
        add_adapters(lib, self._model, self._context, load.adapters)
        self.memory = Memory(lib, self._context, self.n_ctx, sequences, self._states(load, sequences, gpu_layers))
        self.vocab = Vocab(lib.llama_model_get_vocab(self._model))
        self.scheduler = Scheduler(self.memory, Passes(lib, self._context, self.vocab.size))
        self._frame = self._frame_of(load.template)
        self._head = self.vocab.structure(self._frame.before)
        self._head = [*self.vocab.leading(self._head), *self._head]
        self._between = self.vocab.structure(self._frame.between)
        self.think = load.think
        self.scaling = load.scaling
        self._tail = self.vocab.structure(
            (self._frame.opening or self._frame.after) if load.think else self._frame.after
        )
        self.closing = self.vocab.structure(self._frame.closing)
        self.labels = self._choose(load)
        self.writer = Writer(lib, self.vocab)
        self.thought_end = self.vocab.ends | (self.vocab.special & set(self.vocab.structure(self._frame.closing)))
        self.loaded = Loaded(
            self.labels.pair,
            self.n_ctx,
            threads,
            self._frame.kind,
            0,
            time.monotonic() - started,
            tuple(warnings),
            gpu_layers,
        )

    def _states(self, load: Load, sequences: int, gpu_layers: int) -> PrefixStates | None:
        import llama_cpp

        if load.states is None or not load.sha256:
            return None
        origin = {
            "model": load.sha256,
            "adapters": [[adapter.sha256, adapter.scale] for adapter in load.adapters],
            "llama_cpp": llama_cpp.__version__,
            "n_ctx": self.n_ctx,
            "sequences": sequences,
            "chunk": CHUNK,
            "gpu_layers": gpu_layers,
            "attention": "plain",
        }
        return PrefixStates(self._lib, self._context, KeptFiles(Path(load.states)), Path(load.path).stem, origin)

    def _frame_of(self, name: str | None) -> template.Frame:
        if name is not None:
            return template.builtin(name)
        raw = self._lib.llama_model_chat_template(self._model, None)
        if not raw:
            raise AccError("The model has no chat template; name the one it was trained with (--critic-template).")
        return template.frame_of(raw.decode("utf-8", "replace"), self.vocab.bos, self.vocab.eos)

    def _choose(self, load: Load) -> ChosenLabels:
        wanted = () if load.labels is None else (load.labels,)
        chosen = labels.choose(self._before_answer, self.vocab.structure, wanted)
        if chosen is None:
            raise AccError(
                f"{load.path} can't be used as a critic: it has no yes/no pair of single tokens; try another model."
            )
        return chosen

    @property
    def _before_answer(self) -> str:
        """What stands right before the answer."""
        return self._frame.closing if self.think else self._frame.after

    def letters(self, names: Sequence[str]) -> tuple[int, ...] | None:
        """Return the single tokens of letters at the answer's place, or ``None`` where one has none."""
        found = [labels.single_token(self._before_answer, name, self.vocab.structure) for name in names]
        tokens = tuple(token for token in found if token is not None)
        return tokens if len(set(tokens)) == len(names) else None

    def tokens(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt within the model's template. Only the template yields special tokens."""
        return [*self.shared(prompt), *self._pieces(prompt.user), *self._tail]

    def shared(self, prompt: Prompt) -> list[int]:
        """Return the tokens that all sessions of an environment have in common."""
        return [*self._head, *self._pieces(prompt.system), *self._between]

    def _pieces(self, segments: Sequence[Segment]) -> list[int]:
        return [token for segment in segments for piece in segment.pieces for token in self.vocab.data(piece)]

    def plan(self, prompt: Prompt, endings: Sequence[Sequence[Segment]]) -> Plan:
        """Return what is to be read, the oldest events left out where it would not fit.

        Room for a critique and a thought is kept whether or not one will be written, so that the probability does not
        depend on it. What does not even fit without a conversation comes back too long.
        """
        shared = self.shared(prompt)
        ends = [[*self._pieces(ending), *self._tail] for ending in endings]
        plan = Plan([*shared, *self._pieces(prompt.user)], len(shared), ends)
        room = CRITIQUE_ROOM + (self.think + len(self.closing)) * len(ends) * bool(self.think)
        if plan.total + room <= self.n_ctx:
            return plan
        sizes = [sum(len(self.vocab.data(piece)) for piece in event) for event in pieces_of_events(prompt)]
        bare = plan.total - len(plan.base) + len(shared) + len(self._pieces(shortened(prompt, len(sizes)).user))
        if bare + room > self.n_ctx and plan.total <= self.n_ctx:
            return plan
        count = left_out(bare, sizes, self.n_ctx, room)
        if count is None:
            count = len(sizes)
        if count == 0:
            return plan
        rest = shortened(prompt, count)
        return Plan([*shared, *self._pieces(rest.user)], len(shared), ends, sum(prompt.events[:count]))

    def plan_of(self, prompt: Prompt) -> Plan:
        """Return what is to be read for a whole prompt, which ends with its question."""
        known = Prompt(prompt.system, prompt.user[:-1], prompt.events)
        return self.plan(known, [(question,) for question in (prompt.user[-1], *prompt.others)])

    def begin(self, request: Judge | Compare, asked: float | None = None) -> None:
        """Take on a judgement or a comparison, ``asked`` for then (monotonic seconds; ``None``: now). The reply comes out of
        ``step``."""
        if isinstance(request, Judge):
            self._add(request, self.plan_of(request.prompt), partial(judgement, self, request), asked)
        else:
            self._add(request, self.plan(request.prompt, request.endings), partial(comparison, self, request), asked)

    def _add(
        self,
        request: Judge | Compare,
        plan: Plan,
        work: Callable[[Plan, Account], Work[Reply]],
        asked: float | None,
    ) -> None:
        self.scheduler.add(
            Task(
                request.number,
                request.session,
                partial(work, plan),
                prefix=plan.base[: plan.shared],
                own=plan.total - plan.shared + CRITIQUE_ROOM + self.think * len(plan.endings),
                sequences=len(plan.endings),
                seconds=request.seconds,
                within=math.inf if request.within is None else request.within,
                asked=asked,
            )
        )

    def read_ahead(self, request: Prefill) -> None:
        """Take on a conversation to be read while nobody waits."""
        plan = self.plan(request.prompt, [()])
        self.scheduler.add_ahead(
            Task(
                0,
                request.session,
                partial(reading_ahead, self, request, plan),
                prefix=plan.base[: plan.shared],
                own=plan.total - plan.shared,
                seconds=math.inf,
                within=math.inf,
            )
        )

    def step(self) -> list[Reply]:
        """Do one pass of the model for what is under way; return what there is to say."""
        return self.scheduler.step()

    def answer(self, request: Judge | Compare) -> Judged | Compared | Unjudged:
        """Answer one request, and go on with whatever else is under way until its answer is there."""
        self.begin(request)
        while True:
            for reply in self.step():
                if isinstance(reply, (Judged, Compared, Unjudged)) and reply.number == request.number:
                    return reply

    def distrust(self) -> None:
        """Forget everything as soon as nobody works on it."""
        self.scheduler.spoilt = True

    def tidy(self) -> None:
        """Do what can wait until an answer has been given: keep a newly read prefix."""
        self.memory.save_prefix()

    def forget(self) -> None:
        """Empty the model's memory."""
        self.memory.forget()
