"""Drawn wishes about bags (R4.6) and passengers (R4.8) of a reservation, also both in one conversation."""

from __future__ import annotations

from collections.abc import Iterator

from actorcritic_cli.envs.draw import between, pick
from actorcritic_cli.envs.tau.airline import BAG_PRICE
from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn.airline_rules import Json, Rules, bags, chosen
from actorcritic_cli.envs.tau.drawn.airline_wording import Customer, Fact, Wish, count
from actorcritic_cli.types import ExpectedAction, Task

_ENDINGS = ("son", "mann", "ini", "wood", "berg", "ley", "sen", "ton")
_STRANGERS = ("Annika", "Boris", "Camille", "Dorian", "Esther", "Florian", "Gilda", "Harald", "Ivana", "Joel")


def baggage(rules: Rules) -> Iterator[Task]:
    """Yield wishes for more bags."""
    for reservation in chosen("baggage", [r for r in rules.flying() if r["total_baggages"] < 5], 22):
        yield _more_bags(rules, reservation)


def passengers(rules: Rules) -> Iterator[Task]:
    """Yield names to be corrected and passengers to be replaced."""
    parties = [r for r in rules.flying() if len(r["passengers"]) > 1]
    single = [r for r in rules.flying() if len(r["passengers"]) == 1]
    for reservation in [*chosen("parties", parties, 13), *chosen("single", single, 4)]:
        yield _passengers(rules, reservation)


def _more_bags(rules: Rules, reservation: Record) -> Task:
    customer = Customer(rules, f"d-baggage-{reservation['reservation_id']}", reservation["user_id"])
    number = between(customer.rng, 1, 3)
    total = reservation["total_baggages"] + number
    people = len(reservation["passengers"])
    charged = rules.charged_bags(customer.user, reservation["cabin"], people, total) - reservation["nonfree_baggages"]
    method = customer.settles(BAG_PRICE * charged)
    asks, insured = customer.chance(0.4), reservation["insurance"] == "yes"
    name, more = customer.names(reservation), count(number, "more bag")
    pays = customer.say(
        f"If it costs anything, use {customer.called(method)}.", f"I pay with {customer.called(method)}, if need be."
    )
    forgot = not asks and not insured and customer.chance(0.25)
    late = "Could you also add the travel insurance? I forgot it when I booked."
    wish = Wish(
        story=f"You want {more} on {reservation['reservation_id']}, so {count(total, 'bag')} in all. You say: {pays}"
        + (" You ask what that costs." if asks else "")
        + (" Then you ask for travel insurance on it, which you forgot; if refused, you leave it." if forgot else ""),
        opening=customer.say(
            f"I need {more} on {name}.",
            f"please add {count(number, 'checked bag')} to {name}.",
            f"can I have {more} on {name}?",
        )
        + (customer.say(" What will that cost?", " How much is it?") if asks else ""),
        details=(pays,),
        facts=(
            customer.number(reservation),
            (("bags",), f"{more}, so {count(total, 'bag')} in all.".capitalize()),
            (("payment",), pays),
        ),
        actions=(bags(rules, reservation, total, method),),
        outputs=(str(BAG_PRICE * charged),) if asks and charged else (),
        refuses=customer.not_another(method) if charged else (),
        wishes=(late,) if forgot else (("How much was that again?",) if asks and charged else ()),
        insists=("It's only thirty dollars, please just add the insurance.",) if forgot else (),
        gives_up=forgot,
    )
    title = "More bags, and insurance too late" if forgot else "Bags to be paid" if charged else "Bags that are free"
    return customer.task("baggage", title, wish)


