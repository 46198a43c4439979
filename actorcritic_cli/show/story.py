"""A recorded session as a readable story, turn by turn.

Nothing a model or a tool wrote is taken for markup or a terminal escape. At a terminal long texts wrap beside their label;
elsewhere every line stays whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from actorcritic_cli.replay.story import Story, Try, Turn, parent_of
from actorcritic_cli.session.events import Compared, Decided, Ended, Observed
from actorcritic_cli.show.values import dollars, member_texts, seconds, several, when
from actorcritic_cli.text import one_line, printable
from actorcritic_cli.types import Message, ModelCall, Verdict

RESULT_CHARACTERS = 300
_LABEL_WIDTH = 9
_VERDICT = {"approve": ("approves", "green"), "revise": ("objects", "yellow"), "no_verdict": ("no verdict", "red")}
_DECISION = {"revise": "sent back", "stop": "stopped", "accept": "accepted"}


class Line(NamedTuple):
    """A labelled line of a story; ``text`` may hold line breaks."""

    label: str
    text: str
    style: str = ""


def print_story(
    console: Console, story: Story, *, full: bool = False, is_wanted: Callable[[Turn], bool] = lambda turn: True
) -> None:
    """Print a session: its wanted turns between its head and its end; ``full`` leaves nothing out of tool results and
    critiques."""
    print_lines(console, header_lines(story))
    left_out = 0
    for turn in story.turns:
        if not is_wanted(turn):
            left_out += 1
            continue
        _say_left_out(console, left_out)
        left_out = 0
        console.print()
        console.print(Text(turn_title(turn.step), "dim"))
        print_lines(console, turn_lines(turn, full=full, quiet=story.started.spec.supervision.mode == "off"))
    _say_left_out(console, left_out)
    console.print()
    print_lines(console, ended_lines(story.ended))


def _say_left_out(console: Console, count: int) -> None:
    if count:
        console.print(Text(f"\n   ({several(count, 'turn')} left out)", "dim"))


def turn_title(step: int) -> str:
    """Return the line above a turn."""
    return f"── {'opening' if step == 0 else f'turn {step}'} " + "─" * 20


def print_lines(console: Console, lines: Iterator[Line]) -> None:
    """Print labelled lines."""
    if console.is_terminal:
        console.print(lines_grid(lines))
        return
    for line in lines:
        text = printable(line.text).replace("\n", "\n" + " " * (_LABEL_WIDTH + 1))
        console.print(Text(f"{line.label:<{_LABEL_WIDTH}} {text}"), soft_wrap=True)


def lines_grid(lines: Iterator[Line]) -> Table:
    """Return labelled lines as a grid in which long texts wrap beside their label."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=_LABEL_WIDTH, style="bold")
    grid.add_column(overflow="fold")
    for line in lines:
        grid.add_row(Text(line.label), Text(printable(line.text), line.style))
    return grid


def header_lines(story: Story) -> Iterator[Line]:
    """Yield who took part, on what."""
    started = story.started
    spec = started.spec
    task = "free conversation" if spec.task_id is None else f"task {spec.task_id}, trial {spec.trial}"
    run = f", run {started.run}" if started.run else ""
    fork = parent_of(started)
    origin = "" if started.source == "live" or fork is not None else f", from {started.source}"
    yield Line("session", f"{started.session} in {spec.env} ({spec.dataset}), {task}{run}{origin}", "bold")
    if fork is not None:
        yield Line("forked", f"from {fork[0]} at turn {fork[1]}; the turns before are kept")
    yield Line("held", when(started.at) + (f", resumed {story.pauses} times" if story.pauses else ""))
    yield Line("actor", started.actor or spec.actor)
    yield Line("user", started.user or spec.user)
    if started.critic is not None:
        supervision = spec.supervision
        several = f"chooses from {supervision.choose} candidates, " if supervision.choose > 1 else ""
        yield Line(
            "critic",
            f"{started.critic.name} ({supervision.mode}, gate {supervision.gate}, threshold "
            f"{started.critic.threshold:g}, {several}at most {supervision.max_revisions} revisions)",
        )
    else:
        yield Line("critic", "none: unsupervised")


def turn_lines(turn: Turn, *, full: bool, quiet: bool) -> Iterator[Line]:
    """Yield what happened in a turn, in order; ``quiet`` leaves out that everything was accepted."""
    choice, candidates = turn.choice, turn.candidates
    for tried in turn.tries[:candidates]:
        yield from _proposal_lines(tried, "candidate", f"{tried.attempt + 1}: ")
    if choice is not None and candidates:
        yield Line("choice", choice_text(choice), "green" if choice.chosen == 0 else "yellow")
        yield from _said_lines(turn.tries[choice.chosen], full=full, quiet=quiet)
    for tried in turn.tries[candidates:]:
        yield from _proposal_lines(tried, _label(tried))
        yield from _said_lines(tried, full=full, quiet=quiet)
    if turn.acted is not None:
        last = turn.tries[-1].attempt if len(turn.tries) > candidates else turn.acted.attempt
        if turn.acted.attempt != last:
            yield Line("taken", f"proposal {turn.acted.attempt + 1} of {len(turn.tries)}", "green")
        proposed = next((t.proposal.message for t in turn.tries if t.attempt == turn.acted.attempt), None)
        if proposed is not None and len(proposed.tool_calls) > len(turn.acted.message.tool_calls):
            yield Line("stands", "the first call only: the environment takes one call a message")
    if turn.observed is not None:
        yield from _observed_lines(turn.observed, full=full)
    if turn.failed is not None:
        yield Line("failed", f"{turn.failed.party}: {turn.failed.message}", "red")


