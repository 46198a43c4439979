"""A critic on labelled cases: what it catches, what it lets through, and how well it knows why.

Every case is put before the critic as in a live session. Cases of one session are judged in order, so that what was
read of a conversation is used again; sessions are judged at the same time, so that an engine that batches can."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from msgspec import Struct

from actorcritic_cli.analysis.calibration import calibration_estimate
from actorcritic_cli.analysis.clustered import Ratio, ratios
from actorcritic_cli.analysis.operating import Catch, catches
from actorcritic_cli.analysis.quality import Quality, quality
from actorcritic_cli.analysis.quantiles import Spread, spread
from actorcritic_cli.analysis.shares import Estimate
from actorcritic_cli.critics.protocol import Critic
from actorcritic_cli.learn.dataset import Context, Row, case_of
from actorcritic_cli.session.safe import safe_verdict
from actorcritic_cli.store.labelled import Judge, Labelled
from actorcritic_cli.store.selection import critic_name
from actorcritic_cli.types import CriticIdentity, Verdict

RATES = (0.01, 0.05, 0.1)
"""False-alarm rates at which catches are told."""
Progress = Callable[[int, int | None], None]


class Judged(Struct, frozen=True):
    """A case and what the critic said of it."""

    row: Row
    verdict: Verdict


class SlipCatches(Struct, frozen=True):
    """What became of one kind of slip at the critic's threshold: ``caught`` of ``cases``, and the right rule ``named`` in
    so many of the ``ruled`` catches whose label names one."""

    caught: int
    cases: int
    named: int
    ruled: int


class Agreement(Struct, frozen=True):
    """How alike two critics judge: the share of cases with the same verdict, and the greatest difference in
    ``p_revise``."""

    same: Estimate
    furthest: float


class Evaluation(Struct, frozen=True):
    """How a critic did on labelled cases.

    ``named`` is the share of catches whose critique names the rule that is broken, of those where the label names one;
    ``ece`` the expected calibration error; ``latency`` is in seconds a judgement, waiting for others included. ``cases``
    were to be judged, ``judged`` were.
    """

    critic: CriticIdentity
    cases: int
    judged: int
    quality: Quality
    catches: tuple[Catch, ...]
    named: Estimate
    ece: Estimate
    latency: Spread | None
    no_verdicts: dict[str, int]
    """Why there was no verdict → how often."""
    environments: dict[str, Evaluation]
    """The same for each environment, where there are several."""
    slips: dict[str, SlipCatches]
    """Kind of slip → what became of those."""
    agreement: Agreement | None = None
    """With the first of several critics."""

    @property
    def threshold(self) -> float:
        """The critic's own threshold."""
        return self.critic.threshold


