"""Whatever an agent sends, it gets an answer, and what is out of form changes nothing but the step."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.types import Message
from tests.property_examples import examples
from tests.travel_trip import HOTEL, TABLE, episode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
SAID = st.sampled_from(
    [HOTEL, TABLE, f"[search] {HOTEL}", "H1", "H2", "H3", "R7", "R8", "C1", "H99", "[finish]", "[FINISH]", "", " ", "\x00",
     "a gym in the hotel?", "any wishes for the hotel?", "vegetarian food?", "breakfast?", "hello", "\ud800?"]
)  # fmt: skip
CALL = st.fixed_dictionaries(
    {
        "thought": st.just("t") | JSON,
        "choice": st.sampled_from(["search", "action", "answer", "finish", "[finish]"]) | JSON,
        "content": SAID | st.text(max_size=30) | JSON,
    }
)
LIKELY = st.fixed_dictionaries(
    {"thought": st.just(""), "choice": st.sampled_from(["search", "action", "answer"]), "content": SAID}
)
CALLS = st.lists(LIKELY | CALL | st.dictionaries(st.text(max_size=8), JSON, max_size=3), max_size=25)
RULES = st.fixed_dictionaries(
    {
        "one_choice": st.booleans(),
        "require_listed": st.booleans(),
        "volunteer_late": st.booleans(),
        "say_verdict": st.booleans(),
        "search_failure_interval": st.integers(0, 3),
        "elicitation_interval": st.integers(0, 3),
        "wrong_choice_penalty": st.sampled_from([0.0, 0.5]),
    }
)
INERT = {"malformed", "refused", "over"}


def play(calls: list[dict[str, Any]], rules: dict[str, Any]):
    played = episode(**rules)
    for arguments in calls:
        before = played.state
        result = played.call("interact_with_env", arguments)
        after, event = played.state, played.turns[-1].event
        assert isinstance(result.text, str)
        assert result.text
        assert after.steps == before.steps + 1
        if event in INERT:
            assert after == replace(before, steps=after.steps)
            assert result.error
        assert result.ends == (after.over and not before.over)
    return played


@settings(deadline=None)
@given(CALLS, RULES)
def test_any_sequence_of_calls_is_answered_and_accounted_for(calls: list[dict[str, Any]], rules: dict[str, Any]):
    played = play(calls, rules)
    state = played.state
    told = [*state.active, *state.passive, *state.dropped, *state.remaining]
    assert sorted(told) == ["P1", "P2", "P3"]
    reward = played.score(tuple(Message("assistant", "") for _ in calls), "max_turns")
    assert 0.0 <= reward.value <= 1.0
    json.dumps(reward.info)
    events = reward.info["events"]
    assert events.count("best") <= 2
    if rules["one_choice"]:
        assert len({answer.aspect for answer in state.answers}) == len(state.answers)
    assert reward.info["elicitation_ratio"] == (len(state.active) + len(state.passive)) / 3


@settings(deadline=None, max_examples=examples(50))
@given(CALLS, RULES)
def test_the_same_calls_give_the_same_game(calls: list[dict[str, Any]], rules: dict[str, Any]):
    first, second = play(calls, rules), play(calls, rules)
    assert first.turns == second.turns
    assert first.state_hash() == second.state_hash()


@settings(deadline=None, max_examples=examples(50))
@given(st.text(max_size=20), st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_a_tool_that_is_not_there_is_answered(name: str, arguments: dict[str, Any]):
    played = episode()
    assert name == "interact_with_env" or played.call(name, arguments).error


BUNDLED = registry.load("travel")


@settings(deadline=None, max_examples=examples(50))
@given(st.sampled_from(BUNDLED.tasks()), st.lists(st.text(max_size=200), max_size=6), st.data())
def test_hidden_wishes_come_out_only_by_being_told(task, texts: list[str], data: st.DataObject):
    played = BUNDLED.open(task)
    scenario = BUNDLED.scenarios[task.id]
    shown = ""
    for text in texts:
        choice = data.draw(st.sampled_from(["search", "action", "answer"]))
        shown += played.call("interact_with_env", {"thought": "", "choice": choice, "content": text}).text
    told = {*played.state.active, *played.state.passive}
    for preference in scenario.preferences:
        assert (preference.implicit in shown) == (preference.id in told)
