"""Who the customer of a drawn task is, how much they say unasked, and how a wish becomes a task.

Wordings keep to what the scripted agent and the scripted user hear (``actors.sim.retail_words``, ``users.topics``): a yes
names no topic of a wish that is still to come, an insistence no word that sounds content, and who brings up an address late
does not say "e-mail address" before.
"""

from __future__ import annotations

from random import Random
from typing import Literal

import msgspec
from msgspec import Struct

from actorcritic_cli.envs.draw import mixed, pick
from actorcritic_cli.envs.tau.bundled.generate_airline import stream
from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn import retail_goods as goods
from actorcritic_cli.envs.tau.drawn.retail_records import Shop
from actorcritic_cli.types import ExpectedAction, Task
from actorcritic_cli.users.answering import KEY, Answers, Fact, Reaction

Style = Literal["eager", "plain", "terse", "forgetful"]
"""Says everything at once; names the order; has to be asked for its number; does not know it."""

_GREETINGS = ("Hello.", "Hi.", "Good morning.", "Hi there.", "Good day.", "Hello there.", "Good evening.", "", "")
_CONFIRMS = (
    "Yes, please go ahead.",
    "Yes, please.",
    "Yes, that is right.",
    "Yes, do that, please.",
    "Sure, go ahead.",
    "Yes, that is what I want.",
    "Agreed, please do it.",
    "Yes, I agree.",
    "Please do.",
    "Yes, proceed, please.",
)
_CLOSINGS = (
    "Thank you, goodbye.",
    "Thanks, bye.",
    "Wonderful, that was all.",
    "Thanks for your help.",
    "Great, have a nice day.",
    "Perfect, thank you.",
    "Cheers, bye.",
    "Good, that was everything.",
)
_RESIGNED = (
    "What a pity. Goodbye.",
    "Then I leave it as it is.",
    "Well, too bad. Bye.",
    "Then never mind.",
    "Hm. I will think about it, goodbye.",
)
_INSISTS = (
    "Really? Somebody told me that it would be possible.",
    "Can't you make an exception, just this once?",
    "I have been a customer of yours for years!",
    "That is hard to believe. Please look again.",
    "A colleague of yours promised me that you would do it.",
    "It would only take you a minute.",
    "That is not what I call service.",
)
_VERBS = {"items": r"\bchang|\breplac", "exchange": r"\bexchang", "return": r"\breturn(?:ed)?\b|\bsend back"}
_UNKNOWN = ("I'm afraid I don't know that.", "I can't tell you.", "I don't know, sorry.")


class Wish(Struct, frozen=True, kw_only=True):
    """Something a customer wants. ``asks`` opens, ``facts`` follow when asked for, ``told`` instructs a simulated user."""

    kind: str
    title: str
    asks: str
    told: str
    actions: tuple[ExpectedAction, ...] = ()
    outputs: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    reacts: tuple[Reaction, ...] = ()
    refuses: tuple[Reaction, ...] = ()
    insists: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    """What is asked once more in the end."""
    declines: str | None = None
    """What is said to every proposal by a customer who wants this or nothing; ``None`` for one who may agree."""

    def whole(self) -> str:
        """Return all of it in one go."""
        return " ".join([self.asks, *(fact.says for fact in self.facts if fact.says != self.asks)])


