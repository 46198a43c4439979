"""What the actor made of a critique: each rejected proposal against the one that came after it."""

from __future__ import annotations

from msgspec import Struct

from actorcritic_cli.replay.difference import CallDifference, message_changes
from actorcritic_cli.replay.story import Story, Try, Turn
from actorcritic_cli.replay.words import Stretch
from actorcritic_cli.session.events import Decided
from actorcritic_cli.types import Critique, Decision, Proposal, Verdict


class Attempted(Struct, frozen=True):
    """A proposal with its number within the turn, and the verdict on it."""

    attempt: int
    proposal: Proposal
    verdict: Verdict | None
    accepted: bool


class Revision(Struct, frozen=True):
    """A proposal that was not accepted, and what came after it in the same turn.

    ``after`` is ``None`` where nothing did; its author is the supervisor where that handed over. ``calls`` and ``words``
    say how the two differ, as in ``difference``; both are empty where one calls and the other replies, or where another
    tool is called.
    """

    step: int
    before: Attempted
    critique: Critique | None
    decision: Decision
    by: str
    after: Attempted | None
    calls: tuple[CallDifference, ...] = ()
    words: tuple[Stretch, ...] = ()

    @property
    def repeated(self) -> bool:
        """Whether the same was proposed again."""
        return self.after is not None and _action(self.before.proposal) == _action(self.after.proposal)


def revisions(story: Story) -> list[Revision]:
    """Return every proposal of a session that was not accepted, with what came after it."""
    return [revision for turn in story.turns for revision in _of_turn(turn)]


def _of_turn(turn: Turn) -> list[Revision]:
    # Of several candidates only the chosen one was proposed in earnest.
    chosen = turn.tries[turn.choice.chosen : turn.choice.chosen + 1] if turn.choice is not None else []
    line = [*chosen, *turn.tries[turn.candidates :]] if turn.candidates else turn.tries
    found = []
    for place, tried in enumerate(line):
        rejected = _rejection(tried)
        if rejected is None:
            continue
        after = line[place + 1] if place + 1 < len(line) else None
        calls, words = (
            message_changes(tried.proposal.message, after.proposal.message) if after is not None else ((), ())
        )
        found.append(
            Revision(
                turn.step,
                _attempted(turn, tried),
                rejected.critique,
                rejected.decision,
                rejected.by,
                _attempted(turn, after) if after is not None else None,
                calls,
                words,
            )
        )
    return found


def _rejection(tried: Try) -> Decided | None:
    """Return the last decision that did not accept a proposal: the person's, where one ruled on it."""
    rejections = [decided for decided in tried.decisions if decided.decision.kind != "accept"]
    return rejections[-1] if rejections else None


def _attempted(turn: Turn, tried: Try) -> Attempted:
    accepted = turn.acted is not None and turn.acted.attempt == tried.attempt
    return Attempted(tried.attempt, tried.proposal, tried.verdict, accepted)


def _action(proposal: Proposal) -> object:
    message = proposal.message
    return [(call.name, call.arguments) for call in message.tool_calls] or message.content
