"""Write the bundled airline's database: ``python -m actorcritic_cli.envs.tau.bundled.generate_airline [FOLDER]``.

Every record is drawn from a random stream of its own, seeded with its key, so that adding one record leaves all others
as they are. Only ``Random.random`` is used: its numbers are the same on every Python version.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from typing import Any

from actorcritic_cli.envs.draw import below, between, pick
from actorcritic_cli.envs.tau.bundled import AIRLINE
from actorcritic_cli.envs.tau.bundled.airline_material import (
    CARD_BRANDS,
    CITIES,
    COMPANIONS,
    PEOPLE,
    SPECIAL_DAYS,
    STREETS,
    TIMETABLE,
    Route,
)
from actorcritic_cli.envs.tau.bundled.airline_scenarios import BOOKINGS, CUSTOMERS, Booking, Customer

SEED = 417
RESERVATIONS = 100
CABINS = ("basic_economy", "economy", "business")
FARE_FACTOR = {"basic_economy": 0.6, "economy": 1.0, "business": 2.6}
FREE_BAGS = {"regular": (0, 1, 2), "silver": (1, 2, 3), "gold": (2, 3, 4)}
"""Free bags per passenger, in the order of ``CABINS``: rule R3.4 of the policy."""
TODAY, NOW = 15, 15 * 60
"""The clock: 2024-05-15, 15:00 EST, in minutes of the day."""

Json = dict[str, Any]


def stream(key: str) -> Random:
    """Return the random numbers that belong to one record."""
    return Random(f"{SEED}/{key}")


def minutes(clock: str) -> int:
    """Return ``HH:MM`` as minutes of the day."""
    return int(clock[:2]) * 60 + int(clock[3:5])


def clock(minute: int) -> str:
    """Return a minute of the day as ``HH:MM:SS``, with ``+1`` behind it on the next day."""
    day, minute = divmod(minute, 24 * 60)
    return f"{minute // 60:02}:{minute % 60:02}:00" + ("+1" if day else "")


def date(day: int) -> str:
    """Return a day of May 2024 as ``YYYY-MM-DD``."""
    return f"2024-05-{day:02}"


def stamp(day: int, minute: int) -> str:
    """Return a moment as ``YYYY-MM-DDTHH:MM:SS``; minutes beyond midnight belong to the next day."""
    later, minute = divmod(minute, 24 * 60)
    return f"{date(day + later)}T{minute // 60:02}:{minute % 60:02}:00"


def flights() -> Json:
    """Return all flights: number → record with one entry for each day of May up to the 30th."""
    found = {}
    for index, route in enumerate(TIMETABLE):
        for back in (False, True):
            number = f"ACC{101 + 2 * index + back}"
            found[number] = _flight(number, route, back=back)
    return found


def _flight(number: str, route: Route, *, back: bool) -> Json:
    leaves = minutes(route.back if back else route.out)
    arrives = leaves + route.minutes
    return {
        "flight_number": number,
        "origin": route.destination if back else route.origin,
        "destination": route.origin if back else route.destination,
        "scheduled_departure_time_est": clock(leaves),
        "scheduled_arrival_time_est": clock(arrives),
        "dates": {date(day): _flight_day(number, route.fare, day, leaves, arrives) for day in range(1, 31)},
    }


def _flight_day(number: str, fare: int, day: int, leaves: int, arrives: int) -> Json:
    rng = stream(f"{number}/{day}")
    luck = rng.random()
    leaves += between(rng, -5, 30)
    arrives += between(rng, -10, 30)
    status = SPECIAL_DAYS.get((number, date(day)))
    if status is None:
        status = _status(day, leaves, arrives, luck)
    if status == "available":
        return {
            "status": status,
            "available_seats": {cabin: between(rng, 1, 20) for cabin in CABINS},
            "prices": {cabin: round(fare * FARE_FACTOR[cabin] * (0.8 + 0.5 * rng.random())) for cabin in CABINS},
        }
    if status == "cancelled":
        return {"status": status}
    late = between(rng, 60, 180) if status == "delayed" else 0
    left = "actual" if status in ("landed", "flying") else "estimated"
    came = "actual" if status == "landed" else "estimated"
    return {
        "status": status,
        f"{left}_departure_time_est": stamp(day, leaves + late),
        f"{came}_arrival_time_est": stamp(day, arrives + late),
    }


def _status(day: int, leaves: int, arrives: int, luck: float) -> str:
    """Return what the clock makes of a flight that really leaves and arrives at these minutes of its day."""
    if day > TODAY:
        return "available"
    if luck < 0.05:
        return "cancelled"
    moment = NOW + (TODAY - day) * 24 * 60
    if arrives <= moment:
        return "landed"
    if leaves <= moment:
        return "flying"
    return "delayed" if luck < 0.3 else "on time"


def users() -> Json:
    """Return all customers without their reservations: user id → record."""
    found = {}
    for first, last in PEOPLE:
        rng = stream(f"{first} {last}")
        user_id = f"{first}_{last}_{between(rng, 1000, 9999)}".lower()
        found[user_id] = _user(rng, first, last, CUSTOMERS.get(f"{first} {last}") or _anyone(rng))
    return found


def _anyone(rng: Random) -> Customer:
    membership = pick(rng, ("regular", "regular", "silver", "gold"))
    gifts = tuple(f"gift:{between(rng, 4, 60) * 5}" for _ in range(below(rng, 3)))
    certificates = tuple(f"certificate:{between(rng, 1, 6) * 50}" for _ in range(below(rng, 2)))
    companions = tuple(pick(rng, COMPANIONS[part::3]) for part in range(below(rng, 3)))
    return Customer(membership, (f"card:{pick(rng, CARD_BRANDS)}", *gifts, *certificates), companions)  # type: ignore[arg-type]


def _user(rng: Random, first: str, last: str, customer: Customer) -> Json:
    city, state, code = pick(rng, CITIES)
    methods = [_payment_method(rng, method) for method in customer.methods]
    return {
        "name": {"first_name": first, "last_name": last},
        "address": {
            "address1": f"{between(rng, 2, 940)} {pick(rng, STREETS)}",
            "address2": f"Unit {between(rng, 1, 60)}",
            "city": city,
            "country": "USA",
            "state": state,
            "zip": code,
        },
        "email": f"{first}.{last}@example.com".lower(),
        "dob": _birthday(rng),
        "payment_methods": {method["id"]: method for method in methods},
        "saved_passengers": [_passenger(rng, name, last) for name in customer.companions],
        "membership": customer.membership,
        "reservations": [],
    }


def _payment_method(rng: Random, method: str) -> Json:
    kind, _, what = method.partition(":")
    number = between(rng, 1_000_000, 9_999_999)
    if kind == "card":
        return {
            "source": "credit_card",
            "brand": what,
            "last_four": f"{between(rng, 1000, 9999)}",
            "id": f"credit_card_{number}",
        }
    source = "gift_card" if kind == "gift" else "certificate"
    return {"source": source, "amount": int(what), "id": f"{source}_{number}"}


def _birthday(rng: Random) -> str:
    return f"{between(rng, 1948, 2003)}-{between(rng, 1, 12):02}-{between(rng, 1, 28):02}"


def _passenger(rng: Random, first: str, last: str) -> Json:
    return {"first_name": first, "last_name": last, "dob": _birthday(rng)}


def reservations(all_flights: Json, all_users: Json) -> Json:
    """Return all reservations, and enter each in its customer's record."""
    ids = {f"{user['name']['first_name']} {user['name']['last_name']}": key for key, user in all_users.items()}
    found: Json = {}
    bookings = list(BOOKINGS)
    bookings += [_any_booking(index, all_users, ids, all_flights) for index in range(RESERVATIONS - len(BOOKINGS))]
    for booking in sorted(bookings, key=lambda booking: booking.id):
        user_id = ids[booking.customer]
        found[booking.id] = _reservation(booking, user_id, all_users[user_id], all_flights)
        all_users[user_id]["reservations"].append(booking.id)
    return found


