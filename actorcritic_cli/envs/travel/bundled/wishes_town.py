"""The wishes of the bundled trips for rental cars and restaurants."""

from __future__ import annotations

from random import Random
from typing import Any

from actorcritic_cli.envs.draw import between, pick
from actorcritic_cli.envs.travel.bundled.material import (
    CAR_CATEGORIES,
    CAR_INSURANCE,
    CAR_MODELS,
    CAR_SERVICE,
    CUISINES,
    LEVELS,
    OTHER_FOOD,
)
from actorcritic_cli.envs.travel.bundled.wish import Change, Holds, Option, Wish, is_one, offers, rated, sells

_MODEL_OF = {model: brand for brand, models in CAR_MODELS.items() for model in models}
_FOOD = frozenset({"food"})
_KIND = frozenset({"category"})
_STARS = ("5_star", "4_star", "3_star", "2_star", "1_star")


def _of_brand(option: Option, value: Any) -> bool:
    return bool(option["brand"] == value)


def _fit_brand(option: Option, value: Any, rng: Random) -> None:
    if option["brand"] != value:
        option.update(brand=value, model=pick(rng, CAR_MODELS[value]))


def _spoil_brand(option: Option, value: Any, rng: Random) -> None:
    _fit_brand(option, pick(rng, [brand for brand in CAR_MODELS if brand != value]), rng)


def _fit_model(option: Option, value: Any, rng: Random) -> None:
    option.update(brand=_MODEL_OF[value], model=value)


def _spoil_model(option: Option, value: Any, rng: Random) -> None:
    _fit_model(option, pick(rng, [model for model in _MODEL_OF if model != value]), rng)


def _seats(option: Option, value: Any) -> bool:
    return bool(option["seats"] >= value)


def _fit_seats(option: Option, value: Any, rng: Random) -> None:
    if option["seats"] < value:
        option["seats"] = value if value > 5 else between(rng, value, 7)


def _spoil_seats(option: Option, value: Any, rng: Random) -> None:
    option["seats"] = between(rng, 2, value - 1)


def _category(family: str, kind: str, text: str, says: str) -> Wish:
    others = tuple(other for other in CAR_CATEGORIES if other != kind)
    return is_one(family, "categories", (kind,), others, text, says, groups=_KIND)


def _food(family: str, kinds: tuple[str, ...], text: str, says: str) -> Wish:
    others = tuple(other for other in (*CUISINES, *OTHER_FOOD) if other not in kinds)
    return is_one(family, "cuisine", kinds, others, text, says, groups=_FOOD)


def _level(family: str, level: str, text: str, says: str) -> Wish:
    others = tuple(other for other in LEVELS if other != level)
    return is_one(family, "expectation", (level,), others, text, says, groups=frozenset({"price"}))


def _counts(option: Option) -> list[int]:
    return [option["reviews"][star] for star in _STARS]


def _put_counts(option: Option, counts: list[int]) -> None:
    option["reviews"] = dict(zip(_STARS, counts, strict=True))


def _mostly_five(option: Option, value: Any) -> bool:
    return 2 * _counts(option)[0] > sum(_counts(option))


def _fit_mostly_five(option: Option, value: Any, rng: Random) -> None:
    if not _mostly_five(option, value):
        counts = _counts(option)
        _put_counts(option, [sum(counts[1:]) + between(rng, 5, 60), *counts[1:]])


