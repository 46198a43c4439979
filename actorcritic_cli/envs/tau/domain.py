"""What a domain adds to the shared parts: its tables, its tools and the check of its records."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from actorcritic_cli.envs.tau.database import Tables
from actorcritic_cli.envs.tau.tools import Tool
from actorcritic_cli.types import Task


class Domain(Struct, frozen=True):
    """A domain of τ-bench v1.

    ``tables`` are the names of its tables, each in a file of the same name with ``.json``; ``tools`` stand in the order
    in which the model sees them; ``problems(tables, tasks)`` lists what is wrong with a data set, one sentence each.
    """

    name: str
    tables: tuple[str, ...]
    tools: tuple[Tool, ...]
    problems: Callable[[Tables, Sequence[Task]], list[str]]
    task_lists: tuple[str, ...] = ()
    """The official task lists there are beside the test tasks: each is a data set of its own."""

    @property
    def environment(self) -> str:
        """The name under which the environment is asked for."""
        return f"tau_{self.name}"
