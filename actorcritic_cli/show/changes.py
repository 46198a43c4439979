"""How differences of values and texts are written: by JSON path, and word by word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from actorcritic_cli.hashing import canonical_json
from actorcritic_cli.replay.difference import CallDifference
from actorcritic_cli.replay.json_paths import PathChange
from actorcritic_cli.replay.words import Stretch
from actorcritic_cli.show.story import Line
from actorcritic_cli.text import one_line
from actorcritic_cli.types import Verdict

PATHS = 8
"""Differing paths that are shown where not everything is wanted."""
_VALUE = 80
_AROUND = 60
"""Characters of what is the same that are left between two differences of a text."""
_ALIKE = 0.35
"""Share of a text that both must have, for its words to be worth comparing."""
_SAYS = {"approve": "approves", "revise": "objects", "no_verdict": "no verdict"}


def path_text(change: PathChange, *, full: bool = False) -> str:
    """Return one difference: ``$.status: "pending" → "cancelled"``."""
    left, right = (_value(value, full) for value in (change.left, change.right))
    match change.kind:
        case "added":
            return f"{change.path}: added {right}"
        case "removed":
            return f"{change.path}: {left} removed"
        case "changed":
            return f"{change.path}: {left} → {right}"


def path_lines(label: str, changes: Sequence[PathChange], *, full: bool, style: str = "yellow") -> Iterator[Line]:
    """Yield differences one a line under a label, the first ones only unless ``full``."""
    shown = changes if full else changes[:PATHS]
    for place, change in enumerate(shown):
        yield Line(label if place == 0 else "", path_text(change, full=full), style)
    if len(shown) < len(changes):
        yield Line("", f"… and {len(changes) - len(shown)} more; --full shows all", "dim")


def call_lines(calls: Sequence[CallDifference], *, full: bool) -> Iterator[Line]:
    """Yield how the arguments of calls differ."""
    for call in calls:
        yield from path_lines("argument", call.arguments, full=full)


def words_line(words: Sequence[Stretch], *, full: bool) -> Iterator[Line]:
    """Yield two texts as one, ``[-removed-]{+added+}``; nothing where they have too little in common to be read so."""
    alike = sum(len(stretch.text) for stretch in words if stretch.kind == "same")
    whole = sum(len(stretch.text) for stretch in words)
    if not words or (not full and alike < _ALIKE * whole):
        return
    parts = []
    for place, stretch in enumerate(words):
        text = stretch.text
        if stretch.kind == "same":
            parts.append(text if full else _shortened(text, place == 0, place == len(words) - 1))
        else:
            space = text[len(text.rstrip()) :]
            sign = "-" if stretch.kind == "removed" else "+"
            brackets = "[]" if stretch.kind == "removed" else "{}"
            parts.append(f"{brackets[0]}{sign}{text.rstrip()}{sign}{brackets[1]}{space}")
    yield Line("words", "".join(parts), "yellow")


def verdict_word(verdict: Verdict | None) -> str:
    """Return a verdict in two words."""
    if verdict is None:
        return "not judged"
    if verdict.p_revise is None:
        return f"{_SAYS[verdict.kind]} ({verdict.why})"
    return f"{_SAYS[verdict.kind]} (p_revise {verdict.p_revise:.3f})"


def _value(value: Any, full: bool) -> str:
    text = canonical_json(value)
    return text if full else one_line(text, _VALUE)


def _shortened(text: str, first: bool, last: bool) -> str:
    if len(text) <= 2 * _AROUND:
        return text
    return ("" if first else text[:_AROUND]) + " … " + ("" if last else text[-_AROUND:])
