"""Drawn complaints that are made good (R6), and requests that are handed over to a human (R7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from actorcritic_cli.envs.draw import pick
from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn.airline_changes import another_day, says_method
from actorcritic_cli.envs.tau.drawn.airline_rules import (
    CANCELLED_FLIGHT,
    DELAYED_FLIGHT,
    TODAY,
    Json,
    Rules,
    cancel,
    certificate,
    change,
    chosen,
)
from actorcritic_cli.envs.tau.drawn.airline_wording import Customer, Fact, Wish, cabin_words, place
from actorcritic_cli.types import ExpectedAction, Task

_VARIANTS = (1, 2)
Also = Literal["nothing", "moved", "cancelled"]


def complaints(rules: Rules) -> Iterator[Task]:
    """Yield complaints about cancelled and delayed flights of those who are entitled, some with a change before."""
    for reservation in rules.reservations.values():
        grounded = rules.grounded(reservation)
        today = next((leg for leg in reservation["flights"] if leg["date"] == TODAY), None)
        if not rules.entitled(reservation):
            continue
        if grounded is not None:
            ways: tuple[Also, ...] = ("nothing", "moved", "cancelled")
            for also in ways:
                for variant in _VARIANTS:
                    yield from _complaint(rules, reservation, grounded, also, variant)
        elif today is not None and len(reservation["flights"]) == 1:
            for variant in (1, 2, 3):
                yield from _complaint(rules, reservation, today, "moved", variant)
        elif today is not None:
            for variant in _VARIANTS:
                yield from _complaint(rules, reservation, today, "nothing", variant)


def _complaint(rules: Rules, reservation: Record, leg: Record, also: Also, variant: int) -> Iterator[Task]:
    number = reservation["reservation_id"]
    customer = Customer(rules, f"d-compensation-{number}-{also}-{variant}", reservation["user_id"])
    customer.knows_number = customer.knows_number or also != "nothing"
    delayed = leg["date"] == TODAY and also == "moved"
    each = DELAYED_FLIGHT if delayed else CANCELLED_FLIGHT
    flight = f"{leg['flight_number']} {'today' if leg['date'] == TODAY else 'on ' + customer.day(leg['date'])}"
    what = f"{flight} {'is delayed by hours' if delayed else 'has been cancelled'}"
    claim = customer.say(
        "I want compensation for that.",
        "I expect to be compensated for this.",
        "That calls for a voucher, surely.",
        "What compensation do I get for it?",
        "I demand compensation, and I mean it.",
        "This has spoilt my plans: I ask for compensation.",
    )
    actions: list[ExpectedAction] = []
    facts: list[Fact] = [customer.number(reservation)]
    refuses: tuple[Json, ...] = ()
    details: tuple[str, ...] = ()
    request = ""
    if also == "moved":
        moved = another_day(customer, reservation)
        if moved is None:
            return
        _, legs, cost = moved
        method = customer.settles(cost)
        pays = says_method(customer, method, cost)
        day = customer.day(legs[0].date)
        request = f"Please move {number} to {day}, the same flight."
        details = (pays,)
        facts += [
            (("flight", "date", "time"), f"The same flight on {day}."),
            (("cabin",), f"{cabin_words(reservation['cabin']).capitalize()}, as before."),
            (("payment",), pays),
        ]
        actions.append(change(reservation, legs, reservation["cabin"], method))
        refuses = customer.not_another(method)
    elif also == "cancelled":
        request = customer.say(
            f"So please cancel {number}.", f"I want {number} cancelled and refunded; cancel it, please."
        )
        facts.append((("reason",), "The reason is that you cancelled the flight."))
        actions.append(cancel(reservation))
        refuses = (
            {"told": ["rebook|another flight|alternative flight"], "says": "No other flight: please cancel it."},
        )
    else:
        facts.append((("flight", "date"), f"It is {flight}."))
        told = [r"(?:shall|should|would you like|want).{0,60}\b(?:cancel|rebook|change)\b(?! flight)"]
        refuses = ({"told": told, "says": "No, leave the reservation alone. I want the compensation."},)
    actions.append(certificate(reservation, each))
    late = f"And one thing more: {claim}"
    wish = Wish(
        story=f"Your flight {what}, reservation {number}. "
        + (
            f"{request} Then you say: {claim}"
            if request
            else f"{claim} You do not want to change or cancel anything now."
        ),
        opening=customer.say(f"{what}! {request or claim}", f"I have just heard that {what}. {request or claim}"),
        details=details,
        facts=tuple(facts),
        actions=tuple(actions),
        refuses=refuses,
        wishes=(late,) if request else (),
        extra={"reservation": number, "grounds": "delayed" if delayed else "cancelled"}
        | ({"reason": "airline cancelled"} if also == "cancelled" else {}),
    )
    titles = {"nothing": "Made good", "moved": "Moved, then made good", "cancelled": "Cancelled, then made good"}
    yield customer.task(
        "compensation", f"{'A delay' if delayed else 'A cancelled flight'}: {titles[also].lower()}", wish
    )


def transfers(rules: Rules) -> Iterator[Task]:
    """Yield what is not the desk's to do: trips half flown, and requests outside all tools."""
    for reservation in rules.half_flown():
        yield _half_flown(rules, reservation)
    for reservation in chosen("lost", rules.flown(), 3):
        customer = _of(rules, "lost", reservation)
        leg, thing = (
            reservation["flights"][0],
            pick(customer.rng, ("umbrella", "tablet", "grey coat", "reading glasses")),
        )
        opening = customer.say(
            f"I left my {thing} on board of {leg['flight_number']} on {customer.day(leg['date'])}.",
            f"my {thing} must be on the plane still: {leg['flight_number']}, {customer.day(leg['date'])}.",
        )
        summary = f"The customer left something ({thing}) on flight {leg['flight_number']} of {leg['date']}."
        yield _handed_over(customer, reservation, "Lost property", opening, summary)
    coming = rules.flying()
    for topic, title in (
        ("airport", "Help at the airport"),
        ("animal", "An animal on board"),
        ("child", "A child alone"),
    ):
        for reservation in chosen(topic, coming, 2):
            customer = _of(rules, topic, reservation)
            where, way = place(reservation["origin"]), f"to {place(reservation['destination'])}"
            opening, summary = {
                "airport": (
                    customer.say(
                        f"I need a wheelchair at the airport in {where} for {customer.names(reservation)}.",
                        f"someone has to help my mother through the airport in {where}; it's {customer.names(reservation)}.",
                    ),
                    f"The customer needs help at the airport of {where} for reservation {reservation['reservation_id']}.",
                ),
                "animal": (
                    customer.say(
                        f"my dog is to come along {way}. How do I register him for {customer.names(reservation)}?",
                        f"I want to take my cat with me {way}, on {customer.names(reservation)}.",
                    ),
                    f"The customer wants to take an animal along on reservation {reservation['reservation_id']}.",
                ),
                "child": (
                    customer.say(
                        f"my grandson is eight and will travel {way} without us. Who looks after him on the way?",
                        f"I want to arrange care for my daughter, ten years old, who travels alone {way}.",
                    ),
                    f"The customer wants care to be arranged for a child that travels alone {way}.",
                ),
            }[topic]
            yield _handed_over(customer, reservation if topic != "child" else None, title, opening, summary)
    for user_id in chosen("profile", list(rules.users), 4):
        reservation = rules.reservations[rules.users[user_id]["reservations"][0]]
        customer = _of(rules, "profile", reservation)
        opening, summary = pick(
            customer.rng,
            (
                ("I have a new e-mail address. Please put it into my profile.", "a new e-mail address in the profile"),
                ("I have moved. Could you enter my new address?", "a new postal address in the profile"),
                ("my employer needs an invoice for my last flights. Can you send one?", "an invoice for past flights"),
            ),
        )
        yield _handed_over(customer, None, "Data or papers", opening, f"The customer wants {summary}.")


