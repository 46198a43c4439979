"""The actor that proposes again what was proposed once.

It makes a recorded conversation repeatable under another critic, without a model and without cost: at each step it offers
the recorded proposals in their order, the next one whenever a revision is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from actorcritic_cli.actors.protocol import ActorContext, ActorFailed, Proposing
from actorcritic_cli.errors import PartyError
from actorcritic_cli.session.events import Acted, Compared, Event, Proposed
from actorcritic_cli.types import Message, Proposal


class RecordedActor:
    """Proposes from a recording: step → the proposals made at that step, attempt 0 first.

    Messages come back as they were, with their call ids and the provider's own form. A proposal that was malformed then is
    malformed again.
    """

    def __init__(self, steps: Mapping[int, Sequence[Proposing]], source: str):
        self.steps = {step: tuple(attempts) for step, attempts in steps.items() if attempts}
        self.source = source

    @classmethod
    def from_events(cls, events: Iterable[Event], source: str = "trace") -> RecordedActor:
        """Return the actor of one recorded session, rejected proposals included.

        What the supervisor proposed itself (a hand-over) is left out: a supervisor that wants it proposes it anew. Of
        several candidates it proposes the one that was taken, and then its revisions. A step of which only the accepted
        message is known offers that.
        """
        steps: dict[int, dict[int, Proposing]] = {}
        for event in events:
            if isinstance(event, Proposed):
                attempts = steps.setdefault(event.step, {})
                if event.proposal.author == "actor":
                    attempts[event.attempt] = Proposing(event.proposal, problem=event.problem)
            elif isinstance(event, Compared):
                made = steps.get(event.step, {})
                steps[event.step] = {event.chosen: made[event.chosen]} if event.chosen in made else made
            elif isinstance(event, Acted) and event.step not in steps:
                steps[event.step] = {event.attempt: Proposing(Proposal(event.message))}
        return cls({step: [made[number] for number in sorted(made)] for step, made in steps.items()}, source)

    @classmethod
    def from_messages(cls, messages: Iterable[Message], source: str = "transcript") -> RecordedActor:
        """Return the actor of a plain transcript: each assistant message is one step with one proposal."""
        spoken = (message for message in messages if message.role == "assistant")
        return cls({step: (Proposing(Proposal(message)),) for step, message in enumerate(spoken, start=1)}, source)

    @property
    def name(self) -> str:
        """``recorded:SOURCE``."""
        return f"recorded:{self.source}"

    def propose(self, context: ActorContext) -> Proposing:
        """Return what was proposed at this step and attempt; beyond the recorded attempts, the last of them again.

        Raises ``ActorFailed`` with an ``exhausted`` error where the recording has no such step.
        """
        attempts = self.steps.get(context.step)
        if attempts is None:
            raise ActorFailed(
                PartyError(
                    f"The recording {self.source} has no step {context.step}: the conversation went on for longer "
                    "than the recorded one; use a live actor from here.",
                    kind="exhausted",
                )
            )
        return attempts[min(len(context.attempts), len(attempts) - 1)]
