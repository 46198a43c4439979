"""The local critic as everyone else sees it: a GGUF file, run by llama.cpp in a worker process.

The worker is started when it is first needed and again after it has died; whatever goes wrong with it, a judgement comes
back as ``no_verdict`` and nothing raises here. Threads judge at the same time: the worker takes what waits together
through the model together. A judgement that runs out of time is first given up by the worker itself, which keeps what it
has read, and a worker that does not even do that is killed.
"""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from actorcritic_cli.critics.compact import policy_key
from actorcritic_cli.critics.comparing import compare_by_verdicts
from actorcritic_cli.critics.gguf_info import inspect, labels_wanted, plain_of, scaling_of
from actorcritic_cli.critics.identity import identity_of
from actorcritic_cli.critics.keeper import Keeper
from actorcritic_cli.critics.kept_files import prefix_states, unpacked_weights
from actorcritic_cli.critics.line import Answer, Line, NotTaken
from actorcritic_cli.critics.lora import adapter_of
from actorcritic_cli.critics.process import WorkerGone, WorkerSlow
from actorcritic_cli.critics.prompt import ASPECTS, LETTERS
from actorcritic_cli.critics.protocol import Case, Reading
from actorcritic_cli.critics.styles import style_of
from actorcritic_cli.critics.thresholds import default_threshold
from actorcritic_cli.critics.wire import Compare, Compared, Judge, Judged, Leave, Load, Loaded, Prefill, Unjudged
from actorcritic_cli.errors import AccError, NotFound, UsageError
from actorcritic_cli.paths import log_dir
from actorcritic_cli.types import Comparison, CriticIdentity, NoVerdictWhy, Proposal, Verdict

_log = logging.getLogger(__name__)

JUDGE_TIMEOUT = 120.0
"""Seconds a judgement may take once its turn has come."""
LOAD_TIMEOUT = 600.0
"""Seconds a model may take to load."""
_GRACE = 30.0
"""Seconds after its deadline in which the worker may still say so itself: one pass of a large model."""


