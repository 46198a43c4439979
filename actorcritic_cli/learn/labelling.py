"""Labelling sessions on record by what can be inferred: from the calls that their tasks expect, or from outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from actorcritic_cli.learn.ground_truth import Tally, by_proposal, tally, write_labels
from actorcritic_cli.learn.outcome import calls_that_passed, outcome_labels
from actorcritic_cli.learn.writes import Held, held
from actorcritic_cli.store.labels import LabelChanges, infer_labels
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import is_success

Progress = Callable[[int, int | None], None]


class ByGroundTruth(Struct, frozen=True):
    """What labelling by ground truth did: labels (of proposals), and the counts of calls."""

    labels: LabelChanges
    tally: Tally


class ByOutcome(Struct, frozen=True):
    """What labelling by outcome did. ``skipped`` tells why sessions have no labels → how many."""

    labels: LabelChanges
    sessions: int
    approve: int
    revise: int
    skipped: dict[str, int]


def label_by_ground_truth(library: Library, sessions: Sequence[str], progress: Progress | None = None) -> ByGroundTruth:
    """Label the write calls of sessions by the calls that their tasks expect (see ``ground_truth``)."""
    changes = LabelChanges()

    def labelled() -> Iterator[Held]:
        for session in _read(library, sessions, progress):
            labels = by_proposal(write_labels(session))
            changes.add(infer_labels(library.database, session.session, "ground_truth", labels))
            yield session

    counted = tally(labelled())
    return ByGroundTruth(changes, counted)


def label_by_outcome(library: Library, sessions: Sequence[str], progress: Progress | None = None) -> ByOutcome:
    """Label the write calls of sessions by how they and the others on record on the same tasks ended (see ``outcome``)."""
    summaries = library.sessions()
    wanted = set(sessions)
    tasks = {(one.env, one.dataset, one.task) for one in summaries if one.id in wanted}
    good = [
        one.id
        for one in summaries
        if one.reward is not None and is_success(one.reward) and (one.env, one.dataset, one.task) in tasks
    ]
    passed = calls_that_passed(_read(library, good, None))
    changes = LabelChanges()
    approve = revise = labelled = 0
    skipped: dict[str, int] = {}
    for session in _read(library, sessions, progress):
        found = outcome_labels(session, passed)
        changes.add(infer_labels(library.database, session.session, "outcome", found))
        approve += sum(label.label == "approve" for label in found.values())
        revise += sum(label.label == "revise" for label in found.values())
        if found:
            labelled += 1
        else:
            why = _why_not(session)
            skipped[why] = skipped.get(why, 0) + 1
    return ByOutcome(changes, labelled, approve, revise, dict(sorted(skipped.items())))


def _read(library: Library, sessions: Sequence[str], progress: Progress | None) -> Iterator[Held]:
    for done, session in enumerate(sessions, start=1):
        yield held(library.events(session))
        if progress is not None:
            progress(done, len(sessions))


def _why_not(session: Held) -> str:
    if session.unsuitable is not None:
        return session.unsuitable
    if session.passed is None:
        return "not scored"
    if not any(not write.failed for write in session.writes):
        return "nothing was written"
    if not session.passed and session.fault not in (None, "actor"):
        return "failed by another's fault"
    return "no session on the task passed"
