"""The bundled airline: its records agree with each other, and its tasks with its tools and its policy."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.envs.tau.bundled import AIRLINE, generate_airline
from actorcritic_cli.types import Message, Task
from actorcritic_cli.users.script import ScriptedUser

Json = dict[str, Any]

FREE_BAGS = {
    "regular": {"basic_economy": 0, "economy": 1, "business": 2},
    "silver": {"basic_economy": 1, "economy": 2, "business": 3},
    "gold": {"basic_economy": 2, "economy": 3, "business": 4},
}
NOW = "2024-05-15T15:00:00"
A_DAY_AGO = "2024-05-14T15:00:00"
KINDS = {"book", "change", "cancel", "baggage", "passengers", "compensation", "refusal", "transfer"}
READS = {"get_user_details", "get_reservation_details"}
TRANSFER = "transfer_to_human_agents"


def table(name: str) -> Json:
    value: Json = json.loads((AIRLINE / f"{name}.json").read_text(encoding="utf-8"))
    return value


FLIGHTS, RESERVATIONS, USERS = table("flights"), table("reservations"), table("users")


@pytest.fixture(scope="module")
def airline() -> Environment:
    return registry.load("tau_airline", "bundled")


def all_tasks() -> list[Task]:
    return list(registry.load("tau_airline", "bundled").tasks())


# the records


@pytest.mark.parametrize("name", ["flights", "reservations", "users"])
def test_generating_again_gives_the_committed_files(name: str) -> None:
    assert generate_airline.generate()[f"{name}.json"] == (AIRLINE / f"{name}.json").read_text(encoding="utf-8")


def test_the_data_set_is_small() -> None:
    assert sum(path.stat().st_size for path in AIRLINE.iterdir()) < 600_000


def test_records_refer_only_to_records_that_exist() -> None:
    findings = registry.check("tau_airline", "bundled")
    assert [finding.text for finding in findings if finding.level != "ok"] == []


def test_every_airport_is_served_and_no_other() -> None:
    airline = registry.load("tau_airline", "bundled")
    airports = json.loads(airline.open(None).call("list_all_airports", {}).text)
    assert {flight["origin"] for flight in FLIGHTS.values()} == set(airports)
    assert len(airports) == 20


def test_days_to_come_are_available_but_for_a_few_cancellations() -> None:
    later = Counter(
        day["status"] for flight in FLIGHTS.values() for date, day in flight["dates"].items() if date > "2024-05-15"
    )
    assert set(later) == {"available", "cancelled"}
    assert later["cancelled"] == 3


def test_past_days_and_today_agree_with_the_clock() -> None:
    for number, flight in FLIGHTS.items():
        for date, day in flight["dates"].items():
            if date < "2024-05-15" and not flight["scheduled_arrival_time_est"].endswith("+1"):
                assert day["status"] in ("landed", "cancelled"), (number, date)
            if day["status"] == "landed":
                assert day["actual_departure_time_est"] < day["actual_arrival_time_est"] <= NOW
            elif day["status"] == "flying":
                assert day["actual_departure_time_est"] <= NOW < day["estimated_arrival_time_est"]
            elif day["status"] in ("on time", "delayed"):
                assert NOW < day["estimated_departure_time_est"] < day["estimated_arrival_time_est"]
            elif day["status"] == "available":
                assert date > "2024-05-15"


@pytest.mark.parametrize("key", RESERVATIONS)
def test_a_reservation_is_one_that_the_policy_allows(key: str) -> None:
    reservation = RESERVATIONS[key]
    user = USERS[reservation["user_id"]]
    flights, people = reservation["flights"], len(reservation["passengers"])
    check_route(reservation, flights)
    for segment in flights:
        flight = FLIGHTS[segment["flight_number"]]
        assert (segment["origin"], segment["destination"]) == (flight["origin"], flight["destination"])
    allowed = FREE_BAGS[user["membership"]][reservation["cabin"]] * people
    assert reservation["nonfree_baggages"] == max(0, reservation["total_baggages"] - allowed)
    total = sum(segment["price"] for segment in flights) * people + 50 * reservation["nonfree_baggages"]
    total += 30 * people if reservation["insurance"] == "yes" else 0
    assert [payment["amount"] for payment in reservation["payment_history"]] == [total]
    assert reservation["payment_history"][0]["payment_id"] in user["payment_methods"]
    assert 1 <= people <= 5
    assert reservation["created_at"] < NOW
    assert reservation["created_at"][:10] <= flights[0]["date"]


def check_route(reservation: Json, segments: list[Json]) -> None:
    """The segments lead from origin to destination, and back again for a round trip, in an order that can be flown."""
    stops = [FLIGHTS[segment["flight_number"]] for segment in segments]
    assert stops[0]["origin"] == reservation["origin"]
    assert reservation["destination"] in [stop["destination"] for stop in stops]
    end = reservation["origin"] if reservation["flight_type"] == "round_trip" else reservation["destination"]
    assert stops[-1]["destination"] == end
    for before, after, first, second in zip(stops, stops[1:], segments, segments[1:], strict=False):
        assert before["destination"] == after["origin"]
        assert first["date"] <= second["date"]
        if first["date"] == second["date"]:
            assert before["scheduled_arrival_time_est"] < after["scheduled_departure_time_est"]


# the policy


def test_every_rule_has_a_number_of_its_own_and_references_resolve() -> None:
    policy = (AIRLINE / "policy.md").read_text(encoding="utf-8")
    defined = re.findall(r"^- \*\*(R\d\.\d)", policy, re.MULTILINE)
    assert len(defined) == len(set(defined)) >= 30
    assert set(re.findall(r"R\d\.\d", policy)) == set(defined)


def test_the_policys_bag_table_is_the_one_the_records_follow() -> None:
    policy = (AIRLINE / "policy.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| (regular|silver|gold) \| (\d) \| (\d) \| (\d) \|", policy)
    assert {row[0]: list(map(int, row[1:])) for row in rows} == {
        member: list(cabins.values()) for member, cabins in FREE_BAGS.items()
    }


# the tasks


def test_the_tasks_cover_every_kind() -> None:
    tasks = all_tasks()
    kinds = Counter(task.kind for task in tasks)
    assert set(kinds) == KINDS
    assert len(tasks) >= 24
    assert kinds["refusal"] >= 3
    assert kinds["transfer"] >= 2
    assert sum(bool(task.outputs) for task in tasks) >= 5
    assert len({task.id for task in tasks}) == len(tasks)
    assert len({task.extra["user_id"] for task in tasks}) == len(tasks)


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
def test_ground_truth_runs_without_an_error_and_keeps_the_policy(task: Task, airline: Environment) -> None:
    episode = airline.open(task)
    user_id = task.extra["user_id"]
    changed: list[str] = []
    for action in task.actions:
        user = json.loads(episode.call("get_user_details", {"user_id": user_id}).text)
        before = None
        if key := action.arguments.get("reservation_id"):
            assert key in user["reservations"]  # R1.1
            before = json.loads(episode.call("get_reservation_details", {"reservation_id": key}).text)
        if "user_id" in action.arguments:
            assert action.arguments["user_id"] == user_id
        problem = rule_broken(task, action.name, action.arguments, user, before, changed)
        assert problem is None, problem
        result = episode.call(action.name, action.arguments)
        assert not result.error, result.text
        assert result.text != ""
        assert result.ends == (action.name == TRANSFER)
        changed.append(action.name)


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
def test_a_perfect_agent_is_rewarded_and_an_idle_one_only_for_refusing(task: Task, airline: Environment) -> None:
    said = tuple(Message("assistant", f"It is ${output}.") for output in task.outputs)
    perfect, idle = airline.open(task), airline.open(task)
    for action in task.actions:
        perfect.call(action.name, action.arguments)
    reason = "transfer" if task.kind == "transfer" else "user_stop"
    rewards = [episode.score(said, reason) for episode in (perfect, idle)]  # type: ignore[arg-type]
    assert rewards[0] is not None
    assert rewards[1] is not None
    assert rewards[0].value == 1.0
    assert rewards[1].value == (1.0 if task.kind in ("refusal", "transfer") else 0.0)


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
def test_a_task_can_be_played_by_its_script(task: Task, airline: Environment) -> None:
    lines = ScriptedUser.from_task(task).lines
    stops = [airline.is_stop(line) for line in lines]
    assert not any(stops[:-1])
    assert stops[-1] == (task.kind != "transfer")
    assert task.extra["user_id"] in " ".join(lines)
    assert task.extra["user_id"] in task.instruction
    assert task.instruction.startswith("You are ")
    assert task.title


@pytest.mark.parametrize("task", [task for task in all_tasks() if task.outputs], ids=lambda task: task.id)
def test_what_must_be_said_is_a_sum_that_the_task_leads_to(task: Task, airline: Environment) -> None:
    episode = airline.open(task)
    result = json.loads([episode.call(action.name, action.arguments).text for action in task.actions][-1])
    paid = [payment["amount"] for payment in result["payment_history"]]
    expected = sum(paid) if task.kind == "book" else paid[-1]
    assert task.outputs == (str(abs(expected)),)
    assert task.outputs[0] not in task.instruction + " ".join(task.script)


def test_refusals_expect_no_write_and_transfers_nothing_but_the_transfer() -> None:
    for task in all_tasks():
        names = {action.name for action in task.actions}
        if task.kind == "refusal":
            assert names <= READS
        elif task.kind == "transfer":
            assert names == {TRANSFER}
        else:
            assert names
            assert not names & (READS | {TRANSFER})


@pytest.mark.parametrize("task_id", ["refusal-01", "refusal-07", "cancel-05"])
def test_cancellations_that_are_asked_for_and_not_expected_are_against_the_policy(task_id: str) -> None:
    task = next(task for task in all_tasks() if task.id == task_id)
    key = {"refusal-01": "THEO48", "refusal-07": "VIST59", "cancel-05": "NAIS45"}[task_id]
    assert may_cancel(RESERVATIONS[key], task.extra["reason"]) is False


@pytest.mark.parametrize("task", [task for task in all_tasks() if task.kind == "transfer"], ids=lambda task: task.id)
def test_transfers_are_due_to_a_used_flight_or_to_a_request_no_tool_can_meet(task: Task) -> None:
    named = [RESERVATIONS[key] for key in USERS[task.extra["user_id"]]["reservations"] if key in task.instruction]
    assert len(named) == 1
    assert used(named[0]) is (task.id != "transfer-02")


# The policy as far as it can be computed. Each function names the rules that it stands for.


def rule_broken(task: Task, name: str, arguments: Json, user: Json, before: Json | None, done: list[str]) -> str | None:
    """Return the number of a rule that a call breaks, ``None`` if it breaks none."""
    match name:
        case "book_reservation":
            return booking_rule(arguments, user)
        case "update_reservation_flights":
            assert before is not None
            return change_rule(arguments, before)
        case "update_reservation_baggages":
            assert before is not None
            free = FREE_BAGS[user["membership"]][before["cabin"]] * len(before["passengers"])
            total = arguments["total_baggages"]
            if total <= before["total_baggages"] or arguments["nonfree_baggages"] != max(0, total - free):
                return "R4.6"
            return None if kind_of(arguments["payment_id"]) != "certificate" else "R4.5"
        case "update_reservation_passengers":
            assert before is not None
            if len(arguments["passengers"]) != len(before["passengers"]):
                return "R4.8"
            return "R4.9" if used(before) else None
        case "cancel_reservation":
            assert before is not None
            return None if may_cancel(before, task.extra["reason"]) else "R5.2"
        case "send_certificate":
            return certificate_rule(task, arguments, user, done)
        case _:
            return None


def booking_rule(arguments: Json, user: Json) -> str | None:
    people, cabin = len(arguments["passengers"]), arguments["cabin"]
    if not 1 <= people <= 5:
        return "R3.2"
    kinds = Counter(kind_of(payment["payment_id"]) for payment in arguments["payment_methods"])
    if kinds["certificate"] > 1 or kinds["credit_card"] > 1 or kinds["gift_card"] > 3:
        return "R3.3"
    free = FREE_BAGS[user["membership"]][cabin] * people
    if arguments["nonfree_baggages"] != max(0, arguments["total_baggages"] - free):
        return "R3.4"
    known = [{**user["name"], "dob": user["dob"]}, *user["saved_passengers"]]
    if any(passenger not in known for passenger in arguments["passengers"]):
        return "R3.1"
    check_route(arguments, arguments["flights"])
    fares = sum(FLIGHTS[s["flight_number"]]["dates"][s["date"]]["prices"][cabin] for s in arguments["flights"])
    total = fares * people + 50 * arguments["nonfree_baggages"] + 30 * people * (arguments["insurance"] == "yes")
    return None if sum(p["amount"] for p in arguments["payment_methods"]) == total else "R3.7"


def change_rule(arguments: Json, before: Json) -> str | None:
    old = [(segment["flight_number"], segment["date"]) for segment in before["flights"]]
    new = [(segment["flight_number"], segment["date"]) for segment in arguments["flights"]]
    if used(before):
        return "R4.9"
    if before["cabin"] == "basic_economy" and old != new:
        return "R4.2"
    if kind_of(arguments["payment_id"]) == "certificate":
        return "R4.5"
    check_route(before, arguments["flights"])
    return None


def certificate_rule(task: Task, arguments: Json, user: Json, done: list[str]) -> str | None:
    reservation, grounds = RESERVATIONS[task.extra["reservation"]], task.extra["grounds"]
    if not (
        user["membership"] in ("silver", "gold")
        or reservation["insurance"] == "yes"
        or reservation["cabin"] == "business"
    ):
        return "R6.2"
    if grounds not in [FLIGHTS[s["flight_number"]]["dates"][s["date"]]["status"] for s in reservation["flights"]]:
        return "R6.5"
    if grounds == "delayed" and not {"update_reservation_flights", "cancel_reservation"} & set(done):
        return "R6.4"
    each = {"cancelled": 120, "delayed": 60}[grounds]
    return None if arguments["amount"] == each * len(reservation["passengers"]) else "R6.3"


def may_cancel(reservation: Json, reason: str) -> bool:
    """R5.2 and R5.4."""
    cancelled = any(
        FLIGHTS[s["flight_number"]]["dates"][s["date"]]["status"] == "cancelled" for s in reservation["flights"]
    )
    insured = reservation["insurance"] == "yes" and reason in ("illness", "bad weather")
    recent = reservation["created_at"] >= A_DAY_AGO
    return not used(reservation) and (recent or cancelled or reservation["cabin"] == "business" or insured)


def used(reservation: Json) -> bool:
    """R2.3."""
    days = [FLIGHTS[s["flight_number"]]["dates"][s["date"]] for s in reservation["flights"]]
    return any(day["status"] in ("landed", "flying") for day in days)


def kind_of(payment_id: str) -> str:
    return payment_id.rpartition("_")[0]
