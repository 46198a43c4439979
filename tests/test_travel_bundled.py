"""The bundled trips: written by their generator, sound in themselves, and solvable by a perfect agent."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.travel.bundled import TRIPS, generate
from actorcritic_cli.envs.travel.bundled.wish import Option
from actorcritic_cli.envs.travel.scenario import LETTERS

RAW = json.loads(TRIPS.read_text("utf-8"))
BLOCKS = [(trip_id, aspect) for trip_id, trip in RAW.items() for aspect in trip["dimensions"]]
GAMES = [(name, task.id) for name in ("bundled", "bundled-multi") for task in registry.load("travel", name).tasks()]


def drafted(aspect: str, option: Option) -> Option:
    """An option as the wishes look at it: rooms of a hotel by their types."""
    rooms = [room["type"] for room in option["room"]] if aspect == "hotel" else option.get("room")
    return option | {"room": rooms}


def wishes_of(trip_id: str, aspect: str):
    """The wishes of an aspect with their values, found again from the text that says them outright."""
    by_family = {wish.family: wish for wish in generate.WISHES[aspect]}
    for _, family, text, _, _ in RAW[trip_id][aspect]["preferences"]:
        wish = by_family[family]
        yield wish, next(v for v in wish.values if v is None or wish.text.format(v) == text or "{}" not in wish.text)


def test_generating_again_gives_the_committed_file():
    assert generate.generate() == TRIPS.read_text("utf-8")


def test_there_are_trips_of_every_composition():
    assert len(RAW) >= 30
    compositions = Counter(trip["wanted_num"] for trip in RAW.values())
    assert set(compositions) == {"22", "33", "44", "233", "333", "334", "444", "2222"}
    for trip in RAW.values():
        assert [len(trip[aspect]["preferences"]) for aspect in trip["dimensions"]] == [
            int(d) for d in trip["wanted_num"]
        ]
        assert not {"hotel", "apartment"} <= set(trip["dimensions"])


@pytest.mark.parametrize(("trip_id", "aspect"), BLOCKS)
def test_labels_are_true(trip_id: str, aspect: str):
    block = RAW[trip_id][aspect]
    wishes = list(wishes_of(trip_id, aspect))

    def meets(option: Option) -> bool:
        return all(wish.holds(drafted(aspect, option), value) for wish, value in wishes)

    kinds = block["options"]
    assert [len(kinds[kind]) for kind in ("correct", "wrong", "noise")] == [3, 10, 5]
    assert all(meets(option) for option in kinds["correct"])
    assert not any(meets(option) for option in kinds["wrong"])
    ids = [option["id"] for kind in kinds.values() for option in kind]
    assert len(set(ids)) == 18
    assert {LETTERS[option_id[0]] for option_id in ids} == {aspect}
    assert block["correct_ids"] == [option["id"] for option in kinds["correct"]]


@pytest.mark.parametrize(("trip_id", "aspect"), BLOCKS)
def test_the_best_option_is_the_cheapest_correct_one_in_every_price(trip_id: str, aspect: str):
    def prices(option: Option) -> list[float]:
        cost = option["cost"] if isinstance(option["cost"], list) else [option["cost"]]
        wanted = [
            option[field][name]
            for field in ("service", "insurance")
            for name in option.get(field, {})
            if all(other[field][name] is not None for other in correct)
        ]
        return [*cost, *wanted]

    correct = RAW[trip_id][aspect]["options"]["correct"]
    best = RAW[trip_id][aspect]["best_id"]
    cheapest = next(option for option in correct if option["id"] == best)
    for other in correct:
        if other is not cheapest:
            assert len(prices(other)) == len(prices(cheapest))
            assert all(low <= high for low, high in zip(prices(cheapest), prices(other), strict=True))
            assert prices(cheapest)[0] < prices(other)[0]


@pytest.mark.parametrize(("trip_id", "aspect"), BLOCKS)
def test_some_unsuitable_options_are_cheaper_than_the_best(trip_id: str, aspect: str):
    def cost(option: Option) -> float:
        return min(option["cost"]) if isinstance(option["cost"], list) else option["cost"]

    kinds = RAW[trip_id][aspect]["options"]
    assert any(cost(option) < cost(kinds["correct"][0]) for option in kinds["wrong"])


@pytest.mark.parametrize(("dataset", "task_id"), GAMES)
def test_a_perfect_agent_gets_everything(dataset: str, task_id: str):
    environment = registry.load("travel", dataset)
    task = next(task for task in environment.tasks() if task.id == task_id)
    episode = environment.open(task)
    results = [episode.call(action.name, dict(action.arguments)) for action in task.actions]
    assert not any(result.error for result in results)
    assert [result.ends for result in results] == [False] * (len(results) - 1) + [True]
    assert len(results) <= 20
    reward = episode.score((), "user_stop")
    assert reward.value == 1.0
    assert {reward.info[name] for name in ("all_best", "active_rate", "search_validity", "question_validity")} == {1.0}


def test_both_games_are_played_on_the_same_trips_under_different_policies():
    single, multi = registry.load("travel", "bundled"), registry.load("travel", "bundled-multi")
    assert [task.id for task in single.tasks()] == [task.id for task in multi.tasks()]
    assert single.policy != multi.policy


def test_nothing_hidden_is_in_what_the_agent_and_its_user_see():
    environment = registry.load("travel")
    for task in environment.tasks():
        scenario = environment.scenarios[task.id]
        shown = " ".join([task.instruction, *task.script, environment.policy, task.title])
        for preference in scenario.preferences:
            assert preference.implicit not in shown
        assert not any(block.best_id in shown.split() for block in scenario.blocks)


def test_the_order_of_options_depends_on_the_seed_alone():
    def order(seed: int) -> list[str]:
        environment = registry.load("travel", options={"seed": seed})
        return [option["id"] for option in environment.scenarios["22-1"].blocks[0].options]

    first = order(0)
    assert order(1) != first
    assert order(0) == first
    assert sorted(order(1)) == sorted(first)


def test_fewer_unsuitable_options_can_be_asked_for():
    environment = registry.load("travel", options={"wrong_choice_number": 2, "noise_choice_number": 0})
    assert {len(block.options) for s in environment.scenarios.values() for block in s.blocks} == {5}


@pytest.mark.slow
def test_the_list_tells_how_many_trips_are_drawn() -> None:
    listed = {d.dataset: d.tasks for d in registry.describe() if d.name == "travel" and d.available}
    assert listed == {dataset: len(registry.load("travel", dataset).tasks()) for dataset in listed}
    assert "drawn" in listed


def test_drawn_trips_are_other_trips_of_the_same_kind_each_time_the_same() -> None:
    drawn = registry.load("travel", "drawn", {"trips": 20})
    bundled = registry.load("travel", "bundled")
    assert len(drawn.tasks()) == 20
    assert not {task.id for task in drawn.tasks()} & {task.id for task in bundled.tasks()}
    assert not {task.script[0] for task in drawn.tasks()} & {task.script[0] for task in bundled.tasks()}
    assert drawn.policy == bundled.policy
    assert registry.load("travel", "drawn", {"trips": 8}).tasks() == drawn.tasks()[:8]
