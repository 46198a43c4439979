"""How the record bears its size: a large database is made, and what a person waits for is timed beside its floor.

Every figure that has a bound is a ratio of two things measured in turns in one run, each in a process of its own (medians),
so that the machine and what else it does matter little:

- ``acc stats`` beside the bare SQL aggregates that it cannot do without (``FLOOR``), run by Python's own sqlite3;
- an import beside ``json.loads`` of the same bytes, and beside bare inserts of the rows that it makes, which no import can
  do without;
- ``acc --help`` beside ``import typer, rich``.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange import made_up
from actorcritic_cli.exchange.export import exported
from actorcritic_cli.exchange.results import new_run
from actorcritic_cli.store.bulk import bulk_writing
from actorcritic_cli.store.database import Database, open_database
from actorcritic_cli.store.library import Library

STATS_BOUND, IMPORT_BOUND, HELP_BOUND = 3.0, 4.0, 1.5

FLOOR = (
    "SELECT actor, supervise, critic, task, count(*), sum(reward), sum(reward >= 1) FROM sessions WHERE env = ? "
    "GROUP BY 1, 2, 3, 4",
    "SELECT s.actor, s.supervise, s.critic, count(*), sum(p.attempt > 0), sum(p.problem IS NOT NULL), "
    "count(DISTINCT p.session || ' ' || p.step) FROM sessions s JOIN proposals p ON p.session = s.id WHERE s.env = ? "
    "GROUP BY 1, 2, 3",
    "SELECT s.actor, s.supervise, s.critic, v.kind, v.why, count(*), avg(v.latency) FROM sessions s "
    "JOIN proposals p ON p.session = s.id JOIN verdicts v ON v.proposal = p.id WHERE s.env = ? AND v.live = 1 "
    "GROUP BY 1, 2, 3, 4, 5",
    "SELECT s.actor, s.supervise, s.critic, d.decision, count(*) FROM sessions s JOIN decisions d ON d.session = s.id "
    "WHERE s.env = ? GROUP BY 1, 2, 3, 4",
    "SELECT s.actor, s.supervise, s.critic, m.party, count(*), sum(m.input_tokens), sum(m.output_tokens), sum(m.cost), "
    "avg(m.latency) FROM sessions s JOIN model_calls m ON m.session = s.id WHERE s.env = ? GROUP BY 1, 2, 3, 4",
)
"""What statistics of one environment need to be counted: sessions, proposals, verdicts, decisions and model calls."""

_BARE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
for sql in sys.argv[3:]:
    connection.execute(sql, (sys.argv[2],)).fetchall()
"""
_IMPORT = """
import sys, time
from pathlib import Path
from actorcritic_cli.exchange.intake import import_file
from actorcritic_cli.store.database import open_database
with open_database(Path(sys.argv[2])) as database:
    began = time.perf_counter()
    import_file(Path(sys.argv[1]), database)
    print(time.perf_counter() - began)
"""
_INSERTS = """
import sys, time
from pathlib import Path
from actorcritic_cli.store.database import open_database
target = Path(sys.argv[1])
with open_database(target, create=False) as made:
    shape = "type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'search%' AND name GLOB '[a-z]*'"
    names = [name for (name,) in made.tuples("SELECT name FROM sqlite_master WHERE " + shape)]
    rows = {name: list(made.tuples("SELECT * FROM " + name)) for name in names}
copy = target.with_name("copy.db")
with open_database(copy) as database:
    database.connection.execute("PRAGMA foreign_keys=OFF")
    began = time.perf_counter()
    with database.writing() as connection:
        for name, values in rows.items():
            if values:
                marks = ", ".join("?" * len(values[0]))
                connection.executemany("INSERT OR REPLACE INTO " + name + " VALUES (" + marks + ")", values)
    print(time.perf_counter() - began)
for left in copy.parent.glob("copy.db*"):
    left.unlink()
"""
_LOADS = """
import json, sys, time
data = open(sys.argv[1], "rb").read()
began = time.perf_counter()
if sys.argv[1].endswith(".jsonl"):
    for line in data.splitlines():
        json.loads(line)
else:
    json.loads(data)
print(time.perf_counter() - began)
"""


class Timed(Struct, frozen=True):
    """One thing that was measured. ``seconds`` is the median; ``peak`` the most memory, in MB (10^6 bytes), ``None`` where
    the system does not tell."""

    what: str
    seconds: float
    peak: float | None
    beside: str | None = None
    floor: float | None = None
    """Seconds of what it was measured beside."""
    ratio: float | None = None
    """The median of the ratios of neighbours."""
    bound: float | None = None


class Benched(Struct, frozen=True):
    """All that was measured, and on what."""

    sessions: int
    messages: int
    """Messages of all transcripts; those that sessions share are stored once."""
    stored: int
    size: float
    """MB of the database."""
    seconds: float
    """How long it took to make."""
    timed: tuple[Timed, ...]


Progress = Callable[[int, int | None], None]