class LlamaCritic:
    """A GGUF model as the critic. Implements ``critics.protocol.Critic``, ``ReadsAhead``, ``Remembers``,
    ``Compares`` and ``KnowsPolicies``.

    ``threshold`` defaults to the one set here (see ``thresholds``), else the file's own (``acc.threshold``), else 0.5;
    ``template`` names a built-in chat template instead of the file's; ``n_ctx`` is in tokens (default: 8192 or what the
    model was trained with); ``threads`` defaults to what this process may use. ``sequences`` (2 to 64, default 32) is
    how many sequences its memory has: one for what sessions share, the others for sessions and for questions on the
    side. ``seed`` is recorded only, for nothing is sampled: the likeliest token is always taken.

    ``aspects`` (names of ``prompt.ASPECTS``) asks a question for each of them; the one that most speaks for a revision
    decides. ``think`` lets the critic think for that many tokens before each answer. ``lora`` names adapters
    (``FILE`` or ``FILE:SCALE``), ``gpu_layers`` how many layers a GPU holds (``None``: as many as it can).

    ``judge_timeout`` and ``grace`` are seconds. With ``write_critiques=False`` only probabilities are computed.

    Raises ``AccError`` at once when the file can't be a critic.
    """

    def __init__(
        self,
        path: Path | str,
        threshold: float | None = None,
        template: str | None = None,
        n_ctx: int | None = None,
        threads: int | None = None,
        seed: int | None = None,
        sequences: int | None = None,
        judge_timeout: float = JUDGE_TIMEOUT,
        *,
        aspects: Sequence[str] = (),
        think: int = 0,
        lora: Sequence[str] = (),
        gpu_layers: int | None = None,
        write_critiques: bool = True,
        grace: float = _GRACE,
    ):
        if threshold is not None and not 0 <= threshold <= 1:
            raise UsageError(f"The critic's threshold is a probability between 0 and 1, not {threshold}.")
        unknown = [aspect for aspect in aspects if aspect not in ASPECTS]
        if unknown:
            raise UsageError(f"There is no aspect {unknown[0]!r}; there are {', '.join(ASPECTS)}.")
        self.file = inspect(path, template=template)
        if not self.file.usable:
            raise (AccError if self.file.path.exists() else NotFound)(self.file.why_not or "The critic can't be used.")
        self.style = style_of(self.file.acc)
        adapters = tuple(adapter_of(text, self.file) for text in lora)
        as_it_is = template is None and not (adapters or aspects or think)
        self.threshold, source = (
            default_threshold(self.file, set_here=as_it_is) if threshold is None else (threshold, "given")
        )
        self.log = log_dir() / "critic-worker.log"
        load = Load(
            str(self.file.path.resolve()),
            template,
            n_ctx,
            threads,
            labels_wanted(self.file.acc),
            sequences,
            self.file.sha256,
            str(prefix_states().folder.resolve()),
            str(unpacked_weights().folder.resolve()),
            gpu_layers,
            adapters,
            think,
            scaling_of(self.file.acc),
        )
        self._plain = plain_of(self.file.acc) if as_it_is else None
        self._aspects = tuple(dict.fromkeys(aspects))
        self._judge_timeout = judge_timeout
        self._write_critiques = write_critiques
        self._grace = grace
        self._identity = identity_of(
            self.file,
            self.threshold,
            template,
            seed,
            adapters=adapters,
            aspects=self._aspects,
            think=think,
            threshold_from=source,
        )
        self._keeper = Keeper(load, self.log)
        self._numbers = itertools.count(1)
        self._strange: set[str] = set()

    @property
    def identity(self) -> CriticIdentity:
        """Who judges: known without loading the model."""
        return self._identity

    @property
    def loaded(self) -> Loaded | None:
        """What the running worker loaded, ``None`` before the first start."""
        line = self._keeper.line
        return line.loaded if line is not None else None

    @property
    def worker_pid(self) -> int | None:
        """The process id of the running worker."""
        line = self._keeper.line
        return line.pid if line is not None and line.alive else None

    def start(self) -> None:
        """Load the model now, if it is not loaded. Raises ``AccError`` when that fails."""
        try:
            self._keeper.ready(time.monotonic() + LOAD_TIMEOUT)
        except WorkerSlow:
            raise AccError(
                f"{self.file.path} was not loaded within {LOAD_TIMEOUT:.0f} s; use a smaller model or a faster disk."
            ) from None

    def judge(self, case: Case) -> Verdict:
        """Judge one proposal. See ``Critic.judge``; ``case.max_seconds`` bounds everything, waiting and loading too.

        A reply that only asks is approved unasked where the file says how seldom such a one was wrong (``acc.plain``).
        """
        began, plain = time.monotonic(), self._plain
        if plain is not None and plain < self.threshold and self.style.knows(case.policy) and self.style.plain(case):
            latency = time.monotonic() - began
            return Verdict("approve", self.identity.id, plain, self.threshold, latency=latency, detail={"plain": True})
        return _Judging(self, case.max_seconds).judge(case)

    def compare(self, case: Case, candidates: tuple[Proposal, ...]) -> Comparison:
        """Compare candidates. See ``Compares.compare``.

        The question is asked once for every rotation of the candidates, all in one pass over one evaluated conversation,
        and the probabilities are averaged: so each candidate has stood in each place, and no place is an advantage. A model
        that was trained to judge alone judges each of them instead.
        """
        if not 2 <= len(candidates) <= len(LETTERS):
            raise ValueError(f"{len(candidates)} candidates can't be compared")
        if not self.style.compares:
            return compare_by_verdicts(self, case, candidates)[0]
        return _Judging(self, case.max_seconds).compare(case, candidates)

    def prefill(self, reading: Reading) -> None:
        """Have the worker read a conversation while the actor thinks. See ``ReadsAhead.prefill``.

        A worker is started for a judgement only, which then reads everything.
        """
        draft = reading.draft
        if draft is not None and (draft.content or draft.tool_calls) and not self.style.reads_drafts:
            return
        line = self._keeper.line
        if line is not None and line.alive and line.loaded is not None:
            line.tell(Prefill(reading.session, self.style.build_ahead(reading, line.loaded.labels)))

    def leave(self, session: str) -> None:
        """See ``Remembers.leave``."""
        line = self._keeper.line
        if line is not None and line.alive and line.loaded is not None:
            line.tell(Leave(session))

    def notice(self, policy: str) -> bool:
        """See ``KnowsPolicies.notice``."""
        if self.style.knows(policy):
            return True
        if (key := policy_key(policy)) not in self._strange:
            self._strange.add(key)
            _log.warning(
                "The critic %s was trained on other policies and does not know this one: what it says of it means "
                "nothing. Train one on your own traces, or name a larger model.",
                self.file.name,
            )
        return False

    def close(self) -> None:
        """End the worker; judgements under way come back as ``no_verdict``. Idempotent."""
        self._keeper.close()

    def __enter__(self) -> LlamaCritic:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _NoAnswer(Exception):
    """There is no answer, and why."""

    def __init__(self, why: NoVerdictWhy, message: str, detail: dict[str, Any] | None = None):
        super().__init__(message)
        self.why: NoVerdictWhy = why
        self.message = message
        self.detail = detail or {}


