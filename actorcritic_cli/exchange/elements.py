"""Reading a JSON file piece by piece, however large it is: the elements of an array, the members of an object.

A result file is one JSON document of any size, and only one of its elements is wanted at a time. Where a value ends is
found without decoding it: msgspec skips over a value at the speed of a scan and says where the next one begins. Where it
cannot (a value that is no JSON), brackets and quotes are counted instead, so that what is wrong is one element and not the
rest of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from actorcritic_cli.errors import AccError

CHUNK = 1 << 20
"""Bytes read at a time."""

_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")
_SPACE = b" \t\r\n"
_CLOSING = {b"{": b"}", b"[": b"]", b'"': b'"'}
_NOT_SPACE = re.compile(rb"[^ \t\r\n]")
_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+([{}\[\]])', re.DOTALL)
_SCALAR = re.compile(rb'[^\s,\]}:"]++(?=[\s,\]}])|"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class Document:
    """A JSON file that is read from its beginning to its end, one value at a time. Raises ``AccError`` where it is cut off
    or is no JSON."""

    def __init__(self, path: Path, file: BinaryIO):
        self.path = path
        self._file = file
        self._buffer = b""
        self._place = 0
        self._before = 0
        """Bytes of the file before the buffer."""
        self._more()
        if self._buffer.startswith(b"\xef\xbb\xbf"):
            self._place = 3

    def elements(self) -> Iterator[memoryview]:
        """Yield the elements of the array that comes next, each as its JSON text; it is valid until the next one."""
        self._expect(b"[")
        if self._peek() == b"]":
            self._place += 1
            return
        while True:
            self._peek()
            yield self._value()
            if self._expect(b",]") == b"]":
                return

    def members(self) -> Iterator[str]:
        """Yield the names in the object that comes next; after each one, call ``value``, ``elements`` or ``skip``."""
        self._expect(b"{")
        if self._peek() == b"}":
            self._place += 1
            return
        while True:
            if self._peek() != b'"':
                raise self._broken("a name was expected")
            name = msgspec.json.decode(self._value(), type=str)
            self._expect(b":")
            self._peek()
            yield name
            if self._expect(b",}") == b"}":
                return

    def value(self) -> bytes:
        """Return the JSON text of the value that comes next."""
        self._peek()
        return bytes(self._value())

    def skip(self) -> None:
        """Pass over the value that comes next; an array or object is passed over piece by piece."""
        match self._peek():
            case b"[":
                for _ in self.elements():
                    pass
            case b"{":
                for _ in self.members():
                    self.skip()
            case _:
                self._value()

    def finish(self) -> None:
        """Raise ``AccError`` when something follows the document."""
        if self._peek(end=True):
            raise self._broken("something follows its end")

    def _peek(self, *, end: bool = False) -> bytes:
        """Go to the next byte that is no space and return it; with ``end``, nothing where the file ends."""
        while (found := _NOT_SPACE.search(self._buffer, self._place)) is None:
            self._place = len(self._buffer)
            if not self._more():
                if end:
                    return b""
                raise self._cut()
        self._place = found.start()
        return found[0]

    def _expect(self, wanted: bytes) -> bytes:
        found = self._peek()
        if found not in wanted:
            raise self._broken(f"{found.decode('latin-1')!r} stands where {' or '.join(map(chr, wanted))} was expected")
        self._place += 1
        return found

    def _value(self) -> memoryview:
        begin = self._place
        while True:
            end = self._end(begin)
            if end is not None:
                self._place = end
                return memoryview(self._buffer)[begin:end]
            if not self._more():
                raise self._cut()
            begin = self._place

    def _end(self, begin: int) -> int | None:
        """Return where the value that begins at a place of the buffer ends; ``None`` when it does not hold all of it."""
        data = self._buffer
        closing = _CLOSING.get(data[begin : begin + 1])
        if closing is None:
            return _end_by_brackets(data, begin)
        try:
            msgspec.json.decode(memoryview(data)[begin:], type=msgspec.Raw)
        except msgspec.DecodeError as error:
            if "truncated" in str(error):
                return None
            trailing = _TRAILING.search(str(error))
            # The byte is counted from 1; what stands before it and the space there closes the value.
            end = begin + int(trailing[1]) - 1 if trailing else begin
            while end > begin and data[end - 1] in _SPACE:
                end -= 1
            return end if data[end - 1 : end] == closing and end > begin + 1 else _end_by_brackets(data, begin)
        except RecursionError as error:
            raise AccError(
                f"{self.path} is nested too deeply for a file of recorded sessions; get it again."
            ) from error
        return len(data.rstrip(_SPACE))

    def _more(self) -> bool:
        """Read on, dropping what is behind; return whether there was more."""
        left = self._buffer[self._place :]
        data = self._file.read(max(CHUNK, len(left)))
        self._before += self._place
        self._buffer, self._place = left + data, 0
        return bool(data)

    def _cut(self) -> AccError:
        return AccError(f"{self.path} is cut off or no JSON (it ends in the middle of something); get it again.")

    def _broken(self, what: str) -> AccError:
        return AccError(
            f"{self.path} is cut off or no JSON ({what}, at byte {self._before + self._place}); get it again."
        )


def _end_by_brackets(data: bytes, begin: int) -> int | None:
    """Return where a value ends that may be no JSON, by its brackets and quotes; ``None`` when the data end before."""
    if data[begin : begin + 1] not in b"{[":
        found = _SCALAR.match(data, begin)
        return found.end() if found else None
    depth, place = 0, begin
    while (match := _BRACKET.match(data, place)) is not None:
        depth, place = depth + (1 if match[1] in b"{[" else -1), match.end()
        if depth == 0:
            return place
    return None
