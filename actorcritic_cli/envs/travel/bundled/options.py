"""The options of the bundled trips: three that meet all wishes, ten that break some, five that are absurd.

Prices are drawn as units and multiplied by one factor for the whole option, extras included. The three correct options share
what the price depends on (rooms, price level), so the one with the least factor is the cheapest by any measure: that is
the best one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from msgspec import Struct

from actorcritic_cli.envs.draw import below, between, mixed, pick, some
from actorcritic_cli.envs.travel.bundled import material as m
from actorcritic_cli.envs.travel.bundled.wish import Option, Wish
from actorcritic_cli.envs.travel.bundled.wishes_flight import fly_direct, fly_over
from actorcritic_cli.envs.travel.scenario import Aspect

CORRECT, WRONG, NOISE = 3, 10, 5


class Chosen(Struct, frozen=True):
    """A wish of a traveller with its value."""

    wish: Wish
    value: Any

    def holds(self, option: Option) -> bool:
        """Whether an option meets it."""
        return self.wish.holds(option, self.value)


class Trip(Struct, frozen=True):
    """Where the trip goes; ``nights`` scales what is paid by the night."""

    origin: str
    city: str
    nights: int


def options(aspect: Aspect, wishes: Sequence[Chosen], trip: Trip, rng: Random) -> dict[str, list[Option]]:
    """Return the options of an aspect by kind, as drafts (see ``finished``) with the price factor in ``factor``."""
    base, level = _BASE[aspect](trip, rng), 0.8 + 0.5 * rng.random()
    factors = (1.0, 1.2 + 0.15 * rng.random(), 1.55 + 0.3 * rng.random())
    correct = [_fitted(_varied(aspect, base, trip, rng), wishes, rng) | {"factor": factor} for factor in factors]
    wrong = [_near_miss(aspect, base, wishes, trip, rng, number) for number in range(WRONG)]
    noise = [_NOISE[aspect](_BASE[aspect](trip, rng), rng) | {"factor": 0.7 + rng.random()} for _ in range(NOISE)]
    kinds = {"correct": correct, "wrong": wrong, "noise": noise}
    return {kind: [draft | {"factor": draft["factor"] * level} for draft in drafts] for kind, drafts in kinds.items()}


def finished(aspect: Aspect, draft: Option, trip: Trip, rng: Random) -> Option:
    """Return a draft as it is listed: with prices, and without what only the generator needs."""
    option: Option = _copied(draft)
    factor = option.pop("factor")
    for extras in ("service", "insurance"):
        if extras in option:
            option[extras] = {name: _times(price, factor) for name, price in option[extras].items()}
    return _PRICED[aspect](option, factor, trip, rng)


def _varied(aspect: Aspect, base: Option, trip: Trip, rng: Random) -> Option:
    """Return an option like the base in what the price depends on, drawn anew in the rest."""
    fresh = _BASE[aspect](trip, rng)
    kept = {"hotel": ("room",), "restaurant": ("expectation",)}.get(aspect, ())
    return fresh | {name: _copied(base[name]) for name in kept}


def _copied(value: Any) -> Any:
    """Return a copy of a plain value. There are tens of thousands, and ``copy.deepcopy`` takes several times as long."""
    if isinstance(value, dict):
        return {name: _copied(part) for name, part in value.items()}
    return [_copied(part) for part in value] if isinstance(value, list) else value


def _fitted(option: Option, wishes: Sequence[Chosen], rng: Random) -> Option:
    for chosen in wishes:
        chosen.wish.fit(option, chosen.value, rng)
    if not all(chosen.holds(option) for chosen in wishes):
        raise ValueError(f"the wishes {[chosen.wish.family for chosen in wishes]} exclude each other")
    return option


def _near_miss(aspect: Aspect, base: Option, wishes: Sequence[Chosen], trip: Trip, rng: Random, number: int) -> Option:
    """Return an option that meets the wishes but for one or two. The first few are cheaper than the best."""
    option = _fitted(_varied(aspect, base, trip, rng), wishes, rng)
    broken = wishes[number % len(wishes)]
    broken.wish.spoil(option, broken.value, rng)
    if rng.random() < 0.3:
        other = pick(rng, wishes)
        other.wish.spoil(option, other.value, rng)
    if all(chosen.holds(option) for chosen in wishes):
        raise ValueError(f"{broken.wish.family} cannot be broken")
    return option | {"factor": 0.6 + 0.3 * rng.random() if number < 4 else 0.8 + rng.random()}


def _extras(table: dict[str, int], rng: Random) -> dict[str, int | None]:
    return {name: price if rng.random() < 0.55 else None for name, price in table.items()}


def _times(price: int | None, factor: float) -> int | None:
    return None if price is None else round(price * factor)


def _flight(trip: Trip, rng: Random) -> Option:
    option: Option = {
        "path": [trip.origin, trip.city],
        "time": [between(rng, 3, 7)],
        "company": [pick(rng, list(m.AIRLINES))],
        "amenities": some(rng, m.FLIGHT_AMENITIES, 0.45),
        "service": _extras(m.FLIGHT_SERVICE, rng),
    }
    if rng.random() < 0.6:
        fly_over(option, [pick(rng, m.HUBS)], rng)
    return option


def _priced_flight(option: Option, factor: float, trip: Trip, rng: Random) -> Option:
    numbers = [f"{m.AIRLINES.get(name, 'XX')}{between(rng, 100, 989)}" for name in option["company"]]
    return {
        "path": option["path"],
        "time": option["time"],
        "company": option["company"],
        "flight_number": numbers,
        "cost": option.get("cost", round(410 * factor)),
        "amenities": option["amenities"],
        "service": option["service"],
    }


def _hotel(trip: Trip, rng: Random) -> Option:
    return {
        "name": f"{pick(rng, m.HOTEL_BRANDS)} {trip.city} {pick(rng, m.HOTEL_SUFFIXES)}",
        "room": some(rng, list(m.ROOMS), 0.5) or ["Queen"],
        "rating": round(6 + 3.6 * rng.random(), 1),
        "amenities": some(rng, m.HOTEL_AMENITIES, 0.4),
        "service": _extras(m.HOTEL_SERVICE, rng),
    }


def _priced_hotel(option: Option, factor: float, trip: Trip, rng: Random) -> Option:
    rooms = sorted(option["room"], key=list(m.ROOMS).index)
    return {
        "name": option["name"],
        "room": [{"type": kind, "capacity": m.ROOMS[kind][1]} for kind in rooms],
        "cost": option.get("cost", [round(95 * trip.nights * m.ROOMS[kind][0] * factor) for kind in rooms]),
        "rating": option["rating"],
        "amenities": option["amenities"],
        "service": option["service"],
    }


def _apartment(trip: Trip, rng: Random) -> Option:
    return {
        "name": f"{pick(rng, m.PLATFORMS)} {trip.city} {pick(rng, m.APARTMENT_NAMES)}",
        "room": f"{between(rng, 1, 4)}B{between(rng, 1, 3)}B",
        "capacity": between(rng, 2, 7),
        "rating": round(6 + 3.6 * rng.random(), 1),
        "amenities": some(rng, m.APARTMENT_AMENITIES, 0.45),
        "service": _extras(m.APARTMENT_SERVICE, rng),
    }


def _priced_apartment(option: Option, factor: float, trip: Trip, rng: Random) -> Option:
    names = ("name", "room", "capacity", "cost", "rating", "amenities", "service")
    priced = {"cost": round(110 * trip.nights * factor)} | option
    return {name: priced[name] for name in names}


def _rental_car(trip: Trip, rng: Random) -> Option:
    brand = pick(rng, list(m.CAR_MODELS))
    return {
        "brand": brand,
        "model": pick(rng, m.CAR_MODELS[brand]),
        "categories": pick(rng, m.CAR_CATEGORIES),
        "seats": pick(rng, (2, 4, 4, 5, 5, 7)),
        "insurance": _extras(m.CAR_INSURANCE, rng),
        "service": _extras(m.CAR_SERVICE, rng),
    }


def _priced_car(option: Option, factor: float, trip: Trip, rng: Random) -> Option:
    names = ("brand", "model", "categories", "seats", "cost", "insurance", "service")
    priced = {"cost": round(58 * trip.nights * factor)} | option
    return {name: priced[name] for name in names}


def _restaurant(trip: Trip, rng: Random) -> Option:
    counts = [between(rng, *low_high) for low_high in ((40, 160), (20, 90), (5, 40), (0, 12), (0, 8))]
    return {
        "name": pick(rng, m.RESTAURANT_NAMES),
        "cuisine": pick(rng, (*m.CUISINES, *m.OTHER_FOOD)),
        "expectation": pick(rng, list(m.LEVELS)),
        "rating": round(6 + 3.6 * rng.random(), 1),
        "reviews": {f"{5 - n}_star": count for n, count in enumerate(counts)},
        "tags": some(rng, m.TAGS, 0.4),
    }


def _priced_restaurant(option: Option, factor: float, trip: Trip, rng: Random) -> Option:
    names = ("name", "cuisine", "expectation", "cost", "rating", "reviews", "tags")
    priced = {"cost": round(m.LEVELS.get(option["expectation"], 0) * factor, 1)} | option
    return {name: priced[name] for name in names}


def _strange(option: Option, rng: Random) -> Option:
    """Give an option an absurd name, price and rating."""
    cost = pick(rng, (0, 1_000_000, 404, -20, 987_654_321))
    return option | {
        "name": f"{pick(rng, m.ABSURD)} {pick(rng, ('Deluxe', 'Palace', 'Experience', 'Zero'))}",
        "cost": cost,
        "rating": pick(rng, (404, -3, 11, None, 0)),
    }


def _strange_flight(option: Option, rng: Random) -> Option:
    fly_direct(option)
    fly_over(option, mixed(rng, m.ABSURD_PLACES)[: 1 + below(rng, 2)], rng)
    company = [f"{pick(rng, m.ABSURD)} Lines" for _ in option["company"]]
    return option | {"company": company, "cost": pick(rng, (1, 0, 250_000, 7_777_777))}


def _strange_hotel(option: Option, rng: Random) -> Option:
    strange = _strange(option, rng)
    return strange | {"cost": [strange["cost"] for _ in strange["room"]]}


def _strange_apartment(option: Option, rng: Random) -> Option:
    return _strange(option, rng) | {"room": pick(rng, ("0B0B", "40B1B", "9B99B")), "capacity": pick(rng, (0, 500))}


def _strange_car(option: Option, rng: Random) -> Option:
    strange = {"brand": pick(rng, m.ABSURD), "model": f"Nr. {between(rng, 0, 99)}", "seats": pick(rng, (0, 1, 80))}
    return option | strange | {"cost": pick(rng, (0, 1, 999_999))}


def _strange_restaurant(option: Option, rng: Random) -> Option:
    food = pick(rng, ("Moonlight", "Rust", "Yesterday's Weather", "Unknown"))
    return _strange(option, rng) | {"cuisine": food}


_Base = Callable[[Trip, Random], Option]
_Noise = Callable[[Option, Random], Option]
_Priced = Callable[[Option, float, Trip, Random], Option]
_BASE: dict[Aspect, _Base] = {
    "flight": _flight,
    "hotel": _hotel,
    "apartment": _apartment,
    "rental_car": _rental_car,
    "restaurant": _restaurant,
}
_NOISE: dict[Aspect, _Noise] = {
    "flight": _strange_flight,
    "hotel": _strange_hotel,
    "apartment": _strange_apartment,
    "rental_car": _strange_car,
    "restaurant": _strange_restaurant,
}
_PRICED: dict[Aspect, _Priced] = {
    "flight": _priced_flight,
    "hotel": _priced_hotel,
    "apartment": _priced_apartment,
    "rental_car": _priced_car,
    "restaurant": _priced_restaurant,
}
