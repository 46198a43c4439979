"""One model call: streamed, held back, bounded, retried, and accounted for.

Nothing of an answer is shown while it comes in: it is a proposal, and a proposal reaches nobody before it is approved.
Only its length is reported on the way, and what has come of it to a critic that reads along. What comes out is the
assistant message with the provider's raw message inside, and a ``ModelCall`` for the record that holds every parameter and
failure but no message and no key.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

from actorcritic_cli.errors import PartyError
from actorcritic_cli.providers import failures, loading, retry, stream
from actorcritic_cli.providers.aliases import ResolvedModel, custom_base
from actorcritic_cli.providers.failures import Failure
from actorcritic_cli.providers.options import CompletionOptions
from actorcritic_cli.providers.prices import is_priced
from actorcritic_cli.types import Message, ModelCall, PartyName

Progress = Callable[[int], None]
"""Called with the number of characters received so far in this try."""
Hear = Callable[[Message], None]
"""Called with as much of the answer as was received so far in this try."""

TRUNCATED = "Your answer was cut off because it was too long; answer again, more briefly."


class Completion(Struct, frozen=True):
    """A finished call. ``problem`` says, to the model, why the answer cannot be used as it stands (it was cut off)."""

    message: Message
    call: ModelCall
    problem: str | None = None
    chances: tuple[stream.TokenChance, ...] = ()
    """For each token of the answer, where ``top_logprobs`` asked for it and the server gives it."""


class CompletionFailed(Exception):
    """The call failed for good. ``error`` is what to show, ``call`` what to record, ``failure`` what went wrong last."""

    def __init__(self, error: PartyError, call: ModelCall, failure: Failure):
        super().__init__(str(error))
        self.error = error
        self.call = call
        self.failure = failure


class _TryFailed(Exception):
    def __init__(self, failure: Failure):
        super().__init__(failure.what)
        self.failure = failure


def complete(
    party: PartyName,
    model: ResolvedModel,
    messages: Sequence[dict[str, Any]],
    options: CompletionOptions,
    *,
    tools: Sequence[dict[str, Any]] = (),
    max_seconds: float | None = None,
    progress: Progress | None = None,
    hear: Hear | None = None,
) -> Completion:
    """Ask a model for one assistant message; messages and tools are in the OpenAI chat form.

    ``max_seconds`` bounds the call with all its retries, as ``options.max_seconds`` does. Raises ``CompletionFailed``.
    """
    began = time.monotonic()
    deadline = began + min(options.max_seconds, max_seconds if max_seconds is not None else options.max_seconds)
    request = _request(model, options, tools)
    base = retry.base_seconds(options.retry_base)
    retries: list[str] = []
    while True:
        answer = stream.Gathered()
        try:
            _try_once(answer, model, messages, tools, options, deadline, progress, hear)
        except _TryFailed as tried:
            failure = tried.failure
        else:
            call = _call(party, model, request, answer, began, retries)
            problem = TRUNCATED if answer.finish_reason == "length" else None
            return Completion(answer.message(), call, problem, tuple(answer.chances))
        wait = retry.wait_before(len(retries), base, failure.retry_after)
        in_time = time.monotonic() + wait < deadline
        if not failure.retry or len(retries) >= options.max_retries or not in_time:
            error = _party_error(model, failure, len(retries) + 1)
            raise CompletionFailed(
                error, _call(party, model, request, answer, began, retries, error=str(error)), failure
            )
        retries.append(f"{failure.kind}: {failure.what}; waited {wait:.2f} s")
        time.sleep(wait)


def _try_once(
    answer: stream.Gathered,
    model: ResolvedModel,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]],
    options: CompletionOptions,
    deadline: float,
    progress: Progress | None,
    hear: Hear | None,
) -> None:
    """Read one answer into ``answer``. Raises ``_TryFailed``."""
    key = _key(model, options)
    seconds = min(options.timeout, max(0.05, deadline - time.monotonic()))
    arguments = _arguments(model, messages, tools, options, seconds, key)
    # The first call pays for litellm's import: that is not the provider's time.
    library = loading.litellm()
    until = time.monotonic() + seconds
    reading = stream.read(lambda: library.completion(**arguments), until)
    try:
        while True:
            try:
                answer.add(next(reading))
            except StopIteration as end:
                source = end.value
                break
            if progress is not None:
                progress(answer.characters)
            if hear is not None:
                hear(answer.draft())
            if answer.characters > options.character_limit:
                raise _TryFailed(
                    failures.cut_off(f"the answer did not end within {options.character_limit} characters")
                )
    except stream.DeadlinePassed:
        if answer.characters:
            raise _TryFailed(failures.cut_off(f"the answer did not end within {seconds:.0f} s", late=True)) from None
        raise _TryFailed(failures.nothing_came(seconds)) from None
    except (_TryFailed, KeyboardInterrupt):
        raise
    except Exception as error:
        if failures.ended_early(error):
            raise _TryFailed(_without_ending(answer)) from error
        raise _TryFailed(failures.failure_of(error, model)) from error
    finally:
        reading.close()
    _check_ending(answer, source)


def _check_ending(answer: stream.Gathered, source: Any) -> None:
    """Refuse an answer that broke off: some versions of litellm report any end of a stream as a regular one.

    Also forget token counts that litellm estimated because the provider sent none.
    """
    marks = [getattr(source, name, "") for name in ("received_finish_reason", "intermittent_finish_reason")]
    if not any(mark is not None for mark in marks):
        raise _TryFailed(_without_ending(answer))
    chunks = getattr(source, "chunks", None)
    if isinstance(chunks, list) and not any(getattr(chunk, "usage", None) is not None for chunk in chunks):
        answer.usage_raw = None


def _without_ending(answer: stream.Gathered) -> Failure:
    return failures.broken_off() if answer.characters else failures.no_answer()


def _key(model: ResolvedModel, options: CompletionOptions) -> str | None:
    """The key for the call. Servers of one's own often need none, but the client libraries insist on some text."""
    key = model.api_key()
    if key is not None or not model.key_envs:
        return key
    if options.base_url or custom_base(model.provider):
        return "no-key"
    raise _TryFailed(failures.missing_key(model))


