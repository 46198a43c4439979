"""What a family of environments offers the registry: environments that share their code, by name and data set.

A family is a module with these functions. A new family is one folder (or file) in this room and one entry in
``registry.FAMILIES``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from msgspec import Struct

from actorcritic_cli.envs.protocol import Environment


class Finding(Struct, frozen=True):
    """One thing found in a data set: ``ok``; ``note`` deserves attention but does not prevent use; ``problem`` does."""

    level: Literal["ok", "note", "problem"]
    text: str


class FetchReport(Struct, frozen=True):
    """What ``fetch`` did: the folder it filled, the data sets in it with what was found, the commit of a repository."""

    source: str
    folder: Path
    datasets: dict[str, list[Finding]]
    commit: str | None = None


class Family(Protocol):
    """A module of environments."""

    def names(self) -> Sequence[str]:
        """Return the names of its environments."""
        ...

    def datasets(self, name: str) -> Sequence[str]:
        """Return the data sets of an environment, the default first, whether they are on this machine or not."""
        ...

    def load(self, name: str, dataset: str, options: Mapping[str, Any]) -> Environment:
        """Return an environment on a data set. Raises ``NotFound`` with the remedy when its data are not here.

        ``options`` are the session's ``env_options`` (for example ``judge``, the model that scores free text).
        """
        ...

    def size(self, name: str, dataset: str) -> int:
        """Return how many tasks a data set has. Raises what ``load`` raises."""
        ...

    def check(self, name: str, dataset: str) -> list[Finding]:
        """Return what is to be said of a data set. Raises what ``load`` raises."""
        ...

    def fetch(self, name: str, source: str) -> FetchReport:
        """Copy the official data of an environment from a folder or git URL, after checking them."""
        ...
