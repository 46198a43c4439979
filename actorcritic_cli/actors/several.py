"""Several model calls at the same time: the wait is that of the slowest, not the sum of all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future

from actorcritic_cli.actors.protocol import ActorFailed, Proposing


def at_once(calls: Iterable[Callable[[], Proposing]]) -> Iterator[Proposing]:
    """Make calls on threads of their own; yield their answers in the order of the calls.

    Answers are yielded before a failure is raised, whichever comes first, since they have cost as much. Raises the
    ``ActorFailed`` of the first call that failed. Whoever leaves (Ctrl-C) does not wait for calls under way.
    """
    under_way = [_start(call) for call in calls]
    failed: ActorFailed | None = None
    for answer in under_way:
        try:
            yield answer.result()
        except ActorFailed as failure:
            failed = failed or failure
    if failed is not None:
        raise failed


def _start(call: Callable[[], Proposing]) -> Future[Proposing]:
    answer: Future[Proposing] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # whatever it is, it belongs to the one who waits
            answer.set_exception(error)

    threading.Thread(target=run, name="candidate", daemon=True).start()
    return answer
