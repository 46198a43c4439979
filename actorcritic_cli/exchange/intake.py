"""Importing a file of recorded sessions: recognise the format by what is in it, and write it into the record.

A file is imported whole or not at all: everything happens in one transaction. Importing it again changes nothing.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.errors import AccError, NotFound, UsageError
from actorcritic_cli.exchange import tau2_bench, tau2_bench_file, tau_bench, tau_bench_file, trace
from actorcritic_cli.ids import letters
from actorcritic_cli.session.events import Event, Started
from actorcritic_cli.store.database import Database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder, as_json
from actorcritic_cli.types import SessionSpec, Supervision, ToolSpec

Format = Literal["tau-bench", "tau2-bench", "trace"]
Progress = Callable[[int, int | None], None]
"""Told how many sessions are in, and how many there will be (``None``: not known yet)."""

_V1 = "tau_"
"""How the environments are called that follow the benchmark's first version."""

_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Imported(Struct, frozen=True):
    """What an import did. ``present`` counts sessions that were on record already and were left as they are."""

    format: Format
    run: str | None
    env: str
    dataset: str
    actor: str
    sessions: int
    tasks: int
    present: int = 0


def import_file(
    path: Path,
    database: Database,
    *,
    env: str | None = None,
    dataset: str | None = None,
    actor: str | None = None,
    name: str | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Import a file of sessions: a result file of τ-bench v1 or τ²-bench, or a trace of our own.

    ``env``, ``dataset`` and ``actor`` say what a result file does not; a trace says it itself. ``name`` becomes the id of
    the run that holds the sessions. Raises ``NotFound``, ``UsageError``, and ``AccError`` naming what is wrong and where;
    the record is then as it was.
    """
    if name is not None and not _RUN_NAME.fullmatch(name):
        raise UsageError(f"'{name}' cannot name a run; use up to 64 letters, digits, '.', '_' and '-'.")
    report = progress or (lambda done, total: None)
    match recognise(path):
        case "tau-bench":
            return _import_tau_bench(path, database, env, dataset, actor, name, report)
        case "tau2-bench":
            return _import_tau2_bench(path, database, env, dataset, actor, name, report)
        case "trace":
            if env or dataset or actor:
                raise UsageError(f"{path} is a trace, which says its own environment, data set and actor.")
            return _import_trace(path, database, name, report)


def recognise(path: Path) -> Format:
    """Return the format of a file, from its first characters. Raises ``NotFound`` and ``AccError``."""
    try:
        with path.open("rb") as file:
            start = file.read(65536).removeprefix(b"\xef\xbb\xbf").lstrip()
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}; name an existing one.") from None
    except OSError as error:
        raise AccError(f"Cannot read {path} ({error.strerror}); name a readable file.") from error
    if start.startswith(b"["):
        return "tau-bench"
    if re.match(rb'\{\s*"event"\s*:', start):
        return "trace"
    if start.startswith(b"{") and (b'"simulations"' in start or b'"environment_info"' in start):
        return "tau2-bench"
    raise AccError(
        f"{path} is in no format that acc knows; it imports result files of tau-bench (a JSON array of runs) and "
        "tau2-bench (an object with simulations), and its own traces (JSON Lines that begin with a started event)."
    )


def _import_tau_bench(
    path: Path,
    database: Database,
    env: str | None,
    dataset: str | None,
    actor: str | None,
    name: str | None,
    progress: Progress,
) -> Imported:
    data = _read(path)
    recording = tau_bench_file.read(path, _decoded(path, data))
    env, tools = _environment(path, recording, env)
    dataset = _dataset(env, dataset or recording.edition())
    actor = actor or tau_bench.actor_of(path.name)
    spec = SessionSpec(env, dataset, None, actor, tau_bench.USER, supervision=Supervision(mode="off"))

    def converted(ids: Sequence[str], run: str) -> Iterator[list[Event]]:
        return tau_bench.sessions(recording, ids, env=env, dataset=dataset, actor=actor, tools=tools, run=run)

    return _import_results("tau-bench", data, recording, database, spec, converted, name, progress)


def _import_tau2_bench(
    path: Path,
    database: Database,
    env: str | None,
    dataset: str | None,
    actor: str | None,
    name: str | None,
    progress: Progress,
) -> Imported:
    data = _read(path)
    recording = tau2_bench_file.read(path, _decoded(path, data))
    env = env or tau2_bench.environment_of(recording)
    if env not in registry.names():
        raise AccError(f"{path} is of {env}, an environment that acc does not have; say --env if it is another.")
    dataset = _dataset(env, dataset or "official")
    tools = _tools(env)
    actor = actor or tau2_bench.actor_of(recording)
    user = tau2_bench.user_of(recording)
    spec = SessionSpec(env, dataset, None, actor, user, supervision=Supervision(mode="off"))

    def converted(ids: Sequence[str], run: str) -> Iterator[list[Event]]:
        return tau2_bench.sessions(recording, ids, env=env, dataset=dataset, actor=actor, tools=tools, run=run)

    return _import_results("tau2-bench", data, recording, database, spec, converted, name, progress)


def _import_results(
    source: Format,
    data: bytes,
    recording: tau_bench_file.Recording | tau2_bench_file.Recording,
    database: Database,
    spec: SessionSpec,
    converted: Callable[[Sequence[str], str], Iterator[list[Event]]],
    name: str | None,
    progress: Progress,
) -> Imported:
    """Write a result file as a run of sessions, unless the same file is on record for the same environment and data set."""
    content = hashlib.sha256(data).hexdigest()
    identity = hashlib.sha256(f"{content} {spec.env} {spec.dataset}".encode()).digest()
    count = len(recording)
    with database.writing() as connection:
        there = database.row(
            "SELECT r.id, (SELECT actor FROM sessions s WHERE s.run = r.id LIMIT 1) AS actor FROM runs r "
            "WHERE r.source = ? AND r.env = ? AND r.dataset = ? AND json_extract(r.config, '$.sha256') = ?",
            (source, spec.env, spec.dataset, content),
        )
        known = Imported(source, None, spec.env, spec.dataset, spec.actor, count, len(recording.tasks()), present=count)
        if there is not None:
            return replace(known, run=there["id"], actor=there["actor"], sessions=0)
        run = name or "run-" + letters(identity, 6)
        plan = {"spec": spec, "tasks": recording.tasks(), "trials": recording.trials()}
        config = as_json(plan | {"file": recording.path.name, "sha256": content})
        _new_run(connection, run, spec.env, spec.dataset, config, count, source)
        ids = [letters(hashlib.sha256(identity + str(n).encode()).digest(), 9) for n in range(count)]
        progress(0, count)
        for done, events in enumerate(converted(ids, run), start=1):
            recorder = Recorder(database)
            for event in events:
                recorder.record(event)
            progress(done, count)
    return replace(known, run=run, present=0)


def _import_trace(path: Path, database: Database, name: str | None, progress: Progress) -> Imported:
    first: Started | None = None
    tasks: set[str | None] = set()
    new = present = 0
    with database.writing() as connection:
        library = Library(database)
        runs: dict[str, int] = {}
        for session in trace.read(path):
            started = session[0]
            assert isinstance(started, Started)
            first = first or started
            tasks.add(started.spec.task_id)
            if database.row("SELECT 1 FROM sessions WHERE id = ?", (started.session,)) is not None:
                _check_same(path, library, session)
                present += 1
            else:
                run = name or started.run
                if run is not None:
                    if run not in runs:
                        _run_of_trace(database, connection, path, run, started, own=name is not None)
                    runs[run] = runs.get(run, 0) + 1
                _record(path, database, [replace(started, run=run), *session[1:]])
                new += 1
            progress(new + present, None)
        if first is None:
            raise AccError(f"{path} holds no sessions.")
        for run, count in runs.items():
            connection.execute("UPDATE runs SET planned = planned + ? WHERE id = ? AND source = 'trace'", (count, run))
    return Imported(
        "trace",
        next(iter(runs), None),
        first.spec.env,
        first.spec.dataset,
        first.actor or first.spec.actor,
        new,
        len(tasks - {None}),
        present,
    )


def _record(path: Path, database: Database, events: Sequence[Event]) -> None:
    recorder = Recorder(database)
    for number, event in enumerate(events):
        try:
            recorder.record(event)
        except (LookupError, sqlite3.IntegrityError) as error:
            raise AccError(
                f"Event {number} of session {recorder.session or '?'} in {path} does not follow from those before it "
                f"({type(error).__name__}: {error}); nothing was imported."
            ) from error


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


def _run_of_trace(
    database: Database, connection: sqlite3.Connection, path: Path, run: str, started: Started, *, own: bool
) -> None:
    """Make the run that imported sessions belong to, unless a trace's own run is on record already."""
    if not own and database.row("SELECT 1 FROM runs WHERE id = ?", (run,)) is not None:
        return
    plan = {"spec": started.spec, "tasks": [], "trials": 1, "file": path.name}
    _new_run(connection, run, started.spec.env, started.spec.dataset, as_json(plan), 0, "trace")


def _new_run(
    connection: sqlite3.Connection, run: str, env: str, dataset: str, config: str, planned: int, source: Format
) -> None:
    try:
        connection.execute(
            "INSERT INTO runs (id, created_at, env, dataset, config, planned, source) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (run, time.time(), env, dataset, config, planned, source),
        )
    except sqlite3.IntegrityError as error:
        raise UsageError(f"There is a run {run} already; choose another --name.") from error


def _environment(
    path: Path, recording: tau_bench_file.Recording, named: str | None
) -> tuple[str, tuple[ToolSpec, ...]]:
    """Return the environment that a recording is of, by its tools, and these."""
    if named is not None:
        return named, _tools(named)
    used = recording.tool_names()
    if not used:
        raise UsageError(f"{path} calls no tool by which its environment could be told; say --env.")
    tools = {name: _tools(name) for name in registry.names() if name.startswith(_V1)}
    fits = {name: len(used & {tool.name for tool in specs}) for name, specs in tools.items()}
    best = max(fits, key=lambda name: fits[name])
    if 2 * fits[best] <= len(used):
        strange = ", ".join(sorted(used - {tool.name for tool in tools[best]})[:3])
        raise AccError(
            f"{path} is of an environment that acc does not have (its tools: {strange} …); say --env if it is."
        )
    return best, tools[best]


def _tools(env: str) -> tuple[ToolSpec, ...]:
    """Return the tools of an environment, which are the same on all its data sets; none where no data are at hand."""
    for dataset in registry.datasets(env):
        try:
            return registry.load(env, dataset).tools
        except NotFound:
            continue
    return ()


def _dataset(env: str, name: str) -> str:
    known = registry.datasets(env)
    if name not in known:
        raise NotFound(f"{env} has no data set '{name}'; there are: {', '.join(known)}.")
    return name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AccError(f"Cannot read {path} ({error.strerror}); name a readable file.") from error


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AccError(f"{path} is not UTF-8 text (byte {error.start}); get it again.") from error
