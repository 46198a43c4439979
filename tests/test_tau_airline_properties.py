"""Whatever an agent sends, it gets an answer, and a failed call leaves no trace."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.tau.environment import TauEnvironment
from actorcritic_cli.envs.tau.hashing import v1_hash
from actorcritic_cli.types import ToolResult
from tests.property_examples import examples
from tests.tau_small import booking, environment, tables

SMALL = environment()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
AMOUNT = st.sampled_from([0, 50, 95, 100, 100.0, 105, -45, 1e400, 10**4299, True, "100", None])
SEGMENT = st.fixed_dictionaries(
    {
        "flight_number": st.sampled_from(["HAT001", "HAT002", "HAT003", "X"]),
        "date": st.sampled_from(["2024-05-14", "2024-05-16", "2024-05-17", "never"]),
    },
    optional={"price": JSON},
)
PAYMENT = st.sampled_from(["credit_card_1", "gift_card_1", "certificate_1", "certificate_3221322", "x"])
PASSENGER = st.fixed_dictionaries({"first_name": st.text(max_size=3), "last_name": st.just("L"), "dob": st.just("D")})
KEPT = {"flight_number": "HAT001", "date": "2024-05-16"}
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "user_id": st.just("anna_berg_1"),
    "reservation_id": st.sampled_from(["AAA111", "AAA111", "HATHAT", "HATHAV"]),
    "origin": st.sampled_from(["BOS", "DEN"]),
    "destination": st.sampled_from(["DEN", "SEA"]),
    "date": st.sampled_from(["2024-05-16", "2024-05-17", "xx"]),
    "cabin": st.sampled_from(["basic_economy", "economy", "first"]),
    "flights": st.just([KEPT]) | st.lists(SEGMENT, max_size=2),
    "passengers": st.lists(PASSENGER, min_size=1, max_size=1) | st.lists(PASSENGER, max_size=2),
    "payment_methods": st.lists(st.fixed_dictionaries({"payment_id": PAYMENT, "amount": AMOUNT}), max_size=3),
    "payment_id": PAYMENT,
    "amount": AMOUNT,
    "total_baggages": st.integers(0, 4),
    "nonfree_baggages": AMOUNT | st.integers(0, 4),
    "insurance": st.sampled_from(["yes", "no"]),
    "expression": st.text(alphabet="0123456789+-*/(). ", max_size=10),
}


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    if draw(st.integers(0, 3)) == 0:  # a booking that is nearly right
        wrong = draw(st.sampled_from(sorted(booking())))
        payments = draw(st.sampled_from([["gift_card_1"], ["credit_card_1"], ["certificate_1"], ["certificate_1"] * 2]))
        paid = [{"payment_id": payment, "amount": 100 // len(payments)} for payment in payments]
        kept = booking(payment_methods=paid)
        return "book_reservation", {**kept, wrong: draw(st.just(kept[wrong]) | LIKELY.get(wrong, JSON) | JSON)}
    tool = draw(st.sampled_from(SMALL.tools))
    names = list(tool.parameters["required"])
    if draw(st.integers(0, 9)) == 0:
        names = draw(st.lists(st.sampled_from([*names, "foo", "tables", "self", "data"]), unique=True))
    return tool.name, {name: draw(LIKELY.get(name, JSON) if draw(st.integers(0, 19)) else JSON) for name in names}


@settings(max_examples=examples(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(calls(), max_size=6))
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_any_calls_are_answered_and_failed_ones_leave_no_trace(sequence: list[tuple[str, dict[str, Any]]]) -> None:
    episode = SMALL.open(None)
    for name, arguments in sequence:
        before, sent = episode.state_hash(), repr(arguments)
        result = episode.call(name, arguments)
        assert isinstance(result, ToolResult)
        assert repr(arguments) == sent
        twice_paid = name == "book_reservation" and result.text == "Error: 'certificate_1'"
        if result.error and not twice_paid:
            assert episode.state_hash() == before
        assert episode.state_hash() == v1_hash({key: dict(value) for key, value in episode.tables.items()})
    assert SMALL.open(None).state_hash() == v1_hash(tables())


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(st.tuples(st.text(max_size=8), st.dictionaries(st.text(max_size=8), JSON, max_size=3)), max_size=4))
def test_any_name_is_answered(sequence: list[tuple[str, dict[str, Any]]]) -> None:
    episode = SMALL.open(None)
    for name, arguments in sequence:
        assert episode.call(name, arguments).error


@pytest.mark.parametrize("depth", [200, 450, 900, 5000])
def test_arguments_nested_without_end_are_answered(depth: int) -> None:
    nested: Any = "x"
    for _ in range(depth):
        nested = [nested]
    episode = SMALL.open(None)
    before = episode.state_hash()
    card = [{"payment_id": "credit_card_1", "amount": 100}]
    result = episode.call("book_reservation", booking(payment_methods=card, origin=nested))
    assert result.error == (episode.state_hash() == before)


def test_a_number_too_long_to_print_is_refused_before_it_is_stored() -> None:
    episode = SMALL.open(None)
    before = episode.state_hash()
    asked = {
        "reservation_id": "AAA111",
        "total_baggages": 1,
        "nonfree_baggages": 10**4299,
        "payment_id": "credit_card_1",
    }
    assert episode.call("update_reservation_baggages", asked).error
    assert episode.state_hash() == before


def test_the_same_calls_lead_to_the_same_state_on_the_bundled_data() -> None:
    env = registry.load("tau_airline")
    for task in env.tasks():
        one, other = env.open(task), env.open(task)
        for action in task.actions:
            assert one.call(action.name, action.arguments) == other.call(action.name, action.arguments)
        assert one.state_hash() == other.state_hash()


def test_every_expected_call_of_the_bundled_tasks_succeeds_and_no_other_episode_sees_it() -> None:
    env = registry.load("tau_airline")
    assert isinstance(env, TauEnvironment)
    untouched = env.open(None).state_hash()
    for task in env.tasks():
        episode = env.open(task)
        for action in task.actions:
            result = episode.call(action.name, json.loads(json.dumps(action.arguments)))
            assert not result.error, (task.id, action.name, result.text)
    assert env.open(None).state_hash() == untouched
