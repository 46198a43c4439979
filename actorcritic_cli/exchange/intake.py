"""Importing a file of recorded sessions: recognise the format by what is in it, and write it into the record.

A file is imported whole or not at all: everything happens in one transaction. Importing it again changes nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

from actorcritic_cli.errors import AccError, NotFound, UsageError
from actorcritic_cli.exchange.results import Format, Imported, Progress, import_results
from actorcritic_cli.store.database import Database

_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def import_file(
    path: Path,
    database: Database,
    *,
    env: str | None = None,
    dataset: str | None = None,
    actor: str | None = None,
    name: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Import a file of sessions: a result file of τ-bench v1 or τ²-bench, a log of Inspect, chat lines, or a trace.

    ``env``, ``dataset`` and ``actor`` say what a result file does not; a trace says it itself. ``name`` becomes the id of
    the run that holds the sessions. ``skip_bad`` leaves out sessions that are not as they must be. Raises ``NotFound``,
    ``UsageError``, and ``AccError`` naming what is wrong and where; the record is then as it was.
    """
    if name is not None and not _RUN_NAME.fullmatch(name):
        raise UsageError(f"'{name}' cannot name a run; use up to 64 letters, digits, '.', '_' and '-'.")
    report = progress or (lambda done, total: None)
    match recognise(path):
        case "tau-bench":
            from actorcritic_cli.exchange.tau_bench import TauBenchFile

            v1 = TauBenchFile(path, env, dataset, actor)
            return import_results(v1, database, name, report, skip_bad=skip_bad)
        case "tau2-bench":
            from actorcritic_cli.exchange.tau2_bench import Tau2BenchFile

            v2 = Tau2BenchFile(path, env, dataset, actor)
            return import_results(v2, database, name, report, skip_bad=skip_bad)
        case "inspect":
            from actorcritic_cli.exchange.inspect_log import InspectFile

            log = InspectFile(path, env, dataset, actor)
            return import_results(log, database, name, report, skip_bad=skip_bad)
        case "chat":
            from actorcritic_cli.exchange.chat_lines import ChatFile

            chat = ChatFile(path, env, dataset, actor)
            return import_results(chat, database, name, report, skip_bad=skip_bad)
        case "trace":
            from actorcritic_cli.exchange.trace_intake import import_trace

            if env or dataset or actor:
                raise UsageError(f"{path} is a trace, which says its own environment, data set and actor.")
            return import_trace(path, database, name, report, skip_bad=skip_bad)


def recognise(path: Path) -> Format:
    """Return the format of a file, from its first characters. Raises ``NotFound`` and ``AccError``."""
    try:
        with path.open("rb") as file:
            start = file.read(65536).removeprefix(b"\xef\xbb\xbf").lstrip()
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}; name an existing one.") from None
    except OSError as error:
        raise AccError(f"Cannot read {path} ({error.strerror}); name a readable file.") from error
    if start.startswith(b"["):
        return "tau-bench"
    if re.match(rb'\{\s*"event"\s*:', start):
        return "trace"
    if start.startswith(b"{") and (b'"simulations"' in start or b'"environment_info"' in start):
        return "tau2-bench"
    if re.match(rb'\{\s*"(?:version|status|eval)"\s*:', start) and b'"eval"' in start:
        return "inspect"
    if start.startswith(b"{") and re.search(rb'"messages"\s*:\s*\[', start):
        return "chat"
    if start.startswith(b"PK"):
        raise AccError(
            f"{path} is a packed log of Inspect; make it JSON first: inspect log convert --to json --output-dir . {path}"
        )
    raise AccError(
        f"{path} is in no format that acc knows; it imports result files of tau-bench (a JSON array of runs) and "
        "tau2-bench (an object with simulations), logs of Inspect (JSON), OpenAI chat JSON Lines, and its own traces "
        "(JSON Lines that begin with a started event)."
    )
