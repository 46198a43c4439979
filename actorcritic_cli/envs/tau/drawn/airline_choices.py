"""Drawn bookings with a condition: the cheapest connection, a limit, too few seats, more payment methods than allowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from actorcritic_cli.envs.draw import below, pick
from actorcritic_cli.envs.tau.airline_schemas import CABINS
from actorcritic_cli.envs.tau.drawn.airline_bookings import (
    Trip,
    book,
    draw_trip,
    facts_of,
    oneself,
    opening_of,
    said_of,
    total_of,
    way_of,
    wish_to_book,
)
from actorcritic_cli.envs.tau.drawn.airline_rules import DAYS, Json, Leg, Rules, chosen
from actorcritic_cli.envs.tau.drawn.airline_wording import NO_INSURANCE, Customer, Wish
from actorcritic_cli.types import Task


def conditional(rules: Rules) -> Iterator[Task]:
    """Yield the bookings with a condition."""
    yield from _connections(rules)
    yield from _limits(rules)
    yield from _short_of_seats(rules)
    yield from _too_many_methods(rules)


def _connections(rules: Rules) -> Iterator[Task]:
    """Yield bookings of a connection with one stop: the cheapest of its day."""
    for user_id in chosen("connections", list(rules.users), 4):
        customer = Customer(rules, f"d-book-stop-{user_id.split('_')[0]}", user_id)
        cabin = pick(customer.rng, CABINS)
        found = list(rules.connections(pick(customer.rng, DAYS[:-1]), cabin, 1))
        origin, destination, legs = pick(customer.rng, found)
        trip = Trip(
            legs=tuple(legs),
            origin=origin,
            destination=destination,
            round_trip=False,
            cabin=cabin,
            passengers=(oneself(customer.user),),
            bags=below(customer.rng, 3),
            insured=customer.chance(0.3),
            flight_words=customer.say(
                "The cheapest connection; a stop is fine.", "A stop is fine, whatever is cheapest."
            ),
        )
        yield customer.task("book", "The cheapest connection with a stop", wish_to_book(customer, trip))


def _limits(rules: Rules) -> Iterator[Task]:
    """Yield bookings in business if it stays under a limit, else in economy."""
    for user_id in chosen("limits", list(rules.users), 5):
        customer = Customer(rules, f"d-book-limit-{user_id.split('_')[0]}", user_id)
        trip = draw_trip(customer, "business")
        if trip is None or any(rules.seats(leg, "economy") < len(trip.passengers) for leg in trip.legs):
            continue
        total = total_of(customer, trip)
        kept = customer.chance(0.5)
        limit = (total // 50 + (2 if kept else -1)) * 50
        wanted = trip if kept else replace(trip, cabin="economy")
        words = customer.say(
            f"Business if it costs at most {limit} dollars altogether, otherwise economy.",
            f"In business as long as the total is not above {limit} dollars; if it is, economy.",
        )
        yield customer.task("book", "Business, if it stays under a limit", _conditional(customer, wanted, words))


def _short_of_seats(rules: Rules) -> Iterator[Task]:
    """Yield bookings in a cabin that has too few seats for the party, with another cabin as second choice."""
    parties = [user_id for user_id, user in rules.users.items() if user["saved_passengers"]]
    for user_id in chosen("seats", parties, 6):
        customer = Customer(rules, f"d-book-seats-{user_id.split('_')[0]}", user_id)
        party = (oneself(customer.user), *customer.user["saved_passengers"][:4])
        full = [
            Leg(number, day)
            for number in rules.flights
            for day in DAYS
            if 0 < rules.seats(Leg(number, day), "economy") < len(party) <= rules.seats(Leg(number, day), "business")
            and len(rules.numbers(rules.flights[number]["origin"], rules.flights[number]["destination"])) == 1
        ]
        leg = pick(customer.rng, full)
        flight = rules.flights[leg.number]
        trip = Trip(
            legs=(leg,),
            origin=flight["origin"],
            destination=flight["destination"],
            round_trip=False,
            cabin="business",
            passengers=party,
            bags=below(customer.rng, 5),
            insured=False,
            flight_words="The direct flight, please.",
        )
        words = customer.say(
            "Economy, or business if economy has not enough seats for all of us.",
            "In economy; if there are too few seats left, then all of us in business.",
        )
        yield customer.task("book", "Too few seats in economy", _conditional(customer, trip, words))


def _too_many_methods(rules: Rules) -> Iterator[Task]:
    """Yield bookings whose customers would use more certificates or gift cards than are allowed (R3.3)."""
    for user_id, user in rules.users.items():
        methods = user["payment_methods"].values()
        gifts = sorted((m for m in methods if m["source"] == "gift_card"), key=lambda m: -int(m["amount"]))
        certificates = sorted((m for m in methods if m["source"] == "certificate"), key=lambda m: int(m["amount"]))
        if len(gifts) < 4 and len(certificates) < 2:
            continue
        for number in (1, 2, 3):
            customer = Customer(rules, f"d-book-methods-{user_id.split('_')[0]}-{number}", user_id)
            trip = draw_trip(customer, "business", alone=True)
            card = customer.method("credit_card")
            assert card is not None
            if len(certificates) > 1:
                used, many = certificates[:1], "both of my certificates; if only one is allowed, the smaller one"
            else:
                used, many = gifts[:3], "all four of my gift cards; if only three are allowed, the largest three"
            covered = sum(method["amount"] for method in used)
            if trip is None or total_of(customer, trip) <= covered:
                continue
            words = f"I want to use {many}, largest first, and {customer.called(card)} for the rest."
            if len(certificates) > 1:
                words = f"I want to use {many}, and {customer.called(card)} for the rest."
            payments = [{"payment_id": m["id"], "amount": m["amount"]} for m in used]
            payments.append({"payment_id": card["id"], "amount": total_of(customer, trip) - covered})
            details = said_of(customer, trip, words)
            yield customer.task("book", "More methods than are allowed", _plain(customer, trip, details, payments))


def _conditional(customer: Customer, trip: Trip, cabin: str) -> Wish:
    """Return the wish to book a trip in a cabin that depends, paid by card."""
    card = customer.method("credit_card")
    assert card is not None
    details = said_of(customer, trip, f"Please use {customer.called(card)}.") | {"cabin": cabin}
    return _plain(customer, trip, details, [{"payment_id": card["id"], "amount": total_of(customer, trip)}])


def _plain(customer: Customer, trip: Trip, details: dict[str, str], payments: Sequence[Json]) -> Wish:
    return Wish(
        story=f"You want to travel {way_of(trip)}. You say of it: {' '.join(details.values())}",
        opening=opening_of(customer, trip),
        details=tuple(details.values()),
        facts=facts_of(customer, trip, details),
        actions=(book(customer, trip, payments),),
        refuses=() if trip.insured else (NO_INSURANCE,),
    )
