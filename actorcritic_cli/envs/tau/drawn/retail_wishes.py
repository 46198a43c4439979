"""What customers want done with pending orders and with their profiles, and what it comes to."""

from __future__ import annotations

from actorcritic_cli.envs.draw import mixed, pick
from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn import retail_goods as goods
from actorcritic_cli.envs.tau.drawn.retail_records import money, paid
from actorcritic_cli.envs.tau.drawn.retail_talk import Talk, Wish
from actorcritic_cli.types import ExpectedAction
from actorcritic_cli.users.answering import Fact, Reaction

_WHY = {
    "no longer needed": (
        "I no longer need it.",
        "I simply do not need it any more.",
        "We don't need it after all.",
        "It is no longer needed.",
        "My flatmate has one already, so I do not need it.",
    ),
    "ordered by mistake": (
        "I ordered it by mistake.",
        "I bought it by accident.",
        "It was a mistake: I clicked on the wrong thing.",
        "That order was a mistake, I had meant to wait.",
    ),
}
AGAIN = ("And what was the amount again?", "How much was it, once more?", "So what was the amount in the end?")


def cancel(talk: Talk, *, curious: bool = False, late: bool = False) -> Wish:
    """Have a pending order cancelled (R3.2, R3.3)."""
    order = ordered(talk)
    reason = pick(talk.rng, tuple(_WHY))
    why = talk.pick(*_WHY[reason])
    ref = talk.ref()
    if late:
        asks = talk.pick(f"I also want to cancel {ref}.", f"Then please cancel {ref} as well.")
    else:
        asks = talk.pick(
            f"I would like to cancel {ref}.",
            f"Please cancel {ref}.",
            f"Can you cancel {ref} for me?",
            f"I want {ref} cancelled.",
            f"I need to cancel {ref}, if that can still be done.",
        )
    if curious:
        asks += talk.pick(" How much do I get back?", " And how much money comes back to me?")
    return Wish(
        kind="cancel",
        title="An order cancelled, and the sum"
        if curious
        else "An order placed by mistake"
        if "mistake" in reason
        else "An order no longer needed",
        asks=asks,
        told=f"You want to cancel order {talk.number}, which is {_reason(reason)}."
        + (" Ask how much comes back to you." if curious else ""),
        actions=(ExpectedAction("cancel_pending_order", {"order_id": talk.number, "reason": reason}),),
        outputs=(money(paid(order)),) if curious else (),
        facts=(Fact(("reason",), why),),
        again=again(talk) if curious else (),
    )


def address(talk: Talk, *, late: bool = False, profile: bool = False) -> Wish:
    """Have a pending order sent elsewhere (R3.4); ``profile``: and the profile's address changed, too (R5.1)."""
    order = ordered(talk)
    new = goods.new_address(talk.rng, order["address"])
    where, ref = goods.written(talk.rng, new), talk.ref()
    writes = [ExpectedAction("modify_pending_order_address", {"order_id": talk.number, **new})]
    if profile:
        writes.insert(0, ExpectedAction("modify_user_address", {"user_id": talk.user_id, **new}))
        asks = talk.pick(
            f"I have moved: please change the address in my profile and for {ref}.",
            f"My address is a new one, both in my profile and for {ref}, please.",
            f"I am moving house. My profile and {ref} need the new address.",
        )
        more = talk.pick("Both, my profile and the order.", "In my profile and for the order, please.")
    else:
        asks = (
            talk.pick(f"Also, please send {ref} to somewhere else.", f"And please send {ref} to another place.")
            if late
            else talk.pick(
                f"Could you send {ref} to another address?",
                f"I need {ref} sent to a different address.",
                f"The address for {ref} is not the right one any more.",
                f"Can the address of {ref} still be changed?",
            )
        )
        more = talk.pick("My profile stays as it is.", "Only the order, please; leave my profile alone.")
    keeps = Reaction(
        (r"(?:also|too|as well).{0,40}profile", r"profile.{0,40}(?:also|too|as well)"), "No, the profile can stay."
    )
    return Wish(
        kind="address",
        title="Moved house" if profile else "Sent elsewhere",
        asks=asks,
        told=f"You want order {talk.number} sent to {where}."
        + (" Your profile shall have this address as well." if profile else " Your profile keeps its address."),
        actions=tuple(writes),
        facts=(Fact(("address",), _to(talk, where, new)), Fact((r"\bprofile",), more)),
        refuses=() if profile else (keeps,),
    )


