"""The wishes of the bundled trips for flights."""

from __future__ import annotations

from random import Random
from typing import Any

from actorcritic_cli.envs.draw import below, between, pick
from actorcritic_cli.envs.travel.bundled.material import AIRLINES, FLIGHT_SERVICE, HUBS
from actorcritic_cli.envs.travel.bundled.wish import Change, Holds, Option, Wish, offers, sells


def fly_direct(option: Option) -> None:
    """Make a flight direct."""
    path = option["path"]
    option.update(path=[path[0], path[-1]], time=[option["time"][0]], company=option["company"][:1])


def fly_over(option: Option, hubs: list[str], rng: Random) -> None:
    """Make a flight go over the hubs, with layovers of four hours and any airlines."""
    path = option["path"]
    legs = [between(rng, 2, 5) for _ in range(len(hubs) + 1)]
    option["path"] = [path[0], *hubs, path[-1]]
    option["time"] = [hours for leg in legs for hours in (leg, 4)][:-1]
    option["company"] = [option["company"][0], *(pick(rng, list(AIRLINES)) for _ in hubs)]


def _stops(option: Option) -> int:
    return len(option["path"]) - 2


def _layovers(option: Option) -> list[float]:
    return list(option["time"][1::2])


def _with_a_stop(option: Option, rng: Random) -> None:
    if _stops(option) == 0:
        fly_over(option, [pick(rng, HUBS)], rng)


def _fit_direct(option: Option, value: Any, rng: Random) -> None:
    fly_direct(option)


def _spoil_direct(option: Option, value: Any, rng: Random) -> None:
    _with_a_stop(option, rng)


def _fit_one_stop(option: Option, value: Any, rng: Random) -> None:
    if _stops(option) != 1:
        fly_over(option, [pick(rng, HUBS)], rng)


def _spoil_one_stop(option: Option, value: Any, rng: Random) -> None:
    if rng.random() < 0.5:
        fly_direct(option)
    else:
        fly_over(option, [HUBS[n] for n in (below(rng, 3), 3 + below(rng, 3))], rng)


def _fit_city(option: Option, value: Any, rng: Random) -> None:
    _with_a_stop(option, rng)
    option["path"][1] = value


def _spoil_city(option: Option, value: Any, rng: Random) -> None:
    others = [hub for hub in HUBS if hub != value]
    option["path"][1:-1] = [pick(rng, others) for _ in option["path"][1:-1]]


def _lasting(low: float, high: float) -> tuple[Holds, Change]:
    def holds(option: Option, value: Any) -> bool:
        return bool(_layovers(option)) and all(low <= hours <= high for hours in _layovers(option))

    def fit(option: Option, value: Any, rng: Random) -> None:
        _with_a_stop(option, rng)
        option["time"][1::2] = [low + below(rng, int((high - low) * 2) + 1) / 2 for _ in _layovers(option)]

    return holds, fit


def _spoil_layover(option: Option, value: Any, rng: Random) -> None:
    option["time"][1::2] = [0.5 if rng.random() < 0.5 else 4.5 for _ in _layovers(option)]


def _flown_by(option: Option, value: Any) -> bool:
    return all(company == value for company in option["company"])


def _fit_airline(option: Option, value: Any, rng: Random) -> None:
    option["company"] = [value for _ in option["company"]]


def _spoil_airline(option: Option, value: Any, rng: Random) -> None:
    option["company"] = [pick(rng, [name for name in AIRLINES if name != value]) for _ in option["company"]]


def _same(option: Option, value: Any) -> bool:
    return len(option["company"]) > 1 and len(set(option["company"])) == 1


def _different(option: Option, value: Any) -> bool:
    return len(option["company"]) > 1 and len(set(option["company"])) == len(option["company"])


def _make_same(option: Option, value: Any, rng: Random) -> None:
    _with_a_stop(option, rng)
    option["company"] = [option["company"][0] for _ in option["company"]]