def _passengers(rules: Rules, reservation: Record) -> Task:
    customer = Customer(rules, f"d-passengers-{reservation['reservation_id']}", reservation["user_id"])
    people: list[Json] = [dict(person) for person in reservation["passengers"]]
    taken = {person["first_name"] for person in people}
    spare = [p for p in customer.user["saved_passengers"] if p["first_name"] not in taken]
    index = len(people) - 1
    old = people[index]
    if spare and customer.chance(0.6):
        new = dict(pick(customer.rng, spare))
        opening, facts, story = _in_their_place(customer, reservation, old, new, saved=True)
    elif customer.chance(0.45) and index:
        new = {
            "first_name": pick(customer.rng, _STRANGERS),
            "last_name": _other_name(customer, old),
            "dob": _birthday(customer),
        }
        opening, facts, story = _in_their_place(customer, reservation, old, new, saved=False)
    else:
        new = {**old, "last_name": _other_name(customer, old)}
        opening, facts, story = _misspelt(customer, reservation, old, new)
    people[index] = new
    arguments = {"reservation_id": reservation["reservation_id"], "passengers": people}
    actions = [ExpectedAction("update_reservation_passengers", arguments)]
    second: tuple[str, ...] = ()
    if customer.chance(0.4):
        total = reservation["total_baggages"] + 1
        more = f"one more checked bag, {total} in all" if total > 1 else "a checked bag"
        method = customer.settles(BAG_PRICE)
        second = (f"And we need {more}. Use {customer.called(method)} if it costs anything.",)
        actions.append(bags(rules, reservation, total, method))
    wish = Wish(
        story=story + "".join(f" Once that is done: {line}" for line in second),
        opening=opening,
        details=tuple(says for _, says in facts),
        facts=(customer.number(reservation), *facts),
        actions=tuple(actions),
        wishes=second,
    )
    return customer.task("passengers", "A passenger and a bag" if second else "A passenger to be entered anew", wish)


def _in_their_place(
    customer: Customer, reservation: Record, old: Json, new: Json, *, saved: bool
) -> tuple[str, tuple[Fact, ...], str]:
    name, first = customer.names(reservation), new["first_name"]
    gone = "I" if old["first_name"] == customer.user["name"]["first_name"] else old["first_name"]
    born = "You have the date of birth in my profile." if saved else f"The date of birth is {_spoken(new['dob'])}."
    it = f"It is {first}, not {'me' if gone == 'I' else gone}"
    who = f"{it}; {first} is in my saved passengers." if saved else f"{it}: {first} {new['last_name']}."
    opening = customer.say(
        f"{gone} can't come, so {first} shall be the passenger on {name} instead of {'me' if gone == 'I' else gone}.",
        f"on {name}, {first} comes instead of {'me' if gone == 'I' else gone}.",
        f"I need to replace a passenger on {name}: {first} instead of {'me' if gone == 'I' else gone}.",
    )
    facts: tuple[Fact, ...] = ((("passengers", "name"), who), (("date of birth",), born))
    story = (
        f"On {reservation['reservation_id']}, {first} flies instead of {'you' if gone == 'I' else gone}. {who} {born}"
    )
    return opening, facts, story


def _misspelt(customer: Customer, reservation: Record, old: Json, new: Json) -> tuple[str, tuple[Fact, ...], str]:
    name, first = customer.names(reservation), new["first_name"]
    right = f"It must be {first} {new['last_name']}, not {old['last_name']}."
    opening = customer.say(
        f"there is a mistake in a passenger's name on {name}.",
        f"a name is misspelt on {name}.",
        f"I have to correct {first}'s last name on {name}.",
    )
    born = "First name and date of birth are right as they are."
    facts: tuple[Fact, ...] = ((("passengers", "name", "wish"), right), (("date of birth",), born))
    return opening, facts, f"A name is wrong on {reservation['reservation_id']}. {right} {born}"


def _other_name(customer: Customer, person: Json) -> str:
    """Return another family name that is easily mistaken for a person's."""
    name = str(person["last_name"])
    return name[: max(3, len(name) - 3)] + pick(customer.rng, [e for e in _ENDINGS if not name.endswith(e)])


def _birthday(customer: Customer) -> str:
    draw = customer.rng
    return f"{between(draw, 1950, 2002)}-{between(draw, 1, 12):02}-{between(draw, 1, 28):02}"


def _spoken(date: str) -> str:
    months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
    year, month, day = date.split("-")
    return f"{int(day)} {months[int(month) - 1]} {year}"
