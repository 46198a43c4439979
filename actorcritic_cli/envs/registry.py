"""Which environments there are, by name, and which data sets each can stand on."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, cast

from msgspec import Struct

from actorcritic_cli.envs.family import Family, FetchReport, Finding
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.errors import AccError, NotFound

FAMILIES = ("actorcritic_cli.envs.tau.family", "actorcritic_cli.envs.tau2.family", "actorcritic_cli.envs.travel.family")
"""The modules that are families of environments (see ``family``), in the order in which they are listed."""
OWN = "actorcritic_cli.envs.own.family"
"""The family of files with tools of one's own, which are named by their path."""


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
    """Return an environment on a data set (``None``: its default); ``name`` may be the path of a file with own tools.

    Raises ``NotFound`` for an unknown name or data set, or data that are not on this machine.
    """
    name = _own().path_of(name, options) or name
    family, dataset = _place(name, dataset)
    return family.load(name, dataset, options or {})


def on_record(name: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the options by which a session keeps an environment, so that ``load`` finds it again.

    They differ from ``name`` and ``{}`` for the path of a file with own tools only. Raises ``AccError`` for such a file.
    """
    path = _own().path_of(name)
    return _own().on_record(path) if path is not None else (name, {})


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


def _own() -> Any:
    return importlib.import_module(OWN)


def _family_of(name: str) -> Family:
    if name.endswith(".py"):
        return cast(Family, _own())
    for family in _families():
        if name in family.names():
            return family
    raise NotFound(
        f"There is no environment '{name}'; there are: {', '.join(names())} (see acc env list), and any "
        "Python file with tools of yours, by its path."
    )


def _place(name: str, dataset: str | None) -> tuple[Family, str]:
    family = _family_of(name)
    known = family.datasets(name)
    if dataset is not None and dataset not in known:
        if name.endswith(".py"):
            raise NotFound(
                f"{name} has changed since: it is version {known[0]} now, not {dataset}; put back the file, its policy, its "
                "tasks and its FILES as they were."
            )
        raise NotFound(f"{name} has no data set '{dataset}'; there are: {', '.join(known)}.")
    return family, dataset or known[0]


def _described(name: str, dataset: str) -> Described:
    try:
        return Described(name, dataset, True, tasks=_family_of(name).size(name, dataset))
    except AccError as error:
        return Described(name, dataset, False, why=str(error))
