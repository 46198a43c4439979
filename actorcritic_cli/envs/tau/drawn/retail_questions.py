"""What customers only want to know, and what they want that only a human can do."""

from __future__ import annotations

from msgspec.structs import replace

from actorcritic_cli.envs.draw import pick
from actorcritic_cli.envs.tau.drawn import retail_goods as goods
from actorcritic_cli.envs.tau.drawn.retail_records import money, paid, single
from actorcritic_cli.envs.tau.drawn.retail_talk import Talk, Wish
from actorcritic_cli.envs.tau.drawn.retail_wishes import AGAIN, ordered
from actorcritic_cli.types import ExpectedAction
from actorcritic_cli.users.answering import Fact


def paid_for_item(talk: Talk) -> Wish | None:
    """Ask what an item cost, and how it was paid."""
    order = ordered(talk)
    known = [item for item in single(order) if talk.style != "forgetful" or item["name"] == talk.known]
    if not known:
        return None
    item = pick(talk.rng, known)
    word = goods.noun(item)
    place = "I ordered" if talk.style == "forgetful" else f"in {talk.ref()}"
    question = talk.pick(
        f"What did I pay for the {word} {place}, and how?",
        f"I would like to know what I paid for the {word} {place}, and with what kind of method.",
    )
    return _lookup(talk, "What was paid, and how", question, money(item["price"]), goods.source(talk.shop.payer(order)))


def total_of_order(talk: Talk) -> Wish:
    """Ask what an order cost."""
    ref = talk.ref()
    question = talk.pick(f"What was the total of {ref}?", f"How much was {ref} altogether?")
    return _lookup(talk, "The total of an order", question, money(paid(ordered(talk))))


def tracking(talk: Talk) -> Wish:
    """Ask for the tracking number of an order that has been sent."""
    ref = talk.ref()
    question = talk.pick(f"Has {ref} got a tracking number? I need it.", f"Could you look up the tracking of {ref}?")
    return _lookup(talk, "A tracking number", question, *ordered(talk)["fulfillments"][0]["tracking_id"])


def status(talk: Talk) -> Wish:
    """Ask how far an order is."""
    ref = talk.ref()
    question = talk.pick(f"What is the status of {ref}?", f"How far is {ref}? I'd like to know its status.")
    return _lookup(talk, "The status of an order", question, ordered(talk)["status"])


def balance(talk: Talk) -> Wish:
    """Ask what is left on the gift card."""
    gift = next(method for method in talk.methods if method["source"] == "gift_card")
    question = talk.pick("How much is left on my gift card?", "What is the balance of my gift card?")
    return _lookup(talk, "What is on the gift card", question, money(gift["balance"]))


def other_price(talk: Talk) -> Wish | None:
    """Ask what another variant of something in an order would cost."""
    order = ordered(talk)
    items = [item for item in single(order) if talk.shop.variants(item, available=True)]
    if not items:
        return None
    item = pick(talk.rng, items)
    new = pick(talk.rng, talk.shop.variants(item, available=True))
    word, ref = goods.noun(item), talk.ref()
    question = talk.pick(
        f"I got the {word} with {ref}. What would it cost {goods.described(new)}?",
        f"About the {word} in {ref}: how much is it {goods.described(new)}?",
    )
    wish = _lookup(talk, "What another variant costs", question, money(new["price"]))
    return _with_read(wish, ExpectedAction("get_product_details", {"product_id": item["product_id"]}))


def damaged(talk: Talk) -> Wish:
    """Report goods that arrived damaged (R6.1)."""
    item = pick(talk.rng, ordered(talk)["items"])
    word, ref = goods.noun(item), talk.ref()
    what = pick(talk.rng, goods.DAMAGES[item["name"]])
    if goods.several(item):
        what = what.replace("has ", "have ")
    wants = talk.pick("I want somebody to deal with the damage.", "Somebody has to see to that, please.")
    return _handed_over(
        talk,
        "Arrived damaged",
        talk.pick(f"The {word} I got with {ref} {what}!", f"The {word} from {ref} {what}."),
        wants,
        f"The {word} of order {talk.number} {what}; the customer wants the damage dealt with",
    )


