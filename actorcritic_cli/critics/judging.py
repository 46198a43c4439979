"""How a judgement, a comparison and reading ahead go about it: pieces of work for the scheduler (see ``reading``)."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from actorcritic_cli.critics.labels import UNSCALED, ChosenLabels, Scaling
from actorcritic_cli.critics.reading import Account, EngineFailure, OutOfTime, Reading, Work, together
from actorcritic_cli.critics.thinking import Thought, answer
from actorcritic_cli.critics.wire import Begun, Compare, Compared, Judge, Judged, Prefill, Reply, Unjudged
from actorcritic_cli.types import Critique

if TYPE_CHECKING:
    from actorcritic_cli.critics.engine import Engine, Plan


class Weighed(Struct, frozen=True):
    """What the output at the answer's place says: p_revise, the probabilities of both labels among all tokens (revise,
    approve), and the entropy of the whole distribution in nats."""

    p_revise: float
    p_labels: tuple[float, float]
    entropy: float


def judgement(engine: Engine, request: Judge, plan: Plan, account: Account) -> Work[Reply]:
    """Judge one prompt. Failures of the engine come back as ``Unjudged``."""
    started = time.monotonic()
    failed = _Failures(request, plan, account)
    if plan.total > engine.n_ctx:
        return failed.too_long(engine.n_ctx)
    try:
        answers = yield from _ask_all(engine, request.session, plan, account)
    except OutOfTime:
        return failed.late()
    except EngineFailure as failure:
        return failed.crash(failure)
    weighed = [weigh(thought.logits, engine.labels, engine.scaling) for thought in answers]
    if None in weighed:
        engine.distrust()
        return failed.senseless()
    found = [one for one in weighed if one is not None]
    decisive = max(range(len(found)), key=lambda index: found[index].p_revise)
    verdict, thought = found[decisive], answers[decisive]
    evaluated = account.evaluated
    critique: Critique | None = None
    state, written = "none", 0
    if request.critique and verdict.p_revise >= request.threshold:
        critique, state, written = yield from _criticise(engine, request.session, plan, decisive, thought)
    return Judged(
        request.number,
        verdict.p_revise,
        verdict.p_labels,
        plan.total,
        evaluated - thought.extra,
        max(plan.total - evaluated + thought.extra, 0),
        time.monotonic() - started,
        critique,
        state,
        written,
        plan.truncated,
        account.loaded,
        verdict.entropy,
        tuple(one.p_revise for one in found) if len(found) > 1 else (),
        thought.text,
        thought.tokens,
        account.awaited,
    )


def comparison(engine: Engine, request: Compare, plan: Plan, account: Account) -> Work[Reply]:
    """Answer one question over several endings. Failures of the engine come back as ``Unjudged``."""
    started = time.monotonic()
    failed = _Failures(request, plan, account)
    if plan.total > engine.n_ctx:
        return failed.too_long(engine.n_ctx)
    letters = engine.letters(request.letters)
    if letters is None:
        message = "the model has no single tokens for the letters that name candidates"
        return failed.none("parse", message)
    try:
        answers = yield from _ask_all(engine, request.session, plan, account)
    except OutOfTime:
        return failed.late()
    except EngineFailure as failure:
        return failed.crash(failure)
    shares = [_shares(thought.logits, letters) for thought in answers]
    if None in shares:
        engine.distrust()
        return failed.senseless()
    return Compared(
        request.number,
        tuple(share for share in shares if share is not None),
        plan.total,
        account.evaluated,
        max(plan.total - account.evaluated, 0),
        time.monotonic() - started,
        plan.truncated,
    )


def reading_ahead(engine: Engine, request: Prefill, plan: Plan, account: Account) -> Work[Reply]:
    """Read a conversation before there is anything to judge. Nobody waits for the reply."""
    done = Begun(0)
    if plan.total > engine.n_ctx or engine.memory.holds(request.session, plan.base):
        return done
    branch = yield from engine.memory.bring(request.session, plan.base, plan.shared, account)
    try:
        yield [Reading(branch, plan.base[len(branch.tokens) :], logits=False)]
    finally:
        engine.memory.leave(branch)
    return done


def _ask_all(engine: Engine, session: str, plan: Plan, account: Account) -> Work[list[Thought]]:
    """Ask all questions of a plan over one evaluated conversation, in as few passes as the memory's sequences allow.

    A single question stands on the session's own branch, where it stays until something else follows.
    """
    memory = engine.memory
    answers: list[Thought] = []
    while len(answers) < len(plan.endings):
        left = plan.endings[len(answers) :]
        single = len(left) == 1
        tokens = [*plan.base, *left[0]] if single else plan.base
        branch = yield from memory.bring(session, tokens, plan.shared, account, unread=int(single))
        twigs = []
        try:
            if single:
                answers += [(yield from answer(engine, branch, tokens[len(branch.tokens) :]))]
                continue
            if len(branch.tokens) < len(tokens):
                yield [Reading(branch, tokens[len(branch.tokens) :], logits=False)]
            twigs = memory.twigs(branch, len(left) - 1)
            stems = [branch, *twigs]
            asked = [answer(engine, stem, ending) for stem, ending in zip(stems, left, strict=False)]
            answers += yield from together(asked)
        finally:
            for twig in twigs:
                memory.drop(twig)
            memory.leave(branch)
    return answers


def _criticise(
    engine: Engine, session: str, plan: Plan, decisive: int, thought: Thought
) -> Work[tuple[Critique, str, int]]:
    """Write the critique after the question that decided."""
    memory, tokens = engine.memory, [*plan.base, *plan.endings[decisive], *thought.read]
    branch = yield from memory.bring(session, tokens, plan.shared, Account(), unread=0)
    try:
        if len(branch.tokens) < len(tokens):
            yield [Reading(branch, tokens[len(branch.tokens) :], logits=False)]
        return (yield from engine.writer.write(branch, engine.labels.revise, memory.room(branch)))
    except OutOfTime:
        return engine.writer.unwritten("no_time")
    except EngineFailure:
        return engine.writer.unwritten("unparsable")
    finally:
        memory.leave(branch)


class _Failures:
    """The ways in which there is no answer, each with what was read so far."""

    def __init__(self, request: Judge | Compare, plan: Plan, account: Account):
        self._request = request
        self._plan = plan
        self._account = account

    def none(self, why: Any, message: str) -> Unjudged:
        account, plan = self._account, self._plan
        return Unjudged(
            self._request.number, why, message, plan.total, account.evaluated, account.reused, plan.truncated
        )

    def too_long(self, n_ctx: int) -> Unjudged:
        return self.none(
            "context",
            f"the case has {self._plan.total:,} tokens even without its conversation, "
            f"and the critic's context holds {n_ctx:,}; raise --critic-ctx",
        )

    def late(self) -> Unjudged:
        done = self._account.reused + self._account.evaluated
        return self.none(
            "timeout", f"no verdict within {self._request.seconds:.3g} s ({done:,} of {self._plan.total:,} tokens read)"
        )

    def crash(self, failure: EngineFailure) -> Unjudged:
        return self.none("crash", str(failure))

    def senseless(self) -> Unjudged:
        return self.none("parse", "the model's output is not a number")


def weigh(logits: Any, chosen: ChosenLabels, scaling: Scaling = UNSCALED) -> Weighed | None:
    """Return what the output says of the two labels; ``None`` where the logits are no numbers.

    Only p_revise is scaled; the labels' own probabilities are the model's.
    """
    import numpy as np

    values = np.asarray(logits, dtype=np.float64)
    revise, approve = float(values[chosen.revise]), float(values[chosen.approve])
    greatest = float(values.max())
    if not (math.isfinite(revise) and math.isfinite(approve) and math.isfinite(greatest)):
        return None
    weights = np.exp(values - greatest)
    total = float(weights.sum())
    log_total = greatest + math.log(total)
    # H = log Z - E[logit]; a logit of minus infinity has no weight.
    expected = float((weights * np.where(weights > 0, values, 0.0)).sum()) / total
    slope, intercept = scaling
    p_revise = 1 / (1 + math.exp(max(min(slope * (approve - revise) - intercept, 700.0), -700.0)))
    p_labels = (math.exp(revise - log_total), math.exp(approve - log_total))
    return Weighed(p_revise, p_labels, max(0.0, log_total - expected))


def _shares(logits: Any, tokens: Sequence[int]) -> tuple[float, ...] | None:
    """Return the softmax over some tokens; ``None`` where the logits are no numbers."""
    values = [float(logits[token]) for token in tokens]
    if not all(math.isfinite(value) for value in values):
        return None
    weights = [math.exp(value - max(values)) for value in values]
    return tuple(weight / sum(weights) for weight in weights)
