"""Folders of files that save a critic time at its next start: what a model has made of an environment's policy and tools
(prefix states), and weights in the form that the processor reads fastest (see ``unpacked``).

llama.cpp reads such files without doubting them and may crash on a damaged one. So each file's name holds the checksum of
its contents, and a file that does not match its name is thrown away unread. One file with everything in its name appears
and goes in one step, so processes that share a folder need no lock. Everything here can be made again.
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
"""Bytes that all files of a folder together may take; the one unused for the longest time goes first."""
_NAME = re.compile(r"(?P<model>[\w-]+)\.(?P<tokens>\d+)\.(?P<key>[0-9a-f]{32})\.(?P<digest>[0-9a-f]{32})\.\w+")
_ABANDONED = 3600.0
"""Seconds after which an unfinished file is nobody's."""


class KeptFile(Struct, frozen=True):
    """One kept file: of which model, how many tokens (0 for weights), its size, and when it was last used (Unix seconds)."""

    file: str
    model: str
    tokens: int
    bytes: int
    used: float


class KeptFiles:
    """The files of one kind (one suffix) in a folder, which need not exist. No method raises for a disk that fails: then
    nothing is kept."""

    def __init__(self, folder: Path, limit: int = LIMIT, suffix: str = ".state"):
        self.folder = folder
        self.limit = limit
        self.suffix = suffix

    def files(self) -> list[KeptFile]:
        """Return what is kept, last used first."""
        found = []
        for path in self._files():
            name = _NAME.fullmatch(path.name)
            with contextlib.suppress(OSError):
                stat = path.stat()
                if name is not None:
                    found.append(KeptFile(path.name, name["model"], int(name["tokens"]), stat.st_size, stat.st_mtime))
        return sorted(found, key=lambda kept: (-kept.used, kept.file))

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
            path = self.folder / f"{safe}.{tokens}.{key}.{_digest(part)}{self.suffix}"
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

    def clear(self) -> list[KeptFile]:
        """Remove everything, unfinished files too; return the files that were there."""
        files = self.files()
        for path in self._files():
            self.discard(path)
        return files

    def _make_room(self, size: int) -> bool:
        if size > self.limit:
            return False
        for path in self._files():
            with contextlib.suppress(OSError):
                if path.suffix == ".part" and path.stat().st_mtime < time.time() - _ABANDONED:
                    path.unlink()
        files = self.files()
        while files and sum(kept.bytes for kept in files) + size > self.limit:
            self.discard(self.folder / files.pop().file)
        return True

    def _files(self) -> list[Path]:
        try:
            return [path for path in self.folder.iterdir() if path.suffix in (self.suffix, ".part")]
        except OSError:
            return []


def prefix_states() -> KeptFiles:
    """Return the prefix states in acc's cache folder."""
    return KeptFiles(cache_dir() / "prefix")


def unpacked_weights() -> KeptFiles:
    """Return the unpacked weights in acc's cache folder."""
    return KeptFiles(cache_dir() / "weights", suffix=".gguf")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
