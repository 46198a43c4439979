"""The catalogue of slips, and how often each happens.

A slip can happen at every move that it could spoil; its rate is the chance that it does, drawn for each move anew. The moves
of a task that a slip could spoil are few (a write, one or two proposals and reports), so small rates add up.

=================  ======================  =====  =====  =====================================================
slip               spoils                  desk   trip   what is done
=================  ======================  =====  =====  =====================================================
no_confirmation    propose                 0.06   0.00   the write, without asking for a yes first
breaks_rule        decline, offer; trip:   0.11   0.03   what a rule forbids, because the customer wants it;
                   ask                                   trip: an answer before the wishes are known
wrong_argument     write; trip: look       0.08   0.03   one argument is not what was agreed on (trip: the day)
wrong_record       write                   0.08   0.08   another record of the kind (trip: option) that was seen
wrong_payment      write                   0.09   0.00   another payment method of the profile
false_claim        ask, propose, write,    0.11   0.00   a wrong amount; or something is said to be done that is
                   report, decline                       not, or to be impossible that is possible
early_transfer     ask, look, propose,     0.01   0.01   handed over to a human who is not needed (trip: the
                   write, report, decline                planning is ended)
left_out           write; trip: ask        0.08   0.03   on as if nothing were left to do (trip: no question
                                                         that could be answered)
more_than_asked    report                  0.07   0.00   one more call that nobody asked for
=================  ======================  =====  =====  =====================================================

*desk* are the service desks (airline, retail), *trip* is the travel game, whose sessions have many more moves that matter.
With these rates and no critic, the hasty actor gets the whole reward in about 60 % of its sessions on the bundled tasks of
the desks, and in about 55 % of those of travel (there: the best option of every aspect).

``actor_options`` of ``sim:hasty`` (all may be left out):

- ``slip_rate`` (1.0): factor on all rates; 0 never slips, 2 slips twice as often.
- ``mend`` (0.9): the chance that a justified objection (the proposal was a slip) leads to the right move. Otherwise the slip
  is proposed again.
- ``sway`` (0.15): the chance that an unjustified objection makes the agent give up a right move for a slip. Otherwise it
  proposes the same again.
- ``only`` (all): the kinds of slips there are.

Everything is drawn from (the session's seed, step, candidate, attempt), never from the order of calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from msgspec import Struct

from actorcritic_cli.actors.sim.moves import Kind, SlipKind
from actorcritic_cli.errors import UsageError

DESK: dict[SlipKind, float] = {
    "no_confirmation": 0.06,
    "breaks_rule": 0.11,
    "wrong_argument": 0.08,
    "wrong_record": 0.08,
    "wrong_payment": 0.09,
    "false_claim": 0.11,
    "early_transfer": 0.01,
    "left_out": 0.08,
    "more_than_asked": 0.07,
}
"""Slip → chance at each move of a service desk that it could spoil, at ``slip_rate`` 1 (the table above)."""
TRIP: dict[SlipKind, float] = {
    "no_confirmation": 0.0,
    "breaks_rule": 0.03,
    "wrong_argument": 0.03,
    "wrong_record": 0.08,
    "wrong_payment": 0.0,
    "false_claim": 0.0,
    "early_transfer": 0.01,
    "left_out": 0.03,
    "more_than_asked": 0.0,
}
"""The same for the travel game."""
SWAYED: dict[Kind, tuple[SlipKind, ...]] = {
    "ask": ("false_claim", "early_transfer"),
    "look": ("early_transfer",),
    "propose": ("false_claim", "early_transfer"),
    "write": ("wrong_argument", "wrong_record", "wrong_payment", "left_out"),
    "report": ("more_than_asked",),
    "decline": ("breaks_rule",),
    "offer": ("breaks_rule",),
}
"""Kind of a right move → what it is given up for after an unjustified objection, if that can be; else any other slip."""
KINDS: tuple[SlipKind, ...] = get_args(SlipKind)


class Habits(Struct, frozen=True, forbid_unknown_fields=True):
    """How hasty ``sim:hasty`` is: the values of ``actor_options``."""

    slip_rate: float = 1.0
    mend: float = 0.9
    sway: float = 0.15
    only: tuple[SlipKind, ...] = KINDS

    def rate(self, kind: SlipKind, rates: Mapping[SlipKind, float]) -> float:
        """Return the chance of a slip at a move that it could spoil."""
        return min(1.0, rates[kind] * self.slip_rate) if kind in self.only else 0.0


def habits_from(options: Mapping[str, Any]) -> Habits:
    """Return the habits that ``actor_options`` set. Raises ``UsageError`` for what is no such option."""
    try:
        habits = msgspec.convert(dict(options), Habits, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"The options of sim:hasty cannot be used ({error}); see slip_rate, mend, sway, only."
        ) from error
    if habits.slip_rate < 0 or not 0 <= habits.mend <= 1 or not 0 <= habits.sway <= 1:
        raise UsageError("slip_rate must not be negative, and mend and sway must lie between 0 and 1.")
    return habits
