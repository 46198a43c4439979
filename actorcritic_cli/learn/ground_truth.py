"""Labels from the calls that a task expects.

Each write call that was carried out without failing is right if the task expects a call of the same tool with the same
arguments (see ``writes.normalised``), else wrong. A call that repeats an expected one is right again. Failed calls, reads
and replies get no label, nor do proposals that were never carried out. On the recordings of τ-bench no call of a rewarded
run is wrong by this rule, while one that compared the arguments exactly would find one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from actorcritic_cli.learn.writes import Held, Write
from actorcritic_cli.types import Label

Place = tuple[int, int]
"""A proposal of a session: step and attempt."""


def write_labels(held: Held) -> list[tuple[Write, Label]]:
    """Return the label of every write that did not fail; none for an unsuitable session."""
    if held.unsuitable is not None:
        return []
    return [(write, _label(held, write)) for write in held.writes if not write.failed]


def by_proposal(labels: Iterable[tuple[Write, Label]]) -> dict[Place, Label]:
    """Return the label of each proposal: of several calls in one message, one wrong call makes it wrong."""
    found: dict[Place, Label] = {}
    for write, label in labels:
        place = (write.step, write.attempt)
        if place not in found or found[place].label == "approve":
            found[place] = label
    return found


def missing(held: Held) -> int:
    """Return how many of the expected writes were never made."""
    made = {held.identity(write.tool, write.arguments) for write in held.writes if not write.failed}
    return len(held.expected - made)


def _label(held: Held, write: Write) -> Label:
    if held.identity(write.tool, write.arguments) in held.expected:
        return Label("approve", "the task expects it", "ground_truth")
    if not held.expected:
        return Label("revise", "the task expects no write at all", "ground_truth")
    if any(tool == write.tool for tool, _ in held.expected):
        return Label("revise", f"the task expects {write.tool} with other arguments", "ground_truth")
    return Label("revise", f"the task expects no {write.tool}", "ground_truth")


class Split(Struct, frozen=True):
    """Labels of one kind of session or tool."""

    approve: int
    revise: int


class ToolTally(Struct, frozen=True):
    """The labels of one tool's calls; ``first`` counts the sessions whose first wrong write is one of them."""

    tool: str
    approve: int
    revise: int
    first: int


class Tally(Struct, frozen=True):
    """What labelling by ground truth found. Counts are of calls unless said otherwise.

    ``first_wrong`` tells, for the sessions that did not pass and have a wrong write, what was wrong with the first one;
    ``without_wrong`` what the other sessions that did not pass lack. Both count sessions.
    """

    sessions: int
    skipped: dict[str, int]
    """Why sessions were left out → how many."""
    writes: int
    failed: int
    approve: int
    revise: int
    passed: Split
    not_passed: Split
    unscored: Split
    tools: list[ToolTally]
    first_wrong: dict[str, int]
    without_wrong: dict[str, int]


def tally(sessions: Iterable[Held]) -> Tally:
    """Count the labels of sessions. Holds nothing but counts, so that any number of sessions can be given one by one."""
    skipped, firsts, first_wrong, without_wrong = (Counter[str]() for _ in range(4))
    words: Counter[tuple[bool | None, str]] = Counter()
    by_tool: Counter[tuple[str, str]] = Counter()
    count = writes = failed = 0
    for held in sessions:
        if held.unsuitable is not None:
            skipped[held.unsuitable] += 1
            continue
        count += 1
        writes += len(held.writes)
        failed += sum(write.failed for write in held.writes)
        labels = write_labels(held)
        for write, label in labels:
            words[held.passed, label.label] += 1
            by_tool[write.tool, label.label] += 1
        wrong = next((write for write, label in labels if label.label == "revise"), None)
        if wrong is not None:
            firsts[wrong.tool] += 1
        if held.passed is False:
            if wrong is not None:
                first_wrong[_kind(held, wrong)] += 1
            else:
                without_wrong["expected writes missing" if missing(held) else "no expected write missing"] += 1
    tools = sorted({tool for tool, _ in by_tool}, key=lambda tool: (-firsts[tool], -by_tool[tool, "revise"], tool))
    return Tally(
        sessions=count,
        skipped=dict(sorted(skipped.items())),
        writes=writes,
        failed=failed,
        approve=sum(n for (_, word), n in words.items() if word == "approve"),
        revise=sum(n for (_, word), n in words.items() if word == "revise"),
        passed=_split(words, True),
        not_passed=_split(words, False),
        unscored=_split(words, None),
        tools=[ToolTally(tool, by_tool[tool, "approve"], by_tool[tool, "revise"], firsts[tool]) for tool in tools],
        first_wrong=dict(first_wrong.most_common()),
        without_wrong=dict(without_wrong.most_common()),
    )


def _split(words: Mapping[tuple[bool | None, str], int], passed: bool | None) -> Split:
    return Split(words.get((passed, "approve"), 0), words.get((passed, "revise"), 0))


def _kind(held: Held, wrong: Write) -> str:
    if not held.expected:
        return "no write expected"
    return "other arguments expected" if any(tool == wrong.tool for tool, _ in held.expected) else "tool not expected"