def _any_booking(index: int, all_users: Json, ids: dict[str, str], all_flights: Json) -> Booking:
    rng = stream(f"reservation {index}")
    name = f"{PEOPLE[-1 - index % len(PEOPLE)][0]} {PEOPLE[-1 - index % len(PEOPLE)][1]}"
    user = all_users[ids[name]]
    consonants, vowels = "BDFGKLMNPRSTVZ", "AEIOU"
    syllables = "".join(pick(rng, letters) for letters in (consonants, vowels, consonants, vowels))
    route = below(rng, len(TIMETABLE))
    out, back = f"ACC{101 + 2 * route}", f"ACC{102 + 2 * route}"
    day = between(rng, 6, 27)
    round_trip = rng.random() < 0.4
    others = tuple(person["first_name"] for person in user["saved_passengers"][: below(rng, 3)])
    return Booking(
        id=f"{syllables}{index % 10}{below(rng, 10)}",
        customer=name,
        segments=((out, day), (back, between(rng, day + 1, 30))) if round_trip else ((out, day),),
        cabin=pick(rng, CABINS),  # type: ignore[arg-type]
        created_at=stamp(between(rng, 1, min(day - 1, 13)), between(rng, 360, 1380))[:-2] + f"{between(rng, 0, 59):02}",
        destination=all_flights[out]["destination"],
        round_trip=round_trip,
        others=others,
        bags=below(rng, len(others) + 3),
        insured=rng.random() < 0.35,
    )