class Talk:
    """A customer about to talk about an order (or none)."""

    def __init__(self, shop: Shop, key: str, user_id: str, order: Record | None = None, styles: tuple[Style, ...] = ()):
        self.shop, self.key, self.user_id, self.order = shop, key, user_id, order
        self.rng: Random = stream(f"drawn retail {key}")
        self.profile = shop.profile(user_id)
        self.methods = shop.methods(user_id)
        known = shop.known_by(order) if order is not None else []
        usual: tuple[Style, ...] = ("eager", "eager", "plain", "plain", "plain", "terse", "terse", "forgetful")
        style = pick(self.rng, styles or usual)
        self.style: Style = style if style != "forgetful" or known else "terse"
        self.known = pick(self.rng, known) if known else ""

    @property
    def number(self) -> str:
        """The order's number, empty where there is no order."""
        return str(self.order["order_id"]) if self.order is not None else ""

    def ref(self) -> str:
        """Return what the customer calls the order."""
        if self.style == "forgetful":
            return self.pick(f"my order with the {self._thing}", f"the order with the {self._thing}")
        if self.style == "terse":
            return self.pick("an order of mine", "one of my orders", "an order")
        return self.pick(f"order {self.number}", self.number, f"my order {self.number}")

    def pick(self, *lines: str) -> str:
        """Return one of the wordings."""
        return pick(self.rng, lines)

    def insists(self, *lines: str) -> tuple[str, ...]:
        """Return none, one or two lines of insistence, those given before the general ones."""
        count = pick(self.rng, (0, 1, 1, 2))
        return (*lines, *mixed(self.rng, _INSISTS))[:count]

    def method(self, record: Record) -> str:
        """Return what the customer calls a payment method."""
        return goods.method(record, self.methods)

    def task(self, wish: Wish, *late: Wish, kind: str = "") -> Task:
        """Return the task of a wish and of those brought up after it."""
        says, facts, knows = self._identity(plain=bool(late))
        if self.order is not None:
            facts = (*facts, Fact(("order id",), self._order_fact()))
        facts = (*facts, *(_narrowed(wish) if late else wish.facts), *_kept(wish, late))
        confirms = self.pick(*_CONFIRMS)
        agrees = wish.declines is None or bool(late)
        answers = Answers(
            opening=self._opening(wish, says),
            facts=facts,
            reacts=wish.reacts,
            refuses=wish.refuses,
            insists=wish.insists,
            wishes=(*(other.whole() for other in late), *wish.again),
            confirms=confirms if agrees else None,
            declines=wish.declines or "No, thank you.",
            unknown=self.pick(*_UNKNOWN),
            closing=self.pick(*(_CLOSINGS if agrees else _RESIGNED)),
        )
        first, last = self.profile["name"].values()
        told = [f"You are {first} {last}. {knows} {self._told(wish)}"]
        told += [f"After that, and not before: {other.told}" for other in late]
        title = "; then: ".join(one.title for one in (wish, *late))
        outputs = (*wish.outputs, *(output for other in late for output in other.outputs))
        actions = (*wish.actions, *(action for other in late for action in other.actions))
        extra = {"user_id": self.user_id, KEY: msgspec.to_builtins(answers)}
        return Task(self.key, " ".join(told), actions, outputs, (), title, kind or wish.kind, extra)

    def _told(self, wish: Wish) -> str:
        """Return the instruction, without the number of an order where the customer does not know it."""
        if self.style != "forgetful":
            return wish.told
        told = wish.told.replace(f"order {self.number}", f"your order with the {self._thing}")
        return f"{told} You do not know the order's number."

    @property
    def _thing(self) -> str:
        return goods.noun({"name": self.known})

    def _opening(self, wish: Wish, says: str) -> str:
        words = [self.pick(*_GREETINGS)]
        if self.style == "eager":
            words += [says, wish.whole()]
        elif self.style == "plain" and self.rng.random() < 0.15:
            words += [self.pick(f"My user id is {self.user_id}.", f"I am {self.user_id}."), wish.asks]
        else:
            words += [wish.asks]
        return " ".join(filter(None, words))

    def _order_fact(self) -> str:
        if self.style == "forgetful":
            return self.pick(
                f"I do not have the number. It is the one with the {self._thing}.",
                f"I can't find the number; it is the order with the {self._thing}.",
            )
        return self.pick(f"It's order {self.number}.", f"The number is {self.number}.", f"{self.number}.")

    def _identity(self, *, plain: bool) -> tuple[str, tuple[Fact, ...], str]:
        """Return what the customer says of who they are at once, the facts, and the instruction."""
        first, last = self.profile["name"].values()
        email, code = self.profile["email"], self.profile["address"]["zip"]
        if self.rng.random() < 0.6:
            ways = [f"My e-mail is {email}.", f"You find me under {email}.", f"I am registered as {email}."]
            says = self.pick(*ways, *(() if plain else (f"My e-mail address is {email}.",) * 3))
            return says, (Fact(("email", "user id", "name", "zip code"), says),), f"Your e-mail address is {email}."
        says = self.pick(
            f"I'm {first} {last}, ZIP code {code}.",
            f"My name is {first} {last}, and my ZIP code is {code}.",
            f"{first} {last}, {code}.",
        )
        forgot = self.pick(
            "I don't remember which e-mail I used.",
            "I can't recall the e-mail I signed up with.",
            "I no longer know which e-mail that was.",
        )
        facts = (Fact(("email",), forgot), Fact(("name", "zip code", "user id"), says))
        return says, facts, f"Your ZIP code is {code}; you do not remember your e-mail address."


def _narrowed(wish: Wish) -> tuple[Fact, ...]:
    """Return the facts of a wish that another follows: which items is answered for this one's verb only."""
    return tuple(
        Fact((_VERBS[wish.kind],), f.says) if "item" in f.asked and wish.kind in _VERBS else f for f in wish.facts
    )


def _kept(wish: Wish, late: tuple[Wish, ...]) -> tuple[Fact, ...]:
    """Return the facts of what comes up late that answer no question about the first wish; the rest is said unasked."""
    facts = [f for other in late if other.kind not in (wish.kind, "transfer") for f in _narrowed(other)]
    return tuple(fact for fact in facts if not {"payment", "reason"} & set(fact.asked))
