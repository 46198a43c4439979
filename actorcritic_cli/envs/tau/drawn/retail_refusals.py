"""What customers want that the policy forbids. Nothing is written; they insist, or they give in."""

from __future__ import annotations

from actorcritic_cli.envs.draw import pick
from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn import retail_goods as goods
from actorcritic_cli.envs.tau.drawn.retail_talk import Talk, Wish
from actorcritic_cli.envs.tau.drawn.retail_wishes import ordered
from actorcritic_cli.users.answering import Fact

_CHEAPER = (
    "I have seen it for less in another shop.",
    "It takes too long for me, another shop would have it here tomorrow.",
    "I want to order it again with a voucher I found.",
    "You will have a sale next week, and I want to buy it then, for less.",
    "A competitor of yours gives a longer guarantee.",
    "I have read bad reviews of it since.",
)
_NEAR = ("sister", "brother", "neighbor", "mother", "friend Carla", "husband", "colleague")


def on_its_way(talk: Talk, what: str = "") -> Wish:
    """Have an order cancelled or changed that has been processed (R3.1); ``what`` of it, if that is not to be drawn."""
    order, ref = ordered(talk), talk.ref()
    item = pick(talk.rng, order["items"])
    word = goods.noun(item)
    variants = talk.shop.variants(item, available=True)
    where = goods.written(talk.rng, goods.new_address(talk.rng, order["address"]))
    wishes = {
        "cancelled": (
            talk.pick(f"I want to cancel {ref}.", f"Please cancel {ref}.", f"Can {ref} still be cancelled?"),
            Fact(("reason",), talk.pick("I do not need it any more.", "I ordered it by mistake.")),
        ),
        "changed": (
            talk.pick(f"I would like to change {ref}.", f"Can the {word} in {ref} still be changed?"),
            Fact(
                ("item", "option", "wish", "change"), f"I want the {word} {goods.described(pick(talk.rng, variants))}."
            ),
        ),
        "sent elsewhere": (
            talk.pick(f"Please send {ref} to another address.", f"{ref} has to go to another address."),
            Fact(("address",), f"It should go to {where}."),
        ),
        "paid differently": (
            talk.pick(f"I would like to pay {ref} with another method.", f"Can I pay {ref} differently?"),
            Fact(("payment", "wish"), f"{talk.pick('With', 'Please use')} {talk.method(talk.methods[-1])}."),
        ),
    }
    what = what or pick(talk.rng, [key for key in wishes if key != "paid differently" or len(talk.methods) > 1])
    asks, fact = wishes[what]
    lines = {
        "cancelled": talk.pick("But I have not got it yet!", "Can you not just stop the parcel?"),
        "sent elsewhere": "But I will not be there when it comes!",
        "changed": "But it cannot have left you already!",
        "paid differently": "But I have not got it yet!",
    }
    return _refused(
        talk,
        "On its way",
        asks,
        (fact,),
        lines[what],
        f"You want order {talk.number} {what}. You say, if asked: {fact.says}",
    )


def bad_reason(talk: Talk) -> Wish:
    """Have a pending order cancelled for a reason that is none (R3.2)."""
    ref, why = talk.ref(), talk.pick(*_CHEAPER)
    asks = talk.pick(
        f"Please cancel {ref}.", f"I want to cancel {ref}.", f"Can you cancel {ref}?", f"I'd like {ref} cancelled."
    )
    line = talk.pick("But that is a good reason!", "But other shops do that!", "Why should my reason matter to you?")
    return _refused(
        talk,
        "A reason that is none",
        asks,
        (Fact(("reason",), why),),
        line,
        f"You want to cancel order {talk.number}. You name this reason and no other: {why}",
        declines=f"No, that is not my reason. {why}",
    )


