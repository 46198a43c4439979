"""The folder of prefix states: what a model has made of an environment's policy and tools, kept for the next start.

llama.cpp reads such a file without doubting it and may crash on a damaged one. So each file's name holds the checksum of
its contents, and a file that does not match its name is thrown away unread. One file with everything in its name appears
and goes in one step, so processes that share the folder need no lock. Everything here can be made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from actorcritic_cli.paths import cache_dir

LIMIT = 2_000_000_000
"""Bytes that all states together may take; the one unused for the longest time goes first."""
_NAME = re.compile(r"(?P<model>[\w-]+)\.(?P<tokens>\d+)\.(?P<key>[0-9a-f]{32})\.(?P<digest>[0-9a-f]{32})\.state")
_ABANDONED = 3600.0
"""Seconds after which an unfinished file is nobody's."""


class State(Struct, frozen=True):
    """One kept state: of which model, how many tokens, its size, and when it was last used (Unix seconds)."""

    file: str
    model: str
    tokens: int
    bytes: int
    used: float


class PrefixStore:
    """The states in one folder, which need not exist. No method raises for a disk that fails: then nothing is kept."""

    def __init__(self, folder: Path, limit: int = LIMIT):
        self.folder = folder
        self.limit = limit

    def states(self) -> list[State]:
        """Return what is kept, last used first."""
        found = []
        for path in self._files():
            name = _NAME.fullmatch(path.name)
            with contextlib.suppress(OSError):
                stat = path.stat()
                if name is not None:
                    found.append(State(path.name, name["model"], int(name["tokens"]), stat.st_size, stat.st_mtime))
        return sorted(found, key=lambda state: (-state.used, state.file))

    def find(self, key: str) -> Path | None:
        """Return the file kept under a key, checked; damaged ones are removed."""
        for path in self._files():
            name = _NAME.fullmatch(path.name)
            if name is None or name["key"] != key:
                continue
            with contextlib.suppress(OSError):
                if _digest(path) == name["digest"]:
                    os.utime(path)
                    return path
                path.unlink()
        return None

    def save(self, key: str, model: str, tokens: int, write: Callable[[Path], bool]) -> Path | None:
        """Keep what ``write`` puts into the file that it is given; ``None`` when that fails or is too large."""
        part = self.folder / f"{key}.{os.getpid()}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not write(part):
                return None
            size = part.stat().st_size
            if not self._make_room(size):
                return None
            safe = re.sub(r"[^\w-]+", "-", model, flags=re.ASCII)[:60] or "model"
            path = self.folder / f"{safe}.{tokens}.{key}.{_digest(part)}.state"
            part.replace(path)
        except OSError:
            return None
        else:
            return path
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def discard(self, path: Path) -> None:
        """Remove one file."""
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    def clear(self) -> list[State]:
        """Remove everything, unfinished files too; return the states that were there."""
        states = self.states()
        for path in self._files():
            self.discard(path)
        return states

    def _make_room(self, size: int) -> bool:
        if size > self.limit:
            return False
        for path in self._files():
            with contextlib.suppress(OSError):
                if path.suffix == ".part" and path.stat().st_mtime < time.time() - _ABANDONED:
                    path.unlink()
        states = self.states()
        while states and sum(state.bytes for state in states) + size > self.limit:
            self.discard(self.folder / states.pop().file)
        return True

    def _files(self) -> list[Path]:
        try:
            return [path for path in self.folder.iterdir() if path.suffix in (".state", ".part")]
        except OSError:
            return []


def prefix_store() -> PrefixStore:
    """Return the store in acc's cache folder."""
    return PrefixStore(cache_dir() / "prefix")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
