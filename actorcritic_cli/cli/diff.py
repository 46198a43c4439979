"""``acc diff``: where two sessions part, what became of rejected proposals, or how two runs compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from actorcritic_cli.cli.common import DbOption, JsonOption, open_library, print_json
from actorcritic_cli.errors import EXIT_ERROR, UsageError

if TYPE_CHECKING:
    from actorcritic_cli.replay.effects import Effects
    from actorcritic_cli.replay.story import Story
    from actorcritic_cli.store.library import Library


def diff(
    left: Annotated[
        str, typer.Argument(metavar="A", help="Session (the beginning of its id, or last); with --run, a run.")
    ],
    right: Annotated[
        str | None, typer.Argument(metavar="B", help="What to compare it with.", show_default=False)
    ] = None,
    attempts: Annotated[
        bool, typer.Option("--attempts", help="Of one session: each rejected proposal against its revision.")
    ] = False,
    run: Annotated[
        bool, typer.Option("--run", help="A and B are runs: their sessions in pairs, by task and trial.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Leave nothing out of tool results and critiques.")] = False,
    db: DbOption = None,
    json: JsonOption = False,
) -> None:
    """Show where two sessions differ: the first message, the turns that differ beside each other, state and outcome.

    From their first difference on, turns are aligned; the accepted calls are run again on a fresh state to say which
    records each session changed. Leaves with 0 when everything is the same, else with 1 (--attempts: when anything
    was revised).
    """
    if attempts and (run or right is not None):
        raise UsageError("--attempts looks at one SESSION; leave out --run and the second name.")
    if not attempts and right is None:
        what = "runs" if run else "sessions (or one, with --attempts)"
        raise UsageError(f"Name two {what} to compare; acc sessions{' --runs' if run else ''} lists them.")
    with open_library(db) as library:
        if attempts:
            same = _attempts(library, left, full=full, json=json)
        elif run:
            same = _runs(library, left, right or "", full=full, json=json)
        else:
            same = _sessions(library, left, right or "", full=full, json=json)
    if not same:
        raise typer.Exit(EXIT_ERROR)


def _sessions(library: Library, left: str, right: str, *, full: bool, json: bool) -> bool:
    from actorcritic_cli.replay.difference import difference
    from actorcritic_cli.replay.story import told

    ids = [library.find_session(name) for name in (left, right)]
    one, two = (told(library.events(session)) for session in ids)
    found = difference(one, two)
    effects = (_effects(one), _effects(two))
    if json:
        import msgspec

        pairs = [{"step": pair.step, "same": pair.same, **msgspec.to_builtins(pair)} for pair in found.pairs]
        plain = {**msgspec.to_builtins(found), "pairs": pairs}
        print_json({"sessions": ids, "ended": [one.ended, two.ended], "effects": effects} | plain)
    else:
        from actorcritic_cli.show.console import stdout
        from actorcritic_cli.show.diff import print_difference

        print_difference(stdout(), one, two, found, effects, full=full)
    return found.same


def _effects(story: Story) -> Effects:
    """Return what a session did to its state, without a judge: nothing is scored here."""
    from actorcritic_cli.envs import registry
    from actorcritic_cli.errors import AccError
    from actorcritic_cli.replay.effects import Effects, effects_of

    spec = story.started.spec
    options = {name: value for name, value in spec.env_options.items() if name != "judge"}
    try:
        return effects_of(story, registry.load(spec.env, spec.dataset, options))
    except AccError as error:
        return Effects(None, str(error))


def _attempts(library: Library, name: str, *, full: bool, json: bool) -> bool:
    from actorcritic_cli.replay.attempts import revisions
    from actorcritic_cli.replay.story import told

    session = library.find_session(name)
    story = told(library.events(session))
    found = revisions(story)
    if json:
        print_json({"session": session, "revisions": found})
    else:
        from actorcritic_cli.show.console import stdout
        from actorcritic_cli.show.diff_attempts import print_revisions

        print_revisions(stdout(), story, found, full=full)
    return not found


def _runs(library: Library, left: str, right: str, *, full: bool, json: bool) -> bool:
    from actorcritic_cli.replay.runs import run_difference
    from actorcritic_cli.show.bar import counting

    ids = [library.find_run(name) for name in (left, right)]
    rows = [library.run(run) for run in ids]
    places = [f"{row['env']} ({row['dataset']})" for row in rows]
    if places[0] != places[1]:
        raise UsageError(
            f"{ids[0]} is in {places[0]} and {ids[1]} in {places[1]}: their tasks are not the same; name two runs of one."
        )
    with counting("pairing") as progress:
        found = run_difference(library.database, ids[0], ids[1], progress)
    if json:
        import msgspec

        print_json({"runs": ids, "same": found.same} | msgspec.to_builtins(found))
    else:
        from actorcritic_cli.show.diff_runs import print_run_difference

        print_run_difference(library, ids, found, full=full)
    return found.same
