"""What labelling by inference found, in tables."""

from __future__ import annotations

from rich.console import Console

from actorcritic_cli.learn.ground_truth import Tally
from actorcritic_cli.learn.labelling import ByOutcome
from actorcritic_cli.show.console import print_rows


def print_tally(console: Console, tally: Tally) -> None:
    """Print what labelling by ground truth found: labels by kind of session, then by tool."""
    judged = tally.approve + tally.revise
    head = [
        ("sessions", f"{tally.sessions:,}"),
        ("write calls", f"{tally.writes:,}, {tally.failed:,} failed, {judged:,} labelled"),
        ("labels", f"{tally.approve:,} approve, {tally.revise:,} revise"),
        ("in sessions that passed", f"{tally.passed.approve:,} approve, {tally.passed.revise:,} revise"),
        ("in sessions that did not", f"{tally.not_passed.approve:,} approve, {tally.not_passed.revise:,} revise"),
    ]
    if tally.unscored.approve or tally.unscored.revise:
        head.append(
            ("in sessions without score", f"{tally.unscored.approve:,} approve, {tally.unscored.revise:,} revise")
        )
    head += [("not labelled", f"{count:,} sessions: {why}") for why, count in tally.skipped.items()]
    print_rows(console, ("", ""), head)
    if tally.tools:
        console.print()
        rows = [(row.tool, f"{row.approve:,}", f"{row.revise:,}", f"{row.first:,}") for row in tally.tools]
        headers = ("tool", "approve", "revise", "first revise of a session")
        print_rows(console, headers, rows, right=headers[1:])
    if tally.first_wrong or tally.without_wrong:
        console.print()
        kinds = [("first wrong write", why, f"{count:,}") for why, count in tally.first_wrong.items()]
        kinds += [("no wrong write", why, f"{count:,}") for why, count in tally.without_wrong.items()]
        print_rows(console, ("sessions that did not pass", "", "sessions"), kinds, right=("sessions",))


def print_outcome(console: Console, found: ByOutcome) -> None:
    """Print what labelling by outcome found."""
    head = [
        ("sessions with labels", f"{found.sessions:,}"),
        ("labels", f"{found.approve:,} approve, {found.revise:,} revise"),
        *(("no labels", f"{count:,} sessions: {why}") for why, count in found.skipped.items()),
    ]
    print_rows(console, ("", ""), head)
