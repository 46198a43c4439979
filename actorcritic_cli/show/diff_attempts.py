"""Each rejected proposal against its revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from actorcritic_cli.replay.attempts import Attempted, Revision
from actorcritic_cli.replay.story import Story
from actorcritic_cli.show.changes import call_lines, verdict_word, words_line
from actorcritic_cli.show.story import Line, ended_lines, header_lines, message_lines, print_lines, turn_title
from actorcritic_cli.show.values import several

_WENT = {"revise": "sent back", "stop": "stopped", "escalate": "escalated"}


def print_revisions(console: Console, story: Story, found: Sequence[Revision], *, full: bool) -> None:
    """Print what was rejected in a session, why, and what came instead."""
    print_lines(console, header_lines(story))
    if not found:
        console.print(Text("\nEverything that was proposed was accepted."))
    step = -1
    for revision in found:
        if revision.step != step:
            console.print()
            console.print(Text(turn_title(revision.step), "dim"))
            step = revision.step
        print_lines(console, _lines(revision, full))
    console.print()
    print_lines(console, ended_lines(story.ended))
    if found:
        repeated = sum(1 for revision in found if revision.repeated)
        again = f", {repeated} of them proposed again as they were" if repeated else ""
        console.print(Text(f"{several(len(found), 'proposal')} not accepted{again}."))


def _lines(revision: Revision, full: bool) -> Iterator[Line]:
    for text in message_lines(revision.before.proposal.message):
        yield Line("proposal" if revision.before.attempt == 0 else "revision", text, "red")
    yield Line("critic", verdict_word(revision.before.verdict))
    critique = revision.critique
    if critique is not None:
        yield Line("critique", critique.text, "yellow")
        for name in ("rule", "wrong", "right") if full else ():
            if text := getattr(critique, name):
                yield Line("", f"{name}: {text}", "yellow")
    by = " by the person" if revision.by == "person" else ""
    to = f" to {revision.decision.to}" if revision.decision.to is not None else ""
    yield Line("decision", f"{_WENT.get(revision.decision.kind, revision.decision.kind)}{to}{by}", "yellow")
    if revision.after is None:
        yield Line("then", "nothing more was proposed in this turn", "dim")
        return
    yield from _after_lines(revision.after)
    if revision.repeated:
        yield Line("same", "the same again", "red")
    yield from call_lines(revision.calls, full=full)
    yield from words_line(revision.words, full=full)


def _after_lines(after: Attempted) -> Iterator[Line]:
    label = "handoff" if after.proposal.author == "supervisor" else "then"
    for text in message_lines(after.proposal.message):
        yield Line(label, text, "green")
    took = ", accepted" if after.accepted else ""
    yield Line("", f"{verdict_word(after.verdict)}{took}", "green" if after.accepted else "")