def _make_different(option: Option, value: Any, rng: Random) -> None:
    _with_a_stop(option, rng)
    names, first = list(AIRLINES), below(rng, len(AIRLINES))
    option["company"] = [names[(first + n) % len(names)] for n in range(len(option["company"]))]


_is_fair, _make_fair = _lasting(1.5, 3)
_is_long, _make_long = _lasting(6, 10)

FLIGHT_WISHES: tuple[Wish, ...] = (
    Wish(
        "direct",
        "a flight without stops",
        ("Changing planes ruins a day for me: I sit down once, and I get up where I am going.",),
        lambda option, value: _stops(option) == 0,
        _fit_direct,
        _spoil_direct,
        groups=frozenset({"stops", "layover", "airline"}),
    ),
    Wish(
        "one_stop",
        "a flight with exactly one stop",
        ("I get stiff on a long haul, so touching down once on the way to stretch my legs is just about right.",),
        lambda option, value: _stops(option) == 1,
        _fit_one_stop,
        _spoil_one_stop,
        groups=frozenset({"stops"}),
    ),
    Wish(
        "layover_city",
        "a layover in {}",
        ("An old friend works near the airport of {}; a coffee with her between two planes would make my day.",),
        lambda option, value: value in option["path"][1:-1],
        _fit_city,
        _spoil_city,
        values=HUBS,
        groups=frozenset({"stops"}),
    ),
    Wish(
        "layover_fair",
        "layovers of one and a half to three hours",
        ("Between planes I like time for a sandwich, but I do not want to see the cleaning shift change.",),
        _is_fair,
        _make_fair,
        _spoil_layover,
        groups=frozenset({"layover"}),
    ),
    Wish(
        "layover_long",
        "layovers of six hours or more",
        ("When I have to change anyway, I like to leave the airport and see half a town before I go on.",),
        _is_long,
        _make_long,
        _spoil_layover,
        groups=frozenset({"layover"}),
    ),
    Wish(
        "airline",
        "{} on every leg",
        ("I have collected miles with {} for years and would hate to see them go to waste.",),
        _flown_by,
        _fit_airline,
        _spoil_airline,
        values=tuple(AIRLINES),
        groups=frozenset({"airline"}),
    ),
    Wish(
        "same_airline",
        "the same airline on all legs",
        ("If a connection fails, I want a single company that has to sort it out, not two that point at each other.",),
        _same,
        _make_same,
        _make_different,
        groups=frozenset({"airline"}),
    ),
    Wish(
        "different_airlines",
        "a different airline on each leg",
        ("I write about cabins for a small magazine, so every leg with another company gives me another page.",),
        _different,
        _make_different,
        _make_same,
        groups=frozenset({"airline"}),
    ),
    offers("wifi", "amenities", "WiFi", "WiFi on board", "I promised my team to answer their messages from up there."),
    offers(
        "meals",
        "amenities",
        "Meal Service",
        "a meal service",
        "I leave straight from work, and my stomach will not wait until we land.",
    ),
    offers(
        "lounge",
        "amenities",
        "Lounge Access",
        "lounge access",
        "Crowded gates make me nervous; a quiet armchair before boarding does wonders.",
    ),
    offers(
        "carry_on",
        "amenities",
        "Carry on Baggage Allowance",
        "an allowance for carry-on baggage",
        "My camera things never leave my side, they travel above my head.",
    ),
    sells(
        "checked_bag",
        "service",
        "cost_check_bag_total",
        FLIGHT_SERVICE["cost_check_bag_total"],
        "a checked bag",
        "I bring a box of tools the size of a small fridge, which has to go into the hold.",
    ),
    sells(
        "business",
        "service",
        "cost_business_total",
        FLIGHT_SERVICE["cost_business_total"],
        "a seat in business class",
        "After my knee operation I need a seat that I can really lie back in, up at the front.",
    ),
)
