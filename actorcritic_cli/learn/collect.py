"""From the record to labelled cases: every proposal that the gate shows the critic and of which something is known.

What is known comes from the labels on record, and from what other files here infer over many sessions (``contrast``,
``rollouts``). The case is the one that the live critic was shown, or would have been (``replay.cases``).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.actors.sim.past import Past
from actorcritic_cli.actors.sim.resolve import expert_for
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.learn.critique_words import as_written, right_text, said, wrong_text
from actorcritic_cli.learn.dataset import SOURCES, Context, Row, Source, content_id
from actorcritic_cli.replay.cases import Judgeable, basis_of, judgeable
from actorcritic_cli.session.build import environment_for
from actorcritic_cli.session.events import Acted, Ended, Event, Proposed, Started
from actorcritic_cli.store.labels import labels
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import Gate, LabelWord, Message, SessionSpec, ToolCall, is_success

Place = tuple[int, int]
Progress = Callable[[int, int | None], None]


class Finding(Struct, frozen=True):
    """What is known of one proposal, from one source. ``how`` says it in words, for the provenance."""

    source: Source
    label: LabelWord
    why: str = ""
    weight: float = 1.0
    how: str = ""
    better: Message | None = None


Findings = Mapping[str, Mapping[Place, Sequence[Finding]]]
"""Session → proposal → what is known of it beside the labels on record."""


class Environments:
    """The environments of sessions, each loaded once; ``None`` where one or its data are not on this machine."""

    def __init__(self) -> None:
        self._known: dict[str, Environment | None] = {}

    def of(self, spec: SessionSpec) -> Environment | None:
        """Return a session's environment."""
        place = repr((spec.env, spec.dataset, sorted(spec.env_options.items())))
        if place not in self._known:
            try:
                self._known[place] = environment_for(spec)
            except AccError:
                self._known[place] = None
        return self._known[place]


class Collector:
    """Makes rows of sessions. ``contexts`` fills with the policies and tools that the rows name."""

    def __init__(
        self,
        library: Library,
        *,
        sources: Container[str] = SOURCES,
        gate: Gate | None = None,
        found: Findings | None = None,
    ):
        self.library, self.sources, self.gate, self.found = library, sources, gate, found or {}
        self.contexts: dict[str, Context] = {}
        self.unlabelled = 0
        """Proposals that a critic would see and of which nothing is known."""
        self._environments = Environments()

    def rows(self, sessions: Sequence[str], progress: Progress | None = None) -> Iterator[Row]:
        """Yield the rows of sessions, in order."""
        for done, session in enumerate(sessions, start=1):
            yield from self.session(session)
            if progress is not None:
                progress(done, len(sessions))

    def session(self, session: str) -> Iterator[Row]:
        """Yield the rows of one session."""
        events = list(self.library.events(session))
        started = events[0]
        assert isinstance(started, Started)  # the record holds no session without it
        environment = self._environments.of(started.spec)
        policy = basis_of(started, environment).policy
        known = self._known(session)
        held = _Session(started, events, environment)
        for one in judgeable(events, policy, self.gate):
            findings = known.get((one.step, one.attempt), ())
            if not findings:
                self.unlabelled += 1
                continue
            best = min(findings, key=lambda finding: SOURCES.index(finding.source))
            yield self._row(held, one, best, findings)

    def _known(self, session: str) -> dict[Place, list[Finding]]:
        """Return what is known of a session's proposals; of several labels of one source on record, the newest."""
        known: dict[Place, dict[str, Finding]] = {}
        for label in labels(self.library.database, session=session):
            if label.source in self.sources:
                how = f"labelled by {label.labeller}" if label.labeller else ""
                finding = Finding(label.source, label.label, label.why, how=how)
                known.setdefault((label.step, label.attempt), {})[label.source] = finding
        for place, findings in self.found.get(session, {}).items():
            for finding in findings:
                if finding.source in self.sources:
                    known.setdefault(place, {})[finding.source] = finding
        return {place: list(own.values()) for place, own in known.items()}

    def _row(self, held: _Session, one: Judgeable, best: Finding, findings: Sequence[Finding]) -> Row:
        case, started = one.case, held.started
        context = Context(case.policy, case.tools)
        self.contexts.setdefault(context.key, context)
        transcript = tuple(_plain(message) for message in case.transcript if message.role != "system")
        proposal = _plain(case.proposal.message)
        revise = best.label == "revise"
        better, whence = held.better(one, best) if revise else (None, "")
        slip, rule = _slip_and_rule(best)
        provenance: dict[str, Any] = {
            "actor": started.actor or started.spec.actor,
            "seed": started.spec.seed,
            "trial": started.spec.trial,
            "origin": started.source,
            "how": best.how,
            "better": whence,
            "run": started.run,
            "also": {f.source: f.label for f in findings if f is not best},
            "said": one.live.p_revise if one.live is not None else None,
        }
        return Row(
            id=content_id(context.key, transcript, proposal),
            env=started.spec.env,
            dataset=started.spec.dataset,
            task=started.spec.task_id if started.spec.task_id is not None else f"session {started.session}",
            user=held.user,
            session=started.session,
            step=one.step,
            attempt=one.attempt,
            context=context.key,
            nonce=case.nonce or case.session,
            transcript=transcript,
            proposal=proposal,
            label=best.label,
            source=best.source,
            weight=best.weight,
            slip=slip,
            rule=rule if revise else "",
            wrong=wrong_text(said(best.source, slip, best.why), proposal, better) if revise else "",
            right=right_text(better),
            better=better,
            reward=held.reward,
            provenance={name: value for name, value in provenance.items() if value not in (None, "", {})},
        )


