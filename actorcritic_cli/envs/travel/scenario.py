"""A trip: what the user says first, what they secretly want, and the options of every aspect.

The shape on disk is that of UserBench's files (one JSON object, scenario id → scenario), bundled data included, so one
reader serves both. It is tolerant where those files are known only from descriptions: missing prose, arguments or
subcategories are allowed, and of the options any field may be missing or absurd, for noise is part of the game. What the
score rests on is checked here, once, and not in the middle of an episode.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from msgspec import Struct

from actorcritic_cli.errors import AccError

Aspect = Literal["flight", "hotel", "apartment", "rental_car", "restaurant"]
LETTERS: dict[str, Aspect] = {"F": "flight", "H": "hotel", "A": "apartment", "C": "rental_car", "R": "restaurant"}
"""The first letter of an option's id → its aspect."""
ASPECTS: tuple[Aspect, ...] = tuple(LETTERS.values())

_LABELS = ("type", "reason", "best_id_thought")
"""Fields of an option that say whether it is right."""


class Preference(Struct, frozen=True):
    """One thing the user wants and does not say outright.

    ``id`` is ``P1``, ``P2`` … within the scenario; ``subcategory`` a short name of what it is about (may be empty);
    ``text`` the preference in plain words, which no agent sees; ``implicit`` what the user says of it; ``keywords`` are
    further words by which a question asks for it.
    """

    id: str
    aspect: Aspect
    subcategory: str
    text: str
    implicit: str
    keywords: tuple[str, ...] = ()


