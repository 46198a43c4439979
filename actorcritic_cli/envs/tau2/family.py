"""τ²-bench as a family of environments: ``tau2_airline`` and ``tau2_retail``, bundled and official."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actorcritic_cli.envs.family import FetchReport, Finding
from actorcritic_cli.envs.tau.family import BUNDLED
from actorcritic_cli.envs.tau.family import load as load_v1
from actorcritic_cli.envs.tau2 import airline, official, retail
from actorcritic_cli.envs.tau2.dataset import Dataset, convert
from actorcritic_cli.envs.tau2.environment import Tau2Environment
from actorcritic_cli.envs.tau2.judge_choice import judge_of

_BY_NAME = {domain.environment: domain for domain in (airline.DOMAIN, retail.DOMAIN)}


def names() -> Sequence[str]:
    """See ``Family.names``."""
    return list(_BY_NAME)


def datasets(name: str) -> Sequence[str]:
    """See ``Family.datasets``."""
    return (BUNDLED, *official.PARTS)


def load(name: str, dataset: str, options: Mapping[str, Any]) -> Tau2Environment:
    """See ``Family.load``; the option ``judge`` names the model that decides on statements about a conversation."""
    return Tau2Environment(_BY_NAME[name], dataset, _data(name, dataset), judge_of(options))


def size(name: str, dataset: str) -> int:
    """See ``Family.size``."""
    return len(load(name, dataset, {}).tasks())


def check(name: str, dataset: str) -> list[Finding]:
    """See ``Family.check``."""
    return official.findings(_BY_NAME[name], _data(name, dataset), dataset)


def fetch(name: str, source: str) -> FetchReport:
    """See ``Family.fetch``."""
    return official.fetch(source, _BY_NAME[name])


def _data(name: str, dataset: str) -> Dataset:
    domain = _BY_NAME[name]
    if dataset != BUNDLED:
        return official.data_of(domain, dataset)
    return convert(domain, load_v1(f"tau_{domain.name}", BUNDLED, {}).data)
