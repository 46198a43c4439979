"""Several sessions of one critic: what they keep in its memory, and how many judgements they get."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from actorcritic_cli.bench.asking import judged, judged_at_once, known
from actorcritic_cli.bench.beside import Beside
from actorcritic_cli.bench.report import Report, Throughput
from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.prompt import say_so_far
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.errors import AccError
from actorcritic_cli.types import Message

_HEARING = 0.3
"""Seconds in which a worker that has nothing else to do reads the two tokens that are new for a session."""


def keep(critic: LlamaCritic, cases: Sequence[Case], report: Report) -> None:
    """Judge one case of every session; report what the sessions take, by what the worker says it read."""
    first = [judged(critic, case).detail for case in cases]
    again = [judged(critic, case).detail for case in cases]
    prefix, memory = report.prefix_tokens, report.memory
    memory.sessions = len(cases)
    memory.one = first[0]["tokens_total"]
    memory.own = sum(detail["tokens_total"] - prefix for detail in first[1:])
    memory.all = memory.one + sum(detail["tokens_evaluated"] for detail in first[1:])
    memory.separate = sum(detail["tokens_total"] for detail in first)
    memory.kept = all(detail["tokens_reused"] > prefix for detail in again)
    if not memory.kept:
        report.notes.append("Not every session was still in the model's memory after the others were read.")


def take_turns(critic: LlamaCritic, cases: Sequence[Case], found: Throughput) -> None:
    """Judge every session's case, which is in memory, twice one by one and twice at once, as when its proposal was heard.

    Before each round the critic hears the settled part of each proposal go on in other words: so it takes the end of the
    proposal and the question off, and has to read them again.
    """
    spent = {"one_by_one": 0.0, "together": 0.0}
    for at_once in (False, True, True, False):
        for case in cases:
            critic.prefill(known(case, Message("assistant", f"{say_so_far(case.proposal.message)} and more")))
        time.sleep(_HEARING * len(cases))
        began = time.monotonic()
        if at_once:
            judged_at_once(critic, cases)
        else:
            found.new += [judged(critic, case).detail["tokens_evaluated"] for case in cases]
        spent["together" if at_once else "one_by_one"] += time.monotonic() - began
    found.one_by_one.append(2 * len(cases) / spent["one_by_one"])
    found.together.append(2 * len(cases) / spent["together"])


def several_alone(floor: Beside, path: str, report: Report, threads: int) -> bool:
    """Have the model in ``path`` alone hold what the sessions keep; return whether it can, and note why not."""
    memory = report.memory
    spare = memory.own // memory.one + 2
    try:
        floor.ask("load", path=path)
        floor.ask("open", n_ctx=report.n_ctx + memory.one, threads=threads, sequences=memory.sessions + spare)
        floor.ask("share", sessions=memory.sessions, depth=memory.one, others=memory.own)
    except AccError as error:
        report.notes.append(f"Several sessions have no floor: {error}")
        return False
    return True


def take_turns_alone(floor: Beside, found: Throughput, depth: int) -> None:
    """Have the model alone read, one by one and at once, as many tokens as each judgement took after ``depth`` others."""
    new = round(median(found.new))
    read = floor.ask("several", sessions=found.sessions, depth=depth, new=new)
    found.floor_one_by_one.append(found.sessions / read["one_by_one"])
    found.floor_together.append(found.sessions / read["together"])
