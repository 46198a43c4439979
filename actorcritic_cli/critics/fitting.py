"""Which part of a long conversation is left out, so that the case fits into the critic's context.

The oldest events go first, whole: a call and its results are one event. What is left out depends on the case alone,
never on what was read before, so that the same case always gets the same verdict. It grows in strides of a part of the
context: if each step left out just what it had to, the conversation would begin elsewhere each time and would have to
be read anew from its beginning for every judgement.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

_STRIDES = 4
"""Into so many strides the context is divided."""


def left_out(fixed: int, events: Sequence[int], n_ctx: int, reserve: int) -> int | None:
    """Return how many of the oldest events are left out, or ``None`` when the case does not fit even without any.

    ``fixed`` are the tokens of all that must stay (rubric, policy, tools, candidate, question), ``events`` the tokens of
    each event, oldest first. ``reserve`` tokens are kept free for a critique where that is possible at all.

    >>> left_out(100, [50, 50, 50], n_ctx=400, reserve=100)
    0
    >>> left_out(100, [50, 50, 50], n_ctx=320, reserve=100)
    2
    >>> left_out(100, [50, 50, 50], n_ctx=90, reserve=0) is None
    True
    """
    if fixed > n_ctx:
        return None
    room = n_ctx - fixed - reserve if fixed + reserve <= n_ctx else n_ctx - fixed
    excess = sum(events) - room
    if excess <= 0:
        return 0
    freed = list(accumulate(events))
    stride = max(1, n_ctx // _STRIDES)
    generous = _first(freed, -(-excess // stride) * stride)
    # Rounding up must not take the newest event, which the candidate answers.
    return generous if generous is not None and generous < len(events) else _first(freed, excess)


def _first(freed: Sequence[int], needed: int) -> int | None:
    return next((count for count, tokens in enumerate(freed, 1) if tokens >= needed), None)