class _Judging:
    """One judgement or comparison, from the question to the value that goes on record."""

    def __init__(self, critic: LlamaCritic, max_seconds: float | None):
        self._critic = critic
        self._known = True
        self._started = time.monotonic()
        self._end = math.inf if max_seconds is None else self._started + max_seconds

    def judge(self, case: Case) -> Verdict:
        critic = self._critic
        self._known = critic.notice(case.policy)

        def question(loaded: Loaded) -> Judge:
            prompt = critic.style.build(case, loaded.labels, critic._aspects)
            number, seconds, within = self._bounds()
            return Judge(number, prompt, critic.threshold, critic._write_critiques, seconds, case.session, within)

        try:
            return self._verdict(*self._answer(question))
        except _NoAnswer as none:
            return Verdict(
                "no_verdict",
                critic.identity.id,
                threshold=critic.threshold,
                why=none.why,
                message=none.message,
                latency=self._seconds,
                detail=none.detail,
            )

    def compare(self, case: Case, candidates: tuple[Proposal, ...]) -> Comparison:
        critic, count = self._critic, len(candidates)
        self._known = critic.notice(case.policy)
        orders = [[(first + place) % count for place in range(count)] for first in range(count)]
        endings = tuple(critic.style.build_comparison(case, candidates, order) for order in orders)

        def question(loaded: Loaded) -> Compare:
            known = critic.style.build_ahead(case, loaded.labels)
            number, seconds, within = self._bounds()
            return Compare(number, known, endings, tuple(LETTERS[:count]), seconds, case.session, within)

        try:
            reply, loaded = self._answer(question)
        except _NoAnswer as none:
            return Comparison(critic.identity.id, (), none.why, none.message, self._seconds, none.detail)
        assert isinstance(reply, Compared)
        scores = [0.0] * count
        for order, shares in zip(orders, reply.p_letters, strict=True):
            for place, share in zip(order, shares, strict=True):
                scores[place] += share / count
        detail = self._counts(reply, loaded)
        detail["p_letters"] = [list(shares) for shares in reply.p_letters]
        return Comparison(critic.identity.id, tuple(scores), latency=self._seconds, detail=detail)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def _line(self) -> tuple[Line, Loaded]:
        try:
            line = self._critic._keeper.ready(min(time.monotonic() + LOAD_TIMEOUT, self._end))
        except AccError as error:
            raise _NoAnswer("crash", str(error)) from error
        except WorkerSlow:
            raise _NoAnswer("timeout", "the model was not loaded in time") from None
        if line.loaded is None:
            raise _NoAnswer("crash", "the worker has no model")
        return line, line.loaded

    def _bounds(self) -> tuple[int, float, float | None]:
        """Return the number of the question, the seconds it may take, and those it may take with all waiting."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise _NoAnswer("timeout", "loading and waiting took all the time there was")
        critic = self._critic
        return next(critic._numbers), min(critic._judge_timeout, left), left if math.isfinite(left) else None

    def _answer(self, question: Callable[[Loaded], Judge | Compare]) -> tuple[Judged | Compared, Loaded]:
        """Put a question to a worker; one that had died before it was asked is replaced."""
        try:
            return self._answer_of(*self._line(), question)
        except NotTaken:
            try:
                return self._answer_of(*self._line(), question)
            except NotTaken as gone:
                raise _NoAnswer("crash", f"{gone} (its log: {self._critic.log})") from gone

    def _answer_of(
        self, line: Line, loaded: Loaded, question: Callable[[Loaded], Judge | Compare]
    ) -> tuple[Judged | Compared, Loaded]:
        critic, ask = self._critic, question(loaded)
        try:
            answer: Answer | None = line.ask(ask, critic._grace)
        except WorkerSlow:
            critic._keeper.give_up(line)
            message = f"no verdict within {ask.seconds:.3g} s; the worker was ended"
            raise _NoAnswer("timeout", message) from None
        except NotTaken:
            critic._keeper.give_up(line)
            raise
        except WorkerGone as gone:
            critic._keeper.give_up(line)
            raise _NoAnswer("crash", f"{gone} (its log: {critic.log})", {"worker_pid": line.pid}) from gone
        if answer is None:
            raise _NoAnswer("timeout", "other judgements took all the time there was")
        if isinstance(answer, Unjudged):
            raise _NoAnswer(answer.why, answer.message, self._counts(answer, loaded))
        return answer, loaded

    def _counts(self, reply: Answer, loaded: Loaded) -> dict[str, Any]:
        detail: dict[str, Any] = {
            "tokens_total": reply.tokens_total,
            "tokens_evaluated": reply.tokens_evaluated,
            "tokens_reused": reply.tokens_reused,
            "worker_pid": loaded.pid,
        }
        if reply.truncated:
            detail["truncated_events"] = reply.truncated
        if not self._known:
            detail["policy_unknown"] = True
        if not isinstance(reply, Unjudged):
            detail["seconds"] = reply.seconds
        return detail

    def _verdict(self, reply: Judged | Compared, loaded: Loaded) -> Verdict:
        assert isinstance(reply, Judged)
        critic = self._critic
        detail = self._counts(reply, loaded)
        if reply.tokens_loaded:
            detail["tokens_loaded"] = reply.tokens_loaded
        if reply.tokens_awaited:
            detail["tokens_awaited"] = reply.tokens_awaited
        detail["labels"] = [loaded.labels.revise, loaded.labels.approve]
        detail["p_labels"] = list(reply.p_labels)
        detail["mass"] = sum(reply.p_labels)
        detail["entropy"] = reply.entropy
        if reply.aspects:
            detail["aspects"] = dict(zip(critic._aspects, reply.aspects, strict=True))
        if reply.thought_tokens:
            detail["thought"] = reply.thought
            detail["thought_tokens"] = reply.thought_tokens
        revise = reply.p_revise >= critic.threshold
        if revise:
            detail["critique"] = reply.critique_state
            detail["critique_tokens"] = reply.critique_tokens
        return Verdict(
            "revise" if revise else "approve",
            critic.identity.id,
            p_revise=reply.p_revise,
            threshold=critic.threshold,
            critique=reply.critique if revise else None,
            latency=self._seconds,
            detail=detail,
        )