class Evaluating:
    """Puts cases before a critic, ``jobs`` sessions at a time."""

    def __init__(self, critic: Critic, contexts: Mapping[str, Context], judged: list[Judged] | None = None):
        self.critic, self.contexts = critic, contexts
        self.judged: list[Judged] = [] if judged is None else judged
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def judge_all(self, rows: Iterable[Row], jobs: int, progress: Progress) -> list[Judged]:
        """Judge cases and return what came of them, in no particular order.

        ``KeyboardInterrupt`` on the calling thread waits for the judgements under way and is raised again; ``judged``
        has what was judged until then."""
        sessions: dict[str, list[Row]] = {}
        for row in rows:
            sessions.setdefault(row.session, []).append(row)
        total = sum(map(len, sessions.values()))
        waiting = [sorted(own, key=lambda row: (row.step, row.attempt)) for own in sessions.values()]
        with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="evaluate") as pool:
            under_way: set[Future[None]] = set()
            try:
                while waiting or under_way:
                    while waiting and len(under_way) < jobs:
                        under_way.add(pool.submit(self._judge, waiting.pop(0)))
                    finished, under_way = wait(under_way, timeout=0.5, return_when=FIRST_COMPLETED)
                    for future in finished:
                        future.result()
                    progress(len(self.judged), total)
            except BaseException:
                self._stopping.set()
                raise
        return self.judged

    def _judge(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if self._stopping.is_set():
                return
            verdict = safe_verdict(self.critic.judge(case_of(row, self.contexts)))
            if self._stopping.is_set() and verdict.kind == "no_verdict":
                return  # it was broken off, which says nothing of the critic
            with self._lock:
                self.judged.append(Judged(row, verdict))


def evaluation(
    critic: CriticIdentity,
    judged: Sequence[Judged],
    cases: int | None = None,
    rates: Sequence[float] = RATES,
    *,
    by_env: bool = True,
) -> Evaluation:
    """Return how a critic did; ``cases`` is how many there were, if more than were judged."""
    labelled = [Labelled(_task(j.row), j.verdict.kind, j.verdict.p_revise, j.row.label == "revise") for j in judged]
    scored = [(row.task, row.p_revise, row.wrong) for row in labelled if row.p_revise is not None]
    envs = sorted({j.row.env for j in judged})
    parts = {env: [j for j in judged if j.row.env == env] for env in envs} if by_env and len(envs) > 1 else {}
    return Evaluation(
        critic=critic,
        cases=len(judged) if cases is None else cases,
        judged=len(judged),
        quality=quality(Judge(0, False, critic_name(critic.name, critic.id), _sources(judged)), labelled),
        catches=tuple(catches(scored, rates)),
        named=_named(judged),
        ece=calibration_estimate(scored),
        latency=spread([j.verdict.latency for j in judged if j.verdict.kind != "no_verdict"]),
        no_verdicts=dict(Counter(j.verdict.why or "unknown" for j in judged if j.verdict.kind == "no_verdict")),
        environments={env: evaluation(critic, own, rates=rates, by_env=False) for env, own in parts.items()},
        slips=_slips(judged),
    )


def names(rule: str, said: str) -> bool:
    """Whether a text names a rule: it says the same, or has the rule in it as whole words or as a whole number.

    >>> names("R1.2", "Rule R1.2: confirm first"), names("R1.2", "R1.25"), names("rule 4", "Rule  4.")
    (True, False, True)
    """
    wanted, text = (" ".join(part.casefold().split()).rstrip(".") for part in (rule, said))
    return bool(wanted) and re.search(rf"(?<![\w.]){re.escape(wanted)}(?!\w|\.\w)", text) is not None


def agreement(first: Sequence[Judged], other: Sequence[Judged]) -> Agreement:
    """Return how alike two critics judged the cases that both gave a verdict on."""
    known = {j.row.id: j.verdict for j in first if j.verdict.kind != "no_verdict"}
    tasks: dict[str, list[float]] = {}
    furthest = 0.0
    for one in other:
        verdict = known.get(one.row.id)
        if verdict is None or one.verdict.kind == "no_verdict":
            continue
        own = tasks.setdefault(_task(one.row), [0.0, 0.0])
        own[0] += one.verdict.kind == verdict.kind
        own[1] += 1
        if verdict.p_revise is not None and one.verdict.p_revise is not None:
            furthest = max(furthest, abs(verdict.p_revise - one.verdict.p_revise))
    same = ratios([own for _, own in sorted(tasks.items())], {"same": Ratio(0, 1)})["same"]
    return Agreement(same, furthest)


def _names_rule(one: Judged) -> bool:
    critique = one.verdict.critique
    return critique is not None and names(one.row.rule, critique.rule or critique.text)


def _slips(judged: Sequence[Judged]) -> dict[str, SlipCatches]:
    kinds: dict[str, list[Judged]] = {}
    for one in judged:
        if one.row.label == "revise" and one.verdict.kind != "no_verdict" and one.row.slip:
            kinds.setdefault(one.row.slip, []).append(one)
    found = {}
    for kind, own in sorted(kinds.items()):
        caught = [one for one in own if one.verdict.kind == "revise"]
        ruled = [one for one in caught if one.row.rule]
        found[kind] = SlipCatches(len(caught), len(own), sum(map(_names_rule, ruled)), len(ruled))
    return found


def _named(judged: Sequence[Judged]) -> Estimate:
    tasks: dict[str, list[float]] = {}
    for one in judged:
        if one.row.label == "revise" and one.row.rule and one.verdict.kind == "revise":
            own = tasks.setdefault(_task(one.row), [0.0, 0.0])
            own[0] += _names_rule(one)
            own[1] += 1
    return ratios([own for _, own in sorted(tasks.items())], {"named": Ratio(0, 1, "catches")})["named"]


def _task(row: Row) -> str:
    return f"{row.env}/{row.dataset}/{row.task}"


def _sources(judged: Sequence[Judged]) -> str:
    return ", ".join(sorted({one.row.source for one in judged}))
