"""The shop's tools as τ-bench v1 and τ²-bench have them, quirks included: recorded conversations replay to the letter.

Both versions do nearly the same, so there is one implementation, told which version it is. What sets them apart stands where
it matters: v2 begins its complaints with a capital, lets an order that "contains" pending be changed, wants a new item to
be another than the old one, and gives all changed items the price of the last one. The tools do not enforce the policy; that
is the agent's duty.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from actorcritic_cli.envs.tau import retail_schemas as schemas
from actorcritic_cli.envs.tau.common import CALCULATE, THINK, TRANSFER_TO_HUMAN_AGENTS
from actorcritic_cli.envs.tau.database import Record, Tables, clone
from actorcritic_cli.envs.tau.domain import Domain
from actorcritic_cli.envs.tau.retail_checks import problems
from actorcritic_cli.envs.tau.tools import Outcome, Refusal, Tool


class RetailTools:
    """The tools of one version. Every method takes the present records first, and the call's arguments by name."""

    def __init__(self, version: Literal[1, 2]):
        self._v2 = version == 2

    # lookups

    def find_user_id_by_email(self, tables: Tables, email: Any) -> Outcome:
        """Return the id of the first user with an e-mail address, case aside."""
        for user_id, user in tables["users"].items():
            if user["email"].lower() == email.lower():
                return Outcome(user_id)
        raise self._refusal("user not found")

    def find_user_id_by_name_zip(self, tables: Tables, first_name: Any, last_name: Any, zip: Any) -> Outcome:
        """Return the id of the first user with a name, case aside, and a ZIP code."""
        for user_id, user in tables["users"].items():
            if (
                user["name"]["first_name"].lower() == first_name.lower()
                and user["name"]["last_name"].lower() == last_name.lower()
                and user["address"]["zip"] == zip
            ):
                return Outcome(user_id)
        raise self._refusal("user not found")

    def get_order_details(self, tables: Tables, order_id: Any) -> Outcome:
        """Return an order."""
        return Outcome(self._record(tables, "order", order_id))

    def get_product_details(self, tables: Tables, product_id: Any) -> Outcome:
        """Return a product with its variants."""
        return Outcome(self._record(tables, "product", product_id))

    def get_item_details(self, tables: Tables, item_id: Any) -> Outcome:
        """Return a variant, whatever product it is of (v2 only)."""
        for product in tables["products"].values():
            if item_id in product["variants"]:
                return Outcome(product["variants"][item_id])
        raise self._refusal("item not found")

    def get_user_details(self, tables: Tables, user_id: Any) -> Outcome:
        """Return a user's profile."""
        return Outcome(self._record(tables, "user", user_id))

    def list_all_product_types(self, tables: Tables) -> Outcome:
        """Return product name → product id, by name."""
        named = {product["name"]: product["product_id"] for product in tables["products"].values()}
        return Outcome({name: named[name] for name in sorted(named)})

    # pending orders

    def cancel_pending_order(self, tables: Tables, order_id: Any, reason: Any) -> Outcome:
        """Refund every entry of the order's history; gift cards get theirs back at once."""
        order = clone(self._record(tables, "order", order_id))
        if order["status"] != "pending":
            raise self._refusal("non-pending order cannot be cancelled")
        if reason not in schemas.REASONS:
            raise self._refusal("invalid reason")
        user = self._owner(tables, order)
        refunds = []
        for paid in order["payment_history"]:
            method_id, amount = paid["payment_method_id"], paid["amount"]
            refunds.append(self._entry("refund", amount, method_id))
            if self._v2:
                method = self._method(user, method_id)
                if method["source"] == "gift_card":
                    _add(method, amount)
            elif "gift_card" in method_id:
                _add(user["payment_methods"][method_id], amount)
        order["status"] = "cancelled"
        order["cancel_reason"] = reason
        order["payment_history"].extend(refunds)
        return _changed(order, user)

    def modify_pending_order_address(
        self,
        tables: Tables,
        order_id: Any,
        address1: Any,
        address2: Any,
        city: Any,
        state: Any,
        country: Any,
        zip: Any,
    ) -> Outcome:
        """Replace where an order goes."""
        order = clone(self._record(tables, "order", order_id))
        self._must_be_pending(order)
        order["address"] = self._address(address1, address2, city, state, country, zip)
        return _changed(order)

    def modify_pending_order_payment(self, tables: Tables, order_id: Any, payment_method_id: Any) -> Outcome:
        """Pay an order with another method, and refund the one that paid it."""
        order = clone(self._record(tables, "order", order_id))
        self._must_be_pending(order)
        user = self._owner(tables, order)
        method = self._method(user, payment_method_id)
        history = order["payment_history"]
        if len(history) != 1 or history[0]["transaction_type"] != "payment":
            raise self._refusal("there should be exactly one payment for a pending order")
        before, amount = history[0]["payment_method_id"], history[0]["amount"]
        if before == payment_method_id:
            raise self._refusal("the new payment method should be different from the current one")
        if method["source"] == "gift_card" and method["balance"] < amount:
            raise self._refusal("insufficient gift card balance to pay for the order")
        history.append(self._entry("payment", amount, payment_method_id))
        history.append(self._entry("refund", amount, before))
        if method["source"] == "gift_card":
            _add(method, -amount)
        if self._v2:
            if self._method(user, before)["source"] == "gift_card":
                _add(user["payment_methods"][before], amount)
        elif "gift_card" in before:
            _add(user["payment_methods"][before], amount)
        return _changed(order, user)

    def modify_pending_order_items(
        self, tables: Tables, order_id: Any, item_ids: Any, new_item_ids: Any, payment_method_id: Any
    ) -> Outcome:
        """Replace items by other variants and settle the difference, which is not rounded. It can be done only once.

        In v2 all of them get the price and the options of the last new one, as in the original.
        """
        order = clone(self._record(tables, "order", order_id))
        if order["status"] != "pending":
            raise self._refusal("non-pending order cannot be modified")
        for item_id in item_ids:
            if item_ids.count(item_id) > _ids(order).count(item_id):
                raise Refusal(f"{item_id} not found")
        if len(item_ids) != len(new_item_ids):
            raise self._refusal("the number of items to be exchanged should match")
        pairs = list(zip(item_ids, new_item_ids, strict=True))
        difference, last = 0, None
        for item_id, new_item_id in pairs:
            if self._v2 and item_id == new_item_id:
                raise Refusal("The new item id should be different from the old item id")
            item = _item(order, item_id)
            last = self._variant(tables, item, new_item_id)
            difference += last["price"] - item["price"]
        user = self._owner(tables, order)
        method = self._method(user, payment_method_id)
        if method["source"] == "gift_card" and method["balance"] < difference:
            raise self._refusal("insufficient gift card balance to pay for the new item")
        kind = "payment" if difference > 0 else "refund"
        order["payment_history"].append(self._entry(kind, abs(difference), payment_method_id))
        if method["source"] == "gift_card":
            _add(method, -difference)
        for item_id, new_item_id in pairs:
            item = _item(order, item_id)
            variant = last if self._v2 else tables["products"][item["product_id"]]["variants"][new_item_id]
            assert variant is not None
            item |= {"item_id": new_item_id, "price": variant["price"], "options": variant["options"]}
        order["status"] = "pending (item modified)"
        return _changed(order, user)

    # delivered orders

    def exchange_delivered_order_items(
        self, tables: Tables, order_id: Any, item_ids: Any, new_item_ids: Any, payment_method_id: Any
    ) -> Outcome:
        """Note an exchange and its difference in price; items and balances stay as they are."""
        order = clone(self._record(tables, "order", order_id))
        if order["status"] != "delivered":
            raise self._refusal("non-delivered order cannot be exchanged")
        for item_id in item_ids:
            if item_ids.count(item_id) > _ids(order).count(item_id):
                raise self._refusal(f"{item_id} not found", f"Number of {item_id} not found.")
        if len(item_ids) != len(new_item_ids):
            uneven = "the number of items to be exchanged should match"
            raise self._refusal(uneven, f"T{uneven[1:]}.")
        difference = 0
        for item_id, new_item_id in zip(item_ids, new_item_ids, strict=True):
            item = _item(order, item_id)
            difference += self._variant(tables, item, new_item_id)["price"] - item["price"]
        difference = round(difference, 2)
        method = self._method(self._owner(tables, order), payment_method_id)
        if method["source"] == "gift_card" and method["balance"] < difference:
            raise self._refusal("insufficient gift card balance to pay for the price difference")
        order["status"] = "exchange requested"
        order["exchange_items"] = sorted(item_ids)
        order["exchange_new_items"] = sorted(new_item_ids)
        order["exchange_payment_method_id"] = payment_method_id
        order["exchange_price_difference"] = difference
        return _changed(order)

    def return_delivered_order_items(
        self, tables: Tables, order_id: Any, item_ids: Any, payment_method_id: Any
    ) -> Outcome:
        """Note a return and where the refund goes; balances stay as they are."""
        order = clone(self._record(tables, "order", order_id))
        if order["status"] != "delivered":
            raise self._refusal("non-delivered order cannot be returned")
        method = self._method(self._owner(tables, order), payment_method_id)
        if method["source"] != "gift_card" and payment_method_id != order["payment_history"][0]["payment_method_id"]:
            raise self._refusal(
                "payment method should be either the original payment method or a gift card",
                "Payment method should be the original payment method",
            )
        for item_id in item_ids:
            if item_ids.count(item_id) > _ids(order).count(item_id):
                raise self._refusal("some item not found")
        order["status"] = "return requested"
        order["return_items"] = sorted(item_ids)
        order["return_payment_method_id"] = payment_method_id
        return _changed(order)

    # the profile

    def modify_user_address(
        self,
        tables: Tables,
        user_id: Any,
        address1: Any,
        address2: Any,
        city: Any,
        state: Any,
        country: Any,
        zip: Any,
    ) -> Outcome:
        """Replace a user's address."""
        user = clone(self._record(tables, "user", user_id))
        user["address"] = self._address(address1, address2, city, state, country, zip)
        return Outcome(user, {"users": {user_id: user}})

    # what the tools share

    def _refusal(self, first: str, second: str = "") -> Refusal:
        """Return the refusal in the version's words: v2 has v1's with a capital, unless it has ``second``."""
        return Refusal((second or first[0].upper() + first[1:]) if self._v2 else first)

    def _record(self, tables: Tables, kind: str, key: Any) -> Record:
        if key not in tables[f"{kind}s"]:
            raise self._refusal(f"{kind} not found")
        return tables[f"{kind}s"][key]

    def _owner(self, tables: Tables, order: Record) -> Record:
        """Return a copy of the profile of an order's owner. In v1 profiles do not hold their id."""
        return {"_id": order["user_id"], **clone(tables["users"][order["user_id"]])}

    def _method(self, user: Record, payment_method_id: Any) -> Record:
        if payment_method_id not in user["payment_methods"]:
            raise self._refusal("payment method not found")
        method: Record = user["payment_methods"][payment_method_id]
        return method

    def _variant(self, tables: Tables, item: Record, new_item_id: Any) -> Record:
        """Return what an item is replaced by: an available variant of the same product."""
        variants = tables["products"][item["product_id"]]["variants"]
        nowhere = f"new item {new_item_id} not found or available"
        if new_item_id not in variants:
            raise self._refusal(nowhere, "Variant not found")
        variant: Record = variants[new_item_id]
        if not variant["available"]:
            raise self._refusal(nowhere)
        return variant

    def _must_be_pending(self, order: Record) -> None:
        """Also let an order pass in v2 whose items were modified before."""
        if not ("pending" in order["status"] if self._v2 else order["status"] == "pending"):
            raise self._refusal("non-pending order cannot be modified")

    def _entry(self, kind: str, amount: Any, payment_method_id: Any) -> Record:
        """Return an entry of a payment history."""
        return {
            "transaction_type": kind,
            "amount": float(amount) if self._v2 else amount,
            "payment_method_id": payment_method_id,
        }

    def _address(self, address1: Any, address2: Any, city: Any, state: Any, country: Any, zip_code: Any) -> Record:
        fields = {"address1": address1, "address2": address2, "city": city}
        if not self._v2:
            return {**fields, "state": state, "country": country, "zip": zip_code}
        return msgspec.convert({**fields, "country": country, "state": state, "zip": zip_code}, dict[str, str])