def wrong_goods(talk: Talk) -> Wish:
    """Report goods that are not what was ordered (R6.1)."""
    order, ref = ordered(talk), talk.ref()
    item = pick(talk.rng, order["items"])
    names = {other["name"] for other in order["items"]}
    other = pick(talk.rng, [product for product in talk.shop.products() if product["name"] not in names])
    word, came = goods.noun(item), goods.one(other)
    return _handed_over(
        talk,
        "The wrong thing in the parcel",
        talk.pick(f"There was {came} in the parcel of {ref}, where I ordered {goods.one(item)}.",
                  f"You sent me {came} in the place of the {word} from {ref}."),
        talk.pick("I want that put right.", "Somebody must have packed the wrong thing. Please deal with it."),
        f"Order {talk.number} arrived with {came} in the place of the {word}; the customer wants it put right",
    )  # fmt: skip


def invoice(talk: Talk) -> Wish:
    """Ask for an invoice (R6.1)."""
    ref = talk.ref()
    return _handed_over(
        talk,
        "An invoice",
        talk.pick(f"I need a proper invoice for {ref}.", f"Can I have an invoice for {ref}, for my taxes?"),
        talk.pick("An invoice, with the tax shown.", "Just the invoice, please."),
        f"The customer needs an invoice for order {talk.number}",
    )


def not_ours(talk: Talk) -> Wish:
    """Ask for what only colleagues can change in a profile (R5.2), or for a business account (R6.1)."""
    first, last = talk.profile["name"].values()
    other = pick(talk.rng, ("Hawthorne", "Delacroix", "Lindqvist", "Okafor"))
    title, asks, wants, summary = pick(
        talk.rng,
        (
            ("A new e-mail", "I have a new e-mail, please put it in my profile.",
             f"The new one is {first.lower()}.{last[0].lower()}@example.net.", "another e-mail address in the profile"),
            ("A new name", f"I have married and am called {other} now. Please correct my name.",
             f"My new last name is {other}.", f"the last name in the profile to become {other}"),
            ("A new card", "I would like to add a new credit card to my profile.",
             "A new credit card; I have it here.", "a new credit card added to the profile"),
            ("One method fewer", f"Please take {talk.method(talk.methods[0])} out of my profile.",
             "It shall not be in my profile any more.", "a payment method removed from the profile"),
            ("A business account", "I run a small guest house and want a business account.",
             "An account for my business, please.", "a business account"),
        ),
    )  # fmt: skip
    return _handed_over(talk, title, asks, wants, f"The customer wants {summary}")


def _lookup(talk: Talk, title: str, question: str, *outputs: str) -> Wish:
    about = f" about order {talk.number}" if talk.order is not None else ""
    reads = (ExpectedAction("get_order_details", {"order_id": talk.number}),) if talk.order is not None else ()
    return Wish(
        kind="lookup",
        title=title,
        asks=question,
        told=f"You only want to know something{about}: {question}",
        actions=reads,
        outputs=outputs,
        facts=(Fact(("item", "wish", "question"), question),),
        again=(pick(talk.rng, AGAIN),) if talk.rng.random() < 0.2 and outputs[0][0].isdigit() else (),
    )


def _with_read(wish: Wish, action: ExpectedAction) -> Wish:
    return replace(wish, actions=(*wish.actions, action))


def _handed_over(talk: Talk, title: str, asks: str, wants: str, summary: str) -> Wish:
    return Wish(
        kind="transfer",
        title=title,
        asks=asks,
        told=f"You say: {asks} And if asked: {wants}",
        actions=(ExpectedAction("transfer_to_human_agents", {"summary": f"{summary}."}),),
        facts=(Fact(("wish", "reason", "item", "option", r"\bnew\b"), wants),),
        insists=(talk.pick("Isn't there somebody who can do that?", "Then who can help me?"),),
    )
