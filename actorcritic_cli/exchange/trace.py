"""The project's own trace files: the event stream of sessions as JSON Lines.

One event a line, from ``started`` to ``ended``, one session after another. Nothing is lost: rejected proposals, verdicts,
model calls and times are all in it, so a session read from a trace is the session that was recorded. Files are read and
written as a stream, however long they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.session.events import Ended, Event, Started

_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_BOM = b"\xef\xbb\xbf"


def read(path: Path, *, skipped: list[int] | None = None) -> Iterator[tuple[Event, ...]]:
    """Yield the sessions of a trace file one by one, each as its events from ``Started`` to ``Ended``.

    Raises ``NotFound``, or ``AccError`` that names the line: for one that is no event or is cut off, and for a session
    that does not end. The sessions before a fault are yielded before it is raised. With ``skipped`` a session with a
    fault is left out instead, and the number of its faulty line added to that list.
    """
    if skipped is not None:
        yield from _sound(path, skipped)
        return
    session: list[Event] = []
    for event in read_events(path):
        session.append(event)
        if isinstance(event, Ended):
            yield tuple(session)
            session = []


def _sound(path: Path, skipped: list[int]) -> Iterator[tuple[Event, ...]]:
    """Yield the sessions that are whole; note the line where another one is found to be not."""
    session: list[Event] = []
    skipping, number = False, 0
    for number, line in _lines(path):
        try:
            event = decode(line)
        except ValueError:
            event = None
        if isinstance(event, Started):
            if session:
                skipped.append(number)
            session, skipping = [event], False
        elif event is None or not session:
            if not skipping:
                skipped.append(number)
            session, skipping = [], True
        else:
            session.append(event)
            if isinstance(event, Ended):
                yield tuple(session)
                session = []
    if session:
        skipped.append(number)


def read_events(path: Path) -> Iterator[Event]:
    """Yield the events of a trace file as they are read, for sessions too long to hold. Raises as ``read`` does."""
    began: int | None = None  # the line of the session under way
    last = 0
    for number, event in _events(path):
        last = number
        if isinstance(event, Started):
            if began is not None:
                raise AccError(
                    f"Line {number} of {path} starts a session, but the one of line {began} has not ended; "
                    "export that session again."
                )
            began = number
        elif began is None:
            raise AccError(f"Line {number} of {path} belongs to no session; a session begins with a started event.")
        yield event
        if isinstance(event, Ended):
            began = None
    if began is not None:
        raise AccError(
            f"{path} ends on line {last} in the middle of the session that starts on line {began}; "
            "export that session again."
        )


def write(target: Path | IO[bytes], events: Iterable[Event]) -> int:
    """Write events as a trace to a path (replacing the file) or an open binary file; return how many there were.

    The same events always give the same bytes. Raises ``AccError`` when the path cannot be written.
    """
    if not isinstance(target, Path):
        return _write(target, events)
    try:
        with target.open("wb") as file:
            return _write(file, events)
    except OSError as error:
        raise AccError(f"Cannot write {target} ({error.strerror}); name a file in a writable folder.") from error


def encode(event: Event) -> bytes:
    """Return an event as one line of JSON without its line end.

    >>> encode(Ended(at=1.5, reason="user_stop"))
    b'{"event":"ended","at":1.5,"reason":"user_stop"}'
    """
    try:
        return msgspec.json.encode(event)
    except UnicodeEncodeError:  # half of a surrogate pair, which only the escaped form of JSON can carry
        return json.dumps(msgspec.to_builtins(event), separators=(",", ":")).encode("ascii")


def decode(line: bytes) -> Event:
    """Return the event of a line. Raises ``ValueError`` with the reason when it is none."""
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        reason = error
    try:  # msgspec refuses half a surrogate pair; the standard library reads it
        event: Event = msgspec.convert(json.loads(line), Event)
        return event
    except (ValueError, RecursionError):
        raise ValueError(str(reason)) from None


def _write(file: IO[bytes], events: Iterable[Event]) -> int:
    count = 0
    for event in events:
        file.write(encode(event) + b"\n")
        count += 1
    return count


def _events(path: Path) -> Iterator[tuple[int, Event]]:
    for number, line in _lines(path):
        yield number, _event(path, number, line)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (number, line); blank lines count but hold nothing."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                text = line.removeprefix(_BOM) if number == 1 else line
                if text.strip():
                    yield number, text
    except FileNotFoundError:
        raise NotFound(f"There is no trace {path}; name an existing file.") from None
    except OSError as error:
        raise AccError(f"Cannot read the trace {path} ({error.strerror}); name a readable file.") from error


def _event(path: Path, number: int, line: bytes) -> Event:
    try:
        return decode(line)
    except ValueError as error:
        if not line.endswith(b"\n"):
            raise AccError(f"Line {number}, the last of {path}, is cut off; export the session again.") from error
        raise AccError(f"Line {number} of {path} is not an event ({error}); mend or remove it.") from error
