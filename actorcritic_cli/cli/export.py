"""``acc export``: sessions as a trace file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorcritic_cli.cli.common import DbOption, RunFilter, open_library, say
from actorcritic_cli.errors import AccError, UsageError

if TYPE_CHECKING:
    from actorcritic_cli.session.events import Event
    from actorcritic_cli.store.library import Library


def export(
    sessions: Annotated[
        list[str] | None, typer.Argument(metavar="SESSION...", help="Sessions (the beginning of an id, or last).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write.", show_default="stdout")
    ] = None,
    run: RunFilter = None,
    db: DbOption = None,
) -> None:
    """Write sessions as a trace: every event as a line of JSON, nothing left out. acc import reads it back."""
    from actorcritic_cli.exchange import trace

    with open_library(db) as library:
        chosen = _chosen(library, sessions or [], run)
        events = _events(library, chosen)
        if output is None:
            trace.write(sys.stdout.buffer, events)
            sys.stdout.buffer.flush()
            return
        # Written beside and then renamed, so that a failure leaves the file as it was.
        half = output.with_name(f"{output.name}.part")
        try:
            count = trace.write(half, events)
            half.replace(output)
        except OSError as error:
            raise AccError(f"Cannot write {output} ({error.strerror}); name a file in a writable folder.") from error
        finally:
            half.unlink(missing_ok=True)
    from actorcritic_cli.show.values import several

    say(f"wrote {several(len(chosen), 'session')} ({count} events) to {output}.")


def _chosen(library: Library, names: list[str], run: str | None) -> list[str]:
    chosen = [library.find_session(name) for name in names]
    if run is not None:
        held = sorted(
            library.run_sessions(library.find_run(run)).items(), key=lambda item: (item[0][1], item[0][0] or "")
        )
        chosen += [session for _, (session, ended) in held if ended]
    if not chosen:
        raise UsageError("Say which sessions to export: their ids (acc sessions lists them), or --run RUN.")
    return list(dict.fromkeys(chosen))


def _events(library: Library, sessions: list[str]) -> Iterator[Event]:
    from actorcritic_cli.session.events import Ended

    for session in sessions:
        events = list(library.events(session))
        if not isinstance(events[-1], Ended):
            raise AccError(
                f"Session {session} has not ended; go on with it (acc chat --resume {session}) or leave it out."
            )
        yield from events