class _Session:
    """What of a whole session its rows need."""

    def __init__(self, started: Started, events: Sequence[Event], environment: Environment | None):
        self.started, self._environment = started, environment
        ended = events[-1] if isinstance(events[-1], Ended) else None
        self.reward = ended.reward.value if ended is not None and ended.reward is not None else None
        self._accepted = {event.step: event for event in events if isinstance(event, Acted)}
        self._labels = {(e.step, e.attempt): e.label for e in events if isinstance(e, Proposed)}
        self.user = user_of(started, [event.message for event in self._accepted.values()])

    def better(self, one: Judgeable, finding: Finding) -> tuple[Message | None, str]:
        """Return what would have been right, and how that is known.

        By who found it; by the expert of a simulated actor; by the task, where it expects a single call of this tool; or
        because it was accepted in the same turn and is labelled right or led to the whole reward.
        """
        if finding.better is not None:
            return _plain(finding.better), finding.source
        if finding.source == "oracle" and (move := self._expert(one)) is not None:
            return move, "expert"
        if finding.source == "ground_truth" and (expected := self._expected(one)) is not None:
            return expected, "ground_truth"
        accepted = self._accepted.get(one.step)
        if accepted is None or accepted.attempt == one.attempt:
            return None, ""
        label = self._labels.get((one.step, accepted.attempt))
        succeeded = self.reward is not None and is_success(self.reward)
        if (label.label == "approve") if label is not None else succeeded:
            return _plain(accepted.message), "revision"
        return None, ""

    def _expected(self, one: Judgeable) -> Message | None:
        """Return the task's call of the same tool, where it expects a single one."""
        calls = one.case.proposal.message.tool_calls
        task = self.started.task
        if len(calls) != 1 or task is None:
            return None
        expected = [action for action in task.actions if action.name == calls[0].name]
        if len(expected) != 1:
            return None
        call = ToolCall(f"expected_{one.step}", expected[0].name, json.dumps(expected[0].arguments))
        return Message("assistant", None, (call,))

    def _expert(self, one: Judgeable) -> Message | None:
        """Return the right move where an expert knows the task."""
        if self.started.task is None or self._environment is None or not self.started.spec.actor.startswith("sim:"):
            return None
        try:
            expert = expert_for(self.started.task, self._environment)
        except UsageError:
            return None
        move = expert.move(Past(one.case.transcript, one.case.tools))
        return move.message(f"expert_{one.step}")


def user_of(started: Started, accepted: Sequence[Message]) -> str:
    """Return whose case a session is: the user id that the task names, else the one most often named in calls that were
    carried out; empty where there is none."""
    task = started.task
    if task is not None and isinstance(task.extra.get("user_id"), str):
        return str(task.extra["user_id"])
    expected = task.actions if task is not None else ()
    named = Counter(str(action.arguments["user_id"]) for action in expected if "user_id" in action.arguments)
    if not named:
        for message in accepted:
            for call in message.tool_calls:
                try:
                    arguments = call.parsed()
                except (ValueError, RecursionError):
                    continue
                if isinstance(arguments.get("user_id"), str):
                    named[arguments["user_id"]] += 1
    return max(named, key=lambda name: (named[name], name)) if named else ""


def _slip_and_rule(finding: Finding) -> tuple[str, str]:
    """Return what a simulated actor's label names: ``wrong_record: R1.6`` is a slip and a rule."""
    if finding.source != "oracle":
        return "", ""
    slip, _, rule = finding.why.partition(":")
    return slip.strip(), as_written(rule.strip())


def _plain(message: Message) -> Message:
    """Return a message without what its provider sent beside it."""
    return replace(message, raw=None) if message.raw is not None else message
