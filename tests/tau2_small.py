"""The small airline and the small shop in the form of τ²-bench."""

from __future__ import annotations

from actorcritic_cli.envs.tau.database import Database
from actorcritic_cli.envs.tau.dataset import Dataset as V1Dataset
from actorcritic_cli.envs.tau2 import airline, retail
from actorcritic_cli.envs.tau2.common import Domain
from actorcritic_cli.envs.tau2.dataset import convert
from actorcritic_cli.envs.tau2.environment import Tau2Environment
from actorcritic_cli.envs.tau2.judge import Judge
from actorcritic_cli.types import Task
from tests import retail_small, tau_small

ADDRESS = retail_small.ADDRESS
POLICY = "Be kind."


def airline_tables() -> dict[str, dict[str, dict]]:
    """The small airline, completed where v2 wants whole records."""
    tables = tau_small.tables()
    for flight in tables["flights"].values():
        for day in flight["dates"].values():
            if day["status"] == "landed":
                day["actual_arrival_time_est"] = "x"
    tables["users"]["anna_berg_1"]["address"] = ADDRESS
    return tables


def environment(name: str, *tasks: Task, judge: Judge | None = None) -> Tau2Environment:
    """Return ``airline`` or ``retail`` on small data."""
    domain: Domain = {"airline": airline.DOMAIN, "retail": retail.DOMAIN}[name]
    tables = airline_tables() if name == "airline" else retail_small.tables()
    data = convert(domain, V1Dataset(Database(tables), POLICY, tasks))
    return Tau2Environment(domain, "small", data, judge)
