"""What a server's answer says: spellings of the labels, log probabilities, thoughts, and words alone."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from actorcritic_cli.critics.labels import LabelPair
from actorcritic_cli.critics.remote_answer import entropy, mass, read, said, without_thought
from actorcritic_cli.providers.completion import Completion
from actorcritic_cli.providers.stream import Gathered, TokenChance
from actorcritic_cli.types import Message, ModelCall

LABELS = LabelPair("yes", "no")


def answer(content: str | None, *chances: dict[str, float], tokens: tuple[str, ...] = ()) -> Completion:
    tops = [sorted(((t, math.log(p)) for t, p in c.items()), key=lambda pair: -pair[1]) for c in chances]
    written = [tokens[place] if tokens else top[0][0] for place, top in enumerate(tops)]
    told = tuple(TokenChance(token, tuple(top)) for token, top in zip(written, tops, strict=True))
    return Completion(Message("assistant", content), ModelCall("critic", "m"), chances=told)


def test_all_spellings_of_a_label_count_together():
    reading = read(answer("yes", {"yes": 0.25, " Yes": 0.125, "ĠYES": 0.125, "▁no": 0.25, "maybe": 0.1}), LABELS)
    assert reading.p_labels == pytest.approx((0.5, 0.25))
    assert reading.p_revise == pytest.approx(2 / 3)


def test_words_that_only_begin_like_a_label_do_not_count():
    reading = read(answer("no", {"no": 0.5, "not": 0.2, "nope": 0.1, "yesterday": 0.1, "yes": 0.05}), LABELS)
    assert reading.p_labels == pytest.approx((0.05, 0.5))


def test_a_label_too_improbable_to_be_given_counts_as_impossible():
    assert read(answer("yes", {"yes": 0.9, "maybe": 0.05}), LABELS).p_revise == 1.0
    assert read(answer("no", {"no": 0.9, "maybe": 0.05}), LABELS).p_revise == 0.0


def test_the_probabilities_count_even_where_another_word_was_written():
    reading = read(answer("Well", {"Well": 0.6, "yes": 0.1, "no": 0.3}), LABELS)
    assert reading.p_revise == pytest.approx(0.25)


def test_without_log_probabilities_the_word_is_the_verdict():
    assert (read(answer("Yes."), LABELS).p_revise, read(answer("Yes."), LABELS).entropy) == (1.0, None)
    assert read(answer("**No**, it may take effect"), LABELS).p_revise == 0.0


@pytest.mark.parametrize("content", ["", None, "I think so", "nothing", "<think>yes", "<thi", "{}"])
def test_neither_word_is_no_verdict(content):
    assert read(answer(content), LABELS) is None


def test_the_answer_is_found_after_a_thought_that_is_among_the_tokens():
    thought = [{"<think>": 1.0}, {"no": 0.9, "yes": 0.1}, {"</think>": 1.0}, {"\n\n": 1.0}]
    reading = read(answer("<think>no</think>\n\nyes", *thought, {"yes": 0.75, "no": 0.25}), LABELS)
    assert reading.p_labels == pytest.approx((0.75, 0.25))
    # … or that the server took out of the text, but left among the tokens
    assert read(answer("yes", *thought, {"yes": 0.75, "no": 0.25}), LABELS).p_labels == pytest.approx((0.75, 0.25))


def test_white_space_before_and_a_mark_of_the_end_after_the_word_do_not_hide_it():
    tokens = [{"\n": 1.0}, {"yes": 0.75, "no": 0.25}, {"<|im_end|>": 1.0}]
    assert read(answer("\nyes", *tokens), LABELS).p_labels == pytest.approx((0.75, 0.25))


def test_tokens_that_do_not_make_up_the_answer_are_not_trusted():
    assert read(answer("yes", {"no": 0.9, "yes": 0.1}), LABELS).entropy is None


distributions = st.dictionaries(
    st.sampled_from(["yes", " yes", "Yes", "no", " No", "maybe", "x"]), st.floats(1e-9, 1.0), min_size=1
)


@given(distributions)
def test_p_revise_is_the_share_of_the_one_label(weights):
    total = sum(weights.values()) * 1.01
    top = {token: weight / total for token, weight in weights.items()}
    revise = sum(p for token, p in top.items() if token.strip().lower() == "yes")
    approve = sum(p for token, p in top.items() if token.strip().lower() == "no")
    assume(revise + approve > 0)
    reading = read(answer(max(top, key=top.__getitem__), top), LABELS)
    assert reading.p_revise == pytest.approx(revise / (revise + approve))
    assert 0 <= reading.entropy <= math.log(len(top) + 1) + 1e-9


@given(st.lists(st.tuples(st.text(), st.floats(-1e6, 1e-6)), max_size=20), st.sampled_from(["yes", "no"]))
def test_whatever_a_server_gives_a_mass_is_finite(likeliest, label):
    assert 0 <= mass(likeliest, label) <= len(likeliest)
    assert math.isfinite(entropy(likeliest))


@given(st.text())
def test_reading_never_fails(content):
    said(content, LABELS)
    without_thought(content)
    read(answer(content, {"yes": 0.5, "no": 0.5}), LABELS)


def test_log_probabilities_in_no_known_form_are_left_out():
    class Choice:
        finish_reason, delta = None, None

        def __init__(self, logprobs):
            self.logprobs = logprobs

    class Chunk:
        usage = None

        def __init__(self, logprobs):
            self.choices = [Choice(logprobs)]

    gathered = Gathered()
    for odd in (None, {}, {"content": None}, {"content": [7, {"token": None}]}, {"tokens": ["yes"]}, [1], "x"):
        gathered.add(Chunk(odd))
    assert gathered.chances == []
    gathered.add(Chunk({"content": [{"token": "yes", "logprob": -0.5, "top_logprobs": [{"token": "no"}]}]}))
    gathered.add(Chunk({"content": [{"token": "yes", "logprob": -0.5}]}))
    assert gathered.chances == [TokenChance("yes", ()), TokenChance("yes", (("yes", -0.5),))]
