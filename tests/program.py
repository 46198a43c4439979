"""The acc program run in this process: quick, with what it prints and the code it leaves with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import typer.testing
from typer.testing import CliRunner

from actorcritic_cli.cli.main import program
from actorcritic_cli.errors import AccError

# The runner builds the whole tree of commands for every command it runs: .15 s, most of what a quick command takes.
typer.testing._get_command = cache(typer.testing._get_command)  # type: ignore[attr-defined]


APP = program()


@dataclass
class Ran:
    """A finished command. ``error`` is the sentence that ``main`` would print."""

    code: int
    out: str
    err: str
    error: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


def acc(*arguments: object, width: int | None = None) -> Ran:
    """Run a command; an error that is no ``AccError`` is raised as it is."""
    environment = {"COLUMNS": str(width)} if width else {}
    done = CliRunner().invoke(APP, [str(a) for a in arguments], env=environment)
    if isinstance(done.exception, AccError):
        return Ran(done.exception.exit_code, done.stdout, done.stderr, str(done.exception))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ran(done.exit_code, done.stdout, done.stderr, "")
