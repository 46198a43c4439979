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


@app.command()
def bench(
    sessions: Annotated[int, typer.Option(help="Sessions in the database that is made.", min=1)] = 10_000,
    messages: Annotated[int, typer.Option(help="Messages in each.", min=4)] = 100,
    repeat: Annotated[int, typer.Option(help="How often each thing is measured.", min=1)] = 5,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="FOLDER", help="Leave the database and files in this new folder.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a large database of made-up sessions in a temporary folder, and time what one waits for.

    stats, import and --help are measured in turns with what they cannot be faster than. Yours is not touched.
    """
    import tempfile

    from actorcritic_cli.exchange.bench import bench as run
    from actorcritic_cli.show.bar import counting

    if keep is not None:
        try:
            keep.mkdir(parents=True)
        except OSError as error:
            raise AccError(f"Cannot make the folder {keep} ({error.strerror}); name one that is not there.") from error
    with tempfile.TemporaryDirectory(prefix="acc-bench-") as temporary, counting("measuring") as progress:
        found = run(keep or Path(temporary), sessions, messages, repeat, progress)
    if json:
        print_json(found)
        return
    say(
        f"{found.sessions:,} sessions, {found.messages:,} messages ({found.stored:,} of them different), "
        f"{found.size:,.0f} MB, made in {found.seconds:.1f} s."
    )
    rows = [
        (
            timed.what,
            f"{timed.seconds:.2f}",
            f"{timed.peak:.0f}" if timed.peak is not None else "",
            timed.beside or "",
            f"{timed.floor:.2f}" if timed.floor is not None else "",
            f"{timed.ratio:.1f}" if timed.ratio is not None else "",
            f"{timed.bound:.1f}" if timed.bound is not None else "",
        )
        for timed in found.timed
    ]
    headers = ("what", "seconds", "peak MB", "beside", "its seconds", "ratio", "at most")
    print_table(headers, rows, right=("seconds", "peak MB", "its seconds", "ratio", "at most"))
