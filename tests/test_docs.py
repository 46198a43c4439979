"""What is written about acc is true."""

from __future__ import annotations

import re

import pytest

from tests import docs
from tests.cli import acc, acc_ok
from tests.program import acc as run

COMMANDS = [
    "demo",
    "chat",
    "run",
    "sessions",
    "replay",
    "diff",
    "stats",
    "label",
    "import",
    "export",
    "env",
    "critic",
    "models",
    "db",
    "cache",
    "doctor",
]


@pytest.mark.slow
def test_the_readmes_examples_print_what_it_shows():
    assert docs.comparable(docs.readme_now()) == docs.comparable(docs.README.read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.train
@pytest.mark.timeout(1800)
@pytest.mark.skipif(bool(docs.MISSING), reason=f"not installed: {', '.join(docs.MISSING)} (acc[train])")
def test_the_readmes_training_prints_what_it_shows():
    text = docs.README.read_text("utf-8")
    assert docs.trained_blocks(docs.trained_now(text)) == docs.trained_blocks(text)


def test_the_completions_are_current():
    for path, text in docs.completions():
        assert path.read_text("utf-8") == text, f"{path.name}: rewrite with python -m tests.docs"


def test_completion_knows_commands_and_options():
    said = acc(_ACC_COMPLETE="complete_bash", COMP_WORDS="acc sta", COMP_CWORD="1").stdout
    assert said.split() == ["stats"]
    said = acc(_ACC_COMPLETE="complete_bash", COMP_WORDS="acc chat --sup", COMP_CWORD="2").stdout
    assert "--supervise" in said.split()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    shown = run(command, "--help")
    assert shown.code == 0
    assert f"Usage: acc {command}" in shown.out
    assert len(shown.out.splitlines()) > 5


def test_the_readme_names_every_command():
    readme = docs.README.read_text("utf-8")
    listed = re.findall(r"^│ (\w+)", acc_ok("--help"), re.MULTILINE)
    assert set(COMMANDS) <= set(listed)
    for command in COMMANDS:
        assert f"acc {command}" in readme, command
