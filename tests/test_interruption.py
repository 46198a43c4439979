"""Runs that are killed: nothing accepted is lost or doubled, and what is left is resumed."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from actorcritic_cli.critics.synthetic import write
from actorcritic_cli.session.events import Acted, Ended, Resumed
from actorcritic_cli.session.state import restored
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from tests.cli import acc, acc_ok, start
from tests.recordings import write_perfect_sessions

ALONE = ("--supervise", "off")


@pytest.fixture
def perfect(tmp_path: Path) -> Path:
    path = tmp_path / "perfect.jsonl"
    write_perfect_sessions(path)
    return path


def kill(process) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def only_run(db: Path) -> str:
    with open_database(db) as database:
        (row,) = Library(database).runs()
        return str(row["id"])


def story_of(library: Library, session: str) -> list[object]:
    """What was accepted and how it ended, without times: equal for equal sessions."""
    events = list(library.events(session))
    return [*library.chain(session), *[(e.reason, e.reward) for e in events if isinstance(e, Ended)]]


def assert_whole(db: Path, planned: int, trials: int) -> None:
    """Every planned session is there once, ended, unbroken, and the same as in a run that nobody killed."""
    with open_database(db) as database:
        library = Library(database)
        sessions = library.sessions()
        assert len(sessions) == planned
        assert set(Counter((s.task, s.trial) for s in sessions).values()) == {1}
        by_task: dict[str | None, set[str]] = {}
        for session in sessions:
            events = list(library.events(session.id))
            assert restored(events).phase == "ended"
            steps = [e.step for e in events if isinstance(e, Acted)]
            assert steps == list(range(1, len(steps) + 1))
            assert session.reward == 1.0
            by_task.setdefault(session.task, set()).add(json.dumps(story_of(library, session.id), default=str))
        assert all(len(stories) == 1 for stories in by_task.values()), "trials of one task differ"


@pytest.mark.slow
def test_a_killed_run_is_resumed_to_the_same_end(tmp_path, perfect):
    db = tmp_path / "a.db"
    process = start("run", *ALONE, "--actor", f"recorded:{perfect}", "--trials", "6", "--db", db)
    while not (db.exists() and _sessions(db) > 20):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    kill(process)
    run = only_run(db)
    acc_ok("run", "--resume", run, "--db", db)
    assert_whole(db, 33 * 6, 6)
    acc_ok("db", "verify", "--db", db)


@pytest.mark.slow
def test_a_run_killed_at_twenty_random_moments_loses_and_doubles_nothing(tmp_path, perfect):
    db, rng, trials = tmp_path / "a.db", random.Random(20), 60
    process = start("run", *ALONE, "--actor", f"recorded:{perfect}", "--trials", str(trials), "--jobs", "3", "--db", db)
    while not (db.exists() and _sessions(db) > 0):
        time.sleep(0.01)
    kills = resumed = 0
    while kills < 20:
        time.sleep(rng.uniform(0.0, 0.25))
        assert process.poll() is None, f"the run ended before it was killed 20 times ({kills})"
        kill(process)
        kills += 1
        before = _sessions(db)
        process = start("run", "--resume", only_run(db), "--jobs", "3", "--db", db)
        deadline = time.monotonic() + 60
        while _sessions(db) == before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert_whole(db, 33 * trials, trials)
    with open_database(db) as database:
        library = Library(database)
        resumed = sum(
            isinstance(event, Resumed) for session in library.sessions() for event in library.events(session.id)
        )
    assert resumed > 0, "no kill hit a session under way"
    acc_ok("db", "verify", "--db", db)


@pytest.mark.slow
def test_a_supervised_run_killed_while_judging_is_resumed_and_leaves_no_worker(tmp_path, perfect):
    db, critic = tmp_path / "a.db", tmp_path / "critic.gguf"
    write(critic, shape="tiny", seed=0)
    options = ["--actor", f"recorded:{perfect}", "--critic", critic, "--gate", "writes", "--supervise", "shadow"]
    process = start("run", *options, "--tasks", "cancel-*,book-*", "--jobs", "2", "--db", db)
    rng = random.Random(1)
    for _ in range(4):
        while not (db.exists() and _sessions(db) > 0):
            time.sleep(0.05)
        time.sleep(rng.uniform(1.0, 3.0))
        if process.poll() is not None:
            break
        # Only the program dies by the signal: its worker has to notice by itself.
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        process = start("run", "--resume", only_run(db), "--jobs", "2", "--db", db)
    process.communicate(timeout=300)
    assert_whole(db, 10, 1)
    acc_ok("db", "verify", "--db", db)
    deadline = time.monotonic() + 30
    while (left := _workers(critic)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []


@pytest.mark.slow
def test_two_runs_on_one_database_at_once_both_complete(tmp_path, perfect):
    db = tmp_path / "a.db"
    both = [start("run", *ALONE, "--actor", f"recorded:{perfect}", "--jobs", "2", "--db", db) for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    with open_database(db) as database:
        runs = Library(database).runs()
        assert [(r["sessions"], r["ended"]) for r in runs] == [(33, 33), (33, 33)]
    acc_ok("db", "verify", "--db", db)


def test_two_processes_cannot_resume_one_run_at_once(tmp_path, perfect):
    db = tmp_path / "a.db"
    process = start("run", *ALONE, "--actor", f"recorded:{perfect}", "--trials", "8", "--db", db)
    while not (db.exists() and _sessions(db) > 0):
        time.sleep(0.02)
    second = acc("run", "--resume", only_run(db), "--db", db)
    kill(process)
    assert second.returncode == 1
    assert "Another process is working on" in second.stderr


@pytest.mark.slow
def test_ctrl_c_pauses_a_run_and_says_how_to_go_on(tmp_path, perfect):
    db = tmp_path / "a.db"
    process = start("run", *ALONE, "--actor", f"recorded:{perfect}", "--trials", "8", "--db", db)
    while not (db.exists() and _sessions(db) > 5):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"acc run --resume {only_run(db)}" in err
    assert "Traceback" not in err
    acc_ok("run", "--resume", only_run(db), "--jobs", "2", "--db", db)
    assert_whole(db, 33 * 8, 8)


def _sessions(db: Path) -> int:
    try:
        with open_database(db) as database:
            return int(database.rows("SELECT count(*) FROM sessions")[0][0])
    except Exception:  # the database is just being made
        return 0


def _workers(critic: Path) -> list[str]:
    """The command lines of processes that have the critic's file open or named."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if "critics.worker" in line and str(critic) in (entry / "maps").read_text():
                found.append(line)
        except OSError:
            continue
    return found
