"""Finding the recording that a ``recorded:SOURCE`` party speaks from: a trace file, a session or a run on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from actorcritic_cli.errors import NotFound
from actorcritic_cli.exchange import trace
from actorcritic_cli.session.events import Event, Started
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import SessionSpec


def resolve_source(source: str, database: Path) -> str:
    """Return a source in the form that goes on record: an absolute file path, or the full id of a session or run.

    Raises ``NotFound`` when it names nothing.
    """
    if Path(source).is_file():
        return str(Path(source).resolve())
    if not database.exists():
        raise NotFound(f"'{source}' is neither a trace file nor, as there is no database yet, a recorded session.")
    with open_database(database, create=False) as opened:
        library = Library(opened)
        for find in (library.find_run, library.find_session):
            try:
                return find(source)
            except NotFound:
                continue
    raise NotFound(f"'{source}' is neither a trace file nor a recorded session or run; acc sessions lists those.")


def finder(database: Path) -> Callable[[str, SessionSpec], Sequence[Event]]:
    """Return the function by which sessions find their recordings (see ``session.build.Recordings``)."""

    def find(source: str, spec: SessionSpec) -> Sequence[Event]:
        if Path(source).is_file():
            return _in_file(Path(source), spec)
        with open_database(database, create=False) as opened:
            library = Library(opened)
            sessions = library.run_sessions(source)
            if not sessions:
                return list(library.events(source))
            found = sessions.get((spec.task_id, spec.trial)) or sessions.get((spec.task_id, 0))
            if found is None:
                raise NotFound(f"Run {source} recorded no session of task '{spec.task_id}'.")
            return list(library.events(found[0]))

    return find


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> list[tuple[Event, ...]]:
    """Return a trace file's sessions: a run asks for them once a session, twice."""
    return list(trace.read(path))


def _in_file(path: Path, spec: SessionSpec) -> Sequence[Event]:
    """Return the events of the session in a trace file that fits: the only one, or that of the same task and trial."""
    sessions = _read(path, path.stat().st_mtime_ns)
    if len(sessions) == 1:
        return sessions[0]
    same_task: list[tuple[int, Sequence[Event]]] = []
    for events in sessions:
        first = events[0]
        if isinstance(first, Started) and first.spec.task_id == spec.task_id:
            same_task.append((abs(first.spec.trial - spec.trial), events))
    if not same_task:
        raise NotFound(f"{path} holds no session of task '{spec.task_id}'.")
    return min(same_task, key=lambda pair: pair[0])[1]
