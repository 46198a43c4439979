"""The airline's records as its policy reads them: what is used, what may be cancelled, what is free, what a seat costs.

Every ground truth of a drawn task is computed here from the bundled records, by the rules of ``bundled/airline/policy.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Literal

from msgspec import Struct

from actorcritic_cli.envs.draw import mixed
from actorcritic_cli.envs.tau.airline import BAG_PRICE, INSURANCE_PRICE
from actorcritic_cli.envs.tau.airline_flights import AIRPORTS, search_onestop_flight
from actorcritic_cli.envs.tau.airline_schemas import CABINS
from actorcritic_cli.envs.tau.bundled import generate_airline as clock
from actorcritic_cli.envs.tau.bundled.generate_airline import FREE_BAGS, date, stamp
from actorcritic_cli.envs.tau.database import Database, Record
from actorcritic_cli.types import ExpectedAction

Json = dict[str, Any]
Reason = Literal["change of plan", "illness", "weather", "airline cancelled"]

TODAY = date(clock.TODAY)
A_DAY_AGO = stamp(clock.TODAY - 1, clock.NOW)
DAYS = tuple(date(day) for day in range(clock.TODAY + 1, 31))
"""The days that can be booked."""
CANCELLED_FLIGHT, DELAYED_FLIGHT = 120, 60
"""Goodwill for each passenger (R6.3, R6.4)."""


def stream(key: str) -> Random:
    """Return the random numbers that belong to one drawn task, or to one choice among records."""
    return Random(f"drawn/airline/{key}")


def chosen(key: str, items: Sequence[Any], count: int) -> list[Any]:
    """Return up to ``count`` of the items, drawn, in their order."""
    drawn = set(mixed(stream(key), range(len(items)))[:count])
    return [item for index, item in enumerate(items) if index in drawn]


class Leg(Struct, frozen=True):
    """One flight on one day."""

    number: str
    date: str

    def segment(self) -> Json:
        """Return the leg as a tool wants it."""
        return {"flight_number": self.number, "date": self.date}


class Rules:
    """The records, and what the policy says of them."""

    def __init__(self, database: Database):
        self.tables = database.tables
        self.flights = database.tables["flights"]
        self.reservations = database.tables["reservations"]
        self.users = database.tables["users"]

    def unused(self) -> list[Record]:
        """Return the reservations all of whose flights are still to come."""
        return [r for r in self.reservations.values() if all(leg["date"] > TODAY for leg in r["flights"])]

    def flying(self) -> list[Record]:
        """Return the reservations whose flights are all still to come and will be flown."""
        return [r for r in self.unused() if self.grounded(r) is None]

    def half_flown(self) -> list[Record]:
        """Return the reservations whose way there is flown and whose way back is not."""
        return [r for r in self.reservations.values() if r["flights"][0]["date"] < TODAY < r["flights"][-1]["date"]]

    def flown(self) -> list[Record]:
        """Return the reservations with a flight that has been used."""
        return [r for r in self.reservations.values() if r["flights"][0]["date"] < TODAY]

    def user(self, reservation: Record) -> Record:
        """Return the customer of a reservation."""
        return self.users[reservation["user_id"]]

    def grounded(self, reservation: Record) -> Record | None:
        """Return the flight to come of a reservation that Meridian Air has cancelled (R2.2), if there is one."""
        later = (leg for leg in reservation["flights"] if leg["date"] > TODAY)
        return next((leg for leg in later if self._day(leg["flight_number"], leg["date"]) is None), None)

    def cancellable(self, reservation: Record, reason: Reason) -> bool:
        """Whether an unused reservation may be cancelled for a reason (R5.2)."""
        return bool(
            reservation["created_at"] >= A_DAY_AGO
            or self.grounded(reservation) is not None
            or reservation["cabin"] == "business"
            or (reservation["insurance"] == "yes" and reason in ("illness", "weather"))
        )

    def entitled(self, reservation: Record) -> bool:
        """Whether a complaint about a cancelled or delayed flight may be made good (R6.2)."""
        member = self.user(reservation)["membership"] != "regular"
        return bool(member or reservation["insurance"] == "yes" or reservation["cabin"] == "business")

    def charged_bags(self, user: Record, cabin: str, passengers: int, bags: int) -> int:
        """Return how many of these bags are beyond the pooled allowance (R3.4, R3.5)."""
        return max(0, bags - FREE_BAGS[user["membership"]][CABINS.index(cabin)] * passengers)

    def seats(self, leg: Leg, cabin: str) -> int:
        """Return how many seats can be booked."""
        day = self._day(leg.number, leg.date)
        return int(day["available_seats"][cabin]) if day is not None else 0

    def fare(self, leg: Leg, cabin: str) -> int:
        """Return today's fare of a flight that can be booked."""
        day = self._day(leg.number, leg.date)
        assert day is not None
        return int(day["prices"][cabin])

    def numbers(self, origin: str, destination: str) -> list[str]:
        """Return the direct flights of a route, the earliest first."""
        found = [f for f in self.flights.values() if f["origin"] == origin and f["destination"] == destination]
        return [f["flight_number"] for f in sorted(found, key=lambda f: str(f["scheduled_departure_time_est"]))]

    def departure(self, number: str) -> str:
        """Return the scheduled departure as ``HH:MM``."""
        return str(self.flights[number]["scheduled_departure_time_est"])[:5]

    def connections(self, date: str, cabin: str, passengers: int) -> Iterator[tuple[str, str, list[Leg]]]:
        """Yield origin, destination and legs of the cheapest connection of each pair without a direct flight."""
        for origin in AIRPORTS:
            for destination in AIRPORTS:
                if origin == destination or self.numbers(origin, destination):
                    continue
                value: Any = search_onestop_flight(self.tables, origin, destination, date).value
                pairs = [
                    (
                        sum(leg["prices"][cabin] for leg in pair),
                        [Leg(leg["flight_number"], leg["date"]) for leg in pair],
                    )
                    for pair in value
                    if all(leg["available_seats"][cabin] >= passengers and leg["date"] == date for leg in pair)
                ]
                pairs.sort(key=lambda pair: pair[0])
                if pairs and (len(pairs) == 1 or pairs[0][0] < pairs[1][0]):
                    yield origin, destination, pairs[0][1]

    def total(self, user: Record, cabin: str, legs: Sequence[Leg], passengers: int, bags: int, insured: bool) -> int:
        """Return what a booking costs (R3.7)."""
        fares = sum(self.fare(leg, cabin) for leg in legs) * passengers
        bags_cost = BAG_PRICE * self.charged_bags(user, cabin, passengers, bags)
        return fares + bags_cost + INSURANCE_PRICE * passengers * insured

    def difference(self, reservation: Record, legs: Sequence[Leg], cabin: str) -> int | None:
        """Return what a change of flights or cabin costs (R4.3, R4.4), ``None`` where seats are lacking."""
        count, cost = len(reservation["passengers"]), 0
        paid = {Leg(leg["flight_number"], leg["date"]): leg["price"] for leg in reservation["flights"]}
        for leg in legs:
            if leg in paid and cabin == reservation["cabin"]:
                cost += paid[leg]
            elif self.seats(leg, cabin) < count:
                return None
            else:
                cost += self.fare(leg, cabin)
        return int(cost - sum(paid.values())) * count

    def _day(self, number: str, date: str) -> Record | None:
        day: Record = self.flights[number]["dates"][date]
        return day if day["status"] == "available" else None


