"""A model provider on loopback: real HTTP, the OpenAI and the Anthropic protocol, and behaviour a test decides on.

The server answers ``POST …/chat/completions`` and ``POST …/messages`` as the two providers do (streamed or whole), so
that tests run the real client libraries down to the socket. What it answers is a ``Behaviour``: taken from a script in
order, or made by a callback from the request's JSON. Every request is recorded.

Use the ``provider_server`` fixture; ``server.env()`` gives what a subprocess needs to talk to it.
"""

from __future__ import annotations

import contextlib
import json
import math
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import msgspec
import pytest

KEY = "sk-test-0123456789abcdefghijklmnop"
"""The key that tests put into the environment; it must turn up in no record."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens the provider says it counted. ``input`` includes the cached ones, as OpenAI counts them."""

    input: int = 100
    output: int = 20
    cached: int = 0


class Behaviour(msgspec.Struct, frozen=True):
    """What the server does with one request. Make one with the functions below and ``replaced`` for the odd field."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    """(tool name, arguments as JSON text – or as broken text)."""
    thinking: tuple[tuple[str, str], ...] = ()
    """(thought, signature): sent by the Anthropic protocol only; a thought ``redacted:…`` is a redacted block."""
    reasoning: str = ""
    """A thought as reasoning servers of the OpenAI protocol send it (``reasoning_content``)."""
    logprobs: tuple[tuple[tuple[str, float], ...], ...] = ()
    """For each token of the answer the likeliest ones with their log probabilities, the one that was written first. Sent
    where they are asked for; ``text`` is then made of these tokens."""
    usage: Usage | None = Usage()
    finish: str | None = None
    """Overrides the finish reason, in OpenAI's words (``length``)."""
    status: int = 200
    message: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    code: str | None = None
    drop_after: int | None = None
    """Break the connection off after so many stream events (0: before any answer)."""
    end_after: int | None = None
    """End the stream in good order after so many events, though the answer is not finished."""
    error_after: int | None = None
    """Send an error event in mid-stream after so many events."""
    endless: bool = False
    delay: float = 0.0
    """Seconds before the answer begins."""
    event_delay: float = 0.0
    """Seconds before each stream event."""
    garbage: bool = False
    """Answer with something that is not the protocol."""

    def replaced(self, **fields: Any) -> Behaviour:
        """Return the behaviour with some fields changed."""
        return msgspec.structs.replace(self, **fields)


def says(text: str, **fields: Any) -> Behaviour:
    """Answer with a text."""
    return Behaviour(text=text).replaced(**fields)


def weighs(chances: dict[str, float], *more: dict[str, float], **fields: Any) -> Behaviour:
    """Answer with the likeliest token of each dict of probabilities, and give their log probabilities."""
    tops = [sorted(top.items(), key=lambda pair: -pair[1]) for top in (chances, *more)]
    logs = tuple(tuple((token, math.log(p)) for token, p in top) for top in tops)
    return Behaviour(text="".join(top[0][0] for top in tops), logprobs=logs).replaced(**fields)


def calls(name: str, arguments: dict[str, Any] | str, **fields: Any) -> Behaviour:
    """Answer with one tool call; ``arguments`` as text are sent as they are."""
    given = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Behaviour(calls=((name, given),)).replaced(**fields)


def fails(
    status: int, message: str = "it went wrong", *, retry_after: str | None = None, code: str | None = None
) -> Behaviour:
    """Answer with an HTTP error; ``retry_after`` is the header's value (seconds or a date)."""
    headers = (("retry-after", retry_after),) if retry_after is not None else ()
    return Behaviour(status=status, message=message, headers=headers, code=code)


class Request(msgspec.Struct, frozen=True):
    """One request as the server got it. Header names are in lower case."""

    protocol: Literal["openai", "anthropic"]
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float


