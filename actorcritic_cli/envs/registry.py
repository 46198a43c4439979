"""Which environments there are, by name, and which data sets each can stand on."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.envs.tau import official
from actorcritic_cli.envs.tau.dataset import Files, locate
from actorcritic_cli.envs.tau.dataset import load as load_dataset
from actorcritic_cli.envs.tau.domain import Domain
from actorcritic_cli.envs.tau.domains import DOMAINS
from actorcritic_cli.envs.tau.environment import TauEnvironment
from actorcritic_cli.envs.tau.findings import Finding, findings
from actorcritic_cli.errors import AccError, NotFound

BUNDLED = "bundled"
DATASETS = (BUNDLED, *official.USERS)
"""The data sets of a τ-bench domain; the first is the default."""

_BUNDLED_ROOT = Path(__file__).parent / "tau" / "bundled"
_TAU = {domain.environment: domain for domain in DOMAINS.values()}


class Described(Struct, frozen=True):
    """A line of ``acc env list``. ``why`` says why it is not available, with the remedy; ``tasks`` is then ``None``."""

    name: str
    dataset: str
    available: bool
    why: str = ""
    tasks: int | None = None


def names() -> list[str]:
    """Return the names of all environments."""
    return list(_TAU)


def load(name: str, dataset: str | None = None) -> Environment:
    """Return an environment on a data set (``None``: its default, ``bundled``).

    Raises ``NotFound`` for an unknown name or data set, or official data that are not on this machine.
    """
    domain = _TAU.get(name)
    if domain is None:
        raise NotFound(f"There is no environment {name!r}; there are: {', '.join(names())} (see acc env list).")
    dataset = dataset or BUNDLED
    return TauEnvironment(domain, dataset, load_dataset(_files(domain, dataset)))


def describe() -> list[Described]:
    """Return every environment with every data set, whether it is available or not."""
    return [_described(name, dataset) for name in names() for dataset in DATASETS]


def check(name: str, dataset: str | None = None) -> list[Finding]:
    """Return what is to be said of an environment's data set. Raises what ``load`` raises."""
    environment = load(name, dataset)
    assert isinstance(environment, TauEnvironment)
    return findings(environment.domain, environment.data, environment.dataset)


def _files(domain: Domain, dataset: str) -> Files:
    if dataset in official.USERS:
        return official.files_of(domain, dataset)
    if dataset != BUNDLED:
        raise NotFound(f"{domain.environment} has no data set {dataset!r}; there are: {', '.join(DATASETS)}.")
    files = locate(_BUNDLED_ROOT, domain)
    if files is None:
        raise NotFound(f"The bundled data of {domain.environment} are missing; install acc again.")
    return files


def _described(name: str, dataset: str) -> Described:
    try:
        return Described(name, dataset, True, tasks=len(load(name, dataset).tasks()))
    except AccError as error:
        return Described(name, dataset, False, why=str(error))