def _arguments(
    model: ResolvedModel,
    messages: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]],
    options: CompletionOptions,
    seconds: float,
    key: str | None,
) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": model.litellm_name,
        "messages": _own_copy(messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": options.max_tokens,
        "timeout": seconds,
        "num_retries": 0,
        "max_retries": 0,
        "drop_params": True,
        "temperature": options.temperature,
        "seed": options.seed,
        "reasoning_effort": options.reasoning_effort,
        "logprobs": True if options.top_logprobs else None,
        "top_logprobs": options.top_logprobs or None,
        "api_base": options.base_url,
        "api_key": key,
        "tools": _own_copy(tools) or None,
    }
    return {name: value for name, value in arguments.items() if value is not None} | loading.extra_arguments()


def _own_copy(value: Sequence[dict[str, Any]]) -> Any:
    """Return a deep copy that litellm may change, without the lone surrogates that UTF-8 cannot carry."""
    return json.loads(json.dumps(list(value), ensure_ascii=False).encode("utf-8", "replace"))


def _request(model: ResolvedModel, options: CompletionOptions, tools: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The parameters for the record. A base URL may carry a password: only its harmless parts are kept."""
    request: dict[str, Any] = {
        "model": model.litellm_name,
        "max_tokens": options.max_tokens,
        "temperature": options.temperature,
        "seed": options.seed,
        "reasoning_effort": options.reasoning_effort,
        "top_logprobs": options.top_logprobs,
        "base_url": harmless_url(options.base_url or custom_base(model.provider)),
        "tools": len(tools) or None,
        "stream": True,
    }
    return {name: value for name, value in request.items() if value is not None}


def harmless_url(url: str | None) -> str | None:
    """Return a URL without what could hold a secret: user name, password and query."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "(unreadable URL)"
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _call(
    party: PartyName,
    model: ResolvedModel,
    request: dict[str, Any],
    answer: stream.Gathered,
    began: float,
    retries: Sequence[str],
    error: str | None = None,
) -> ModelCall:
    usage = answer.usage()
    response: str | None = None
    if answer.characters or error is None:
        ending = {"truncated": True} if error is not None else {"finish_reason": answer.finish_reason}
        response = json.dumps(answer.raw() | ending, ensure_ascii=False)
    return ModelCall(
        party=party,
        model=model.litellm_name,
        request=request,
        response=response,
        usage=usage,
        cost=_cost(model, usage.raw) if usage.input_tokens is not None else None,
        latency=time.monotonic() - began,
        retries=tuple(retries),
        error=error,
    )


def _cost(model: ResolvedModel, usage: dict[str, Any]) -> float | None:
    """Dollars by litellm's price list; ``None`` for a model that has no price in it."""
    if not is_priced(model.litellm_name):
        return None
    library = loading.litellm()
    try:
        answer = library.ModelResponse(model=model.litellm_name, usage=library.Usage(**usage))
        return float(library.completion_cost(completion_response=answer, model=model.litellm_name))
    except Exception:  # the price list is full of special cases: a cost we cannot compute is unknown
        return None


def _party_error(model: ResolvedModel, failure: Failure, tries: int) -> PartyError:
    after = f" after {tries} tries" if tries > 1 else ""
    return PartyError(
        f"{model.litellm_name} gave no answer{after} ({failure.what}): {failure.remedy}.", kind=failure.kind
    )
