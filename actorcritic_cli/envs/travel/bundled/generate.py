"""Write the bundled trips: ``python -m actorcritic_cli.envs.travel.bundled.generate [FILE]``.

Every trip is drawn from a random stream of its own, seeded with its id, so that a change to one leaves all others as they
are. The wishes of an aspect are drawn so that none excludes another, and so that a plain question for each is understood
by the deterministic judge as a question for that one (tests play every trip as a perfect agent would).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from actorcritic_cli.envs.draw import between, mixed, pick
from actorcritic_cli.envs.travel.bundled import TRIPS
from actorcritic_cli.envs.travel.bundled import material as m
from actorcritic_cli.envs.travel.bundled.options import Chosen, Trip, finished, options
from actorcritic_cli.envs.travel.bundled.wish import Wish
from actorcritic_cli.envs.travel.bundled.wishes_flight import FLIGHT_WISHES
from actorcritic_cli.envs.travel.bundled.wishes_lodging import APARTMENT_WISHES, HOTEL_WISHES
from actorcritic_cli.envs.travel.bundled.wishes_town import RENTAL_CAR_WISHES, RESTAURANT_WISHES
from actorcritic_cli.envs.travel.scenario import LETTERS, Aspect

SEED = 2207
COMPOSITIONS = {
    "22": "easy",
    "33": "medium",
    "44": "hard",
    "233": "medium",
    "333": "hard",
    "334": "hard",
    "444": "hard",
    "2222": "medium",
}
"""Wishes for each aspect → how hard that is."""
TRIPS_EACH = 4
WISHES: dict[Aspect, tuple[Wish, ...]] = {
    "flight": FLIGHT_WISHES,
    "hotel": HOTEL_WISHES,
    "apartment": APARTMENT_WISHES,
    "rental_car": RENTAL_CAR_WISHES,
    "restaurant": RESTAURANT_WISHES,
}
_LETTER = {aspect: letter for letter, aspect in LETTERS.items()}
_ORDINALS = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}

Json = dict[str, Any]


def generate() -> str:
    """Return the text of ``trips.json``."""
    trips = {
        f"{composition}-{number}": scenario(composition, number)
        for composition in COMPOSITIONS
        for number in range(1, TRIPS_EACH + 1)
    }
    return readable(trips)


def others(count: int) -> Json:
    """Return as many trips that are not bundled, of travellers of their own: the next numbers of each composition."""
    compositions = list(COMPOSITIONS)
    ids = ((compositions[n % len(compositions)], TRIPS_EACH + 1 + n // len(compositions)) for n in range(count))
    return {f"{composition}-{number}": scenario(composition, number, m.OTHER_PEOPLE) for composition, number in ids}


def scenario(composition: str, number: int, people: Sequence[str] = m.PEOPLE) -> Json:
    """Return one scenario in the shape of the benchmark's files."""
    rng = Random(f"{SEED}/{composition}/{number}")
    aspects = _aspects(len(composition), rng)
    month, last = pick(rng, m.MONTHS)
    first = between(rng, 2, last - 9)
    trip = Trip(pick(rng, m.ORIGINS), pick(rng, m.CITIES), between(rng, 3, 7))
    dates = {
        "start": f"{month} {_ordinal(first)}",
        "end": f"{month} {_ordinal(first + trip.nights)}",
        "dinner": f"{month} {_ordinal(first + between(rng, 1, trip.nights - 1))}",
    }
    blocks: Json = {}
    outright: list[str] = []
    for aspect, digit in zip(aspects, composition, strict=True):
        wishes = draw_wishes(aspect, int(digit), rng)
        blocks[aspect] = _block(aspect, wishes, trip, dates, rng)
        outright += [f"For the {aspect.replace('_', ' ')}: {_worded(w.wish.text, w.value)}." for w in wishes]
    opening = _opening(pick(rng, people), aspects, trip, dates)
    return {
        "scenario": f"{opening} {' '.join(outright)}",
        "initial_description": opening,
        "dimensions": aspects,
        "wanted_num": composition,
        "difficulty": COMPOSITIONS[composition],
        **blocks,
    }


def draw_wishes(aspect: Aspect, count: int, rng: Random) -> list[Chosen]:
    """Return wishes that do not exclude each other, in an order in which fitting one keeps the earlier ones."""
    drawn: list[Wish] = []
    for wish in mixed(rng, WISHES[aspect]):
        if len(drawn) < count and not any(wish.groups & other.groups for other in drawn):
            drawn.append(wish)
    return [Chosen(wish, pick(rng, wish.values)) for wish in sorted(drawn, key=WISHES[aspect].index)]


