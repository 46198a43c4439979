"""The domains there are, by name. A new one is added here."""

from __future__ import annotations

from actorcritic_cli.envs.tau import airline, retail
from actorcritic_cli.envs.tau.domain import Domain

DOMAINS: dict[str, Domain] = {domain.name: domain for domain in (airline.DOMAIN, retail.DOMAIN)}
