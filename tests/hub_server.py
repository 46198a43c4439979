"""A Hugging Face hub on loopback: the hub itself, and another host where the files lie, to which it redirects.

It answers as the real one does (``resolve`` with the linked hash and size, ranges, ``If-Range``, the list of files, error
codes in headers); what goes wrong is set on the server. Every request is noted with the host that got it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

REPO, FILE = "owner/tiny-GGUF", "tiny.gguf"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """The running servers. Set ``content``, and what is to go wrong, before pulling."""

    def __init__(self, content: bytes):
        self.content = content
        self.etag = '"etag-1"'
        self.sha256: str | None = None
        """What the hub says the file hashes to, if it is not the truth."""
        self.linked = True
        """Whether ``resolve`` tells hash and size."""
        self.listed = True
        """Whether the list of files tells them."""
        self.cuts: deque[int] = deque()
        """After so many bytes each of the next answers with contents breaks off."""
        self.statuses: deque[int] = deque()
        """What each of the next requests for contents is answered with instead."""
        self.refuse: tuple[int, str] | None = None
        """Status and error code of every ``resolve``."""
        self.away = True
        """Whether files lie on another host."""
        self.ranges = True
        self.slow = False
        """Send a bit, then wait for ``go_on``."""
        self.go_on = threading.Event()
        self.under_way = threading.Event()
        self.requests: list[tuple[str, str, str, dict[str, str]]] = []
        """(host, method, path, headers)."""
        self._servers = {name: _Http(("127.0.0.1", 0), _Handler) for name in ("hub", "files")}
        for name, server in self._servers.items():
            server.hub, server.name = self, name
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        """The hub's address."""
        return self.address("hub")

    def address(self, name: str) -> str:
        """The address of ``hub`` or ``files``."""
        return f"http://127.0.0.1:{self._servers[name].server_address[1]}"

    def asked(self, name: str, method: str | None = None) -> list[dict[str, str]]:
        """The headers of the requests that a host got."""
        return [headers for host, how, _, headers in self.requests if host == name and how == (method or how)]

    def true_sha256(self) -> str:
        """What the contents hash to."""
        return hashlib.sha256(self.content).hexdigest()

    def close(self) -> None:
        """Stop answering."""
        self.go_on.set()
        for server in self._servers.values():
            server.shutdown()
            server.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    hub: Hub
    name: str

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that are killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_GET(self) -> None:
        self._answer("GET")

    def _answer(self, method: str) -> None:
        hub = self.server.hub
        headers = {name.lower(): value for name, value in self.headers.items()}
        hub.requests.append((self.server.name, method, self.path, headers))
        if self.path.startswith("/api/models/"):
            return self._list()
        if hub.refuse is not None:
            return self._plain(hub.refuse[0], {"X-Error-Code": hub.refuse[1]})
        if self.server.name == "hub" and self.path.startswith("/renamed/"):
            return self._plain(307, {"Location": self.path.replace("/renamed/", "/owner/", 1)})
        if not self.path.endswith(f"/{FILE}"):
            return self._plain(404, {"X-Error-Code": "EntryNotFound"})
        linked = {
            "X-Repo-Commit": COMMIT,
            "X-Linked-Etag": f'"{hub.sha256 or hub.true_sha256()}"',
            "X-Linked-Size": str(len(hub.content)),
        }
        if self.server.name == "hub" and hub.away:
            there = {"Location": f"{hub.address('files')}/blob/{FILE}"}
            return self._plain(302, {**there, **(linked if hub.linked else {})})
        if method == "HEAD":
            return self._plain(200, linked if hub.linked else {}, length=len(hub.content))
        if hub.statuses:
            return self._plain(hub.statuses.popleft(), {})
        return self._content(headers)

    def _list(self) -> None:
        hub = self.server.hub
        entry = {"type": "file", "path": FILE, "size": len(hub.content)}
        entry["lfs"] = {"oid": hub.sha256 or hub.true_sha256(), "size": len(hub.content)}
        body = json.dumps([{"type": "file", "path": "README.md", "size": 3}, entry] if hub.listed else []).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _content(self, headers: dict[str, str]) -> None:
        hub, start = self.server.hub, 0
        data = hub.content
        wanted = headers.get("range")
        if wanted and hub.ranges and headers.get("if-range", hub.etag) == hub.etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                self._plain(416, {"Content-Range": f"bytes */{len(data)}"})
                return
            self.send_response(206)
            self.send_header("content-range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("etag", hub.etag)
        self.send_header("content-length", str(len(data) - start))
        self.end_headers()
        if hub.slow:
            self.wfile.write(data[start : start + 65536])
            self.wfile.flush()
            hub.under_way.set()
            hub.go_on.wait(60)
            start += 65536
        if hub.cuts:
            self.wfile.write(data[start : start + hub.cuts.popleft()])
            self._drop()
        else:
            self.wfile.write(data[start:])

    def _plain(self, status: int, headers: dict[str, str], length: int = 0) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(length))
        self.end_headers()

    def _drop(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
        self.connection.close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one real GGUF, to which this process and the commands it runs go."""
    from tests.critic_cases import tiny

    server = Hub(tiny().read_bytes())
    for name in ("HF_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
    monkeypatch.setenv("ACC_RETRY_BASE", "0.01")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    try:
        yield server
    finally:
        server.close()
