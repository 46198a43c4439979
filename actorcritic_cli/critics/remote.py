"""A critic behind a server: any model that litellm can ask, with log probabilities where the server gives them.

It reads the same prompt as a local critic and its verdict is read off in the same way, from the probabilities of the two
labels as the one next token; only what is to be sent back gets a written critique, in a second call. What sessions share
is the system message, so that a server with a prefix cache reads it once. Nothing is kept here between judgements, so any
number of them can be under way.

A server decides how text becomes tokens. So that nobody's words can become control tokens there, texts that look like
control tokens of common models are broken up before they are sent.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from actorcritic_cli.critics import critique, remote_answer
from actorcritic_cli.critics.labels import CANDIDATES
from actorcritic_cli.critics.prompt import (
    LETTERS,
    PROMPT_VERSION,
    Prompt,
    Segment,
    build,
    build_ahead,
    build_comparison,
)
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.critics.remote_model import ROOM_TO_THINK, RemoteModel
from actorcritic_cli.critics.together import at_once
from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.hashing import canonical_json, sha256
from actorcritic_cli.providers.aliases import check_usable, custom_base, resolve
from actorcritic_cli.providers.completion import Completion, CompletionFailed, harmless_url
from actorcritic_cli.providers.failures import Failure
from actorcritic_cli.types import Comparison, CriticIdentity, Critique, ModelCall, NoVerdictWhy, Proposal, Verdict

LABELS = CANDIDATES[0]
"""The words the model answers with: single tokens of nearly every vocabulary."""
TIMEOUT = 120.0
"""Seconds a judgement may take."""
_CONTROL = re.compile(
    r"<(?=[|｜])|(?<=[|｜])(?=>)|<(?=/?(?:s|think|tool_call|tool_response|start_of_turn|end_of_turn|bos|eos|pad|unk)>)"
    r"|<(?=</?SYS>>)|\[(?=/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\])",
    re.IGNORECASE,
)
_WRITE = (
    'Now write the JSON object and nothing else: {"rule": the rule that is broken, "wrong": what is wrong, "right": what '
    f"would be right}}, each a string of at most {critique.MAX_CHARACTERS} characters."
)


class RemoteCritic:
    """A model behind a server as the critic. Implements ``critics.protocol.Critic`` and ``Compares``.

    ``model`` is an alias of ``acc models`` or any litellm name, ``base_url`` an OpenAI-compatible server of one's own.
    ``threshold`` defaults to 0.5; ``timeout`` is seconds for a judgement with its critique; ``seed`` is passed on.
    Raises ``UsageError`` for an empty name.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        threshold: float | None = None,
        timeout: float = TIMEOUT,
        seed: int | None = None,
    ):
        self.model = resolve(model)
        self.threshold = 0.5 if threshold is None else threshold
        if not 0 <= self.threshold <= 1:
            raise UsageError(f"The critic's threshold is a probability between 0 and 1, not {threshold}.")
        self._timeout = timeout
        self._server = RemoteModel(self.model, base_url, seed)
        self._closed = False
        self._identity = self._who(seed)

    @property
    def identity(self) -> CriticIdentity:
        """Who judges: the model's name, the server, the prompt version and the threshold."""
        return self._identity

    def start(self) -> None:
        """Ask the model for one word, so that a wrong name, key or address is known at once.

        A server that is only slow or busy may come round. This one call belongs to no session and is not recorded. Raises
        ``UsageError`` and ``AccError`` with the remedy.
        """
        check_usable(self.model, self._server.base_url)
        try:
            words = [{"role": "user", "content": f"Say {LABELS.approve}."}]
            self._server.ask_word(words, time.monotonic() + self._timeout, [], _is_verdict)
        except CompletionFailed as failed:
            passing = failed.failure.cause == "time" or failed.failure.kind == "provider"
            if not passing:
                raise AccError(f"The critic cannot judge: {failed.error}") from failed

    def judge(self, case: Case) -> Verdict:
        """Judge one proposal. See ``Critic.judge``; ``case.max_seconds`` bounds everything, the critique too."""
        began = time.monotonic()
        seconds = self._timeout if case.max_seconds is None else min(self._timeout, case.max_seconds)
        if self._closed or seconds <= 0:
            return self._none(*self._not_now(), began)
        deadline = began + seconds
        calls: list[ModelCall] = []
        messages = messages_of(build(case, LABELS))
        try:
            answer = self._server.ask_word(messages, deadline, calls, _is_verdict)
        except CompletionFailed as failed:
            return self._none(_why(failed.failure), str(failed.error), began, calls)
        reading = remote_answer.read(answer, LABELS)
        if reading is None:
            words = f"{LABELS.approve} or {LABELS.revise}"
            return self._none("parse", f"{self.model.litellm_name} did not answer {words}", began, calls)
        detail = self._detail(reading, answer.call)
        revise = reading.p_revise >= self.threshold
        if revise:
            written, detail["critique"] = self._critique(messages, deadline, calls)
        return Verdict(
            "revise" if revise else "approve",
            self._identity.id,
            p_revise=reading.p_revise,
            threshold=self.threshold,
            critique=written if revise else None,
            latency=time.monotonic() - began,
            detail=detail,
            calls=tuple(calls),
        )

    def compare(self, case: Case, candidates: tuple[Proposal, ...]) -> Comparison:
        """Compare candidates. See ``Compares.compare``.

        The question is asked once for every rotation of the candidates, all at the same time, and the probabilities of
        the letters are averaged: so each candidate has stood in each place. Without log probabilities every answer is a
        vote. An answer that is no letter says nothing for or against anyone; a call that fails, fails the comparison.
        """
        if not 2 <= len(candidates) <= len(LETTERS):
            raise ValueError(f"{len(candidates)} candidates can't be compared")
        began, count = time.monotonic(), len(candidates)
        seconds = self._timeout if case.max_seconds is None else min(self._timeout, case.max_seconds)
        if self._closed or seconds <= 0:
            return Comparison(self._identity.id, (), *self._not_now())
        orders = [[(first + place) % count for place in range(count)] for first in range(count)]
        asked = [_Rotation(self, case, candidates, order, began + seconds) for order in orders]
        said = at_once([rotation.shares for rotation in asked])
        calls = tuple(call for rotation in asked for call in rotation.calls)
        latency = time.monotonic() - began
        failed = next((one for one in said if isinstance(one, CompletionFailed)), None)
        if failed is not None:
            return Comparison(self._identity.id, (), _why(failed.failure), str(failed), latency, calls=calls)
        if not any(said):
            message = f"{self.model.litellm_name} answered with no letter"
            return Comparison(self._identity.id, (), "parse", message, latency, calls=calls)
        scores = [0.0] * count
        for order, shares in zip(orders, said, strict=True):
            for place, share in zip(order, shares or [1 / count] * count, strict=True):
                scores[place] += share / count
        detail = {"p_letters": said, "logprobs": any(rotation.logprobs for rotation in asked)}
        return Comparison(self._identity.id, tuple(scores), latency=latency, detail=detail, calls=calls)

    def close(self) -> None:
        """Judge no more. Idempotent."""
        self._closed = True

    def _not_now(self) -> tuple[NoVerdictWhy, str]:
        return ("crash", "the critic was closed") if self._closed else ("timeout", "no time was left")

    def _critique(
        self, messages: Sequence[dict[str, Any]], deadline: float, calls: list[ModelCall]
    ) -> tuple[Critique, str]:
        """Return the written critique and how it came out, in the words of ``wire.Judged``, or ``failed``."""
        if deadline - time.monotonic() <= 0:
            return critique.FALLBACK, "no_time"
        talk = [*messages, {"role": "assistant", "content": LABELS.revise}, {"role": "user", "content": _WRITE}]
        bound = 2 * critique.MAX_TOKENS + (ROOM_TO_THINK if self._server.thinks else 0)
        try:
            answer = self._server.ask(talk, deadline, calls, bound)
        except CompletionFailed as failed:
            return critique.FALLBACK, "no_time" if failed.failure.cause == "time" else "failed"
        written = critique.parse(_json_in(remote_answer.without_thought(answer.message.content or "")))
        if written is not None:
            return written, "ok"
        return critique.FALLBACK, "cut" if answer.problem is not None else "unparsable"

    def _detail(self, reading: remote_answer.Reading, call: ModelCall) -> dict[str, Any]:
        detail: dict[str, Any] = {
            "labels": [LABELS.revise, LABELS.approve],
            "p_labels": list(reading.p_labels),
            "mass": sum(reading.p_labels),
            "logprobs": reading.entropy is not None,
            "entropy": reading.entropy,
            "tokens_total": call.usage.input_tokens,
            "tokens_reused": call.usage.cached_tokens,
        }
        return {name: value for name, value in detail.items() if value is not None}

    def _none(self, why: NoVerdictWhy, message: str, began: float, calls: Sequence[ModelCall] = ()) -> Verdict:
        return Verdict(
            "no_verdict",
            self._identity.id,
            threshold=self.threshold,
            why=why,
            message=message,
            latency=time.monotonic() - began,
            calls=tuple(calls),
        )

    def _who(self, seed: int | None) -> CriticIdentity:
        server = harmless_url(self._server.base_url or custom_base(self.model.provider))
        name = self.model.litellm_name
        parts = {"model": name, "server": server, "prompt": PROMPT_VERSION, "threshold": self.threshold}
        info = {"model": name, "server": server, "seed": seed}
        return CriticIdentity(
            id=sha256(canonical_json(parts))[:32],
            name=name,
            prompt_version=PROMPT_VERSION,
            threshold=self.threshold,
            info={key: value for key, value in info.items() if value is not None},
        )


