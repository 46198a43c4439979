"""Statistics tell choices from revisions, and miss no verdict of a candidate that was not taken."""

from __future__ import annotations

import pytest

from actorcritic_cli.types import Comparison
from tests.program import acc
from tests.test_choose_shown import held, keep


def line(name: str) -> str:
    (found,) = [text for text in acc("stats").out.splitlines() if text.strip().startswith(name)]
    return " ".join(found.split())


@pytest.fixture
def sessions():
    """Two with a choice, in one of which the choice is revised; one in which the comparison fails."""
    failed = Comparison("rule", why="timeout", message="no answer")
    keep(held("one", p=0.1), held("two", p=0.9), held("three", comparison=failed))


def test_a_candidate_is_no_revision(sessions):
    assert line("turns") == "turns 3, 10 proposals"
    assert line("revision rate") == "revision rate .333 too few to tell of turns"


def test_only_what_was_taken_should_have_a_verdict(sessions):
    assert line("judged") == "judged 4 proposals, every one with a verdict"


def test_choices_are_counted(sessions):
    assert line("choices") == "choices 3 compared (1 failed); not the first taken in 2"
