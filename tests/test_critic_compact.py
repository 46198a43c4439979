"""The compact style of prompt: what small critics read."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.critics import compact, synthetic
from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.gguf_info import inspect
from actorcritic_cli.critics.labels import LabelPair
from actorcritic_cli.critics.prompt import build as build_full
from actorcritic_cli.critics.prompt import events
from actorcritic_cli.critics.styles import Compact, Full, policies_field, style_of
from actorcritic_cli.types import Message, ToolCall
from tests.critic_cases import POLICY, cancel, case, folder, reply, tiny
from tests.test_critic_prompt import hostile_texts

YES_NO = LabelPair("yes", "no")
NAMES = {compact.policy_key(POLICY): "desk"}
MARK = compact.MARK


def compact_critic(**names: str) -> Path:
    path = folder() / f"compact-{len(names)}.gguf"
    known = {compact.policy_key(POLICY): "desk"} if names else {}
    return synthetic.write(
        path, seed=2, prompt_version=compact.COMPACT_VERSION, style="compact", policies=policies_field(known)
    )


def call(name: str, **arguments: object) -> Message:
    return Message("assistant", None, (ToolCall("c", name, json.dumps(arguments)),))


def told(name: str, value: object) -> Message:
    return Message("tool", value if isinstance(value, str) else json.dumps(value), tool_call_id="c", name=name)


def test_the_policy_is_a_name_and_its_text_is_not_read() -> None:
    prompt = compact.build(case(), YES_NO, NAMES)
    assert prompt.text.startswith("desk\n")
    assert POLICY not in prompt.text
    assert "cancel_booking" not in prompt.text
    assert compact.build(case(policy="Another."), YES_NO, NAMES).text.startswith("unknown\n")


def test_a_prompt_that_grows_by_an_event_keeps_its_beginning() -> None:
    said = Message("user", "Please cancel my booking B-1.")
    before = compact.build(case(cancel(), said), YES_NO, NAMES)
    after = compact.build(case("Done.", said, cancel(), told("cancel_booking", {"id": "B-1"})), YES_NO, NAMES)
    judged = before.text[: -len("".join(before.user[-1].pieces))]
    assert after.text.startswith(judged)
    assert after.text[len(judged) :].startswith(f"{MARK}tool\ncancel_booking done\n")


def test_a_result_keeps_its_fields_without_punctuation() -> None:
    record = {
        "id": "B-1",
        "flights": [{"number": "F1", "price": 99.50}],
        "cards": {"card_1": {"id": "card_1", "brand": "visa"}},
        "insured": False,
        "note": "",
    }
    text = "id B-1 flights [ ( number F1 price 99.5 ) ] cards ( card_1 ( brand visa ) ) insured no"
    assert compact.flat(record) == text
    read = compact.say(told("get_booking", record), {"get_booking": "read"})
    assert read == f"get_booking {text[: compact.MOST_RESULT]} …"


def test_long_results_are_cut_where_the_rule_says() -> None:
    text = compact.say(told("search", list(range(20))))
    assert text == "search [ 0 1 2 3 4 5 6 7 8 9 10 11 … 8 more ]"
    assert compact.say(told("search", "x" * 5000)) == f"search {'x' * compact.MOST_WORDS} …"
    assert compact.say(told("search", json.dumps(["x" * 500]))) == f"search [ {'x' * (compact.MOST_RESULT - 2)} …"


def test_of_a_long_listing_only_its_length_is_told() -> None:
    rows = [{"id": f"A{n}", "cost": n} for n in range(12)]
    assert compact.say(told("search", rows)) == "search [ … 12 more ]"
    lines = "\n".join(["Found:", *map(json.dumps, rows)])
    assert compact.say(told("search", lines)) == "search Found:\n… 12 more"


def test_what_an_agent_thinks_is_not_judged() -> None:
    assert compact.say(call("book", thought="why not", seat="4A")) == "calls book seat 4A"


def test_a_failed_write_says_why_and_a_successful_one_only_that() -> None:
    effects = {"cancel_booking": "write"}
    assert compact.say(told("cancel_booking", {"id": "B-1", "status": "cancelled"}), effects) == "cancel_booking done"
    assert compact.say(told("cancel_booking", "Error: no such booking"), effects).endswith("Error: no such booking")


def test_nothing_of_a_proposal_is_left_out() -> None:
    many = list(range(40))
    assert compact.say(call("book", seats=many, email="")) == f"calls book seats [ {' '.join(map(str, many))} ] email"
    broken = Message("assistant", None, (ToolCall("c", "book", '{"seats": ['),))
    assert compact.say(broken) == 'calls book {"seats": ['


def test_old_events_leave_in_strides() -> None:
    talk = [Message("user" if i % 2 == 0 else "assistant", f"word {i}") for i in range(200)]
    kept = []
    for count in range(1, 200, 2):
        prompt = compact.build(case("Well.", *talk[:count]), YES_NO, NAMES)
        kept.append(len(prompt.events))
        assert f"word {count - 1}\n" in prompt.text
        assert ("word 0\n" in prompt.text) == (len(prompt.events) == count)
    assert min(kept[40:]) >= compact.KEPT_EVENTS
    assert max(kept) < compact.KEPT_EVENTS + 16


def test_a_call_and_its_result_leave_together() -> None:
    talk = []
    for i in range(60):
        talk += [call("get_booking", id=f"B-{i}"), told("get_booking", {"id": f"B-{i}"})]
    prompt = compact.build(case("Well.", *talk), YES_NO, NAMES)
    first = next(piece for piece in prompt.user[0].pieces if piece == f"{MARK}agent\n")
    assert prompt.user[0].pieces[1] == first
    assert prompt.events == events(tuple(talk))[-len(prompt.events) :]


@given(hostile_texts(), hostile_texts())
def test_nothing_that_is_said_can_begin_another_entry(user: str, candidate: str) -> None:
    hostile = told("get_booking", {"note": user, user: [user]})
    prompt = compact.build(case(candidate, Message("user", user), cancel(user), hostile), YES_NO, NAMES)
    assert prompt.text.count(MARK) == 6  # four entries, notes on the candidate, question


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_result_can_be_read(value: object) -> None:
    text = compact.say(told("look", json.dumps(value)))
    assert len(text) <= len("look ") + compact.MOST_WORDS + 2


def test_a_file_says_its_style_and_the_policies_it_knows() -> None:
    file = inspect(compact_critic(desk="known"))
    assert (file.usable, file.style) == (True, "compact")
    assert not any("prompt version" in warning for warning in file.warnings)
    assert style_of(file.acc) == Compact(NAMES)
    assert style_of(inspect(tiny()).acc) == Full()


def test_a_style_of_a_later_acc_is_refused() -> None:
    file = inspect(synthetic.write(folder() / "later.gguf", style="pictures"))
    assert not file.usable
    assert "prompt style 'pictures'" in (file.why_not or "")


def test_a_compact_critic_reads_the_compact_prompt(caplog: pytest.LogCaptureFixture) -> None:
    talk = (
        Message("user", "Please cancel my booking B-1."),
        reply("I would cancel B-1. Shall I?"),
        Message("user", "Yes."),
    )
    with LlamaCritic(compact_critic(desk="known")) as critic:
        assert critic.identity.prompt_version == compact.COMPACT_VERSION
        short = critic.judge(case(cancel(), *talk))
        assert short.p_revise is not None
        assert "policy_unknown" not in short.detail
        assert not caplog.records
    with LlamaCritic(tiny()) as full:
        long = full.judge(case(cancel(), *talk))
        assert long.detail["tokens_total"] > 2 * short.detail["tokens_total"]
        assert build_full(case(cancel(), *talk), YES_NO) == full.style.build(case(cancel(), *talk), YES_NO)


def test_a_policy_that_the_critic_does_not_know_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), LlamaCritic(compact_critic()) as critic:
        first, second = critic.judge(case(cancel())), critic.judge(case())
    assert first.detail["policy_unknown"]
    assert second.detail["policy_unknown"]
    assert sum("does not know" in record.getMessage() for record in caplog.records) == 1
