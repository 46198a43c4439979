"""The rows of one whole session, made from its events.

They are those that ``Recorder`` writes event by event: what it updates later on is known here from the beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorcritic_cli.hashing import identified, sha256
from actorcritic_cli.session.events import (
    Acted,
    Decided,
    Ended,
    Event,
    Failed,
    Judged,
    Observed,
    Proposed,
    Resumed,
    Started,
)
from actorcritic_cli.store.bulk_tables import COLUMNS
from actorcritic_cli.store.rows import as_json, calls_of, ruled
from actorcritic_cli.types import Label, Message, ModelCall, ToolSpec

KINDS: dict[type, str] = {
    kind: kind.__struct_config__.tag  # type: ignore[misc]
    for kind in (Started, Resumed, Proposed, Judged, Decided, Acted, Observed, Failed, Ended)
}
"""Events that are written here → what the spine calls them."""

MessageRow = tuple[str, str | None, str, str]

_OPENINGS = 64
"""Openings that are remembered."""


class DoesNotFollow(Exception):
    """An event that does not follow from those before it; the text says in what."""


class InCommon:
    """What sessions begin with is the same for many of them, and long: it is turned into rows once."""

    def __init__(self) -> None:
        self._openings: dict[tuple[Message, ...], tuple[MessageRow, ...]] = {}
        self._tools: tuple[ToolSpec, ...] = ()
        self._toolset: tuple[str, str] | None = None
        self._effects: dict[str, str] = {}

    def opening(self, messages: tuple[Message, ...]) -> tuple[MessageRow, ...]:
        """Return the rows of the messages before anyone spoke."""
        known = self._openings.get(messages)
        if known is None:
            rows: list[MessageRow] = []
            parent: str | None = None
            for message in messages:
                identity, body = identified(message, parent)
                rows.append((identity, parent, message.role, body))
                parent = identity
            known = tuple(rows)
            if len(self._openings) >= _OPENINGS:
                self._openings.clear()
            self._openings[messages] = known
        return known

    def tools(self, tools: tuple[ToolSpec, ...]) -> tuple[tuple[str, str] | None, dict[str, str]]:
        """Return the row of a set of tools (``None`` when there are none), and each one's effect."""
        if tools is not self._tools:
            body = as_json(tools)
            self._toolset = (sha256(body)[:32], body) if tools else None
            self._tools, self._effects = tools, {tool.name: tool.effect for tool in tools}
        return self._toolset, self._effects


