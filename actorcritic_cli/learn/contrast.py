"""Labels from outcome contrast: the same task passed and failed, and the first action in which they differ.

Two sessions in the same situation (the same conversation up to there, by the ids of its messages) did different things; one
passed, the other failed. The first such action of a failed session is labelled ``revise``, and what those that passed did
there is labelled ``approve``. A session passed does not prove that an action of it was right, nor a failure that this action
is to blame; so a label counts f / (f + 1), f being how many sessions ended that way after this action: 1/2 for one, 3/4 for
three (the rule of succession without its prior success).

Where what came back differed first (users that are played by a model say nothing twice), turns are aligned (see
``replay.alignment``) and only writes count: the first write of a failed session that no session that passed made is labelled
``revise``, at half that weight, and the write of the same tool that stands beside it is the better action. Sessions that are
not scored, or failed by another party's fault, say nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from actorcritic_cli.hashing import canonical_json, chain_ids, identity_body
from actorcritic_cli.learn.collect import Finding, Place, Progress
from actorcritic_cli.learn.writes import Held, held
from actorcritic_cli.replay.alignment import aligned
from actorcritic_cli.replay.story import Story, told
from actorcritic_cli.session.events import Event
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import Message, is_success

ALIGNED = 0.5
"""What a label counts where situations are alike but not the same."""


class Deed(Struct, frozen=True):
    """An accepted action: where, in which situation (the id of the last message before it), and what was done."""

    place: Place
    situation: str
    action: str
    message: Message


class Course(Struct, frozen=True):
    """What a scored session did, in order."""

    session: str
    passed: bool
    story: Story
    deeds: tuple[Deed, ...]
    held: Held


def contrasts(
    library: Library, sessions: Sequence[str], progress: Progress | None = None
) -> dict[str, dict[Place, list[Finding]]]:
    """Return what contrast says of sessions' proposals, by session and place: of those on tasks of which some passed and
    some failed."""
    found: dict[str, dict[Place, list[Finding]]] = {}
    tasks = _mixed(library, sessions)
    total, done = sum(len(own) for own in tasks), 0
    for own in tasks:
        courses = []
        for session in own:
            course = course_of(list(library.events(session)))
            done += 1
            if progress is not None:
                progress(done, total)
            if course is not None:
                courses.append(course)
        for session, place, finding in of_task(courses):
            found.setdefault(session, {}).setdefault(place, []).append(finding)
    return found


def course_of(events: Sequence[Event]) -> Course | None:
    """Return what a session did; ``None`` for one that says nothing."""
    own = held(events)
    if own.passed is None or (not own.passed and own.fault not in (None, "actor")):
        return None
    story = told(events)
    said: list[Message] = list(story.started.messages)
    deeds = []
    # The call ids are left out of identities, so the same conversation has the same ids in every session.
    ids = chain_ids(said)
    for turn in story.turns:
        if turn.acted is not None:
            message = turn.acted.message
            action = canonical_json(identity_body(message))
            deeds.append(Deed((turn.step, turn.acted.attempt), ids[-1] if ids else "", action, message))
            ids += chain_ids([message], ids[-1] if ids else None)
        ids += chain_ids(turn.heard, ids[-1] if ids else None)
    return Course(own.session, own.passed, story, tuple(deeds), own)


def of_task(courses: Sequence[Course]) -> Iterator[tuple[str, Place, Finding]]:
    """Yield session, place and finding, for the scored sessions of one task."""
    passed = [course for course in courses if course.passed]
    failed = [course for course in courses if not course.passed]
    right: dict[str, dict[str, list[tuple[Course, Deed]]]] = defaultdict(lambda: defaultdict(list))
    for course in passed:
        for deed in course.deeds:
            right[deed.situation][deed.action].append((course, deed))
    parted = [(course, first) for course in failed if (first := _first(course, right)) is not None]
    often = Counter((deed.situation, deed.action) for _, deed in parted)
    for course, deed in parted:
        passing = right[deed.situation]
        best = max(passing, key=lambda action: (len(passing[action]), action))
        weight = _weight(often[deed.situation, deed.action])
        why = f"here this session, which failed, parts from {_sessions(sum(map(len, passing.values())))} that passed"
        better = passing[best][0][1].message
        yield course.session, deed.place, Finding("contrast", "revise", why, weight, "same situation", better)
    for situation in {deed.situation for _, deed in parted}:
        for done in right[situation].values():
            why = "here sessions that passed part from one that failed"
            for course, deed in done:
                yield (
                    course.session,
                    deed.place,
                    Finding("contrast", "approve", why, _weight(len(done)), "same situation"),
                )
    known = {course.session for course, _ in parted}
    yield from _by_alignment([course for course in failed if course.session not in known], passed)


def _first(course: Course, right: dict[str, dict[str, list[tuple[Course, Deed]]]]) -> Deed | None:
    """Return the first action of a failed session that no session that passed did in the same situation, while some were in
    it; ``None`` where the situation itself was another before that."""
    for deed in course.deeds:
        if deed.situation not in right:
            return None
        if deed.action not in right[deed.situation]:
            return deed
    return None


def _by_alignment(failed: Iterable[Course], passed: Sequence[Course]) -> Iterator[tuple[str, Place, Finding]]:
    usable = [course for course in passed if course.held.unsuitable is None]
    made = {course.held.identity(w.tool, w.arguments) for course in usable for w in course.held.writes if not w.failed}
    for course in failed:
        own = course.held
        if own.unsuitable is not None or not usable:
            continue
        wrong = next((w for w in own.writes if not w.failed and own.identity(w.tool, w.arguments) not in made), None)
        if wrong is None:
            continue
        why = "the first write that no session on this task that passed made, and this one failed"
        finding = Finding(
            "contrast", "revise", why, ALIGNED * _weight(1), "aligned turns", _counterpart(course, wrong.step, usable)
        )
        yield course.session, (wrong.step, wrong.attempt), finding


def _counterpart(course: Course, step: int, passed: Sequence[Course]) -> Message | None:
    """Return the call of the same tool that stands beside a turn in a session that passed, if one does."""
    for other in passed:
        for left, right in aligned(course.story.turns, other.story.turns):
            if left is None or left.step != step or right is None or left.acted is None or right.acted is None:
                continue
            one, two = left.acted.message, right.acted.message
            if two.tool_calls and [c.name for c in one.tool_calls] == [c.name for c in two.tool_calls]:
                return two
    return None


def _mixed(library: Library, sessions: Sequence[str]) -> list[list[str]]:
    """Return the sessions of each task of which some passed and some did not."""
    wanted = set(sessions)
    tasks: dict[tuple[str, str, str], list[tuple[str, bool]]] = {}
    for one in library.sessions():
        if one.id in wanted and one.task is not None and one.reward is not None:
            tasks.setdefault((one.env, one.dataset, one.task), []).append((one.id, is_success(one.reward)))
    return [[name for name, _ in own] for own in tasks.values() if len({passed for _, passed in own}) == 2]


def _weight(times: int) -> float:
    return times / (times + 1)


def _sessions(count: int) -> str:
    return f"{count} session" + ("" if count == 1 else "s")
