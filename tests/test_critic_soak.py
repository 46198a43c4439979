"""Many sessions on one critic for a long time, while its worker is killed again and again.

``ACC_SOAK`` is the number of judgements (2,000), ``ACC_SOAK_SEED`` the seed of everything that is left to chance:
``ACC_SOAK=50000 pytest -m slow -n 0 -s tests/test_critic_soak.py``.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from statistics import median

import pytest
from msgspec.structs import replace

from actorcritic_cli.bench.process import resident_memory
from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.protocol import Case, Reading
from actorcritic_cli.types import Message, Verdict
from tests.critic_cases import cancel, case, plain
from tests.critic_fresh import Fresh

JUDGEMENTS = int(os.environ.get("ACC_SOAK", "2000"))
SEED = int(os.environ.get("ACC_SOAK_SEED", "0"))
SESSIONS, THREADS, TURNS = 16, 8, 8
BOUND = 60.0
"""Seconds that a judgement may take, restarts of the worker and waiting included."""
PATIENCE = 30.0
"""Seconds beyond the bound after which a judgement is taken to hang."""
BETWEEN_KILLS = (20, 70)
"""Judgements between two kills."""
QUIET = 0.7
"""After this part of the run nobody is killed, so that one worker grows old."""
NEAR = 1e-3
"""How near a verdict must be to that of a fresh evaluation."""

PLACES = ("Boston", "Chicago", "Denver", "Miami", "Seattle", "Dallas", "Atlanta", "Houston")
RESULT = Message("tool", '{"status": "cancelled", "refund": 120}', tool_call_id="c1", name="cancel_booking")
CANDIDATES = ("Shall I cancel it?", cancel("B-7"), "I promise you 100 dollars.", "It is done. Anything else?")


def conversation(number: int) -> list[Case]:
    """A session's judgements, turn by turn. Nothing but its marker, in what its user says, makes it differ from others.

    Even the delimiters are the same for all sessions, so only the marker can tell their verdicts apart.
    """
    rng = random.Random(f"marker {number}")
    said: list[Message] = []
    cases = []
    for turn in range(TURNS):
        marker = f"{rng.choice(PLACES)} {rng.randrange(10_000)} {rng.choice(PLACES)} {rng.choice('abcdefgh')}{number}"
        said.append(Message("user", f"Now the trip {marker}: is that settled?"))
        judged = replace(case(CANDIDATES[turn % 4], *said, session=f"s-{number}", max_seconds=BOUND), nonce="soak")
        cases.append(judged)
        said.append(judged.proposal.message)
        if judged.proposal.kind == "tool_call":
            said.append(RESULT)
    return cases


class Soak:
    """The sessions on their threads, who kills, and what came of it."""

    def __init__(self, critic: LlamaCritic):
        self.critic = critic
        self.rng = random.Random(SEED)
        self.lock = threading.Lock()
        self.left = JUDGEMENTS
        self.until_kill = self.rng.randint(*BETWEEN_KILLS)
        self.kills = 0
        self.answers: list[tuple[int, int, Verdict]] = []
        self.slowest = 0.0
        self.parent: list[int] = []
        self.worker: list[tuple[int, int]] = []

    def hold(self, sessions: list[int], seed: str) -> None:
        """Hold sessions in turn, and again from their beginning, until there have been enough judgements."""
        rng = random.Random(f"{SEED} {seed}")
        under_way = {number: self._endless(number) for number in sessions}
        while self._take():
            number = rng.choice(sessions)
            turn, judged = next(under_way[number])
            if rng.random() < 0.4:
                known = (judged.session, judged.policy, judged.tools, judged.transcript, judged.nonce)
                self.critic.prefill(Reading(*known))
            began = time.monotonic()
            verdict = self.critic.judge(judged)
            with self.lock:
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.answers.append((number, turn, verdict))
                self._look(len(self.answers))

    def _endless(self, number: int) -> Iterator[tuple[int, Case]]:
        cases = conversation(number)
        while True:
            yield from enumerate(cases)

    def _take(self) -> bool:
        """Whether there is to be one more judgement; it may be the one during which the worker is killed."""
        with self.lock:
            if self.left == 0:
                return False
            self.left -= 1
            self.until_kill -= 1
            if self.until_kill <= 0 and self.left > JUDGEMENTS * (1 - QUIET):
                pid = self.critic.worker_pid
                if pid is not None:
                    self.until_kill = self.rng.randint(*BETWEEN_KILLS)
                    self.kills += 1
                    threading.Timer(self.rng.uniform(0, 0.05), _kill, [pid]).start()
            return True

    def _look(self, done: int) -> None:
        if done % 20 == 0:
            own, pid = resident_memory(os.getpid()), self.critic.worker_pid
            if own is not None:
                self.parent.append(own)
            worker = resident_memory(pid) if pid is not None else None
            if pid is not None and worker is not None:
                self.worker.append((pid, worker))


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(0)  # it has bounds of its own
def test_two_thousand_judgements_of_sixteen_sessions_while_the_worker_is_killed() -> None:
    fresh = Fresh(plain())
    wanted = {(n, turn): fresh.p_revise(c) for n in range(SESSIONS) for turn, c in enumerate(conversation(n))}
    gaps = [
        abs(wanted[one, turn] - wanted[other, turn])
        for turn in range(TURNS)
        for one, other in combinations(range(SESSIONS), 2)
    ]
    # A session's verdict for another one's case would be noticed nearly always, and typically by far.
    assert sum(gap > 2 * NEAR for gap in gaps) > 0.95 * len(gaps)
    assert median(gaps) > 30 * NEAR
    threshold = sorted(wanted.values())[int(len(wanted) * 0.95)]  # a few get a written critique

    with LlamaCritic(plain(), threshold=threshold, n_ctx=2048, threads=1) as critic:
        critic.start()
        soak = Soak(critic)
        threads = ThreadPoolExecutor(THREADS)
        running = [
            threads.submit(soak.hold, list(range(thread, SESSIONS, THREADS)), f"thread {thread}")
            for thread in range(THREADS)
        ]
        for thread in running:
            thread.result(timeout=JUDGEMENTS * (BOUND + PATIENCE))
        threads.shutdown()

    kinds = Counter(verdict.why or verdict.kind for _, _, verdict in soak.answers)
    first, last = soak.parent[len(soak.parent) // 2], soak.parent[-1]
    age = Counter(pid for pid, _ in soak.worker)
    oldest, _ = age.most_common(1)[0]
    grown = [size for pid, size in soak.worker if pid == oldest]
    half = grown[len(grown) // 2 :]
    print(
        f"\n{len(soak.answers)} judgements, {soak.kills} kills, {dict(kinds)}, slowest {soak.slowest:.1f} s; resident: "
        f"parent {first / 1e6:.0f} → {last / 1e6:.0f} MB, worker {half[0] / 1e6:.0f} → {half[-1] / 1e6:.0f} MB"
    )

    assert len(soak.answers) == JUDGEMENTS
    assert soak.kills >= JUDGEMENTS * QUIET / BETWEEN_KILLS[1] / 2
    assert soak.slowest < BOUND + PATIENCE  # nothing hung
    wrong = [
        (number, turn, verdict.p_revise, wanted[number, turn])
        for number, turn, verdict in soak.answers
        if verdict.p_revise is not None and abs(verdict.p_revise - wanted[number, turn]) > NEAR
    ]
    assert wrong == []
    # What a kill costs is no verdict, for those that were under way, and nothing else.
    assert set(kinds) <= {"approve", "revise", "crash"}
    assert kinds["crash"] <= soak.kills * THREADS
    assert kinds["revise"] > 0
    second = soak.parent[len(soak.parent) // 2 :]
    assert max(second) <= 1.05 * second[0]
    assert max(half) <= 1.05 * half[0]
