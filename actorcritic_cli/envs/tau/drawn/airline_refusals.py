"""Drawn wishes that the policy forbids, over all its rules that a customer is likely to run into."""

from __future__ import annotations

from collections.abc import Iterator

from actorcritic_cli.envs.draw import pick
from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn.airline_cancels import says_reason
from actorcritic_cli.envs.tau.drawn.airline_rules import DAYS, Rules, cancel, chosen
from actorcritic_cli.envs.tau.drawn.airline_wording import Customer, Fact, Wish, count, place
from actorcritic_cli.types import Task

_FRIENDS = ("Agnes", "Benno", "Clemens", "Doris", "Emil", "Frida", "Gustav", "Hedda")
_PLEAS = (
    "Can't you make an exception just this once?",
    "I have been with you for years. Is there really no way?",
    "Your colleague on the phone told me that it would be possible.",
    "Please, it would help me so much. I'm short of money.",
    "That can't be true. Surely you can do something?",
    "Then put me through to your manager, please.",
    "I insist. Other airlines do that without any fuss.",
)


def refusals(rules: Rules) -> Iterator[Task]:
    """Yield wishes to be declined."""
    unused = rules.flying()
    for reservation in chosen("no cancel", [r for r in unused if not rules.cancellable(r, "change of plan")], 17):
        yield _cancel(rules, reservation)
    for reservation in chosen("no change", [r for r in unused if r["cabin"] == "basic_economy"], 10):
        yield _fixed(rules, reservation)
    for reservation in chosen("no insurance", [r for r in unused if r["insurance"] == "no"], 8):
        yield _insurance(rules, reservation)
    for user_id in chosen("six", list(rules.users), 6):
        yield _six(rules, user_id)
    for reservation in chosen("one more", [r for r in unused if len(r["passengers"]) < 4], 8):
        yield _one_more(rules, reservation)
    for reservation in chosen("fewer bags", [r for r in unused if r["total_baggages"]], 8):
        yield _fewer_bags(rules, reservation)
    late = [r for r in rules.reservations.values() if not rules.entitled(r) and r not in unused]
    for reservation in chosen("no voucher", late, 8):
        yield _no_voucher(rules, reservation)
    for reservation in late:
        if rules.grounded(reservation) is not None:
            yield _cancelled_no_voucher(rules, reservation)


def _refused(customer: Customer, reservation: Record | None, title: str, wish: Wish) -> Task:
    """Return the task of a customer who insists once or twice."""
    pleas = [customer.say(*_PLEAS[:3])] + ([customer.say(*_PLEAS[3:])] if customer.chance(0.5) else [])
    insists = (*wish.insists, *pleas)[:3]
    extra = dict(wish.extra)
    facts = wish.facts
    if reservation is not None:
        extra["reservation"] = reservation["reservation_id"]
        facts = (customer.number(reservation), *facts)
    full = Wish(
        story=f"{wish.story} If it is refused, you insist, but you leave everything as it is in the end.",
        opening=wish.opening,
        details=wish.details,
        facts=facts,
        insists=insists,
        agrees=False,
        gives_up=True,
        extra=extra,
    )
    return customer.task("refusal", title, full)


def _of(rules: Rules, topic: str, reservation: Record) -> Customer:
    return Customer(rules, f"d-refusal-{topic}-{reservation['reservation_id']}", reservation["user_id"])


def _cancel(rules: Rules, reservation: Record) -> Task:
    customer = _of(rules, "cancel", reservation)
    insured = reservation["insurance"] == "yes"
    reason = "illness" if not insured and customer.chance(0.4) else "change of plan"
    why = says_reason(customer, "illness" if reason == "illness" else "change of plan")
    facts: list[Fact] = [
        (("reason",), why),
        (("insurance",), "Yes, I bought the insurance." if insured else "No, I have no insurance."),
    ]
    if reason != "illness":
        facts.append(
            (("\\bill\\b", "\\bsick\\b", "weather", "health", "medical"), "No, nobody is ill, and the weather is good.")
        )
    name = customer.names(reservation)
    wish = Wish(
        story=f"You want to cancel {reservation['reservation_id']} and be refunded. You say: {why}",
        opening=customer.say(
            f"I want to cancel {name}.", f"please cancel {name} and refund me.", f"can you cancel {name} for me?"
        ),
        details=(why,),
        facts=tuple(facts),
        insists=("But I have insurance. What did I pay for?",) if insured else (),
        extra={"reason": reason},
    )
    title = "Insured, but not ill" if insured else "No ground for a cancellation"
    return _refused(customer, reservation, title, wish)


def _fixed(rules: Rules, reservation: Record) -> Task:
    customer = _of(rules, "change", reservation)
    name = customer.names(reservation)
    days = [d for d in DAYS if d not in {leg["date"] for leg in reservation["flights"]}]
    day = customer.day(pick(customer.rng, days))
    wish = Wish(
        story=f"You want the flight of {reservation['reservation_id']} on {day} instead.",
        opening=customer.say(
            f"please move {name} to {day}.",
            f"I need to change the date of {name} to {day}.",
            f"can I travel on {day} instead? It's about {name}.",
        ),
        facts=((("date", "flight", "time"), f"On {day}, please."), (("cabin",), "Basic economy, as it is.")),
        insists=(customer.say("I would pay for the change.", "And if I paid for economy first, then moved it?"),),
    )
    return _refused(customer, reservation, "A fixed date", wish)


