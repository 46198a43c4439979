"""How the benchmark puts its cases to a critic."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from actorcritic_cli.bench.streaming import play
from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.protocol import Case, Reading
from actorcritic_cli.errors import AccError
from actorcritic_cli.session.overhear import Overhearing
from actorcritic_cli.types import Message, Verdict


def known(case: Case, draft: Message) -> Reading:
    """Return what a critic knows of a case while its proposal comes in."""
    return Reading(case.session, case.policy, case.tools, case.transcript, case.nonce, draft)


def hear(critic: LlamaCritic, case: Case, seconds: float) -> None:
    """Have a critic read along while an actor writes the proposal for so many seconds, as a session does."""
    begun = known(case, Message("assistant"))
    critic.prefill(begun)
    play(case.proposal.message, seconds, Overhearing(critic, begun).hear)


def judged(critic: LlamaCritic, case: Case) -> Verdict:
    """Judge, and insist on a verdict: a failed judgement is no measurement."""
    verdict = critic.judge(case)
    if verdict.kind == "no_verdict":
        raise AccError(f"The critic gave no verdict ({verdict.why}): {verdict.message}.")
    return verdict


def judged_at_once(critic: LlamaCritic, cases: Sequence[Case]) -> None:
    """Judge all cases at the same time, each from a thread of its own."""
    ready = threading.Barrier(len(cases))

    def judge(case: Case) -> None:
        ready.wait()
        judged(critic, case)

    with ThreadPoolExecutor(len(cases)) as threads:
        for done in [threads.submit(judge, case) for case in cases]:
            done.result()
