"""What an importer asks of the environments: their data sets and tools."""

from __future__ import annotations

from actorcritic_cli.envs import registry
from actorcritic_cli.errors import NotFound
from actorcritic_cli.types import ToolSpec


def known_dataset(env: str, name: str) -> str:
    """Return the name of a data set. Raises ``NotFound`` when the environment has none of that name."""
    known = registry.datasets(env)
    if name not in known:
        raise NotFound(f"{env} has no data set '{name}'; there are: {', '.join(known)}.")
    return name


def tools_of(env: str) -> tuple[ToolSpec, ...]:
    """Return the tools of an environment, which are the same on all its data sets; none where no data are at hand."""
    for dataset in registry.datasets(env):
        try:
            return registry.load(env, dataset).tools
        except NotFound:
            continue
    return ()
