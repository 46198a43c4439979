"""One judged proposal, as a session has it: what is new in the conversation is read, and the verdict given.

Sessions of the recorded conversation are judged one after another, every proposal of each in order and approved; the first
one only warms up, and its first verdict is told apart. Nothing is read ahead. So different critics are compared by what
one waits for, whatever prompt each of them reads. Replies that a critic approves unasked do not count.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from msgspec import Struct

from actorcritic_cli.bench import conversation as talk
from actorcritic_cli.bench.beside import Beside
from actorcritic_cli.bench.conversation import Conversation
from actorcritic_cli.bench.measure import Tell, bench_home
from actorcritic_cli.critics import cpu
from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.errors import AccError

PREFIX = 1700
"""Tokens of policy and tools that a model reads which needs to read them: about those of a short policy."""


class Speed(Struct, frozen=True):
    """How fast a critic is, in seconds: to load, to give its very first verdict, and the median and the 95th percentile of
    one judged proposal after that. ``tokens`` is the median of the tokens that one read anew."""

    model: str
    parameters: int
    loading: float
    first: float
    median: float
    p95: float
    tokens: float
    judgements: int
    threads: int


def judged(
    path: Path,
    name: str,
    conversation: Conversation,
    folder: Path,
    repeat: int,
    tell: Tell,
    *,
    threads: int | None = None,
    template: str | None = None,
    prefix_tokens: int | None = None,
) -> Speed:
    """Measure a critic's file. ``prefix_tokens`` cuts policy and tools for one that reads them. Raises ``AccError``."""
    threads = threads or cpu.threads()
    if prefix_tokens is not None:
        conversation = _cut(path, conversation, prefix_tokens, folder)
    with bench_home(folder):
        critic = LlamaCritic(path, threshold=1.0, template=template, threads=threads, judge_timeout=3600.0)
    with critic:
        tell(f"loading {name}", 0, 1)
        began = time.monotonic()
        critic.start()
        loading = time.monotonic() - began
        seconds: list[float] = []
        read: list[int] = []
        for session in range(repeat + 1):
            tell(f"judging with {name}", session, repeat + 1)
            for number in range(len(conversation.cases)):
                case = conversation.of_session(number, f"session {session}")
                began = time.monotonic()
                verdict = critic.judge(case)
                if verdict.kind == "no_verdict":
                    raise AccError(f"{name} gave no verdict ({verdict.why}): {verdict.message}.")
                if verdict.detail.get("plain"):
                    continue  # approved unasked
                seconds.append(time.monotonic() - began)
                read.append(int(verdict.detail["tokens_evaluated"]))
    count = len(seconds) // (repeat + 1)
    if not count:
        raise AccError(f"{name} approves every proposal of this conversation unasked; name another --trace.")
    later = sorted(seconds[count:])
    return Speed(
        name,
        critic.file.parameters,
        loading,
        seconds[0],
        median(later),
        later[min(len(later) - 1, round(0.95 * len(later)))],
        median(read[count:]),
        len(later),
        threads,
    )


def _cut(path: Path, conversation: Conversation, tokens: int, folder: Path) -> Conversation:
    with Beside("floor", folder / "floor.log", passive=True) as floor:
        floor.ask("load", path=str(path.resolve()))
        return talk.with_prefix_of(conversation, tokens, lambda text: int(floor.ask("count", text=text)["tokens"]))
