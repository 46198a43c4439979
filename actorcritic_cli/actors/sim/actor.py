"""``sim:expert`` and ``sim:hasty`` as actors: an expert's moves, spoilt or not, with a label on each.

A proposal is a function of context, task and seed. What was proposed at earlier attempts of the turn is derived again, so
that a hasty actor knows whether an objection was justified without having kept anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.actors.protocol import ActorContext, Proposing
from actorcritic_cli.actors.sim.moves import Expert, Move, SlipKind
from actorcritic_cli.actors.sim.past import Past
from actorcritic_cli.actors.sim.slips import KINDS, SWAYED, Habits
from actorcritic_cli.types import Label, Proposal


class Chosen(Struct, frozen=True):
    """A move that is proposed, and the slip in it, if any."""

    move: Move
    slip: SlipKind | None = None


class ExpertActor:
    """Makes the right move every time; an objection does not change its mind."""

    name = "sim:expert"

    def __init__(self, expert: Expert):
        self.expert = expert

    def propose(self, context: ActorContext) -> Proposing:
        """Return the right move, labelled as such."""
        past = Past(context.transcript, context.tools)
        return _proposing(context, Chosen(self.expert.move(past)), Label("approve"))


class HastyActor:
    """Makes the right move unless it slips (see ``slips`` for how often, and for what objections do)."""

    name = "sim:hasty"

    def __init__(self, expert: Expert, habits: Habits, seed: int):
        self.expert, self.habits, self.seed = expert, habits, seed

    def propose(self, context: ActorContext) -> Proposing:
        """Return the next move, labelled."""
        past = Past(context.transcript, context.tools)
        chosen = self.choose(past, context.step, len(context.attempts), context.candidate)
        if chosen.slip is None:
            return _proposing(context, chosen, Label("approve"))
        rule = self.expert.rule(chosen.slip, past)
        return _proposing(context, chosen, Label("revise", f"{chosen.slip}: {rule}" if rule else chosen.slip))

    def offer(self, context: ActorContext, candidates: Sequence[int]) -> Iterator[Proposing]:
        """Yield candidates, each with slips of its own."""
        for candidate in candidates:
            yield self.propose(replace(context, candidate=candidate))

    def choose(self, past: Past, step: int, attempt: int, candidate: int = 0) -> Chosen:
        """Return what is proposed at an attempt of a step, after as many objections to a candidate."""
        right = self.expert.move(past)
        chosen = self._first(right, past, step, candidate)
        for number in range(1, attempt + 1):
            draw = self._draw(step, number)
            if chosen.slip is not None:
                chosen = Chosen(right) if draw.random() < self.habits.mend else chosen
            elif draw.random() < self.habits.sway:
                chosen = self._swayed(right, past, draw)
        return chosen

    def _first(self, right: Move, past: Past, step: int, candidate: int) -> Chosen:
        draw = self._draw(step, 0, candidate)
        for kind in KINDS:  # a draw for each, so that a kind's luck does not depend on which others there are
            happens, own = draw.random() < self.habits.rate(kind, self.expert.rates), Random(draw.random())
            spoilt = self.expert.slip(kind, right, past, own) if happens else None
            if spoilt is not None and spoilt != right:
                return Chosen(spoilt, kind)
        return Chosen(right)

    def _swayed(self, right: Move, past: Past, draw: Random) -> Chosen:
        likely, others = list(SWAYED.get(right.kind, ())), list(KINDS)
        draw.shuffle(likely)
        draw.shuffle(others)
        for kind in (kind for kind in [*likely, *others] if kind in self.habits.only):
            spoilt = self.expert.slip(kind, right, past, draw)
            if spoilt is not None and spoilt != right:
                return Chosen(spoilt, kind)
        return Chosen(right)

    def _draw(self, step: int, attempt: int, candidate: int = 0) -> Random:
        more = f"/{candidate}" if candidate else ""
        return Random(hashlib.sha256(f"{self.seed}/{step}/{attempt}{more}".encode()).digest())


def _proposing(context: ActorContext, chosen: Chosen, label: Label) -> Proposing:
    candidate = f"_{context.candidate}" if context.candidate else ""
    message = chosen.move.message(f"sim_{context.step}_{len(context.attempts)}{candidate}")
    return Proposing(Proposal(message), label=label)