def _spoil_mostly_five(option: Option, value: Any, rng: Random) -> None:
    counts = _counts(option)
    _put_counts(option, [sum(counts[1:]) // 2, *counts[1:]])


def _none_low(last: int) -> tuple[Holds, Change, Change]:
    """No review among the last ``last`` kinds of stars."""

    def holds(option: Option, value: Any) -> bool:
        return sum(_counts(option)[-last:]) == 0

    def fit(option: Option, value: Any, rng: Random) -> None:
        _put_counts(option, [*_counts(option)[:-last], *([0] * last)])

    def spoil(option: Option, value: Any, rng: Random) -> None:
        _put_counts(option, [*_counts(option)[:-last], *(between(rng, 1, 9) for _ in range(last))])

    return holds, fit, spoil


_two_clean, _one_clean = _none_low(2), _none_low(1)

RENTAL_CAR_WISHES: tuple[Wish, ...] = (
    Wish(
        "seats",
        "at least {} seats",
        ("We will be {} in the car, and nobody is going to sit on anybody's lap.",),
        _seats,
        _fit_seats,
        _spoil_seats,
        values=(4, 5, 6),
    ),
    Wish(
        "brand",
        "a car by {}",
        ("At home I have driven nothing but {} for ten years; I know where every switch is.",),
        _of_brand,
        _fit_brand,
        _spoil_brand,
        values=tuple(CAR_MODELS),
        groups=frozenset({"make"}),
    ),
    Wish(
        "model",
        "the model {}",
        ("Ever since I saw a {} in a film, I have dreamt of a week behind its wheel.",),
        lambda option, value: bool(option["model"] == value),
        _fit_model,
        _spoil_model,
        values=("Aurel", "Cadenza", "Siro", "Vale"),
        groups=frozenset({"make"}),
    ),
    sells(
        "second_driver",
        "service",
        "cost_additional_driver_total",
        CAR_SERVICE["cost_additional_driver_total"],
        "a second driver",
        "My eyes get tired after an hour, then my wife takes the wheel.",
    ),
    _category(
        "electric", "Electric", "an electric car", "I enjoy hearing nothing but the tyres, and I never queue at a pump."
    ),
    _category(
        "gasoline", "Gasoline", "a gasoline car", "I trust what I can fill up in five minutes at any village station."
    ),
    _category(
        "suv", "SUV", "an SUV", "We go up to a hut on a gravel track; I like to sit high and have some ground below me."
    ),
    _category(
        "economy",
        "Economy",
        "an economy car",
        "Old town lanes and tiny parking bays: the less metal around me, the better.",
    ),
    sells(
        "liability",
        "insurance",
        "cost_liability_waiver",
        CAR_INSURANCE["cost_liability_waiver"],
        "liability insurance",
        "Should I ever run into somebody else's fence, I do not want to pay for it for years.",
    ),
    sells(
        "accident",
        "insurance",
        "cost_personal_accident_waiver",
        CAR_INSURANCE["cost_personal_accident_waiver"],
        "personal accident insurance",
        "My cousin lay in hospital abroad after a crash, and the bills were worse than the plaster.",
    ),
    sells(
        "damage",
        "insurance",
        "cost_damage_waiver",
        CAR_INSURANCE["cost_damage_waiver"],
        "a damage waiver",
        "I have an unlucky hand with pillars and kerbs, and rental firms look at every dent.",
    ),
    sells(
        "belongings",
        "insurance",
        "cost_belonging_waiver",
        CAR_INSURANCE["cost_belonging_waiver"],
        "insurance for belongings",
        "A cello and two laptops lie in the boot while we are out walking; I would like to stop worrying about that.",
    ),
    sells(
        "child_seat",
        "service",
        "cost_child_seat_total",
        CAR_SERVICE["cost_child_seat_total"],
        "a child seat",
        "Our daughter has just turned two and only dozes off when she is well strapped in.",
    ),
    sells(
        "underage",
        "service",
        "cost_underage_total",
        CAR_SERVICE["cost_underage_total"],
        "a driver under age",
        "My son got his licence last month, at eighteen, and I promised him the motorway.",
    ),
)

RESTAURANT_WISHES: tuple[Wish, ...] = (
    _level(
        "expensive",
        "Expensive",
        "an expensive restaurant",
        "It is our anniversary: white tablecloths, and nobody counts.",
    ),
    _level("cheap", "Cheap", "a cheap restaurant", "I would rather spend on the museum than on a plate."),
    Wish(
        "mostly_five_stars",
        "more than half of the reviews with five stars",
        ("If not most of those who were there are beaming with joy, I am not tempted.",),
        _mostly_five,
        _fit_mostly_five,
        _spoil_mostly_five,
        groups=frozenset({"reviews"}),
    ),
    Wish(
        "nothing_below_three",
        "no review below three stars",
        ("One really displeased voice is enough to spoil my appetite; middling is the least I accept from anyone.",),
        _two_clean[0],
        _two_clean[1],
        _two_clean[2],
        groups=frozenset({"reviews"}),
    ),
    Wish(
        "no_one_star",
        "no review with one star",
        ("People may grumble a little, but nobody should have been so angry as to give the very lowest mark.",),
        _one_clean[0],
        _one_clean[1],
        _one_clean[2],
        groups=frozenset({"reviews"}),
    ),
    rated("Guides and guests should agree on {} out of ten or more, otherwise I cook for myself."),
    _food(
        "country",
        CUISINES,
        "{} cuisine",
        "A neighbour let me taste {} cooking once, and I have talked of nothing else since.",
    ),
    _food(
        "fast_food",
        ("Fast Food",),
        "fast food",
        "We have twenty minutes between two appointments, and eat with our fingers.",
    ),
    _food("vegetarian", ("Vegetarian",), "vegetarian food", "I gave up meat as a student and never looked back."),
    _food(
        "sweet", ("Bakery", "Cafe"), "a {}", "For me a meal may well begin with the cake; a {} is my idea of heaven."
    ),
    _food(
        "sea_or_steak",
        ("Seafood", "Steakhouse"),
        "a place for {}",
        "My father raised me on what a good {} puts on the plate.",
    ),
    offers(
        "delivery",
        "tags",
        "Delivery Available",
        "delivery",
        "If it rains, we would rather stay in and wait for the bell to ring.",
    ),
    offers(
        "reservations",
        "tags",
        "Reservations Available",
        "reservations",
        "I hate to stand in line; I want to know that four chairs are kept for us at eight.",
    ),
    offers(
        "walk_ins",
        "tags",
        "Walk-ins Welcomed",
        "walk-ins",
        "We never know when we get hungry, so it must be all right to just turn up.",
    ),
    offers("outdoor", "tags", "Outdoor Seating", "outdoor seating", "Food tastes best to me under the open sky."),
    offers(
        "business",
        "tags",
        "Business Dining",
        "business dining",
        "A client comes along, and we have a contract to talk over with the main course.",
    ),
    offers(
        "late",
        "tags",
        "Late Night Service",
        "late night service",
        "The concert ends close to midnight, and we eat after it.",
    ),
    offers(
        "pets",
        "tags",
        "Pet-Friendly",
        "a pet-friendly place",
        "Our spaniel lies under the table as a matter of course.",
    ),
    offers(
        "parking", "tags", "Parking", "parking", "We come by car from far out, and circling for a gap makes me grumpy."
    ),
)