def ended_lines(ended: Ended | None) -> Iterator[Line]:
    """Yield how a session ended."""
    if ended is None:
        yield Line("ended", "not yet: it is under way, or was interrupted", "yellow")
        return
    message = f" ({ended.message})" if ended.message else ""
    yield Line("ended", f"{ended.reason}{message}", "bold")
    if ended.reward is None:
        yield Line("reward", "not scored")
        return
    value = ended.reward.value
    yield Line("reward", "cannot be known" if value is None else f"{value:g}", "bold")
    for name, value in ended.reward.info.items():
        yield Line("", f"{name}: {value}", "dim")


def message_lines(message: Message) -> Iterator[str]:
    """Yield an assistant message in words: its reply, or its calls."""
    if not message.tool_calls:
        yield message.content or "(nothing)"
    for call in message.tool_calls:
        yield f"calls {call.name} {call.arguments}"


def choice_text(choice: Compared) -> str:
    """Return in one line which of several candidates was taken, and how they were compared."""
    said = choice.comparison
    if said is None:
        return f"takes {choice.chosen + 1} ({choice.reason})"
    if not said.scores:
        return f"takes {choice.chosen + 1} ({choice.reason}; {one_line(said.message, 200)})"
    scores = ", ".join(
        f"{attempt + 1}: {score:.3f}" for attempt, score in zip(choice.attempts, said.scores, strict=True)
    )
    return f"takes {choice.chosen + 1} ({choice.reason}; {scores}; {seconds(said.latency)})"


def _label(tried: Try) -> str:
    return "handoff" if tried.proposal.author == "supervisor" else "revision" if tried.attempt else "proposal"


def _proposal_lines(tried: Try, label: str, number: str = "") -> Iterator[Line]:
    message = tried.proposal.message
    for text in message_lines(message):
        yield Line(label, number + text, "magenta" if message.tool_calls else "")
    if message.tool_calls and message.content:
        yield Line("beside it", f"{message.content} (the user does not see this)", "dim")
    if tried.call is not None:
        yield Line("", _call(tried.call), "dim")
    if tried.problem is not None:
        yield Line("malformed", tried.problem, "red")


def _said_lines(tried: Try, *, full: bool, quiet: bool) -> Iterator[Line]:
    if tried.verdict is not None:
        word, style = _VERDICT[tried.verdict.kind]
        yield Line("critic", f"{word} {_verdict(tried.verdict)}", style)
        for text in member_texts(tried.verdict):
            yield Line("", text, "dim")
    for name, verdict in tried.again:
        word, _ = _VERDICT[verdict.kind]
        yield Line("again", f"{name} {word} {_verdict(verdict)}", "dim")
    for decided in tried.decisions:
        yield from _decided_lines(decided, full=full, quiet=quiet)


def _decided_lines(decided: Decided, *, full: bool, quiet: bool) -> Iterator[Line]:
    kind = decided.decision.kind
    critique = decided.critique
    if critique is not None:
        yield Line("critique", critique.text, "yellow")
        if full:
            for name, text in (("rule", critique.rule), ("wrong", critique.wrong), ("right", critique.right)):
                if text:
                    yield Line("", f"{name}: {text}", "yellow")
    if kind == "accept" and quiet:
        return
    word = f"escalated to {decided.decision.to}" if kind == "escalate" else _DECISION[kind]
    by = " by the person" if decided.by == "person" else ""
    yield Line("decision", f"{word}{by} ({decided.decision.reason})", "green" if kind == "accept" else "yellow")


def _observed_lines(observed: Observed, *, full: bool) -> Iterator[Line]:
    for message in observed.messages:
        text = message.content or "(nothing)"
        if message.role == "tool":
            shown = text if full else one_line(text, RESULT_CHARACTERS)
            yield Line("result", shown, "red" if observed.error else "dim")
        else:
            yield Line("user", text, "cyan")
    if not observed.messages:
        yield Line("user", "(leaves without a word)", "cyan")


def _verdict(verdict: Verdict) -> str:
    if verdict.kind == "no_verdict":
        return f"({verdict.why}): {verdict.message}"
    threshold = "" if verdict.threshold is None else f", threshold {verdict.threshold:g}"
    p = "?" if verdict.p_revise is None else f"{verdict.p_revise:.3f}"
    if verdict.detail.get("plain"):
        return f"(unasked, for it only asks: p_revise {p}{threshold})"
    return f"(p_revise {p}{threshold}, {seconds(verdict.latency)})"


def _call(call: ModelCall) -> str:
    usage = call.usage
    tokens = "tokens unknown" if usage.input_tokens is None else f"{usage.input_tokens} → {usage.output_tokens} tokens"
    retries = f", {len(call.retries)} retries" if call.retries else ""
    return f"{call.model}: {seconds(call.latency)}, {tokens}, cost {dollars(call.cost)}{retries}"
