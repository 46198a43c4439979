"""The benchmark's metrics of one game, and the ones it only promises.

A data set's figure is the mean over its tasks of what is computed here. Two things differ from the original by intention:
events are counted, not rewards of a certain size, and elicitation is measured against all preferences of the trip, so that
answering early does not raise it. What the original reports is beside it, under its own name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from actorcritic_cli.envs.travel.scenario import Scenario
from actorcritic_cli.envs.travel.turn import State, Turn

Headline = Literal["micro_max", "best_rate", "all_best"]
"""Which metric is the reward's value; ``micro_max`` is what the benchmark prints at the end."""
HEADLINES: tuple[Headline, ...] = ("micro_max", "best_rate", "all_best")


def metrics(scenario: Scenario, state: State, turns: Sequence[Turn], messages: int) -> dict[str, Any]:
    """Return the metrics of a game. ``messages`` is how many the agent has had, plain replies included.

    Rates are in [0, 1]; a rate without anything to divide by is ``None``, except the benchmark's own, which are 0 then.

    ``micro_avg``, ``micro_max``: sum of the rewards by message, and the largest reward of one message (at least 0).
    ``number_of_1``, ``number_of_08``: how many messages named a best, a correct option.
    ``elicitation_ratio``: preferences that came up / all; ``elicitation_ratio_original``: divided by those that came up or
    are still open, which answering shrinks. ``active_rate``, ``passive_rate``: asked for, volunteered / all.
    ``search_validity``: searches found right / judged; ``question_validity``: answered questions / all utterances.
    ``best_rate``, ``correct_rate``: aspects whose best, whose any correct (the best included) option was named / aspects;
    ``first_best_rate``: aspects whose first answer was the best. ``all_best``: 1.0 if the best of every aspect was named.
    """
    rewards = [turn.reward for turn in turns]
    total, aspects = len(scenario.preferences), len(scenario.blocks)
    elicited = len(state.active) + len(state.passive)
    events = [turn.event for turn in turns]
    first: dict[str, str] = {}
    for answer in state.answers:
        first.setdefault(answer.aspect, answer.verdict)
    best = {answer.aspect for answer in state.answers if answer.verdict == "best"}
    correct = best | {answer.aspect for answer in state.answers if answer.verdict == "correct"}
    count = max(messages, len(turns))
    return {
        "micro_avg": sum(rewards) / count if count else 0.0,
        "micro_max": max(rewards, default=0.0) if len(rewards) == count else max([0.0, *rewards]),
        "number_of_1": events.count("best"),
        "number_of_08": events.count("correct"),
        "elicitation_ratio": elicited / total if total else 0.0,
        "elicitation_ratio_original": _ratio(elicited, elicited + len(state.remaining)) or 0.0,
        "active_rate": _ratio(len(state.active), total),
        "passive_rate": _ratio(len(state.passive), total),
        "search_validity": _ratio(state.good_searches, state.judged_searches),
        "question_validity": _ratio(len(state.active), state.questions),
        "best_rate": len(best) / aspects,
        "correct_rate": len(correct) / aspects,
        "first_best_rate": list(first.values()).count("best") / aspects,
        "all_best": float(len(best) == aspects),
        "preferences": total,
        "messages": count,
        "rewards": rewards,
        "events": events,
        "answers": {aspect: _named(state, aspect) for aspect in scenario.aspects},
    }


def value(found: Mapping[str, Any], headline: Headline) -> float:
    """Return the reward's value in [0, 1] (a penalty for wrong choices can take the best message below 0)."""
    return min(1.0, max(0.0, float(found[headline])))


def _named(state: State, aspect: str) -> list[dict[str, str]]:
    return [{"id": answer.id, "verdict": answer.verdict} for answer in state.answers if answer.aspect == aspect]


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
