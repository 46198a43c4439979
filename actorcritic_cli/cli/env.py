"""``acc env``: which environments there are, and the data behind them."""

from __future__ import annotations

from typing import Annotated

import typer

from actorcritic_cli.cli.common import JsonOption, print_json, print_table, say
from actorcritic_cli.errors import AccError

app = typer.Typer(no_args_is_help=True, help="Environments: what there is, and the data behind it.")

NameArgument = Annotated[str, typer.Argument(help="Environment, for example tau_airline.")]
DatasetOption = Annotated[str | None, typer.Option("--dataset", help="Data set.", show_default="bundled")]


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """List every environment with its data sets, and how to get those that are not here."""
    from actorcritic_cli.envs import registry

    described = registry.describe()
    if json:
        print_json(described)
        return
    rows = [
        (d.name, d.dataset, "" if d.tasks is None else str(d.tasks), "ready" if d.available else d.why)
        for d in described
    ]
    print_table(("environment", "data set", "tasks", "state"), rows)


@app.command()
def show(
    name: NameArgument,
    dataset: DatasetOption = None,
    task: Annotated[str | None, typer.Option(help="Show one task whole.")] = None,
    policy: Annotated[bool, typer.Option("--policy", help="Print the policy text.")] = False,
    json: JsonOption = False,
) -> None:
    """Show an environment: its tools and tasks, its policy, or one task."""
    from actorcritic_cli.envs import registry
    from actorcritic_cli.session.build import task_for

    environment = registry.load(name, dataset)
    if policy:
        print_json({"policy": environment.policy}) if json else typer.echo(environment.policy)
        return
    if task is not None:
        print_json(task_for(environment, task))
        return
    if json:
        print_json(
            {
                "name": name,
                "dataset": environment.dataset,
                "tools": environment.tools,
                "tasks": list(environment.tasks()),
            }
        )
        return
    from actorcritic_cli.text import one_line

    say(f"{name}, data set {environment.dataset}: {len(environment.tools)} tools, {len(environment.tasks())} tasks")
    print_table(
        ("tool", "effect", "what it does"), [(t.name, t.effect, one_line(t.description, 90)) for t in environment.tools]
    )
    print_table(
        ("task", "kind", "title"),
        [(t.id, t.kind, t.title or one_line(t.instruction, 90)) for t in environment.tasks()],
    )


@app.command()
def fetch(
    name: NameArgument,
    source: Annotated[
        str, typer.Option("--from", help="Folder with the official data, or the URL of a git repository.")
    ],
    json: JsonOption = False,
) -> None:
    """Copy an environment's official data into acc's data folder, after checking them.

    ACC_TAU_BENCH_DIR names a folder to use instead, without copying.
    """
    from actorcritic_cli.envs import registry

    report = registry.fetch(name, source)
    if json:
        print_json(report)
        return
    for dataset, found in report.datasets.items():
        print_table((dataset, ""), [(f.level, f.text) for f in found])
    say(f"{name} is ready: {', '.join(report.datasets)} (in {report.folder})")


@app.command()
def check(name: NameArgument, dataset: DatasetOption = None, json: JsonOption = False) -> None:
    """Check an environment's data: complete, consistent, and the ones that are known."""
    from actorcritic_cli.envs import registry

    found = registry.check(name, dataset)
    print_json(found) if json else print_table(("", "finding"), [(f.level, f.text) for f in found])
    problems = sum(1 for f in found if f.level == "problem")
    if problems:
        raise AccError(f"The data of {name} have {problems} problem(s); fetch them again with acc env fetch.")