def readable(trips: Json) -> str:
    """Return the trips as JSON with an option or a preference on each line."""
    text = json.dumps(trips, indent=1, ensure_ascii=False, default=str)
    lines: list[str] = []
    for trip_id, trip in trips.items():
        parts = [f"  {json.dumps(name)}: {_part(value)}" for name, value in trip.items()]
        lines.append(f" {json.dumps(trip_id)}: {{\n" + ",\n".join(parts) + "\n }")
    written = "{\n" + ",\n".join(lines) + "\n}\n"
    if json.loads(written) != json.loads(text):
        raise ValueError("the readable form says something else")
    return written


def _part(value: Any) -> str:
    if not isinstance(value, dict):
        return _dump(value)
    inner: list[str] = []
    for name, part in value.items():
        if name == "options":
            kinds = [f"    {_dump(kind)}: [\n{_rows(rows, 5)}\n    ]" for kind, rows in part.items()]
            inner.append(f'   "options": {{\n{",".join(f"{kind}" for kind in _broken(kinds))}\n   }}')
        elif name == "preferences":
            inner.append(f'   "preferences": [\n{_rows(part, 4)}\n   ]')
        else:
            inner.append(f"   {_dump(name)}: {_dump(part)}")
    return "{\n" + ",\n".join(inner) + "\n  }"


def _broken(kinds: list[str]) -> list[str]:
    return [kind if number == 0 else f"\n{kind}" for number, kind in enumerate(kinds)]


def _rows(rows: list[Any], indent: int) -> str:
    return ",\n".join(" " * indent + _dump(row) for row in rows)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _aspects(count: int, rng: Random) -> list[Aspect]:
    lodging: Aspect = "hotel" if rng.random() < 0.5 else "apartment"
    choice: tuple[Aspect, ...] = ("flight", lodging, "rental_car", "restaurant")
    return mixed(rng, mixed(rng, choice)[:count])


def _block(aspect: Aspect, wishes: list[Chosen], trip: Trip, dates: dict[str, str], rng: Random) -> Json:
    drafts = options(aspect, wishes, trip, rng)
    numbers = mixed(rng, range(1, 23))
    listed: dict[str, list[Json]] = {}
    for kind, group in drafts.items():
        listed[kind] = [
            finished(aspect, draft, trip, rng) | {"id": f"{_LETTER[aspect]}{numbers.pop()}"} for draft in group
        ]
    return {
        "preferences": [
            [
                aspect,
                chosen.wish.family,
                _worded(chosen.wish.text, chosen.value),
                _worded(pick(rng, chosen.wish.says), chosen.value),
                [] if not isinstance(chosen.value, str) else [chosen.value],
            ]
            for chosen in wishes
        ],
        "arguments": _arguments(aspect, trip, dates),
        "best_id": listed["correct"][0]["id"],
        "correct_ids": [option["id"] for option in listed["correct"]],
        "all_ids": [option["id"] for group in listed.values() for option in group],
        "options": listed,
    }


def _worded(text: str, value: Any) -> str:
    return text.format(value) if value is not None else text


def _arguments(aspect: Aspect, trip: Trip, dates: dict[str, str]) -> Json:
    if aspect == "flight":
        return {"origin": trip.origin, "destination": trip.city, "date": dates["start"]}
    if aspect == "restaurant":
        return {"city": trip.city, "date": dates["dinner"]}
    return {"city": trip.city, "date_start": dates["start"], "date_end": dates["end"]}


def _opening(person: str, aspects: list[Aspect], trip: Trip, dates: dict[str, str]) -> str:
    needs = {
        "flight": f"a one-way flight from {trip.origin} to {trip.city} on {dates['start']}",
        "hotel": f"a hotel in {trip.city} from {dates['start']} to {dates['end']}",
        "apartment": f"an apartment in {trip.city} from {dates['start']} to {dates['end']}",
        "rental_car": f"a rental car in {trip.city} from {dates['start']} to {dates['end']}",
        "restaurant": f"a restaurant in {trip.city} for {dates['dinner']}",
    }
    said = [needs[aspect] for aspect in aspects]
    return f"Hello, this is {person}. For my trip to {trip.city} I need {', '.join(said[:-1])} and {said[-1]}."


def _ordinal(day: int) -> str:
    return f"{day}{_ORDINALS.get(day, 'th')}"


def main(path: Path = TRIPS) -> None:
    """Write the file."""
    path.write_text(generate(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
