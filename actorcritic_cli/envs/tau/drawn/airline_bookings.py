"""Drawn wishes to book: routes, dates, cabins, bags and payments of every customer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.envs.draw import below, between, pick
from actorcritic_cli.envs.tau.airline_schemas import CABINS
from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn.airline_rules import DAYS, Json, Leg, Rules
from actorcritic_cli.envs.tau.drawn.airline_wording import (
    NO_INSURANCE,
    Customer,
    Fact,
    Wish,
    cabin_words,
    count,
    place,
    sentence,
)
from actorcritic_cli.types import ExpectedAction, Task

_PROFILE = (("date of birth", "name"), "You should find that in my profile.")


class Trip(Struct, frozen=True, kw_only=True):
    """A trip to be booked."""

    legs: tuple[Leg, ...]
    origin: str
    destination: str
    round_trip: bool
    cabin: str
    passengers: tuple[Json, ...]
    bags: int
    insured: bool
    flight_words: str
    """Which of the day's flights it is."""


def bookings(rules: Rules) -> Iterator[Task]:
    """Yield a booking for every customer for whom seats were found."""
    for user_id in rules.users:
        customer = Customer(rules, f"d-book-{user_id.split('_')[0]}", user_id)
        trip = draw_trip(customer)
        if trip is not None:
            yield customer.task("book", "A booking", wish_to_book(customer, trip))


def draw_trip(customer: Customer, cabin: str | None = None, alone: bool = False) -> Trip | None:
    """Return a trip with enough seats, ``None`` if there is none on the days that were drawn."""
    rng, rules = customer.rng, customer.rules
    companions = customer.user["saved_passengers"][:4]
    party = [oneself(customer.user), *(companions[: below(rng, len(companions) + 1)] if not alone else [])]
    cabin = cabin or pick(rng, CABINS)
    for _ in range(8):
        flight = rules.flights[pick(rng, list(rules.flights))]
        origin, destination = flight["origin"], flight["destination"]
        start = below(rng, len(DAYS) - 5)
        there = rules.numbers(origin, destination)
        latest = len(there) > 1 and customer.chance(0.5)
        round_trip = customer.chance(0.35) and len(there) == 1
        legs = [Leg(there[-1] if latest else there[0], DAYS[start])]
        if round_trip:
            legs.append(Leg(rules.numbers(destination, origin)[0], DAYS[start + between(rng, 1, 5)]))
        if all(rules.seats(leg, cabin) >= len(party) for leg in legs):
            words = "The direct flight, please." if len(there) == 1 else "The earlier direct flight of the day, please."
            return Trip(
                legs=tuple(legs),
                origin=origin,
                destination=destination,
                round_trip=round_trip,
                cabin=cabin,
                passengers=tuple(party),
                bags=below(rng, 2 * len(party) + 2),
                insured=customer.chance(0.3),
                flight_words="The later direct flight of the day, please." if latest else words,
            )
    return None


def refits(trip: Trip, reservation: Record, date: str) -> Trip:
    """Return a trip on the one flight of a reservation, on another day."""
    return replace(
        trip,
        legs=(Leg(reservation["flights"][0]["flight_number"], date),),
        origin=reservation["origin"],
        destination=reservation["destination"],
        round_trip=False,
        flight_words="The same flight as now.",
    )


def wish_to_book(customer: Customer, trip: Trip) -> Wish:
    """Return the wish to book a trip, and to pay it by what the profile has."""
    total = total_of(customer, trip)
    payments, payment_words = _payments(customer, total)
    asks = customer.chance(0.4)
    question = customer.say(" What will it cost altogether?", " How much is it in all?") if asks else ""
    details = said_of(customer, trip, payment_words)
    return Wish(
        story=f"You want to travel {way_of(trip)}. You say of it: {' '.join(details.values())}"
        + (" You want to hear the total price." if asks else ""),
        opening=opening_of(customer, trip) + question,
        details=tuple(details.values()),
        facts=facts_of(customer, trip, details),
        actions=(book(customer, trip, payments),),
        outputs=(str(total),) if asks else (),
        refuses=() if trip.insured else (NO_INSURANCE,),
        wishes=(customer.say("What was the total again?", "And how much was that in total?"),) if asks else (),
    )


def in_one_breath(customer: Customer, trip: Trip) -> tuple[str, ExpectedAction, tuple[Fact, ...]]:
    """Return a whole booking as one thing said, paid by card, with its call and what is answered to questions."""
    card = customer.method("credit_card")
    assert card is not None
    details = said_of(customer, trip, f"Please use {customer.called(card)}.")
    payments = [{"payment_id": card["id"], "amount": total_of(customer, trip)}]
    says = f"{customer.say('Please book me', 'I would like you to book')} {_flight_words(customer, trip)}."
    words = " ".join([says, *details.values()])
    return words, book(customer, trip, payments), facts_of(customer, trip, details)


