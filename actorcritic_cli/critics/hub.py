"""What a file of the Hugging Face hub is, and its bytes: the few requests that a download takes.

``HF_ENDPOINT`` names another hub. ``HF_TOKEN`` goes to that host alone: files lie on other hosts, to which the hub
redirects, and these must not see it. Redirects are therefore followed here, one by one.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct

from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.providers.completion import harmless_url
from actorcritic_cli.text import one_line, redact

if TYPE_CHECKING:
    import httpx

PUBLIC = "https://huggingface.co"
_REDIRECTS = 8
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONNECT, _SILENCE = 15.0, 30.0
"""Seconds to wait for a connection, and for the next bytes."""


class HubFile(Struct, frozen=True):
    """A file as the hub knows it. ``size`` is in bytes; ``None`` where the hub does not say. ``commit`` pins the version."""

    repo: str
    file: str
    size: int | None
    sha256: str | None
    commit: str | None

    @property
    def url(self) -> str:
        """Where its bytes are asked for."""
        return _resolve_url(self.repo, self.file, self.commit or "main")


class Broken(Exception):
    """The network or the server failed in a way that may pass; the message says how."""


def endpoint() -> str:
    """Return the hub's address without a slash at its end."""
    return (os.environ.get("HF_ENDPOINT") or PUBLIC).rstrip("/")


def shown() -> str:
    """Return the hub's address as it may be shown: without a password that stands in it."""
    return harmless_url(endpoint()) or PUBLIC


@contextmanager
def connection() -> Iterator[httpx.Client]:
    """Open a client for a number of requests."""
    import httpx

    timeout = httpx.Timeout(_SILENCE, connect=_CONNECT)
    with httpx.Client(timeout=timeout, headers={"accept-encoding": "identity", "user-agent": "acc"}) as client:
        yield client


def look_up(client: httpx.Client, repo: str, file: str) -> HubFile:
    """Return what the hub knows of a file.

    Raises ``NotFound``, ``AccError`` for one that may not be read, and ``Broken``.
    """
    with _request(client, "HEAD", _resolve_url(repo, file, "main"), repo, file, follow_away=False) as answer:
        headers = answer.headers
        sha256 = _hash(headers.get("x-linked-etag"))
        size = headers.get("x-linked-size") or (headers.get("content-length") if answer.status_code == 200 else None)
        found = HubFile(repo, file, _number(size), sha256, headers.get("x-repo-commit"))
    return found if found.sha256 is not None else _from_tree(client, found)


@contextmanager
def content(client: httpx.Client, file: HubFile, start: int, etag: str | None) -> Iterator[httpx.Response]:
    """Ask for the bytes of a file from ``start`` on; the answer's status is 200 (from the beginning), 206 or 416.

    ``etag`` is that of the bytes before: with other contents the server begins anew. Raises as ``look_up`` does.
    """
    headers = {"range": f"bytes={start}-"} if start else {}
    if start and etag:
        headers["if-range"] = etag
    with _request(client, "GET", file.url, file.repo, file.file, headers, allowed=(416,)) as answer:
        yield answer


@contextmanager
def _request(
    client: httpx.Client,
    method: str,
    url: str,
    repo: str,
    file: str,
    headers: dict[str, str] | None = None,
    *,
    follow_away: bool = True,
    allowed: tuple[int, ...] = (),
) -> Iterator[httpx.Response]:
    """Send a request and follow redirects (to other hosts only if ``follow_away``)."""
    import httpx

    home = httpx.URL(endpoint())
    try:
        target = httpx.URL(url)
        for _ in range(_REDIRECTS):
            request = client.build_request(method, target, headers={**(headers or {}), **_authorization(target, home)})
            answer = client.send(request, stream=True)
            location = answer.headers.get("location") if answer.is_redirect else None
            following = target.join(location) if location else None
            if following is None or not (follow_away or _same_host(following, home)):
                break
            answer.close()
            target = following
        else:
            raise AccError(f"{shown()} sends {repo}/{file} round in circles; try again later.")
        try:
            if answer.status_code >= 400 and answer.status_code not in allowed:
                raise _refusal(answer, repo, file)
            yield answer
        finally:
            answer.close()
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise AccError(f"{shown()} is no address of a hub ({error}); check HF_ENDPOINT.") from error
    except httpx.HTTPError as error:
        raise Broken(one_line(redact(str(error) or type(error).__name__), 200)) from error


def _authorization(target: httpx.URL, home: httpx.URL) -> dict[str, str]:
    token = os.environ.get("HF_TOKEN", "").strip()
    return {"authorization": f"Bearer {token}"} if token and _same_host(target, home) else {}


def _same_host(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def _refusal(answer: httpx.Response, repo: str, file: str) -> Exception:
    """Return the error that an answer means. A hub says 401 of what does not exist, too, to those without a key."""
    status, code = answer.status_code, answer.headers.get("x-error-code", "")
    page = f"{shown()}/{repo}"
    if code == "GatedRepo" or (status in (401, 403) and code != "RepoNotFound"):
        whom, remedy = (
            ("this HF_TOKEN", "or check it") if os.environ.get("HF_TOKEN") else ("everyone", "then set HF_TOKEN")
        )
        return AccError(f"{repo} is not open to {whom} (HTTP {status}): accept its terms at {page}, {remedy}.")
    if status in (401, 404):
        what = f"no file {file} in {repo}" if code == "EntryNotFound" else f"no {repo}/{file}"
        return NotFound(f"There is {what} at {shown()}; check the name at {page}.")
    if status in (408, 429) or status >= 500:
        return Broken(f"HTTP {status}")
    return AccError(f"{shown()} refuses {repo}/{file} (HTTP {status}); try again later.")


def _from_tree(client: httpx.Client, found: HubFile) -> HubFile:
    """Complete what is known by the hub's list of files, as far as it has one."""
    url = f"{endpoint()}/api/models/{quote(found.repo)}/tree/{quote(found.commit or 'main')}?recursive=true"
    try:
        with _request(client, "GET", url, found.repo, found.file) as answer:
            entries = json.loads(answer.read())
    except (AccError, Broken, ValueError):
        return found
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("path") == found.file:
            lfs: dict[str, Any] = entry.get("lfs") or {}
            return HubFile(
                found.repo,
                found.file,
                found.size or _number(lfs.get("size") or entry.get("size")),
                _hash(lfs.get("oid")),
                found.commit,
            )
    return found


def _resolve_url(repo: str, file: str, revision: str) -> str:
    return f"{endpoint()}/{quote(repo)}/resolve/{quote(revision, safe='')}/{quote(file)}"


def _hash(text: Any) -> str | None:
    value = str(text or "").strip().removeprefix("W/").strip('"').removeprefix("sha256:").lower()
    return value if _SHA256.fullmatch(value) else None


def _number(text: Any) -> int | None:
    try:
        return int(text) if text is not None else None
    except (TypeError, ValueError):
        return None
