"""The airline's drawn tasks: what else its customers might want of their reservations, by the rules of its policy."""

from __future__ import annotations

from actorcritic_cli.envs.tau.database import Database
from actorcritic_cli.envs.tau.drawn.airline_bookings import bookings
from actorcritic_cli.envs.tau.drawn.airline_cancels import cancels
from actorcritic_cli.envs.tau.drawn.airline_changes import changes
from actorcritic_cli.envs.tau.drawn.airline_choices import conditional
from actorcritic_cli.envs.tau.drawn.airline_goodwill import complaints, transfers
from actorcritic_cli.envs.tau.drawn.airline_lookups import lookups
from actorcritic_cli.envs.tau.drawn.airline_onboard import baggage, passengers
from actorcritic_cli.envs.tau.drawn.airline_refusals import refusals
from actorcritic_cli.envs.tau.drawn.airline_rules import Rules
from actorcritic_cli.types import Task

_SORTS = (bookings, conditional, changes, cancels, baggage, passengers, complaints, refusals, transfers, lookups)


def tasks(database: Database) -> tuple[Task, ...]:
    """Return the drawn tasks over the bundled records, the same on every call."""
    rules = Rules(database)
    return tuple(task for sort in _SORTS for task in sort(rules))