class Block(Struct, frozen=True):
    """One aspect of a trip. ``options`` stand in the order in which a search lists them, without their labels.

    ``arguments`` are what a right search must say (``None``: not known).
    """

    aspect: Aspect
    preferences: tuple[Preference, ...]
    options: tuple[dict[str, Any], ...]
    correct_ids: frozenset[str]
    best_id: str
    arguments: dict[str, Any] | None = None

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all options."""
        return frozenset(option["id"] for option in self.options)


class Scenario(Struct, frozen=True):
    """A trip. ``prose`` tells all of it, preferences included: it is for judges alone."""

    id: str
    opening: str
    blocks: tuple[Block, ...]
    prose: str = ""
    composition: str = ""
    difficulty: str = ""

    @property
    def aspects(self) -> tuple[Aspect, ...]:
        """The aspects in the order of the scenario."""
        return tuple(block.aspect for block in self.blocks)

    @property
    def preferences(self) -> tuple[Preference, ...]:
        """All preferences, ``P1`` first."""
        return tuple(preference for block in self.blocks for preference in block.preferences)

    def block(self, aspect: str) -> Block | None:
        """Return the block of an aspect, ``None`` if the trip has no such aspect."""
        return next((block for block in self.blocks if block.aspect == aspect), None)

    def preference(self, preference_id: str) -> Preference:
        """Return a preference by its id."""
        return next(preference for preference in self.preferences if preference.id == preference_id)


class Broken(AccError):
    """A scenario cannot be played; the message says which and why."""


def scenario_of(
    scenario_id: str, raw: Mapping[str, Any], *, seed: int = 0, wrong: int = 10, noise: int = 5
) -> Scenario:
    """Read one scenario.

    ``wrong`` and ``noise`` are how many options of either kind are kept, in every mode; the order of the options is fixed
    by a hash of ``seed``, scenario, aspect and option, and so by nothing that ran before. Raises ``Broken``.
    """
    names = raw.get("dimensions")
    if not isinstance(names, list) or not names or not all(name in ASPECTS for name in names):
        raise Broken(f"Scenario {scenario_id} names no aspects that are known; leave it out or mend the file.")
    if len(set(names)) != len(names):
        raise Broken(f"Scenario {scenario_id} names an aspect twice; leave it out or mend the file.")
    blocks: list[Block] = []
    counted = 0
    for name in names:
        block = _block(scenario_id, cast(Aspect, name), raw.get(name), counted, seed, wrong, noise)
        counted += len(block.preferences)
        blocks.append(block)
    opening = raw.get("initial_description")
    if not isinstance(opening, str) or not opening.strip():
        raise Broken(f"Scenario {scenario_id} has no opening request; leave it out or mend the file.")
    return Scenario(
        id=scenario_id,
        opening=opening.strip(),
        blocks=tuple(blocks),
        prose=_text(raw.get("scenario")),
        composition="".join(sorted(str(len(block.preferences)) for block in blocks)),
        difficulty=_text(raw.get("difficulty")),
    )


def shuffled(options: Sequence[dict[str, Any]], key: str) -> tuple[dict[str, Any], ...]:
    """Return the options in an order that depends on the key and their ids alone."""
    return tuple(sorted(options, key=lambda option: hashlib.sha256(f"{key}|{option['id']}".encode()).digest()))


def _block(scenario_id: str, aspect: Aspect, raw: Any, counted: int, seed: int, wrong: int, noise: int) -> Block:
    where = f"{aspect} of scenario {scenario_id}"
    if not isinstance(raw, dict):
        raise Broken(f"The {where} is missing; leave the scenario out or mend the file.")
    options: Sequence[dict[str, Any]] = _options(raw, where, wrong, noise)
    if raw.get("options") is not None:
        options = shuffled(options, f"{seed}|{scenario_id}|{aspect}")
    correct, best = raw.get("correct_ids"), raw.get("best_id")
    block = Block(
        aspect=aspect,
        preferences=_preferences(aspect, raw.get("preferences"), counted),
        options=tuple(_filled(options)),
        correct_ids=frozenset(correct if isinstance(correct, list) else ()),
        best_id=_text(best),
        arguments=raw["arguments"] if isinstance(raw.get("arguments"), dict) else None,
    )
    if block.best_id not in block.correct_ids or not block.correct_ids <= block.ids:
        raise Broken(
            f"The {where} has a best or correct id that is none of its options; leave it out or mend the file."
        )
    if any(LETTERS.get(option_id[:1]) != aspect for option_id in block.ids):
        raise Broken(f"The {where} has an option whose id is of another aspect; leave it out or mend the file.")
    return block


def _preferences(aspect: Aspect, raw: Any, counted: int) -> tuple[Preference, ...]:
    """Read preferences; entries with fewer than four parts are skipped. Ours may have a fifth: further key words."""
    whole = [entry for entry in raw or () if isinstance(entry, list) and len(entry) >= 4]
    return tuple(
        Preference(
            f"P{counted + number}",
            aspect,
            _text(entry[1]),
            _text(entry[2]),
            _text(entry[3]),
            tuple(word for word in entry[4] if isinstance(word, str))
            if len(entry) > 4 and isinstance(entry[4], list)
            else (),
        )
        for number, entry in enumerate(whole, start=1)
    )


def _options(raw: Mapping[str, Any], where: str, wrong: int, noise: int) -> list[dict[str, Any]]:
    kinds = raw.get("options")
    if isinstance(kinds, dict):
        listed = [
            *(kinds.get("correct") or ()),
            *(kinds.get("wrong") or ())[:wrong],
            *(kinds.get("noise") or ())[:noise],
        ]
    else:
        listed = list(raw.get("shown_options") or ())
    if not all(isinstance(option, dict) and isinstance(option.get("id"), str) for option in listed):
        raise Broken(f"The {where} has an option without an id; leave the scenario out or mend the file.")
    if len({option["id"] for option in listed}) != len(listed):
        raise Broken(f"The {where} has two options with one id; leave the scenario out or mend the file.")
    return [{name: value for name, value in option.items() if name not in _LABELS} for option in listed]


def _filled(options: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give every option the fields of all, ``null`` where it has none and ``id`` last: a gap must not mark noise."""
    names = [name for name in dict.fromkeys(name for option in options for name in option) if name != "id"]
    return [{name: option.get(name) for name in names} | {"id": option["id"]} for option in options]


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
