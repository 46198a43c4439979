"""Importing files of other programs: every session of a file becomes one of a new run.

A file is read element by element, and each is written before the next is looked at, all in one transaction: a file of any
size takes the same memory, and is imported whole or not at all. An element that is not as it must be ends the import, or
is left out where ``skip_bad`` is asked for; the sessions around it do not change by that.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

from msgspec import Struct

from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.exchange.decoding import BadElement
from actorcritic_cli.ids import letters
from actorcritic_cli.session.events import Event, Started
from actorcritic_cli.store.bulk import BulkRecorder, bulk_writing
from actorcritic_cli.store.database import Database
from actorcritic_cli.store.rows import as_json
from actorcritic_cli.types import SessionSpec, Task

Format = Literal["tau-bench", "tau2-bench", "inspect", "chat", "trace"]
Progress = Callable[[int, int | None], None]
"""Told how many sessions are in, and how many there will be (``None``: not known yet)."""


class Imported(Struct, frozen=True):
    """What an import did. ``present`` counts sessions that were on record already and were left as they are, ``skipped``
    what was left out because it was bad."""

    format: Format
    run: str | None
    env: str
    dataset: str
    actor: str
    sessions: int
    tasks: int
    present: int = 0
    skipped: int = 0


class ResultFile(Protocol):
    """A file of recorded sessions; one that is open for import has told what its sessions have in common."""

    format: Format
    noun: str
    """What an element is called: ``Run``, ``Simulation`` …"""
    path: Path
    spec: SessionSpec

    def elements(self) -> Iterator[bytes | memoryview]:
        """Yield the JSON text of every session; each is valid until the next one is asked for."""

    def session(self, element: bytes | memoryview, place: int, session: str, run: str) -> list[Event]:
        """Return the events of one session. Raises ``BadElement``."""

    def late_tasks(self) -> Iterable[tuple[str, Task]]:
        """Return (session, task) of sessions whose task came to light after them."""


def import_results(
    file: ResultFile, database: Database, name: str | None, progress: Progress, *, skip_bad: bool
) -> Imported:
    """Write a file as a run of sessions, unless the same file is on record for the same environment and data set."""
    spec, content = file.spec, _digest(file.path)
    there = database.row(
        "SELECT r.id, r.planned, r.config, (SELECT actor FROM sessions s WHERE s.run = r.id LIMIT 1) AS actor FROM runs r "
        "WHERE r.source = ? AND r.env = ? AND r.dataset = ? AND json_extract(r.config, '$.sha256') = ?",
        (file.format, spec.env, spec.dataset, content),
    )
    if there is not None:
        tasks = database.rows("SELECT count(DISTINCT task) AS n FROM sessions WHERE run = ?", (there["id"],))[0]["n"]
        return Imported(
            file.format, there["id"], spec.env, spec.dataset, there["actor"] or spec.actor, 0, tasks, there["planned"]
        )
    identity = hashlib.sha256(f"{content} {spec.env} {spec.dataset}".encode()).digest()
    run = name or "run-" + letters(identity, 6)
    with bulk_writing(database) as writer:
        connection = database.connection
        new_run(connection, run, spec.env, spec.dataset, "{}", 0, file.format)
        written = _Written(file, run, identity, writer, skip_bad)
        for count in written.sessions():
            progress(count, None)
        writer.flush()
        for session, task in file.late_tasks():
            connection.execute("UPDATE sessions SET task_body = ? WHERE id = ?", (as_json(task), session))
        plan: dict[str, Any] = {"spec": spec, "tasks": list(written.tasks), "trials": max(written.tasks.values())}
        plan |= {"file": file.path.name, "sha256": content}
        if written.skipped:
            plan["skipped"] = written.skipped
        connection.execute("UPDATE runs SET config = ?, planned = ? WHERE id = ?", (as_json(plan), written.count, run))
    return Imported(
        file.format,
        run,
        spec.env,
        spec.dataset,
        spec.actor,
        written.count,
        len(written.tasks),
        skipped=len(written.skipped),
    )


class _Written:
    """The sessions of a file on their way to the record."""

    def __init__(self, file: ResultFile, run: str, identity: bytes, writer: BulkRecorder, skip_bad: bool):
        self._file, self._run, self._identity, self._writer, self._skip_bad = file, run, identity, writer, skip_bad
        self._seen: dict[tuple[str | None, int], int] = {}
        self.count = 0
        self.skipped: list[int] = []
        self.tasks: dict[str, int] = {}
        """Task → how many sessions it has, in the order of the file."""

    def sessions(self) -> Iterator[int]:
        """Write every session; yield how many there are so far."""
        noun, place = self._file.noun, -1
        for place, element in enumerate(self._file.elements()):
            identity = letters(hashlib.sha256(self._identity + str(place).encode()).digest(), 9)
            try:
                events = self._file.session(element, place, identity, self._run)
                self._take(events, place)
            except BadElement as error:
                if not self._skip_bad:
                    raise AccError(
                        f"{noun} {place + 1} of {self._file.path} {error}; nothing was imported "
                        "(--skip-bad imports the others)."
                    ) from error
                self.skipped.append(place + 1)
                continue
            yield self.count
        if place < 0:
            raise AccError(f"{self._file.path} holds no {noun.lower()}s.")
        if not self.count:
            raise AccError(f"Nothing in {self._file.path} can be read as {noun.lower()}s; nothing was imported.")

    def _take(self, events: list[Event], place: int) -> None:
        started = events[0]
        assert isinstance(started, Started)
        task, trial = started.spec.task_id, started.spec.trial
        before = self._seen.get((task, trial)) if task is not None else None
        if before is not None:
            nouns = f"{self._file.noun.lower()}s"
            raise BadElement(
                f"has task {task}, trial {trial} twice ({nouns} {before} and {place + 1}): give the trials "
                "different numbers"
            )
        self._writer.add(events)
        self._seen[task, trial] = place + 1
        self.tasks[task or ""] = self.tasks.get(task or "", 0) + 1
        self.count += 1


def new_run(
    connection: sqlite3.Connection, run: str, env: str, dataset: str, config: str, planned: int, source: Format
) -> None:
    """Make a run for imported sessions. Raises ``UsageError`` when there is one of its name."""
    try:
        connection.execute(
            "INSERT INTO runs (id, created_at, env, dataset, config, planned, source) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (run, time.time(), env, dataset, config, planned, source),
        )
    except sqlite3.IntegrityError as error:
        raise UsageError(f"There is a run {run} already; choose another --name.") from error


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AccError(f"Cannot read {path} ({error.strerror}); name a readable file.") from error
