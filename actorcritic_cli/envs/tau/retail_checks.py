"""Whether a shop's data set hangs together: required keys, and every reference to another record.

As for the airline: the tools check nothing of this, so a broken file is found here and not in the middle of a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actorcritic_cli.envs.tau.airline_checks import missing, unknown_users
from actorcritic_cli.envs.tau.database import Tables
from actorcritic_cli.types import Task

_KEYS = {
    "orders": ("order_id", "user_id", "address", "items", "fulfillments", "status", "payment_history"),
    "products": ("name", "product_id", "variants"),
    "users": ("name", "address", "email", "payment_methods", "orders"),
}
_ITEM_KEYS = ("name", "product_id", "item_id", "price", "options")
_VARIANT_KEYS = ("item_id", "options", "available", "price")


def problems(tables: Tables, tasks: Sequence[Task]) -> list[str]:
    """Return what is wrong with the records and tasks, one sentence each; empty when nothing is."""
    found = missing(tables, _KEYS)
    if found:  # the references below need the keys
        return found
    try:
        return [*_products(tables), *_orders(tables), *_users(tables), *unknown_users(tables, tasks)]
    except (KeyError, TypeError, AttributeError) as error:
        return [f"a record has an unexpected shape ({type(error).__name__}: {error})"]


def _products(tables: Tables) -> Iterator[str]:
    for key, product in tables["products"].items():
        if product["product_id"] != key:
            yield f"products {key}: has the id {product['product_id']!r}"
        for item_id, variant in product["variants"].items():
            yield from (
                f"products {key}: variant {item_id} has no {name!r}" for name in set(_VARIANT_KEYS) - set(variant)
            )
            if variant.get("item_id") != item_id:
                yield f"products {key}: variant {item_id} has the id {variant.get('item_id')!r}"


def _orders(tables: Tables) -> Iterator[str]:
    for key, order in tables["orders"].items():
        if order["order_id"] != key:
            yield f"orders {key}: has the id {order['order_id']!r}"
        user = tables["users"].get(order["user_id"])
        if user is None:
            yield f"orders {key}: unknown user {order['user_id']!r}"
            continue
        if key not in user["orders"]:
            yield f"orders {key}: is not listed by its user {order['user_id']}"
        for item in order["items"]:
            yield from (f"orders {key}: an item has no {name!r}" for name in _ITEM_KEYS if name not in item)
            if item.get("product_id") not in tables["products"]:
                yield f"orders {key}: unknown product {item.get('product_id')!r}"
        for paid in order["payment_history"]:
            if paid["payment_method_id"] not in user["payment_methods"]:
                yield f"orders {key}: unknown payment method {paid['payment_method_id']!r}"


def _users(tables: Tables) -> Iterator[str]:
    for key, user in tables["users"].items():
        for order_id in user["orders"]:
            if order_id not in tables["orders"]:
                yield f"users {key}: unknown order {order_id!r}"
        for method_id, method in user["payment_methods"].items():
            if method["id"] != method_id:
                yield f"users {key}: payment method {method_id} has the id {method['id']!r}"
            if method["source"] == "gift_card" and "balance" not in method:
                yield f"users {key}: payment method {method_id} has no balance"
