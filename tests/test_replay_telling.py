"""A story in parts, in time, and turn by turn at a real terminal."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pexpect
import pytest
from msgspec.structs import replace
from rich.console import Console

from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange import trace
from actorcritic_cli.replay.selection import turn_range
from actorcritic_cli.show.pace import LONGEST_PAUSE, play
from tests.program import acc
from tests.v1_files import four_runs, write

TRACES = Path(__file__).parents[1] / "traces"


@pytest.fixture
def example(acc_home):
    acc("import", TRACES / "airline-cancel.jsonl")
    (events,) = trace.read(TRACES / "airline-cancel.jsonl")
    return events


def titles(out: str) -> list[str]:
    return [line.strip("─ ") for line in out.splitlines() if line.startswith("──")]


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        ("4", ["turn 4"]),
        ("0", ["opening"]),
        ("2-3", ["turn 2", "turn 3"]),
        ("5-", ["turn 5", "turn 6"]),
        ("-1", ["opening", "turn 1"]),
        ("6-99", ["turn 6"]),
    ],
)
def test_only_the_turns_that_are_wanted_are_told(example, turn, told):
    out = acc("replay", "last", "--turn", turn).out
    assert titles(out) == told
    assert "left out" in out


def test_only_interventions_leaves_the_others_out(example):
    out = acc("replay", "last", "--only", "interventions").out
    assert titles(out) == ["turn 4"]
    assert "(4 turns left out)" in out
    assert "objects" in out
    steps = {e.get("step") for e in acc("replay", "last", "--only", "interventions", "--json").json_lines}
    assert steps == {None, 4}


def test_turns_that_are_not_there_and_ranges_that_mean_nothing_are_refused(example):
    done = acc("replay", "last", "--turn", "9")
    assert done.code == 3
    assert "turns 0 to 6" in done.error
    for text in ("x", "", "-", "3-1", "1-2-3"):
        assert acc("replay", "last", "--turn", text).code == 2
    assert turn_range(" 2 - 5 ") == (2, 5)
    for more in (["--speed", "0"], ["--speed", "1", "--step"], ["--speed", "1", "--json"], ["--turn", "1", "--verify"]):
        assert acc("replay", "last", *more).code == 2


def played(events, speed, **options):
    pauses: list[float] = []
    screen = io.StringIO()
    console = Console(file=screen, width=200, highlight=False)
    play(console, events, speed, lambda turn: True, sleep=pauses.append, **options)
    return screen.getvalue(), pauses


def test_in_time_the_same_is_told_with_the_recorded_pauses(example):
    events = [replace(event, at=example[0].at + n / 2) for n, event in enumerate(example)]
    for speed in (1.0, 4.0):
        told, pauses = played(events, speed)
        assert pauses == pytest.approx([0.5 / speed] * (len(events) - 1))
    plain = acc("replay", "last").out
    assert [line.rstrip() for line in told.splitlines()][3:] == [line.rstrip() for line in plain.splitlines()][3:]


def test_a_long_pause_is_cut_and_said(example):
    events = [replace(event, at=event.at + 100_000 * (n > 4)) for n, event in enumerate(example)]
    told, pauses = played(events, 10.0)
    assert max(pauses) == LONGEST_PAUSE
    assert f"is cut to {LONGEST_PAUSE:.1f} s" in told


def test_speed_needs_times(example, tmp_path):
    assert acc("replay", "last", "--speed", "100000").code == 0
    acc("import", write(tmp_path, four_runs()), "--dataset", "bundled", "--name", "r")
    first = acc("sessions", "--run", "r", "--json").json[0]["id"]
    done = acc("replay", first, "--speed", "2")
    assert done.code == 1
    assert "without times" in done.error
    with pytest.raises(AccError):
        played([replace(example[0], at=1.0)], 1.0)


def test_without_a_terminal_nothing_waits_for_keys(example):
    done = acc("replay", "last", "--step")
    assert done.code == 2
    assert "takes a terminal" in done.error


def at_the_keys(*arguments: str) -> pexpect.spawn:
    return pexpect.spawn(
        sys.executable,
        ["-m", "actorcritic_cli", "replay", "last", "--step", *arguments],
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
        encoding="utf-8",
        timeout=60,
        dimensions=(50, 100),
    )


def test_keys_go_back_and_forth(example):
    screen = at_the_keys()
    screen.expect("── session")
    screen.expect("1/9")
    for key, place in (
        ("n", "2/9"), (" ", "3/9"), ("\x1b[C", "4/9"), ("\x1b[B", "5/9"), ("\r", "6/9"), ("p", "5/9"), ("\x1b[D", "4/9"),
        ("\x1b[A", "3/9"), ("x", None), ("l", "9/9"), ("n", "9/9"), ("p", "8/9"), ("f", "1/9"), ("p", "1/9"),
        ("\x1b[F", "9/9"), ("\x1b[H", "1/9"),
    ):  # fmt: skip
        screen.send(key)
        if place is not None:
            screen.expect(place)
    screen.send("n")
    screen.expect("── opening")
    screen.expect("something came up")
    screen.expect("q quit")
    screen.send("q")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 0


@pytest.mark.parametrize(("key", "code"), [("\x1b", 0), ("\x04", 0), ("\x03", 130)])
def test_every_way_out_puts_the_terminal_back(example, key, code):
    screen = at_the_keys("--turn", "2-3")
    screen.expect("1/4")
    screen.send("n")
    screen.expect("── turn 2")
    screen.expect("2/4")
    screen.send(key)
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == code
    assert "Traceback" not in screen.before
