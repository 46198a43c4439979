"""``acc critic rebuild``: the built-in critic from nothing, by public commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorcritic_cli.cli.common import JsonOption, print_json, print_table, say
from actorcritic_cli.errors import NotFound, UsageError

if TYPE_CHECKING:
    from actorcritic_cli.learn.builtin.results import Results

PACKAGE = "package"
"""The folder of what ships, in that of the rebuild."""


def rebuild(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for everything that is made on the way.")],
    recordings: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder with recorded conversations of the benchmarks (tau-bench/trajectories, tau2/trajectories), to "
            "measure on those, too.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands, and run nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Make the built-in critic again, from nothing: sessions, data, training, threshold, and all figures of its card.

    It runs public commands of acc, in a data folder of its own, and prints each; interrupted, the same command goes on from
    there. What ships is in OUT/package afterwards: the model, its card and its figures. Training needs acc[train].
    """
    from actorcritic_cli.learn.builtin.rebuild import HOME, Rebuild
    from actorcritic_cli.learn.builtin.recipe import RECIPE
    from actorcritic_cli.learn.builtin.results import goals, results
    from actorcritic_cli.learn.builtin.steps import steps

    if recordings is not None and not (recordings / "tau-bench" / "trajectories").is_dir():
        raise NotFound(f"{recordings} has no folder tau-bench/trajectories; name the folder that has.")
    todo = steps(RECIPE, recordings)
    if dry_run:
        typer.echo(f"mkdir -p {out} && cd {out} && export ACC_HOME={HOME}")
        for step in todo:
            typer.echo(step.command)
        return
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; name a folder.")
    from actorcritic_cli.learn.training.model import require

    require()
    out.mkdir(parents=True, exist_ok=True)
    rebuilding = Rebuild(out, todo, say)
    try:
        done = rebuilding.run()
    except KeyboardInterrupt:
        say(f"\ninterrupted; the same command goes on from there: acc critic rebuild {out}")
        raise
    found = results(out, RECIPE, done)
    _package(out, found)
    reached = goals(found)
    if json:
        print_json({"results": found, "goals": [{"goal": goal, "reached": goal.reached} for goal in reached]})
    else:
        from actorcritic_cli.show.builtin_card import goal_rows

        print_table(("figure", "found", "goal", "reached"), goal_rows(reached))
    say(f"What ships is in {out / PACKAGE}; it belongs into actorcritic_cli/critics/builtin.")


def _package(out: Path, found: Results) -> None:
    import shutil

    from actorcritic_cli.learn.builtin.recipe import RECIPE
    from actorcritic_cli.learn.builtin.steps import shipped_file
    from actorcritic_cli.learn.dataset import write_document
    from actorcritic_cli.show.builtin_card import card

    package = out / PACKAGE
    package.mkdir(exist_ok=True)
    shutil.copyfile(out / shipped_file(RECIPE), package / "critic.gguf")
    write_document(package / "results.json", found)
    (package / "card.md").write_text(card(found), encoding="utf-8")
