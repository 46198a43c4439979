"""Drawn questions that want nothing but an answer from the records."""

from __future__ import annotations

from collections.abc import Iterator

from actorcritic_cli.envs.draw import between, pick
from actorcritic_cli.envs.tau.airline_schemas import CABINS
from actorcritic_cli.envs.tau.drawn.airline_rules import DAYS, Leg, Rules, chosen, look, paid
from actorcritic_cli.envs.tau.drawn.airline_wording import Customer, Fact, Wish, cabin_words, count, place
from actorcritic_cli.types import ExpectedAction, Task


def lookups(rules: Rules) -> Iterator[Task]:
    """Yield questions about prices, reservations and balances."""
    for reservation in chosen("paid", list(rules.reservations.values()), 4):
        customer = Customer(rules, f"d-lookup-paid-{reservation['reservation_id']}", reservation["user_id"])
        name = customer.names(reservation)
        opening = customer.say(f"what did I pay for {name} in all?", f"how much was {name} altogether?")
        yield _asked(
            customer,
            "What was paid",
            opening,
            (look(reservation),),
            str(paid(reservation)),
            (customer.number(reservation),),
        )
    returning = [r for r in rules.flying() if r["flight_type"] == "round_trip"]
    for reservation in chosen("return", returning, 3):
        customer = Customer(rules, f"d-lookup-return-{reservation['reservation_id']}", reservation["user_id"])
        back = reservation["flights"][-1]
        name = customer.names(reservation)
        opening = customer.say(
            f"which flight takes me home on {name}, and when does it leave?",
            f"could you tell me the number and the time of the flight back on {name}?",
        )
        searched = _search(back["origin"], back["destination"], back["date"])
        outputs = (back["flight_number"], rules.departure(back["flight_number"]))
        yield _asked(
            customer,
            "The flight home",
            opening,
            (look(reservation), searched),
            outputs,
            (customer.number(reservation),),
        )
    for user_id in chosen("fare", list(rules.users), 5):
        customer = Customer(rules, f"d-lookup-fare-{user_id.split('_')[0]}", user_id)
        cabin, seats = pick(customer.rng, CABINS), between(customer.rng, 1, 3)
        found = [
            Leg(number, day)
            for number, flight in rules.flights.items()
            for day in DAYS
            if rules.seats(Leg(number, day), cabin) >= seats
            and len(rules.numbers(flight["origin"], flight["destination"])) == 1
        ]
        leg = pick(customer.rng, found)
        flight = rules.flights[leg.number]
        way = f"from {place(flight['origin'])} to {place(flight['destination'])} on {customer.day(leg.date)}"
        what = f"{count(seats, 'seat')} in {cabin_words(cabin)} {way}"
        opening = customer.say(
            f"what would {what} cost? No bags, no insurance.", f"how much is it for {what}, without extras?"
        )
        searched = _search(flight["origin"], flight["destination"], leg.date)
        yield _asked(customer, "A fare", opening, (searched,), str(rules.fare(leg, cabin) * seats), ())
    owners = [user_id for user_id in rules.users if len(_gifts(rules, user_id)) == 1]
    for user_id in chosen("gift", owners, 2):
        customer = Customer(rules, f"d-lookup-gift-{user_id.split('_')[0]}", user_id)
        opening = customer.say("how much is left on my gift card?", "what is the balance of my gift card?")
        reads = (ExpectedAction("get_user_details", {"user_id": user_id}),)
        yield _asked(customer, "A balance", opening, reads, str(_gifts(rules, user_id)[0]), ())


def _gifts(rules: Rules, user_id: str) -> list[int]:
    return [m["amount"] for m in rules.users[user_id]["payment_methods"].values() if m["source"] == "gift_card"]


def _search(origin: str, destination: str, date: str) -> ExpectedAction:
    return ExpectedAction("search_direct_flight", {"origin": origin, "destination": destination, "date": date})


def _asked(
    customer: Customer,
    title: str,
    opening: str,
    reads: tuple[ExpectedAction, ...],
    outputs: str | tuple[str, ...],
    facts: tuple[Fact, ...],
) -> Task:
    wish = Wish(
        story=f"You only want to know something. You ask: {opening} You want nothing changed.",
        opening=opening,
        facts=facts,
        actions=reads,
        outputs=(outputs,) if isinstance(outputs, str) else outputs,
        agrees=False,
    )
    return customer.task("lookup", title, wish)