def _ids(order: Record) -> list[Any]:
    return [item["item_id"] for item in order["items"]]


def _item(order: Record, item_id: Any) -> Record:
    """Return the first item of an order with an id."""
    return next(item for item in order["items"] if item["item_id"] == item_id)


def _add(method: Record, amount: Any) -> None:
    """Put money on a gift card, or take it off."""
    method["balance"] = round(method["balance"] + amount, 2)


def _changed(order: Record, user: Record | None = None) -> Outcome:
    """Return the order, stored, with its owner's profile where that has changed too."""
    changes = {"orders": {order["order_id"]: order}}
    if user is not None:
        changes["users"] = {user.pop("_id"): user}
    return Outcome(order, changes)


_TOOLS = RetailTools(1)
DOMAIN = Domain(
    name="retail",
    tables=("orders", "products", "users"),
    tools=(
        CALCULATE,
        Tool(schemas.CANCEL_PENDING_ORDER, _TOOLS.cancel_pending_order),
        Tool(schemas.EXCHANGE_DELIVERED_ORDER_ITEMS, _TOOLS.exchange_delivered_order_items),
        Tool(schemas.FIND_USER_ID_BY_EMAIL, _TOOLS.find_user_id_by_email),
        Tool(schemas.FIND_USER_ID_BY_NAME_ZIP, _TOOLS.find_user_id_by_name_zip),
        Tool(schemas.GET_ORDER_DETAILS, _TOOLS.get_order_details),
        Tool(schemas.GET_PRODUCT_DETAILS, _TOOLS.get_product_details),
        Tool(schemas.GET_USER_DETAILS, _TOOLS.get_user_details),
        Tool(schemas.LIST_ALL_PRODUCT_TYPES, _TOOLS.list_all_product_types),
        Tool(schemas.MODIFY_PENDING_ORDER_ADDRESS, _TOOLS.modify_pending_order_address),
        Tool(schemas.MODIFY_PENDING_ORDER_ITEMS, _TOOLS.modify_pending_order_items),
        Tool(schemas.MODIFY_PENDING_ORDER_PAYMENT, _TOOLS.modify_pending_order_payment),
        Tool(schemas.MODIFY_USER_ADDRESS, _TOOLS.modify_user_address),
        Tool(schemas.RETURN_DELIVERED_ORDER_ITEMS, _TOOLS.return_delivered_order_items),
        THINK,
        TRANSFER_TO_HUMAN_AGENTS,
    ),
    problems=problems,
    task_lists=("dev", "train"),
)
"""The shop of v1: its tables, its tools in the order the model sees them, and the check of its records."""
