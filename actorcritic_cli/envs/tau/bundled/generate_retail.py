"""Write the bundled shop's database: ``python -m actorcritic_cli.envs.tau.bundled.generate_retail [FOLDER]``.

As for the airline, every record is drawn from a random stream of its own, seeded with its key, so that adding one record
leaves all others as they are.
"""

from __future__ import annotations

import sys
from itertools import product as combinations
from pathlib import Path
from random import Random
from typing import Any

from actorcritic_cli.envs.draw import below, between, pick
from actorcritic_cli.envs.tau.bundled import RETAIL
from actorcritic_cli.envs.tau.bundled.generate_airline import lines, stream
from actorcritic_cli.envs.tau.bundled.retail_material import CATALOGUE, CITIES, PEOPLE, STREETS, Product
from actorcritic_cli.envs.tau.bundled.retail_scenarios import AVAILABLE, METHODS, ORDERS, Order, Variant

OTHER_ORDERS = 44
STATUSES = ("pending", "processed", "delivered", "delivered", "cancelled")

Json = dict[str, Any]


def products() -> tuple[Json, dict[Variant, Json]]:
    """Return the catalogue, product id → record, and what an order holds of each variant."""
    found: Json = {}
    items: dict[Variant, Json] = {}
    for index, product in enumerate(CATALOGUE):
        product_id = _id(stream(f"product {product.name}"), 2, 10)
        variants = {}
        for values in combinations(*product.options.values()):
            variant = _variant(product, index, values)
            variants[variant["item_id"]] = variant
            items[(product.name, *values)] = {
                "name": product.name,
                "product_id": product_id,
                "item_id": variant["item_id"],
                "price": variant["price"],
                "options": variant["options"],
            }
        found[product_id] = {"name": product.name, "product_id": product_id, "variants": variants}
    return found, items


def _variant(product: Product, index: int, values: tuple[str, ...]) -> Json:
    rng = stream(f"{product.name}/{'/'.join(values)}")
    available = rng.random() < 0.8
    return {
        "item_id": _id(rng, 3, 8) + f"{index:02}",
        "options": dict(zip(product.options, values, strict=True)),
        "available": AVAILABLE.get((product.name, *values), available),
        "price": round(product.price * (0.85 + 0.3 * rng.random()), 2),
    }


def _id(rng: Random, first: int, digits: int) -> str:
    return str(first) + "".join(str(below(rng, 10)) for _ in range(digits - 1))


def users() -> Json:
    """Return all customers without their orders: user id → record."""
    found = {}
    for first, last in PEOPLE:
        rng = stream(f"shopper {first} {last}")
        user_id = f"{first}_{last}_{between(rng, 1000, 9999)}".lower()
        found[user_id] = _user(rng, first, last)
    return found


def _user(rng: Random, first: str, last: str) -> Json:
    city, state, code = pick(rng, CITIES)
    kinds = METHODS.get(f"{first} {last}") or (pick(rng, ("card:visa", "card:mastercard", "paypal")), "gift:50")
    methods = [_payment_method(rng, kind) for kind in kinds]
    return {
        "name": {"first_name": first, "last_name": last},
        "address": {
            "address1": f"{between(rng, 2, 640)} {pick(rng, STREETS)}",
            "address2": f"Flat {between(rng, 1, 40)}",
            "city": city,
            "country": "USA",
            "state": state,
            "zip": code,
        },
        "email": f"{first}.{last}{between(rng, 10, 99)}@example.org".lower(),
        "payment_methods": {method["id"]: method for method in methods},
        "orders": [],
    }


def _payment_method(rng: Random, kind: str) -> Json:
    source, _, what = kind.partition(":")
    number = _id(rng, 4, 6)
    if source == "card":
        last_four = f"{between(rng, 1000, 9999)}"
        return {"source": "credit_card", "brand": what, "last_four": last_four, "id": f"credit_card_{number}"}
    if source == "gift":
        return {"source": "gift_card", "balance": int(what), "id": f"gift_card_{number}"}
    return {"source": "paypal", "id": f"paypal_{number}"}


def orders(items: dict[Variant, Json], all_users: Json) -> Json:
    """Return all orders, and enter each in its customer's record."""
    ids = {f"{user['name']['first_name']} {user['name']['last_name']}": key for key, user in all_users.items()}
    found: Json = {}
    for order in sorted((*ORDERS, *_other_orders(items)), key=lambda order: order.id):
        user_id = ids[order.customer]
        found[order.id] = _order(order, user_id, all_users[user_id], items)
        all_users[user_id]["orders"].append(order.id)
    return found


def _other_orders(items: dict[Variant, Json]) -> list[Order]:
    """Orders that no task is about; the customers of tasks have some of them too, all on the way, so that these change
    nothing in what a task allows."""
    found = []
    for index in range(OTHER_ORDERS):
        rng = stream(f"order {index}")
        name = " ".join(PEOPLE[-1 - index % len(PEOPLE)])
        status = "processed" if name in METHODS else pick(rng, STATUSES)
        variants = tuple(pick(rng, tuple(items)) for _ in range(between(rng, 1, 3)))
        found.append(Order(f"#W{301_000 + 37 * index + between(rng, 0, 36)}", name, status, variants))  # type: ignore[arg-type]
    return found


def _order(order: Order, user_id: str, user: Json, items: dict[Variant, Json]) -> Json:
    rng = stream(order.id)
    bought = [items[variant] for variant in order.items]
    sent = order.status in ("processed", "delivered")
    method = list(user["payment_methods"])[order.paid_by]
    total = round(sum(item["price"] for item in bought), 2)
    kinds = ("payment", "refund") if order.status == "cancelled" else ("payment",)
    return {
        "order_id": order.id,
        "user_id": user_id,
        "address": dict(user["address"]),
        "items": bought,
        "fulfillments": [{"tracking_id": [_id(rng, 5, 11)], "item_ids": [item["item_id"] for item in bought]}]
        if sent
        else [],
        "status": order.status,
        "payment_history": [{"transaction_type": kind, "amount": total, "payment_method_id": method} for kind in kinds],
    }


def generate() -> dict[str, str]:
    """Return the database as file name → text. The same on every call and every Python."""
    all_products, items = products()
    all_users = users()
    all_orders = orders(items, all_users)
    return {"orders.json": lines(all_orders), "products.json": lines(all_products), "users.json": lines(all_users)}


def main(folder: Path = RETAIL) -> None:
    """Write the three files into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in generate().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
