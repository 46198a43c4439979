"""How the airline's drawn customers speak: what each of them says whatever it is about, and how a wish becomes a task.

Each customer's manner is drawn once for a task: some say their wish only and wait to be asked, some name their user id with
it, some say everything at once; some know the number of their reservation, others describe it.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from actorcritic_cli.envs.draw import pick
from actorcritic_cli.envs.tau.airline_flights import AIRPORTS
from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn.airline_rules import Rules, stream
from actorcritic_cli.types import ExpectedAction, Task

_GREETINGS = ("Hello. ", "Hi, ", "Hi there. ", "Good morning. ", "Good afternoon. ", "Hey, ", "Good day. ", "", "")
_USER_IDS = ("My user id is {}.", "The user id is {}.", "It's {}.", "I am {}.", "My id is {}.")
_YES = (
    "Yes, please go ahead.",
    "Yes, please do that.",
    "Yes, go ahead.",
    "Yes, that is right.",
    "Yes, I confirm.",
    "That's right, yes, do it.",
    "Okay, yes, please do it.",
    "Confirmed, please go ahead.",
)
_CLOSINGS = (
    "Thank you, that was all.",
    "Thanks, bye.",
    "Great, thanks a lot.",
    "Perfect, that's everything.",
    "Good, thank you. Goodbye.",
    "That was it, cheers.",
)
_GIVES_UP = (
    "Then I'll leave it as it is.",
    "All right, leave it then. Goodbye.",
    "Pity. Then everything stays as it is.",
    "Okay, I'll think about it. Bye.",
    "Fine, never mind then.",
)
_DECLINES = ("No, that is not what I asked for.", "No, thank you.", "No, please don't.")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NO_INSURANCE = {
    "told": [r"\b(?:with|including|plus|add|adding|buy) (?:the |travel )*insurance"],
    "says": "No insurance, please.",
}

Fact = tuple[tuple[str, ...], str]


class Wish(Struct, frozen=True, kw_only=True):
    """What a customer wants: the truth of it, and the words for it."""

    story: str
    """The wish in the second person, for the instruction."""
    opening: str
    details: tuple[str, ...] = ()
    """What a customer who says everything at once adds to the opening."""
    facts: tuple[Fact, ...] = ()
    actions: tuple[ExpectedAction, ...] = ()
    outputs: tuple[str, ...] = ()
    refuses: tuple[dict[str, Any], ...] = ()
    reacts: tuple[dict[str, Any], ...] = ()
    insists: tuple[str, ...] = ()
    wishes: tuple[str, ...] = ()
    agrees: bool = True
    gives_up: bool = False
    """Whether the last thing asked for is refused."""
    extra: dict[str, Any] = {}


class Customer:
    """One customer in one task. Everything is drawn from the task's own stream."""

    def __init__(self, rules: Rules, task_id: str, user_id: str):
        self.rules, self.task_id, self.user_id = rules, task_id, user_id
        self.user = rules.users[user_id]
        self.rng = stream(task_id)
        self.manner = pick(self.rng, ("brief", "brief", "named", "full"))
        self.knows_number = self.rng.random() < 0.7

    def say(self, *options: str) -> str:
        """Return one of several wordings."""
        return pick(self.rng, options)

    def chance(self, share: float) -> bool:
        """Return true in a share of the cases."""
        return self.rng.random() < share

    def day(self, date: str) -> str:
        """Return a date as words."""
        return self.say(f"{int(date[-2:])} May", f"May {int(date[-2:])}")

    def method(self, *sources: str, least: int = 0) -> Record | None:
        """Return a payment method of one of these sources with at least so much on it, if there is one."""
        fitting = [
            m
            for m in self.user["payment_methods"].values()
            if m["source"] in sources and m.get("amount", least) >= least
        ]
        return pick(self.rng, fitting) if fitting else None

    def settles(self, cost: int) -> Record:
        """Return the payment method for a change that costs so much (negative: pays back), see R4.5."""
        gift = self.method("gift_card", least=max(0, cost)) if self.chance(0.5) else None
        card = self.method("credit_card")
        assert card is not None
        return gift or card

    def called(self, method: Record) -> str:
        """Return a payment method as its owner calls it."""
        alike = [m for m in self.user["payment_methods"].values() if m["source"] == method["source"]]
        match method["source"]:
            case "credit_card":
                return f"my {method['brand'].title()}" + ("" if "master" in method["brand"] else " card")
            case "gift_card":
                return "my gift card" if len(alike) == 1 else f"my gift card worth {method['amount']} dollars"
            case _:
                return "my certificate" if len(alike) == 1 else f"my certificate worth {method['amount']} dollars"

    def not_another(self, method: Record) -> tuple[dict[str, Any], ...]:
        """Return the refusal of a payment method that is not wanted."""
        sources = {m["source"] for m in self.user["payment_methods"].values()}
        if method["source"] == "credit_card" and "gift_card" in sources:
            other = "gift card"
        elif method["source"] == "gift_card":
            other = "(?:credit card|visa|mastercard)"
        else:
            return ()
        told = [rf"\b(?:charged?|back|use|using|pay|to|from|by) (?:\w+ ){{0,3}}{other}"]
        return ({"told": told, "says": f"Not that one, please: {self.called(method)}."},)

    def names(self, reservation: Record) -> str:
        """Return a reservation as its owner calls it: by its number, or by what it is."""
        number = reservation["reservation_id"]
        if self.knows_number:
            return self.say(f"reservation {number}", f"booking {number}", number)
        return self.describes(reservation)

    def describes(self, reservation: Record) -> str:
        """Return what a reservation is, in words."""
        leg = reservation["flights"][0]
        way = f"from {place(reservation['origin'])} to {place(reservation['destination'])}"
        return self.say(f"my flight {way} on {self.day(leg['date'])}", f"my trip {way} on {self.day(leg['date'])}")

    def number(self, reservation: Record) -> Fact:
        """Return what is said when the number of a reservation is asked for."""
        number, leg = reservation["reservation_id"], reservation["flights"][0]
        if self.knows_number:
            return ("reservation id",), self.say(f"The reservation is {number}.", f"It is {number}.", f"{number}.")
        where = f"it leaves {place(reservation['origin'])} on {self.day(leg['date'])}"
        return ("reservation id",), self.say(
            f"I don't have the number at hand, but {where}.", f"I can't find the number; {where}."
        )

    def task(self, kind: str, title: str, wish: Wish) -> Task:
        """Return the task of a customer with a wish."""
        name = self.user["name"]
        id_fact = self.say(*_USER_IDS).format(self.user_id)
        greeting = self.say(*_GREETINGS)
        opening = greeting + (wish.opening if greeting.endswith(", ") else sentence(wish.opening))
        if self.manner != "brief":
            opening += " " + id_fact
        if self.manner == "full":
            opening += "".join(f" {detail}" for detail in wish.details)
        facts = [(("user id",), id_fact), *wish.facts]
        answers: dict[str, Any] = {
            "opening": opening,
            "facts": [{"asked": list(asked), "says": says} for asked, says in facts],
            "reacts": list(wish.reacts),
            "refuses": list(wish.refuses),
            "insists": list(wish.insists),
            "wishes": list(wish.wishes),
            "confirms": self.say(*_YES) if wish.agrees else None,
            "declines": self.say(*_DECLINES),
            "closing": self.say(*(_GIVES_UP if wish.gives_up else _CLOSINGS)),
        }
        return Task(
            id=self.task_id,
            instruction=f"You are {name['first_name']} {name['last_name']}. Your user id is {self.user_id}. {wish.story}",
            actions=wish.actions,
            outputs=wish.outputs,
            title=title,
            kind=kind,
            extra={"user_id": self.user_id, **wish.extra, "answers": {k: v for k, v in answers.items() if v != []}},
        )


def place(code: str) -> str:
    """Return an airport as people call it."""
    return "New York JFK" if code == "JFK" else AIRPORTS[code]


def sentence(text: str) -> str:
    """Return a text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]


def cabin_words(cabin: str) -> str:
    """Return a cabin as words."""
    return cabin.replace("_", " ")


def count(number: int, what: str) -> str:
    """Return a number of things as words.

    >>> count(1, "bag"), count(3, "checked bag"), count(0, "bag")
    ('one bag', 'three checked bags', 'no bags')
    """
    return f"{NUMBERS[number]} {what}" + ("" if number == 1 else "s")
