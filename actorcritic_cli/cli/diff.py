"""``acc diff``: where two sessions part."""

from __future__ import annotations

from typing import Annotated

import typer

from actorcritic_cli.cli.common import DbOption, JsonOption, open_library, print_json
from actorcritic_cli.errors import EXIT_ERROR


def diff(
    left: Annotated[str, typer.Argument(metavar="A", help="Session (the beginning of its id, or last).")],
    right: Annotated[str, typer.Argument(metavar="B", help="The session to compare it with.")],
    full: Annotated[bool, typer.Option("--full", help="Leave nothing out of tool results and critiques.")] = False,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Show where two sessions differ: the first message, then the turns that differ side by side, and the outcome.

    Leaves with 0 when conversation, supervision and outcome are the same, else with 1.
    """
    from actorcritic_cli.replay.difference import difference
    from actorcritic_cli.replay.story import told

    with open_library(db) as library:
        ids = [library.find_session(name) for name in (left, right)]
        one, two = (told(library.events(session)) for session in ids)
    found = difference(one, two)
    if json:
        import msgspec

        print_json({"sessions": ids, "ended": [one.ended, two.ended]} | msgspec.to_builtins(found))
    else:
        from actorcritic_cli.show.console import stdout
        from actorcritic_cli.show.diff import print_difference

        print_difference(stdout(), one, two, found, full=full)
    if not found.same:
        raise typer.Exit(EXIT_ERROR)
