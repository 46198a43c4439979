"""What a benchmark found, as plain values: seconds by repetition, and the figures made of them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from msgspec import Struct, field, to_builtins


class Timed(Struct):
    """Seconds of one thing on every side, repetition by repetition; the k-th of each were taken next to each other.

    ``new`` and ``written`` are the tokens that ours read and wrote, ``naive_written`` those that the naive way wrote.
    """

    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    naive: list[float] = field(default_factory=list)
    verdict_only: list[float] = field(default_factory=list)
    """The naive way with the tersest schema."""
    new: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    naive_written: list[int] = field(default_factory=list)


class Start(Struct):
    """The first verdict of a new worker, in seconds, by where the shared prefix came from.

    ``loading`` is the time to load the model, which the others do not contain. ``in_session`` is with the state file and as
    a session has it: while the actor wrote its proposal (``--actor-seconds``) the worker read the conversation, and the
    proposal as it came in. ``from_file`` is the same with nothing read ahead, ``in_memory`` by a worker that has the prefix
    already.
    """

    loading: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    from_file: list[float] = field(default_factory=list)
    in_session: list[float] = field(default_factory=list)
    in_memory: list[float] = field(default_factory=list)


class Throughput(Struct):
    """Judgements per second of some sessions, one after another and all at once, by repetition.

    The proposals were heard, as in a session; ``new`` are the tokens that were left for each judgement one by one. The floor
    is the model alone, reading as many tokens for each.
    """

    sessions: int
    one_by_one: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)
    new: list[int] = field(default_factory=list)
    floor_one_by_one: list[float] = field(default_factory=list)
    floor_together: list[float] = field(default_factory=list)


class Memory(Struct):
    """What is kept. Cells are tokens in llama.cpp's memory; bytes are of the working set at its peak.

    ``one`` is a session alone with the prefix, ``all`` are ``sessions`` sessions that share it, ``own`` what those but the
    first one added. ``separate`` is what they would take if each kept the prefix for itself.
    """

    sessions: int = 0
    one: int = 0
    own: int = 0
    all: int = 0
    separate: int = 0
    bytes_per_cell: float | None = None
    worker_peak: int | None = None
    naive_peak: int | None = None
    kept: bool = True
    """Whether all sessions were still there at the end."""


class Waiting(Struct):
    """Seconds of a whole conversation with an actor that takes its time, without and with supervision.

    Nothing is sent back in it. ``revised`` is the same with the first proposal that was sent back when it was recorded: one
    critique and one proposal more. ``added`` are the seconds of each judgement of ``supervised``. ``floor`` are those in
    which the model alone reads the ``new`` tokens of the longest case, in one piece and with nobody to wait for: about what
    there is to be read in the conversation.
    """

    actor_seconds: float
    proposals: int = 0
    judgements: int = 0
    unsupervised: list[float] = field(default_factory=list)
    supervised: list[float] = field(default_factory=list)
    revised: list[float] = field(default_factory=list)
    added: list[float] = field(default_factory=list)
    new: int = 0
    floor: list[float] = field(default_factory=list)


class Figure(Struct, frozen=True):
    """One figure, ``goal`` being what it is to be at most (``at_least``: at least) for the 0.5 B shape on two cores."""

    name: str
    value: float | None
    goal: float | None = None
    at_least: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; ``None`` where there is none or nothing was measured."""
        if self.value is None or self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


class Report(Struct):
    """Everything that was measured so far, and under which circumstances."""

    model: str
    sha256: str
    quantisation: str
    parameters: int | None
    threads: int
    trace: str
    judgements: int
    repeat: int
    prefix_tokens: int = 0
    longest_tokens: int = 0
    n_ctx: int = 0
    start: Start = field(default_factory=Start)
    approved: Timed = field(default_factory=Timed)
    """What an approved action adds after its actor has written it: the critic has read along, as in a session."""
    at_once: Timed = field(default_factory=Timed)
    """The same where the proposal was there at once, and none of it could be read while it came in."""
    revised: Timed = field(default_factory=Timed)
    throughput: list[Throughput] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    waiting: Waiting | None = None
    naive_answer: str = ""
    """The last answer of the naive way, as an example."""
    notes: list[str] = field(default_factory=list)

    @property
    def figures(self) -> list[Figure]:
        """The ratios that tell how good it is."""
        start, memory, most = self.start, self.memory, self.throughput[-1] if self.throughput else None
        cold_prefix = [cold - rest for cold, rest in zip(start.cold, start.in_memory, strict=False)]
        loaded_prefix = [max(0.0, all_ - rest) for all_, rest in zip(start.from_file, start.in_memory, strict=False)]
        waiting = self.waiting
        found = [
            Figure("approved action / naive", ratio(self.approved.ours, self.approved.naive), 0.1),
            Figure("approved action / naive, verdict only", ratio(self.approved.ours, self.approved.verdict_only)),
            Figure("approved action / floor", ratio(self.approved.ours, self.approved.floor), 1.25),
            Figure("approved, proposal there at once / naive", ratio(self.at_once.ours, self.at_once.naive)),
            Figure("approved, proposal there at once / floor", ratio(self.at_once.ours, self.at_once.floor)),
            Figure("revised action / naive", ratio(self.revised.ours, self.revised.naive)),
            Figure("revised action / floor", ratio(self.revised.ours, self.revised.floor)),
            Figure("first verdict, state file / cold prefix", ratio(start.in_session, cold_prefix), 0.02),
            Figure("the same, nothing read ahead / cold prefix", ratio(start.from_file, cold_prefix)),
            Figure("prefix alone, state file / cold", ratio(loaded_prefix, cold_prefix)),
        ]
        if most is not None:
            name = f"{most.sessions} sessions at once / one by one"
            found.append(Figure(name, ratio(most.together, most.one_by_one), 1.8, at_least=True))
            found.append(Figure(f"{name}, the model alone", ratio(most.floor_together, most.floor_one_by_one)))
        if memory.one:
            name = f"cells of {memory.sessions} sessions / one and their own"
            found.append(Figure(name, memory.all / (memory.one + memory.own), 1.3))
            found.append(Figure("cells shared / separate", memory.all / memory.separate))
        if waiting is not None and waiting.supervised:
            name = f"conversation, actor of {waiting.actor_seconds:g} s: supervised / not"
            found.append(Figure(name, ratio(waiting.supervised, waiting.unsupervised), 1.1))
            name = "reading it, the model alone / the conversation unsupervised"
            found.append(Figure(name, ratio(waiting.floor, waiting.unsupervised)))
        return [figure for figure in found if figure.value is not None]


def document(report: Report) -> dict[str, Any]:
    """Return a report with its figures as JSON values."""
    figures = [{**to_builtins(figure), "reached": figure.reached} for figure in report.figures]
    return {**to_builtins(report), "figures": figures}


def ratio(ours: Sequence[float], others: Sequence[float]) -> float | None:
    """Return the median of the ratios of neighbours, or ``None`` where nothing can be compared.

    >>> ratio([1.0, 2.0, 9.0], [2.0, 4.0, 10.0])
    0.5
    """
    pairs = [one / other for one, other in zip(ours, others, strict=False) if other > 0]
    return median(pairs) if pairs else None


def middle(values: Sequence[float]) -> float | None:
    """Return the median, or ``None`` of nothing."""
    return median(values) if values else None
