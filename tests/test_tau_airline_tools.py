"""What the airline's tools answer and what they change, as τ-bench v1 does it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actorcritic_cli.envs.tau.environment import TauEpisode
from tests.tau_small import booking, environment, tables

NAMES = [
    "book_reservation",
    "calculate",
    "cancel_reservation",
    "get_reservation_details",
    "get_user_details",
    "list_all_airports",
    "search_direct_flight",
    "search_onestop_flight",
    "send_certificate",
    "think",
    "transfer_to_human_agents",
    "update_reservation_baggages",
    "update_reservation_flights",
    "update_reservation_passengers",
]
STAY = [{"flight_number": "HAT001", "date": "2024-05-16"}]


@pytest.fixture
def episode() -> TauEpisode:
    return environment().open(None)


def ask(episode: TauEpisode, tool: str, **arguments: Any) -> Any:
    """Call a tool that succeeds with JSON."""
    result = episode.call(tool, arguments)
    assert not result.error, result.text
    return json.loads(result.text)


def refuse(episode: TauEpisode, tool: str, **arguments: Any) -> str:
    """Call a tool that fails, and see that nothing changed."""
    before = episode.state_hash()
    result = episode.call(tool, arguments)
    assert result.error
    assert episode.state_hash() == before
    return result.text


def user(episode: TauEpisode) -> Any:
    return ask(episode, "get_user_details", user_id="anna_berg_1")


def test_the_tools_stand_in_the_order_of_the_benchmark_and_require_every_parameter() -> None:
    tools = environment().tools
    assert [tool.name for tool in tools] == NAMES
    for tool in tools:
        assert tool.parameters["required"] == list(tool.parameters["properties"])


def test_each_tool_declares_its_effect() -> None:
    effects = {tool.name: tool.effect for tool in environment().tools}
    assert [name for name, effect in effects.items() if effect == "none"] == [
        "calculate",
        "think",
        "transfer_to_human_agents",
    ]
    assert [name for name, effect in effects.items() if effect == "write"] == [
        "book_reservation",
        "cancel_reservation",
        "send_certificate",
        "update_reservation_baggages",
        "update_reservation_flights",
        "update_reservation_passengers",
    ]


@pytest.mark.parametrize(
    ("tool", "arguments", "text"),
    [
        ("nothing", {}, "Unknown action nothing"),
        ("get_user_details", {}, "Error: GetUserDetails.invoke() missing 1 required positional argument: 'user_id'"),
        (
            "send_certificate",
            {},
            "Error: SendCertificate.invoke() missing 2 required positional arguments: 'user_id' and 'amount'",
        ),
        (
            "search_direct_flight",
            {},
            "Error: SearchDirectFlight.invoke() missing 3 required positional arguments: "
            "'origin', 'destination', and 'date'",
        ),
        (
            "transfer_to_human_agents",
            {"foo": 1},
            "Error: TransferToHumanAgents.invoke() got an unexpected keyword argument 'foo'",
        ),
        ("get_user_details", {"user_id": "x"}, "Error: user not found"),
        ("get_user_details", {"user_id": None}, "Error: user not found"),
        ("get_user_details", {"user_id": ["x"]}, "Error: unhashable type: 'list'"),
        ("get_reservation_details", {"reservation_id": "x"}, "Error: user not found"),
        ("cancel_reservation", {"reservation_id": "x"}, "Error: reservation not found"),
        ("send_certificate", {"user_id": "x", "amount": 1}, "Error: user not found"),
    ],
)
def test_refusals_are_worded_as_in_the_benchmark(
    episode: TauEpisode, tool: str, arguments: dict[str, Any], text: str
) -> None:
    assert refuse(episode, tool, **arguments) == text


def test_records_come_as_python_dumps_them(episode: TauEpisode) -> None:
    text = episode.call("get_user_details", {"user_id": "anna_berg_1"}).text
    assert text == json.dumps(tables()["users"]["anna_berg_1"])
    assert r'"1 \u00c4 Street"' in text


def test_think_says_nothing_and_a_transfer_ends_the_episode(episode: TauEpisode) -> None:
    before = episode.state_hash()
    assert episode.call("think", {"thought": "hm"}).text == ""
    result = episode.call("transfer_to_human_agents", {"summary": "?"})
    assert (result.text, result.error, result.ends) == ("Transfer successful", False, True)
    assert episode.call("transfer_to_human_agents", {}).ends
    assert episode.state_hash() == before


def test_twenty_airports(episode: TauEpisode) -> None:
    airports = ask(episode, "list_all_airports")
    assert len(airports) == 20
    assert next(iter(airports.items())) == ("SFO", "San Francisco")
    assert list(airports.items())[-1] == ("LGA", "LaGuardia")


def test_direct_flights_are_those_available_on_the_day(episode: TauEpisode) -> None:
    def route(date: str) -> Any:
        return ask(episode, "search_direct_flight", origin="BOS", destination="DEN", date=date)

    found = route("2024-05-16")
    assert [item["flight_number"] for item in found] == ["HAT001", "HAT003"]
    assert list(found[0]) == [
        "flight_number",
        "origin",
        "destination",
        "scheduled_departure_time_est",
        "scheduled_arrival_time_est",
        "status",
        "available_seats",
        "prices",
    ]
    assert [item["flight_number"] for item in route("2024-05-17")] == ["HAT001"]
    assert route("2024-05-14") == route("2030-01-01") == []


def test_a_connection_overnight_shows_the_next_day_with_the_prices_of_the_first(episode: TauEpisode) -> None:
    found = ask(episode, "search_onestop_flight", origin="BOS", destination="SEA", date="2024-05-16")
    shown = [
        [(item["flight_number"], item["date"], item["prices"]["economy"]) for item in connection]
        for connection in found
    ]
    # HAT003 arrives at 01:00:00+1: HAT004 at 01:00:00 of that day is dropped (compared as text), HAT002 is not.
    assert shown == [
        [("HAT001", "2024-05-16", 100), ("HAT002", "2024-05-16", 200)],
        [("HAT003", "2024-05-16", 60), ("HAT002", "2024-05-17", 200)],
    ]
    assert list(found[0][1])[-1] == "date"


def test_a_date_without_a_day_fails_where_a_connection_is_overnight(episode: TauEpisode) -> None:
    asked = {"origin": "BOS", "destination": "SEA", "date": "2024-05-xx"}
    assert refuse(episode, "search_onestop_flight", **asked) == ("Error: invalid literal for int() with base 10: 'xx'")
    assert ask(episode, "search_onestop_flight", origin="SEA", destination="BOS", date="xx") == []


def test_a_booking_is_stored_paid_and_listed_but_takes_no_seat(episode: TauEpisode) -> None:
    segment = {"date": "2024-05-16", "origin": "?", "note": 1, "flight_number": "HAT001"}
    made = ask(episode, "book_reservation", **booking(flights=[segment]))
    assert list(made["flights"][0].items()) == [
        ("date", "2024-05-16"),
        ("origin", "BOS"),
        ("note", 1),
        ("flight_number", "HAT001"),
        ("price", 100),
        ("destination", "DEN"),
    ]
    assert made["created_at"] == "2024-05-15T15:00:00"
    assert made["payment_history"] == [{"payment_id": "gift_card_1", "amount": 100}]
    assert ask(episode, "get_reservation_details", reservation_id="HATHAT") == made
    assert user(episode)["payment_methods"]["gift_card_1"]["amount"] == 20
    assert user(episode)["reservations"] == ["AAA111", "HATHAT"]
    found = ask(episode, "search_direct_flight", origin="BOS", destination="DEN", date="2024-05-16")
    assert found[0]["available_seats"]["economy"] == 2


def test_bookings_get_three_ids_and_then_overwrite_the_last(episode: TauEpisode) -> None:
    card = [{"payment_id": "credit_card_1", "amount": 100}]
    ids = [ask(episode, "book_reservation", **booking(payment_methods=card))["reservation_id"] for _ in range(4)]
    assert ids == ["HATHAT", "HATHAU", "HATHAV", "HATHAV"]


def test_insurance_and_bags_are_part_of_the_price_and_a_certificate_is_used_up(episode: TauEpisode) -> None:
    payments = [{"payment_id": "certificate_1", "amount": 140}, {"payment_id": "credit_card_1", "amount": 90.0}]
    ask(
        episode,
        "book_reservation",
        **booking(insurance="yes", nonfree_baggages=2, total_baggages=3, payment_methods=payments),
    )
    assert list(user(episode)["payment_methods"]) == ["credit_card_1", "gift_card_1"]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"user_id": "x", "flights": 5}, "user not found"),
        ({"flights": [{"flight_number": "X", "date": "2024-05-16"}]}, "flight X not found"),
        ({"flights": [{"flight_number": "HAT001", "date": "never"}]}, "flight HAT001 not found on date never"),
        (
            {"flights": [{"flight_number": "HAT001", "date": "2024-05-14"}]},
            "flight HAT001 not available on date 2024-05-14",
        ),
        ({"cabin": "business"}, "not enough seats on flight HAT001"),
        ({"cabin": "first"}, "'first'"),
        ({"flights": [{"flight_number": "HAT001"}]}, "'date'"),
        ({"payment_methods": [{"payment_id": "x", "amount": 1}]}, "payment method x not found"),
        (
            {"payment_methods": [{"payment_id": "gift_card_1", "amount": 121}]},
            "not enough balance in payment method gift_card_1",
        ),
        (
            {"payment_methods": [{"payment_id": "credit_card_1", "amount": 99.5}]},
            "payment amount does not add up, total price is 100, but paid 99.5",
        ),
    ],
)
def test_a_booking_is_checked_in_order(episode: TauEpisode, changed: dict[str, Any], text: str) -> None:
    assert refuse(episode, "book_reservation", **booking(**changed)) == f"Error: {text}"


def test_a_certificate_that_pays_twice_is_lost_and_nothing_is_booked(episode: TauEpisode) -> None:
    payments = [
        {"payment_id": "gift_card_1", "amount": 10},
        {"payment_id": "certificate_1", "amount": 50},
        {"payment_id": "certificate_1", "amount": 40},
    ]
    result = episode.call("book_reservation", booking(payment_methods=payments))
    assert (result.text, result.error) == ("Error: 'certificate_1'", True)
    assert list(user(episode)["payment_methods"]) == ["credit_card_1", "gift_card_1"]
    assert user(episode)["payment_methods"]["gift_card_1"]["amount"] == 110
    assert user(episode)["reservations"] == ["AAA111"]
    assert refuse(episode, "get_reservation_details", reservation_id="HATHAT") == "Error: user not found"


def test_a_second_cancellation_doubles_the_history_again(episode: TauEpisode) -> None:
    first = ask(episode, "cancel_reservation", reservation_id="AAA111")
    assert list(first)[-1] == "status"
    assert first["status"] == "cancelled"
    assert [payment["amount"] for payment in first["payment_history"]] == [95, -95]
    second = ask(episode, "cancel_reservation", reservation_id="AAA111")
    assert [payment["amount"] for payment in second["payment_history"]] == [95, -95, -95, 95]
    assert user(episode) == tables()["users"]["anna_berg_1"]


def test_three_certificates_can_be_sent_and_a_fourth_breaks_the_episode(episode: TauEpisode) -> None:
    for number, amount in ((3221322, 100), (3221323, 100.5), (3221324, 1)):
        text = episode.call("send_certificate", {"user_id": "anna_berg_1", "amount": amount}).text
        assert text == f"Certificate certificate_{number} added to user anna_berg_1 with amount {amount}."
    before = episode.state_hash()
    result = episode.call("send_certificate", {"user_id": "anna_berg_1", "amount": 1})
    assert (result.text, result.error, result.ends) == ("", True, True)
    assert episode.state_hash() == before
    assert user(episode)["payment_methods"]["certificate_3221323"] == {
        "source": "certificate",
        "amount": 100.5,
        "id": "certificate_3221323",
    }


def bags(payment: str, nonfree: Any) -> dict[str, Any]:
    return {
        "reservation_id": "AAA111",
        "total_baggages": 4,
        "nonfree_baggages": nonfree,
        "payment_id": payment,
    }


def test_added_bags_are_charged_and_removed_ones_are_not_refunded(episode: TauEpisode) -> None:
    made = ask(episode, "update_reservation_baggages", **bags("gift_card_1", 3))
    assert (made["total_baggages"], made["nonfree_baggages"]) == (4, 3)
    assert made["payment_history"][-1] == {"payment_id": "gift_card_1", "amount": 100}
    assert user(episode)["payment_methods"]["gift_card_1"]["amount"] == 20
    fewer = ask(episode, "update_reservation_baggages", **bags("gift_card_1", 0))
    assert fewer["payment_history"] == made["payment_history"]
    assert user(episode)["payment_methods"]["gift_card_1"]["amount"] == 20


@pytest.mark.parametrize(
    ("payment", "nonfree", "text"),
    [
        ("x", 1, "payment method not found"),
        ("certificate_1", 1, "certificate cannot be used to update reservation"),
        ("gift_card_1", 4, "gift card balance is not enough"),
        ("gift_card_1", "4", "unsupported operand type(s) for -: 'str' and 'int'"),
    ],
)
def test_bags_need_a_method_that_can_pay(episode: TauEpisode, payment: str, nonfree: Any, text: str) -> None:
    assert refuse(episode, "update_reservation_baggages", **bags(payment, nonfree)) == f"Error: {text}"


def change(flights: Any, cabin: str = "economy", payment: str = "gift_card_1") -> dict[str, Any]:
    return {"reservation_id": "AAA111", "cabin": cabin, "flights": flights, "payment_id": payment}


def test_a_segment_that_stays_keeps_its_price(episode: TauEpisode) -> None:
    made = ask(episode, "update_reservation_flights", **change(STAY))
    assert made["flights"][0]["price"] == 95
    assert list(made["flights"][0]) == ["flight_number", "date", "price", "origin", "destination"]
    assert len(made["payment_history"]) == 1


def test_another_day_costs_the_difference(episode: TauEpisode) -> None:
    made = ask(episode, "update_reservation_flights", **change([{"flight_number": "HAT001", "date": "2024-05-17"}]))
    assert made["payment_history"][-1] == {"payment_id": "gift_card_1", "amount": 15}
    assert user(episode)["payment_methods"]["gift_card_1"]["amount"] == 105


def test_a_cheaper_cabin_pays_back_but_the_reservation_shows_the_old_one(episode: TauEpisode) -> None:
    made = ask(episode, "update_reservation_flights", **change(STAY, cabin="basic_economy"))
    assert made["payment_history"][-1]["amount"] == -45
    assert made["cabin"] == "economy"
    assert user(episode)["payment_methods"]["gift_card_1"]["amount"] == 165


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (change([{"flight_number": "X", "date": "d"}], payment="x"), "flight X not found"),
        (change([{"flight_number": "HAT001"}]), "'date'"),
        (change([{"flight_number": "HAT002"}]), "'date'"),
        (change(STAY, cabin="business"), "not enough seats on flight HAT001"),
        (change(STAY, payment="x"), "payment method not found"),
        (change(STAY, payment="certificate_1"), "certificate cannot be used to update reservation"),
        (
            change([*STAY, {"flight_number": "HAT002", "date": "2024-05-16"}]),
            "gift card balance is not enough",
        ),
    ],
)
def test_a_change_of_flights_is_checked_in_order(episode: TauEpisode, arguments: dict[str, Any], text: str) -> None:
    assert refuse(episode, "update_reservation_flights", **arguments) == f"Error: {text}"


def test_passengers_can_be_replaced_by_as_many(episode: TauEpisode) -> None:
    other = {"first_name": "Bo", "last_name": "Li", "dob": "2000-01-01"}
    made = ask(episode, "update_reservation_passengers", reservation_id="AAA111", passengers=[other])
    assert made["passengers"] == [other]
    text = refuse(episode, "update_reservation_passengers", reservation_id="AAA111", passengers=[other, other])
    assert text == "Error: number of passengers does not match"


def test_what_the_caller_does_with_the_arguments_later_does_not_reach_the_state(episode: TauEpisode) -> None:
    arguments = booking()
    before = json.dumps(arguments)
    ask(episode, "book_reservation", **arguments)
    assert json.dumps(arguments) == before
    state = episode.state_hash()
    arguments["passengers"][0]["first_name"] = "Eve"
    arguments["payment_methods"].clear()
    assert episode.state_hash() == state
