"""Single keys from the terminal, with a line in between where words are wanted.

The terminal is switched once for as long as keys are read, and its waiting input is never thrown away: what is typed ahead
while a screen is drawn counts.
"""

from __future__ import annotations

import os
import select
import sys
from types import TracebackType

from actorcritic_cli.errors import UsageError

_SEQUENCE_SECONDS = 0.05
"""How soon the rest of an arrow key's sequence comes after its first byte."""

END_OF_INPUT = "\x04"


class Keys:
    """Reads keys without Enter and without an echo; use as a context manager, which puts the terminal back.

    Raises ``UsageError`` where the system has no such terminals. Ctrl-C raises ``KeyboardInterrupt`` as ever.
    """

    def __enter__(self) -> Keys:
        try:
            import termios
            import tty
        except ImportError:
            raise UsageError("Single keys cannot be read on this system; use --set instead.") from None
        self._input = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._input)
        tty.setcbreak(self._input, termios.TCSADRAIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import termios

        termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)

    def key(self) -> str:
        """Wait for a key; ``END_OF_INPUT`` for Ctrl-D and when the terminal is gone."""
        read = os.read(self._input, 1)
        if read == b"\x1b":
            while len(read) < 8 and select.select([self._input], [], [], _SEQUENCE_SECONDS)[0]:
                more = os.read(self._input, 1)
                read += more
                if not more or (len(read) > 2 and (more.isalpha() or more == b"~")):
                    break
        elif read >= b"\xc0":  # a letter beyond ASCII: its first byte says how many more there are
            read += os.read(self._input, 1 + (read >= b"\xe0") + (read >= b"\xf0"))
        return read.decode("utf-8", "replace") or END_OF_INPUT

    def line(self, prompt: str) -> str:
        """Show a prompt and return the line that is typed, edited as the terminal does it; empty at the end of input."""
        import termios
        import tty

        termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)
        try:
            sys.stdout.write(prompt)
            sys.stdout.flush()
            return sys.stdin.readline().rstrip("\n")
        finally:
            tty.setcbreak(self._input, termios.TCSADRAIN)