class ProviderServer:
    """The running server. ``script`` queues behaviours; ``respond_with`` sets a callback for when the queue is empty."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._script: deque[Behaviour] = deque()
        self._callback: Callable[[dict[str, Any]], Behaviour] | None = None
        self._lock = threading.Lock()
        self._ids = 0
        self.closing = threading.Event()
        self.hung_up = threading.Event()
        """Set when a client has broken off while it was being answered."""
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.provider = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def root(self) -> str:
        """``http://127.0.0.1:PORT``: the base URL of the Anthropic protocol."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def openai_base(self) -> str:
        """The base URL of the OpenAI protocol."""
        return f"{self.root}/v1"

    @property
    def anthropic_base(self) -> str:
        """The base URL of the Anthropic protocol."""
        return self.root

    def base(self, protocol: str) -> str:
        """Return the base URL for ``openai`` or ``anthropic``."""
        return self.openai_base if protocol == "openai" else self.anthropic_base

    def env(self) -> dict[str, str]:
        """Return environment variables that lead a subprocess's litellm here."""
        return {
            "OPENAI_API_BASE": self.openai_base,
            "OPENAI_API_KEY": KEY,
            "ANTHROPIC_API_BASE": self.anthropic_base,
            "ANTHROPIC_API_KEY": KEY,
            "ACC_RETRY_BASE": "0.01",
            "NO_PROXY": "127.0.0.1",
        }

    def script(self, *behaviours: Behaviour) -> None:
        """Queue behaviours, one per request to come."""
        with self._lock:
            self._script.extend(behaviours)

    def respond_with(self, callback: Callable[[dict[str, Any]], Behaviour]) -> None:
        """Answer unscripted requests by ``callback(request's JSON)``."""
        self._callback = callback

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The JSON of all requests so far."""
        return [request.body for request in self.requests]

    def next_id(self) -> int:
        """Return a fresh number for message and call ids."""
        with self._lock:
            self._ids += 1
            return self._ids

    def take(self, request: Request) -> Behaviour:
        """Record a request and return what to do with it."""
        with self._lock:
            self.requests.append(request)
            if self._script:
                return self._script.popleft()
        if self._callback is not None:
            return self._callback(request.body)
        return fails(400, "the test's script is used up")

    def close(self) -> None:
        """Stop answering; endless streams end."""
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    provider: ProviderServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about connections that a client (or a test) broke off; print anything else."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        protocol: Literal["openai", "anthropic"] = "anthropic" if self.path.endswith("/messages") else "openai"
        headers = {name.lower(): value for name, value in self.headers.items()}
        provider = self.server.provider
        behaviour = provider.take(Request(protocol, self.path, headers, body, time.time()))
        if behaviour.delay:
            provider.closing.wait(behaviour.delay)
        try:
            self._answer(protocol, body, behaviour)
        except ConnectionError:
            provider.hung_up.set()

    def _answer(self, protocol: str, body: dict[str, Any], behaviour: Behaviour) -> None:
        if behaviour.drop_after == 0:
            return self._drop()
        if behaviour.status != 200:
            return self._send(behaviour.status, _error(protocol, behaviour), behaviour.headers)
        if behaviour.garbage:
            return self._garbage(streamed=bool(body.get("stream")))
        make = _anthropic_events if protocol == "anthropic" else _openai_events
        if body.get("stream"):
            return self._stream(protocol, make(body, behaviour, self.server.provider), behaviour)
        whole = _anthropic_whole if protocol == "anthropic" else _openai_whole
        return self._send(200, whole(body, behaviour, self.server.provider), behaviour.headers)

    def _send(self, status: int, value: Any, headers: tuple[tuple[str, str], ...]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, protocol: str, events: Iterator[tuple[str, Any]], behaviour: Behaviour) -> None:
        self._begin_stream()
        for number, (name, value) in enumerate(events):
            if behaviour.drop_after is not None and number >= behaviour.drop_after:
                return self._drop()
            if behaviour.end_after is not None and number >= behaviour.end_after:
                return self._end_stream()
            if behaviour.error_after is not None and number >= behaviour.error_after:
                self._event(protocol, "error", _error(protocol, behaviour))
                return self._end_stream()
            if behaviour.event_delay:
                self.server.provider.closing.wait(behaviour.event_delay)
            if self.server.provider.closing.is_set():
                return self._drop()
            self._event(protocol, name, value)
        if protocol == "openai":
            self._chunk(b"data: [DONE]\n\n")
        return self._end_stream()

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def _event(self, protocol: str, name: str, value: Any) -> None:
        head = f"event: {name}\n" if protocol == "anthropic" else ""
        self._chunk(f"{head}data: {json.dumps(value)}\n\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _garbage(self, *, streamed: bool) -> None:
        if not streamed:
            return self._send(200, ["this", "is", "no", "answer"], ())
        self._begin_stream()
        self._chunk(b"data: <html>this is no answer</html>\n\n")
        return self._end_stream()

    def _drop(self) -> None:
        """Break the connection off with a reset, as a dying network does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()


