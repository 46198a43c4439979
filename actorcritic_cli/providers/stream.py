"""One streamed answer: gathered piece by piece into the provider's assistant message, within hard bounds.

We gather the pieces ourselves rather than let litellm rebuild the answer: its builder invents token counts where the
provider sent none, calls a broken-off answer finished, and gives nothing when a stream is cut. A thread of its own reads
the socket, so that a deadline holds even while the provider sends nothing (or nothing but keep-alives).
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from msgspec import Struct

from actorcritic_cli.types import Message, ToolCall, Usage


class DeadlinePassed(Exception):
    """The time for this try is up."""


def read(start: Callable[[], Any], deadline: float) -> Generator[Any, None, Any]:
    """Yield what the stream made by ``start()`` yields; its exceptions come through.

    ``deadline`` is on the monotonic clock. Raises ``DeadlinePassed`` there, whatever the socket does; the reading thread
    is then left behind and ends with its connection. The generator's return value is the stream object.
    """
    pieces: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    abandoned = threading.Event()

    def pump() -> None:
        stream: Any = None
        try:
            stream = start()
            for chunk in stream:
                pieces.put(("chunk", chunk))
                if abandoned.is_set():
                    break
            pieces.put(("end", stream))
        except BaseException as error:
            pieces.put(("error", error))
        finally:
            _close(stream)

    threading.Thread(target=pump, name="acc-model-call", daemon=True).start()
    try:
        while True:
            try:
                kind, value = pieces.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise DeadlinePassed from None
            if kind == "error":
                raise value
            if kind == "end":
                return value
            yield value
    finally:
        abandoned.set()


def _chances(logprobs: Any) -> list[TokenChance]:
    """Return what the log probabilities of a chunk say, without what is not in OpenAI's form."""
    if hasattr(logprobs, "model_dump"):
        logprobs = logprobs.model_dump()
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    found = []
    for entry in content if isinstance(content, list) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
            continue
        pairs = [(top.get("token"), top.get("logprob")) for top in entry.get("top_logprobs") or [entry]]
        likeliest = [(t, float(p)) for t, p in pairs if isinstance(t, str) and isinstance(p, int | float) and p == p]
        found.append(TokenChance(entry["token"], tuple(likeliest)))
    return found


def _close(stream: Any) -> None:
    """Hang up. Left to the garbage collector, an unread answer keeps its connection, and may be finalised in a thread that
    holds the connection pool's lock, which then never opens again."""
    inner = getattr(stream, "completion_stream", None)
    for owner in (stream, inner, *(getattr(inner, name, None) for name in ("streaming_response", "response"))):
        close = getattr(owner, "close", None)
        if callable(close):
            with contextlib.suppress(Exception):
                close()


class TokenChance(Struct, frozen=True):
    """A token that a model wrote, and the likeliest tokens at its place with their natural log probabilities."""

    token: str
    likeliest: tuple[tuple[str, float], ...]


