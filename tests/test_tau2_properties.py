"""Whatever an agent sends to τ²-bench's tools, it gets an answer, and a failed call leaves no trace."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.types import ToolResult
from tests import test_tau_airline_properties as airline
from tests import test_tau_retail_properties as retail
from tests.property_examples import examples
from tests.tau2_small import environment
from tests.tau_small import booking

SMALL = {name: environment(name) for name in ("airline", "retail")}
LIKELY = {**airline.LIKELY, **retail.LIKELY, "flight_number": st.sampled_from(["HAT001", "X"])}


@st.composite
def calls(draw: st.DrawFn, name: str) -> tuple[str, dict[str, Any]]:
    if name == "airline" and draw(st.integers(0, 3)) == 0:  # a booking that is nearly right
        kept = booking()
        wrong = draw(st.sampled_from(sorted(kept)))
        return "book_reservation", {**kept, wrong: draw(st.just(kept[wrong]) | LIKELY.get(wrong, airline.JSON))}
    tool = draw(st.sampled_from(SMALL[name].tools))
    names = list(tool.parameters["required"])
    if draw(st.integers(0, 9)) == 0:
        names = draw(st.lists(st.sampled_from([*names, "foo", "tables", "self"]), unique=True))
    return tool.name, {
        key: draw(LIKELY.get(key, st.text(max_size=4)) if draw(st.integers(0, 19)) else airline.JSON) for key in names
    }


@pytest.mark.parametrize("name", ["airline", "retail"])
@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_any_calls_are_answered_and_failed_ones_leave_no_trace(name: str, data: st.DataObject) -> None:
    untouched = SMALL[name].open(None).state_hash()
    episode = SMALL[name].open(None)
    for tool, arguments in data.draw(st.lists(calls(name), max_size=6)):
        before, sent = episode.state_hash(), repr(arguments)
        result = episode.call(tool, arguments)
        assert isinstance(result, ToolResult)
        assert repr(arguments) == sent
        assert not result.ends
        assert result.error == result.text.startswith("Error: ")
        if result.error and not (tool == "book_reservation" and result.text == "Error: 'certificate_1'"):
            assert episode.state_hash() == before
        whole = {key: dict(value) for key, value in episode.tables.items()}
        assert episode.state_hash() == hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
    assert SMALL[name].open(None).state_hash() == untouched


@pytest.mark.parametrize("depth", [200, 900, 5000])
def test_arguments_nested_without_end_are_answered(depth: int) -> None:
    nested: Any = "x"
    for _ in range(depth):
        nested = [nested]
    for name, tool, key in (
        ("airline", "update_reservation_baggages", "total_baggages"),
        ("retail", "return_delivered_order_items", "item_ids"),
    ):
        episode = SMALL[name].open(None)
        before = episode.state_hash()
        base = {"reservation_id": "AAA111", "nonfree_baggages": 1, "payment_id": "credit_card_1"}
        if name == "retail":
            base = {"order_id": "#W3", "payment_method_id": "credit_card_1"}
        result = episode.call(tool, {**base, key: nested})
        assert result.error == (episode.state_hash() == before)
