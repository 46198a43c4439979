"""What the shop's records and policy allow: who may pay what, which variants there are, where a refund may go.

The ground truth of the drawn tasks is computed here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from actorcritic_cli.envs.tau.database import Record, Tables


class Swap(Struct, frozen=True):
    """An item to be replaced, and the variant that replaces it."""

    old: Record
    new: Record


class Shop:
    """The records, read by the rules of the policy."""

    def __init__(self, tables: Tables):
        self._tables = tables

    def users(self) -> list[str]:
        """Return the ids of all customers."""
        return list(self._tables["users"])

    def profile(self, user_id: str) -> Record:
        """Return a customer's profile."""
        return self._tables["users"][user_id]

    def products(self) -> list[Record]:
        """Return the catalogue."""
        return list(self._tables["products"].values())

    def orders(self, status: str, user_id: str = "") -> list[Record]:
        """Return the orders of a status, of all customers or one."""
        return [
            order
            for order in self._tables["orders"].values()
            if order["status"] == status and user_id in ("", order["user_id"])
        ]

    def methods(self, user_id: str) -> list[Record]:
        """Return a customer's payment methods."""
        return list(self.profile(user_id)["payment_methods"].values())

    def payer(self, order: Record) -> Record:
        """Return the method that paid an order."""
        found: Record = self.profile(order["user_id"])["payment_methods"][
            order["payment_history"][0]["payment_method_id"]
        ]
        return found

    def settling(self, user_id: str, cost: float) -> list[Record]:
        """Return the methods that may settle a difference in price (R3.7): a gift card must cover it."""
        return [method for method in self.methods(user_id) if _covers(method, cost)]

    def replacing(self, order: Record) -> list[Record]:
        """Return the methods that may pay a pending order in the place of its own (R3.5)."""
        payer = self.payer(order)
        return [m for m in self.settling(order["user_id"], paid(order)) if m["id"] != payer["id"]]

    def refunding(self, order: Record) -> list[Record]:
        """Return the methods that the refund of a return may go to (R4.2)."""
        payer = self.payer(order)
        gifts = [m for m in self.methods(order["user_id"]) if m["source"] == "gift_card"]
        return [payer, *(gift for gift in gifts if gift["id"] != payer["id"])]

    def variants(self, item: Record, *, available: bool) -> list[Record]:
        """Return the other variants of an item's product that are to be had, or those that are not."""
        variants = self._tables["products"][item["product_id"]]["variants"].values()
        return [
            {**variant, "name": item["name"]}
            for variant in variants
            if variant["available"] is available and variant["item_id"] != item["item_id"]
        ]

    def swaps(self, order: Record) -> list[Swap]:
        """Return all that can be replaced in an order (R3.6, R4.3), one item at a time.

        Items of which the order has several are left out, as are those that a customer could not see a difference in.
        """
        return [
            Swap(item, variant)
            for item in single(order)
            for variant in self.variants(item, available=True)
            if abs(difference([Swap(item, variant)])) >= 0.01
        ]

    def known_by(self, order: Record) -> list[str]:
        """Return the product names that no other order of the same customer has."""
        own = self.profile(order["user_id"])["orders"]
        others = {i["name"] for key in own if key != order["order_id"] for i in self._tables["orders"][key]["items"]}
        return [item["name"] for item in single(order) if item["name"] not in others]


def single(order: Record) -> list[Record]:
    """Return the items of products that an order has one of."""
    names = [item["name"] for item in order["items"]]
    return [item for item in order["items"] if names.count(item["name"]) == 1]


def paid(order: Record) -> float:
    """Return what an order cost."""
    return float(order["payment_history"][0]["amount"])


def total(items: Sequence[Record]) -> float:
    """Return the price of items together."""
    return round(sum(float(item["price"]) for item in items), 2)


def difference(swaps: Sequence[Swap]) -> float:
    """Return what swaps cost; negative: pay back."""
    return round(total([swap.new for swap in swaps]) - total([swap.old for swap in swaps]), 2)


def money(amount: float) -> str:
    """Return an amount as it occurs in any way of writing it.

    >>> money(96.2), money(48.0), money(-15.11)
    ('96.2', '48', '15.11')
    """
    return f"{abs(amount):.2f}".rstrip("0").rstrip(".")


def _covers(method: Record, cost: float) -> bool:
    return bool(method["source"] != "gift_card" or method["balance"] >= cost)
