"""The airline's tools as τ-bench v1 has them, quirks included: recorded conversations replay to the letter.

The tools do not enforce the policy. That is the point of the benchmark: a flown reservation can be cancelled, bags can
be taken off, and only the agent's conduct (or a critic's) stands between the customer and a wrong write. Nothing here
checks the types of arguments either; where Python objects, its text is the answer (see ``tools``).
"""

from __future__ import annotations

from typing import Any

from actorcritic_cli.envs.tau import airline_schemas as schemas
from actorcritic_cli.envs.tau.airline_checks import problems
from actorcritic_cli.envs.tau.airline_flights import (
    complete,
    list_all_airports,
    search_direct_flight,
    search_onestop_flight,
)
from actorcritic_cli.envs.tau.common import CALCULATE, THINK, TRANSFER_TO_HUMAN_AGENTS
from actorcritic_cli.envs.tau.database import Record, Tables, clone
from actorcritic_cli.envs.tau.domain import Domain
from actorcritic_cli.envs.tau.tools import Outcome, Refusal, Tool

NOW = "2024-05-15T15:00:00"
"""The airline's clock (EST) stands still here."""
BAG_PRICE = 50
INSURANCE_PRICE = 30
_NEW_RESERVATIONS = ("HATHAT", "HATHAU", "HATHAV")
_NEW_CERTIFICATES = ("certificate_3221322", "certificate_3221323", "certificate_3221324")


def get_reservation_details(tables: Tables, reservation_id: Any) -> Outcome:
    """Return a reservation. The refusal names the user, as in the original."""
    if reservation_id not in tables["reservations"]:
        raise Refusal("user not found")
    return Outcome(tables["reservations"][reservation_id])


def get_user_details(tables: Tables, user_id: Any) -> Outcome:
    """Return a customer's profile."""
    return Outcome(_user(tables, user_id))


def book_reservation(
    tables: Tables,
    user_id: Any,
    origin: Any,
    destination: Any,
    flight_type: Any,
    cabin: Any,
    flights: Any,
    passengers: Any,
    payment_methods: Any,
    total_baggages: Any,
    nonfree_baggages: Any,
    insurance: Any,
) -> Outcome:
    """Store a reservation and take the payment. Seats are not taken: v1 never changes flights.

    A certificate that pays twice passes the checks and then is no longer there; what was taken off the profile before
    stays off, and no reservation comes of it.
    """
    user = clone(_user(tables, user_id))
    reservation_id = next(
        (id_ for id_ in _NEW_RESERVATIONS if id_ not in tables["reservations"]), _NEW_RESERVATIONS[-1]
    )
    total = 0
    for segment in flights:
        complete(tables, segment, cabin, passengers)
        total += segment["price"] * len(passengers)
    if insurance == "yes":
        total += INSURANCE_PRICE * len(passengers)
    total += BAG_PRICE * nonfree_baggages
    profile = user["payment_methods"]
    for payment in payment_methods:
        payment_id, amount = payment["payment_id"], payment["amount"]
        if payment_id not in profile:
            raise Refusal(f"payment method {payment_id} not found")
        if profile[payment_id]["source"] in ("gift_card", "certificate") and profile[payment_id]["amount"] < amount:
            raise Refusal(f"not enough balance in payment method {payment_id}")
    paid = sum(payment["amount"] for payment in payment_methods)
    if paid != total:
        raise Refusal(f"payment amount does not add up, total price is {total}, but paid {paid}")

    for payment in payment_methods:
        if payment["payment_id"] not in profile:
            return Outcome(f"Error: {payment['payment_id']!r}", {"users": {user_id: user}})
        method = profile[payment["payment_id"]]
        if method["source"] == "gift_card":
            method["amount"] -= payment["amount"]
        elif method["source"] == "certificate":
            del profile[payment["payment_id"]]
    reservation = {
        "reservation_id": reservation_id,
        "user_id": user_id,
        "origin": origin,
        "destination": destination,
        "flight_type": flight_type,
        "cabin": cabin,
        "flights": flights,
        "passengers": passengers,
        "payment_history": payment_methods,
        "created_at": NOW,
        "total_baggages": total_baggages,
        "nonfree_baggages": nonfree_baggages,
        "insurance": insurance,
    }
    user["reservations"].append(reservation_id)
    return Outcome(reservation, {"reservations": {reservation_id: reservation}, "users": {user_id: user}})


def cancel_reservation(tables: Tables, reservation_id: Any) -> Outcome:
    """Note the refunds and mark the reservation cancelled; balances and seats do not change, nor is anything refused."""
    reservation = clone(_reservation(tables, reservation_id))
    history = reservation["payment_history"]
    history.extend([{"payment_id": payment["payment_id"], "amount": -payment["amount"]} for payment in history])
    reservation["status"] = "cancelled"
    return _updated(reservation_id, reservation)


