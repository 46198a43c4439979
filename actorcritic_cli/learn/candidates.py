"""Which proposals of a session a person is asked about, and what there is to know before answering."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from actorcritic_cli.replay.story import Story, Try, Turn
from actorcritic_cli.session.decide import is_judged
from actorcritic_cli.types import Effect, Message

Only = Literal["judged", "writes", "interventions", "all"]
"""``judged``: what a critic judged, or in an unsupervised session would have; ``writes``: calls that write;
``interventions``: what was not simply accepted; ``all``: every proposal of the actor."""


class Candidate(Struct, frozen=True):
    """A proposal to be labelled. ``place`` is the index of its turn in the story."""

    story: Story
    place: int
    tried: Try

    @property
    def turn(self) -> Turn:
        """The turn it belongs to."""
        return self.story.turns[self.place]

    @property
    def name(self) -> str:
        """Step and attempt, as the commands take them: ``4.0``."""
        return f"{self.turn.step}.{self.tried.attempt}"


def candidates(story: Story, only: Only) -> list[Candidate]:
    """Return a session's proposals in their order; those that supervision made itself are left out."""
    return [
        Candidate(story, place, tried)
        for place, turn in enumerate(story.turns)
        for tried in turn.tries
        if tried.proposal.author == "actor" and _is_meant(story, tried, only)
    ]


def before(candidate: Candidate) -> list[Turn]:
    """Return what led to a proposal: the turn in which the user last spoke, and all since then but its own."""
    turns = candidate.story.turns[: candidate.place]
    for back, turn in enumerate(reversed(turns), start=1):
        if any(message.role == "user" for message in turn.heard):
            return turns[-back:]
    return list(turns)


def policy(story: Story) -> Message | None:
    """Return the policy that the actor was given, if it was."""
    return next((message for message in story.started.messages if message.role == "system"), None)


def _is_meant(story: Story, tried: Try, only: Only) -> bool:
    effect = _effect(story, tried)
    match only:
        case "all":
            return True
        case "writes":
            return effect == "write"
        case "interventions":
            return any(decided.decision.kind != "accept" for decided in tried.decisions)
        case "judged":
            supervision = story.started.spec.supervision
            gated = supervision.mode == "off" and tried.problem is None
            return tried.verdict is not None or (gated and is_judged(supervision.gate, tried.proposal, effect))


def _effect(story: Story, tried: Try) -> Effect:
    effects = {tool.name: tool.effect for tool in story.started.tools}
    called = [effects.get(call.name, "none") for call in tried.proposal.message.tool_calls]
    return "write" if "write" in called else "read" if "read" in called else "none"