def bench(folder: Path, sessions: int, messages: int, repeat: int, progress: Progress) -> Benched:
    """Make a database of so many sessions in a folder, and measure on it. Raises ``AccError`` when a command fails."""
    path = folder / "bench.db"
    began = time.perf_counter()
    with open_database(path) as database:
        make(database, sessions, messages, progress)
        seconds = time.perf_counter() - began
        stored = database.rows("SELECT count(*) FROM messages")[0][0]
        first_run = Library(database).ended_sessions(run=made_up.run_names(sessions)[0])
        files = [
            _written(database, first_run, folder / "sessions.jsonl", "trace"),
            _written(database, first_run, folder / "provider-airline.json", "tau-bench"),
        ]
    timed: list[Timed] = []
    pairs = [
        *_commands(path, first_run),
        *(pair for file in files for pair in _imports(file, folder)),
    ]
    for number, pair in enumerate(pairs):
        progress(number, len(pairs))
        timed.append(pair.measure(repeat))
    size = sum(p.stat().st_size for p in folder.glob("bench.db*")) / 1e6
    return Benched(sessions, sessions * messages, stored, size, seconds, tuple(timed))


def make(database: Database, sessions: int, messages: int, progress: Progress) -> None:
    """Write made-up sessions to a database, by the writer that imports use."""
    with bulk_writing(database) as writer:
        for name in made_up.run_names(sessions):
            new_run(database.connection, name, made_up.ENV, made_up.DATASET, "{}", made_up.A_RUN, "trace")
        for done, events in enumerate(made_up.made_up(sessions, messages), start=1):
            writer.add(events)
            progress(done, sessions)
    database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class _Pair(Struct, frozen=True):
    """Two things to be measured in turns; without a second one, the first alone."""

    what: str
    command: list[str]
    beside: str | None = None
    floor: list[str] | None = None
    bound: float | None = None
    inside: bool = False
    """Whether the commands time themselves and print it."""
    after: Callable[[], None] | None = None

    def measure(self, repeat: int) -> Timed:
        own: list[float] = []
        floors: list[float] = []
        peak: float | None = None
        for _ in range(repeat):
            seconds, memory = _run(self.command, self.inside)
            own.append(seconds)
            peak = max(peak or 0.0, memory) if memory is not None else peak
            if self.floor is not None:
                floors.append(_run(self.floor, self.inside)[0])
            if self.after is not None:
                self.after()
        ratio = statistics.median(a / b for a, b in zip(own, floors, strict=True)) if floors else None
        floor = statistics.median(floors) if floors else None
        return Timed(self.what, statistics.median(own), peak, self.beside, floor, ratio, self.bound)


def _commands(path: Path, sessions: list[str]) -> Iterator[_Pair]:
    acc = [sys.executable, "-m", "actorcritic_cli"]
    db = ["--db", str(path)]
    yield _Pair(
        f"acc stats --env {made_up.ENV}",
        [*acc, "stats", "--env", made_up.ENV, *db],
        "bare SQL aggregates",
        [sys.executable, "-c", _BARE, str(path), made_up.ENV, *FLOOR],
        STATS_BOUND,
    )
    yield _Pair("acc sessions", [*acc, "sessions", *db])
    if len(sessions) > made_up.TASKS:  # two trials of the same task
        yield _Pair("acc diff A B", [*acc, "diff", sessions[0], sessions[made_up.TASKS], *db])
    yield _Pair(
        "acc --help",
        [*acc, "--help"],
        "import typer, rich",
        [sys.executable, "-c", "import typer, rich"],
        HELP_BOUND,
    )


def _imports(file: Path, folder: Path) -> Iterator[_Pair]:
    target = folder / "imported.db"

    def clear() -> None:
        for left in folder.glob("imported.db*"):
            left.unlink()

    kind: Literal["trace", "tau-bench"] = "trace" if file.suffix == ".jsonl" else "tau-bench"
    what = f"import of a {kind} file ({file.stat().st_size / 1e6:.1f} MB)"
    command = [sys.executable, "-c", _IMPORT, str(file), str(target)]
    loads, inserts = ([sys.executable, "-c", code, str(path)] for code, path in ((_LOADS, file), (_INSERTS, target)))
    yield _Pair(what, command, "json.loads of it", loads, IMPORT_BOUND, inside=True, after=clear)
    yield _Pair(what, command, "bare inserts of its rows", inserts, inside=True, after=clear)


def _written(database: Database, sessions: list[str], path: Path, format: Literal["trace", "tau-bench"]) -> Path:
    with path.open("wb") as file:
        file.writelines(exported(Library(database), sessions, format))
    return path


def _run(command: list[str], inside: bool) -> tuple[float, float | None]:
    """Run a command; return the seconds and the MB that it took. ``acc diff`` leaves with 1 where there is a difference."""
    environment = {**os.environ, "COLUMNS": "120"}
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment, text=True
    )
    memory = _Memory(process.pid)
    said, error = process.communicate()
    seconds = time.perf_counter() - began
    peak = memory.peak()
    if process.returncode not in (0, 1) or (process.returncode == 1 and "diff" not in command):
        raise AccError(f"{' '.join(command[:5])} failed: {error.strip()[-300:]}")
    return (float(said) if inside else seconds), peak


class _Memory(threading.Thread):
    """Watches the most memory that a process has had resident, which Linux tells while it lives (``VmHWM``)."""

    def __init__(self, process: int):
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{process}/status")
        self._kibibytes: int | None = None
        self._over = threading.Event()
        self.start()

    def run(self) -> None:
        """Look until the process is over."""
        while not self._over.wait(0.01):
            try:
                found = re.search(r"VmHWM:\s*(\d+)", self._status.read_text())
            except OSError:
                return
            if found is not None:
                self._kibibytes = int(found[1])

    def peak(self) -> float | None:
        """Return the last that was seen, in MB."""
        self._over.set()
        self.join()
        return self._kibibytes * 1024 / 1e6 if self._kibibytes is not None else None