class Gathered:
    """An answer so far. ``characters`` counts everything the model wrote, thoughts and arguments included.

    ``chances`` has an entry for each token whose log probabilities were asked for and given.
    """

    def __init__(self) -> None:
        self.characters = 0
        self.chances: list[TokenChance] = []
        self.finish_reason: str | None = None
        self.usage_raw: dict[str, Any] | None = None
        self._texts: dict[str, list[str]] = {}
        self._calls: list[dict[str, Any]] = []
        self._by_index: dict[int, int] = {}
        self._thinking: list[dict[str, Any]] = []
        self._open_thought = False
        self._others: dict[str, Any] = {}

    def add(self, chunk: Any) -> None:
        """Take in one chunk of litellm's stream."""
        usage = getattr(chunk, "usage", None)
        if usage is not None:
            self.usage_raw = usage.model_dump(exclude_none=True) if hasattr(usage, "model_dump") else dict(usage)
        for choice in getattr(chunk, "choices", None) or ():
            self.finish_reason = getattr(choice, "finish_reason", None) or self.finish_reason
            self.chances += _chances(getattr(choice, "logprobs", None))
            delta = getattr(choice, "delta", None)
            if delta is not None:
                self._add_delta(delta.model_dump(exclude_none=True) if hasattr(delta, "model_dump") else dict(delta))

    def _add_delta(self, delta: dict[str, Any]) -> None:
        for name, value in delta.items():
            if name in ("content", "reasoning_content", "refusal") and isinstance(value, str):
                self._texts.setdefault(name, []).append(value)
                self.characters += len(value)
            elif name == "tool_calls":
                for fragment in value:
                    self._add_call(fragment)
            elif name == "thinking_blocks":
                for fragment in value:
                    self._add_thought(fragment)
            elif name == "provider_specific_fields":
                rest = {key: item for key, item in value.items() if key != "thinking_blocks"}
                if rest:
                    self._others.setdefault(name, {}).update(rest)
            elif isinstance(value, list) and isinstance(self._others.get(name), list):
                self._others[name].extend(value)
            elif name != "role":
                self._others[name] = value

    def _add_call(self, fragment: dict[str, Any]) -> None:
        index = int(fragment.get("index") or 0)
        function = fragment.get("function") or {}
        position = self._by_index.get(index)
        fresh = fragment.get("id")
        # Some servers number every call 0; another id under the same number is another call.
        if position is None or (fresh and self._calls[position]["id"] not in ("", fresh)):
            position = self._by_index[index] = len(self._calls)
            self._calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        call = self._calls[position]
        call["id"] = fresh or call["id"]
        call["function"]["name"] += function.get("name") or ""
        call["function"]["arguments"] += function.get("arguments") or ""
        self.characters += len(function.get("arguments") or "")
        for owner, extra in ((call, fragment), (call["function"], function)):
            if extra.get("provider_specific_fields"):
                owner.setdefault("provider_specific_fields", {}).update(extra["provider_specific_fields"])

    def _add_thought(self, fragment: dict[str, Any]) -> None:
        if fragment.get("type") != "thinking":
            self._thinking.append(dict(fragment))
            self._open_thought = False
            return
        if not self._open_thought:
            self._thinking.append({"type": "thinking", "thinking": ""})
        block = self._thinking[-1]
        block["thinking"] += fragment.get("thinking") or ""
        if fragment.get("signature"):
            block["signature"] = fragment["signature"]
        self._open_thought = "signature" not in block  # the signature is a block's last piece

    def raw(self) -> dict[str, Any]:
        """Return the assistant message in litellm's shape, ready to be sent back as it came."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts.get("content", ())) or None}
        if self._calls:
            message["tool_calls"] = self._calls
        reasoning = "".join(self._texts.get("reasoning_content", ()))
        if reasoning:
            message["reasoning_content"] = reasoning
        refusal = "".join(self._texts.get("refusal", ()))
        if refusal:
            message["refusal"] = refusal
        if self._thinking:
            message["thinking_blocks"] = self._thinking
        return message | self._others

    def message(self) -> Message:
        """Return the answer as our own message, the raw one inside."""
        raw = self.raw()
        calls = tuple(
            ToolCall(
                id=call["id"] or f"call_{number}",
                name=call["function"]["name"],
                arguments=call["function"]["arguments"] or "{}",
            )
            for number, call in enumerate(self._calls)
        )
        for call, made in zip(self._calls, calls, strict=True):
            call["id"], call["function"]["arguments"] = made.id, made.arguments
        return Message(
            role="assistant",
            content=raw["content"],
            tool_calls=calls,
            raw=json.dumps(raw, ensure_ascii=False),
        )

    def draft(self) -> Message:
        """Return what has come so far as our own message; its last call's arguments may end anywhere."""
        calls = tuple(
            ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in self._calls
        )
        return Message("assistant", "".join(self._texts.get("content", ())) or None, calls)

    def usage(self) -> Usage:
        """Return the token counts, unknown where the provider gave none."""
        raw = self.usage_raw
        if not raw or not raw.get("prompt_tokens"):
            return Usage(raw=raw or {})
        details = raw.get("prompt_tokens_details") or {}
        cached = details.get("cached_tokens", raw.get("cache_read_input_tokens"))
        return Usage(
            input_tokens=raw.get("prompt_tokens"),
            output_tokens=raw.get("completion_tokens"),
            cached_tokens=cached,
            raw=raw,
        )
