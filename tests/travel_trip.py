"""A small trip for tests: a hotel with two wishes and a restaurant with one, three options each."""

from __future__ import annotations

from typing import Any

from actorcritic_cli.envs.travel.environment import TravelEnvironment, TravelEpisode
from actorcritic_cli.envs.travel.judge import Judge
from actorcritic_cli.envs.travel.rule_judge import RuleJudge, places_of
from actorcritic_cli.envs.travel.scenario import Scenario, scenario_of
from actorcritic_cli.envs.travel.turn import Rules

HOTEL = "a hotel in Cork from May 3rd to May 6th"
TABLE = "a restaurant in Cork on May 4th"
GYM, BREAKFAST, VEGETARIAN = "I lift things.", "Eggs first.", "No meat for me."


def raw_trip() -> dict[str, Any]:
    return {
        "scenario": "All of it, with a gym, breakfast and no meat.",
        "initial_description": f"I need {HOTEL} and {TABLE}.",
        "dimensions": ["hotel", "restaurant"],
        "wanted_num": "12",
        "difficulty": "easy",
        "hotel": {
            "preferences": [
                ["hotel", "gym", "a gym", GYM, []],
                ["hotel", "breakfast", "breakfast", BREAKFAST],
                ["hotel", "too short"],
            ],
            "arguments": {"city": "Cork", "date_start": "May 3rd", "date_end": "May 6th"},
            "best_id": "H1",
            "correct_ids": ["H1", "H2"],
            "options": {
                "correct": [
                    {"id": "H1", "name": "One", "cost": [90], "type": "correct", "reason": "cheapest"},
                    {"id": "H2", "name": "Two", "cost": [120], "rating": 9},
                ],
                "wrong": [{"id": "H3", "name": "Three", "cost": [50]}, {"id": "H4", "name": "Four"}],
                "noise": [{"id": "H5", "name": "Moon", "cost": None}],
            },
        },
        "restaurant": {
            "preferences": [["restaurant", None, "vegetarian food", VEGETARIAN]],
            "arguments": {"city": "Cork", "date": "May 4th"},
            "best_id": "R7",
            "correct_ids": ["R7"],
            "options": {"correct": [{"id": "R7"}], "wrong": [{"id": "R8"}], "noise": []},
        },
    }


def trip(**options: Any) -> Scenario:
    return scenario_of("small", raw_trip(), **options)


def environment(judge: Judge | None = None, **rules: Any) -> TravelEnvironment:
    scenario = trip()
    return TravelEnvironment("small", [scenario], Rules(**rules), judge or RuleJudge(places_of([scenario]) | {"leeds"}))


def episode(judge: Judge | None = None, **rules: Any) -> TravelEpisode:
    small = environment(judge, **rules)
    opened = small.open(small.tasks()[0])
    assert isinstance(opened, TravelEpisode)
    return opened


def do(played: TravelEpisode, choice: str, content: str) -> str:
    """Play one call; return the feedback."""
    return played.call("interact_with_env", {"thought": "t", "choice": choice, "content": content}).text


def events(played: TravelEpisode) -> list[str]:
    return [turn.event for turn in played.turns]
