"""The drawn tasks of the shop: for every order, what its customer might want with it, and what comes of that.

Each task is drawn from a random stream of its own, seeded with its id. What an order does not allow is left out (no second
payment method, nothing sold out). See ``retail_records`` for the rules, ``retail_talk`` for the customers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actorcritic_cli.envs.tau.database import Database, Record
from actorcritic_cli.envs.tau.drawn import retail_items as items
from actorcritic_cli.envs.tau.drawn import retail_questions as questions
from actorcritic_cli.envs.tau.drawn import retail_refusals as refusals
from actorcritic_cli.envs.tau.drawn import retail_wishes as wishes
from actorcritic_cli.envs.tau.drawn.retail_pairs import pairs
from actorcritic_cli.envs.tau.drawn.retail_records import Shop
from actorcritic_cli.envs.tau.drawn.retail_talk import Style, Talk, Wish
from actorcritic_cli.types import Task

Make = Callable[[Talk], Wish | None]
NAMED: tuple[Style, ...] = ("eager", "plain", "plain")
"""Customers who name the order at once: where nothing is written, the agent has no other way to know which it is."""

_PENDING: dict[str, Make] = {
    "cancel": wishes.cancel,
    "cancel-sum": lambda talk: wishes.cancel(talk, curious=True),
    "items": lambda talk: items.swap(talk, "change"),
    "items-two": lambda talk: items.swap(talk, "change", "two"),
    "items-sum": lambda talk: items.swap(talk, "change", "curious"),
    "items-gone": lambda talk: items.swap(talk, "change", "sold out"),
    "items-gift": lambda talk: items.swap(talk, "change", "gift card"),
    "address": wishes.address,
    "address-both": lambda talk: wishes.address(talk, profile=True),
    "payment": lambda talk: _payment(talk),
    "payment-again": lambda talk: _payment(talk),
    "payment-more": lambda talk: _payment(talk),
    "lookup-total": questions.total_of_order,
}
_DELIVERED: dict[str, Make] = {
    "return": items.send_back,
    "return-sum": lambda talk: items.send_back(talk, curious=True),
    "return-all": lambda talk: items.send_back(talk, whole=True),
    "return-elsewhere": lambda talk: items.send_back(talk, elsewhere=True),
    "exchange": lambda talk: items.swap(talk, "exchange"),
    "exchange-two": lambda talk: items.swap(talk, "exchange", "two"),
    "exchange-sum": lambda talk: items.swap(talk, "exchange", "curious"),
    "exchange-gone": lambda talk: items.swap(talk, "exchange", "sold out"),
    "exchange-gift": lambda talk: items.swap(talk, "exchange", "gift card"),
    "lookup-paid": questions.paid_for_item,
}
_NAMED_PENDING: dict[str, Make] = {
    "refusal-reason": refusals.bad_reason,
    "refusal-split": lambda talk: _split(talk),
    "lookup-price": questions.other_price,
}
_NAMED_DELIVERED: dict[str, Make] = {
    "refusal-split": lambda talk: _split(talk),
    "refusal-foreign": refusals.foreign_refund,
    "refusal-product": refusals.other_product,
    "transfer-damage": questions.damaged,
}
_THIRDS = ("return-all", "return-elsewhere", "lookup-paid", "lookup-total", "lookup-price", "address-both")
"""Made for every third order only, lest there be too many."""


def tasks(database: Database) -> tuple[Task, ...]:
    """Return the drawn tasks, by kind. The same on every call and every Python."""
    shop = Shop(database.tables)
    found = [*_of_orders(shop), *_of_users(shop), *pairs(shop)]
    order = {kind: n for n, kind in enumerate(dict.fromkeys(task.kind for task in found))}
    return tuple(sorted(found, key=lambda task: order[task.kind]))


def _of_orders(shop: Shop) -> Iterator[Task]:
    pending, processed, delivered = (shop.orders(status) for status in ("pending", "processed", "delivered"))
    for orders, makers, styles in (
        (pending, _PENDING, ()),
        (delivered, _DELIVERED, ()),
        (pending, _NAMED_PENDING, NAMED),
        (delivered, _NAMED_DELIVERED, NAMED),
        (processed, {"refusal-sent": refusals.on_its_way}, NAMED),
        (processed[::4], {"lookup-tracking": questions.tracking}, ()),
        (processed[1::6], {"lookup-status": questions.status}, ()),
        (delivered[::3], {"transfer-wrong": questions.wrong_goods}, NAMED),
        ([*delivered[1::5], *processed[::9]], {"transfer-invoice": questions.invoice}, NAMED),
    ):
        for name, make in makers.items():
            chosen = orders[len(name) % 3 :: 3] if name in _THIRDS else orders
            yield from (task for order in chosen for task in _task(shop, name, order, make, styles))


def _of_users(shop: Shop) -> Iterator[Task]:
    for index, user_id in enumerate(shop.users()):
        name = user_id.rpartition("_")[0].replace("_", "-")
        if index % 3 == 0:
            talk = Talk(shop, f"address-profile-{name}", user_id, styles=NAMED)
            yield talk.task(wishes.profile_address(talk))
        if index % 3 == 1:
            talk = Talk(shop, f"transfer-profile-{name}", user_id, styles=NAMED)
            yield talk.task(questions.not_ours(talk))
        if index % 4 == 2 and any(method["source"] == "gift_card" for method in shop.methods(user_id)):
            talk = Talk(shop, f"lookup-balance-{name}", user_id, styles=NAMED)
            yield talk.task(questions.balance(talk))


def _task(shop: Shop, name: str, order: Record, make: Make, styles: tuple[Style, ...]) -> Iterator[Task]:
    talk = Talk(shop, f"{name}-{order['order_id'].lstrip('#')}", order["user_id"], order, styles)
    wish = make(talk)
    if wish is not None:
        yield talk.task(wish)


def _payment(talk: Talk) -> Wish | None:
    ways = talk.shop.replacing(wishes.ordered(talk))
    return wishes.payment(talk, ways[0]) if ways else None


def _split(talk: Talk) -> Wish | None:
    return refusals.split_payment(talk) if len(talk.methods) > 1 else None
