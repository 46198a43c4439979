"""A proposal as a person sees it who is to label it: what led to it, and not what the critic said of it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from actorcritic_cli.learn.candidates import Candidate, before, policy
from actorcritic_cli.replay.story import Story, Turn
from actorcritic_cli.show.live import verdict_text
from actorcritic_cli.show.story import Line, message_lines, print_lines
from actorcritic_cli.text import one_line
from actorcritic_cli.types import Label, Verdict

RESULT_CHARACTERS = 300
"""How much of a tool's result is shown where not all is asked for."""


def print_candidate(
    console: Console, candidate: Candidate, *, place: str, full: bool = False, show_verdict: bool = False
) -> None:
    """Print a proposal below what led to it; ``full`` shows the whole conversation and whole results."""
    story = candidate.story
    console.print()
    console.print(Text(f"── session {story.started.session}, proposal {candidate.name}, {place} " + "─" * 10, "dim"))
    print_lines(console, _lines(candidate, full=full))
    if show_verdict:
        print_lines(console, verdict_lines(candidate.tried.verdict))


def print_task(console: Console, story: Story) -> None:
    """Print what a session is about."""
    task, spec = story.started.task, story.started.spec
    console.print()
    lines = [Line("session", f"{story.started.session} in {spec.env} ({spec.dataset})", "bold")]
    if task is not None and task.instruction:
        lines.append(Line("task", task.instruction))
    print_lines(console, iter(lines))


def print_policy(console: Console, story: Story) -> None:
    """Print the policy that a session was held under."""
    message = policy(story)
    text = message.content if message is not None and message.content else "(no policy is on record)"
    print_lines(console, iter([Line("policy", text)]))


def verdict_lines(verdict: Verdict | None) -> Iterator[Line]:
    """Yield what the critic said."""
    if verdict is None:
        return
    yield Line("critic", verdict_text(verdict), "dim")
    if verdict.critique is not None:
        yield Line("critique", verdict.critique.text, "dim")


def label_text(label: Label) -> str:
    """Return a label in words.

    >>> label_text(Label("revise", "no confirmation", "human"))
    'bad: no confirmation'
    """
    word = "good" if label.label == "approve" else "bad"
    return f"{word}: {label.why}" if label.why else word


def _lines(candidate: Candidate, *, full: bool) -> Iterator[Line]:
    story = candidate.story
    for turn in story.turns[: candidate.place] if full else before(candidate):
        yield from _turn_lines(turn, full=full)
    attempt = candidate.tried.attempt
    label = "candidate" if attempt < candidate.turn.candidates else "revision" if attempt else "proposal"
    message = candidate.tried.proposal.message
    for text in message_lines(message):
        yield Line(label, text, "bold")
    if message.tool_calls and message.content:
        yield Line("beside it", f"{message.content} (the user does not see this)")


def _turn_lines(turn: Turn, *, full: bool) -> Iterator[Line]:
    if turn.acted is not None:
        label = "call" if turn.acted.message.tool_calls else "agent"
        for text in message_lines(turn.acted.message):
            yield Line(label, text.removeprefix("calls "), "magenta" if turn.acted.message.tool_calls else "")
    for message in turn.heard:
        text = message.content or "(nothing)"
        if message.role == "tool":
            yield Line("result", text if full else one_line(text, RESULT_CHARACTERS), "dim")
        else:
            yield Line("user", text, "cyan")
