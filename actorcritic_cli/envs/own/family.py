"""Files with agents of your own as a family: known by their path, checked by running what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from actorcritic_cli.envs.family import FetchReport, Finding
from actorcritic_cli.envs.own import states
from actorcritic_cli.envs.own.definition import PREFIX, Definition, definition_of
from actorcritic_cli.envs.own.environment import OwnEnvironment, OwnEpisode
from actorcritic_cli.errors import AccError, NotFound, UsageError
from actorcritic_cli.types import Task

FILE = "file"
"""The key in ``env_options`` under which a session keeps the file's absolute path."""


def path_of(name: str, options: Mapping[str, Any] | None = None) -> str | None:
    """Return the file that a name means, or ``None`` where it is no agent of one's own.

    Such a name is the path of a Python file, or ``own:NAME`` together with the ``file`` in the options. Raises
    ``NotFound`` for ``own:NAME`` alone.
    """
    if name.endswith(".py"):
        return name
    if not name.startswith(PREFIX):
        return None
    file = (options or {}).get(FILE)
    if not isinstance(file, str):
        raise NotFound(f"'{name}' is an agent of your own; say the path of its file in place of the name.")
    return file


def on_record(path: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the options by which a session keeps a file: ``own:desk`` and its absolute path."""
    definition = definition_of(path)
    return definition.name, {FILE: str(definition.path)}


def names() -> Sequence[str]:
    """None: files are named by their path."""
    return ()


def datasets(name: str) -> Sequence[str]:
    """Return the version of the file, the only one there is."""
    return (definition_of(name).version,)


def load(name: str, dataset: str, options: Mapping[str, Any]) -> OwnEnvironment:
    """See ``Family.load``."""
    return OwnEnvironment(definition_of(name))


def fetch(name: str, source: str) -> FetchReport:
    """There is nothing to fetch. Raises ``UsageError``."""
    raise UsageError(f"{name} is a file of your own, which has nothing to fetch; check it with acc env check {name}.")


def size(name: str, dataset: str) -> int:
    """See ``Family.size``."""
    return len(load(name, dataset, {}).tasks())


def check(name: str, dataset: str) -> list[Finding]:
    """Run every task's actions and say what does not hold: unknown or failing actions, tools that write but do not say
    so, states that sessions share, results that differ from one run to the next."""
    definition = definition_of(name)
    effects = ", ".join(f"{tool.spec.name} ({tool.spec.effect})" for tool in definition.tools)
    found = [Finding("ok", f"{len(definition.tools)} tools: {effects}")]
    found += _state_findings(definition)
    for task in definition.tasks:
        found += _task_findings(definition, task)
    if not definition.tasks:
        found.append(Finding("note", "there are no tasks; sessions are free conversations, without a score"))
    elif not any(finding.level == "problem" for finding in found):
        found.append(Finding("ok", f"{len(definition.tasks)} tasks, whose actions all run"))
    return found


def _state_findings(definition: Definition) -> Iterator[Finding]:
    first, second = OwnEpisode(definition, None), OwnEpisode(definition, None)
    if first.state_hash() != second.state_hash():
        yield Finding("problem", "open_state() gives another state each time; sessions could not be replayed")
    if not states.is_copied(first.state):
        yield Finding("note", "the state cannot be copied: what a failing call has already changed stays changed")


def _task_findings(definition: Definition, task: Task) -> Iterator[Finding]:
    from actorcritic_cli.users.answering import answers_of

    try:
        answers_of(task)
    except AccError as error:
        yield Finding("problem", str(error))
    tools = {tool.spec.name: tool for tool in definition.tools}
    bystander = OwnEpisode(definition, task)
    untouched = bystander.state_hash()
    once, twice = OwnEpisode(definition, task), OwnEpisode(definition, task)
    for action in task.actions:
        if action.name not in tools:
            yield Finding("problem", f"task {task.id}: there is no tool {action.name}")
            continue
        before = once.state_hash()
        result = once.call(action.name, action.arguments)
        again = twice.call(action.name, action.arguments)
        if result.error:
            yield Finding("problem", f"task {task.id}: {action.name} fails: {result.text}")
        elif tools[action.name].spec.effect != "write" and once.state_hash() != before:
            yield Finding("problem", f'task {task.id}: {action.name} changes the state; mark it @tool(effect="write")')
        if result.text != again.text:
            yield Finding("problem", f"task {task.id}: {action.name} does not give the same when it is run again")
    if bystander.state_hash() != untouched:
        yield Finding(
            "problem", f"task {task.id}: its calls change the state of other sessions; open_state() must make a new one"
        )
