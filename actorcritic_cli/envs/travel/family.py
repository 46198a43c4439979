"""The travel game as a family of environments: ``travel``, bundled and official.

``bundled`` is the single-choice game, ``bundled-multi`` the same trips with several answers allowed for an aspect.
``drawn`` are other trips of the same kind, drawn while they are loaded, as many as the option ``trips`` says: to train on,
so that the bundled ones stay unseen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli.envs.family import FetchReport, Finding
from actorcritic_cli.envs.travel import official, scoring
from actorcritic_cli.envs.travel.bundled import TRIPS
from actorcritic_cli.envs.travel.environment import TravelEnvironment
from actorcritic_cli.envs.travel.judge import Judge
from actorcritic_cli.envs.travel.rule_judge import RuleJudge, places_of
from actorcritic_cli.envs.travel.scenario import Scenario, scenario_of
from actorcritic_cli.envs.travel.turn import Rules
from actorcritic_cli.errors import NotFound, UsageError

BUNDLED, MULTI, DRAWN, OFFICIAL = "bundled", "bundled-multi", "drawn", "official"
RULES = "rules"
"""The name of the deterministic judge, which is the default."""


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """What ``env_options`` may hold beside the fields of ``Rules``.

    ``judge`` is ``rules`` or a model's name; ``judge_options`` are those of model calls (base URL …); ``headline`` names the
    metric that is the reward's value; ``seed`` orders the options; the numbers say how many unsuitable ones are kept.
    ``trips`` is the size of the data set ``drawn``.
    """

    judge: str = RULES
    judge_options: dict[str, Any] = {}
    headline: scoring.Headline = "micro_max"
    strict_extras: bool = False
    seed: int = 0
    wrong_choice_number: int = 10
    noise_choice_number: int = 5
    trips: int = 400


def names() -> Sequence[str]:
    """See ``Family.names``."""
    return ("travel",)


def datasets(name: str) -> Sequence[str]:
    """See ``Family.datasets``."""
    return (BUNDLED, MULTI, DRAWN, OFFICIAL)


def load(name: str, dataset: str, options: Mapping[str, Any]) -> TravelEnvironment:
    """See ``Family.load``. Raises ``UsageError`` for an option that cannot be meant."""
    rules, chosen = options_of(options, one_choice=dataset != MULTI)
    if dataset == OFFICIAL:
        data = official.read(
            official.located(),
            seed=chosen.seed,
            wrong=chosen.wrong_choice_number,
            noise=chosen.noise_choice_number,
        )
        # The rows' instructions are those of the multiple-choice game.
        policy = None if rules.one_choice else data.policy
        return TravelEnvironment(
            dataset,
            data.scenarios,
            rules,
            _judge(chosen, data.scenarios),
            headline=chosen.headline,
            texts=data.texts,
            policy=policy,
        )
    read = _drawn(chosen.trips) if dataset == DRAWN else _bundled()
    scenarios = _scenarios(read, chosen.seed, chosen.wrong_choice_number, chosen.noise_choice_number)
    return TravelEnvironment(dataset, scenarios, rules, _judge(chosen, scenarios), headline=chosen.headline)


def size(name: str, dataset: str) -> int:
    """See ``Family.size``."""
    # Drawn trips are as many as are asked for, and drawing them takes a second or two.
    return Options().trips if dataset == DRAWN else len(load(name, dataset, {}).tasks())


def check(name: str, dataset: str) -> list[Finding]:
    """See ``Family.check``."""
    if dataset == OFFICIAL:
        return official.findings(official.read(official.located()))
    options = Options()
    read = _drawn(options.trips) if dataset == DRAWN else _bundled()
    scenarios = _scenarios(read, 0, 10, 5)
    preferences = sum(len(scenario.preferences) for scenario in scenarios)
    return [Finding("ok", f"{len(scenarios)} trips with {preferences} preferences can be played")]


def fetch(name: str, source: str) -> FetchReport:
    """See ``Family.fetch``."""
    return official.fetch(source)


def options_of(options: Mapping[str, Any], *, one_choice: bool) -> tuple[Rules, Options]:
    """Return the rules and the other options that ``env_options`` mean. Raises ``UsageError``."""
    of_rules = {name: value for name, value in options.items() if name in Rules.__struct_fields__}
    others = {name: value for name, value in options.items() if name not in of_rules}
    try:
        rules = msgspec.convert({"one_choice": one_choice} | of_rules, Rules)
        chosen = msgspec.convert(others, Options)
    except msgspec.ValidationError as error:
        known = ", ".join((*Options.__struct_fields__, *Rules.__struct_fields__))
        raise UsageError(f"An option of travel cannot be meant ({error}); the options are {known}.") from error
    counts = (rules.search_failure_interval, rules.elicitation_interval)
    if (
        rules.max_steps < 1
        or min(counts) < 0
        or min(chosen.wrong_choice_number, chosen.noise_choice_number) < 0
        or chosen.trips < 1
    ):
        raise UsageError(
            "The options of travel count messages and options: max_steps is at least 1, the rest at least 0."
        )
    return rules, chosen


def _judge(options: Options, scenarios: Sequence[Scenario]) -> Judge:
    if options.judge == RULES:
        return RuleJudge(places_of(scenarios), strict_extras=options.strict_extras)
    from actorcritic_cli.envs.travel.model_judge import ModelJudge

    return ModelJudge(options.judge, options.judge_options)


Raw = dict[str, dict[str, Any]]


@lru_cache(maxsize=1)
def _bundled() -> str:
    try:
        return TRIPS.read_text("utf-8")
    except FileNotFoundError as error:
        raise NotFound("The bundled trips are missing; install acc again.") from error


@lru_cache(maxsize=2)
def _drawn(trips: int) -> str:
    from actorcritic_cli.envs.travel.bundled.generate import others

    return json.dumps(others(trips))


@lru_cache(maxsize=4)
def _scenarios(text: str, seed: int, wrong: int, noise: int) -> tuple[Scenario, ...]:
    raw: Raw = json.loads(text)
    return tuple(
        scenario_of(scenario_id, trip, seed=seed, wrong=wrong, noise=noise) for scenario_id, trip in raw.items()
    )