def profile_address(talk: Talk, *, late: bool = False) -> Wish:
    """Have the address of the profile replaced, and of nothing else (R5.1)."""
    new = goods.new_address(talk.rng, talk.profile["address"])
    where = goods.written(talk.rng, new)
    asks = talk.pick(
        "I have moved; please put my new address in my profile.",
        "My profile has my old address. Please update it.",
        "I need a new address in my profile.",
        "The address in your records is out of date: please correct my profile.",
    )
    return Wish(
        kind="address",
        title="A new address in the profile",
        asks=f"There is something else. {asks}" if late else asks,
        told=f"You want the address in your profile replaced by {where}. Orders are not affected.",
        actions=(ExpectedAction("modify_user_address", {"user_id": talk.user_id, **new}),),
        facts=(
            Fact(("address",), _to(talk, where, new)),
            Fact((r"\bprofile",), talk.pick("Only my profile.", "My profile, nothing else.")),
        ),
    )


def payment(talk: Talk, to: Record) -> Wish:
    """Have a pending order paid with another method (R3.5)."""
    order, ref = ordered(talk), talk.ref()
    new, old = talk.method(to), talk.method(talk.shop.payer(order))
    asks = talk.pick(
        f"I would like to pay {ref} with something else.",
        f"Can I still change how I pay for {ref}?",
        f"You charged the wrong thing for {ref}.",
        f"I paid {ref} in the wrong way, can that be put right?",
        f"Is it possible to pay {ref} differently?",
    )
    says = talk.pick(
        f"I want it on {new}, and the money back on {old}.", f"Please use {new}.", f"With {new}, not {old}."
    )
    return Wish(
        kind="payment",
        title=f"Paid by {goods.source(to)} after all",
        asks=asks,
        told=f"You want to pay order {talk.number} with {new.replace('my', 'your', 1)}.",
        actions=(
            ExpectedAction("modify_pending_order_payment", {"order_id": talk.number, "payment_method_id": to["id"]}),
        ),
        facts=(Fact(("payment", "wish"), says),),
    )


def address_before_items(talk: Talk, items: Wish) -> Wish:
    """Have an order sent elsewhere *and* items replaced: these come last, as nothing can be changed after (R3.8)."""
    sent = address(talk)
    start = talk.pick("I need two things changed.", "Two changes, please.", "There are two changes to make.")
    return Wish(
        kind="items",
        title="Another address, and other items",
        asks=f"{start} {items.asks} {sent.asks}",
        told=f"Two things, which you ask for at once: {items.told} {sent.told}",
        actions=(*sent.actions, *items.actions),
        facts=(*items.facts, *sent.facts),
        reacts=items.reacts,
        refuses=sent.refuses,
    )


def ordered(talk: Talk) -> Record:
    """Return the order that is talked about."""
    assert talk.order is not None
    return talk.order


def again(talk: Talk) -> tuple[str, ...]:
    """Return a question for the same amount, of one customer in two."""
    return tuple(mixed(talk.rng, AGAIN)[:1]) if talk.rng.random() < 0.5 else ()


def _reason(reason: str) -> str:
    return "a mistake" if "mistake" in reason else reason


def _to(talk: Talk, where: str, new: dict[str, str]) -> str:
    house = "" if new["address2"] else talk.pick(" It is a house, without a second line.", "")
    return talk.pick(f"The new address is {where}.", f"It is {where}.", f"To {where}, please.") + house