class SessionRows:
    """The rows of a session. ``numbers`` are those that the next rows of numbered tables will have, before and after."""

    def __init__(self, started: Started, common: InCommon, numbers: dict[str, int]):
        self.id = started.session
        self.numbers = dict(numbers)
        self.values: dict[str, list[Any]] = {table: [] for table in COLUMNS}
        """Values by the table, as ``bulk_tables.insert`` takes them; those of messages and sets of tools stand apart, since
        sessions share them."""
        self.messages: dict[str, MessageRow] = {}
        self.toolset, self._effects = common.tools(started.tools)
        self.characters = 0
        """How long the texts are that the rows hold."""
        self._started = started
        self._head: str | None = None
        for row in common.opening(started.messages):
            self._head = row[0]
            self.messages[self._head] = row
        self._opening = self._head
        self._proposals: dict[tuple[int, int], tuple[int, Message, str, str | None]] = {}
        """(step, attempt) → row number, message, the message's id, and that of the message before it."""
        self._steps: dict[int, list[Any]] = {}

    def write(self, events: Sequence[Event]) -> None:
        """Make the rows of all events. Raises ``DoesNotFollow``."""
        session, add = self.id, self.values["events"].extend
        last: Ended | None = None
        for seq, event in enumerate(events):
            if isinstance(event, Observed):
                self._observed(seq, event)
                add((session, seq, "observed", event.at, event.step, None))
                continue
            step = attempt = None
            if isinstance(event, Proposed):
                step, attempt = event.step, event.attempt
                self._proposed(seq, event)
            elif isinstance(event, Decided):
                step, attempt = event.step, event.attempt
                self._decided(seq, event)
            elif isinstance(event, Acted):
                step, attempt = event.step, event.attempt
                self._acted(seq, event)
            elif isinstance(event, Judged):
                step, attempt = event.step, event.attempt
                self._judged(seq, event)
            elif isinstance(event, Failed):
                step = event.step
                self._failed(seq, event)
            elif isinstance(event, Ended):
                last = event
            elif isinstance(event, Started) and seq:
                raise DoesNotFollow("a session begins twice")
            add((session, seq, KINDS[type(event)], event.at, step, attempt))
        steps = self.values["steps"]
        for number, row in self._steps.items():
            steps += (session, number)
            steps += row
        self._session(last)

    def _session(self, ended: Ended | None) -> None:
        event, spec, critic = self._started, self._started.spec, self._started.critic
        if critic is not None:
            self.values["critics"] += (
                critic.id,
                critic.name,
                critic.file_sha256,
                critic.quantisation,
                critic.prompt_version,
                critic.threshold,
                as_json(critic.info),
            )
        reward = ended.reward if ended else None
        self.values["sessions"] += (
            event.session,
            event.run,
            event.at,
            ended.at if ended else None,
            spec.env,
            spec.dataset,
            spec.task_id,
            spec.trial,
            event.actor or spec.actor,
            event.user or spec.user,
            critic.id if critic else None,
            spec.supervision.mode,
            ended.reason if ended else None,
            ended.message if ended else None,
            reward.value if reward else None,
            as_json(reward.info) if reward else None,
            ended.state if ended else None,
            as_json(spec),
            as_json(event.task) if event.task else None,
            self.toolset[0] if self.toolset else None,
            self._opening,
            self._head,
            event.source,
            as_json(event.extra),
            ended.fault if ended else None,
        )

    def _number(self, table: str) -> int:
        """Return the next row number of a table."""
        number = self.numbers[table]
        self.numbers[table] = number + 1
        return number

    def _message(self, message: Message) -> str:
        """Add a message below the head, unless it is there; return its id."""
        head = self._head
        identity, body = identified(message, head)
        self.messages[identity] = (identity, head, message.role, body)
        self.characters += len(body)
        return identity

    def _known(self, event: Judged | Decided | Acted) -> tuple[int, Message, str, str | None]:
        try:
            return self._proposals[event.step, event.attempt]
        except KeyError:
            raise DoesNotFollow(f"nothing was proposed as attempt {event.attempt} of step {event.step}") from None

    def _proposed(self, seq: int, event: Proposed) -> None:
        step, attempt, proposal = event.step, event.attempt, event.proposal
        message = proposal.message
        if (step, attempt) in self._proposals:
            raise DoesNotFollow(f"attempt {attempt} of step {step} is proposed twice")
        identity, exact, number = self._message(message), as_json(message), self._number("proposals")
        self._proposals[step, attempt] = (number, message, identity, self._head)
        kind, tool, effect = "reply", None, None
        if message.tool_calls:
            kind, tool = "tool_call", message.tool_calls[0].name
            effect = self._effects.get(tool, "none")
        self.values["proposals"] += (
            number,
            self.id,
            seq,
            step,
            attempt,
            proposal.author,
            kind,
            tool,
            effect,
            identity,
            exact,
            event.problem,
            0,
        )
        self.characters += len(exact)
        if event.label is not None:
            self._label(seq, event, event.label)
        if event.call is not None:
            self._model_call(seq, 0, step, event.call)

    def _judged(self, seq: int, event: Judged) -> None:
        verdict = event.verdict
        self.values["verdicts"] += (
            self._number("verdicts"),
            self._known(event)[0],
            self.id,
            seq,
            1,
            verdict.critic,
            verdict.kind,
            verdict.why,
            verdict.message,
            verdict.p_revise,
            verdict.threshold,
            as_json(verdict.critique) if verdict.critique else None,
            verdict.latency,
            as_json(verdict.detail),
            event.at,
        )
        for number, call in enumerate(calls_of(event)):
            self._model_call(seq, number, event.step, call)

    def _decided(self, seq: int, event: Decided) -> None:
        decision, number = event.decision, self._known(event)[0]
        critique = as_json(event.critique) if event.critique else None
        self.values["decisions"] += (
            self._number("decisions"),
            number,
            self.id,
            seq,
            decision.kind,
            decision.to,
            decision.reason,
            critique,
            event.by,
        )
        label = ruled(event) if event.by == "person" else None
        if label is not None:
            self._label(seq, event, label)

    def _label(self, seq: int, event: Proposed | Decided, label: Label) -> None:
        proposal = self._proposals[event.step, event.attempt][0]
        number = self._number("labels")
        self.values["labels"] += (number, proposal, label.source, label.label, label.why, event.at, seq)

    def _acted(self, seq: int, event: Acted) -> None:
        _, proposed, identity, head = self._known(event)
        same = event.message is proposed or event.message == proposed
        if event.step in self._steps:
            raise DoesNotFollow(f"step {event.step} is made twice")
        self._head = identity if same and head == self._head else self._message(event.message)
        exact = None if same else as_json(event.message)
        self._steps[event.step] = [seq, event.attempt, self._head, exact, None, None, None, None, None, None]

    def _observed(self, seq: int, event: Observed) -> None:
        for message in event.messages:
            self._head = self._message(message)
        step = self._steps.setdefault(event.step, [None] * 10)
        seen = self._head if event.messages else None
        step[4:] = (seq, seen, len(event.messages), int(event.error), event.ends, event.latency)
        if event.call is not None:
            self._model_call(seq, 0, event.step, event.call)

    def _failed(self, seq: int, event: Failed) -> None:
        self.values["failures"] += (self.id, seq, event.step, event.party, event.message, event.reason)
        if event.call is not None:
            self._model_call(seq, 0, event.step, event.call)

    def _model_call(self, seq: int, among: int, step: int, call: ModelCall) -> None:
        usage = call.usage
        self.characters += len(call.response or "")
        self.values["model_calls"] += (
            self._number("model_calls"),
            self.id,
            seq,
            among,
            step,
            call.party,
            call.model,
            as_json(call.request),
            call.response,
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_tokens,
            as_json(usage.raw),
            call.cost,
            call.latency,
            as_json(call.retries),
            call.error,
        )