def _insurance(rules: Rules, reservation: Record) -> Task:
    customer = _of(rules, "insurance", reservation)
    name = customer.names(reservation)
    wish = Wish(
        story=f"You forgot to buy travel insurance for {reservation['reservation_id']} and want it added.",
        opening=customer.say(
            f"I forgot the travel insurance on {name}.",
            f"please add travel insurance to {name}.",
            f"could you add the insurance to {name}?",
        ),
        facts=((("payment",), "I'd pay with my credit card."),),
        insists=(customer.say("I would even pay twice the price.", "It's only thirty dollars, isn't it?"),),
    )
    return _refused(customer, reservation, "Insurance after the fact", wish)


def _six(rules: Rules, user_id: str) -> Task:
    customer = Customer(rules, f"d-refusal-six-{user_id.split('_')[0]}", user_id)
    flight = rules.flights[pick(customer.rng, list(rules.flights))]
    way = f"from {place(flight['origin'])} to {place(flight['destination'])}"
    day = customer.day(pick(customer.rng, DAYS))
    wish = Wish(
        story=f"You want one reservation for six people {way} on {day}, and not two reservations.",
        opening=customer.say(
            f"we are six friends and want to fly {way} on {day}. Please book that.",
            f"please book a flight {way} on {day} for six people.",
        ),
        facts=(
            (("passengers", "name"), "Six people, I am one of them."),
            (("cabin",), "Economy."),
            (("payment",), "My credit card."),
        ),
        insists=("All six of us must be on one reservation.",),
    )
    return _refused(customer, None, "Six on one reservation", wish)


def _one_more(rules: Rules, reservation: Record) -> Task:
    customer = _of(rules, "one-more", reservation)
    taken = {person["first_name"] for person in reservation["passengers"]}
    spare = [p["first_name"] for p in customer.user["saved_passengers"] if p["first_name"] not in taken]
    first = pick(customer.rng, spare or _FRIENDS)
    name = customer.names(reservation)
    who = f"It's {first}, " + ("who is in my saved passengers." if spare else "a friend of mine.")
    wish = Wish(
        story=f"You want {first} on {reservation['reservation_id']} as one more passenger. {who}",
        opening=customer.say(f"please add {first} to {name}.", f"can you add {first} to {name}, please?"),
        details=(who,),
        facts=((("passengers", "name"), who),),
        insists=("There are surely seats left on that plane.",),
    )
    return _refused(customer, reservation, "One more passenger", wish)


def _fewer_bags(rules: Rules, reservation: Record) -> Task:
    customer = _of(rules, "bags", reservation)
    name, charged = customer.names(reservation), reservation["nonfree_baggages"]
    money = f" I want the {50 * charged} dollars back." if charged else ""
    number = charged or 1
    wish = Wish(
        story=f"You need {count(number, 'bag')} fewer on {reservation['reservation_id']}.{money}",
        opening=customer.say(
            f"please take {count(number, 'bag')} off {name}.",
            f"we need {count(number, 'bag')} fewer on {name}. Please remove {'it' if number == 1 else 'them'}.",
        )
        + money,
        facts=((("bags",), f"{count(number, 'bag')} fewer.".capitalize()), (("reason",), "We won't bring that much.")),
        insists=(customer.say("But we won't bring that much.", "Why should I have luggage on it that I don't bring?"),),
    )
    return _refused(customer, reservation, "A bag that stays", wish)


def _no_voucher(rules: Rules, reservation: Record) -> Task:
    customer = _of(rules, "voucher", reservation)
    grounded = rules.grounded(reservation)
    leg = grounded or reservation["flights"][0]
    what = (
        "has been cancelled"
        if grounded
        else customer.say("was three hours late", "was badly delayed", "left far too late")
    )
    flight = f"{leg['flight_number']} on {customer.day(leg['date'])}"
    claim = customer.say("I want compensation.", "I demand to be compensated.", "I think you owe me a voucher.")
    wish = Wish(
        story=f"Your flight {flight}, reservation {reservation['reservation_id']}, {what}. {claim}",
        opening=f"{flight} {what}. {claim}",
        facts=((("flight", "date"), f"It's {flight}."), (("insurance",), "No, I have no insurance.")),
        insists=(customer.say("Others get a voucher for that, so why don't I?", "My whole day was ruined!"),),
    )
    return _refused(customer, reservation, "No claim to compensation", wish)


def _cancelled_no_voucher(rules: Rules, reservation: Record) -> Task:
    """Return a cancellation that is granted, with a claim after it that is not."""
    customer = _of(rules, "after-cancel", reservation)
    customer.knows_number = True
    number, leg = reservation["reservation_id"], rules.grounded(reservation)
    assert leg is not None
    flight = f"{leg['flight_number']} on {customer.day(leg['date'])}"
    wish = Wish(
        story=f"You want to cancel {number}, since {flight} has been cancelled. Then you want compensation.",
        opening=f"You cancelled {flight}. Please cancel {number} and refund me.",
        facts=(customer.number(reservation), (("reason",), "The reason is that you cancelled the flight.")),
        actions=(cancel(reservation),),
        wishes=("And I want compensation for the trouble.",),
        insists=("Not even a small voucher for the trouble?",),
        gives_up=True,
        extra={"reason": "airline cancelled", "reservation": number},
    )
    return customer.task("refusal", "Refunded, but not compensated", wish)
