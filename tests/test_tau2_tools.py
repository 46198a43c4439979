"""What the tools of τ²-bench answer and change where they are not as in v1."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actorcritic_cli.envs.tau2.environment import Tau2Episode
from tests.retail_small import NEW_ADDRESS
from tests.tau2_small import environment
from tests.tau_small import booking

AIRLINE = [
    "book_reservation",
    "calculate",
    "cancel_reservation",
    "get_reservation_details",
    "get_user_details",
    "list_all_airports",
    "search_direct_flight",
    "search_onestop_flight",
    "send_certificate",
    "transfer_to_human_agents",
    "update_reservation_baggages",
    "update_reservation_flights",
    "update_reservation_passengers",
    "get_flight_status",
]
RETAIL = [
    "calculate",
    "cancel_pending_order",
    "exchange_delivered_order_items",
    "find_user_id_by_name_zip",
    "find_user_id_by_email",
    "get_order_details",
    "get_product_details",
    "get_item_details",
    "get_user_details",
    "list_all_product_types",
    "modify_pending_order_address",
    "modify_pending_order_items",
    "modify_pending_order_payment",
    "modify_user_address",
    "return_delivered_order_items",
    "transfer_to_human_agents",
]
STAY = {"flight_number": "HAT001", "date": "2024-05-16"}
FLIGHTS = {"reservation_id": "AAA111", "cabin": "economy", "flights": [STAY], "payment_id": "credit_card_1"}
BAGS = {"reservation_id": "AAA111", "total_baggages": 3, "nonfree_baggages": 3, "payment_id": "credit_card_1"}
PASSENGER = {"first_name": "A", "last_name": "B", "dob": "C"}
SWAP = {"order_id": "#W2", "item_ids": ["101"], "new_item_ids": ["102"], "payment_method_id": "credit_card_1"}
EXCHANGE = {**SWAP, "order_id": "#W3"}


def ask(episode: Tau2Episode, tool: str, **arguments: Any) -> Any:
    result = episode.call(tool, arguments)
    assert not result.error, result.text
    return json.loads(result.text)


@pytest.mark.parametrize(("name", "names"), [("airline", AIRLINE), ("retail", RETAIL)])
def test_the_tools_stand_in_the_order_of_the_benchmark(name: str, names: list[str]) -> None:
    tools = environment(name).tools
    assert [tool.name for tool in tools] == names
    for tool in tools:
        assert tool.parameters["required"] == list(tool.parameters["properties"])


@pytest.mark.parametrize(
    ("name", "tool", "arguments", "text"),
    [
        ("airline", "think", {"thought": "x"}, "Tool 'think' not found."),
        (
            "airline",
            "get_user_details",
            {},
            "AirlineTools.get_user_details() missing 1 required positional argument: 'user_id'",
        ),
        (
            "retail",
            "get_user_details",
            {"id": 1},
            "RetailTools.get_user_details() got an unexpected keyword argument 'id'",
        ),
        ("airline", "get_user_details", {"user_id": "x"}, "User x not found"),
        ("airline", "get_reservation_details", {"reservation_id": "x"}, "Reservation x not found"),
        ("airline", "get_flight_status", {"flight_number": "X", "date": "x"}, "Flight X not found"),
        ("airline", "get_flight_status", {"flight_number": "HAT001", "date": "x"}, "Flight HAT001 not found on date x"),
        ("airline", "calculate", {"expression": "1 $"}, "Invalid characters in expression"),
        ("airline", "calculate", {"expression": "1/0"}, "division by zero"),
        ("airline", "book_reservation", booking(user_id="x"), "User x not found"),
        (
            "airline",
            "book_reservation",
            booking(flights=[{**STAY, "flight_number": "X"}]),
            "Flight X not found",
        ),
        (
            "airline",
            "book_reservation",
            booking(flights=[{**STAY, "date": "2024-05-14"}]),
            "Flight HAT001 not available on date 2024-05-14",
        ),
        ("airline", "book_reservation", booking(cabin="business"), "Not enough seats on flight HAT001"),
        (
            "airline",
            "book_reservation",
            booking(payment_methods=[{"payment_id": "x", "amount": 100}]),
            "Payment method x not found",
        ),
        (
            "airline",
            "book_reservation",
            booking(payment_methods=[{"payment_id": "gift_card_1", "amount": 121}]),
            "Not enough balance in payment method gift_card_1",
        ),
        (
            "airline",
            "book_reservation",
            booking(payment_methods=[{"payment_id": "gift_card_1", "amount": 99}]),
            "Payment amount does not add up, total price is 100, but paid 99",
        ),
        ("airline", "cancel_reservation", {"reservation_id": "x"}, "Reservation x not found"),
        ("airline", "send_certificate", {"user_id": "x", "amount": 1}, "User x not found"),
        ("airline", "update_reservation_baggages", {**BAGS, "reservation_id": "x"}, "Reservation x not found"),
        ("airline", "update_reservation_baggages", {**BAGS, "payment_id": "x"}, "Payment method not found"),
        (
            "airline",
            "update_reservation_baggages",
            {**BAGS, "payment_id": "certificate_1"},
            "Certificate cannot be used to update reservation",
        ),
        (
            "airline",
            "update_reservation_baggages",
            {**BAGS, "nonfree_baggages": 9, "payment_id": "gift_card_1"},
            "Gift card balance is not enough",
        ),
        ("airline", "update_reservation_flights", {**FLIGHTS, "cabin": "first"}, "'first'"),
        (
            "airline",
            "update_reservation_passengers",
            {"reservation_id": "AAA111", "passengers": [PASSENGER] * 2},
            "Number of passengers does not match",
        ),
        ("retail", "get_item_details", {"item_id": "1"}, "Item not found"),
        ("retail", "find_user_id_by_email", {"email": "x"}, "User not found"),
        ("retail", "cancel_pending_order", {"order_id": "#W1", "reason": "x"}, "Invalid reason"),
        ("retail", "modify_pending_order_items", {**SWAP, "item_ids": ["201"]}, "201 not found"),
        (
            "retail",
            "modify_pending_order_items",
            {**SWAP, "new_item_ids": ["101"]},
            "The new item id should be different from the old item id",
        ),
        ("retail", "modify_pending_order_items", {**SWAP, "new_item_ids": ["201"]}, "Variant not found"),
        (
            "retail",
            "modify_pending_order_items",
            {**SWAP, "new_item_ids": ["103"]},
            "New item 103 not found or available",
        ),
        ("retail", "exchange_delivered_order_items", {**EXCHANGE, "item_ids": ["201"]}, "Number of 201 not found."),
        (
            "retail",
            "exchange_delivered_order_items",
            {**EXCHANGE, "new_item_ids": []},
            "The number of items to be exchanged should match.",
        ),
        (
            "retail",
            "return_delivered_order_items",
            {"order_id": "#W3", "item_ids": [], "payment_method_id": "paypal_1"},
            "Payment method should be the original payment method",
        ),
    ],
)
def test_refusals_are_worded_as_in_the_benchmark_and_change_nothing(
    name: str, tool: str, arguments: dict[str, Any], text: str
) -> None:
    episode = environment(name).open(None)
    before = episode.state_hash()
    result = episode.call(tool, arguments)
    assert (result.text, result.error, episode.state_hash()) == (f"Error: {text}", True, before)


@pytest.mark.parametrize(
    "changed",
    [
        {"flight_type": "circle"},
        {"insurance": True},
        {"total_baggages": 1.5},
        {"total_baggages": "many"},
        {"flights": [{"flight_number": "HAT001"}]},
        {"passengers": [{**PASSENGER, "dob": 5}]},
        {"payment_methods": [{"payment_id": "gift_card_1", "amount": 99.5}]},
    ],
)
def test_a_booking_that_is_no_reservation_is_refused(changed: dict[str, Any]) -> None:
    episode = environment("airline").open(None)
    before = episode.state_hash()
    assert episode.call("book_reservation", booking(**changed)).error
    assert episode.state_hash() == before


def test_whole_numbers_may_come_as_text_or_as_floats() -> None:
    episode = environment("airline").open(None)
    paid = [{"payment_id": "gift_card_1", "amount": "100", "note": "dropped"}]
    booked = ask(episode, "book_reservation", **booking(payment_methods=paid, total_baggages=2.0))
    assert booked["payment_history"] == [{"payment_id": "gift_card_1", "amount": 100}]
    assert (booked["total_baggages"], booked["status"]) == (2, None)


def test_a_booking_takes_seats_and_money() -> None:
    episode = environment("airline").open(None)
    assert list(ask(episode, "book_reservation", **booking()))[-1] == "status"
    user = ask(episode, "get_user_details", user_id="anna_berg_1")
    assert next(iter(user)) == "user_id"
    assert user["payment_methods"]["gift_card_1"] == {"source": "gift_card", "id": "gift_card_1", "amount": 20.0}
    assert user["reservations"] == ["AAA111", "HATHAT"]
    shown = ask(episode, "search_direct_flight", origin="BOS", destination="DEN", date="2024-05-16")
    assert shown[0]["available_seats"]["economy"] == 1
    assert shown[0]["date"] is None
    assert list(shown[0]) == [
        "flight_number",
        "origin",
        "destination",
        "status",
        "scheduled_departure_time_est",
        "scheduled_arrival_time_est",
        "date",
        "available_seats",
        "prices",
    ]


def test_the_fourth_booking_and_the_fourth_certificate_are_refused() -> None:
    episode = environment("airline").open(None)
    free = booking(flights=[], payment_methods=[])
    ids = [ask(episode, "book_reservation", **free)["reservation_id"] for _ in range(3)]
    assert ids == ["HATHAT", "HATHAU", "HATHAV"]
    assert episode.call("book_reservation", free).text == "Error: Too many reservations"
    texts = [episode.call("send_certificate", {"user_id": "anna_berg_1", "amount": 100}).text for _ in range(4)]
    assert texts[0] == "Certificate certificate_3221322 added to user anna_berg_1 with amount 100."
    assert texts[3] == "Error: Too many certificates"
    method = episode.tables["users"]["anna_berg_1"]["payment_methods"]["certificate_3221324"]
    assert json.dumps(method) == '{"source": "certificate", "id": "certificate_3221324", "amount": 100.0}'


def test_a_connection_overnight_shows_seats_and_prices_of_the_next_day() -> None:
    episode = environment("airline").open(None)
    found = ask(episode, "search_onestop_flight", origin="BOS", destination="SEA", date="2024-05-16")
    overnight = next(pair for pair in found if pair[0]["flight_number"] == "HAT003")
    assert (overnight[1]["date"], overnight[1]["prices"]["economy"]) == ("2024-05-17", 220)
    assert episode.call("search_onestop_flight", {"origin": "BOS", "destination": "SEA", "date": "xx"}).text == "[]"


def test_the_cabin_is_changed_and_a_flights_status_is_a_word() -> None:
    episode = environment("airline").open(None)
    changed = ask(episode, "update_reservation_flights", **{**FLIGHTS, "cabin": "basic_economy"})
    assert (changed["cabin"], changed["flights"][0]["price"]) == ("basic_economy", 50)
    assert list(changed["flights"][0]) == ["flight_number", "origin", "destination", "date", "price"]
    assert changed["payment_history"][-1] == {"payment_id": "credit_card_1", "amount": -45}
    status = episode.call("get_flight_status", {"flight_number": "HAT001", "date": "2024-05-14"})
    assert (status.text, status.error) == ("landed", False)


def test_a_transfer_ends_nothing() -> None:
    result = environment("airline").open(None).call("transfer_to_human_agents", {"summary": "x"})
    assert (result.text, result.ends) == ("Transfer successful", False)


def test_an_order_shows_every_field_and_an_item_can_be_looked_up() -> None:
    episode = environment("retail").open(None)
    order = ask(episode, "get_order_details", order_id="#W1")
    assert list(order)[4:] == [
        "status",
        "fulfillments",
        "payment_history",
        "cancel_reason",
        "exchange_items",
        "exchange_new_items",
        "exchange_payment_method_id",
        "exchange_price_difference",
        "return_items",
        "return_payment_method_id",
    ]
    assert ask(episode, "get_item_details", item_id="103") == {
        "item_id": "103",
        "options": {"look": "green"},
        "available": False,
        "price": 9.0,
    }


def test_several_changed_items_all_get_price_and_options_of_the_last() -> None:
    episode = environment("retail").open(None)
    both = {**SWAP, "order_id": "#W1", "item_ids": ["101", "201"], "new_item_ids": ["102", "202"]}
    order = ask(episode, "modify_pending_order_items", **both)
    assert [(i["item_id"], i["price"], i["options"]) for i in order["items"]] == [
        ("102", 45.5, {"look": "low"}),
        ("202", 45.5, {"look": "low"}),
    ]


def test_an_order_with_modified_items_can_still_be_sent_elsewhere() -> None:
    episode = environment("retail").open(None)
    ask(episode, "modify_pending_order_items", **SWAP)
    order = ask(episode, "modify_pending_order_address", order_id="#W2", **NEW_ADDRESS)
    assert list(order["address"]) == ["address1", "address2", "city", "country", "state", "zip"]
    assert order["address"] == NEW_ADDRESS
    assert "Non-pending" in episode.call("modify_pending_order_items", {**SWAP, "item_ids": ["102"]}).text
    assert episode.call("modify_user_address", {**NEW_ADDRESS, "user_id": "anna_berg_1", "zip": 2119}).error