def _reservation(booking: Booking, user_id: str, user: Json, all_flights: Json) -> Json:
    rng = stream(booking.id)
    cabin = CABINS.index(booking.cabin)
    segments = []
    for number, day in booking.segments:
        flight = all_flights[number]
        price = flight["dates"][date(day)].get("prices", {}).get(booking.cabin)
        if price is None:
            fare = TIMETABLE[(int(number[3:]) - 101) // 2].fare
            price = fare * FARE_FACTOR[booking.cabin]
        segments.append(
            {
                "origin": flight["origin"],
                "destination": flight["destination"],
                "flight_number": number,
                "date": date(day),
                "price": round(price * (0.75 + 0.4 * rng.random())),
            }
        )
    saved = {person["first_name"]: person for person in user["saved_passengers"]}
    passengers = [{**user["name"], "dob": user["dob"]}, *(saved[name] for name in booking.others)]
    nonfree = max(0, booking.bags - FREE_BAGS[user["membership"]][cabin] * len(passengers))
    total = sum(segment["price"] for segment in segments) * len(passengers)
    total += 50 * nonfree + 30 * len(passengers) * booking.insured
    return {
        "reservation_id": booking.id,
        "user_id": user_id,
        "origin": segments[0]["origin"],
        "destination": booking.destination,
        "flight_type": "round_trip" if booking.round_trip else "one_way",
        "cabin": booking.cabin,
        "flights": segments,
        "passengers": passengers,
        "payment_history": [{"payment_id": list(user["payment_methods"])[booking.paid_by], "amount": total}],
        "created_at": booking.created_at,
        "total_baggages": booking.bags,
        "nonfree_baggages": nonfree,
        "insurance": "yes" if booking.insured else "no",
    }


def lines(records: Json) -> str:
    """Return records as JSON that reads well: one line for each field, and for each entry inside a field."""
    blocks = []
    for key, record in records.items():
        fields = [f"    {json.dumps(name)}: {_field(value)}" for name, value in record.items()]
        blocks.append(f"  {json.dumps(key)}: {{\n" + ",\n".join(fields) + "\n  }")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def _field(value: Any) -> str:
    if isinstance(value, dict) and value and all(isinstance(inner, dict) for inner in value.values()):
        inside = [f"      {json.dumps(key)}: {json.dumps(inner)}" for key, inner in value.items()]
        return "{\n" + ",\n".join(inside) + "\n    }"
    if isinstance(value, list) and value and all(isinstance(inner, dict) for inner in value):
        return "[\n" + ",\n".join(f"      {json.dumps(inner)}" for inner in value) + "\n    ]"
    return json.dumps(value)


def generate() -> dict[str, str]:
    """Return the database as file name → text. The same on every call and every Python."""
    all_flights = flights()
    all_users = users()
    all_reservations = reservations(all_flights, all_users)
    return {
        "flights.json": lines(all_flights),
        "reservations.json": lines(all_reservations),
        "users.json": lines(all_users),
    }


def main(folder: Path = AIRLINE) -> None:
    """Write the three files into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in generate().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
