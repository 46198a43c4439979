"""What a perfect agent does on a trip: the ground truth of a task, as calls.

It searches each aspect with its true arguments, asks for each preference of the aspect in plain words, and names the best
option. It is written for the deterministic judge; a model judge may see a question differently.
"""

from __future__ import annotations

from typing import Any

from actorcritic_cli.envs.travel import lexicon, wording
from actorcritic_cli.envs.travel.scenario import Block, Preference, Scenario
from actorcritic_cli.envs.travel.words import MONTHS
from actorcritic_cli.types import ExpectedAction

TOOL = "interact_with_env"


def actions(scenario: Scenario) -> tuple[ExpectedAction, ...]:
    """Return the calls of a perfect game: all searches, then the questions, then the answers."""
    searches = [_call("search", request(block, scenario.opening), "look at what there is") for block in scenario.blocks]
    questions = [_call("action", question(p), "find out what the user wants") for p in scenario.preferences]
    answers = [_call("answer", block.best_id, "the cheapest that meets all wishes") for block in scenario.blocks]
    return (*searches, *questions, *answers)


def request(block: Block, opening: str) -> str:
    """Return a right and complete search request for an aspect; the whole opening where its arguments are not known."""
    name = wording.NAMES[block.aspect]
    said = dict(block.arguments or {})
    if not said:
        from actorcritic_cli.envs.travel.rule_judge import opening_facts

        places, days = opening_facts(opening)
        return f"{name} in {', '.join(places)} on {', '.join(f'{MONTHS[m - 1].capitalize()} {d}' for m, d in days)}"
    parts = [_worded(key, value) for key, value in said.items() if isinstance(value, (str, int, float))]
    return f"{name} {' '.join(parts)}"


def question(preference: Preference) -> str:
    """Return a plain question for a preference; one of its own words where its family is not known."""
    family = lexicon.family_of(preference)
    if family is not None:
        return family.question
    return f"For the {wording.NAMES[preference.aspect]}, would you like this: {preference.text}?"


_PREPOSITIONS = {
    "origin": "from",
    "destination": "to",
    "city": "in",
    "date": "on",
    "date_start": "from",
    "date_end": "to",
}


def _worded(key: str, value: Any) -> str:
    return f"{_PREPOSITIONS.get(key, 'with')} {value}"


def _call(choice: str, content: str, thought: str) -> ExpectedAction:
    return ExpectedAction(TOOL, {"thought": thought, "choice": choice, "content": content})