def send_certificate(tables: Tables, user_id: Any, amount: Any) -> Outcome:
    """Add a certificate to a profile; there are ids for three, and a fourth breaks the episode."""
    user = clone(_user(tables, user_id))
    payment_id = next((id_ for id_ in _NEW_CERTIFICATES if id_ not in user["payment_methods"]), None)
    if payment_id is None:
        return Outcome("", breaks=True)
    user["payment_methods"][payment_id] = {"source": "certificate", "amount": amount, "id": payment_id}
    text = f"Certificate {payment_id} added to user {user_id} with amount {amount}."
    return Outcome(text, {"users": {user_id: user}})


def update_reservation_baggages(
    tables: Tables, reservation_id: Any, total_baggages: Any, nonfree_baggages: Any, payment_id: Any
) -> Outcome:
    """Replace both counts and charge added bags."""
    reservation = clone(_reservation(tables, reservation_id))
    price = BAG_PRICE * max(0, nonfree_baggages - reservation["nonfree_baggages"])
    reservation["total_baggages"] = total_baggages
    reservation["nonfree_baggages"] = nonfree_baggages
    return _charged(tables, reservation_id, reservation, payment_id, price)


def update_reservation_flights(
    tables: Tables, reservation_id: Any, cabin: Any, flights: Any, payment_id: Any
) -> Outcome:
    """Replace the segments and settle the difference in price.

    A segment that stays keeps its old price. The reservation's cabin is never changed, as in the original.
    """
    reservation = clone(_reservation(tables, reservation_id))
    old, passengers = reservation["flights"], reservation["passengers"]
    price = 0
    for segment in flights:
        kept = [
            was
            for was in old
            if was["flight_number"] == segment["flight_number"]
            and was["date"] == segment["date"]
            and cabin == reservation["cabin"]
        ]
        if kept:
            segment.update({key: kept[0][key] for key in ("price", "origin", "destination")})
        else:
            complete(tables, segment, cabin, passengers)
        price += segment["price"] * len(passengers)
    price -= sum(was["price"] for was in old) * len(passengers)
    reservation["flights"] = flights
    return _charged(tables, reservation_id, reservation, payment_id, price)


def update_reservation_passengers(tables: Tables, reservation_id: Any, passengers: Any) -> Outcome:
    """Replace the passengers by as many others."""
    reservation = clone(_reservation(tables, reservation_id))
    if len(passengers) != len(reservation["passengers"]):
        raise Refusal("number of passengers does not match")
    reservation["passengers"] = passengers
    return _updated(reservation_id, reservation)


def _user(tables: Tables, user_id: Any) -> Record:
    if user_id not in tables["users"]:
        raise Refusal("user not found")
    return tables["users"][user_id]


def _reservation(tables: Tables, reservation_id: Any) -> Record:
    if reservation_id not in tables["reservations"]:
        raise Refusal("reservation not found")
    return tables["reservations"][reservation_id]


def _charged(tables: Tables, reservation_id: str, reservation: Record, payment_id: Any, price: Any) -> Outcome:
    """Take what a change costs (a gift card gains if it is negative) and store the changed reservation."""
    user_id = reservation["user_id"]
    user = clone(tables["users"][user_id])
    if payment_id not in user["payment_methods"]:
        raise Refusal("payment method not found")
    method = user["payment_methods"][payment_id]
    if method["source"] == "certificate":
        raise Refusal("certificate cannot be used to update reservation")
    if method["source"] == "gift_card":
        if method["amount"] < price:
            raise Refusal("gift card balance is not enough")
        method["amount"] -= price
    if price != 0:
        reservation["payment_history"].append({"payment_id": payment_id, "amount": price})
    changed = _updated(reservation_id, reservation)
    return Outcome(changed.value, {**changed.changes, "users": {user_id: user}})


def _updated(reservation_id: str, reservation: Record) -> Outcome:
    return Outcome(reservation, {"reservations": {reservation_id: reservation}})


DOMAIN = Domain(
    name="airline",
    tables=("flights", "reservations", "users"),
    tools=(
        Tool(schemas.BOOK_RESERVATION, book_reservation),
        CALCULATE,
        Tool(schemas.CANCEL_RESERVATION, cancel_reservation),
        Tool(schemas.GET_RESERVATION_DETAILS, get_reservation_details),
        Tool(schemas.GET_USER_DETAILS, get_user_details),
        Tool(schemas.LIST_ALL_AIRPORTS, list_all_airports),
        Tool(schemas.SEARCH_DIRECT_FLIGHT, search_direct_flight),
        Tool(schemas.SEARCH_ONESTOP_FLIGHT, search_onestop_flight),
        Tool(schemas.SEND_CERTIFICATE, send_certificate),
        THINK,
        TRANSFER_TO_HUMAN_AGENTS,
        Tool(schemas.UPDATE_RESERVATION_BAGGAGES, update_reservation_baggages),
        Tool(schemas.UPDATE_RESERVATION_FLIGHTS, update_reservation_flights),
        Tool(schemas.UPDATE_RESERVATION_PASSENGERS, update_reservation_passengers),
    ),
    problems=problems,
)
"""The airline: its tables, its tools in the order the model sees them, and the check of its records."""
