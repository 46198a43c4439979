"""What came of doing recorded sessions again."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from actorcritic_cli.replay.verify import Checked, Tally
from actorcritic_cli.show.console import stdout
from actorcritic_cli.text import one_line

EXAMPLES = 5
"""Differing sessions that are shown one by one; the rest is in ``--json``."""
_WIDTH = 160


def print_tally(total: Tally, checks: Sequence[Checked]) -> None:
    """Print the counts, the tools that differ, and a few differences."""
    console = stdout()

    def line(label: str, text: str, good: bool = True) -> None:
        console.print(Text(f"{label:<18}") + Text(text, "" if good else "red"), soft_wrap=True)

    def counted(label: str, pair: tuple[int, int], what: str) -> None:
        if pair[1]:
            line(label, f"{pair[0]:,}/{pair[1]:,} {what}", pair[0] == pair[1])

    counted("sessions", total.sessions, "as recorded")
    line("tool calls", f"{total.calls[0]:,}/{total.calls[1]:,} identical", total.calls[0] == total.calls[1])
    for tool, (n, of) in total.differing_tools.items():
        line("", f"{tool}: {n:,} of {of:,} differ", False)
    counted("rewards", total.rewards, "reproduced")
    if total.unscored:
        line("not scored", f"{total.unscored:,} sessions")
    counted("final states", total.states, "reproduced")
    counted("target states", total.targets, "recorded hashes reproduced")
    different = [c for c in checks if not c.same]
    for checked in different[:EXAMPLES]:
        task = "" if checked.task is None else f" (task {checked.task}, trial {checked.trial})"
        line("", "")
        line("session", f"{checked.session}{task}")
        if checked.differences:
            first = checked.differences[0]
            line("  first", one_line(f"turn {first.step}: {first.tool} {first.arguments}", _WIDTH))
            recorded, computed = _around(first.recorded, first.computed)
            line("  recorded", recorded)
            line("  computed", computed)
        if checked.reward_same is False:
            line("  reward", f"recorded {checked.reward_recorded}, computed {checked.reward_computed}")
        if checked.state_same is False:
            line("  final state", "differs")
        if checked.target_same is False:
            line("  target state", "differs")
    if len(different) > EXAMPLES:
        line("", f"… and {len(different) - EXAMPLES} more sessions; --json has all.")


def _around(one: str, two: str) -> tuple[str, str]:
    """Return both texts from a little before the first place where they differ."""
    place = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    start = max(0, place - 40)
    lead = "…" if start else ""
    return lead + one_line(one[start:], _WIDTH), lead + one_line(two[start:], _WIDTH)
