"""An agent that speaks in other words: what it says stays, and so does the label."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.actors.sim import airline_words, retail_words
from actorcritic_cli.learn.dataset import Row
from actorcritic_cli.learn.training.reword import in_other_words, reworded
from actorcritic_cli.learn.training.wordings import WORDINGS
from tests.critic_training import contexts_and_rows

MONEY_AND_IDS = re.compile(r"\$\d+(?:\.\d+)?|#W\d+|\b(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{6}\b|\d{4}-\d\d-\d\d")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(contexts_and_rows()[1])


def replies(rows: list[Row]) -> list[str]:
    return [row.proposal.content for row in rows if row.proposal.content]


def test_labels_tools_and_the_customers_words_stay(rows: list[Row]) -> None:
    other = list(reworded(rows, 1, 1.0))
    assert [(row.id, row.label, row.rule, row.wrong) for row in other] == [
        (row.id, row.label, row.rule, row.wrong) for row in rows
    ]
    assert replies(other) != replies(rows)
    for new, old in zip(other, rows, strict=True):
        if len(old.transcript) > 1:
            assert [m for m in new.transcript if m.role != "assistant"] == [
                m for m in old.transcript if m.role != "assistant"
            ]
        assert [c.name for c in new.proposal.tool_calls] == [c.name for c in old.proposal.tool_calls]


def test_a_share_of_the_sessions_is_reworded(rows: list[Row]) -> None:
    assert list(reworded(rows, 1, 0.0)) == rows
    other = list(reworded(rows, 1, 0.5))
    assert list(reworded(rows, 1, 0.5)) == other
    assert list(reworded(rows, 2, 0.5)) != other
    many = [replace(rows[0], id=str(n), session=str(n)) for n in range(400)]
    changed = sum(new != old for new, old in zip(reworded(many, 1, 0.5), many, strict=True))
    assert 150 < changed < 250


def test_a_sessions_rows_still_begin_alike(rows: list[Row]) -> None:
    other = sorted(reworded(rows, 2, 1.0), key=lambda row: (row.session, len(row.transcript)))
    followed = 0
    for before, row in pairwise(other):
        # A greeting stands alone; every other row of a session goes on from the ones before.
        if before.session == row.session and len(before.transcript) > 1:
            assert row.transcript[: len(before.transcript)] == before.transcript
            followed += 1
    assert followed > 5


def test_what_is_greeted_is_a_greeting_and_approved(rows: list[Row]) -> None:
    greeted = [
        new
        for seed in range(6)
        for new, old in zip(reworded(rows, seed, 1.0), rows, strict=True)
        if new.transcript[:1] != old.transcript[:1]
    ]
    assert greeted
    for row in greeted:
        assert len(row.transcript) == 1
        assert row.label == "approve"
        assert not MONEY_AND_IDS.search(row.proposal.content or "")


@given(st.integers(0, 10**6), st.data())
def test_amounts_ids_and_dates_stay(seed: int, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(sorted(set(replies(contexts_and_rows()[1])))))
    other = in_other_words(text, Random(seed))
    assert Counter(MONEY_AND_IDS.findall(other)) == Counter(MONEY_AND_IDS.findall(text))
    assert not re.search(r"\{\d*\}", other)


@given(st.text(max_size=200), st.integers(0, 1000))
def test_any_reply_can_be_reworded(text: str, seed: int) -> None:
    assert isinstance(in_other_words(text, Random(seed)), str)


@pytest.mark.parametrize("words", [airline_words, retail_words])
def test_the_simulated_agents_own_questions_are_known(words: object) -> None:
    questions = {one.text for several in words.QUESTIONS.values() for one in several}  # type: ignore[attr-defined]
    unknown = {text for text in questions if not any(pattern.search(text) for pattern, _ in WORDINGS)}
    assert len(unknown) <= 1, unknown


def test_every_alternative_can_be_filled_in() -> None:
    for pattern, others in WORDINGS:
        names = ["x"] * (2 * pattern.groups)
        for other in others:
            other.format(*names)
