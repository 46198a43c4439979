"""The drawn tasks of the shop: many, plain, computed from the records, and all of them winnable."""

from __future__ import annotations

from collections import Counter

import pytest
from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.tau.database import State
from actorcritic_cli.envs.tau.drawn import retail
from actorcritic_cli.envs.tau.environment import TauEnvironment
from actorcritic_cli.envs.tau.retail import DOMAIN
from actorcritic_cli.envs.tau.tools import call
from actorcritic_cli.session.events import Acted
from actorcritic_cli.types import Task
from actorcritic_cli.users.answering import answers_of
from tests.sim_sessions import ended, hold, spec_for

SHOP = registry.load("tau_retail", "drawn")
TASKS = {task.id: task for task in SHOP.tasks()}
TOOLS = {tool.spec.name: tool for tool in DOMAIN.tools}
WRITES = {tool.spec.name for tool in DOMAIN.tools if tool.spec.effect == "write"}
REFUSED = ("R2.3", "R3.1", "R3.2", "R4.2", "R4.3")


def database():
    assert isinstance(SHOP, TauEnvironment)
    return SHOP.data.database


def told(task: Task) -> list[str]:
    """What the expert tells the task's user, who must be content with it."""
    events = hold(replace(spec_for("tau_retail", "sim:expert"), dataset="drawn"), task)
    end = ended(events)
    assert end.reward is not None
    assert end.reward.value == 1.0, task.id
    assert end.reason in ("user_stop", "transfer"), task.id
    return [event.message.content or "" for event in events if isinstance(event, Acted)]


def test_drawing_again_gives_the_same_tasks():
    assert retail.tasks(database()) == tuple(TASKS.values())


def test_ids_are_unique_and_every_task_says_whose_it_is():
    assert len(TASKS) == len(SHOP.tasks()) >= 150
    users = database().tables["users"]
    for task in TASKS.values():
        assert task.extra["user_id"] in users
        assert task.title
        assert answers_of(task) is not None


def test_every_customer_and_every_order_that_can_be_worked_on_has_tasks():
    assert {task.extra["user_id"] for task in TASKS.values()} == set(database().tables["users"])
    for key, order in database().tables["orders"].items():
        mine = [task for task in TASKS.values() if key.lstrip("#") in task.id]
        assert mine or order["status"] == "cancelled", key


def test_ground_truth_runs_without_an_error():
    for task in TASKS.values():
        state = State(database())
        for action in task.actions:
            if not TOOLS[action.name].ends:
                assert not call(TOOLS, state, action.name, action.arguments).result.error, (task.id, action)


def test_ground_truth_touches_only_what_is_the_customers_own():
    for task in TASKS.values():
        profile = database().tables["users"][task.extra["user_id"]]
        for action in task.actions:
            if action.name in WRITES:
                assert action.arguments.get("order_id") in (*profile["orders"], None), task.id
                assert action.arguments.get("user_id") in (task.extra["user_id"], None), task.id
                assert action.arguments.get("payment_method_id") in (*profile["payment_methods"], None), task.id


def test_every_kind_and_every_writing_tool_occurs_and_a_quarter_is_refused():
    kinds = Counter(task.kind for task in TASKS.values())
    assert set(kinds) == {task.kind for task in registry.load("tau_retail").tasks()}
    assert min(kinds.values()) >= 0.04 * len(TASKS)
    assert 0.2 <= kinds["refusal"] / len(TASKS) <= 0.3
    assert {action.name for task in TASKS.values() for action in task.actions if action.name in WRITES} == WRITES


def test_refusals_expect_nothing_and_transfers_end_with_one():
    for task in TASKS.values():
        if task.kind == "refusal":
            assert not task.actions
        assert (task.kind == "transfer") == (
            bool(task.actions) and task.actions[-1].name == "transfer_to_human_agents"
        ), task.id


def test_customers_differ_in_what_they_say_unasked():
    openings = [answers.opening for task in TASKS.values() if (answers := answers_of(task)) is not None]
    assert len(set(openings)) > 0.9 * len(openings)
    named = [any(mark in opening for mark in ("@", "ZIP code")) for opening in openings]
    numbered = ["#W" in opening for opening in openings]
    assert 0.1 < sum(named) / len(named) < 0.6
    assert 0.5 < sum(numbered) / len(numbered) < 0.95


def test_an_order_is_first_sent_elsewhere_and_then_given_other_items():
    both = [task for task in TASKS.values() if task.id.startswith("both-")]
    assert both
    for task in both:
        assert [action.name for action in task.actions] == [
            "modify_pending_order_address",
            "modify_pending_order_items",
        ]


@pytest.mark.parametrize("task_id", list(TASKS)[7::43])
def test_the_expert_wins_a_sample(task_id):
    told(TASKS[task_id])


@pytest.mark.slow
def test_the_expert_wins_every_task_and_names_every_rule_it_refuses_by():
    refused = Counter[str]()
    for task in TASKS.values():
        words = " ".join(told(task))
        if task.kind == "refusal":
            rules = [rule for rule in REFUSED if f"rule {rule[1:]})" in words]
            assert len(rules) == 1, task.id
            refused[rules[0]] += 1
    assert min(refused[rule] for rule in REFUSED) >= 10
