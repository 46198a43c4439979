"""The wishes of the bundled trips for hotels and apartments."""

from __future__ import annotations

from random import Random
from typing import Any

from actorcritic_cli.envs.draw import between, pick
from actorcritic_cli.envs.travel.bundled.material import APARTMENT_SERVICE, HOTEL_BRANDS, HOTEL_SERVICE, PLATFORMS
from actorcritic_cli.envs.travel.bundled.wish import Option, Wish, offers, rated, sells


def _named_after(family: str, names: tuple[str, ...], text: str, says: str) -> Wish:
    """A wish for a name that begins with a brand or platform."""

    def holds(option: Option, value: Any) -> bool:
        return str(option["name"]).startswith(value)

    def rename(option: Option, name: str) -> None:
        old = next(brand for brand in names if option["name"].startswith(brand))
        option["name"] = name + option["name"][len(old) :]

    def fit(option: Option, value: Any, rng: Random) -> None:
        rename(option, value)

    def spoil(option: Option, value: Any, rng: Random) -> None:
        rename(option, pick(rng, [name for name in names if name != value]))

    return Wish(family, text, (says,), holds, fit, spoil, values=names)


def _room(family: str, kind: str, *says: str) -> Wish:
    """A wish for a type of room among those of a hotel."""

    def holds(option: Option, value: Any) -> bool:
        return kind in option["room"]

    def fit(option: Option, value: Any, rng: Random) -> None:
        if kind not in option["room"]:
            option["room"].append(kind)

    def spoil(option: Option, value: Any, rng: Random) -> None:
        option["room"] = [room for room in option["room"] if room != kind] or ["Queen"]

    return Wish(family, f"a {kind} room", says, holds, fit, spoil, groups=frozenset({"room"}))


def _rooms(option: Option) -> tuple[int, int]:
    bedrooms, _, rest = option["room"].partition("B")
    return int(bedrooms), int(rest.rstrip("B"))


def _sized(family: str, text: str, says: str, low: tuple[int, int], high: tuple[int, int], group: str) -> Wish:
    """A wish for bedrooms and bathrooms between ``low`` and ``high``, each (bedrooms, bathrooms)."""
    part = 0 if group == "bedrooms" else 1

    def holds(option: Option, value: Any) -> bool:
        return low[part] <= _rooms(option)[part] <= high[part]

    def put(option: Option, number: int) -> None:
        rooms = list(_rooms(option))
        rooms[part] = number
        option["room"] = f"{rooms[0]}B{rooms[1]}B"

    def fit(option: Option, value: Any, rng: Random) -> None:
        if not holds(option, value):
            put(option, between(rng, low[part], min(high[part], low[part] + 1)))

    def spoil(option: Option, value: Any, rng: Random) -> None:
        put(option, low[part] - 1 if low[part] > 1 else high[part] + 1)

    return Wish(family, text, (says,), holds, fit, spoil, groups=frozenset({group}))


def _holds_people(option: Option, value: Any) -> bool:
    return bool(option["capacity"] >= value)


def _fit_people(option: Option, value: Any, rng: Random) -> None:
    if option["capacity"] < value:
        option["capacity"] = value + between(rng, 0, 1)


def _spoil_people(option: Option, value: Any, rng: Random) -> None:
    option["capacity"] = between(rng, 1, value - 1)


