"""The airline's flights: which there are, how they connect, and what a segment costs.

Flights never change in v1, so that everything here only reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from actorcritic_cli.envs.tau.database import Record, Tables
from actorcritic_cli.envs.tau.tools import Outcome, Refusal

AIRPORTS = {
    "SFO": "San Francisco",
    "JFK": "New York",
    "LAX": "Los Angeles",
    "ORD": "Chicago",
    "DFW": "Dallas",
    "DEN": "Denver",
    "SEA": "Seattle",
    "ATL": "Atlanta",
    "MIA": "Miami",
    "BOS": "Boston",
    "PHX": "Phoenix",
    "IAH": "Houston",
    "LAS": "Las Vegas",
    "MCO": "Orlando",
    "EWR": "Newark",
    "CLT": "Charlotte",
    "MSP": "Minneapolis",
    "DTW": "Detroit",
    "PHL": "Philadelphia",
    "LGA": "LaGuardia",
}


def list_all_airports(tables: Tables) -> Outcome:
    """Return airport code → city."""
    return Outcome(AIRPORTS)


def search_direct_flight(tables: Tables, origin: Any, destination: Any, date: Any) -> Outcome:
    """Return the flights of a route that are available on a day, in file order."""
    return Outcome(
        [
            {**_plain(flight), **flight["dates"][date]}
            for flight in tables["flights"].values()
            if flight["origin"] == origin and flight["destination"] == destination and _is_available(flight, date)
        ]
    )


def search_onestop_flight(tables: Tables, origin: Any, destination: Any, date: Any) -> Outcome:
    """Return pairs of flights with one stop.

    Of the second flight of an overnight connection the result shows the next day as its date, but seats and prices of
    the first day: so does the original.
    """
    return Outcome(
        [
            [
                {**_plain(first), **first["dates"][date], "date": date},
                {**_plain(second), **second["dates"][date], "date": day},
            ]
            for first, second, day in _connections(tables, origin, destination, date)
        ]
    )


def _connections(tables: Tables, origin: Any, destination: Any, date: Any) -> Iterator[tuple[Record, Record, Any]]:
    flights = tables["flights"].values()
    for first in flights:
        if first["origin"] != origin:
            continue
        for second in flights:
            if second["destination"] != destination or second["origin"] != first["destination"]:
                continue
            arrival = first["scheduled_arrival_time_est"]
            day = f"2024-05-{int(date[-2:]) + 1}" if "+1" in arrival else date
            # Compared as text: with "+1" only the hours count.
            if arrival > second["scheduled_departure_time_est"]:
                continue
            if _is_available(first, date) and _is_available(second, day):
                yield first, second, day


def complete(tables: Tables, segment: Any, cabin: Any, passengers: Any) -> None:
    """Check that a segment can be booked, and complete it with today's price, origin and destination.

    Raises ``Refusal``.
    """
    number = segment["flight_number"]
    if number not in tables["flights"]:
        raise Refusal(f"flight {number} not found")
    flight = tables["flights"][number]
    if segment["date"] not in flight["dates"]:
        raise Refusal(f"flight {number} not found on date {segment['date']}")
    day = flight["dates"][segment["date"]]
    if day["status"] != "available":
        raise Refusal(f"flight {number} not available on date {segment['date']}")
    if day["available_seats"][cabin] < len(passengers):
        raise Refusal(f"not enough seats on flight {number}")
    segment["price"] = day["prices"][cabin]
    segment["origin"] = flight["origin"]
    segment["destination"] = flight["destination"]


def _plain(flight: Record) -> Record:
    return {key: value for key, value in flight.items() if key != "dates"}


def _is_available(flight: Record, date: Any) -> bool:
    return date in flight["dates"] and flight["dates"][date]["status"] == "available"
