"""``acc doctor``: is everything here that a session needs?"""

from __future__ import annotations

from typing import Annotated

import typer

from actorcritic_cli.cli.common import DbOption, JsonOption, print_json, print_table
from actorcritic_cli.errors import AccError


def doctor(
    critic: Annotated[
        str | None,
        typer.Option(metavar="FILE.gguf", help="Check this critic too (builtin, or a GGUF file), by loading it."),
    ] = None,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Check the installation: Python, libraries, database, keys, environments, cores, and a critic if you name one."""
    from actorcritic_cli.checkup import examine

    found = examine(db, critic)
    if json:
        print_json(found)
    else:
        print_table(("", "what", "finding"), [(f.level, f.what, f.text) for f in found])
    problems = [f for f in found if f.level == "problem"]
    if problems:
        raise AccError(f"{len(problems)} problem(s): {problems[0].what}: {problems[0].text}")
