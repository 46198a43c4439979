"""The airline's tools as τ²-bench has them, quirks included: recorded conversations replay to the letter.

They differ from v1's in too much to share their code: records are typed, seats are taken, the cabin of a reservation is
changed, refusals name what they refuse. As in v1, the tools do not enforce the policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from actorcritic_cli.envs.tau import airline_schemas as v1_schemas
from actorcritic_cli.envs.tau.airline import BAG_PRICE, INSURANCE_PRICE, NOW
from actorcritic_cli.envs.tau.airline_checks import problems
from actorcritic_cli.envs.tau.airline_flights import AIRPORTS
from actorcritic_cli.envs.tau.database import Record, Tables, clone
from actorcritic_cli.envs.tau.tools import Outcome, Refusal, Tool
from actorcritic_cli.envs.tau2 import airline_schemas as schemas
from actorcritic_cli.envs.tau2.common import CALCULATE, TRANSFER_TO_HUMAN_AGENTS, Domain
from actorcritic_cli.envs.tau2.records import (
    AirlineUser,
    Certificate,
    Flight,
    Passenger,
    Payment,
    Reservation,
    Segment,
    SegmentWish,
    typed,
)

_NEW_RESERVATIONS = ("HATHAT", "HATHAU", "HATHAV")
_NEW_CERTIFICATES = ("certificate_3221322", "certificate_3221323", "certificate_3221324")


# lookups


def get_reservation_details(tables: Tables, reservation_id: Any) -> Outcome:
    """Return a reservation."""
    return Outcome(_reservation(tables, reservation_id))


def get_user_details(tables: Tables, user_id: Any) -> Outcome:
    """Return a customer's profile."""
    return Outcome(_user(tables, user_id))


def get_flight_status(tables: Tables, flight_number: Any, date: Any) -> Outcome:
    """Return the status word of a flight on a day."""
    return Outcome(_day(tables, flight_number, date)["status"])


def list_all_airports(tables: Tables) -> Outcome:
    """Return the airports with their cities."""
    return Outcome([{"iata": code, "city": city} for code, city in AIRPORTS.items()])


def search_direct_flight(tables: Tables, origin: Any, destination: Any, date: Any) -> Outcome:
    """Return the flights of a route that are available on a day, in file order; they do not show the date."""
    found = _departures(tables, origin, date)
    return Outcome([_shown(flight, date, None) for flight in found if flight["destination"] == destination])


def search_onestop_flight(tables: Tables, origin: Any, destination: Any, date: Any) -> Outcome:
    """Return pairs of flights with one stop. Times are compared as text: with ``+1`` only the hours count."""
    pairs = []
    for first in _departures(tables, origin, date):
        arrival = first["scheduled_arrival_time_est"]
        day = f"2024-05-{int(date[-2:]) + 1}" if "+1" in arrival else date
        for second in _departures(tables, first["destination"], day):
            if second["destination"] == destination and arrival <= second["scheduled_departure_time_est"]:
                pairs.append([_shown(first, date, date), _shown(second, day, day)])
    return Outcome(pairs)


# changes


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
    """Store a reservation, take the payment and the seats.

    As in v1, a certificate that pays twice passes the checks and then is no longer there: it stays off the profile, and no
    reservation comes of it.
    """
    wishes = typed(list[SegmentWish], flights)
    travellers = typed(list[Passenger], passengers)
    payments = typed(list[Payment], payment_methods)
    user = clone(_user(tables, user_id))
    reservation_id = next((id_ for id_ in _NEW_RESERVATIONS if id_ not in tables["reservations"]), None)
    if reservation_id is None:
        raise Refusal("Too many reservations")
    reservation = typed(
        Reservation,
        {
            "reservation_id": reservation_id,
            "user_id": user_id,
            "origin": origin,
            "destination": destination,
            "flight_type": flight_type,
            "cabin": cabin,
            "flights": [],
            "passengers": travellers,
            "payment_history": payments,
            "created_at": NOW,
            "total_baggages": total_baggages,
            "nonfree_baggages": nonfree_baggages,
            "insurance": insurance,
        },
    )
    segments = [_segment(tables, wish, cabin, len(travellers)) for wish in wishes]
    total = sum(segment["price"] for segment in segments) * len(travellers)
    if insurance == "yes":
        total += INSURANCE_PRICE * len(travellers)
    total += BAG_PRICE * nonfree_baggages
    profile = user["payment_methods"]
    for payment in payments:
        payment_id, amount = payment["payment_id"], payment["amount"]
        if payment_id not in profile:
            raise Refusal(f"Payment method {payment_id} not found")
        if profile[payment_id]["source"] in ("gift_card", "certificate") and profile[payment_id]["amount"] < amount:
            raise Refusal(f"Not enough balance in payment method {payment_id}")
    paid = sum(payment["amount"] for payment in payments)
    if paid != total:
        raise Refusal(f"Payment amount does not add up, total price is {total}, but paid {paid}")

    for payment in payments:
        if payment["payment_id"] not in profile:
            return Outcome(f"Error: {payment['payment_id']!r}", {"users": {user_id: user}})
        method = profile[payment["payment_id"]]
        if method["source"] == "gift_card":
            method["amount"] -= payment["amount"]
        elif method["source"] == "certificate":
            del profile[payment["payment_id"]]
    reservation["flights"] = segments
    user["reservations"].append(reservation_id)
    return Outcome(
        reservation,
        {
            "flights": _seats_taken(tables, segments, cabin, len(travellers)),
            "reservations": {reservation_id: reservation},
            "users": {user_id: user},
        },
    )


