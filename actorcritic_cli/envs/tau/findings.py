"""What can be said of a data set: what is wrong with it, how large it is, whether it is the one that is known.

The known hashes are those of the untouched official databases, so that a result can say which data it was measured on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actorcritic_cli.envs.family import Finding
from actorcritic_cli.envs.tau.database import Database, State
from actorcritic_cli.envs.tau.dataset import Dataset
from actorcritic_cli.envs.tau.domain import Domain
from actorcritic_cli.envs.tau.scoring import RESPOND
from actorcritic_cli.envs.tau.tools import Tool, call
from actorcritic_cli.types import Task

KNOWN_HASHES = {
    ("airline", "official"): "4587e6b48ad2b2c4f3e1fecb40aabec7bb2286513273b8f8cec3f5865222f290",
    ("airline", "official-2024"): "4a02dcbc0e3ace4d398988d60a33e73afad4d201deb426303159f086cadad20f",
    ("retail", "official"): "5a4b2cb59f4d12dea7e4adff24a7f8fada510ead49372ea4a729a82bbb5f49b5",
    ("retail", "official-2024"): "835f402e86a2f9f1b7d82d8cc497c4f3310c7099db8148fa43709e0eaaf816ed",
}

_EDITION_OF = {"official-dev": "official", "official-train": "official"}
"""Further task lists stand on the records of an edition."""


def findings(domain: Domain, data: Dataset, dataset: str) -> list[Finding]:
    """Return what is to be said of a data set, problems first."""
    tables, tools = data.database.tables, {tool.spec.name: tool for tool in domain.tools}
    known = KNOWN_HASHES.get((domain.name, _EDITION_OF.get(dataset, dataset)))
    return found_in(data.database, data.policy, data.tasks, tools, domain.problems(tables, data.tasks), known)


def found_in(
    database: Database,
    policy: str,
    tasks: Sequence[Task],
    tools: Mapping[str, Tool],
    problems: Sequence[str],
    known: str | None,
) -> list[Finding]:
    """Return what is to be said of data, the domain's own ``problems`` included; ``known`` is the hash they should have."""
    problems = [
        *(f"table {name} is empty" for name, table in database.tables.items() if not table),
        *problems,
        *_duplicates([task.id for task in tasks]),
        *_unknown_actions(tools, tasks),
    ]
    if not policy.strip():
        problems.append("the policy is empty")
    if not tasks:
        problems.append("there are no tasks")
    counts = ", ".join(f"{len(table)} {name}" for name, table in database.tables.items())
    notes = [] if problems else _failing_actions(tools, database, tasks)
    return [
        *(Finding("problem", text) for text in problems),
        Finding("ok", f"{counts}, {len(tasks)} tasks"),
        *(Finding("note", text) for text in notes),
        _identity(State(database).hash(), known),
    ]


def _identity(actual: str, known: str | None) -> Finding:
    if known is None:
        return Finding("ok", f"untouched database {actual}")
    if actual == known:
        return Finding("ok", f"untouched database {actual}, verified: it is the known official one")
    return Finding("note", f"untouched database {actual} differs from the known one, {known}: results do not compare")


def _duplicates(ids: list[str]) -> list[str]:
    return [f"task {id_}: the id occurs {ids.count(id_)} times" for id_ in dict.fromkeys(ids) if ids.count(id_) > 1]


def _unknown_actions(tools: Mapping[str, Tool], tasks: Sequence[Task]) -> list[str]:
    return [
        f"task {task.id}: expects a call of the unknown tool {action.name!r}"
        for task in tasks
        for action in task.actions
        if action.name not in tools and action.name != RESPOND
    ]


def _failing_actions(tools: Mapping[str, Tool], database: Database, tasks: Sequence[Task]) -> list[str]:
    """Expected writes that fail when replayed: the task's target state then simply lacks them."""
    found = []
    for task in tasks:
        state = State(database)
        for action in task.actions:
            tool = tools.get(action.name)
            if tool is None or tool.ends:
                continue
            result = call(tools, state, action.name, action.arguments).result
            if result.error and tool.spec.effect == "write":
                found.append(f"task {task.id}: the expected {action.name} fails ({result.text})")
    return found
