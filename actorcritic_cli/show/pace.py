"""A story in time: every event appears when it came then, or as much sooner as is wanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.text import Text

from actorcritic_cli.errors import AccError
from actorcritic_cli.replay.story import Story, Turn, told
from actorcritic_cli.session.events import Ended, Event, Resumed, Started
from actorcritic_cli.show.story import Line, ended_lines, header_lines, print_lines, turn_lines, turn_title
from actorcritic_cli.show.values import knows_time, seconds

LONGEST_PAUSE = 3.0
"""Seconds; a longer pause (of what is left of it at the speed wanted) is cut, and said."""


def play(
    console: Console,
    events: Sequence[Event],
    speed: float,
    is_wanted: Callable[[Turn], bool],
    *,
    full: bool = False,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Print a session's story at ``speed`` times its own pace. Raises ``AccError`` for a record that knows no times."""
    started = events[0]
    assert isinstance(started, Started)
    if not knows_time(started.at):
        raise AccError(
            f"Session {started.session} was imported without times, so it cannot be played; go through it with --step."
        )
    story = told(events)
    wanted = {turn.step for turn in story.turns if is_wanted(turn)}
    quiet = started.spec.supervision.mode == "off"
    print_lines(console, header_lines(story))
    printed: dict[int, int] = {}
    last = started.at
    for number, event in enumerate(events[1:], start=2):
        pause, last = max(0.0, event.at - last), event.at
        if isinstance(event, (Started, Resumed)):
            continue  # the time between interruption and resumption is nobody's
        if isinstance(event, Ended):
            _wait(console, pause / speed, sleep)
            console.print()
            print_lines(console, ended_lines(event))
            continue
        if event.step not in wanted:
            continue
        lines = _lines_so_far(events[:number], event.step, full=full, quiet=quiet)
        before = printed.get(event.step)
        _wait(console, pause / speed, sleep)
        if before is None:
            console.print()
            console.print(Text(turn_title(event.step), "dim"))
        print_lines(console, iter(lines[before or 0 :]))
        printed[event.step] = len(lines)
        console.file.flush()
    if story.ended is None:
        console.print()
        print_lines(console, ended_lines(None))


def _lines_so_far(events: Iterable[Event], step: int, *, full: bool, quiet: bool) -> list[Line]:
    """Return a turn's lines as far as its events have come."""
    story: Story = told(e for e in events if isinstance(e, Started) or getattr(e, "step", None) == step)
    return list(turn_lines(story.turns[-1], full=full, quiet=quiet))


def _wait(console: Console, pause: float, sleep: Callable[[float], object]) -> None:
    if pause > LONGEST_PAUSE:
        console.print(Text(f"   (a pause of {seconds(pause)} is cut to {seconds(LONGEST_PAUSE)})", "dim"))
        pause = LONGEST_PAUSE
    sleep(pause)