def cancel_reservation(tables: Tables, reservation_id: Any) -> Outcome:
    """Note the refunds and mark the reservation cancelled; balances and seats do not change, nor is anything refused."""
    reservation = clone(_reservation(tables, reservation_id))
    history = reservation["payment_history"]
    history.extend([{"payment_id": paid["payment_id"], "amount": -paid["amount"]} for paid in history])
    reservation["status"] = "cancelled"
    return _updated(reservation)


def send_certificate(tables: Tables, user_id: Any, amount: Any) -> Outcome:
    """Add a certificate to a profile; there are ids for three."""
    user = clone(_user(tables, user_id))
    payment_id = next((id_ for id_ in _NEW_CERTIFICATES if id_ not in user["payment_methods"]), None)
    if payment_id is None:
        raise Refusal("Too many certificates")
    new = {"source": "certificate", "id": payment_id, "amount": amount}
    user["payment_methods"][payment_id] = typed(Certificate, new)
    text = f"Certificate {payment_id} added to user {user_id} with amount {amount}."
    return Outcome(text, {"users": {user_id: user}})


def update_reservation_baggages(
    tables: Tables, reservation_id: Any, total_baggages: Any, nonfree_baggages: Any, payment_id: Any
) -> Outcome:
    """Replace both counts, which are stored as they come, and charge added bags."""
    reservation = clone(_reservation(tables, reservation_id))
    price = BAG_PRICE * max(0, nonfree_baggages - reservation["nonfree_baggages"])
    reservation["total_baggages"] = total_baggages
    reservation["nonfree_baggages"] = nonfree_baggages
    return _charged(tables, reservation, payment_id, price)


def update_reservation_flights(
    tables: Tables, reservation_id: Any, cabin: Any, flights: Any, payment_id: Any
) -> Outcome:
    """Replace the segments and the cabin, and settle the difference in price. A segment that stays keeps its price."""
    wishes = typed(list[SegmentWish], flights)
    reservation = clone(_reservation(tables, reservation_id))
    old, people = reservation["flights"], len(reservation["passengers"])
    new = []
    for wish in wishes:
        kept = next((was for was in old if all(was[key] == wish[key] for key in wish)), None)
        same_cabin = cabin == reservation["cabin"]
        new.append(kept if kept is not None and same_cabin else _segment(tables, wish, cabin, people))
    price = (sum(segment["price"] for segment in new) - sum(segment["price"] for segment in old)) * people
    reservation["flights"] = new
    reservation["cabin"] = cabin
    return _charged(tables, reservation, payment_id, price)


def update_reservation_passengers(tables: Tables, reservation_id: Any, passengers: Any) -> Outcome:
    """Replace the passengers by as many others."""
    new = typed(list[Passenger], passengers)
    reservation = clone(_reservation(tables, reservation_id))
    if len(new) != len(reservation["passengers"]):
        raise Refusal("Number of passengers does not match")
    reservation["passengers"] = new
    return _updated(reservation)


# what the tools share


def _user(tables: Tables, user_id: Any) -> Record:
    if user_id not in tables["users"]:
        raise Refusal(f"User {user_id} not found")
    return tables["users"][user_id]


def _reservation(tables: Tables, reservation_id: Any) -> Record:
    if reservation_id not in tables["reservations"]:
        raise Refusal(f"Reservation {reservation_id} not found")
    return tables["reservations"][reservation_id]


def _day(tables: Tables, number: Any, date: Any) -> Record:
    if number not in tables["flights"]:
        raise Refusal(f"Flight {number} not found")
    dates = tables["flights"][number]["dates"]
    if date not in dates:
        raise Refusal(f"Flight {number} not found on date {date}")
    day: Record = dates[date]
    return day