_ANTHROPIC_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_ANTHROPIC_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


def _error(protocol: str, behaviour: Behaviour) -> dict[str, Any]:
    if protocol == "anthropic":
        kind = _ANTHROPIC_ERRORS.get(behaviour.status, "api_error")
        return {"type": "error", "error": {"type": behaviour.code or kind, "message": behaviour.message}}
    kind = "server_error" if behaviour.status >= 500 else "invalid_request_error"
    return {"error": {"message": behaviour.message, "type": kind, "param": None, "code": behaviour.code}}


def _finish(behaviour: Behaviour) -> str:
    return behaviour.finish or ("tool_calls" if behaviour.calls else "stop")


def _pieces(text: str, size: int = 7) -> Iterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


def _words(behaviour: Behaviour) -> Iterator[str]:
    yield from _pieces(behaviour.text)
    number = 0
    while behaviour.endless:
        number += 1
        yield f"and then {number} "


# ---- the OpenAI protocol -------------------------------------------------------------------------------------------


def _openai_usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
    }


def _openai_call(provider: ProviderServer, name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"call_{provider.next_id()}", "type": "function", "function": {"name": name, "arguments": arguments}}


def _openai_whole(body: dict[str, Any], behaviour: Behaviour, provider: ProviderServer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": behaviour.text or None}
    if behaviour.calls:
        message["tool_calls"] = [_openai_call(provider, *call) for call in behaviour.calls]
    answer: dict[str, Any] = {
        "id": f"chatcmpl-{provider.next_id()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.get("model"),
        "choices": [{"index": 0, "message": message, "finish_reason": _finish(behaviour)}],
    }
    if behaviour.usage is not None:
        answer["usage"] = _openai_usage(behaviour.usage)
    return answer


def _openai_logprobs(top: tuple[tuple[str, float], ...]) -> dict[str, Any]:
    entries = [{"token": token, "logprob": value, "bytes": list(token.encode())} for token, value in top]
    return {**entries[0], "top_logprobs": entries}


def _openai_events(body: dict[str, Any], behaviour: Behaviour, provider: ProviderServer) -> Iterator[tuple[str, Any]]:
    head = {
        "id": f"chatcmpl-{provider.next_id()}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": body.get("model"),
    }

    def chunk(delta: dict[str, Any], finish: str | None = None) -> tuple[str, Any]:
        return "chunk", head | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    for piece in _pieces(behaviour.reasoning):
        yield chunk({"reasoning_content": piece})
    if behaviour.logprobs and body.get("logprobs"):
        for top in behaviour.logprobs:
            name, value = chunk({"content": top[0][0]})
            value["choices"][0]["logprobs"] = {"content": [_openai_logprobs(top)]}
            yield name, value
    else:
        for piece in _words(behaviour):
            yield chunk({"content": piece})
    for index, (name, arguments) in enumerate(behaviour.calls):
        first = _openai_call(provider, name, "")
        yield chunk({"tool_calls": [{"index": index, **first}]})
        for piece in _pieces(arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, _finish(behaviour))
    if behaviour.usage is not None and (body.get("stream_options") or {}).get("include_usage"):
        yield "chunk", head | {"choices": [], "usage": _openai_usage(behaviour.usage)}


# ---- the Anthropic protocol ----------------------------------------------------------------------------------------


def _anthropic_usage(usage: Usage | None) -> dict[str, Any]:
    usage = usage or Usage(0, 0, 0)
    return {
        "input_tokens": usage.input - usage.cached,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": usage.output,
    }


def _thinking_block(thought: str, signature: str) -> dict[str, Any]:
    if thought.startswith("redacted:"):
        return {"type": "redacted_thinking", "data": signature}
    return {"type": "thinking", "thinking": thought, "signature": signature}


def _anthropic_whole(body: dict[str, Any], behaviour: Behaviour, provider: ProviderServer) -> dict[str, Any]:
    content: list[dict[str, Any]] = [_thinking_block(*thought) for thought in behaviour.thinking]
    if behaviour.text:
        content.append({"type": "text", "text": behaviour.text})
    for name, arguments in behaviour.calls:
        number = provider.next_id()
        content.append({"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": json.loads(arguments)})
    return {
        "id": f"msg_{provider.next_id()}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": content,
        "stop_reason": _ANTHROPIC_STOPS[_finish(behaviour)],
        "stop_sequence": None,
        "usage": _anthropic_usage(behaviour.usage),
    }


def _anthropic_events(
    body: dict[str, Any], behaviour: Behaviour, provider: ProviderServer
) -> Iterator[tuple[str, Any]]:
    message = _anthropic_whole(body, Behaviour(usage=behaviour.usage), provider)
    message |= {"stop_reason": None, "usage": _anthropic_usage(behaviour.usage) | {"output_tokens": 1}}
    yield "message_start", {"type": "message_start", "message": message}
    index = -1

    def block(start: dict[str, Any], deltas: Iterator[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
        nonlocal index
        index += 1
        yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
        yield "content_block_stop", {"type": "content_block_stop", "index": index}

    for thought, signature in behaviour.thinking:
        whole = _thinking_block(thought, signature)
        if whole["type"] == "redacted_thinking":
            yield from block(whole, iter(()))
        else:
            yield from block({"type": "thinking", "thinking": "", "signature": ""}, _thoughts(thought, signature))
    yield "ping", {"type": "ping"}
    if behaviour.text or behaviour.endless:
        texts = ({"type": "text_delta", "text": piece} for piece in _words(behaviour))
        yield from block({"type": "text", "text": ""}, texts)
    for name, arguments in behaviour.calls:
        start = {"type": "tool_use", "id": f"toolu_{provider.next_id()}", "name": name, "input": {}}
        pieces = ({"type": "input_json_delta", "partial_json": piece} for piece in _pieces(arguments))
        yield from block(start, pieces)
    stop = {"stop_reason": _ANTHROPIC_STOPS[_finish(behaviour)], "stop_sequence": None}
    used = {"output_tokens": behaviour.usage.output if behaviour.usage else 0}
    yield "message_delta", {"type": "message_delta", "delta": stop, "usage": used}
    yield "message_stop", {"type": "message_stop"}


def _thoughts(thought: str, signature: str) -> Iterator[dict[str, Any]]:
    for piece in _pieces(thought):
        yield {"type": "thinking_delta", "thinking": piece}
    yield {"type": "signature_delta", "signature": signature}


@pytest.fixture
def provider_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProviderServer]:
    """A fresh server, with keys in the environment and quick retries; the base URL is the test's to pass on."""
    for name in ("OPENAI_API_BASE", "OPENAI_BASE_URL", "ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ACC_RETRY_BASE", "0.01")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ProviderServer()
    try:
        yield server
    finally:
        server.close()
