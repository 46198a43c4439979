"""Reads the header of a GGUF file: its metadata and the list of its tensors, nothing else.

The file may be anything that a user named by mistake or a download left half done, so every count is checked against
the size of the file before it is believed. The standard library suffices, and a header
with 150,000 tokens takes a fraction of a second.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct


class HeaderError(ValueError):
    """The file is not a whole GGUF file; the message says in what way."""


class TensorInfo(Struct, frozen=True):
    """A tensor's name, dimensions (innermost first), GGML type number and offset in the data part."""

    name: str
    dimensions: tuple[int, ...]
    kind: int
    offset: int

    @property
    def elements(self) -> int:
        """The number of values."""
        product = 1
        for dimension in self.dimensions:
            product *= dimension
        return product


class Header(Struct, frozen=True):
    """Metadata by key, tensors in order, where the data begin and how long the file is (bytes)."""

    metadata: dict[str, Any]
    tensors: tuple[TensorInfo, ...]
    data_start: int
    file_size: int


_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_MAX_DIMENSIONS = 4


def read_header(path: Path) -> Header:
    """Read a file's header. Raises ``HeaderError`` for what is not a whole GGUF header, ``OSError`` for I/O."""
    size = path.stat().st_size
    with path.open("rb") as file:
        return _Reader(file, size).header()


class _Reader:
    """A position in a file of known size, and how to read the format's values from it."""

    def __init__(self, file: BinaryIO, size: int):
        self.file = file
        self.size = size

    def header(self) -> Header:
        magic = self.file.read(4)
        if magic != b"GGUF":
            raise HeaderError(_what_else(magic + self.file.read(60), self.size))
        version = self.scalar("<I")
        if version not in (2, 3):
            big_endian = version in (2 << 24, 3 << 24)
            raise HeaderError(
                "it is a big-endian GGUF file" if big_endian else f"its GGUF version is {version}, not 2 or 3"
            )
        tensors, pairs = self.scalar("<Q"), self.scalar("<Q")
        self.believe(tensors, 24, "tensors")
        self.believe(pairs, 12, "metadata entries")
        metadata: dict[str, Any] = {}
        for _ in range(pairs):
            key = self.string()
            metadata[key] = self.value(self.scalar("<I"))
        infos = tuple(self.tensor() for _ in range(tensors))
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment <= 0:
            raise HeaderError("its header is damaged (the alignment)")
        position = self.file.tell()
        return Header(metadata, infos, position + -position % alignment, self.size)

    def tensor(self) -> TensorInfo:
        name = self.string()
        count = self.scalar("<I")
        if count > _MAX_DIMENSIONS:
            raise HeaderError(f"its header is damaged (a tensor with {count} dimensions)")
        dimensions = tuple(self.scalar("<Q") for _ in range(count))
        return TensorInfo(name, dimensions, self.scalar("<I"), self.scalar("<Q"))

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            if depth:
                raise HeaderError("its header is damaged (a list within a list)")
            return self.array()
        if kind not in _SCALARS:
            raise HeaderError(f"its header is damaged (a value of the unknown type {kind})")
        return self.scalar(_SCALARS[kind])

    def array(self) -> list[Any]:
        kind, count = self.scalar("<I"), self.scalar("<Q")
        if kind in _SCALARS:
            form = _SCALARS[kind]
            self.believe(count, struct.calcsize(form), "values in a list")
            raw = self.bytes(count * struct.calcsize(form))
            return list(struct.unpack(f"<{count}{form[1]}", raw))
        self.believe(count, 8, "values in a list")
        return [self.value(kind, depth=1) for _ in range(count)]

    def string(self) -> str:
        length = self.scalar("<Q")
        self.believe(length, 1, "characters in a text")
        return self.bytes(length).decode("utf-8", "replace")

    def scalar(self, form: str) -> Any:
        return struct.unpack(form, self.bytes(struct.calcsize(form)))[0]

    def bytes(self, count: int) -> bytes:
        raw = self.file.read(count)
        if len(raw) < count:
            raise HeaderError("it ends in the middle of its header")
        return raw

    def believe(self, count: int, each: int, what: str) -> None:
        if count * each > self.size:
            raise HeaderError(f"its header is damaged or cut ({count} {what} do not fit into the file)")


def _what_else(start: bytes, size: int) -> str:
    """Say what a file is that is not GGUF, as far as its first bytes tell."""
    if size == 0:
        return "it is empty"
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the model itself"
    if start.lstrip()[:1] == b"<":
        return "it is a web page, not a model"
    if start[:4] in (b"lmgg", b"fmgg", b"tjgg", b"algg"):
        return "it is in the old GGML format"
    if start[:2] == b"PK":
        return "it is a PyTorch or zip archive"
    if start[8:9] == b"{":
        return "it is a safetensors file"
    return "it is not a GGUF file"