def _segment(tables: Tables, wish: Record, cabin: Any, people: int) -> Record:
    """Return a segment at today's price. Raises ``Refusal`` when it cannot be booked."""
    number, date = wish["flight_number"], wish["date"]
    day = _day(tables, number, date)
    if day["status"] != "available":
        raise Refusal(f"Flight {number} not available on date {date}")
    if day["available_seats"][cabin] < people:
        raise Refusal(f"Not enough seats on flight {number}")
    flight = tables["flights"][number]
    route = {"origin": flight["origin"], "destination": flight["destination"]}
    segment: Record = typed(Segment, {**route, **wish, "price": day["prices"][cabin]})
    return segment


def _seats_taken(tables: Tables, segments: list[Record], cabin: Any, people: int) -> dict[str, Record]:
    """Return the flights of a new booking with fewer seats."""
    changed: dict[str, Record] = {}
    for segment in segments:
        number = segment["flight_number"]
        flight = changed.setdefault(number, clone(tables["flights"][number]))
        flight["dates"][segment["date"]]["available_seats"][cabin] -= people
    return changed


def _departures(tables: Tables, origin: Any, date: Any) -> Iterator[Record]:
    """Yield the flights from an airport that are available on a day, in file order."""
    for flight in tables["flights"].values():
        if flight["origin"] == origin and date in flight["dates"] and flight["dates"][date]["status"] == "available":
            yield flight


def _shown(flight: Record, date: Any, shown_date: Any) -> Record:
    """Return a flight as a search shows it."""
    day = flight["dates"][date]
    return {
        "flight_number": flight["flight_number"],
        "origin": flight["origin"],
        "destination": flight["destination"],
        "status": "available",
        "scheduled_departure_time_est": flight["scheduled_departure_time_est"],
        "scheduled_arrival_time_est": flight["scheduled_arrival_time_est"],
        "date": shown_date,
        "available_seats": day["available_seats"],
        "prices": day["prices"],
    }


def _charged(tables: Tables, reservation: Record, payment_id: Any, price: Any) -> Outcome:
    """Take what a change costs (a gift card gains if it is negative) and store the changed reservation."""
    user_id = reservation["user_id"]
    user = clone(_user(tables, user_id))
    if payment_id not in user["payment_methods"]:
        raise Refusal("Payment method not found")
    method = user["payment_methods"][payment_id]
    if method["source"] == "certificate":
        raise Refusal("Certificate cannot be used to update reservation")
    if method["source"] == "gift_card":
        if method["amount"] < price:
            raise Refusal("Gift card balance is not enough")
        method["amount"] -= price
    if price != 0:
        reservation["payment_history"].append(typed(Payment, {"payment_id": payment_id, "amount": price}))
    changed = _updated(reservation)
    return Outcome(changed.value, {**changed.changes, "users": {user_id: user}})


def _updated(reservation: Record) -> Outcome:
    return Outcome(reservation, {"reservations": {reservation["reservation_id"]: reservation}})


DOMAIN = Domain(
    name="airline",
    kit="AirlineTools",
    records={"flights": Flight, "reservations": Reservation, "users": AirlineUser},
    tools=(
        Tool(schemas.BOOK_RESERVATION, book_reservation),
        CALCULATE,
        Tool(v1_schemas.CANCEL_RESERVATION, cancel_reservation),
        Tool(v1_schemas.GET_RESERVATION_DETAILS, get_reservation_details),
        Tool(v1_schemas.GET_USER_DETAILS, get_user_details),
        Tool(v1_schemas.LIST_ALL_AIRPORTS, list_all_airports),
        Tool(v1_schemas.SEARCH_DIRECT_FLIGHT, search_direct_flight),
        Tool(v1_schemas.SEARCH_ONESTOP_FLIGHT, search_onestop_flight),
        Tool(schemas.SEND_CERTIFICATE, send_certificate),
        TRANSFER_TO_HUMAN_AGENTS,
        Tool(v1_schemas.UPDATE_RESERVATION_BAGGAGES, update_reservation_baggages),
        Tool(schemas.UPDATE_RESERVATION_FLIGHTS, update_reservation_flights),
        Tool(v1_schemas.UPDATE_RESERVATION_PASSENGERS, update_reservation_passengers),
        Tool(schemas.GET_FLIGHT_STATUS, get_flight_status),
    ),
    problems=problems,
)
"""The airline: its tables, its tools in the order the model sees them, and the check of its records."""
