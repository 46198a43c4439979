"""Results that cost time or money, kept line by line as they come, so that interrupted work goes on where it stood."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class KeptLines(Generic[T]):
    """A file of JSON lines of one type. A line that was cut, or is no such value, is left out. Thread-safe."""

    def __init__(self, path: Path, kind: type[T]):
        self.path, self._kind, self._lock = path, kind, threading.Lock()

    def read(self) -> Iterator[T]:
        """Yield what is kept."""
        if not self.path.exists():
            return
        for line in self.path.read_bytes().splitlines():
            try:
                yield msgspec.json.decode(line, type=self._kind)
            except msgspec.DecodeError:
                continue

    def add(self, value: T) -> None:
        """Keep a value; it is on disk when this returns."""
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                if file.tell() > 0:
                    file.seek(-1, os.SEEK_END)
                    if file.read(1) != b"\n":  # the last line was cut
                        file.write(b"\n")
                file.write(msgspec.json.encode(value) + b"\n")
                file.flush()
                os.fsync(file.fileno())
