"""What the shop's tools answer and what they change, as τ-bench v1 does it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actorcritic_cli.envs.tau.environment import TauEpisode
from tests.retail_small import NEW_ADDRESS, environment, tables

NAMES = [
    "calculate",
    "cancel_pending_order",
    "exchange_delivered_order_items",
    "find_user_id_by_email",
    "find_user_id_by_name_zip",
    "get_order_details",
    "get_product_details",
    "get_user_details",
    "list_all_product_types",
    "modify_pending_order_address",
    "modify_pending_order_items",
    "modify_pending_order_payment",
    "modify_user_address",
    "return_delivered_order_items",
    "think",
    "transfer_to_human_agents",
]
SWAP = {"order_id": "#W2", "item_ids": ["101"], "new_item_ids": ["102"], "payment_method_id": "credit_card_1"}
EXCHANGE = {**SWAP, "order_id": "#W3"}
RETURN = {"order_id": "#W3", "item_ids": ["101"], "payment_method_id": "credit_card_1"}
NOT_ONE = "there should be exactly one payment for a pending order"
SAME_METHOD = "the new payment method should be different from the current one"
POOR = "insufficient gift card balance to pay for the"


@pytest.fixture
def episode() -> TauEpisode:
    return environment().open(None)


def ask(episode: TauEpisode, tool: str, **arguments: Any) -> Any:
    """Call a tool that succeeds with JSON."""
    result = episode.call(tool, arguments)
    assert not result.error, result.text
    return json.loads(result.text)


def balance(episode: TauEpisode, method: str) -> Any:
    return episode.tables["users"]["anna_berg_1"]["payment_methods"][method]["balance"]


def test_the_tools_stand_in_the_order_of_the_benchmark_and_require_every_parameter() -> None:
    tools = environment().tools
    assert [tool.name for tool in tools] == NAMES
    for tool in tools:
        assert tool.parameters["required"] == list(tool.parameters["properties"])


def test_each_tool_declares_its_effect() -> None:
    for tool in environment().tools:
        changes = tool.name.split("_")[0] in ("cancel", "exchange", "modify", "return")
        nothing = tool.name in ("calculate", "think", "transfer_to_human_agents")
        assert tool.effect == ("write" if changes else "none" if nothing else "read")


@pytest.mark.parametrize(
    ("tool", "arguments", "text"),
    [
        ("find_user_id_by_email", {"email": "x"}, "user not found"),
        ("find_user_id_by_name_zip", {"first_name": "Anna", "last_name": "Berg", "zip": 2118}, "user not found"),
        ("get_order_details", {"order_id": "W1"}, "order not found"),
        ("get_product_details", {"product_id": "101"}, "product not found"),
        ("get_user_details", {"user_id": "x"}, "user not found"),
        ("get_user_details", {}, "GetUserDetails.invoke() missing 1 required positional argument: 'user_id'"),
        ("cancel_pending_order", {"order_id": "x", "reason": "x"}, "order not found"),
        ("cancel_pending_order", {"order_id": "#W4", "reason": "x"}, "non-pending order cannot be cancelled"),
        ("cancel_pending_order", {"order_id": "#W1", "reason": "x"}, "invalid reason"),
        ("modify_pending_order_address", {"order_id": "x", **NEW_ADDRESS}, "order not found"),
        ("modify_pending_order_address", {"order_id": "#W4", **NEW_ADDRESS}, "non-pending order cannot be modified"),
        ("modify_user_address", {"user_id": "x", **NEW_ADDRESS}, "user not found"),
        ("modify_pending_order_payment", {"order_id": "x", "payment_method_id": "x"}, "order not found"),
        (
            "modify_pending_order_payment",
            {"order_id": "#W3", "payment_method_id": "x"},
            "non-pending order cannot be modified",
        ),
        ("modify_pending_order_payment", {"order_id": "#W1", "payment_method_id": "x"}, "payment method not found"),
        ("modify_pending_order_payment", {"order_id": "#W1", "payment_method_id": "gift_card_1"}, SAME_METHOD),
        ("modify_pending_order_payment", {"order_id": "#W2", "payment_method_id": "gift_card_2"}, f"{POOR} order"),
        ("modify_pending_order_items", {**SWAP, "order_id": "x"}, "order not found"),
        ("modify_pending_order_items", {**SWAP, "order_id": "#W3"}, "non-pending order cannot be modified"),
        ("modify_pending_order_items", {**SWAP, "item_ids": ["101"] * 3}, "101 not found"),
        (
            "modify_pending_order_items",
            {**SWAP, "new_item_ids": []},
            "the number of items to be exchanged should match",
        ),
        ("modify_pending_order_items", {**SWAP, "new_item_ids": ["201"]}, "new item 201 not found or available"),
        ("modify_pending_order_items", {**SWAP, "new_item_ids": ["103"]}, "new item 103 not found or available"),
        ("modify_pending_order_items", {**SWAP, "payment_method_id": "x"}, "payment method not found"),
        ("modify_pending_order_items", {**SWAP, "payment_method_id": "gift_card_2"}, f"{POOR} new item"),
        ("exchange_delivered_order_items", {**EXCHANGE, "order_id": "x"}, "order not found"),
        ("exchange_delivered_order_items", SWAP, "non-delivered order cannot be exchanged"),
        ("exchange_delivered_order_items", {**EXCHANGE, "item_ids": ["201"]}, "201 not found"),
        (
            "exchange_delivered_order_items",
            {**EXCHANGE, "new_item_ids": []},
            "the number of items to be exchanged should match",
        ),
        (
            "exchange_delivered_order_items",
            {**EXCHANGE, "new_item_ids": ["103"]},
            "new item 103 not found or available",
        ),
        ("exchange_delivered_order_items", {**EXCHANGE, "payment_method_id": "x"}, "payment method not found"),
        (
            "exchange_delivered_order_items",
            {**EXCHANGE, "payment_method_id": "gift_card_2"},
            f"{POOR} price difference",
        ),
        ("return_delivered_order_items", {**RETURN, "order_id": "x"}, "order not found"),
        ("return_delivered_order_items", {**RETURN, "order_id": "#W1"}, "non-delivered order cannot be returned"),
        ("return_delivered_order_items", {**RETURN, "payment_method_id": "x"}, "payment method not found"),
        (
            "return_delivered_order_items",
            {**RETURN, "payment_method_id": "paypal_1"},
            "payment method should be either the original payment method or a gift card",
        ),
        ("return_delivered_order_items", {**RETURN, "item_ids": ["201"]}, "some item not found"),
    ],
)
def test_refusals_are_worded_as_in_the_benchmark_and_change_nothing(
    episode: TauEpisode, tool: str, arguments: dict[str, Any], text: str
) -> None:
    before = episode.state_hash()
    result = episode.call(tool, arguments)
    assert (result.text, result.error, episode.state_hash()) == (f"Error: {text}", True, before)


def test_looking_up_one_item_is_unknown(episode: TauEpisode) -> None:
    assert episode.call("get_item_details", {"item_id": "101"}).text == "Unknown action get_item_details"


def test_users_are_found_by_either_way_whatever_the_case(episode: TauEpisode) -> None:
    found = episode.call("find_user_id_by_email", {"email": "ANNA@example.com"})
    named = episode.call("find_user_id_by_name_zip", {"first_name": "anna", "last_name": "BERG", "zip": "02118"})
    assert found.text == named.text == "anna_berg_1"


def test_records_come_as_they_are_and_products_by_name(episode: TauEpisode) -> None:
    assert episode.call("get_order_details", {"order_id": "#W1"}).text == json.dumps(tables()["orders"]["#W1"])
    assert episode.call("get_user_details", {"user_id": "anna_berg_1"}).text.startswith('{"name": ')
    assert episode.call("list_all_product_types", {}).text == '{"Lamp": "2", "Mug": "1"}'


def test_a_cancelled_order_is_refunded_to_the_gift_card_at_once(episode: TauEpisode) -> None:
    order = ask(episode, "cancel_pending_order", order_id="#W1", reason="no longer needed")
    assert order["status"] == "cancelled"
    assert list(order)[-1] == "cancel_reason"
    assert order["payment_history"][1:] == [
        {"transaction_type": "refund", "amount": 60.1, "payment_method_id": "gift_card_1"}
    ]
    assert balance(episode, "gift_card_1") == 90.1


def test_the_difference_of_changed_items_is_not_rounded_and_each_gets_its_own_price(episode: TauEpisode) -> None:
    both = {**SWAP, "order_id": "#W1", "item_ids": ["101", "201"], "new_item_ids": ["102", "202"]}
    order = ask(episode, "modify_pending_order_items", **both | {"payment_method_id": "gift_card_1"})
    difference = (20.3 - 10.1) + (45.5 - 50.0)
    assert order["payment_history"][1] == {
        "transaction_type": "payment",
        "amount": difference,
        "payment_method_id": "gift_card_1",
    }
    assert difference != round(difference, 2)
    assert [(i["item_id"], i["price"], i["options"]) for i in order["items"]] == [
        ("102", 20.3, {"look": "blue"}),
        ("202", 45.5, {"look": "low"}),
    ]
    assert order["status"] == "pending (item modified)"
    assert balance(episode, "gift_card_1") == 24.3
    for tool, more in (
        ("modify_pending_order_items", SWAP | {"order_id": "#W1"}),
        ("cancel_pending_order", {"order_id": "#W1", "reason": "no longer needed"}),
        ("modify_pending_order_address", {"order_id": "#W1", **NEW_ADDRESS}),
    ):
        assert "non-pending order" in episode.call(tool, more).text


def test_even_a_change_that_costs_nothing_is_entered_as_a_refund(episode: TauEpisode) -> None:
    order = ask(episode, "modify_pending_order_items", **{**SWAP, "new_item_ids": ["101"]})
    assert order["payment_history"][1]["transaction_type"] == "refund"
    assert order["payment_history"][1]["amount"] == 0


def test_the_first_of_two_equal_items_is_changed(episode: TauEpisode) -> None:
    order = ask(episode, "modify_pending_order_items", **SWAP)
    assert [i["item_id"] for i in order["items"]] == ["102", "101"]


def test_another_payment_method_is_charged_and_the_old_one_refunded(episode: TauEpisode) -> None:
    order = ask(episode, "modify_pending_order_payment", order_id="#W1", payment_method_id="paypal_1")
    assert [(p["transaction_type"], p["payment_method_id"]) for p in order["payment_history"]] == [
        ("payment", "gift_card_1"),
        ("payment", "paypal_1"),
        ("refund", "gift_card_1"),
    ]
    assert balance(episode, "gift_card_1") == 90.1
    again = episode.call("modify_pending_order_payment", {"order_id": "#W1", "payment_method_id": "credit_card_1"})
    assert again.text == f"Error: {NOT_ONE}"
    ask(episode, "modify_pending_order_payment", order_id="#W2", payment_method_id="gift_card_1")
    assert balance(episode, "gift_card_1") == 69.9


def test_an_exchange_is_noted_sorted_and_rounded_and_moves_no_money(episode: TauEpisode) -> None:
    asked = {**EXCHANGE, "item_ids": ["202", "101"], "new_item_ids": ["201", "102"], "payment_method_id": "gift_card_1"}
    order = ask(episode, "exchange_delivered_order_items", **asked)
    assert order["exchange_items"] == ["101", "202"]
    assert order["exchange_new_items"] == ["102", "201"]
    assert order["exchange_price_difference"] == 14.7
    assert list(order)[-4:] == [
        "exchange_items",
        "exchange_new_items",
        "exchange_payment_method_id",
        "exchange_price_difference",
    ]
    assert [i["item_id"] for i in order["items"]] == ["101", "101", "202"]
    assert balance(episode, "gift_card_1") == 30


def test_an_item_may_be_exchanged_for_itself(episode: TauEpisode) -> None:
    order = ask(episode, "exchange_delivered_order_items", **{**EXCHANGE, "new_item_ids": ["101"]})
    assert order["exchange_price_difference"] == 0


@pytest.mark.parametrize("method", ["credit_card_1", "gift_card_2"])
def test_a_return_goes_back_to_the_payment_or_to_a_gift_card(episode: TauEpisode, method: str) -> None:
    asked = {**RETURN, "item_ids": ["202", "101", "101"], "payment_method_id": method}
    order = ask(episode, "return_delivered_order_items", **asked)
    assert order["return_items"] == ["101", "101", "202"]
    assert order["return_payment_method_id"] == method
    assert order["status"] == "return requested"
    assert "non-delivered" in episode.call("return_delivered_order_items", RETURN).text


def test_addresses_are_replaced_in_the_order_of_v1(episode: TauEpisode) -> None:
    order = ask(episode, "modify_pending_order_address", order_id="#W5", **NEW_ADDRESS)
    user = ask(episode, "modify_user_address", user_id="anna_berg_1", **NEW_ADDRESS)
    assert order["address"] == user["address"] == NEW_ADDRESS
    assert list(user["address"]) == ["address1", "address2", "city", "state", "country", "zip"]