def said_of(customer: Customer, trip: Trip, payment_words: str) -> dict[str, str]:
    """Return topic → what the customer says of it."""
    names = " and ".join(person["first_name"] for person in trip.passengers[1:])
    if names:
        whom = customer.say(f"For me and {names}, saved in my profile.", f"The passengers are {names} and I.")
    else:
        whom = customer.say("It's just me.", "Only me.", "I travel alone.")
    bags = count(trip.bags, "bag")
    return {
        "trip type": customer.say("A round trip.", "Round trip.")
        if trip.round_trip
        else customer.say("One way.", "One-way."),
        "cabin": sentence(f"{cabin_words(trip.cabin)}{customer.say(', please', '', ' is what I want')}."),
        "flight": trip.flight_words,
        "passengers": whom,
        "bags": sentence(customer.say(f"{bags} to check.", f"{bags}.", f"With {bags}.")),
        "insurance": customer.say("Yes, with travel insurance.", "And I want the insurance.")
        if trip.insured
        else customer.say("No insurance.", "No insurance, thanks.", "I need no insurance."),
        "payment": payment_words,
    }


def facts_of(customer: Customer, trip: Trip, details: dict[str, str]) -> tuple[Fact, ...]:
    """Return what the customer answers to questions about a trip."""
    dates = " and back on ".join(customer.day(leg.date) for leg in _ends(trip))
    return (
        (("origin", "destination"), f"From {place(trip.origin)} to {place(trip.destination)}."),
        (("date",), f"On {dates}."),
        *(((topic, "time") if topic == "flight" else (topic,), says) for topic, says in details.items()),
        _PROFILE,
    )


def book(customer: Customer, trip: Trip, payments: Sequence[Json]) -> ExpectedAction:
    """Return the call that books a trip."""
    arguments = {
        "user_id": customer.user_id,
        "origin": trip.origin,
        "destination": trip.destination,
        "flight_type": "round_trip" if trip.round_trip else "one_way",
        "cabin": trip.cabin,
        "flights": [leg.segment() for leg in trip.legs],
        "passengers": list(trip.passengers),
        "payment_methods": list(payments),
        "total_baggages": trip.bags,
        "nonfree_baggages": customer.rules.charged_bags(customer.user, trip.cabin, len(trip.passengers), trip.bags),
        "insurance": "yes" if trip.insured else "no",
    }
    return ExpectedAction("book_reservation", arguments)


def _payments(customer: Customer, total: int) -> tuple[list[Json], str]:
    """Return a way to pay (R3.3) with what is said of it."""
    card = customer.method("credit_card")
    assert card is not None
    first = customer.method("certificate", "gift_card") if customer.chance(0.7) else None
    if first is None or (first["source"] == "certificate" and first["amount"] > total):
        return [{"payment_id": card["id"], "amount": total}], customer.say(
            f"Please use {customer.called(card)}.", f"I pay with {customer.called(card)}."
        )
    part = min(total, first["amount"])
    payments = [{"payment_id": first["id"], "amount": part}, {"payment_id": card["id"], "amount": total - part}]
    words = customer.say(
        f"Use up {customer.called(first)} first and {customer.called(card)} for the rest.",
        f"Please take {customer.called(first)}, and {customer.called(card)} for the rest.",
    )
    return [payment for payment in payments if payment["amount"]], words


def opening_of(customer: Customer, trip: Trip) -> str:
    """Return the wish without its details."""
    return customer.say(
        f"I would like to fly {_flight_way(customer, trip)}.",
        f"please book me {_flight_words(customer, trip)}.",
        f"I need to get {_flight_way(customer, trip)}.",
        f"can you book {_flight_words(customer, trip)} for me?",
    )


def _flight_words(customer: Customer, trip: Trip) -> str:
    return f"a flight {_flight_way(customer, trip)}"


def _flight_way(customer: Customer, trip: Trip) -> str:
    dates = " and back on ".join(customer.day(leg.date) for leg in _ends(trip))
    return f"from {place(trip.origin)} to {place(trip.destination)} on {dates}"


def way_of(trip: Trip) -> str:
    """Return where and when a trip goes."""
    dates = " and back on ".join(f"{int(leg.date[-2:])} May" for leg in _ends(trip))
    return f"from {place(trip.origin)} to {place(trip.destination)} on {dates}"


def _ends(trip: Trip) -> tuple[Leg, ...]:
    """Return the legs whose dates matter."""
    return trip.legs if trip.round_trip else trip.legs[:1]


def oneself(user: Record) -> Json:
    """Return the customer as a passenger."""
    return {**user["name"], "dob": user["dob"]}


def total_of(customer: Customer, trip: Trip) -> int:
    """Return what a trip costs."""
    return customer.rules.total(customer.user, trip.cabin, trip.legs, len(trip.passengers), trip.bags, trip.insured)
