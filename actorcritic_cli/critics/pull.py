"""Pulling a model: all of it or nothing, resumable at any byte, and only what hashes to what the hub says.

The bytes are gathered in ``FILE.part``, with a note beside it of what they are the beginning of. An interruption of any
kind leaves both; the next pull goes on from there. Only a whole and checked file gets its name. One process at a time
pulls a file, the others wait for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from actorcritic_cli.critics import hub
from actorcritic_cli.critics.hub import Broken, HubFile
from actorcritic_cli.critics.models import Named, Pulled, note_of, note_path
from actorcritic_cli.errors import AccError
from actorcritic_cli.providers import retry

if TYPE_CHECKING:
    import httpx

Report = Callable[[str, int, int | None], None]
"""Told how a pull goes on: what is done (``pulling``, ``checking``, ``waiting``), and bytes done of bytes in all."""

_TRIES = 5
"""Failures in a row, without a byte in between, after which it is given up."""
_PIECE = 1 << 20


class _Part(Struct, frozen=True):
    """What the bytes in a ``.part`` file are the beginning of."""

    sha256: str | None
    commit: str | None
    etag: str | None = None


def pull(wanted: Named, report: Report, *, again: bool = False) -> Path:
    """Download a file unless it is there (or ``again``), and return its path.

    Raises ``NotFound`` and ``AccError`` with the remedy. What has come in by then is kept, also on an interrupt.
    """
    path = wanted.path
    if not again and note_of(path) is not None:
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path, report):
            if again or note_of(path) is None:  # else another process has just pulled it
                _pull(wanted, path, report)
    except OSError as error:
        full = " The part that has come in is kept." if _part(path).exists() else ""
        raise AccError(
            f"Cannot write to {path.parent} ({error.strerror or error}); free some space or set ACC_HOME to another "
            f"disk, then pull again.{full}"
        ) from error
    return path


def _pull(wanted: Named, path: Path, report: Report) -> None:
    part = _part(path)
    with hub.connection() as client:
        file = _steadily(lambda: hub.look_up(client, wanted.repo, wanted.file), wanted, part)
        if not _belongs(part, file):
            _discard(part)
        _check_space(part, file)
        _gather(client, file, part, report)
    sha256 = _hashed(part, report)
    if file.sha256 is not None and sha256 != file.sha256:
        _discard(part)
        raise AccError(
            f"What came in for {wanted.name} is not what {hub.shown()} says it is (its SHA-256 is {sha256[:12]}…, "
            f"not {file.sha256[:12]}…); it was thrown away: pull again, perhaps from another network."
        )
    size = part.stat().st_size
    note = Pulled(wanted.repo, wanted.file, size, sha256, file.sha256 is not None, file.commit, time.time())
    note_path(path).unlink(missing_ok=True)
    os.replace(part, path)
    note_path(path).write_bytes(msgspec.json.encode(note))
    _discard(part)


def _gather(client: httpx.Client, file: HubFile, part: Path, report: Report) -> None:
    """Append to the part until it is whole; failures that may pass are tried again as long as bytes come in between."""
    failures = 0
    while True:
        before = _size(part)
        if file.size is not None and before == file.size:
            return
        try:
            if _read_on(client, file, part, report):
                return
            what = "the connection ended too soon"
        except Broken as error:
            what = str(error)
        failures = 0 if _size(part) > before else failures + 1
        if failures >= _TRIES:
            raise _given_up(file.repo, what, part)
        time.sleep(retry.wait_before(failures, retry.base_seconds(None)))


def _read_on(client: httpx.Client, file: HubFile, part: Path, report: Report) -> bool:
    """Read from where the part ends; return whether it is whole now."""
    start = _size(part)
    with hub.content(client, file, start, _note(part).etag if start else None) as answer:
        if answer.status_code == 416 or (answer.status_code == 206 and not _starts_at(answer, start)):
            _discard(part)  # these are not the bytes that go on from here
            return False
        mode = "ab" if answer.status_code == 206 else "wb"
        done = start if mode == "ab" else 0
        length = answer.headers.get("content-length", "")
        total = file.size if file.size is not None else done + int(length) if length.isdigit() else None
        with part.open(mode) as out:
            etag = answer.headers.get("etag")
            kept = etag if etag and not etag.startswith("W/") else None
            _write_note(part, _Part(file.sha256, file.commit, kept))
            for piece in answer.iter_raw():  # as it comes in: nothing waits in memory to be lost
                out.write(piece)
                out.flush()
                done += len(piece)
                report("pulling", done, total)
    if total is not None and done > total:
        _discard(part)
        return False
    return total is None or done == total


def _hashed(path: Path, report: Report) -> str:
    digest, done, total = hashlib.sha256(), 0, _size(path)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            done += len(piece)
            report("checking", done, total)
    return digest.hexdigest()


def _belongs(part: Path, file: HubFile) -> bool:
    """Whether the bytes that are there are the beginning of this very file."""
    note = _note(part)
    if note.sha256 is not None or file.sha256 is not None:
        return note.sha256 == file.sha256
    return note.commit is not None and note.commit == file.commit


def _check_space(part: Path, file: HubFile) -> None:
    free = shutil.disk_usage(part.parent).free
    if file.size is not None and file.size - _size(part) > free:
        raise AccError(
            f"{file.repo}/{file.file} needs {(file.size - _size(part)) / 1e6:,.0f} MB more, and {part.parent} has "
            f"{free / 1e6:,.0f} MB left; free some space, or set ACC_HOME to another disk."
        )


def _steadily(ask: Callable[[], HubFile], wanted: Named, part: Path) -> HubFile:
    """Ask again where a failure may pass."""
    for failures in range(1, _TRIES + 1):
        try:
            return ask()
        except Broken as error:
            if failures == _TRIES:
                raise _given_up(wanted.repo, str(error), part) from error
        time.sleep(retry.wait_before(failures, retry.base_seconds(None)))
    raise AssertionError


def _given_up(repo: str, what: str, part: Path) -> AccError:
    kept = f"; {_size(part) / 1e6:,.1f} MB are kept, and the next pull goes on from there" if _size(part) else ""
    return AccError(f"{hub.shown()} does not give {repo} ({what}): check the network, or set HF_ENDPOINT{kept}.")


def _starts_at(answer: httpx.Response, start: int) -> bool:
    return str(answer.headers.get("content-range", "")).startswith(f"bytes {start}-")


@contextmanager
def _alone(path: Path, report: Report) -> Iterator[None]:
    """Hold the lock of a file, waiting for another process that has it."""
    try:
        import fcntl
    except ImportError:  # no advisory locks on this system
        yield
        return
    handle = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                report("waiting", 0, None)
                time.sleep(0.5)
        yield
    finally:
        os.close(handle)


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _note(part: Path) -> _Part:
    try:
        return msgspec.json.decode(note_path(part).read_bytes(), type=_Part)
    except (OSError, msgspec.DecodeError):
        return _Part(None, None)


def _write_note(part: Path, note: _Part) -> None:
    scratch = part.with_name(f"{part.name}.json.new")
    scratch.write_bytes(msgspec.json.encode(note))
    os.replace(scratch, note_path(part))


def _discard(part: Path) -> None:
    for path in (part, note_path(part)):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
