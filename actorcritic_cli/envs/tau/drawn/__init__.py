"""Drawn tasks of the service desks: what else the customers in the bundled records might want.

The bundled tasks are few and written by hand, each with a twist. These are many and plain: every reservation or order gives
some, in the words of templates, with the ground truth computed by the policy's rules. They are there to train on (see
``acc critic data``), not to compare agents by. The same on every call and every Python.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from actorcritic_cli.envs.tau.database import Database
from actorcritic_cli.envs.tau.drawn import airline, retail
from actorcritic_cli.types import Task

_OF: dict[str, Callable[[Database], tuple[Task, ...]]] = {"airline": airline.tasks, "retail": retail.tasks}


@lru_cache(maxsize=4)
def tasks(domain: str, database: Database) -> tuple[Task, ...]:
    """Return the drawn tasks of a domain (``airline`` or ``retail``) over its bundled records."""
    return _OF[domain](database)
