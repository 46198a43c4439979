"""Where two sessions part: by their chains of messages, by what supervision did, and by how they ended.

A message's id covers all that came before it, so the first place where the ids differ is the first difference of the
conversations. Two sessions can say the same and still differ in what was held back, so proposals, verdicts and decisions
are compared turn by turn as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from actorcritic_cli.hashing import canonical_json, chain_ids, identity_body
from actorcritic_cli.replay.story import Story, Turn
from actorcritic_cli.session.events import Compared
from actorcritic_cli.types import Message


class Parting(Struct, frozen=True):
    """The first message that differs: its place in the transcript (from 0), its step, the two ids and messages.

    ``None`` on a side whose transcript ends before. Step 0 is the user's opening; before it stands what nobody said (the
    policy), with step -1.
    """

    place: int
    step: int
    ids: tuple[str | None, str | None]
    messages: tuple[Message | None, Message | None]


class Pair(Struct, frozen=True):
    """The same step of both sessions; ``same`` compares all that was said, proposed, judged and decided in it."""

    step: int
    left: Turn | None
    right: Turn | None
    same: bool


class SessionDifference(Struct, frozen=True):
    """How two sessions differ."""

    same: bool
    parting: Parting | None
    """``None`` when both conversations are the same."""
    first_step: int | None
    """The first step in which anything differs: the conversation, or what supervision did."""
    outcome_same: bool
    pairs: tuple[Pair, ...]


def difference(left: Story, right: Story) -> SessionDifference:
    """Compare two sessions."""
    parting = _parting(left, right)
    pairs = _pairs(left, right)
    outcome = _same_outcome(left, right)
    first = next((pair.step for pair in pairs if not pair.same), None)
    if parting is not None and (first is None or parting.step < first):
        first = parting.step
    same = parting is None and outcome and all(pair.same for pair in pairs)
    return SessionDifference(same, parting, first, outcome, pairs)


def _parting(left: Story, right: Story) -> Parting | None:
    one, two = _steps(left), _steps(right)
    ids = (chain_ids(m for _, m in one), chain_ids(m for _, m in two))
    for place in range(max(len(one), len(two))):
        a = ids[0][place] if place < len(one) else None
        b = ids[1][place] if place < len(two) else None
        if a != b:
            step = one[place][0] if a is not None else two[place][0]
            return Parting(
                place,
                step,
                (a, b),
                (one[place][1] if a is not None else None, two[place][1] if b is not None else None),
            )
    return None


def _steps(story: Story) -> list[tuple[int, Message]]:
    """Return the accepted transcript with the step of every message."""
    found = [(-1, message) for message in story.started.messages]
    for turn in story.turns:
        if turn.acted is not None:
            found.append((turn.step, turn.acted.message))
        found += [(turn.step, message) for message in turn.heard]
    return found


def _pairs(left: Story, right: Story) -> tuple[Pair, ...]:
    one, two = {t.step: t for t in left.turns}, {t.step: t for t in right.turns}
    pairs = []
    for step in sorted(one.keys() | two.keys()):
        a, b = one.get(step), two.get(step)
        same = a is not None and b is not None and _conduct(a) == _conduct(b)
        pairs.append(Pair(step, a, b, same))
    return tuple(pairs)


def _conduct(turn: Turn) -> object:
    """Return what of a turn counts: everything but times, costs, probabilities and the wording of reasons."""
    return (
        [
            (
                _identity([tried.proposal.message]),
                tried.proposal.author,
                (tried.verdict.kind, tried.verdict.why) if tried.verdict is not None else None,
                [(d.decision.kind, d.decision.to, d.by) for d in tried.decisions],
            )
            for tried in turn.tries
        ],
        _choice(turn.choice),
        _identity([turn.acted.message]) if turn.acted is not None else None,
        _identity(turn.heard),
        turn.failed.reason if turn.failed is not None else None,
    )


def _choice(choice: Compared | None) -> object:
    """Which candidate was taken, and whether they were compared; a choice from one is none."""
    if choice is None or choice.candidates == 1:
        return None
    said = choice.comparison
    return choice.chosen, (said.best is not None, said.why) if said is not None else None


def _identity(messages: Sequence[Message]) -> list[str]:
    return [canonical_json(identity_body(message)) for message in messages]


def _same_outcome(left: Story, right: Story) -> bool:
    one, two = left.ended, right.ended
    if one is None or two is None:
        return one is two
    rewards = [ended.reward.value if ended.reward is not None else None for ended in (one, two)]
    # An imported session may lack its state; what is not known is no difference.
    states = [ended.state for ended in (one, two) if ended.state is not None]
    return one.reason == two.reason and rewards[0] == rewards[1] and len(set(states)) < 2
