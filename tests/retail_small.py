"""A small shop for tests: few records, invented, with every case a tool can meet."""

from __future__ import annotations

from typing import Any

from actorcritic_cli.envs.tau.database import Database
from actorcritic_cli.envs.tau.dataset import Dataset
from actorcritic_cli.envs.tau.environment import TauEnvironment
from actorcritic_cli.envs.tau.retail import DOMAIN
from actorcritic_cli.types import Task

POLICY = "# Policy\nBe kind – always.\n"
ADDRESS = {
    "address1": "1 Ä Street",
    "address2": "",
    "city": "Boston",
    "country": "USA",
    "state": "MA",
    "zip": "02118",
}
NEW_ADDRESS = {**ADDRESS, "address1": "2 New Street", "zip": "02119"}
MUGS = {"101": ("red", True, 10.1), "102": ("blue", True, 20.3), "103": ("green", False, 9.0)}
LAMPS = {"201": ("tall", True, 50.0), "202": ("low", True, 45.5)}


def product(name: str, product_id: str, variants: dict[str, tuple[str, bool, float]]) -> dict[str, Any]:
    return {
        "name": name,
        "product_id": product_id,
        "variants": {
            item_id: {"item_id": item_id, "options": {"look": look}, "available": available, "price": price}
            for item_id, (look, available, price) in variants.items()
        },
    }


def item(item_id: str) -> dict[str, Any]:
    name, product_id, variants = ("Mug", "1", MUGS) if item_id in MUGS else ("Lamp", "2", LAMPS)
    look, _, price = variants[item_id]
    options = {"look": look}
    return {"name": name, "product_id": product_id, "item_id": item_id, "price": price, "options": options}


def order(order_id: str, status: str, method: str, *item_ids: str) -> dict[str, Any]:
    items = [item(item_id) for item_id in item_ids]
    return {
        "order_id": order_id,
        "user_id": "anna_berg_1",
        "address": ADDRESS,
        "items": items,
        "fulfillments": [],
        "status": status,
        "payment_history": [
            {
                "transaction_type": "payment",
                "amount": round(sum(i["price"] for i in items), 2),
                "payment_method_id": method,
            }
        ],
    }


def tables() -> dict[str, dict[str, dict[str, Any]]]:
    orders = [
        order("#W1", "pending", "gift_card_1", "101", "201"),
        order("#W2", "pending", "credit_card_1", "101", "101"),
        order("#W3", "delivered", "credit_card_1", "101", "101", "202"),
        order("#W4", "processed", "paypal_1", "201"),
        order("#W5", "pending", "paypal_1", "201"),
    ]
    return {
        "orders": {one["order_id"]: one for one in orders},
        "products": {"1": product("Mug", "1", MUGS), "2": product("Lamp", "2", LAMPS)},
        "users": {
            "anna_berg_1": {
                "name": {"first_name": "Anna", "last_name": "Berg"},
                "address": ADDRESS,
                "email": "anna@Example.com",
                "payment_methods": {
                    "credit_card_1": {
                        "source": "credit_card",
                        "brand": "visa",
                        "last_four": "1111",
                        "id": "credit_card_1",
                    },
                    "gift_card_1": {"source": "gift_card", "balance": 30, "id": "gift_card_1"},
                    "gift_card_2": {"source": "gift_card", "balance": 1, "id": "gift_card_2"},
                    "paypal_1": {"source": "paypal", "id": "paypal_1"},
                },
                "orders": [one["order_id"] for one in orders],
            }
        },
    }


def environment(*tasks: Task) -> TauEnvironment:
    return TauEnvironment(DOMAIN, "small", Dataset(Database(tables()), POLICY, tasks))
