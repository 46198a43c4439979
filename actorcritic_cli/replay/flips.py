"""What another critic would have made of a session: which verdicts flip, and where the record ends to tell.

A *flip* is a proposal on which the two critics say different things. What happens after it is another matter: once a
verdict would have led elsewhere than the session went (a proposal let pass that was sent back then, or the reverse), all
that follows in the record belongs to the branch that was taken. Later verdicts are still verdicts on real proposals, but no
longer the course of a session that this critic supervises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from actorcritic_cli.replay.cases import Judgeable
from actorcritic_cli.session.decide import decide
from actorcritic_cli.session.events import Acted, Ended, Event, Started
from actorcritic_cli.types import Label, NoVerdictWhy, ProposalKind, Verdict, VerdictKind, is_success


class Word(Struct, frozen=True):
    """A verdict in short."""

    kind: VerdictKind
    p_revise: float | None
    threshold: float | None
    why: NoVerdictWhy | None = None


class Judgement(Struct, frozen=True):
    """One proposal, judged again.

    ``before`` is the live verdict, ``None`` where there was none (an unsupervised or imported session). ``right`` says
    whether the new verdict is that of the label; ``None`` without a label or a verdict. ``departs``: it would have led
    elsewhere than the session went. ``beyond``: the session had departed before.
    """

    step: int
    attempt: int
    kind: ProposalKind
    says: str
    before: Word | None
    after: Word
    flips: bool
    label: Label | None
    right: bool | None
    departs: bool
    beyond: bool


class SessionVerdicts(Struct, frozen=True):
    """What came of judging one session again. ``turns`` counts the actor's turns, ``told`` those up to the one in which the
    session departs from what the record can tell."""

    session: str
    task: str | None
    trial: int
    success: bool | None
    judgements: tuple[Judgement, ...]
    turns: int
    told: int
    new: int
    """Verdicts that were given now; the others were on record."""
    missing: int
    """Proposals without a verdict yet (the work was interrupted)."""
    notes: tuple[str, ...] = ()

    @property
    def departs_at(self) -> int | None:
        """The turn in which this critic would have led elsewhere."""
        return next((j.step for j in self.judgements if j.departs and not j.beyond), None)

    @property
    def flips(self) -> tuple[Judgement, ...]:
        """The proposals of which the critics say different things."""
        return tuple(j for j in self.judgements if j.flips)


class FlipCount(Struct):
    """How often verdicts flipped one way: in all, and as far as labels say, to the right side or to the wrong one."""

    count: int = 0
    right: int = 0
    wrong: int = 0


class Totals(Struct, frozen=True):
    """What sessions come to together. Keys of ``flips`` are (before, after) as ``approve → revise``; ``objections`` counts
    the proposals without a live verdict to which the critic objects."""

    sessions: int
    proposals: int
    new: int
    missing: int
    verdicts: dict[str, int]
    compared: int
    """Proposals with a live verdict."""
    flips: dict[str, FlipCount]
    objections: FlipCount
    labelled: int
    agreeing: int
    """Verdicts that are that of the label, of the ``labelled``."""
    departing: int
    """Sessions that would have gone elsewhere."""
    notes: dict[str, int]
    """What is to be said of policies and tools → of how many sessions."""


def compared(
    events: Sequence[Event],
    proposals: Iterable[Judgeable],
    verdicts: Mapping[tuple[int, int], Verdict],
    labels: Mapping[tuple[int, int], Label],
    *,
    new: int = 0,
    notes: tuple[str, ...] = (),
) -> SessionVerdicts:
    """Compare the verdicts given afterwards with the session's own, and with what is known of the proposals."""
    started = events[0]
    assert isinstance(started, Started)
    taken = {event.step: event.attempt for event in events if isinstance(event, Acted)}
    judgements: list[Judgement] = []
    missing, departed = 0, None
    for one in proposals:
        verdict = verdicts.get((one.step, one.attempt))
        if verdict is None:
            missing += 1
            continue
        elsewhere = _leads_elsewhere(one, verdict, verdicts, taken.get(one.step))
        label = labels.get((one.step, one.attempt))
        judgement = _judgement(one, verdict, label, departs=elsewhere, beyond=departed is not None)
        judgements.append(judgement)
        if judgement.departs and departed is None:
            departed = one.step
    ended = events[-1] if isinstance(events[-1], Ended) else None
    value = ended.reward.value if ended is not None and ended.reward is not None else None
    return SessionVerdicts(
        session=started.session,
        task=started.spec.task_id,
        trial=started.spec.trial,
        success=None if value is None else is_success(value),
        judgements=tuple(judgements),
        turns=len(taken),
        told=len(taken if departed is None else [step for step in taken if step < departed]),
        new=new,
        missing=missing,
        notes=notes,
    )


