"""`acc --help` answers at once, with what the whole program would say."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from actorcritic_cli.cli.main import COMMANDS
from actorcritic_cli.cli.start import overview
from tests import docs
from tests.cli import acc as run
from tests.program import acc


def lines(text: str) -> list[str]:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n").splitlines()


def test_the_table_of_commands_is_that_of_the_program() -> None:
    path, text = docs.overview()
    assert path.read_text("utf-8") == text, "run: python -m tests.docs"


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_help_is_drawn_as_the_whole_program_draws_it(width: int) -> None:
    assert lines(overview(width)) == lines(acc("--help", width=width).out)


@pytest.mark.parametrize(("arguments", "code"), [((), 2), (("-h",), 0), (("--help",), 0)])
def test_it_is_what_is_printed(arguments: tuple[str, ...], code: int) -> None:
    done = run(*arguments)
    assert (done.returncode, lines(done.stdout)) == (code, lines(overview(120)))


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [(("sessions", "--help"), {"sessions"}), (("cache", "ls"), {"cache"}), (("--version",), set(COMMANDS))],
)
def test_of_the_commands_only_the_one_asked_for_is_imported(arguments: tuple[str, ...], imported: set[str]) -> None:
    text = f"import sys; sys.argv = ['acc', *{arguments!r}]\nfrom actorcritic_cli.cli.start import main\n"
    text += "try:\n    main()\nexcept SystemExit:\n    pass\nprint(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    found = set(re.findall(r"'actorcritic_cli\.cli\.(\w+)'", done.stderr))
    assert {name for name, place in COMMANDS.items() if place.module in found} == imported


def test_help_imports_neither_the_commands_nor_what_draws() -> None:
    text = "import sys; sys.argv = ['acc', '--help']\nfrom actorcritic_cli.cli.start import main\n"
    text += "try:\n    main()\nexcept SystemExit:\n    print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    found = set(re.findall(r"'([\w.]+)'", done.stderr))
    assert "actorcritic_cli.cli.start" in found
    assert not found & {"typer", "rich", "msgspec", "actorcritic_cli.cli.main", "sqlite3"}
