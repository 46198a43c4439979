"""What customers want done with the goods: other variants before delivery and after, and returns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from actorcritic_cli.envs.draw import mixed, pick
from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn import retail_goods as goods
from actorcritic_cli.envs.tau.drawn.retail_records import Swap, difference, money, single, total
from actorcritic_cli.envs.tau.drawn.retail_talk import Talk, Wish
from actorcritic_cli.envs.tau.drawn.retail_wishes import again, ordered
from actorcritic_cli.types import ExpectedAction
from actorcritic_cli.users.answering import Fact, Reaction

Verb = Literal["change", "exchange"]
Twist = Literal["none", "two", "curious", "sold out", "gift card"]
_MISSING = r"(?:not|unavailable|isn't|no longer|out of stock|sold out)"
_KINDS = {"change": "items", "exchange": "exchange"}
_TOOLS = {"change": "modify_pending_order_items", "exchange": "exchange_delivered_order_items"}
_TITLES = {
    "none": "Another variant",
    "two": "Two items at once",
    "curious": "Another variant, and the difference",
    "sold out": "A first choice that is sold out",
    "gift card": "A gift card that does not cover it",
}


def swap(talk: Talk, verb: Verb, twist: Twist = "none", *, late: bool = False) -> Wish | None:
    """Have items replaced (R3.6, R4.3) and the difference settled (R3.7); ``None`` where the order has no such case."""
    shop, order = talk.shop, ordered(talk)
    swaps = _swaps(talk, 2 if twist == "two" else 1)
    if not swaps:
        return None
    wanted, cost = swaps, difference(swaps)
    settling = shop.settling(talk.user_id, cost)
    settle = pick(talk.rng, settling)
    first = settle
    reacts: list[Reaction] = []
    if twist == "sold out":
        gone = shop.variants(swaps[0].old, available=False)
        if not gone:
            return None
        wanted = [Swap(swaps[0].old, pick(talk.rng, gone))]
        reacts.append(_second_choice(talk, wanted[0].new, swaps[0].new))
    if twist == "gift card":
        short = [(s, m) for s in shop.swaps(order) for m in shop.methods(talk.user_id) if _short(s, m)]
        if not short:
            return None
        one, first = pick(talk.rng, short)
        wanted = swaps = [one]
        settle = pick(talk.rng, [m for m in shop.settling(talk.user_id, difference(swaps)) if m != first])
        reacts.append(_other_card(talk, settle))
    what = goods.listed([f"the {goods.noun(s.old)} {_new(talk, s)}" for s in wanted])
    how = talk.method(first)
    pays = talk.pick(f"Use {how}, please.", f"{_capital(how)} settles the difference.", f"{_capital(how)}, please.")
    asks = _asks(talk, verb, [goods.noun(s.old) for s in wanted], late)
    curious = twist == "curious"
    if curious:
        asks += talk.pick(" What is the difference?", " How much is the difference in price?")
    goal = goods.listed([f"the {goods.noun(s.old)} {goods.described(s.new)}" for s in wanted])
    return Wish(
        kind=_KINDS[verb],
        title=_TITLES[twist],
        asks=asks,
        told=f"In order {talk.number} you want, in place of what you have, {goal}; "
        f"{how.replace('my', 'your', 1)} settles the difference."
        + "".join(f" If that is not possible, you say: {reaction.says}" for reaction in reacts)
        + (" Ask how much the difference is." if curious else ""),
        actions=(
            ExpectedAction(
                _TOOLS[verb],
                {
                    "order_id": talk.number,
                    "item_ids": [s.old["item_id"] for s in swaps],
                    "new_item_ids": [s.new["item_id"] for s in swaps],
                    "payment_method_id": settle["id"],
                },
            ),
        ),
        outputs=(money(difference(swaps)),) if curious else (),
        facts=(
            Fact(
                ("item", "option", "wish", "change"),
                talk.pick(f"I want {what}.", f"I'd like {what}.", f"Please, {what}."),
            ),
            Fact(("payment",), pays),
        ),
        reacts=tuple(reacts),
        again=again(talk) if curious else (),
    )


def send_back(
    talk: Talk, *, curious: bool = False, elsewhere: bool = False, whole: bool = False, late: bool = False
) -> Wish:
    """Return items of a delivered order (R4.2); ``elsewhere``: with a first choice of method that is not possible."""
    order, shop = ordered(talk), talk.shop
    items = list(order["items"]) if whole else _part(talk, order)
    to = pick(talk.rng, shop.refunding(order))
    where = talk.method(to)
    keeps = [item for item in order["items"] if item not in items]
    what = goods.listed(_counted(items, order))
    says = f"{what}." if keeps or len(order["items"]) == 1 else f"All of it: {what}."
    if keeps and talk.rng.random() < 0.5:
        says += f" I keep {goods.listed(_counted(keeps, order))}."
    reacts: tuple[Reaction, ...] = ()
    pays = talk.pick(f"Refund it to {where}, please.", f"The money should go to {where}.", f"To {where}, please.")
    if elsewhere:
        pays = talk.pick(
            "Refund it to my new credit card, please. It is not in my profile.",
            "I have another credit card now, which you do not know; the money should go there.",
            "To my new bank card, please: I have never used it with you.",
        )
        told = (
            r"(?:can ?not|can't|only|not).{0,80}(?:card|profile|method)",
            r"(?:card|method).{0,80}(?:can ?not|can't|not)",
        )
        reacts = (Reaction(told, talk.pick(f"Hm, then {where}.", f"In that case {where}, please.")),)
    asks = _back(talk, items, late) + (
        talk.pick(" How much do I get back?", " What do I get for it?") if curious else ""
    )
    ids = [item["item_id"] for item in items]
    return Wish(
        kind="return",
        title="A refund to a card we do not know"
        if elsewhere
        else "All of it back"
        if not keeps
        else "A part of it back",
        asks=asks,
        told=f"From order {talk.number} you want to return {what}. {pays}"
        + "".join(f" If that is not possible, you say: {reaction.says}" for reaction in reacts)
        + (" Ask how much you get back." if curious else ""),
        actions=(
            ExpectedAction(
                "return_delivered_order_items",
                {"order_id": talk.number, "item_ids": ids, "payment_method_id": to["id"]},
            ),
        ),
        outputs=(money(total(items)),) if curious else (),
        facts=(
            Fact(("item", "wish"), _capital(says)),
            Fact(("payment",), pays),
        ),
        reacts=reacts,
        again=again(talk) if curious else (),
    )


def _swaps(talk: Talk, count: int) -> list[Swap]:
    """Return swaps of so many items, with a difference together and a method that can settle it; empty if there are none."""
    order = ordered(talk)
    items = mixed(talk.rng, single(order))
    if talk.style == "forgetful":
        items.sort(key=lambda item: item["name"] != talk.known)
    if len(items) < count:
        return []
    found = []
    for item in items[:count]:
        ways = [swap for swap in talk.shop.swaps(order) if swap.old["item_id"] == item["item_id"]]
        if not ways:
            return []
        found.append(pick(talk.rng, ways))
    possible = abs(difference(found)) >= 0.01 and talk.shop.settling(talk.user_id, difference(found))
    return found if possible else []


def _short(swap: Swap, method: Record) -> bool:
    """Whether a gift card does not cover a swap."""
    return method["source"] == "gift_card" and float(method["balance"]) < difference([swap])


def _second_choice(talk: Talk, gone: Record, new: Record) -> Reaction:
    values = "|".join(re.escape(goods.option(*pair)) for pair in gone["options"].items())
    plain = ", ".join(re.escape(value) for value in gone["options"].values())
    told = (
        rf"not available.{{0,240}}{plain}",
        rf"{_MISSING}.{{0,80}}(?:{values})",
        rf"(?:{values}|{plain}).{{0,80}}{_MISSING}",
    )
    which = goods.described(new)
    return Reaction(told, talk.pick(f"Then {which}.", f"A pity; {which}, then.", f"In that case: {which}."))


def _other_card(talk: Talk, settle: Record) -> Reaction:
    told = (
        r"gift card.{0,80}(?:not|insufficient|enough|too little)",
        r"(?:not|insufficient|does ?n't|too little).{0,80}gift card",
    )
    how = talk.method(settle)
    return Reaction(told, talk.pick(f"Then use {how}.", f"In that case {how}.", f"Oh. With {how}, then."))


def _new(talk: Talk, swap: Swap) -> str:
    """Return the new variant by what is new in it, or as a whole."""
    short = goods.changed(swap.old, swap.new)
    if short and talk.rng.random() < 0.5:
        return f"{short}, otherwise the same"
    return goods.described(swap.new)


def _asks(talk: Talk, verb: Verb, nouns: Sequence[str], late: bool) -> str:
    ref, things = talk.ref(), goods.listed([f"the {noun}" for noun in nouns])
    if talk.style == "forgetful":
        return talk.pick(f"I want to {verb} something in {ref}.", f"Can I {verb} what I got in {ref}?")
    if verb == "change":
        return talk.pick(
            f"Can I still change something in {ref}?",
            f"I would like to change {things} in {ref}.",
            f"There is something in {ref} that I want changed.",
            f"I want another kind of {goods.listed(nouns)} in {ref} instead.",
        )
    if late:
        return talk.pick(f"I also want to exchange {things} from {ref}.", f"And can {things} from {ref} be exchanged?")
    return talk.pick(
        f"I would like to exchange {things} from {ref}.",
        f"Can I exchange something from {ref}?",
        f"{_capital(things)} from {ref} should be exchanged.",
        f"I got {ref}, and I'd like an exchange.",
    )


def _back(talk: Talk, items: Sequence[Record], late: bool) -> str:
    ref = talk.ref()
    things = "something" if talk.style == "forgetful" else goods.listed(_counted(items, ordered(talk)))
    if late:
        return talk.pick(f"I also want to return something from {ref}.", f"Next, a return from {ref}.")
    return talk.pick(
        f"I would like to return something from {ref}.",
        f"I want to send something back from {ref}.",
        f"Can I return {things} from {ref}?",
        f"I need to arrange a return for {ref}.",
    )


def _part(talk: Talk, order: Record) -> list[Record]:
    """Return some of an order's items: not all, if it has several; what it is known by comes first."""
    items = mixed(talk.rng, order["items"])
    if talk.style == "forgetful":
        items.sort(key=lambda item: item["name"] != talk.known)
    count = max(1, len(items) - 1)
    chosen = items[: pick(talk.rng, range(1, count + 1))]
    wanted = sorted(order["items"].index(item) for item in chosen)
    return [order["items"][index] for index in wanted]


def _counted(items: Sequence[Record], order: Record) -> list[str]:
    """Return items in words, with how many of how many alike where the order has several."""
    found: dict[str, None] = {}
    for item in items:
        word, plural = goods.noun(item), goods.noun(item) + ("" if goods.several(item) else "s")
        alike = [other for other in order["items"] if other["name"] == item["name"]]
        mine = sum(other["name"] == item["name"] for other in items)
        if len(alike) == 1:
            found[f"the {word}"] = None
        elif mine == len(alike):
            found[f"both {plural}" if mine == 2 else f"all the {plural}"] = None
        elif any(other["item_id"] != item["item_id"] for other in alike):
            found[f"the {word} {goods.described(item)}"] = None
        else:
            found[f"{('one', 'two', 'three')[mine - 1]} of the {plural}"] = None
    return list(found)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
