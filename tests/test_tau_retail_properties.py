"""Whatever an agent sends to the shop, it gets an answer, and a failed call leaves no trace."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.envs.tau.hashing import v1_hash
from actorcritic_cli.types import ToolResult
from tests.property_examples import examples
from tests.retail_small import environment, tables

SMALL = environment()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ITEMS = st.lists(st.sampled_from(["101", "101", "102", "103", "201", "202", "x"]), max_size=3)
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "order_id": st.sampled_from(["#W1", "#W2", "#W3", "#W4", "#W5", "x"]),
    "user_id": st.just("anna_berg_1"),
    "item_id": st.sampled_from(["101", "202", "x"]),
    "item_ids": ITEMS,
    "new_item_ids": ITEMS,
    "payment_method_id": st.sampled_from(["credit_card_1", "gift_card_1", "gift_card_2", "paypal_1", "x"]),
    "reason": st.sampled_from(["no longer needed", "ordered by mistake", "other"]),
    "expression": st.text(alphabet="0123456789+-*/(). ", max_size=10),
}


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    tool = draw(st.sampled_from(SMALL.tools))
    names = list(tool.parameters["required"])
    if draw(st.integers(0, 9)) == 0:
        names = draw(st.lists(st.sampled_from([*names, "foo", "tables", "self"]), unique=True))
    arguments = {
        name: draw(LIKELY.get(name, st.text(max_size=4)) if draw(st.integers(0, 19)) else JSON) for name in names
    }
    return tool.name, arguments


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(calls(), max_size=8))
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_any_calls_are_answered_and_failed_ones_leave_no_trace(sequence: list[tuple[str, dict[str, Any]]]) -> None:
    episode = SMALL.open(None)
    for name, arguments in sequence:
        before, sent = episode.state_hash(), repr(arguments)
        result = episode.call(name, arguments)
        assert isinstance(result, ToolResult)
        assert repr(arguments) == sent
        if result.error:
            assert episode.state_hash() == before
        assert episode.state_hash() == v1_hash({key: dict(value) for key, value in episode.tables.items()})
    assert SMALL.open(None).state_hash() == v1_hash(tables())
