"""``acc db``: looking after the record."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from actorcritic_cli.cli.common import DbOption, JsonOption, open_library, print_json, print_table, say
from actorcritic_cli.errors import AccError

app = typer.Typer(no_args_is_help=True, help="The database: where it is, whether it is sound, a copy of it.")

SHOWN = 20
"""Problems that are printed; ``--json`` has all."""


@app.command()
def path(db: DbOption = None) -> None:
    """Print where the database is (or will be)."""
    from actorcritic_cli.paths import database_path

    typer.echo(database_path(db))


@app.command()
def verify(db: DbOption = None, json: JsonOption = False) -> None:
    """Check the record: derive every message's hash again, follow every chain, look for gaps and loose rows.

    Leaves with 1 when there is a problem. Nothing is changed.
    """
    from actorcritic_cli.show.bar import counting
    from actorcritic_cli.store.verify import verify as check

    with open_library(db) as library, counting("checking sessions") as progress:
        found = check(library.database, progress)
        file = library.database.path
    if json:
        print_json(found)
    else:
        print_table(("table", "rows"), [(table, f"{n:,}") for table, n in found.counts.items()], right=("rows",))
        for problem in found.problems[:SHOWN]:
            typer.echo(problem)
        if len(found.problems) > SHOWN:
            typer.echo(f"… and {len(found.problems) - SHOWN} more; --json has all.")
    if found.problems:
        raise AccError(
            f"{file} has {len(found.problems)} problem(s), the first: {found.problems[0]}; restore a backup."
        )
    say(f"{file} is sound: every hash, chain and row holds.")


@app.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="New file.", show_default="beside it, with the time")
    ] = None,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Copy the database to a new file. Safe while sessions are being recorded."""
    from actorcritic_cli.store.backup import backup as copy

    with open_library(db) as library:
        source = library.database.path
        now = datetime.now().strftime("%Y%m%d-%H%M%S")
        target = file or source.with_name(f"{source.stem}-{now}{source.suffix or '.db'}")
        size = copy(library.database, target)
    print_json({"file": str(target), "bytes": size}) if json else typer.echo(target)
    say(f"{source} is copied to {target} ({size / 1e6:.1f} MB).")
