"""Drawn wishes to cancel that the policy grants (R5), alone, in pairs, and together with something else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from actorcritic_cli.envs.tau.airline import BAG_PRICE
from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn.airline_bookings import draw_trip, in_one_breath
from actorcritic_cli.envs.tau.drawn.airline_rules import Reason, Rules, bags, cancel, chosen, paid
from actorcritic_cli.envs.tau.drawn.airline_wording import NO_INSURANCE, Customer, Wish
from actorcritic_cli.types import Task

_REASONS: dict[Reason, tuple[str, ...]] = {
    "change of plan": (
        "My plans have changed.",
        "Something else came up.",
        "The meeting there has been called off.",
        "I no longer need it.",
        "The dates do not suit me any more, that's the reason.",
        "I would rather stay at home.",
    ),
    "illness": (
        "I am ill and my doctor says that I must not travel.",
        "I have come down with the flu.",
        "I'm sick in bed, that's the reason.",
        "The reason is my health: I'm too ill to travel.",
    ),
    "weather": (
        "Because of the weather: a heavy storm is forecast there.",
        "The weather there is so bad that I can't travel.",
    ),
    "airline cancelled": ("Because you cancelled the flight.", "The reason is that you cancelled the flight."),
}


def says_reason(customer: Customer, reason: Reason) -> str:
    """Return a reason to cancel as words."""
    return customer.say(*_REASONS[reason])


def cancels(rules: Rules) -> Iterator[Task]:
    """Yield the wishes to cancel that are granted."""
    able = [r for r in rules.unused() if rules.cancellable(r, _best_reason(rules, r))]
    for reservation in chosen("cancels", able, 22):
        yield _one(rules, reservation)
    yield from _pairs(rules)
    for reservation in chosen("then book", [r for r in rules.unused() if rules.cancellable(r, "change of plan")], 5):
        yield from _then_book(rules, reservation)
    yield from _then_bags(rules)


def _best_reason(rules: Rules, reservation: Record) -> Reason:
    """Return the reason for which a reservation is most likely to be cancellable."""
    if rules.grounded(reservation) is not None:
        return "airline cancelled"
    if rules.cancellable(reservation, "change of plan"):
        return "change of plan"
    return "weather" if int(reservation["created_at"][-1]) % 3 == 0 else "illness"


def _one(rules: Rules, reservation: Record) -> Task:
    customer = Customer(rules, f"d-cancel-{reservation['reservation_id']}", reservation["user_id"])
    reason = _best_reason(rules, reservation)
    why, name, asks = says_reason(customer, reason), customer.names(reservation), customer.chance(0.45)
    insured = "Yes, I bought the insurance." if reservation["insurance"] == "yes" else "No, I have no insurance."
    wish = Wish(
        story=f"You want to cancel {reservation['reservation_id']} and be refunded. You say: {why}"
        + (" You want to know how much comes back." if asks else ""),
        opening=customer.say(
            f"I need to cancel {name}.", f"please cancel {name}.", f"I want my money back for {name}, please cancel it."
        )
        + (customer.say(" How much do I get back?", " What will be refunded?") if asks else ""),
        details=(why,),
        facts=(customer.number(reservation), (("reason",), why), (("insurance",), insured)),
        actions=(cancel(reservation),),
        outputs=(str(paid(reservation)),) if asks else (),
        refuses=({"told": ["rebook|another flight|alternative flight"], "says": "No other flight: please cancel it."},),
        wishes=(customer.say("What was the refund again?", "How much comes back to me?"),) if asks else (),
        extra={"reason": reason},
    )
    titles: dict[Reason, str] = {
        "change of plan": "A change of plan",
        "illness": "Ill and insured",
        "weather": "Bad weather, insured",
        "airline cancelled": "The airline cancelled first",
    }
    return customer.task("cancel", titles[reason], wish)


def _pairs(rules: Rules) -> Iterator[Task]:
    """Yield two reservations of one customer that are cancelled together."""
    for user_id in rules.users:
        able = [r for r in rules.unused() if r["user_id"] == user_id and rules.cancellable(r, "change of plan")]
        for one, other in combinations(able, 2):
            customer = Customer(rules, f"d-cancel-{one['reservation_id']}-{other['reservation_id']}", user_id)
            why = says_reason(customer, "change of plan")
            both = f"{one['reservation_id']} and {other['reservation_id']}"
            wish = Wish(
                story=f"You want to cancel {both}. You say: {why}",
                opening=customer.say(
                    f"please cancel {both}.", f"I want to cancel {both}.", f"I need to cancel two reservations, {both}."
                ),
                details=(why,),
                facts=((("reservation id",), f"{both}."), (("reason",), why)),
                actions=(cancel(one), cancel(other)),
                extra={"reason": "change of plan"},
            )
            yield customer.task("cancel", "Two to be cancelled", wish)


def _then_book(rules: Rules, reservation: Record) -> Iterator[Task]:
    """Yield a cancellation that is followed by a booking."""
    customer = Customer(rules, f"d-cancel-book-{reservation['reservation_id']}", reservation["user_id"])
    customer.knows_number = True
    trip = draw_trip(customer, alone=True)
    if trip is None:
        return
    why, number = says_reason(customer, "change of plan"), reservation["reservation_id"]
    words, action, facts = in_one_breath(customer, trip)
    wish = Wish(
        story=f"You want to cancel {number}. You say: {why} Once that is done: {words}",
        opening=customer.say(f"please cancel {number}.", f"I need to cancel reservation {number}."),
        details=(why,),
        facts=((("reservation id",), f"It is {number}."), (("reason",), why), *facts),
        actions=(cancel(reservation), action),
        refuses=() if trip.insured else (NO_INSURANCE,),
        wishes=(words,),
        extra={"reason": "change of plan"},
    )
    yield customer.task("cancel", "Cancelled, and something else booked", wish)


def _then_bags(rules: Rules) -> Iterator[Task]:
    """Yield a cancellation that is followed by a bag for another reservation of the same customer."""
    pairs = [
        (one, other)
        for one in rules.unused()
        for other in rules.flying()
        if one is not other and one["user_id"] == other["user_id"] and rules.cancellable(one, "change of plan")
    ]
    for one, other in chosen("then bags", pairs, 5):
        number, kept = one["reservation_id"], other["reservation_id"]
        customer = Customer(rules, f"d-cancel-bag-{number}-{kept}", one["user_id"])
        customer.knows_number = True
        why, method = says_reason(customer, "change of plan"), customer.settles(BAG_PRICE)
        total = other["total_baggages"] + 1
        more = f"Now I need one more checked bag on {kept}, so {total} in all."
        if total == 1:
            more = f"Now I need one checked bag on {kept}."
        more += f" If it costs anything, use {customer.called(method)}."
        wish = Wish(
            story=f"You want to cancel {number}. You say: {why} Once that is done: {more}",
            opening=customer.say(f"please cancel {number}.", f"I would like to cancel reservation {number}."),
            details=(why,),
            facts=(
                (("reservation id",), f"It is {number}."),
                (("reason",), why),
                (("payment",), f"Use {customer.called(method)}."),
            ),
            actions=(cancel(one), bags(rules, other, total, method)),
            wishes=(more,),
            extra={"reason": "change of plan"},
        )
        yield customer.task("cancel", "Cancelled, and a bag elsewhere", wish)
