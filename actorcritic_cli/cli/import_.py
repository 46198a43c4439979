"""``acc import``: recorded sessions from elsewhere, into the record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actorcritic_cli.cli.common import DbOption, JsonOption, print_json, say


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A result file of tau-bench or tau2-bench, a log of Inspect, chat lines, or a trace."
        ),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(help="The data set that a result file was made on.", show_default="told by the file's content"),
    ] = None,
    actor: Annotated[
        str | None, typer.Option(help="The model that acted in a result file.", show_default="told by the file's name")
    ] = None,
    env: Annotated[
        str | None, typer.Option(help="The environment of a result file.", show_default="told by the file's content")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run that will hold the sessions.")] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out sessions that cannot be read, and import the others.")
    ] = False,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Import recorded sessions: results of tau-bench or tau2-bench, logs of Inspect, chat lines, traces.

    The format is told by the content. A file is imported whole or not at all, and only once.
    """
    from actorcritic_cli.exchange.intake import import_file
    from actorcritic_cli.paths import database_path
    from actorcritic_cli.show.bar import counting
    from actorcritic_cli.store.database import open_database

    with open_database(database_path(db)) as database, counting(f"importing {file.name}") as progress:
        done = import_file(
            file, database, env=env, dataset=dataset, actor=actor, name=name, skip_bad=skip_bad, progress=progress
        )
    from actorcritic_cli.show.values import several

    if json:
        print_json(done)
    else:
        typer.echo(done.run or several(done.sessions + done.present, "session"))
    place = f"in run {done.run}" if done.run else "on record"
    if done.present and not done.sessions:
        was = several(done.present, "session")
        say(f"{file} was imported before: {was} {place} (actor {done.actor}); nothing changed.")
        return
    before = f"; {done.present} more had been before" if done.present else ""
    left = f"; {done.skipped} bad left out" if done.skipped else ""
    say(
        f"imported {place}: {several(done.sessions, 'session')} of {several(done.tasks, 'task')} in {done.env} "
        f"({done.dataset}), actor {done.actor}{before}{left}."
    )