def split_payment(talk: Talk) -> Wish:
    """Have an amount split between two methods (R2.3): the price of a pending order, or a refund."""
    ref, pending = talk.ref(), ordered(talk)["status"] == "pending"
    one, other = (talk.method(method) for method in talk.methods[:2])
    says = talk.pick(
        f"Half of it on {one}, half on {other}.",
        f"Please split it between {one} and {other}.",
        f"One half {'with' if pending else 'to'} {one} and the other half {'with' if pending else 'to'} {other}.",
    )
    facts: tuple[Fact, ...] = (Fact(("payment", "wish"), says),)
    if pending:
        asks = talk.pick(
            f"I want to change how I paid for {ref}.",
            f"Can I pay {ref} in another way?",
            f"I would like to pay {ref} with two methods.",
        )
    else:
        asks = talk.pick(f"I would like to return {ref}.", f"I want to return everything from {ref}.")
        facts = (Fact(("item",), "All of it."), Fact(("payment", "wish"), says))
    line = talk.pick("But I want it half and half.", "But there is money on both of them!")
    return _refused(
        talk,
        "Half and half",
        asks,
        facts,
        line,
        f"About order {talk.number} you say: {asks} {says} If it cannot be split, everything stays as it is.",
        declines="No, half and half or not at all.",
    )


def foreign_refund(talk: Talk) -> Wish:
    """Have something returned, with the refund to somebody else (R4.2)."""
    ref, near = talk.ref(), pick(talk.rng, _NEAR)
    item = pick(talk.rng, ordered(talk)["items"])
    word = goods.noun(item)
    card = talk.pick("gift card", "Visa card", "credit card")
    says = talk.pick(
        f"Please refund it to the {card} of my {near}.",
        f"The money should go to the {card} of my {near}.",
        f"It was a present of my {near}: send the money to the {card} of my {near}.",
    )
    asks = talk.pick(
        f"I would like to return the {word} from {ref}.",
        f"Can I return the {word} I got with {ref}?",
        f"The {word} from {ref} shall be returned, please.",
    )
    facts = (Fact(("item",), f"The {word}."), Fact(("payment",), says))
    line = talk.pick("It is not my money, after all.", "I have the number of that one right here.")
    return _refused(
        talk,
        "A refund to somebody else",
        asks,
        facts,
        line,
        f"You want to return the {word} of order {talk.number}. You say: {says} You want it nowhere else.",
        declines=f"No, not to my own account. {says}",
    )


def other_product(talk: Talk) -> Wish | None:
    """Have something exchanged for another product (R4.3)."""
    ref, order = talk.ref(), ordered(talk)
    item = pick(talk.rng, order["items"])
    names = {other["name"] for other in order["items"]}
    product = pick(talk.rng, [product for product in talk.shop.products() if product["name"] not in names])
    new = pick(talk.rng, [variant for variant in product["variants"].values() if variant["available"]])
    word, other = goods.noun(item), goods.one(product)
    says = talk.pick(
        f"I'd like {other} {goods.described(new)} for it.",
        f"For {other}, {goods.described(new)}.",
        f"{other[:1].upper()}{other[1:]} {goods.described(new)}, please.",
    )
    asks = talk.pick(
        f"I would like to exchange the {word} I got with {ref}.",
        f"Can the {word} from {ref} be exchanged for something else?",
        f"I want to exchange the {word} of {ref}.",
    )
    cheaper = new["price"] < item["price"]
    line = "But that costs less, so you would even gain by it." if cheaper else "But I would pay what it costs more!"
    return _refused(
        talk,
        f"Another thing for {goods.one(item)}",
        asks,
        (Fact(("item", "option", "wish", "product"), says), Fact(("payment",), _settles(talk, talk.methods[0]))),
        line,
        f"You want to exchange the {word} of order {talk.number}. You say: {says} You want nothing else, no return either.",
        declines=f"No, nothing else. {says}",
    )


def _refused(
    talk: Talk, title: str, asks: str, facts: tuple[Fact, ...], line: str, told: str, declines: str = "No, thank you."
) -> Wish:
    return Wish(
        kind="refusal",
        title=title,
        asks=asks,
        told=f"{told} If you are refused, you may insist, and then you give in.",
        facts=facts,
        insists=talk.insists(line),
        declines=declines,
    )


def _settles(talk: Talk, method: Record) -> str:
    return talk.pick(f"{talk.method(method).capitalize()} settles it.", f"Take {talk.method(method)} for that.")
