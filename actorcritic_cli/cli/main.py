"""The ``acc`` program: its commands, and how every error reaches the user.

Each command is one file, and only that of the command that is asked for is imported: to describe the parameters of all of
them takes typer longer than most commands take for their work. None imports a model library before it is run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated, NamedTuple

import typer

from actorcritic_cli import __version__
from actorcritic_cli.cli.start import completing
from actorcritic_cli.errors import EXIT_ERROR, EXIT_INTERRUPTED, AccError

_HOLD = "Hold sessions"
_READ = "Read the record"
_SETUP = "Look after"


class _Place(NamedTuple):
    """Where a command is: a module of this package, and a function in it or (``app``) a group of commands."""

    module: str
    what: str
    panel: str


COMMANDS: dict[str, _Place] = {
    "demo": _Place("demo", "demo", _HOLD),
    "chat": _Place("chat", "chat", _HOLD),
    "run": _Place("run", "run", _HOLD),
    "sessions": _Place("sessions", "sessions", _READ),
    "replay": _Place("replay", "replay", _READ),
    "diff": _Place("diff", "diff", _READ),
    "stats": _Place("stats", "stats", _READ),
    "label": _Place("label", "label", _READ),
    "import": _Place("import_", "import_", _READ),
    "export": _Place("export", "export", _READ),
    "env": _Place("env", "app", _SETUP),
    "critic": _Place("critic", "app", _SETUP),
    "models": _Place("models", "models", _SETUP),
    "db": _Place("db", "app", _SETUP),
    "cache": _Place("cache", "app", _SETUP),
    "doctor": _Place("doctor", "doctor", _SETUP),
}
"""The commands, in the order in which help shows them."""


def program(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the program with some of its commands."""
    app = typer.Typer(
        name="acc",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(acc)
    for name in names:
        place = COMMANDS[name]
        found = getattr(import_module(f"actorcritic_cli.cli.{place.module}"), place.what)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, rich_help_panel=place.panel)
        else:
            app.command(name, rich_help_panel=place.panel)(found)
    return app


def _asked_for() -> Iterable[str]:
    """Return the command that is asked for; all where that isn't plain, and where the shell wants to complete."""
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    return [first] if first in COMMANDS and not completing() else COMMANDS


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"acc {__version__}")
        raise typer.Exit


def acc(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Supervise an LLM agent with a small local critic while it works, and explain afterwards what happened.

    A session's every proposal, verdict, critique and revision is recorded in SQLite. Start with: acc demo
    """


def main() -> None:
    """Run the program; every error is one sentence on stderr and an exit code (``ACC_DEBUG=1`` shows the traceback)."""
    debug = os.environ.get("ACC_DEBUG", "") not in ("", "0")
    try:
        program(_asked_for())(prog_name="acc")
    except AccError as error:
        if debug:
            raise
        _say(f"acc: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _say("acc: interrupted; what happened until now is on record.")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has left (acc … | head); that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_ERROR)
    except Exception as error:
        if debug:
            raise
        _say(
            f"acc: unexpected {type(error).__name__}: {error}. This is a bug; run again with ACC_DEBUG=1 and report it."
        )
        sys.exit(EXIT_ERROR)


def _say(sentence: str) -> None:
    from actorcritic_cli.text import printable, redact

    print(printable(redact(sentence)), file=sys.stderr)
