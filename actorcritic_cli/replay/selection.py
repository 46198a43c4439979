"""Which turns of a story are wanted: by number, or those in which supervision stepped in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from actorcritic_cli.errors import NotFound, UsageError
from actorcritic_cli.replay.story import Story, Turn

Only = Literal["interventions"]


def turn_range(text: str) -> tuple[int, int | None]:
    """Return the first and the last turn that ``N``, ``N-M``, ``N-`` or ``-M`` names; ``None`` is the end.

    Raises ``UsageError`` for anything else.

    >>> turn_range("3"), turn_range("2-5"), turn_range("4-"), turn_range("-2")
    ((3, 3), (2, 5), (4, None), (0, 2))
    """
    one = re.fullmatch(r"\s*(\d+)\s*", text)
    span = re.fullmatch(r"\s*(\d*)\s*-\s*(\d*)\s*", text)
    if one:
        return int(one[1]), int(one[1])
    if not span or not (span[1] or span[2]):
        raise UsageError(f"--turn takes a number or a range of them (3, 2-5, 4-), not '{text}'.")
    first, last = int(span[1] or 0), int(span[2]) if span[2] else None
    if last is not None and last < first:
        raise UsageError(f"--turn {text} ends before it begins.")
    return first, last


def wanted(story: Story, *, turns: str | None = None, only: Only | None = None) -> Callable[[Turn], bool]:
    """Return what says of a turn whether it is wanted. Raises ``NotFound`` for turns that the session does not have."""
    first, last = (0, None) if turns is None else turn_range(turns)
    steps = [turn.step for turn in story.turns]
    if turns is not None and not any(first <= step and (last is None or step <= last) for step in steps):
        has = f"turns {steps[0]} to {steps[-1]}" if steps else "no turns yet"
        raise NotFound(f"Session {story.started.session} has no turn {turns}; it has {has} (0 is the opening).")

    def is_wanted(turn: Turn) -> bool:
        within = first <= turn.step and (last is None or turn.step <= last)
        return within and (only is None or stepped_in(turn))

    return is_wanted


def stepped_in(turn: Turn) -> bool:
    """Whether anything proposed in a turn was not simply accepted."""
    return any(decided.decision.kind != "accept" for tried in turn.tries for decided in tried.decisions)
