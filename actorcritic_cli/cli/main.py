"""The ``acc`` program: its commands, and how every error reaches the user.

Each command is one file that is imported when the program starts; none of them imports a model library before it is
run, so that ``acc --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from actorcritic_cli import __version__
from actorcritic_cli.cli import (
    cache,
    chat,
    critic,
    db,
    demo,
    diff,
    doctor,
    env,
    export,
    import_,
    label,
    models,
    replay,
    run,
    sessions,
)
from actorcritic_cli.cli import stats as stats_command
from actorcritic_cli.errors import EXIT_ERROR, EXIT_INTERRUPTED, AccError

app = typer.Typer(
    name="acc",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_HOLD = "Hold sessions"
_READ = "Read the record"
_SETUP = "Look after"

app.command(rich_help_panel=_HOLD)(demo.demo)
app.command(rich_help_panel=_HOLD)(chat.chat)
app.command(rich_help_panel=_HOLD)(run.run)
app.command(rich_help_panel=_READ)(sessions.sessions)
app.command(rich_help_panel=_READ)(replay.replay)
app.command(rich_help_panel=_READ)(diff.diff)
app.command(rich_help_panel=_READ)(stats_command.stats)
app.command(rich_help_panel=_READ)(label.label)
app.command("import", rich_help_panel=_READ)(import_.import_)
app.command(rich_help_panel=_READ)(export.export)
app.add_typer(env.app, name="env", rich_help_panel=_SETUP)
app.add_typer(critic.app, name="critic", rich_help_panel=_SETUP)
app.command(rich_help_panel=_SETUP)(models.models)
app.add_typer(db.app, name="db", rich_help_panel=_SETUP)
app.add_typer(cache.app, name="cache", rich_help_panel=_SETUP)
app.command(rich_help_panel=_SETUP)(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"acc {__version__}")
        raise typer.Exit


@app.callback()
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
        app(prog_name="acc")
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
