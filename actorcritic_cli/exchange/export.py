"""Writing sessions in the formats of other programs, one at a time, however many they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange.told import Told, told
from actorcritic_cli.session.events import Ended, Event
from actorcritic_cli.store.library import Library
from actorcritic_cli.text import redactor
from actorcritic_cli.types import Task

if TYPE_CHECKING:
    from actorcritic_cli.exchange.to_inspect import Common

ExportFormat = Literal["trace", "tau-bench", "tau2-bench", "chat", "inspect", "otel"]


def exported(
    library: Library,
    sessions: Sequence[str],
    format: ExportFormat,
    *,
    content: bool = False,
    rejected: bool = False,
    done: Callable[[int, int | None], None] | None = None,
) -> Iterator[bytes]:
    """Yield the file that holds sessions in a format, piece by piece.

    ``content`` (OpenTelemetry) puts the texts in, ``rejected`` (chat) the proposals that were not accepted. ``done`` is told
    how many sessions are read. Raises ``UsageError`` for sessions that the format cannot hold, and ``AccError`` for one
    that has not ended.
    """
    events = _read(library, sessions, done)
    views: Iterator[Told] = (told(one) for one in events)
    match format:
        case "trace":
            from actorcritic_cli.exchange import trace

            chunks: Iterator[bytes] = (trace.encode(event) + b"\n" for one in events for event in one)
        case "tau-bench":
            from actorcritic_cli.exchange import to_tau_bench

            chunks = to_tau_bench.chunks(views)
        case "tau2-bench":
            from actorcritic_cli.exchange import to_tau2_bench

            chunks = to_tau2_bench.chunks(
                views, to_tau2_bench.Common(_tasks(library, sessions), _trials(library, sessions))
            )
        case "chat":
            from actorcritic_cli.exchange import to_chat

            chunks = to_chat.chunks(views, rejected=rejected)
        case "inspect":
            from actorcritic_cli.exchange import to_inspect

            chunks = to_inspect.chunks(views, _common(library, sessions))
        case "otel":
            from actorcritic_cli.exchange import to_otel

            chunks = to_otel.chunks(events, content=content)
    # Nothing on record should hold a key, but one in the environment may be younger than the record.
    redacted = redactor()
    return chunks if format == "trace" else (redacted(chunk.decode()).encode() for chunk in chunks)


def _read(
    library: Library, sessions: Sequence[str], done: Callable[[int, int | None], None] | None
) -> Iterator[list[Event]]:
    for number, session in enumerate(sessions, start=1):
        events = list(library.events(session))
        if not isinstance(events[-1], Ended):
            raise AccError(
                f"Session {session} has not ended; go on with it (acc chat --resume {session}) or leave it out."
            )
        yield events
        if done is not None:
            done(number, len(sessions))


def _tasks(library: Library, sessions: Sequence[str]) -> tuple[Task, ...]:
    """Return the tasks of sessions, each once."""
    found: dict[str, Task] = {}
    for session in sessions:
        row = library.database.row("SELECT task, task_body FROM sessions WHERE id = ?", (session,))
        if row is not None and row["task_body"] and row["task"] not in found:
            found[row["task"]] = msgspec.json.decode(row["task_body"], type=Task)
    return tuple(found.values())


def _trials(library: Library, sessions: Sequence[str]) -> int:
    counts: dict[str, int] = {}
    for session in sessions:
        task = _row(library, session)[0]
        counts[task] = counts.get(task, 0) + 1
    return max(counts.values(), default=0)


def _row(library: Library, session: str) -> tuple[str, float | None]:
    row = library.database.row("SELECT task, reward FROM sessions WHERE id = ?", (session,))
    return (row["task"] or "", row["reward"]) if row is not None else ("", None)


def _common(library: Library, sessions: Sequence[str]) -> Common:
    from actorcritic_cli.exchange.to_inspect import FREE, Common

    rows = [_row(library, session) for session in sessions]
    tasks = tuple(dict.fromkeys(task or FREE for task, _ in rows))
    return Common(tuple(reward for _, reward in rows), tasks, _trials(library, sessions))
