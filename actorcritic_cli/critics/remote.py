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
from msgspec.structs import replace

from actorcritic_cli.critics import critique, remote_answer
from actorcritic_cli.critics.labels import CANDIDATES
from actorcritic_cli.critics.prompt import PROMPT_VERSION, Prompt, Segment, build
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.hashing import canonical_json, sha256
from actorcritic_cli.providers.aliases import check_usable, custom_base, resolve
from actorcritic_cli.providers.completion import Completion, CompletionFailed, complete, harmless_url
from actorcritic_cli.providers.failures import Failure
from actorcritic_cli.providers.options import CompletionOptions
from actorcritic_cli.types import CriticIdentity, Critique, ModelCall, NoVerdictWhy, Verdict

LABELS = CANDIDATES[0]
"""The words the model answers with: single tokens of nearly every vocabulary."""
TIMEOUT = 120.0
"""Seconds a judgement may take."""
TOP = 20
"""Tokens whose log probabilities are asked for: the most that OpenAI's protocol allows."""
ROOM_TO_THINK = 2048
"""Tokens that a model may write before its answer, if it thinks."""
_RETRIES = 2
_LEAST_TOKENS = 16
"""Some providers refuse to answer in fewer tokens."""
_TOO_FEW_TOKENS = re.compile(r"max_(?:completion_|output_)?tokens", re.IGNORECASE)
_NO_LOGPROBS = re.compile(r"logprobs", re.IGNORECASE)
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
    """A model behind a server as the critic. Implements ``critics.protocol.Critic``.

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
        self._options = CompletionOptions(
            base_url=base_url, temperature=0.0, seed=seed, top_logprobs=TOP, max_tokens=1, max_retries=_RETRIES
        )
        self._thinks = False
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
        check_usable(self.model, self._options.base_url)
        try:
            self._answer([{"role": "user", "content": f"Say {LABELS.approve}."}], time.monotonic() + self._timeout, [])
        except CompletionFailed as failed:
            passing = failed.failure.cause == "time" or failed.failure.kind == "provider"
            if not passing:
                raise AccError(f"The critic cannot judge: {failed.error}") from failed

    def judge(self, case: Case) -> Verdict:
        """Judge one proposal. See ``Critic.judge``; ``case.max_seconds`` bounds everything, the critique too."""
        began = time.monotonic()
        seconds = self._timeout if case.max_seconds is None else min(self._timeout, case.max_seconds)
        if self._closed or seconds <= 0:
            why: NoVerdictWhy = "crash" if self._closed else "timeout"
            return self._none(why, "the critic was closed" if self._closed else "no time was left", began)
        deadline = began + seconds
        calls: list[ModelCall] = []
        messages = messages_of(build(case, LABELS))
        try:
            answer = self._answer(messages, deadline, calls)
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

    def close(self) -> None:
        """Judge no more. Idempotent."""
        self._closed = True

    def _answer(self, messages: Sequence[dict[str, Any]], deadline: float, calls: list[ModelCall]) -> Completion:
        """Ask for the one word; once more with room to think if a thought took its place. Raises ``CompletionFailed``."""
        answer = self._ask(messages, deadline, calls)
        cut = answer.problem is not None
        if not cut or remote_answer.read(answer, LABELS) is not None or self._thinks:
            return answer
        answer = self._ask(messages, deadline, calls, ROOM_TO_THINK)
        self._thinks = remote_answer.read(answer, LABELS) is not None
        return answer

    def _ask(
        self,
        messages: Sequence[dict[str, Any]],
        deadline: float,
        calls: list[ModelCall],
        max_tokens: int | None = None,
    ) -> Completion:
        """Make one call, noted in ``calls``. What a server refuses to be asked is not asked again."""
        while True:
            bound = max_tokens or (ROOM_TO_THINK if self._thinks else self._options.max_tokens)
            left = max(0.01, deadline - time.monotonic())
            options = replace(self._options, max_tokens=bound, timeout=min(left, self._options.timeout))
            try:
                answer = complete("critic", self.model, messages, options, max_seconds=left)
            except CompletionFailed as failed:
                calls.append(failed.call)
                if not self._gives_in(failed.failure, bound):
                    raise
            else:
                calls.append(answer.call)
                return answer

    def _gives_in(self, failure: Failure, bound: int) -> bool:
        """Whether the server refused something that can be done without, which is then left out from now on."""
        if failure.kind != "protocol" or failure.cause != "other":
            return False
        if self._options.top_logprobs is not None and _NO_LOGPROBS.search(failure.what):
            self._options = replace(self._options, top_logprobs=None)
            return True
        if bound < _LEAST_TOKENS and _TOO_FEW_TOKENS.search(failure.what):
            self._options = replace(self._options, max_tokens=_LEAST_TOKENS)
            return True
        return False

    def _critique(
        self, messages: Sequence[dict[str, Any]], deadline: float, calls: list[ModelCall]
    ) -> tuple[Critique, str]:
        """Return the written critique and how it came out, in the words of ``wire.Judged``, or ``failed``."""
        if deadline - time.monotonic() <= 0:
            return critique.FALLBACK, "no_time"
        talk = [*messages, {"role": "assistant", "content": LABELS.revise}, {"role": "user", "content": _WRITE}]
        bound = 2 * critique.MAX_TOKENS + (ROOM_TO_THINK if self._thinks else 0)
        try:
            answer = self._ask(talk, deadline, calls, bound)
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
        server = harmless_url(self._options.base_url or custom_base(self.model.provider))
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


def _why(failure: Failure) -> NoVerdictWhy:
    return {"time": "timeout", "context": "context"}.get(failure.cause, "crash")  # type: ignore[return-value]
