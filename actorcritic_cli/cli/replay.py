"""``acc replay``: a session told again, or done again and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from actorcritic_cli.cli.common import (
    DatasetFilter,
    DbOption,
    EnvFilter,
    RunFilter,
    open_library,
    print_json,
    print_json_line,
)
from actorcritic_cli.errors import AccError, UsageError

if TYPE_CHECKING:
    from actorcritic_cli.replay.verify import Checked
    from actorcritic_cli.store.library import Library


def replay(
    session: Annotated[
        str | None,
        typer.Argument(metavar="SESSION", help="Session (the beginning of its id, or last).", show_default=False),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Leave nothing out of tool results and critiques.")] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Run the accepted tool calls again on a fresh world and compare results, state and reward."
        ),
    ] = False,
    run: RunFilter = None,
    env: EnvFilter = None,
    dataset: DatasetFilter = None,
    all_: Annotated[bool, typer.Option("--all", help="With --verify: every session on record.")] = False,
    db: DbOption = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON for programs: the events, one a line; with --verify, the report.")
    ] = False,
) -> None:
    """Tell a recorded session again: what was proposed, what the critic said, what was decided, what came of it.

    With --verify its accepted tool calls are run again; it leaves with 1 when anything differs from the record. --run,
    --env, --dataset and --all verify many sessions.
    """
    many = run is not None or env is not None or dataset is not None or all_
    if many and not verify:
        raise UsageError("--run, --env, --dataset and --all go with --verify; a story is told of one SESSION.")
    if (session is None) != many:
        raise UsageError(
            "Name a SESSION (acc sessions lists them), or, with --verify, --run, --env, --dataset or --all."
        )
    with open_library(db) as library:
        if verify:
            _verify(library, _chosen(library, session, run, env, dataset), json)
        else:
            assert session is not None
            _tell(library, library.find_session(session), full=full, json=json)


def _tell(library: Library, session: str, *, full: bool, json: bool) -> None:
    if json:
        for event in library.events(session):
            print_json_line(event)
        return
    from actorcritic_cli.replay.story import told
    from actorcritic_cli.show.console import stdout
    from actorcritic_cli.show.story import print_story

    print_story(stdout(), told(library.events(session)), full=full)


def _chosen(library: Library, session: str | None, run: str | None, env: str | None, dataset: str | None) -> list[str]:
    from actorcritic_cli.errors import NotFound

    if session is not None:
        return [library.find_session(session)]
    run = library.find_run(run) if run is not None else None
    found = [s.id for s in reversed(library.sessions(env=env, dataset=dataset, run=run))]
    if not found:
        raise NotFound("No session on record matches; acc sessions lists them.")
    return found


def _verify(library: Library, sessions: list[str], json: bool) -> None:
    from actorcritic_cli.envs.protocol import Environment
    from actorcritic_cli.replay.verify import check, tally
    from actorcritic_cli.session.build import environment_for
    from actorcritic_cli.show.bar import counting
    from actorcritic_cli.show.verify import print_tally

    environments: dict[str, Environment] = {}
    checks: list[Checked] = []
    with counting("verifying") as progress:
        for done, session in enumerate(sessions, start=1):
            spec, _ = library.session_spec(session)
            place = repr((spec.env, spec.dataset, spec.env_options))
            if place not in environments:
                environments[place] = environment_for(spec)
            checks.append(check(library.events(session), environments[place]))
            progress(done, len(sessions))
    total = tally(checks)
    if json:
        print_json({"total": total, "sessions": checks})
    else:
        print_tally(total, checks)
    same, compared = total.sessions
    if same < compared:
        raise AccError(
            f"{compared - same} of {compared} sessions do not come out as recorded; the record, the tools or the data "
            "have changed since (acc db verify, acc env check)."
        )
