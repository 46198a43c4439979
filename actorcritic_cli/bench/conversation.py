"""The recorded conversation that a critic is measured on: what was judged in it, and by which policy and tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.critics.labels import CANDIDATES
from actorcritic_cli.critics.prompt import build
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange import trace
from actorcritic_cli.session.events import Event, Proposed, Started
from actorcritic_cli.session.loop import case_of
from actorcritic_cli.session.state import after, begin
from actorcritic_cli.types import Message, Proposal, Supervision, ToolSpec

Count = Callable[[str], int]
"""How many tokens a text has."""

ASIDE = Proposal(Message("assistant", "One moment, please."))
"""What is judged, untimed, before a timed judgement: so the conversation is in memory and the candidate is not."""


class Conversation(Struct, frozen=True):
    """A recorded session. ``cases`` are its judgements in order, all with ``policy`` and ``tools``."""

    name: str
    events: tuple[Event, ...]
    policy: str
    tools: tuple[ToolSpec, ...]
    cases: tuple[Case, ...]

    @property
    def started(self) -> Started:
        """The recorded session's first event."""
        first = self.events[0]
        assert isinstance(first, Started)
        return first

    @property
    def texts(self) -> tuple[str, ...]:
        """What is read, as plain texts: a vocabulary learned from them needs as few tokens as a real one does."""
        longest = max(self.cases, key=lambda case: len(case.transcript))
        return tuple(build(one, CANDIDATES[0]).text for one in (self.cases[0], longest))

    def of_session(self, number: int, session: str) -> Case:
        """Return a judgement as that of another session, with delimiters of its own."""
        return replace(self.cases[number % len(self.cases)], session=session, nonce=session)


def recorded(path: Path) -> Conversation:
    """Return the first session of a trace file. Raises ``NotFound``, or ``AccError`` where nothing in it is judged."""
    events = next(iter(trace.read(path)), ())
    if not events or not isinstance(events[0], Started):
        raise AccError(f"{path} holds no session; name a trace that acc export has written.")
    first = events[0]
    policy = next((m.content or "" for m in first.messages if m.role == "system"), "")
    state = begin(replace(first, spec=replace(first.spec, supervision=Supervision())))
    cases = []
    for event in events[1:]:
        state = after(state, event)
        if isinstance(event, Proposed) and state.phase == "judge":
            cases.append(replace(case_of(state, policy), attempts=(), max_seconds=None))
    if not cases:
        raise AccError(
            f"Nothing in {path} would be judged; name the trace of a session with replies or calls that write."
        )
    return Conversation(path.name, tuple(events), policy, first.tools, tuple(cases))


def with_prefix_of(conversation: Conversation, tokens: int, count: Count) -> Conversation:
    """Return the conversation under the beginning of its policy and tools, such that what sessions share has ``tokens``.

    Tools go in proportion, whole; the policy is then cut to whole lines that fit. A prefix that is shorter already stays.
    """
    whole = prefix_tokens(conversation, count)
    bare = prefix_tokens(_under(conversation, "", ()), count)
    if whole <= tokens:
        return conversation
    share = max(0.0, (tokens - bare) / max(1, whole - bare))
    tools = conversation.tools[: max(1, int(share * len(conversation.tools)))]
    lines = conversation.policy.splitlines(keepends=True)
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high + 1) // 2
        fits = prefix_tokens(_under(conversation, "".join(lines[:middle]), tools), count) <= tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    return _under(conversation, "".join(lines[:low]), tools)


def prefix_tokens(conversation: Conversation, count: Count) -> int:
    """Return about how many tokens all sessions of the conversation's environment share."""
    return count(shared_text(conversation.cases[0]))


def own_tokens(conversation: Conversation, count: Count) -> int:
    """Return about how many tokens the longest judgement has besides those."""
    return max(count(own_text(case)) for case in conversation.cases)


def shared_text(case: Case) -> str:
    """Return what all sessions of an environment share, as text."""
    return "".join(piece for segment in build(case, CANDIDATES[0]).system for piece in segment.pieces)


def own_text(case: Case) -> str:
    """Return a session's own part of what is judged, as text."""
    return "".join(piece for segment in build(case, CANDIDATES[0]).user for piece in segment.pieces)


def _under(conversation: Conversation, policy: str, tools: Sequence[ToolSpec]) -> Conversation:
    kept = tuple(tools)
    cases = tuple(replace(case, policy=policy, tools=kept) for case in conversation.cases)
    return replace(conversation, policy=policy, tools=kept, cases=cases)
