"""``acc export``: sessions as a file, in acc's own form or in that of another program."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorcritic_cli.cli.common import DbOption, EnvFilter, RunFilter, open_library, say
from actorcritic_cli.errors import AccError, UsageError

if TYPE_CHECKING:
    from actorcritic_cli.store.library import Library


class Format(StrEnum):
    """What ``--format`` takes."""

    TRACE = "trace"
    TAU_BENCH = "tau-bench"
    TAU2_BENCH = "tau2-bench"
    CHAT = "chat"
    INSPECT = "inspect"
    OTEL = "otel"


def export(
    sessions: Annotated[
        list[str] | None, typer.Argument(metavar="SESSION...", help="Sessions (the beginning of an id, or last).")
    ] = None,
    format: Annotated[
        Format,
        typer.Option(
            "--format",
            help="trace: every event, nothing left out. tau-bench, tau2-bench: result files of these benchmarks. chat: "
            "OpenAI chat JSON Lines. inspect: a log of Inspect. otel: OpenTelemetry GenAI spans (OTLP JSON).",
        ),
    ] = Format.TRACE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write.", show_default="stdout")
    ] = None,
    run: RunFilter = None,
    env: EnvFilter = None,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="chat: with the proposals that were not accepted, and why.")
    ] = False,
    content: Annotated[
        bool, typer.Option("--content", help="otel: with the texts: messages, arguments, results, critiques.")
    ] = False,
    db: DbOption = None,
) -> None:
    """Write sessions to a file: as a trace, which acc import reads back whole, or in the form of another program.

    Without SESSION, all sessions of --run or --env that have ended.
    """
    from actorcritic_cli.exchange.export import exported
    from actorcritic_cli.show.bar import counting

    if rejected and format is not Format.CHAT:
        raise UsageError(
            "--rejected is for --format chat; a trace, an Inspect log and spans have those proposals anyway."
        )
    if content and format is not Format.OTEL:
        raise UsageError("--content is for --format otel; the other formats have the texts anyway.")
    with open_library(db) as library:
        chosen = _chosen(library, sessions or [], run, env)
        with counting("exporting sessions") as progress:
            chunks = exported(library, chosen, format.value, content=content, rejected=rejected, done=progress)
            if output is None:
                for chunk in chunks:
                    sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
                return
            _write(output, chunks)
    from actorcritic_cli.show.values import several

    say(f"wrote {several(len(chosen), 'session')} to {output}.")


def _write(output: Path, chunks: Iterator[bytes]) -> None:
    """Write a file beside and then rename it, so that a failure leaves what was there as it was."""
    half = output.with_name(f"{output.name}.part")
    try:
        with half.open("wb") as file:
            file.writelines(chunks)
        half.replace(output)
    except OSError as error:
        raise AccError(f"Cannot write {output} ({error.strerror}); name a file in a writable folder.") from error
    finally:
        half.unlink(missing_ok=True)


def _chosen(library: Library, names: list[str], run: str | None, env: str | None) -> list[str]:
    chosen = [library.find_session(name) for name in names]
    if not names and (run is not None or env is not None):
        chosen = library.ended_sessions(run=library.find_run(run) if run is not None else None, env=env)
    elif run is not None or env is not None:
        raise UsageError("Name sessions, or choose them by --run and --env, but not both.")
    if not chosen:
        raise UsageError("Say which sessions to export: their ids (acc sessions lists them), or --run RUN, --env NAME.")
    return list(dict.fromkeys(chosen))