def legs_of(reservation: Record) -> list[Leg]:
    """Return the flights of a reservation."""
    return [Leg(leg["flight_number"], leg["date"]) for leg in reservation["flights"]]


def paid(reservation: Record) -> int:
    """Return what was paid for a reservation."""
    return int(sum(payment["amount"] for payment in reservation["payment_history"]))


def cancel(reservation: Record) -> ExpectedAction:
    """Return the call that cancels a reservation."""
    return ExpectedAction("cancel_reservation", {"reservation_id": reservation["reservation_id"]})


def change(reservation: Record, legs: Sequence[Leg], cabin: str, method: Record) -> ExpectedAction:
    """Return the call that changes flights or cabin."""
    arguments = {
        "reservation_id": reservation["reservation_id"],
        "cabin": cabin,
        "flights": [leg.segment() for leg in legs],
        "payment_id": method["id"],
    }
    return ExpectedAction("update_reservation_flights", arguments)


def bags(rules: Rules, reservation: Record, total: int, method: Record) -> ExpectedAction:
    """Return the call that sets the number of bags."""
    count = len(reservation["passengers"])
    arguments = {
        "reservation_id": reservation["reservation_id"],
        "total_baggages": total,
        "nonfree_baggages": rules.charged_bags(rules.user(reservation), reservation["cabin"], count, total),
        "payment_id": method["id"],
    }
    return ExpectedAction("update_reservation_baggages", arguments)


def certificate(reservation: Record, each: int) -> ExpectedAction:
    """Return the call that makes a cancelled or delayed flight good, with so much for each passenger."""
    amount = each * len(reservation["passengers"])
    return ExpectedAction("send_certificate", {"user_id": reservation["user_id"], "amount": amount})


def look(reservation: Record) -> ExpectedAction:
    """Return the call that opens a reservation."""
    return ExpectedAction("get_reservation_details", {"reservation_id": reservation["reservation_id"]})
