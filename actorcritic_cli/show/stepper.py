"""A story turn by turn at the terminal: a key shows the next turn, another goes back."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Literal, NamedTuple

from rich.console import Console
from rich.text import Text

from actorcritic_cli.errors import UsageError
from actorcritic_cli.replay.story import Story, Turn
from actorcritic_cli.show.story import Line, ended_lines, header_lines, print_lines, turn_lines

Move = Literal["next", "previous", "first", "last", "quit"]
_MOVES: dict[str, Move] = {
    **dict.fromkeys(("n", " ", "\r", "\n", "j", "\x1b[C", "\x1b[B", "\x1bOC", "\x1bOB", "\x1b[6~"), "next"),
    **dict.fromkeys(("p", "b", "k", "\x7f", "\x1b[D", "\x1b[A", "\x1bOD", "\x1bOA", "\x1b[5~"), "previous"),
    **dict.fromkeys(("f", "g", "\x1b[H", "\x1bOH", "\x1b[1~"), "first"),
    **dict.fromkeys(("l", "G", "\x1b[F", "\x1bOF", "\x1b[4~"), "last"),
    **dict.fromkeys(("q", "\x1b", "\x04", ""), "quit"),
}
_KEYS = "n or → next, p or ← previous, f first, l last, q quit"
_SEQUENCE_SECONDS = 0.05
"""How soon the rest of an arrow key's sequence comes after its first character."""


class Frame(NamedTuple):
    """What one screen shows."""

    title: str
    lines: Sequence[Line]


def frames_of(story: Story, is_wanted: Callable[[Turn], bool], *, full: bool) -> list[Frame]:
    """Return a story's screens: who took part, each wanted turn, and how it ended."""
    quiet = story.started.spec.supervision.mode == "off"
    turns = [
        Frame("opening" if turn.step == 0 else f"turn {turn.step}", list(turn_lines(turn, full=full, quiet=quiet)))
        for turn in story.turns
        if is_wanted(turn)
    ]
    return [Frame("session", list(header_lines(story))), *turns, Frame("end", list(ended_lines(story.ended)))]


def step_through(console: Console, frames: Sequence[Frame]) -> None:
    """Show frames one at a time, as the keys say. Raises ``UsageError`` where there is no terminal."""
    if not (sys.stdin.isatty() and console.is_terminal):
        raise UsageError(
            "--step waits for keys, which takes a terminal; without one leave it out, or play with --speed."
        )
    place = 0
    with Keys() as keys:
        while True:
            _show(console, frames[place], place, len(frames))
            match keys.move():
                case "next":
                    place = min(place + 1, len(frames) - 1)
                case "previous":
                    place = max(place - 1, 0)
                case "first":
                    place = 0
                case "last":
                    place = len(frames) - 1
                case "quit":
                    return


def _show(console: Console, frame: Frame, place: int, count: int) -> None:
    console.clear()
    console.print(Text(f"── {frame.title} " + "─" * 20, "dim"))
    print_lines(console, iter(frame.lines))
    console.print(Text(f"\n{place + 1}/{count}  {_KEYS}", "dim"))


class Keys:
    """Single keys from the terminal, without Enter and without an echo; the terminal is put back afterwards."""

    def __enter__(self) -> Keys:
        try:
            import termios
            import tty
        except ImportError:
            raise UsageError("--step does not work on this system; leave it out, or play with --speed.") from None
        self._input = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._input)
        tty.setcbreak(self._input)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import termios

        termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)

    def move(self) -> Move:
        """Wait for a key that means something."""
        while True:
            move = _MOVES.get(self._key())
            if move is not None:
                return move

    def _key(self) -> str:
        read = os.read(self._input, 1)
        if read == b"\x1b":
            while len(read) < 8 and select.select([self._input], [], [], _SEQUENCE_SECONDS)[0]:
                more = os.read(self._input, 1)
                read += more
                if not more or (len(read) > 2 and (more.isalpha() or more == b"~")):
                    break
        return read.decode("ascii", "replace")
