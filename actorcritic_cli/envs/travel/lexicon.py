"""Which words speak of which aspect, and of which kind of preference.

This is what lets the deterministic judge understand a question without a model. A *family* is a kind of preference ("a
gym in the hotel"). Its key words are looked for in questions, and, for data that name no family, in the text of the
preference itself, where the family with the most hits is taken. Words may serve several families: the more of a text
speaks of one, the better it fits.
"""

from __future__ import annotations

import re
from functools import cache

from msgspec import Struct

from actorcritic_cli.envs.travel.families import APARTMENT, FLIGHT, HOTEL, RENTAL_CAR, RESTAURANT, Table
from actorcritic_cli.envs.travel.scenario import Aspect, Preference
from actorcritic_cli.envs.travel.words import MAX_TEXT, key_words, plain

ASPECT_WORDS: dict[Aspect, tuple[str, ...]] = {
    "flight": ("flight", "flights", "fly", "flying", "airplane", "aeroplane", "plane", "plane ticket", "airfare"),
    "hotel": ("hotel", "hotels"),
    "apartment": ("apartment", "apartments", "flat", "holiday home", "holiday rental", "vacation rental"),
    "rental_car": ("car", "cars", "rental car", "car rental", "vehicle", "vehicles", "car hire"),
    "restaurant": ("restaurant", "restaurants", "dining", "dine", "dinner", "lunch", "eat", "eating", "meal out"),
}
LODGING_WORDS = ("accommodation", "lodging", "place to stay", "stay", "staying")
"""Words for whichever of hotel and apartment the trip has; they never occur together."""
WISH_WORDS = (
    "prefer*", "wish*", "want", "wants", "like", "need*", "require*", "must have", "important", "looking for", "care about",
    "matter*", "expect*", "requirement*", "priorit*", "interested in", "picky", "favour*", "favor*", "anything",
)  # fmt: skip
ASKING_WORDS = (
    "would you", "do you", "are you", "will you", "have you", "could you", "can you", "may i ask", "is there", "are there",
    "should i", "should it", "should the", "how many", "how much", "how long", "how important", "tell me", "let me know",
    "please share", "please specify", "please say", "i would like to know", "id like to know", "i want to know",
)  # fmt: skip
QUESTION_STARTS = (
    "what",
    "which",
    "who",
    "when",
    "where",
    "whether",
    "how",
    "any",
    "is",
    "are",
    "does",
    "did",
    "should",
)
"""Words that make a question of a sentence that begins with them."""
OTHER_ATTRIBUTES = (
    "budget", "price", "prices", "cost", "costs", "location", "located", "neighborhood", "neighbourhood", "district",
    "distance", "close to", "near", "walking distance", "city center", "city centre", "downtown", "departure time",
    "arrival time", "time of day", "morning", "afternoon", "evening", "window seat", "aisle", "seat", "pool", "spa",
    "balcony", "smoking", "cancellation", "refund*", "transmission", "automatic", "manual", "gps", "navigation", "mileage",
    "pick up", "pickup", "drop off", "allergies", "allergic", "gluten free", "halal", "kosher", "live music", "ambience",
    "atmosphere", "dress code", "wine", "tv", "bathtub", "shower", "safe", "reception", "star hotel", "stars",
)  # fmt: skip
"""Things one can ask for concretely and that no traveller of these data has a wish about."""


class Family(Struct, frozen=True):
    """A kind of preference. ``question`` asks for it in plain words, as a good agent would."""

    name: str
    aspect: Aspect
    keywords: tuple[str, ...]
    question: str


_TABLES: dict[Aspect, Table] = {
    "flight": FLIGHT,
    "hotel": HOTEL,
    "apartment": APARTMENT,
    "rental_car": RENTAL_CAR,
    "restaurant": RESTAURANT,
}
FAMILIES: tuple[Family, ...] = tuple(
    Family(name, aspect, tuple(words.split("|")), question)
    for aspect, table in _TABLES.items()
    for name, (words, question) in table.items()
)
_BY_NAME: dict[tuple[str, str], Family] = {(family.aspect, family.name): family for family in FAMILIES}


def named_aspects(words: str) -> list[Aspect]:
    """Return the aspects that a text (as ``plain`` makes it) names, hotel and apartment by their own names only."""
    return [aspect for aspect in ASPECT_WORDS if _pattern(ASPECT_WORDS[aspect]).search(words)]


def names_lodging(words: str) -> bool:
    """Return whether a text speaks of staying somewhere without saying in what."""
    return bool(_pattern(LODGING_WORDS).search(words))


def speaks_of_wishes(words: str) -> bool:
    """Return whether a text speaks of wishes at all."""
    return bool(_pattern(WISH_WORDS).search(words))


def names_other_attribute(words: str) -> bool:
    """Return whether a text speaks of something concrete, of whatever aspect, or that no kind of preference is about."""
    return bool(_pattern(OTHER_ATTRIBUTES).search(words)) or any(families_hit(words, aspect) for aspect in ASPECT_WORDS)


def asks(text: str) -> bool:
    """Return whether a text asks for something: a question mark, or the words of a question."""
    if "?" in text or _pattern(ASKING_WORDS).search(plain(text)):
        return True
    return any(plain(part).partition(" ")[0] in QUESTION_STARTS for part in re.split(r"[.!;:\n]", text[:MAX_TEXT]))


def hits(words: str, keywords: tuple[str, ...]) -> int:
    """Return how many words of a text (as ``plain`` makes it) the key words in it make up, each key word once."""
    return sum(len(found.split()) for found in set(_pattern(keywords).findall(words))) if keywords else 0


@cache
def family_of(preference: Preference) -> Family | None:
    """Return the family of a preference: by its subcategory, else by the words of its text; ``None`` if none fits."""
    named = _BY_NAME.get((preference.aspect, preference.subcategory))
    if named is not None:
        return named
    text = plain(preference.text)
    scored = [
        (hits(text, family.keywords), -number, family)
        for number, family in enumerate(FAMILIES)
        if family.aspect == preference.aspect
    ]
    best = max(scored, key=lambda entry: entry[:2])
    return best[2] if best[0] else None


def relevance(words: str, preference: Preference) -> int:
    """Return how strongly a question (as ``plain`` makes it) asks for a preference: the words it spends on it."""
    family = family_of(preference)
    return hits(words, (family.keywords if family else ()) + preference.keywords)


def families_hit(words: str, aspect: Aspect) -> bool:
    """Return whether a question speaks of any attribute that an aspect can have."""
    return any(hits(words, family.keywords) for family in FAMILIES if family.aspect == aspect)


@cache
def _pattern(keywords: tuple[str, ...]) -> re.Pattern[str]:
    pattern = key_words(keywords)
    return pattern if pattern is not None else re.compile(r"(?!)")
