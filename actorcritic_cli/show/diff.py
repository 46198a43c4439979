"""Two sessions side by side from where they part; one above the other where the screen is narrow."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from actorcritic_cli.hashing import canonical_json
from actorcritic_cli.replay.difference import Pair, Parting, SessionDifference
from actorcritic_cli.replay.effects import Effects, RecordChange, shared
from actorcritic_cli.replay.json_paths import path_changes
from actorcritic_cli.replay.story import Story, Turn
from actorcritic_cli.show.changes import PATHS, call_lines, path_lines, path_text, verdict_word, words_line
from actorcritic_cli.show.story import (
    Line,
    ended_lines,
    header_lines,
    lines_grid,
    message_lines,
    print_lines,
    turn_lines,
)
from actorcritic_cli.text import one_line
from actorcritic_cli.types import Message

SIDE_BY_SIDE = 110
"""Columns from which on two sessions stand beside each other."""


def print_difference(
    console: Console,
    left: Story,
    right: Story,
    found: SessionDifference,
    effects: tuple[Effects, Effects],
    *,
    full: bool,
) -> None:
    """Print where two sessions part, what happened in the turns that differ, and what came of it."""
    _both(console, header_lines(left), header_lines(right))
    console.print()
    print_lines(console, _findings(found))
    hidden = 0
    for pair in found.pairs:
        if pair.same:
            hidden += 1
            continue
        if hidden:
            console.print(Text(f"   ({_turns(hidden)} the same)", "dim"))
            hidden = 0
        _print_pair(console, pair, left, right, full)
    if hidden:
        console.print(Text(f"   ({_turns(hidden)} the same)", "dim"))
    if not found.same:
        console.print(Text("── state " + "─" * 20, "dim"))
        print_lines(console, _effect_lines(effects, full))
    if not found.outcome_same:
        console.print(Text("── outcome " + "─" * 20, "dim"))
        print_lines(console, _outcome_lines(left, right, full))


def _outcome_lines(left: Story, right: Story, full: bool) -> Iterator[Line]:
    """Yield how both ended, and where the accounts of their scores differ."""
    for name, story in (("A", left), ("B", right)):
        # The first two lines of an end say it; the account of the score is compared below.
        said = [line.text for line in list(ended_lines(story.ended))[:2]]
        yield Line(name, said[0] if len(said) == 1 else f"{said[0]}, reward {said[1]}", "bold")
    rewards = [story.ended.reward if story.ended is not None else None for story in (left, right)]
    if rewards[0] is not None and rewards[1] is not None:
        changes = path_changes(rewards[0].info, rewards[1].info)
        yield from path_lines("account", changes, full=full, style="dim")


def _print_pair(console: Console, pair: Pair, left: Story, right: Story, full: bool) -> None:
    console.print(Text(f"── {_title(pair)} " + "─" * 20, "dim"))
    if pair.left is None or pair.right is None:
        turn, story, name = (pair.left, left, "A") if pair.left is not None else (pair.right, right, "B")
        console.print(Text(f"{name} only", "bold"))
        print_lines(console, _side(turn, story, full))
        return
    _both(console, _side(pair.left, left, full), _side(pair.right, right, full))
    print_lines(console, _pair_lines(pair, full))


def _title(pair: Pair) -> str:
    steps = [turn.step for turn in (pair.left, pair.right) if turn is not None]
    if steps == [0, 0]:
        return "opening"
    if len(set(steps)) == 2:
        return f"turn {steps[0]} of A, turn {steps[1]} of B"
    return f"turn {steps[0]}"


def _pair_lines(pair: Pair, full: bool) -> Iterator[Line]:
    """Yield what exactly differs between two turns that answer to each other."""
    yield from call_lines(pair.calls, full=full)
    yield from words_line(pair.words, full=full)
    yield from path_lines("results", pair.results, full=full, style="dim")
    one, two = pair.verdicts
    if (one is not None or two is not None) and (one and one.kind) != (two and two.kind):
        yield Line("verdicts", f"A {verdict_word(one)}, B {verdict_word(two)}", "yellow")


def _effect_lines(effects: tuple[Effects, Effects], full: bool) -> Iterator[Line]:
    """Yield which records each session changed; what both did alike is said once."""
    for name, effect in zip("AB", effects, strict=True):
        if effect.note:
            yield Line(name, effect.note, "yellow")
    one, two = (effect.changes for effect in effects)
    if one is None or two is None:
        return
    both = shared(one, two)
    for name, changes in (
        ("both", both),
        ("A", [c for c in one if c not in both]),
        ("B", [c for c in two if c not in both]),
    ):
        for place, change in enumerate(changes if full else changes[:PATHS]):
            yield Line(name if place == 0 else "", _record_text(change, full), "" if name == "both" else "yellow")
        if not full and len(changes) > PATHS:
            yield Line("", f"… and {len(changes) - PATHS} more records; --full shows all", "dim")
        if not changes and name != "both":
            yield Line(name, "changes nothing else" if both else "changes nothing")


def _record_text(change: RecordChange, full: bool) -> str:
    name = f"{change.table} {change.key}"
    if change.kind != "changed":
        record = canonical_json(change.record)
        return f"{name} {change.kind}: {record if full else one_line(record, 100)}"
    shown = change.paths if full else change.paths[:3]
    more = f" … and {len(change.paths) - len(shown)} more" if len(shown) < len(change.paths) else ""
    return f"{name} changed: " + "; ".join(path_text(path, full=full) for path in shown) + more


def _findings(found: SessionDifference) -> Iterator[Line]:
    if found.same:
        yield Line("same", "conversation, supervision and outcome are the same", "green")
        return
    yield from _parted(found.parting)
    judged = [pair.step for pair in found.pairs if not pair.same and _said_the_same(pair)]
    if judged:
        steps = ", ".join(map(str, judged[:8])) + (" …" if len(judged) > 8 else "")
        yield Line(
            "differ", f"in what was proposed, judged or decided, though not in what came of it: turn {steps}", "yellow"
        )
    yield Line("outcome", "the same" if found.outcome_same else "differs", "green" if found.outcome_same else "yellow")


def _parted(parting: Parting | None) -> Iterator[Line]:
    if parting is None:
        yield Line("same", "every message of the conversation", "green")
        return
    where = (
        "before anyone spoke" if parting.step < 0 else f"in turn {parting.step}" if parting.step else "in the opening"
    )
    yield Line("differ", f"from message {parting.place + 1} on, {where}", "yellow")
    for name, identity, message in zip("AB", parting.ids, parting.messages, strict=True):
        yield Line(f"  {name}", "(has ended)" if message is None else f"{(identity or '')[:8]} {_words(message)}")


def _words(message: Message) -> str:
    if message.role == "assistant":
        return one_line(f"agent: {'; '.join(message_lines(message))}", 200)
    return one_line(f"{message.role}: {message.content or ''}", 200)


def _said_the_same(pair: Pair) -> bool:
    if pair.left is None or pair.right is None:
        return False
    acted = [turn.acted.message if turn.acted else None for turn in (pair.left, pair.right)]
    contents = [[m.content for m in turn.heard] for turn in (pair.left, pair.right)]
    calls = [[(c.name, c.arguments) for c in m.tool_calls] if m else None for m in acted]
    texts = [m.content if m else None for m in acted]
    return texts[0] == texts[1] and calls[0] == calls[1] and contents[0] == contents[1]


def _side(turn: Turn | None, story: Story, full: bool) -> Iterator[Line]:
    if turn is not None:
        yield from turn_lines(turn, full=full, quiet=story.started.spec.supervision.mode == "off")


def _both(console: Console, left: Iterator[Line], right: Iterator[Line]) -> None:
    if console.is_terminal and console.width >= SIDE_BY_SIDE:
        table = Table(box=box.MINIMAL, show_header=False, show_edge=False, expand=True, pad_edge=False)
        table.add_column(ratio=1)
        table.add_column(ratio=1)
        table.add_row(lines_grid(left), lines_grid(right))
        console.print(table)
        return
    for name, lines in (("A", left), ("B", right)):
        console.print(Text(name, "bold"))
        print_lines(console, lines)


def _turns(count: int) -> str:
    return "1 turn is" if count == 1 else f"{count} turns are"
