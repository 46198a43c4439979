"""τ-bench v1 as a family of environments: ``tau_airline`` and its like, bundled, drawn (see ``drawn``) and official."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from actorcritic_cli.envs.family import FetchReport, Finding
from actorcritic_cli.envs.tau import official
from actorcritic_cli.envs.tau.dataset import Files, locate
from actorcritic_cli.envs.tau.dataset import load as load_dataset
from actorcritic_cli.envs.tau.domain import Domain
from actorcritic_cli.envs.tau.domains import DOMAINS
from actorcritic_cli.envs.tau.environment import TauEnvironment
from actorcritic_cli.envs.tau.findings import findings
from actorcritic_cli.errors import NotFound

BUNDLED, DRAWN = "bundled", "drawn"
_BUNDLED_ROOT = Path(__file__).parent / "bundled"
_BY_NAME = {domain.environment: domain for domain in DOMAINS.values()}


def names() -> Sequence[str]:
    """See ``Family.names``."""
    return list(_BY_NAME)


def datasets(name: str) -> Sequence[str]:
    """See ``Family.datasets``."""
    return (BUNDLED, DRAWN, *official.editions(_BY_NAME[name]))


def load(name: str, dataset: str, options: Mapping[str, Any]) -> TauEnvironment:
    """See ``Family.load``; there are no options."""
    domain = _BY_NAME[name]
    data = load_dataset(_files(domain, dataset))
    if dataset == DRAWN:
        from actorcritic_cli.envs.tau import drawn  # two dozen modules that no other data set needs

        data = replace(data, tasks=drawn.tasks(domain.name, data.database))
    return TauEnvironment(domain, dataset, data)


def size(name: str, dataset: str) -> int:
    """See ``Family.size``."""
    return len(load(name, dataset, {}).tasks())


def check(name: str, dataset: str) -> list[Finding]:
    """See ``Family.check``."""
    environment = load(name, dataset, {})
    return findings(environment.domain, environment.data, environment.dataset)


def fetch(name: str, source: str) -> FetchReport:
    """See ``Family.fetch``."""
    return official.fetch(source, name)


def _files(domain: Domain, dataset: str) -> Files:
    if dataset not in (BUNDLED, DRAWN):
        return official.files_of(domain, dataset)
    files = locate(_BUNDLED_ROOT, domain)
    if files is None:
        raise NotFound(f"The bundled data of {domain.environment} are missing; install acc again.")
    return files
