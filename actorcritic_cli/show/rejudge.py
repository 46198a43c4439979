"""What another critic made of recorded sessions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from actorcritic_cli.replay.flips import FlipCount, Judgement, SessionVerdicts, Totals, Word
from actorcritic_cli.show.console import stdout
from actorcritic_cli.show.story import Line, print_lines
from actorcritic_cli.show.values import several
from actorcritic_cli.text import one_line
from actorcritic_cli.types import CriticIdentity

EXAMPLES = 12
"""Sessions that are shown one by one; ``--json`` has all."""
_WIDTH = 100


def print_rejudged(critic: CriticIdentity, total: Totals, sessions: Sequence[SessionVerdicts]) -> None:
    """Print what flips in all, then session by session where something does."""
    console = stdout()
    print_lines(console, _total_lines(critic, total))
    shown = [s for s in sessions if any(_is_shown(j) for j in s.judgements)]
    for session in shown[:EXAMPLES]:
        console.print()
        task = "" if session.task is None else f" (task {session.task}, trial {session.trial})"
        console.print(Text(f"── {session.session}{one_line(task)} " + "─" * 20, "dim"))
        print_lines(console, _session_lines(session))
    if len(shown) > EXAMPLES:
        console.print(Text(f"\n… and {len(shown) - EXAMPLES} more sessions with flips or objections; --json has all."))


def _total_lines(critic: CriticIdentity, total: Totals) -> Iterator[Line]:
    yield Line("critic", f"{critic.name} [{critic.id[:8]}], threshold {critic.threshold:g}", "bold")
    before = "" if total.new == total.proposals else f" ({total.new:,} now, the others before)"
    yield Line("judged", f"{several(total.proposals, 'proposal')} of {several(total.sessions, 'session')}{before}")
    for note, count in total.notes.items():
        yield Line("note", f"{note} ({several(count, 'session')})", "yellow")
    if total.missing:
        yield Line("missing", f"{several(total.missing, 'proposal')} not judged yet: say the same again", "yellow")
    if not total.proposals:
        return
    yield Line("verdicts", ", ".join(f"{name} {count:,}" for name, count in total.verdicts.items()))
    flips = sum(tally.count for tally in total.flips.values())
    if total.compared:
        kinds = "".join(f"; {name}: {_tally(tally)}" for name, tally in total.flips.items())
        yield Line("flips", f"{flips:,} of {total.compared:,} live verdicts{kinds}", "yellow" if flips else "green")
    if total.objections.count:
        yield Line(
            "objects", f"to {_tally(total.objections)} of {total.proposals - total.compared:,} without a live verdict"
        )
    if total.labelled:
        yield Line("labels", f"{total.agreeing:,} of {total.labelled:,} labelled proposals judged as the label says")
    if total.departing:
        yield Line(
            "branches",
            f"{several(total.departing, 'session')} would have gone elsewhere: from there on the verdicts are on what was "
            "recorded, not on what would have happened",
            "yellow",
        )


def _session_lines(session: SessionVerdicts) -> Iterator[Line]:
    for judgement in session.judgements:
        if not _is_shown(judgement):
            continue
        place = f"turn {judgement.step}"
        yield Line(place, one_line(judgement.says, _WIDTH), "" if judgement.kind == "reply" else "magenta")
        yield Line("", _change(judgement), "yellow" if judgement.flips else "")
        if judgement.departs and not judgement.beyond:
            yield Line(
                "", f"here the branch ends: the record tells {session.told} of {session.turns} turns of it", "yellow"
            )


def _change(judgement: Judgement) -> str:
    before, after = judgement.before, judgement.after
    words = after.kind if before is None else f"{before.kind} → {after.kind}"
    p = _p(after) if before is None else f"{_p(before)} → {_p(after)}"
    beyond = ", beyond the end of the branch" if judgement.beyond else ""
    if judgement.label is None:
        return f"{words} (p_revise {p}{beyond})"
    why = f": {one_line(judgement.label.why, 60)}" if judgement.label.why else ""
    side = "" if judgement.right is None else ", which is right" if judgement.right else ", which is wrong"
    return f"{words} (p_revise {p}{beyond}); {judgement.label.source} label {judgement.label.label}{why}{side}"


def _is_shown(judgement: Judgement) -> bool:
    # In shadow mode a verdict that stays the same can be where the branch ends: this time it would be followed.
    ends = judgement.departs and not judgement.beyond
    return judgement.flips or ends or (judgement.before is None and judgement.after.kind == "revise")


def _p(word: Word) -> str:
    return f"– ({word.why})" if word.p_revise is None else f"{word.p_revise:.3f}"


def _tally(tally: FlipCount) -> str:
    known = [f"{n:,} {what}" for n, what in ((tally.right, "right"), (tally.wrong, "wrong")) if n]
    return f"{tally.count:,}" + (f" ({', '.join(known)} by their labels)" if known else "")
