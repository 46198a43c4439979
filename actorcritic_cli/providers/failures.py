"""What a failed try means: who is to blame, whether another try can help, and what to tell the user.

litellm folds most failures into a few classes (a refused connection becomes an "internal server error", a refused key of
OpenAI a "bad request"), so the cause is looked for down the chain of exceptions first and in the status code second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from actorcritic_cli.providers.aliases import ResolvedModel
from actorcritic_cli.providers.retry import retry_after_seconds
from actorcritic_cli.text import one_line, redact

FailureKind = Literal["network", "provider", "auth", "protocol", "endless", "exhausted"]

_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|credit balance is too low|billing", re.IGNORECASE)
_CONTEXT = re.compile(
    r"context_length_exceeded|maximum context length|prompt is too long|context window|too many (?:input )?tokens"
    r"|exceed_context_size|available context size",
    re.IGNORECASE,
)
_INNER_MESSAGE = re.compile(r'"message":\s*("(?:[^"\\]|\\.)*")')
_PREFIX = re.compile(r"^(?:(?:litellm\.)?\w*(?:Error|Exception|Timeout)\s*[:-]\s*)+")
_ENDED = "ended before a finish_reason"
_ADVICE = re.compile(r"\s*Handle with `litellm\.\w+`\.?")


class Failure(Struct, frozen=True):
    """Why one try failed. ``what`` is short and redacted; ``remedy`` completes the sentence for the user."""

    kind: FailureKind
    what: str
    remedy: str
    retry: bool = False
    retry_after: float | None = None
    """Seconds the provider asked to wait."""
    cause: Literal["time", "context", "other"] = "other"
    """``time``: nothing (or no end) came in time. ``context``: the model cannot read so much at once."""


def missing_key(model: ResolvedModel) -> Failure:
    """Return the failure of a model whose key is not in the environment."""
    return Failure("auth", f"there is no API key for {model.provider}", f"set {model.key_env}")


def cut_off(what: str, *, late: bool = False) -> Failure:
    """Return the failure of a stream that did not end; ``late`` when it was time that ran out."""
    return Failure("endless", what, "raise the limit if such long answers are meant", cause="time" if late else "other")


def nothing_came(seconds: float) -> Failure:
    """Return the failure of a provider that was silent until the time was up."""
    return Failure(
        "network",
        f"no answer within {seconds:.3g} s",
        "check the network and the base URL, or raise the timeout",
        True,
        cause="time",
    )


def broken_off() -> Failure:
    """Return the failure of a stream that ended before the answer did."""
    return Failure("network", "the connection ended in the middle of the answer", "check the network", True)


def no_answer() -> Failure:
    """Return the failure of a server that answered with nothing in the protocol's form."""
    return Failure("protocol", "what came back is no answer in the provider's protocol", "check the base URL")


def ended_early(error: BaseException) -> bool:
    """Whether litellm complains of a stream without an ending (from 1.110 on; earlier ones took any end for a regular one).

    Only its words tell: the class and the status (500) are those of a provider's own error.
    """
    return any(_ENDED in str(item) for item in _chain(error))


def failure_of(error: BaseException, model: ResolvedModel) -> Failure:
    """Return what an exception of litellm's means."""
    chain = list(_chain(error))
    names = {cls.__name__ for item in chain for cls in type(item).__mro__}
    what = describe(error)
    if names & {"TimeoutException", "Timeout", "APITimeoutError"}:
        return Failure("network", what, "check the network and the base URL, or raise the timeout", True, cause="time")
    if names & {"UnsupportedProtocol", "InvalidURL"}:
        return Failure("network", what, "check the base URL")
    if names & {"TransportError", "ConnectionError", "gaierror"}:
        what = next((describe(item) for item in reversed(chain) if str(item)), what)  # the system's own words
        return Failure("network", what, "check the network and the base URL", True)
    if "JSONDecodeError" in names or "APIResponseValidationError" in names:
        return no_answer()
    status = _status(chain)
    return _of_status(status, what, chain, model)


def _of_status(status: int | None, what: str, chain: list[BaseException], model: ResolvedModel) -> Failure:
    text = " ".join(str(item) for item in chain)
    named = f"HTTP {status}: {what}" if status is not None else what
    if "ContextWindowExceededError" in {type(item).__name__ for item in chain} or (
        status == 400 and _CONTEXT.search(text)
    ):
        return Failure(
            "protocol",
            named,
            f"the conversation no longer fits into the context of {model.litellm_name}",
            cause="context",
        )
    if status in (400, 402, 403, 429) and _QUOTA.search(text):
        return Failure("exhausted", named, f"the account at {model.provider} is used up: check its billing")
    if status in (401, 403):
        return Failure("auth", named, f"check {model.key_env or 'the API key'}")
    if status == 404:
        return Failure(
            "protocol",
            named,
            f"check the model's name ({model.litellm_name}) and the base URL; `acc models` lists names",
        )
    if status in (408, 409, 429) or (status is not None and status >= 500):
        return Failure("provider", named, "try again later", True, _asked_wait(chain))
    if status is None and not any(type(item).__module__.startswith(("litellm", "openai", "httpx")) for item in chain):
        return Failure("protocol", f"{type(chain[0]).__name__}: {what}", "check the model's name and options")
    if status is None:
        return Failure("provider", what, "try again later", True, _asked_wait(chain))
    return Failure("protocol", named, "check the model's name and options")


def describe(error: BaseException) -> str:
    """Return an exception's own words on one redacted line, without the libraries' wrapping."""
    text = redact(str(error))
    inner = _INNER_MESSAGE.search(text)
    if inner is not None:
        try:
            text = str(json.loads(inner.group(1)))
        except ValueError:
            text = inner.group(1)
    text = _ADVICE.sub("", text.partition(" Original exception:")[0])
    return one_line(_PREFIX.sub("", text).strip(" .:-") or type(error).__name__, 240)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _status(chain: list[BaseException]) -> int | None:
    """The HTTP status as it was on the wire if the chain still has it, else what litellm made of it."""
    for item in reversed(chain):
        code = getattr(getattr(item, "response", None), "status_code", None)
        if type(item).__module__.startswith(("httpx", "openai")) and isinstance(code, int):
            return code
    codes = [getattr(item, "status_code", None) for item in chain]
    return next((code for code in codes if isinstance(code, int)), None)


def _asked_wait(chain: list[BaseException]) -> float | None:
    for item in chain:
        owners: tuple[Any, ...] = (getattr(item, "response", None), item)
        for owner in owners:
            for name in ("headers", "litellm_response_headers"):
                headers = getattr(owner, name, None)
                if headers is not None and hasattr(headers, "items"):
                    seconds = retry_after_seconds(headers)
                    if seconds is not None:
                        return seconds
    return None
