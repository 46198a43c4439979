"""Drawn wishes to change a reservation: another day, another flight, another cabin, and what cannot be had that way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from actorcritic_cli.envs.draw import pick
from actorcritic_cli.envs.tau.airline_schemas import CABINS
from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn.airline_bookings import draw_trip, in_one_breath, refits
from actorcritic_cli.envs.tau.drawn.airline_rules import DAYS, Leg, Rules, cancel, change, chosen, legs_of
from actorcritic_cli.envs.tau.drawn.airline_rules import bags as set_bags
from actorcritic_cli.envs.tau.drawn.airline_wording import NO_INSURANCE, Customer, Wish, cabin_words
from actorcritic_cli.types import Task


def changes(rules: Rules) -> Iterator[Task]:
    """Yield changes of every sort."""
    movable = [r for r in rules.unused() if r["cabin"] != "basic_economy"]
    for reservation in chosen("days", movable, 13):
        yield from _another_day(rules, reservation)
    for reservation in chosen("cabins", rules.flying(), 13):
        yield from _another_cabin(rules, reservation)
    yield from _another_flight(rules, movable)
    yield from _certificates(rules)
    yield from _wrong_day(rules)


def _another_day(rules: Rules, reservation: Record) -> Iterator[Task]:
    """Yield the wish to move one flight to another day; now and then with a bag more (R4.3, R4.6)."""
    customer = Customer(rules, f"d-change-day-{reservation['reservation_id']}", reservation["user_id"])
    moved = another_day(customer, reservation)
    if moved is None:
        return
    index, legs, cost = moved
    method = customer.settles(cost)
    pays = says_method(customer, method, cost)
    which = part_of(reservation, index)
    day = customer.day(legs[index].date)
    name = customer.names(reservation)
    adds = customer.chance(0.3)
    second: tuple[str, ...] = ()
    actions = [change(reservation, legs, reservation["cabin"], method)]
    if adds:
        total = reservation["total_baggages"] + 1
        card = customer.method("credit_card")
        assert card is not None
        second = (f"We need one more checked bag on it, too. If it costs anything, use {customer.called(card)}.",)
        actions.append(set_bags(rules, reservation, total, card))
    asks = not adds and customer.chance(0.4)
    wish = Wish(
        story=f"You want to move the {which} of {reservation['reservation_id']} to {int(legs[index].date[-2:])} May,"
        f" the same flight on another day. All else stays. You say: {pays}"
        + "".join(f" Once that is done: {line}" for line in second),
        opening=customer.say(
            f"I need to move the {which} of {name} to {day}, please.",
            f"can you change {name}? I want the {which} on {day} instead.",
            f"could the {which} of {name} be put on {day} instead?",
        )
        + (" What is the difference in price?" if asks else ""),
        details=(pays,),
        facts=(
            customer.number(reservation),
            (("date", "flight", "time"), f"The same flight on {day}; nothing else changes."),
            (("cabin",), f"{cabin_words(reservation['cabin']).capitalize()}, as before."),
            (("payment",), pays),
        ),
        actions=tuple(actions),
        outputs=(str(abs(cost)),) if asks and cost else (),
        refuses=() if adds else customer.not_another(method),
        wishes=second
        or ((customer.say("What was the difference again?", "How much was the difference?"),) if asks else ()),
    )
    title = "Another day, and one more bag" if adds else "The same flight on another day"
    yield customer.task("change", title, wish)


def _another_cabin(rules: Rules, reservation: Record) -> Iterator[Task]:
    """Yield the wish for another cabin on the same flights, sometimes up to a limit (R4.4)."""
    customer = Customer(rules, f"d-change-cabin-{reservation['reservation_id']}", reservation["user_id"])
    legs = legs_of(reservation)
    found = [
        (cabin, cost)
        for cabin in CABINS
        if cabin != reservation["cabin"] and (cost := rules.difference(reservation, legs, cabin)) is not None
    ]
    if not found:
        return
    cabin, cost = pick(customer.rng, found)
    method = customer.settles(cost)
    pays, words, name = says_method(customer, method, cost), cabin_words(cabin), customer.names(reservation)
    limited, asks = cost > 0 and customer.chance(0.3), customer.chance(0.6)
    limit = f"I want it only if it costs at most {(cost // 50 + 2) * 50} dollars altogether."
    before = cabin_words(reservation["cabin"])
    all_of_us = "" if len(reservation["passengers"]) == 1 else ", for all of us"
    wish = Wish(
        story=f"You want {reservation['reservation_id']} to be in {words} instead of {before}, on the same flights."
        + (f" {limit}" if limited else "")
        + f" You say: {pays}"
        + (" You want to hear the exact amount." if asks else ""),
        opening=customer.say(
            f"I would like {name} to be changed from {before} to {words}.",
            f"please put {name} into {words} instead of {before}, same flights.",
            f"can I have {words} on {name}?",
        )
        + (customer.say(" What does that make?", " What would the exact amount be?") if asks else ""),
        details=(*((limit,) if limited else ()), pays),
        facts=(
            customer.number(reservation),
            (("flight", "date"), "The flights stay the same."),
            (("cabin",), f"{words.capitalize()}{all_of_us}." + (f" {limit}" if limited else "")),
            *(((("budget", "wish"), limit),) if limited else ()),
            (("payment",), pays + (f" {limit}" if limited else "")),
        ),
        actions=(change(reservation, legs, cabin, method),),
        outputs=(str(abs(cost)),) if asks else (),
        refuses=customer.not_another(method),
        wishes=(customer.say("What was the exact amount?", "How much was it again?"),) if asks else (),
    )
    yield customer.task(
        "change", "Up a cabin" if CABINS.index(cabin) > CABINS.index(reservation["cabin"]) else "Down a cabin", wish
    )


def _another_flight(rules: Rules, movable: Sequence[Record]) -> Iterator[Task]:
    """Yield the wish for the other direct flight of the same day."""
    for reservation in movable:
        legs = legs_of(reservation)
        numbers = rules.numbers(reservation["flights"][0]["origin"], reservation["flights"][0]["destination"])
        if len(numbers) < 2:
            continue
        other = next(number for number in numbers if number != legs[0].number)
        changed = [Leg(other, legs[0].date), *legs[1:]]
        cost = rules.difference(reservation, changed, reservation["cabin"])
        if cost is None:
            continue
        customer = Customer(rules, f"d-change-flight-{reservation['reservation_id']}", reservation["user_id"])
        method = customer.settles(cost)
        pays, name = says_method(customer, method, cost), customer.names(reservation)
        which = "later" if numbers.index(other) else "earlier"
        only = f"The {which} direct flight of the same day; all else stays."
        wish = Wish(
            story=f"On {reservation['reservation_id']} you want the {which} direct flight of the same day. You say: {pays}",
            opening=customer.say(
                f"I want to change to the {which} direct flight of the same day on {name}.",
                f"can I take the {which} flight that day instead? It's about {name}.",
            ),
            details=(only, pays),
            facts=(
                customer.number(reservation),
                (("date", "flight", "time"), only),
                (("cabin",), "The same cabin as before."),
                (("payment",), pays),
            ),
            actions=(change(reservation, changed, reservation["cabin"], method),),
            refuses=customer.not_another(method),
        )
        yield customer.task("change", f"The {which} flight of the day", wish)


def _certificates(rules: Rules) -> Iterator[Task]:
    """Yield changes whose customers would rather pay with a certificate, which cannot be (R4.5)."""
    for reservation in rules.unused():
        customer = Customer(rules, f"d-change-certificate-{reservation['reservation_id']}", reservation["user_id"])
        mine = customer.method("certificate")
        legs = legs_of(reservation)
        dearer = [cabin for cabin in CABINS if (rules.difference(reservation, legs, cabin) or 0) > 0]
        if mine is None or not dearer:
            continue
        cabin = pick(customer.rng, dearer)
        method = customer.settles(rules.difference(reservation, legs, cabin) or 0)
        words, name = cabin_words(cabin), customer.names(reservation)
        pays = customer.say(
            f"I'd like to pay with my certificate; if that is not possible, with {customer.called(method)}.",
            f"Use my certificate if you can, else {customer.called(method)}.",
        )
        wish = Wish(
            story=f"You want {reservation['reservation_id']} upgraded to {words}, same flights. You say: {pays}",
            opening=customer.say(
                f"I want to upgrade {name} to {words}.", f"could you upgrade {name} to {words}, please?"
            ),
            details=(pays,),
            facts=(
                customer.number(reservation),
                (("flight", "date"), "The same flights, please."),
                (("cabin",), f"{words.capitalize()}."),
                (("payment",), pays),
            ),
            actions=(change(reservation, legs, cabin, method),),
            refuses=customer.not_another(method),
        )
        yield customer.task("change", "An upgrade that no certificate pays", wish)


def _wrong_day(rules: Rules) -> Iterator[Task]:
    """Yield basic economy dates that cannot be moved (R4.2), on reservations that may be cancelled and booked anew."""
    for reservation in rules.unused():
        if reservation["cabin"] != "basic_economy" or not rules.cancellable(reservation, "change of plan"):
            continue
        if len(reservation["passengers"]) > 1 or reservation["flight_type"] == "round_trip":
            continue
        number = reservation["reservation_id"]
        for index in (1, 2, 3, 4):
            customer = Customer(rules, f"d-change-anew-{number}-{index}", reservation["user_id"])
            cabin = pick(customer.rng, CABINS)
            leg = legs_of(reservation)[0]
            days = [d for d in DAYS if d != leg.date and rules.seats(Leg(leg.number, d), cabin)]
            day = pick(customer.rng, days)
            trip = draw_trip(customer, cabin, alone=True)
            assert trip is not None
            trip = refits(trip, reservation, day)
            words, action, facts = in_one_breath(customer, trip)
            spoken = customer.day(day)
            wish = Wish(
                story=f"You booked {number} for the wrong day and want it moved to {int(day[-2:])} May. If that is refused,"
                f" you ask to cancel it, since it is the wrong day, and for this: {words}",
                opening=customer.say(
                    f"{number} is for the wrong day. Can you move it to {spoken}?",
                    f"please change the date of {number} to {spoken}.",
                ),
                facts=(
                    (("reservation id",), f"It's {number}."),
                    (("reason",), "Because I picked the wrong day."),
                    *facts,
                ),
                actions=(cancel(reservation), action),
                refuses=() if trip.insured else (NO_INSURANCE,),
                insists=(f"Then please cancel it, because the day is wrong. {words}",),
                extra={"reason": "change of plan", "reservation": number},
            )
            yield customer.task("change", "A fixed date: cancelled and booked anew", wish)


def another_day(customer: Customer, reservation: Record) -> tuple[int, list[Leg], int] | None:
    """Return which flight moves, the flights then, and what it costs; ``None`` where there is no other day."""
    rules, legs = customer.rules, legs_of(reservation)
    grounded = rules.grounded(reservation)
    found = []
    for index, leg in enumerate(legs):
        if len(legs) > 1 and reservation["flight_type"] == "one_way":
            continue
        if grounded is not None and leg.number != grounded["flight_number"]:
            continue
        for day in DAYS:
            moved = [*legs[:index], Leg(leg.number, day), *legs[index + 1 :]]
            in_order = all(one.date < other.date for one, other in pairwise(moved))
            cost = rules.difference(reservation, moved, reservation["cabin"])
            if day != leg.date and in_order and cost is not None:
                found.append((index, moved, cost))
    return pick(customer.rng, found) if found else None


def part_of(reservation: Record, index: int) -> str:
    """Return one of a reservation's flights as words."""
    if reservation["flight_type"] == "one_way":
        return "flight"
    return ("outbound flight", "return flight")[index]


def says_method(customer: Customer, method: Record, cost: int) -> str:
    """Return which payment method settles a change."""
    called = customer.called(method)
    if cost < 0:
        return customer.say(f"Whatever comes back goes to {called}.", f"The money back should go to {called}.")
    return customer.say(f"Please use {called} for any difference.", f"I pay with {called}.", f"Charge {called}.")