class _Rotation:
    """One order of the candidates: the question, its calls, and what was answered."""

    def __init__(
        self, critic: RemoteCritic, case: Case, candidates: Sequence[Proposal], order: Sequence[int], deadline: float
    ):
        known = build_ahead(case, LABELS)
        ending = build_comparison(case, candidates, order)
        self._messages = messages_of(Prompt(known.system, (*known.user, *ending)))
        self._letters = LETTERS[: len(order)]
        self._server = critic._server
        self._deadline = deadline
        self.calls: list[ModelCall] = []
        self.logprobs = False

    def shares(self) -> list[float] | None:
        """Return the share of each letter, ``None`` where the answer is none. Raises ``CompletionFailed``."""
        answer = self._server.ask_word(self._messages, self._deadline, self.calls, self._is_letter)
        found = remote_answer.shares(answer, self._letters)
        self.logprobs = found is not None and bool(answer.chances)
        return found

    def _is_letter(self, answer: Completion) -> bool:
        return remote_answer.shares(answer, self._letters) is not None


def messages_of(prompt: Prompt) -> list[dict[str, Any]]:
    """Return a prompt as chat messages: what sessions share is the system message, the rest is the user's."""

    def text(segments: Sequence[Segment]) -> str:
        return defused("".join(piece for segment in segments for piece in segment.pieces))

    return [{"role": "system", "content": text(prompt.system)}, {"role": "user", "content": text(prompt.user)}]


def defused(text: str) -> str:
    """Return a text in which nothing looks like a control token: a space stands within each that did.

    >>> defused("Hi <|im_end|> [INST] a < b")
    'Hi < |im_end| > [ INST] a < b'
    """
    return _CONTROL.sub(lambda found: f"{found[0]} ", text)


def _json_in(text: str) -> str:
    """Return the JSON object of an answer that has more around it (a code fence, a word)."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return text
    inner = text[start : end + 1]
    try:  # line breaks and the like between the parts, which the parser takes, and other fields, which it does not
        value = msgspec.json.decode(inner.encode("utf-8", "replace"), type=dict[str, Any])
    except msgspec.DecodeError:
        return inner
    kept = {name: str(value.get(name, "")) for name in ("rule", "wrong", "right")}
    return msgspec.json.encode(kept).decode()


def _is_verdict(answer: Completion) -> bool:
    return remote_answer.read(answer, LABELS) is not None


def _why(failure: Failure) -> NoVerdictWhy:
    return {"time": "timeout", "context": "context"}.get(failure.cause, "crash")  # type: ignore[return-value]
