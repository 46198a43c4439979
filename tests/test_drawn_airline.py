"""The airline's drawn tasks: the same on every call, mixed as they should be, and won by the expert."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.tau import bundled
from actorcritic_cli.envs.tau.airline import DOMAIN
from actorcritic_cli.envs.tau.database import Database
from actorcritic_cli.envs.tau.dataset import load, locate
from actorcritic_cli.envs.tau.drawn import airline
from actorcritic_cli.envs.tau.drawn.airline_rules import Leg, Rules
from actorcritic_cli.envs.tau.environment import TauEnvironment
from actorcritic_cli.session.events import Event, Observed, Proposed
from actorcritic_cli.types import Task
from actorcritic_cli.users.answering import answers_of
from tests.sim_sessions import ended, hold, spec_for

WRITES = {tool.spec.name for tool in DOMAIN.tools if tool.spec.effect == "write"}
TRANSFER = "transfer_to_human_agents"


@cache
def database() -> Database:
    files = locate(Path(bundled.__file__).parent, DOMAIN)
    assert files is not None
    return load(files).database


def rules() -> Rules:
    return Rules(database())


TASKS = airline.tasks(database())


def sample(count: int) -> list[Task]:
    """Tasks spread evenly over the list, so over all kinds."""
    return list(TASKS[:: len(TASKS) // count])


def held(task: Task) -> list[Event]:
    return hold(replace(spec_for("tau_airline", "sim:expert"), dataset="drawn"), task)


def spoken(events: list[Event]) -> list[tuple[str, str]]:
    """Who (user, agent, or the name of a tool) said or did what."""
    found: list[tuple[str, str]] = []
    for event in events:
        if isinstance(event, Proposed):
            message = event.proposal.message
            found += [(call.name, call.arguments) for call in message.tool_calls] or [("agent", message.content or "")]
        elif isinstance(event, Observed):
            found += [("user", m.content or "") for m in event.messages if m.role == "user"]
    return found


def wins(task: Task) -> None:
    end = ended(held(task))
    assert end.reward is not None
    assert end.reward.value == 1.0, task.id
    assert end.reason == ("transfer" if task.kind == "transfer" else "user_stop"), task.id


def test_drawing_again_gives_the_same_tasks() -> None:
    assert airline.tasks(database()) == TASKS


def test_the_data_set_named_drawn_holds_them() -> None:
    assert tuple(registry.load("tau_airline", "drawn").tasks()) == TASKS


def test_ids_are_unique_and_no_bundled_ones() -> None:
    ids = [task.id for task in TASKS]
    assert len(set(ids)) == len(ids)
    assert not set(ids) & {task.id for task in registry.load("tau_airline", "bundled").tasks()}


def test_every_task_has_a_customer_of_the_records_who_can_answer() -> None:
    for task in TASKS:
        assert task.extra["user_id"] in database().tables["users"]
        assert answers_of(task) is not None
        assert task.title
        assert task.extra["user_id"] in task.instruction


def test_all_customers_and_most_reservations_serve() -> None:
    assert {task.extra["user_id"] for task in TASKS} == set(database().tables["users"])
    words = "\n".join(f"{task.extra} {task.actions}" for task in TASKS)
    served = [number for number in database().tables["reservations"] if number in words]
    assert len(served) >= 70


def test_the_mix_is_about_that_of_the_bundled_tasks() -> None:
    kinds = Counter(task.kind for task in TASKS)
    assert len(TASKS) >= 150
    assert 0.18 <= kinds["refusal"] / len(TASKS) <= 0.3
    assert min(kinds.values()) >= 10
    assert set(kinds) == {task.kind for task in registry.load("tau_airline", "bundled").tasks()} | {"lookup"}


def test_every_writing_tool_occurs() -> None:
    called = Counter(action.name for task in TASKS for action in task.actions)
    assert all(called[name] >= 10 for name in WRITES)
    assert called[TRANSFER] >= 10


def test_openings_hardly_repeat() -> None:
    assert len({task.extra["answers"]["opening"] for task in TASKS}) > 0.95 * len(TASKS)


def test_the_ground_truth_runs_on_the_tools_without_an_error() -> None:
    environment = registry.load("tau_airline", "drawn")
    assert isinstance(environment, TauEnvironment)
    for task in TASKS:
        session = environment.open(task)
        for action in task.actions:
            result = session.call(action.name, action.arguments)
            assert not result.text.startswith("Error"), (task.id, result.text)


def test_every_cancellation_is_one_that_the_policy_grants() -> None:
    for task in TASKS:
        for given in arguments_of(task, "cancel_reservation"):
            reservation = rules().reservations[given["reservation_id"]]
            assert rules().cancellable(reservation, task.extra["reason"]), task.id
            assert all(leg["date"] > "2024-05-15" for leg in reservation["flights"]), task.id


def test_refused_cancellations_are_those_that_the_policy_forbids() -> None:
    refused = [task for task in TASKS if task.kind == "refusal" and not task.actions and "reason" in task.extra]
    assert refused
    for task in refused:
        assert not rules().cancellable(rules().reservations[task.extra["reservation"]], task.extra["reason"]), task.id


def test_no_basic_economy_flight_moves_and_no_certificate_settles_a_change() -> None:
    for task in TASKS:
        for given in arguments_of(task, "update_reservation_flights"):
            reservation = rules().reservations[given["reservation_id"]]
            legs = {Leg(leg["flight_number"], leg["date"]) for leg in reservation["flights"]}
            moved = {Leg(leg["flight_number"], leg["date"]) for leg in given["flights"]} != legs
            assert not (moved and reservation["cabin"] == "basic_economy"), task.id
        for name in ("update_reservation_flights", "update_reservation_baggages"):
            assert all("certificate" not in given["payment_id"] for given in arguments_of(task, name)), task.id


def test_the_expert_wins_a_sample() -> None:
    for task in sample(12):
        wins(task)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_expert_wins_every_one(task: Task) -> None:
    wins(task)


def test_a_second_wish_is_carried_out_only_after_it_was_said() -> None:
    two = [task for task in TASKS if sum(a.name in WRITES for a in task.actions) > 1 and answers(task).get("wishes")]
    assert len(two) > 10
    for task in two[::4]:
        talk = spoken(held(task))
        said = next(i for i, (who, words) in enumerate(talk) if who == "user" and answers(task)["wishes"][0] in words)
        made = [i for i, (who, _) in enumerate(talk) if who in WRITES]
        assert made[0] < said < made[-1], task.id


def test_refusals_name_one_rule_for_each_sort_of_wish() -> None:
    sorts = {
        "cancel": "5.2",
        "change": "4.2",
        "insurance": "4.7",
        "six": "3.2",
        "one": "4.8",
        "bags": "4.6",
        "voucher": "6.2",
    }
    for sort, rule in sorts.items():
        task = next(task for task in TASKS if task.id.startswith(f"d-refusal-{sort}-"))
        declined = [words for who, words in spoken(held(task)) if who == "agent" and words.startswith("I am sorry")]
        assert declined
        assert all(f"rule {rule}" in words for words in declined), task.id


def answers(task: Task) -> dict[str, Any]:
    given: dict[str, Any] = task.extra["answers"]
    return given


def arguments_of(task: Task, name: str) -> list[dict[str, Any]]:
    return [action.arguments for action in task.actions if action.name == name]
