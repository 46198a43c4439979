"""What an expert knows of the shop: how to find the customer, what to look up, and what follows for money."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from actorcritic_cli.actors.sim import retail_words as words
from actorcritic_cli.actors.sim.desk import Question, Refusal
from actorcritic_cli.actors.sim.moves import Move, SlipKind
from actorcritic_cli.actors.sim.past import Past
from actorcritic_cli.types import ExpectedAction, Task

WHO = "May I have your e-mail address, or else your name and ZIP code?"
WHICH = "And what is the order number, if you have it at hand?"
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ZIP = re.compile(r"\b\d{5}\b")
_ORDER = re.compile(r"#W\d+")
_FOUND = ("find_user_id_by_email", "find_user_id_by_name_zip")


class RetailDesk:
    """The shop's expert knowledge (see ``desk.Desk``)."""

    rules: Mapping[SlipKind, str] = {
        "no_confirmation": "R1.3",
        "breaks_rule": "R1.6",
        "wrong_argument": "R1.3",
        "wrong_record": "R1.3",
        "wrong_payment": "R1.3",
        "false_claim": "R1.5",
        "early_transfer": "R6.1",
        "left_out": "R1.5",
        "more_than_asked": "R1.3",
    }
    topics: Mapping[str, str] = words.TOPICS

    def identify(self, task: Task, past: Past) -> Move | None:
        """Find the customer by what was said, and open the profile."""
        user_id = str(task.extra.get("user_id", ""))
        profile = {"user_id": user_id}
        if not user_id or past.result("get_user_details", profile) is not None:
            return None
        if any(made.name in _FOUND and not made.failed for made in past.calls):
            return Move("look", tool="get_user_details", arguments=profile)
        for name, arguments in self._ways(user_id, past):
            if past.result(name, arguments) is None:
                return Move("look", tool=name, arguments=arguments)
        if past.told(WHO) < 2:
            about = [action for action in task.actions if "order_id" in action.arguments]
            unknown = bool(about) and _ORDER.search(past.words) is None
            return Move("ask", f"{WHO} {WHICH}" if unknown else WHO)
        return Move("look", tool="get_user_details", arguments=profile)

    def look(self, task: Task, write: ExpectedAction | None, past: Past) -> Move | None:
        """Open the order (where its number is not known: the profile's until it is found) and the products replaced."""
        if write is None:
            named = [order for order in dict.fromkeys(_ORDER.findall(past.words)) if order in self._own(task, past)]
            return self._open(named, past)
        order = write.arguments.get("order_id")
        if order is None:
            return None
        own = self._own(task, past)
        tried = own[: own.index(order) + 1] if order not in past.words and order in own else [order]
        return self._open(tried, past) or self._products(write.arguments, past)

    def questions(self, tools: Sequence[str], past: Past) -> Sequence[Question]:
        """Return what the calls need to know; nothing of an order that is on its way."""
        if not tools:
            if any(order.get("status") == "processed" for order in self._opened(past)):
                return ()
            tools = [tool for asked, tool in words.BEFORE_DECLINING if re.search(asked, past.words, re.IGNORECASE)][:1]
        return [question for tool in tools for question in words.QUESTIONS.get(tool, ())]

    def headline(self, write: ExpectedAction) -> str:
        """Return a write in a few words."""
        return words.headline(write.name, write.arguments)

    def details(self, task: Task, write: ExpectedAction, past: Past) -> str:
        """Return what changes, what it costs or pays back, and through which payment method."""
        given = write.arguments
        order = self._order(given, past)
        paid = [entry for entry in order.get("payment_history", ()) if entry.get("transaction_type") == "payment"]
        ways = " and ".join(self._method(task, entry["payment_method_id"], past) for entry in paid)
        total = sum(entry["amount"] for entry in paid)
        match write.name:
            case "cancel_pending_order":
                return f"the reason is '{given['reason']}', and ${_plain(total)} goes back to {ways}."
            case "modify_pending_order_payment":
                how = self._method(task, given["payment_method_id"], past)
                return f"${_plain(total)} is charged to {how}, and the same goes back to {ways}."
            case "modify_pending_order_address" | "modify_user_address":
                return f"the address will be {words.address(given)}, at no charge."
            case "return_delivered_order_items":
                items = self._items(given, past)
                back = sum(item.get("price", 0) for item in items)
                how = self._method(task, given["payment_method_id"], past)
                return f"{_listed(items)}; ${_plain(back)} goes back to {how}. {words.MAIL}"
            case _:
                return self._swap(task, given, past)

    def done(self, name: str, arguments: dict[str, Any]) -> str:
        """Return a sentence that says that a call has been made."""
        return words.done(name, arguments)

    def remark(self, task: Task, writes: Sequence[ExpectedAction], past: Past) -> str:
        """Return what stands against other variants and other ways to pay than those proposed."""
        remarks = []
        for write in writes:
            if write.name == "return_delivered_order_items":
                remarks.append(words.RETURN_RULE)
            if "new_item_ids" in write.arguments:
                gone = self._unavailable(write.arguments, past)
                remarks += [f"Not available at the moment: {', '.join(gone)}."] if gone else []
                cost = self._difference(write.arguments, past)
                for method in self._profile(task, past).get("payment_methods", {}).values():
                    if method.get("source") == "gift_card" and method.get("balance", 0) < cost:
                        remarks.append(f"There is not enough on your gift card ({method['id']}) for the difference.")
        return " ".join(remarks)

    def refusal(self, task: Task, past: Past, request: str) -> Refusal | None:
        """Return the rule that stands against a request in these words."""
        if any(order.get("status") == "processed" for order in self._opened(past)):
            return words.PROCESSED
        fitting = (r for r in words.REFUSALS if re.search(r.asked, request, re.IGNORECASE | re.DOTALL))
        return next(fitting, None)

    def forbidden(self, task: Task, past: Past) -> Move | None:
        """Cancel for a reason that is none, or take back what the customer did not want to return like that."""
        opened = self._opened(past)
        if not opened:
            return None
        order = opened[-1]
        if order["status"] == "delivered":
            arguments = {
                "order_id": order["order_id"],
                "item_ids": [item["item_id"] for item in order["items"]],
                "payment_method_id": order["payment_history"][0]["payment_method_id"],
            }
            return Move("write", tool="return_delivered_order_items", arguments=arguments)
        cancel = {"order_id": order["order_id"], "reason": "no longer needed"}
        return Move("write", tool="cancel_pending_order", arguments=cancel)

    def extra(self, task: Task, past: Past) -> Move | None:
        """Change the profile's address, which nobody asked for."""
        address = dict(self._profile(task, past).get("address", {}))
        if not address:
            return None
        address |= {"address2": "Suite 1" if address.get("address2") != "Suite 1" else ""}
        return Move("write", tool="modify_user_address", arguments={"user_id": task.extra["user_id"], **address})

    def _ways(self, user_id: str, past: Past) -> list[tuple[str, dict[str, Any]]]:
        """Return the calls that may find the customer by what was said."""
        ways: list[tuple[str, dict[str, Any]]] = [
            ("find_user_id_by_email", {"email": email.rstrip(".")}) for email in _EMAIL.findall(past.words)
        ]
        first, last = (part.title() for part in (*user_id.split("_"), "", "")[:2])
        if first.lower() in past.words.lower() and last.lower() in past.words.lower():
            ways += [
                ("find_user_id_by_name_zip", {"first_name": first, "last_name": last, "zip": code})
                for code in _ZIP.findall(past.words)
            ]
        return ways

    def _profile(self, task: Task, past: Past) -> dict[str, Any]:
        made = past.result("get_user_details", {"user_id": task.extra.get("user_id", "")})
        return made.value if made is not None and isinstance(made.value, dict) else {}

    def _own(self, task: Task, past: Past) -> list[str]:
        return list(self._profile(task, past).get("orders", ()))

    def _open(self, orders: Sequence[str], past: Past) -> Move | None:
        for order in orders:
            if past.result("get_order_details", {"order_id": order}) is None:
                return Move("look", tool="get_order_details", arguments={"order_id": order})
        return None

    def _opened(self, past: Past) -> list[dict[str, Any]]:
        named = (made.value for made in past.calls if made.name == "get_order_details")
        return [order for order in named if isinstance(order, dict)]

    def _order(self, given: Mapping[str, Any], past: Past) -> dict[str, Any]:
        made = past.result("get_order_details", {"order_id": given.get("order_id")})
        return made.value if made is not None and isinstance(made.value, dict) else {}

    def _items(self, given: Mapping[str, Any], past: Past) -> list[dict[str, Any]]:
        """Return the order's items that a call names, as often as it names them."""
        wanted, found = Counter(given.get("item_ids", ())), []
        for item in self._order(given, past).get("items", ()):
            if wanted[item["item_id"]] > 0:
                wanted[item["item_id"]] -= 1
                found.append(item)
        return found

    def _products(self, given: Mapping[str, Any], past: Past) -> Move | None:
        """Look up the products of which items are replaced."""
        for item in self._items(given, past) if "new_item_ids" in given else ():
            arguments = {"product_id": item["product_id"]}
            if past.result("get_product_details", arguments) is None:
                return Move("look", tool="get_product_details", arguments=arguments)
        return None

    def _variants(self, given: Mapping[str, Any], past: Past) -> dict[str, dict[str, Any]]:
        """Return the variants of the products of which items are replaced, by item id."""
        found: dict[str, dict[str, Any]] = {}
        for item in self._items(given, past):
            made = past.result("get_product_details", {"product_id": item["product_id"]})
            product = made.value if made is not None and isinstance(made.value, dict) else {}
            for item_id, variant in product.get("variants", {}).items():
                found[item_id] = {**variant, "name": product.get("name", "")}
        return found

    def _new(self, given: Mapping[str, Any], past: Past) -> list[dict[str, Any]]:
        variants = self._variants(given, past)
        return [variants.get(item_id, {}) for item_id in given["new_item_ids"]]

    def _difference(self, given: Mapping[str, Any], past: Past) -> float:
        """Return what a replacement costs; negative: pays back."""
        new = sum(variant.get("price", 0) for variant in self._new(given, past))
        return float(new - sum(item.get("price", 0) for item in self._items(given, past)))

    def _unavailable(self, given: Mapping[str, Any], past: Past) -> list[str]:
        variants = self._variants(given, past).values()
        return [words.item(variant) for variant in variants if not variant.get("available", True)]

    def _swap(self, task: Task, given: Mapping[str, Any], past: Past) -> str:
        cost = self._difference(given, past)
        how = self._method(task, given["payment_method_id"], past)
        money = f"${_plain(cost)} is charged to {how}" if cost > 0 else f"${_plain(-cost)} goes back to {how}"
        return f"{_listed(self._items(given, past))} for {_listed(self._new(given, past))}; {money}."

    def _method(self, task: Task, method_id: str, past: Past) -> str:
        method = self._profile(task, past).get("payment_methods", {}).get(method_id, {})
        match method.get("source"):
            case "credit_card":
                return f"your {str(method.get('brand', 'credit')).title()} card ending in {method.get('last_four', '')}"
            case "gift_card":
                return f"your gift card {method_id}"
            case "paypal":
                return "your PayPal account"
            case _:
                return method_id


def _listed(items: Sequence[Mapping[str, Any]]) -> str:
    return " and ".join(words.item(item) for item in items)


def _plain(amount: float) -> str:
    return f"{amount:.2f}"
