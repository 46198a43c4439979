"""Two wishes in one conversation: the second comes up when the first has been met, or refused."""

from __future__ import annotations

from collections.abc import Iterator

from actorcritic_cli.envs.tau.database import Record
from actorcritic_cli.envs.tau.drawn import retail_items as items
from actorcritic_cli.envs.tau.drawn import retail_questions as questions
from actorcritic_cli.envs.tau.drawn import retail_refusals as refusals
from actorcritic_cli.envs.tau.drawn import retail_wishes as wishes
from actorcritic_cli.envs.tau.drawn.retail_records import Shop
from actorcritic_cli.envs.tau.drawn.retail_talk import Style, Talk, Wish
from actorcritic_cli.types import Task

_NAMED: tuple[Style, ...] = ("eager", "plain", "plain")


def pairs(shop: Shop) -> Iterator[Task]:
    """Yield the tasks with two wishes. Their kind is that of the first wish that is met."""
    for user_id in shop.users():
        pending, delivered, processed = (
            shop.orders(status, user_id) for status in ("pending", "delivered", "processed")
        )
        yield from _two_orders(shop, pending, delivered)
        for index, order in enumerate([*pending, *delivered]):
            yield from _order_and_profile(shop, order, index)
            if processed:
                yield from _refused_then_met(shop, processed[0], order)


def _two_orders(shop: Shop, pending: list[Record], delivered: list[Record]) -> Iterator[Task]:
    """Two cancellations, two returns, or one of each."""
    if len(pending) > 1:
        talk, later = _talk(shop, "cancel-pair", pending[0]), _talk(shop, "cancel-pair-later", pending[1])
        yield talk.task(wishes.cancel(talk), wishes.cancel(later, late=True))
    if len(delivered) > 1:
        talk, later = _talk(shop, "return-pair", delivered[0]), _talk(shop, "return-pair-later", delivered[1])
        yield talk.task(items.send_back(talk), items.send_back(later, late=True))
        talk, later = _talk(shop, "return-swap", delivered[1]), _talk(shop, "return-swap-later", delivered[0])
        exchange = items.swap(later, "exchange", late=True)
        if exchange is not None:
            yield talk.task(items.send_back(talk), exchange)
    if pending and delivered:
        talk, later = _talk(shop, "cancel-return", pending[0]), _talk(shop, "cancel-return-later", delivered[0])
        yield talk.task(wishes.cancel(talk), items.send_back(later, late=True))


def _order_and_profile(shop: Shop, order: Record, index: int) -> Iterator[Task]:
    """One thing done to an order, and another to it or to the profile."""
    drawn = int(order["order_id"][-2:]) + index
    pending = order["status"] == "pending"
    talk = _talk(shop, "moved" if drawn % 3 == 0 else "handed" if drawn % 3 == 1 else "both", order)
    if drawn % 3 == 2:
        yield from _same_order(shop, talk)
        return
    first = wishes.cancel(talk) if pending else items.send_back(talk)
    second = wishes.profile_address(talk, late=True) if drawn % 3 == 0 else questions.not_ours(talk)
    yield talk.task(first, second, kind="" if drawn % 3 == 0 else "transfer")


def _same_order(shop: Shop, talk: Talk) -> Iterator[Task]:
    order = wishes.ordered(talk)
    if order["status"] != "pending":
        return
    swap = items.swap(talk, "change")
    if swap is not None:
        yield talk.task(wishes.address_before_items(talk, swap))
    ways = shop.replacing(order)
    if ways:
        again = _talk(shop, "paid-and-sent", order)
        yield again.task(wishes.payment(again, ways[0]), wishes.address(again, late=True))


def _refused_then_met(shop: Shop, processed: Record, order: Record) -> Iterator[Task]:
    """Something that is refused, as the order is on its way, and then something else that is not."""
    drawn = int(order["order_id"][-1])
    talk, later = (
        _talk(shop, f"sent-then-{order['order_id'].lstrip('#')}", processed),
        _talk(shop, "sent-then-later", order),
    )
    refused = refusals.on_its_way(talk, "cancelled")
    met: Wish | None
    if order["status"] == "delivered":
        met = items.send_back(later, late=True) if drawn % 2 else items.swap(later, "exchange", late=True)
    else:
        met = wishes.address(later, late=True)
    if met is not None:
        yield talk.task(refused, met, kind=met.kind)


def _talk(shop: Shop, name: str, order: Record) -> Talk:
    """Return the talk of a customer who names the order."""
    styles = ("plain",) if name.endswith("-later") else _NAMED
    return Talk(shop, f"{name}-{order['order_id'].lstrip('#')}", order["user_id"], order, styles)
