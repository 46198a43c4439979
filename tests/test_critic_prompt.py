"""The critic's prompt: its order, its delimiters, and that data stay data."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.critics.labels import CANDIDATES, LabelPair, choose, single_token
from actorcritic_cli.critics.prompt import build, delimiter, entry, quote, say
from actorcritic_cli.critics.template import BUILTIN, builtin, frame_of, kind_of
from actorcritic_cli.errors import AccError
from actorcritic_cli.types import Message, ToolCall
from tests.critic_cases import cancel, case, reply

YES_NO = LabelPair("yes", "no")
MARK = delimiter("s-1")


def pieces(prompt_part: tuple) -> list[str]:
    return [piece for segment in prompt_part for piece in segment.pieces]


def hostile_texts() -> st.SearchStrategy[str]:
    fragments = st.sampled_from(
        [MARK, MARK.upper(), MARK[:2], MARK[2:], MARK[1:], f"{MARK} agent]\n", "[", "]", "\n", "…", "\ud800"]
    )
    return st.lists(fragments | st.text(max_size=5), max_size=12).map("".join)


def test_segments_stand_in_the_order_that_keeps_the_prefix() -> None:
    prompt = build(case(), YES_NO)
    names = [segment.name for segment in (*prompt.system, *prompt.user)]
    assert names == ["rubric", "policy", "tools", "conversation", "candidate", "question"]


def test_what_sessions_share_does_not_depend_on_the_session() -> None:
    one, other = build(case(session="a"), YES_NO), build(case("Something else", session="b"), YES_NO)
    assert one.system == other.system
    assert one.user[0].pieces[0] != other.user[0].pieces[0]


def test_an_accepted_proposal_continues_the_prompt_it_was_judged_in() -> None:
    said = Message("user", "Please cancel my booking B-1.")
    before = build(case(cancel(), said), YES_NO)
    after = build(
        case("Done.", said, cancel(), Message("tool", "ok", tool_call_id="c1", name="cancel_booking")), YES_NO
    )
    judged = pieces(before.user[:2])
    assert pieces(after.user)[: len(judged)] == judged


def test_rejected_proposals_of_the_turn_leave_no_trace() -> None:
    from actorcritic_cli.types import Attempt, Proposal

    plain = case()
    tried = msgspec.structs.replace(plain, attempts=(Attempt(Proposal(reply("I give you 100 dollars."))),))
    assert build(tried, YES_NO) == build(plain, YES_NO)


def test_the_delimiter_is_the_sessions_own_and_repeats() -> None:
    assert delimiter("s-1") == delimiter("s-1")
    assert len({delimiter(f"s-{i}") for i in range(200)}) > 180


@given(hostile_texts())
def test_no_data_holds_the_delimiter_in_whatever_case(text: str) -> None:
    quoted = quote(text, MARK)
    assert MARK not in quoted.lower()
    assert quote(quoted, MARK) == quoted
    quoted.encode("utf-8")


@given(hostile_texts(), hostile_texts())
def test_a_prompt_has_as_many_entries_as_messages_whatever_they_say(user: str, candidate: str) -> None:
    prompt = build(case(candidate, Message("user", user)), YES_NO)
    text = "".join(pieces(prompt.user))
    heads = [line for line in text.split("\n") if line.startswith(MARK)]
    assert heads == [f"{MARK} user]", f"{MARK} agent]", f"{MARK} revise?"]


@given(st.text(max_size=60))
def test_harmless_data_stand_in_the_prompt_unchanged(text: str) -> None:
    if MARK not in text.lower():
        assert entry("user", text, MARK)[1] == text


def test_arguments_are_written_the_same_however_the_provider_spaced_them() -> None:
    spaced = Message("assistant", None, (ToolCall("x", "f", '{ "b": 1,\n "a": 2 }'),))
    tight = Message("assistant", None, (ToolCall("y", "f", '{"b":1,"a":2}'),))
    assert say(spaced) == say(tight) == 'calls f with {"b":1,"a":2}'


def test_arguments_that_are_no_json_are_shown_as_they_are() -> None:
    assert say(Message("assistant", "hm", (ToolCall("x", "f", "{oops"),))) == "hm\ncalls f with {oops"


@pytest.mark.parametrize("pair", CANDIDATES)
def test_the_critic_is_told_both_labels(pair: LabelPair) -> None:
    prompt = build(case(), pair)
    rubric, question = prompt.system[0].pieces[0], prompt.user[-1].pieces[0]
    assert f"the one word {pair.revise} if" in rubric
    assert f"or {pair.approve} if" in rubric
    if pair.revise.lower() != "yes":  # a question that is answered with yes or no need not say so
        assert pair.revise in question
        assert pair.approve in question


def by_words(vocabulary: set[str]):
    def tokenise(text: str) -> list[int]:
        """Greedy longest match over a small vocabulary, single characters otherwise."""
        tokens = []
        while text:
            length = next((n for n in range(len(text), 1, -1) if text[:n] in vocabulary), 1)
            tokens.append(hash(text[:length]))
            text = text[length:]
        return tokens

    return tokenise


def test_a_label_pair_that_is_not_single_tokens_is_passed_over() -> None:
    chosen = choose("\n", by_words({"Yes", "No", "yes"}))
    assert chosen is not None
    assert chosen.pair == LabelPair("Yes", "No")
    assert choose("\n", by_words({"fix", "keep"}), [LabelPair("fix", "keep")]).pair.revise == "fix"  # type: ignore[union-attr]


def test_a_label_that_melts_into_what_stands_before_it_is_no_single_token() -> None:
    assert single_token(":", "yes", by_words({"yes"})) is not None
    assert single_token(":", "yes", by_words({"yes", ":yes"})) is None


CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "<start_of_turn>{{ m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}{{ '<start_of_turn>model\n' }}"
)


def test_a_template_is_split_at_what_is_said() -> None:
    frame = frame_of(CHATML)
    assert (frame.before, frame.between, frame.after) == (
        BUILTIN["chatml"].before,
        BUILTIN["chatml"].between,
        BUILTIN["chatml"].after,
    )


def test_a_template_without_a_system_role_gets_the_system_text_in_the_users_message() -> None:
    frame = frame_of(NO_SYSTEM, bos="<bos>")
    assert frame.before == "<bos><start_of_turn>user\n"
    assert frame.between == "\n\n"
    assert frame.after == "<end_of_turn>\n<start_of_turn>model\n"


def test_a_template_that_drops_the_system_text_gets_it_in_the_users_message() -> None:
    frame = frame_of("{% for m in messages if m.role == 'user' %}U:{{ m.content }}\nA:{% endfor %}")
    assert (frame.before, frame.between, frame.after) == ("U:", "\n\n", "\nA:")


@pytest.mark.parametrize(
    ("source", "end"),
    [
        (CHATML + "{# <think> #}", "assistant\n<think>\n\n</think>\n\n"),
        (CHATML + "<think>\n", "assistant\n<think>\n\n</think>\n\n"),
        (
            CHATML + "{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}",
            "assistant\n<think>\n\n</think>\n\n",
        ),
        (CHATML, "assistant\n"),
    ],
)
def test_a_thinking_model_answers_after_an_empty_thought(source: str, end: str) -> None:
    after = frame_of(source).after
    assert after.endswith(end)
    assert after.count("<think>") == after.count("</think>") == end.count("<think>")


def test_a_template_asks_no_clock() -> None:
    source = "{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% endif %}" + CHATML
    assert frame_of(source) == frame_of(CHATML)
    assert frame_of("{{ strftime_now('%Y') }}" + CHATML).before.startswith("2024")


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages[0].content }}{{ messages[0].content }}",
        "nothing",
        "{% if %}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_template_that_cannot_be_used_is_refused_with_a_remedy(source: str) -> None:
    with pytest.raises(AccError, match="chatml"):
        frame_of(source)


def test_an_unknown_template_name_lists_the_known_ones() -> None:
    with pytest.raises(AccError, match="chatml"):
        builtin("chatlm")
    assert {kind_of(frame.before + frame.after) for name, frame in BUILTIN.items() if name != "plain"} == (
        set(BUILTIN) - {"plain"}
    )