def _of(rules: Rules, topic: str, reservation: Record) -> Customer:
    return Customer(rules, f"d-transfer-{topic}-{reservation['reservation_id']}", reservation["user_id"])


def _half_flown(rules: Rules, reservation: Record) -> Task:
    number = reservation["reservation_id"]
    customer = _of(rules, "flown", reservation)
    name, back = customer.names(reservation), reservation["flights"][-1]
    later = customer.day(f"2024-05-{min(30, int(back['date'][-2:]) + 1)}")
    opening, wanted = pick(
        customer.rng,
        (
            (f"I want to cancel the return flight of {name} and be refunded for it.", "cancel the return flight"),
            (f"please move the return flight of {name} to {later}.", f"move the return flight to {later}"),
            (f"I would like the return flight of {name} in another cabin.", "change the cabin of the return flight"),
            (f"somebody else shall take the return flight of {name} in my place.", "have another passenger fly back"),
        ),
    )
    summary = f"The customer wants to {wanted} of reservation {number}, whose outbound flight has been used."
    summary = summary.replace(f"{later} of", f"{later}, on").replace("fly back of", "fly back on")
    return _handed_over(customer, reservation, "Half flown", opening, summary)


def _handed_over(customer: Customer, reservation: Record | None, title: str, opening: str, summary: str) -> Task:
    facts: list[Fact] = [(("flown",), "Yes, I took the first flight."), (("reason",), "My plans have changed.")]
    if reservation is not None:
        facts.append(customer.number(reservation))
    wish = Wish(
        story=f"You say: {opening} You agree to be handed over to a colleague.",
        opening=opening,
        facts=tuple(facts),
        actions=(ExpectedAction("transfer_to_human_agents", {"summary": summary}),),
        insists=("Isn't there somebody who can do that?",),
        extra={"reservation": reservation["reservation_id"]} if reservation is not None else {},
    )
    return customer.task("transfer", title, wish)
