"""The bundled shop: its records agree with each other, and its tasks with its tools and its policy."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.envs.tau.bundled import RETAIL, generate_retail
from actorcritic_cli.envs.tau.bundled.retail_scenarios import AVAILABLE, METHODS
from actorcritic_cli.types import Message, Task
from actorcritic_cli.users.script import ScriptedUser

Json = dict[str, Any]

KINDS = {"cancel", "items", "address", "payment", "return", "exchange", "lookup", "refusal", "transfer"}
TRANSFER = "transfer_to_human_agents"
TABLES = ("orders", "products", "users")


def table(name: str) -> Json:
    value: Json = json.loads((RETAIL / f"{name}.json").read_text(encoding="utf-8"))
    return value


ORDERS, PRODUCTS, USERS = (table(name) for name in TABLES)
VARIANTS = {item_id: (product, v) for product in PRODUCTS.values() for item_id, v in product["variants"].items()}


@pytest.fixture(scope="module")
def shop() -> Environment:
    return registry.load("tau_retail", "bundled")


def all_tasks() -> list[Task]:
    return list(registry.load("tau_retail", "bundled").tasks())


# the records


@pytest.mark.parametrize("name", TABLES)
def test_generating_again_gives_the_committed_files(name: str) -> None:
    assert generate_retail.generate()[f"{name}.json"] == (RETAIL / f"{name}.json").read_text(encoding="utf-8")


def test_the_data_set_is_small_and_hangs_together() -> None:
    assert sum(path.stat().st_size for path in RETAIL.iterdir()) < 500_000
    assert {finding.level for finding in registry.check("tau_retail", "bundled")} == {"ok"}


def test_every_item_of_an_order_is_a_variant_at_its_price() -> None:
    for order in ORDERS.values():
        for item in order["items"]:
            product, variant = VARIANTS[item["item_id"]]
            assert (item["name"], item["product_id"]) == (product["name"], product["product_id"])
            assert (item["price"], item["options"]) == (variant["price"], variant["options"])


def test_an_order_is_paid_by_its_items_and_refunded_when_cancelled() -> None:
    for order in ORDERS.values():
        total = round(sum(item["price"] for item in order["items"]), 2)
        kinds = ["payment", "refund"] if order["status"] == "cancelled" else ["payment"]
        assert [(p["transaction_type"], p["amount"]) for p in order["payment_history"]] == [(k, total) for k in kinds]
        assert bool(order["fulfillments"]) == (order["status"] in ("processed", "delivered"))


def test_ids_are_unique_and_every_status_occurs() -> None:
    assert len(VARIANTS) == sum(len(product["variants"]) for product in PRODUCTS.values())
    methods = [method for user in USERS.values() for method in user["payment_methods"]]
    assert len(methods) == len(set(methods))
    assert {order["status"] for order in ORDERS.values()} == {"pending", "processed", "delivered", "cancelled"}


def test_scenarios_name_people_and_variants_that_exist() -> None:
    names = {f"{user['name']['first_name']} {user['name']['last_name']}" for user in USERS.values()}
    assert set(METHODS) <= names
    made = {(p["name"], *v["options"].values()): v["available"] for p, v in VARIANTS.values()}
    assert {variant: made[variant] for variant in AVAILABLE} == AVAILABLE


@pytest.mark.official
def test_nothing_of_the_official_shop_occurs(official_data: Path) -> None:
    folder = official_data / "tau-bench" / "retail"
    official = {name: json.loads((folder / f"{name}.json").read_text()) for name in TABLES}
    for name, ours in zip(TABLES, (ORDERS, PRODUCTS, USERS), strict=True):
        assert not set(ours) & set(official[name])
    assert not set(VARIANTS) & {item for product in official["products"].values() for item in product["variants"]}
    assert not {p["name"] for p in PRODUCTS.values()} & {p["name"] for p in official["products"].values()}
    theirs = {line.strip() for line in (folder / "policy.md").read_text().splitlines() if len(line) > 20}
    assert not theirs & {line.strip() for line in (RETAIL / "policy.md").read_text(encoding="utf-8").splitlines()}


# the policy


def test_every_rule_has_a_number_of_its_own_and_references_resolve() -> None:
    policy = (RETAIL / "policy.md").read_text(encoding="utf-8")
    defined = re.findall(r"^- \*\*(R\d\.\d)", policy, re.MULTILINE)
    assert len(defined) == len(set(defined)) >= 25
    assert set(re.findall(r"R\d\.\d", policy)) == set(defined)


# the tasks


def test_the_tasks_cover_every_kind() -> None:
    tasks = all_tasks()
    kinds = Counter(task.kind for task in tasks)
    assert set(kinds) == KINDS
    assert len(tasks) >= 20
    assert kinds["refusal"] >= 3
    assert min(kinds.values()) >= 2
    assert sum(bool(task.outputs) for task in tasks) >= 5
    assert len({task.id for task in tasks}) == len({task.extra["user_id"] for task in tasks}) == len(tasks)


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
def test_ground_truth_runs_without_an_error_and_keeps_the_policy(task: Task, shop: Environment) -> None:
    episode = shop.open(task)
    for action in task.actions:
        user = json.loads(episode.call("get_user_details", {"user_id": task.extra["user_id"]}).text)
        order = None
        if order_id := action.arguments.get("order_id"):
            assert order_id in user["orders"]  # R1.2
            order = json.loads(episode.call("get_order_details", {"order_id": order_id}).text)
        assert action.arguments.get("user_id", task.extra["user_id"]) == task.extra["user_id"]
        assert rule_broken(action.name, action.arguments, user, order) is None
        result = episode.call(action.name, action.arguments)
        assert not result.error, result.text
        assert result.ends == (action.name == TRANSFER)


def changes(task: Task) -> bool:
    return task.kind not in ("lookup", "refusal", "transfer")


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
def test_a_perfect_agent_is_rewarded_and_an_idle_one_only_where_nothing_is_to_be_done(
    task: Task, shop: Environment
) -> None:
    said = tuple(Message("assistant", f"It is ${output}.") for output in task.outputs)
    perfect, idle = shop.open(task), shop.open(task)
    for action in task.actions:
        perfect.call(action.name, action.arguments)
    reason = "transfer" if task.kind == "transfer" else "user_stop"
    rewards = [episode.score(said, reason) for episode in (perfect, idle)]  # type: ignore[arg-type]
    assert [reward.value if reward else None for reward in rewards] == [1.0, 0.0 if changes(task) else 1.0]
    silent = perfect.score((), reason)  # type: ignore[arg-type]
    assert silent is not None
    assert silent.value == (0.0 if task.outputs else 1.0)


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
def test_a_task_can_be_played_by_its_script(task: Task, shop: Environment) -> None:
    lines = ScriptedUser.from_task(task).lines
    stops = [shop.is_stop(line) for line in lines]
    assert not any(stops[:-1])
    assert stops[-1] == (task.kind != "transfer")
    user = USERS[task.extra["user_id"]]
    name = f"{user['name']['first_name']} {user['name']['last_name']}"
    for text in (task.instruction, " ".join(lines)):
        assert user["email"] in text or (name in text and user["address"]["zip"] in text)  # R1.1
    assert task.instruction.startswith(f"You are {name}. ")
    assert task.title


@pytest.mark.parametrize("task", [task for task in all_tasks() if task.outputs], ids=lambda task: task.id)
def test_what_must_be_said_follows_from_the_records_and_is_not_told(task: Task, shop: Environment) -> None:
    episode = shop.open(task)
    result = json.loads([episode.call(action.name, action.arguments).text for action in task.actions][-1])
    if task.kind in ("cancel", "items"):
        derived = abs(result["payment_history"][-1]["amount"])
    elif task.kind == "exchange":
        derived = abs(result["exchange_price_difference"])
    elif task.kind == "return":
        derived = sum(VARIANTS[item_id][1]["price"] for item_id in result["return_items"])
    elif "items" in result:
        derived = result["payment_history"][0]["amount"]
    else:
        wanted = {"color": "moss", "weight": "light"}
        derived = next(v["price"] for v in result["variants"].values() if v["options"] == wanted)
    assert task.outputs[0] == str(round(derived, 2))
    assert task.outputs[0] not in task.instruction + " ".join(task.script)


def test_refusals_expect_nothing_and_transfers_nothing_but_the_transfer() -> None:
    for task in all_tasks():
        names = {action.name for action in task.actions}
        if task.kind == "refusal":
            assert not names
        elif task.kind == "transfer":
            assert names == {TRANSFER}
        elif task.kind == "lookup":
            assert all(name.startswith("get_") for name in names)
        else:
            assert names
            assert all(name.split("_")[0] in ("cancel", "modify", "return", "exchange") for name in names)


@pytest.mark.parametrize(
    ("order", "tool", "arguments", "rule"),
    [
        ("#W204487", "cancel_pending_order", {"reason": "cheaper elsewhere"}, "R3.2"),
        ("#W204923", "cancel_pending_order", {"reason": "no longer needed"}, "R3.1"),
        ("#W205046", "return_delivered_order_items", {"item_ids": [], "payment_method_id": "gift_card_430878"}, "R2.3"),
    ],
)
def test_what_refusals_ask_for_is_against_the_policy(order: str, tool: str, arguments: Json, rule: str) -> None:
    record = ORDERS[order]
    assert rule_broken(tool, {"order_id": order, **arguments}, USERS[record["user_id"]], record) == rule


def test_fallbacks_are_needed() -> None:
    """Where a task names a second choice, the first one cannot be had."""
    shelf = {tuple(v["options"].values()): v["price"] for p, v in VARIANTS.values() if p["name"] == "Ladder Shelf"}
    balance = next(
        m["balance"] for m in USERS[ORDERS["#W204402"]["user_id"]]["payment_methods"].values() if "balance" in m
    )
    assert shelf["oak", "five"] - shelf["oak", "four"] > balance
    assert not AVAILABLE["Enamel Stockpot", "8 l", "cream"]
    assert not AVAILABLE["Walnut Cutting Board", "round", "no"]


# The policy as far as it can be computed, by the number of the rule that is broken.


def rule_broken(name: str, arguments: Json, user: Json, order: Json | None) -> str | None:
    verb = name.split("_")[0]
    if order is None or verb == "get":
        return None
    needed = {"cancel": "pending", "modify": "pending", "return": "delivered", "exchange": "delivered"}[verb]
    if order["status"] != needed:
        return "R3.1" if needed == "pending" else "R4.1"
    if verb == "cancel" and arguments["reason"] not in ("no longer needed", "ordered by mistake"):
        return "R3.2"
    method = arguments.get("payment_method_id")
    if method is not None and method not in user["payment_methods"]:
        return "R2.3"
    if verb == "return" and "gift" not in method and method != order["payment_history"][0]["payment_method_id"]:
        return "R4.2"
    if "new_item_ids" not in arguments:
        return None
    difference = 0.0
    for old, new in zip(arguments["item_ids"], arguments["new_item_ids"], strict=True):
        if VARIANTS[old][0] is not VARIANTS[new][0] or not VARIANTS[new][1]["available"]:
            return "R3.6" if verb == "modify" else "R4.3"
        difference += VARIANTS[new][1]["price"] - VARIANTS[old][1]["price"]
    return "R3.7" if user["payment_methods"][method].get("balance", difference) < difference else None