def totals(sessions: Iterable[SessionVerdicts]) -> Totals:
    """Count what came of it."""
    done = list(sessions)
    judgements = [j for session in done for j in session.judgements]
    verdicts: dict[str, int] = {}
    flips: dict[str, FlipCount] = {}
    objections = FlipCount()
    for judgement in judgements:
        name = judgement.after.kind if judgement.after.why is None else f"no_verdict ({judgement.after.why})"
        verdicts[name] = verdicts.get(name, 0) + 1
        if judgement.flips and judgement.before is not None:
            _count(flips.setdefault(f"{judgement.before.kind} → {judgement.after.kind}", FlipCount()), judgement.right)
        if judgement.before is None and judgement.after.kind == "revise":
            _count(objections, judgement.right)
    notes: dict[str, int] = {}
    for session in done:
        for note in session.notes:
            notes[note] = notes.get(note, 0) + 1
    return Totals(
        sessions=len(done),
        proposals=len(judgements),
        new=sum(session.new for session in done),
        missing=sum(session.missing for session in done),
        verdicts=dict(sorted(verdicts.items())),
        compared=sum(1 for j in judgements if j.before is not None),
        flips=dict(sorted(flips.items())),
        objections=objections,
        labelled=sum(1 for j in judgements if j.right is not None),
        agreeing=sum(1 for j in judgements if j.right),
        departing=sum(1 for session in done if session.departs_at is not None),
        notes=notes,
    )


def _leads_elsewhere(
    one: Judgeable, verdict: Verdict, verdicts: Mapping[tuple[int, int], Verdict], taken: int | None
) -> bool:
    """Whether a session that follows the verdict would go elsewhere than the recorded one went."""
    if one.decided is None:
        return False
    decision = decide(verdict, one.supervision, revisions_left=one.revisions_left)
    if (decision.kind == "accept") != (one.decided.kind == "accept"):
        return True
    if decision.to != "best" or one.decided.to != "best" or taken is None:
        return False
    # Both take the best of what was judged; by these verdicts it may be another one.
    found = [
        (v.p_revise, attempt)
        for (step, attempt), v in verdicts.items()
        if step == one.step and attempt <= one.attempt and v.p_revise is not None
    ]
    return bool(found) and min(found)[1] != taken


def _judgement(one: Judgeable, verdict: Verdict, label: Label | None, *, departs: bool, beyond: bool) -> Judgement:
    message = one.case.proposal.message
    says = "; ".join(f"{call.name} {call.arguments}" for call in message.tool_calls) or message.content or ""
    return Judgement(
        step=one.step,
        attempt=one.attempt,
        kind=one.case.proposal.kind,
        says=says,
        before=_word(one.live) if one.live is not None else None,
        after=_word(verdict),
        flips=one.live is not None and one.live.kind != verdict.kind,
        label=label,
        right=None if label is None or verdict.kind == "no_verdict" else verdict.kind == label.label,
        departs=departs,
        beyond=beyond,
    )


def _word(verdict: Verdict) -> Word:
    return Word(verdict.kind, verdict.p_revise, verdict.threshold, verdict.why)


def _count(tally: FlipCount, right: bool | None) -> None:
    tally.count += 1
    tally.right += right is True
    tally.wrong += right is False
