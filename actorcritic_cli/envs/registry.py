"""Which environments there are, by name, and which data sets each can stand on."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

from msgspec import Struct

from actorcritic_cli.envs.family import Family, FetchReport, Finding
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.errors import AccError, NotFound

FAMILIES = ("actorcritic_cli.envs.tau.family", "actorcritic_cli.envs.travel.family")
"""The modules that are families of environments (see ``family``), in the order in which they are listed."""


class Described(Struct, frozen=True):
    """A line of ``acc env list``. ``why`` says why it is not available, with the remedy; ``tasks`` is then ``None``."""

    name: str
    dataset: str
    available: bool
    why: str = ""
    tasks: int | None = None


def names() -> list[str]:
    """Return the names of all environments."""
    return [name for family in _families() for name in family.names()]


def datasets(name: str) -> list[str]:
    """Return the data sets of an environment, the default first. Raises ``NotFound`` for an unknown environment."""
    return list(_family_of(name).datasets(name))


def load(name: str, dataset: str | None = None, options: Mapping[str, Any] | None = None) -> Environment:
    """Return an environment on a data set (``None``: its default).

    Raises ``NotFound`` for an unknown name or data set, or data that are not on this machine.
    """
    family, dataset = _place(name, dataset)
    return family.load(name, dataset, options or {})


def describe() -> list[Described]:
    """Return every environment with every data set, whether it is available or not."""
    return [_described(name, dataset) for name in names() for dataset in datasets(name)]


def check(name: str, dataset: str | None = None) -> list[Finding]:
    """Return what is to be said of an environment's data set. Raises what ``load`` raises."""
    family, dataset = _place(name, dataset)
    return family.check(name, dataset)


def fetch(name: str, source: str) -> FetchReport:
    """Copy an environment's official data into acc's data folder, after checking them. Raises ``AccError``."""
    return _family_of(name).fetch(name, source)


def _families() -> list[Family]:
    return [cast(Family, importlib.import_module(module)) for module in FAMILIES]


def _family_of(name: str) -> Family:
    for family in _families():
        if name in family.names():
            return family
    raise NotFound(f"There is no environment '{name}'; there are: {', '.join(names())} (see acc env list).")


def _place(name: str, dataset: str | None) -> tuple[Family, str]:
    family = _family_of(name)
    known = family.datasets(name)
    if dataset is not None and dataset not in known:
        raise NotFound(f"{name} has no data set '{dataset}'; there are: {', '.join(known)}.")
    return family, dataset or known[0]


def _described(name: str, dataset: str) -> Described:
    try:
        return Described(name, dataset, True, tasks=len(load(name, dataset).tasks()))
    except AccError as error:
        return Described(name, dataset, False, why=str(error))
