"""Choosing among several candidates for one action: which ones are compared, and which one is taken.

Best of N with a critic: at a fresh turn the actor proposes N candidates, the critic compares them, and the best one goes on
to be judged and decided on as any proposal. Everything here is a pure function over what was proposed and said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.hashing import canonical_json, identity_body
from actorcritic_cli.session.events import Proposed
from actorcritic_cli.types import Comparison, Message, Proposal, Supervision

MOST = 8
"""Candidates that a turn may have."""


class Contest(Struct, frozen=True):
    """What there is to choose from. ``attempts`` are to be compared; where there is nothing to compare they are empty and
    ``reason`` says why. ``first`` is what is taken without a comparison."""

    attempts: tuple[int, ...]
    first: int
    reason: str = ""


def chooses(supervision: Supervision) -> bool:
    """Whether fresh turns have several candidates: only where there is a critic that is asked."""
    return supervision.choose > 1 and supervision.mode != "off" and supervision.gate != "none"


def contest(
    candidates: Sequence[Proposed],
    is_judged: Callable[[Proposed], bool],
    stands: Callable[[Message], Message] = lambda message: message,
) -> Contest:
    """Return which of a turn's candidates are to be compared.

    Malformed ones are left out as long as there is another. Candidates that are the same action are one. Where the gate
    would let every one of them pass there is nothing to ask the critic. ``stands`` is the environment's: what of a message
    would take effect.
    """
    able = [candidate for candidate in candidates if candidate.problem is None]
    if not able:
        return Contest((), 0, "every candidate is malformed")
    first = able[0].attempt
    distinct: dict[str, int] = {}
    for candidate in able:
        distinct.setdefault(action_of(stands(candidate.proposal.message)), candidate.attempt)
    if len(candidates) == 1:
        return Contest((), first, "there is one candidate")
    if len(able) == 1:
        return Contest((), first, "the others are malformed")
    if len(distinct) == 1:
        return Contest((), first, "all candidates are the same action")
    if not any(is_judged(candidate) for candidate in able):
        return Contest((), first, "not compared: the gate lets them pass")
    return Contest(tuple(distinct.values()), first)


def chosen(found: Contest, comparison: Comparison | None, supervision: Supervision) -> tuple[int, str]:
    """Return the attempt that is taken, and why.

    A failed comparison takes the first candidate; in shadow mode it is always the very first one, as without a critic.
    """
    if comparison is None:
        taken, reason = found.first, found.reason
    elif comparison.best is None:
        taken, reason = found.first, f"no comparison ({comparison.why}): the first is taken"
    else:
        taken, reason = found.attempts[comparison.best], f"the best of {len(found.attempts)}"
    if supervision.mode == "shadow" and taken != 0:
        return 0, f"shadow: candidate {taken + 1} would be taken ({reason})"
    return taken, reason


def action_of(message: Message) -> str:
    """Return what a message would do, as one text: equal for the same action.

    Ids of calls, the order of arguments and what is said beside a call make no difference: nobody sees them.

    >>> from actorcritic_cli.types import ToolCall
    >>> one = Message("assistant", "Let me look.", (ToolCall("1", "look", '{"a": 1}'),))
    >>> action_of(one) == action_of(Message("assistant", None, (ToolCall("2", "look", '{ "a":1 }'),)))
    True
    """
    return canonical_json(identity_body(replace(message, content=None) if message.tool_calls else message))


def proposals_of(candidates: Sequence[Proposed], attempts: Sequence[int]) -> tuple[Proposal, ...]:
    """Return the proposals that were made as the given attempts."""
    made = {candidate.attempt: candidate.proposal for candidate in candidates}
    return tuple(made[attempt] for attempt in attempts)
