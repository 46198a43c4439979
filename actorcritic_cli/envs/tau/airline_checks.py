"""Whether an airline data set hangs together: required keys, and every reference to another record.

The tools check nothing, so a broken file would only show as odd results in the middle of a run; it is found here instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from actorcritic_cli.envs.tau.airline_schemas import CABINS
from actorcritic_cli.envs.tau.database import Tables
from actorcritic_cli.types import Task

_KEYS = {
    "flights": (
        "flight_number",
        "origin",
        "destination",
        "scheduled_departure_time_est",
        "scheduled_arrival_time_est",
        "dates",
    ),
    "reservations": (
        "reservation_id",
        "user_id",
        "origin",
        "destination",
        "flight_type",
        "cabin",
        "flights",
        "passengers",
        "payment_history",
        "created_at",
        "total_baggages",
        "nonfree_baggages",
        "insurance",
    ),
    "users": (
        "name",
        "address",
        "email",
        "dob",
        "payment_methods",
        "saved_passengers",
        "membership",
        "reservations",
    ),
}


def problems(tables: Tables, tasks: Sequence[Task]) -> list[str]:
    """Return what is wrong with the records and tasks, one sentence each; empty when nothing is."""
    found = missing(tables, _KEYS)
    if found:  # the references below need the keys
        return found
    try:
        return [*_flights(tables), *_reservations(tables), *_users(tables), *unknown_users(tables, tasks)]
    except (KeyError, TypeError, AttributeError) as error:
        return [f"a record has an unexpected shape ({type(error).__name__}: {error})"]


def missing(tables: Tables, keys: Mapping[str, Sequence[str]]) -> list[str]:
    """Return which records of which table lack which of the table's ``keys``, one sentence each."""
    return [
        f"{name} {key}: {fault}"
        for name, required in keys.items()
        for key, record in tables[name].items()
        for fault in _missing(record, required)
    ]


def _missing(record: Any, keys: Sequence[str]) -> list[str]:
    if not isinstance(record, dict):
        return ["is not an object"]
    return [f"has no {key!r}" for key in keys if key not in record]


def _flights(tables: Tables) -> Iterator[str]:
    for key, flight in tables["flights"].items():
        if flight["flight_number"] != key:
            yield f"flights {key}: is numbered {flight['flight_number']!r}"
        for date, day in flight["dates"].items():
            if day["status"] == "available":
                for what in ("available_seats", "prices"):
                    if set(day.get(what, ())) != set(CABINS):
                        yield f"flights {key} on {date}: {what} do not cover the three cabins"


def _reservations(tables: Tables) -> Iterator[str]:
    for key, reservation in tables["reservations"].items():
        if reservation["reservation_id"] != key:
            yield f"reservations {key}: has the id {reservation['reservation_id']!r}"
        user = tables["users"].get(reservation["user_id"])
        if user is None:
            yield f"reservations {key}: unknown user {reservation['user_id']!r}"
        elif key not in user["reservations"]:
            yield f"reservations {key}: is not listed by its user {reservation['user_id']}"
        for segment in reservation["flights"]:
            flight = tables["flights"].get(segment["flight_number"])
            if flight is None or segment["date"] not in flight["dates"]:
                yield f"reservations {key}: unknown flight {segment['flight_number']} on {segment['date']}"


def _users(tables: Tables) -> Iterator[str]:
    for key, user in tables["users"].items():
        for reservation_id in user["reservations"]:
            if reservation_id not in tables["reservations"]:
                yield f"users {key}: unknown reservation {reservation_id!r}"
        for payment_id, method in user["payment_methods"].items():
            if method["id"] != payment_id:
                yield f"users {key}: payment method {payment_id} has the id {method['id']!r}"
            if method["source"] in ("gift_card", "certificate") and "amount" not in method:
                yield f"users {key}: payment method {payment_id} has no amount"


def unknown_users(tables: Tables, tasks: Sequence[Task]) -> Iterator[str]:
    """Yield which tasks are about a user who does not exist."""
    for task in tasks:
        user_id = task.extra.get("user_id")
        if user_id is not None and user_id not in tables["users"]:
            yield f"task {task.id}: unknown user {user_id!r}"
