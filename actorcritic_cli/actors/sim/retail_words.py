"""The shop's service talk: what is asked before a call, how a customer asks for it, what is said of it, what forbids it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actorcritic_cli.actors.sim.desk import Question, Refusal

_METHOD = r"\bpaypal\b|\b(?:credit|gift|visa|master) ?cards?\b|\bvisa\b|\bmastercard\b"
_REASON = r"\bmistake|\baccident|\b(?:not|n't|no longer) (?:simply )?need|\bbecause\b|\bfor less\b|\bcheaper\b"

QUESTIONS: dict[str, tuple[Question, ...]] = {
    "cancel_pending_order": (Question("What is the reason for the cancellation?", _REASON),),
    "modify_pending_order_items": (
        Question("Which items shall be changed, and to which options? This can be done only once for an order."),
        Question("Which payment method shall settle a difference in price?", _METHOD),
    ),
    "modify_pending_order_address": (Question("What is the new address in full?", r"\b\d{5}\b.*\b\d{5}\b|\bUSA\b"),),
    "modify_pending_order_payment": (Question("Which payment method shall be used instead?", _METHOD),),
    "modify_user_address": (
        Question("What is the new address in full?", r"\bUSA\b"),
        Question("Shall the profile be changed, too?", r"\bprofile\b"),
    ),
    "return_delivered_order_items": (
        Question("Which items shall be returned?"),
        Question("Which payment method shall the refund go to?", _METHOD),
    ),
    "exchange_delivered_order_items": (
        Question("Which items shall be exchanged, and for which options? This can be done only once for an order."),
        Question("Which payment method shall settle a difference in price?", _METHOD),
    ),
}
"""Writing tool → what must be known before it is called."""

BEFORE_DECLINING: tuple[tuple[str, str], ...] = (
    (r"\bcancel", "cancel_pending_order"),
    (r"\bexchang", "exchange_delivered_order_items"),
    (r"\breturn", "return_delivered_order_items"),
    (r"\b(?:paid|pay)\b", "modify_pending_order_payment"),
)
"""Words of a request → the call whose questions are asked before it turns out that nothing can be done."""

PROCESSED = Refusal(
    "", "R3.1", "an order that has been processed has left us, and nothing about it can be changed or cancelled"
)
REFUSALS = (
    Refusal(r"\bhalf\b|\bsplit\b", "R2.3", "one payment method pays or receives a whole amount, which is never split"),
    Refusal(
        r"\bcard of (?:my|his|her)\b|\bhe is sitting\b",
        "R4.2",
        "a refund goes to the method that paid the order, or to a gift card of your own profile",
    ),
    Refusal(
        r"\bexchang|\bbread bin\b", "R4.3", "an item can only be exchanged for another variant of the same product"
    ),
    Refusal(
        r"\bcancel",
        "R3.2",
        "an order can be cancelled only because it is no longer needed or was ordered by mistake",
    ),
)
"""The first whose words fit a request stands against it."""

TOPICS: Mapping[str, str] = {
    "cancel_pending_order": r"\bcancel|no longer need|do(?:n't| not) need",
    "modify_pending_order_items": r"\bchang|\binstead\b|\bcan my\b|\bmake it\b|\btoo (?:small|large|big)\b",
    "modify_pending_order_address": r"\baddress|\bsend\b.{0,40}\bto\b|\bmoved\b",
    "modify_pending_order_payment": r"\bpay|\bpaid\b|\bcharge|\bcard\b",
    "modify_user_address": r"\baddress|\bprofile\b|\bmoved\b",
    "return_delivered_order_items": r"\breturn|\b(?:send|give) (?:\w+ ){0,4}back\b",
    "exchange_delivered_order_items": r"\bexchang|\bnot what i want\b|\brather\b",
}
"""Writing tool → pattern of the words with which a customer asks for it."""

RETURN_RULE = "A refund can only go to the payment method that paid the order, or to a gift card of your profile."
MAIL = "An e-mail with the way to send things back will follow."


def headline(name: str, arguments: Mapping[str, Any]) -> str:
    """Return a write in a few words."""
    order = arguments.get("order_id", "")
    return {
        "cancel_pending_order": f"cancel the whole order {order}",
        "modify_pending_order_items": f"replace items of order {order}",
        "modify_pending_order_address": f"have order {order} sent to another address",
        "modify_pending_order_payment": f"have order {order} paid with another method",
        "modify_user_address": "change the address in your profile",
        "return_delivered_order_items": f"take back items of order {order}",
        "exchange_delivered_order_items": f"exchange items of order {order}",
    }.get(name, name.replace("_", " "))


def done(name: str, arguments: Mapping[str, Any]) -> str:
    """Return a sentence that says that a call has been made."""
    order = arguments.get("order_id", "")
    return {
        "cancel_pending_order": f"Order {order} has been cancelled.",
        "modify_pending_order_items": f"The items of order {order} have been changed.",
        "modify_pending_order_address": f"The address of order {order} has been changed.",
        "modify_pending_order_payment": f"The payment of order {order} has been changed.",
        "modify_user_address": "The address in your profile has been changed.",
        "return_delivered_order_items": f"The return from order {order} has been requested. {MAIL}",
        "exchange_delivered_order_items": f"The exchange for order {order} has been requested. {MAIL}",
    }.get(name, "It has been done.")


def address(given: Mapping[str, Any]) -> str:
    """Return the address of a call on one line."""
    parts = (given.get(key) for key in ("address1", "address2", "city", "state", "zip", "country"))
    return ", ".join(str(part) for part in parts if part)


def item(record: Mapping[str, Any]) -> str:
    """Return an item or variant by its options.

    >>> item({"name": "Wool Throw", "options": {"color": "moss", "weight": "light"}})
    'Wool Throw (moss, light)'
    """
    return f"{record.get('name', '')} ({', '.join(map(str, record.get('options', {}).values()))})".strip()