HOTEL_WISHES: tuple[Wish, ...] = (
    _named_after(
        "brand", HOTEL_BRANDS, "a hotel of {}", "I always sleep like a stone at {}, and I hold their silver card."
    ),
    rated("What guests write counts for me: below {} out of ten I would not even look at the pictures."),
    sells(
        "breakfast",
        "service",
        "cost_breakfast_total",
        HOTEL_SERVICE["cost_breakfast_total"],
        "breakfast in the house",
        "Before my first egg and coffee nobody should talk to me, and I do not want to go out for them.",
    ),
    sells(
        "parking",
        "service",
        "cost_parking_total",
        HOTEL_SERVICE["cost_parking_total"],
        "parking",
        "My brother drops by with his van every evening, and he should not have to circle the block.",
    ),
    sells(
        "barrier_free",
        "service",
        "cost_barrier_free_total",
        HOTEL_SERVICE["cost_barrier_free_total"],
        "barrier-free access",
        "My mother comes along in her wheelchair, and steps are a wall to her.",
    ),
    offers("pets", "amenities", "Pets Allowed", "a place that takes pets", "Biscuit, my beagle, goes where I go."),
    _room("king", "King", "I am two metres tall and turn over a lot; a narrow bed is a night on the floor."),
    _room(
        "double", "Double", "My sister and I share, each with a bed of her own side; nothing grand is needed for us."
    ),
    _room(
        "suite",
        "Suite (with kitchen)",
        "I like a sofa to receive people on, and I warm up my own soup late in the evening.",
    ),
    offers("gym", "amenities", "Gym", "a gym", "A day without lifting something heavy feels like half a day to me."),
    offers(
        "workspace",
        "amenities",
        "Business Workspace",
        "a workspace",
        "I have a report to finish, and I cannot write sitting on the edge of a bed.",
    ),
    offers(
        "washer",
        "amenities",
        "Washer and Dryer",
        "a washer and dryer",
        "I travel with four shirts and no more, so they have to go round again while I am there.",
    ),
    offers(
        "wifi",
        "amenities",
        "High-Speed WiFi",
        "fast WiFi",
        "I hold video calls from my room, and frozen faces have cost me a customer before.",
    ),
    offers(
        "air_conditioning",
        "amenities",
        "Air Conditioning",
        "air conditioning",
        "I come from the north; above twenty degrees I do not sleep a minute.",
    ),
    offers(
        "view",
        "amenities",
        "Mountain View",
        "a view of the mountains",
        "I would love to draw the curtain in the morning and see peaks and snow.",
    ),
)

APARTMENT_WISHES: tuple[Wish, ...] = (
    _named_after(
        "platform", PLATFORMS, "an apartment from {}", "I still have a voucher from {} that I want to use up."
    ),
    rated("I trust other tenants: they should have given {} out of ten or more."),
    sells(
        "daily_cleaning",
        "service",
        "cost_cleaning_total",
        APARTMENT_SERVICE["cost_cleaning_total"],
        "daily cleaning",
        "Dust makes me sneeze, and on holiday I do not touch a broom: somebody should come in each morning.",
    ),
    Wish(
        "capacity",
        "room for {} people",
        ("There will be {} of us around the table, and nobody goes to sleep elsewhere.",),
        _holds_people,
        _fit_people,
        _spoil_people,
        values=(4, 5, 6),
    ),
    _sized(
        "two_bathrooms",
        "at least two bathrooms",
        "With a teenager along, one mirror and one shower mean war every morning.",
        (0, 2),
        (9, 9),
        "bathrooms",
    ),
    _sized(
        "one_bedroom",
        "exactly one bedroom",
        "It is only the two of us on our honeymoon; doors to empty rooms would feel odd.",
        (1, 0),
        (1, 9),
        "bedrooms",
    ),
    _sized(
        "three_bedrooms",
        "at least three bedrooms",
        "The grandparents, the twins and we ourselves all want to close a door behind us at night.",
        (3, 0),
        (9, 9),
        "bedrooms",
    ),
    offers(
        "parking",
        "amenities",
        "Parking",
        "parking",
        "Last year I paid three fines in one week for leaving my car in the street.",
    ),
    offers("elevator", "amenities", "Elevator", "an elevator", "My knees have had enough of steps for one life."),
    sells(
        "late_checkout",
        "service",
        "cost_late_checkout_fee",
        APARTMENT_SERVICE["cost_late_checkout_fee"],
        "a late check-out",
        "On the last day our train goes in the evening, and I would rather not sit in the street with my bags till then.",
    ),
    sells(
        "early_checkin",
        "service",
        "cost_early_checkin_fee",
        APARTMENT_SERVICE["cost_early_checkin_fee"],
        "an early check-in",
        "Our night bus gets in at seven, and after it I want nothing but a bed.",
    ),
    offers(
        "washer",
        "amenities",
        "Washer and Dryer",
        "a washer and dryer",
        "The little one spills everything, we go through three sets of clothes a day.",
    ),
    offers(
        "kitchen",
        "amenities",
        "Kitchen",
        "a kitchen",
        "I love to bring home things from the market and see what comes of them in a pan.",
    ),
    offers(
        "garden",
        "amenities",
        "Garden",
        "a garden",
        "I read best under a tree, with my bare feet in the grass.",
    ),
    offers(
        "pets", "amenities", "Pets Allowed", "a place that takes pets", "Our old tomcat cannot be left behind alone."
    ),
    offers(
        "wifi",
        "amenities",
        "High-Speed WiFi",
        "fast WiFi",
        "The children will mutiny if their films stop to load in the evening.",
    ),
)
