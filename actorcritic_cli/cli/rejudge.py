"""The part of ``acc replay`` that puts what is on record before another critic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorcritic_cli.cli.common import print_json, say
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import Gate


def rejudge(
    library: Library,
    sessions: Sequence[str],
    critics: Sequence[str],
    options: dict[str, Any],
    *,
    gate: Gate | None,
    again: bool,
    jobs: int,
    json: bool,
) -> None:
    """Judge sessions with a critic (or a panel), store its verdicts and print what flips."""
    from actorcritic_cli.critics.resolve import resolve_all
    from actorcritic_cli.replay.flips import totals
    from actorcritic_cli.replay.rejudge import Rejudging
    from actorcritic_cli.show.bar import counting
    from actorcritic_cli.show.rejudge import print_rejudged

    judge = resolve_all(critics, options)
    try:
        judge.start()
        with counting("judging again") as progress:
            try:
                done = Rejudging(library.database.path, judge, gate=gate, again=again).judge_all(
                    sessions, jobs, progress
                )
            except KeyboardInterrupt:
                say("interrupted; what was judged is on record: the same command goes on from there.")
                raise
    finally:
        judge.close()
    total = totals(done)
    if json:
        print_json({"critic": judge.identity, "total": total, "sessions": done})
    else:
        print_rejudged(judge.identity, total, done)
