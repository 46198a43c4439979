"""Importing traces of our own: sessions that say everything about themselves, under their own ids.

A session that is on record already is compared with the file's and left as it is. As with result files, one transaction
holds it all, and with ``skip_bad`` only a session that cannot be read is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange import trace
from actorcritic_cli.exchange.results import Imported, Progress, new_run
from actorcritic_cli.session.events import Event, Started
from actorcritic_cli.store.bulk import DoesNotFollow, bulk_writing
from actorcritic_cli.store.database import Database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.rows import as_json


def import_trace(path: Path, database: Database, name: str | None, progress: Progress, *, skip_bad: bool) -> Imported:
    """Import the sessions of a trace file, each into its own run or all into the one that is named. Raises ``AccError``."""
    first: Started | None = None
    tasks: set[str | None] = set()
    new = present = 0
    skipped: list[int] = []
    runs: dict[str, int] = {}
    with bulk_writing(database) as writer:
        library = Library(database)
        for session in trace.read(path, skipped=skipped if skip_bad else None):
            started = session[0]
            assert isinstance(started, Started)
            if writer.holds(started.session):
                writer.flush()
                _check_same(path, library, session)
                present += 1
            else:
                run = name or started.run
                if run is not None and run not in runs:
                    _run_of_trace(database, path, run, started, own=name is not None)
                try:
                    writer.add([replace(started, run=run), *session[1:]])
                except DoesNotFollow as error:
                    if not skip_bad:
                        raise AccError(
                            f"Session {started.session} in {path} does not follow from its own events ({error}); nothing "
                            "was imported (--skip-bad imports the others)."
                        ) from error
                    skipped.append(0)
                    continue
                if run is not None:
                    runs[run] = runs.get(run, 0) + 1
                new += 1
            first = first or started
            tasks.add(started.spec.task_id)
            progress(new + present, None)
        if first is None:
            raise AccError(f"{path} holds no sessions.")
        for run, count in runs.items():
            database.connection.execute(
                "UPDATE runs SET planned = planned + ? WHERE id = ? AND source = 'trace'", (count, run)
            )
    return Imported(
        "trace",
        next(iter(runs), None),
        first.spec.env,
        first.spec.dataset,
        first.actor or first.spec.actor,
        new,
        len(tasks - {None}),
        present,
        len(skipped),
    )


def _check_same(path: Path, library: Library, session: Sequence[Event]) -> None:
    """Raise ``AccError`` when a session on record is another than the file's; the run it belongs to may differ."""
    started = session[0]
    assert isinstance(started, Started)
    recorded = list(library.events(started.session))
    if _plain(recorded) != _plain(session):
        raise AccError(
            f"Session {started.session} of {path} is on record with other content; import it into another database (--db)."
        )


def _plain(session: Sequence[Event]) -> list[Event]:
    """Return a session without what may differ between a file and the record: the run, and names left to ``spec``."""
    started = session[0]
    assert isinstance(started, Started)
    names = {"actor": started.actor or started.spec.actor, "user": started.user or started.spec.user}
    return [replace(started, run=None, **names), *session[1:]]


def _run_of_trace(database: Database, path: Path, run: str, started: Started, *, own: bool) -> None:
    """Make the run that imported sessions belong to, unless a trace's own run is on record already."""
    if not own and database.row("SELECT 1 FROM runs WHERE id = ?", (run,)) is not None:
        return
    plan = {"spec": started.spec, "tasks": [], "trials": 1, "file": path.name}
    new_run(database.connection, run, started.spec.env, started.spec.dataset, as_json(plan), 0, "trace")
