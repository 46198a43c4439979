"""The judge that needs no model: it goes by words, dates and places, so the same text gets the same verdict everywhere.

A search is right when it names exactly one aspect of the trip and says every true argument of that aspect, without another
day, another of the known places, or a flight the wrong way round. Further wishes in it do no harm unless ``strict_extras``
is set: the model judge of published runs mostly let them pass, but not steadily.

A question is concrete when it holds words of a kind of preference (see ``families``). Its aspect is the one it names, else
the one last talked about. Of several preferences that fit, the one that most words of the question speak of is taken, the
earlier one in case of a tie.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from actorcritic_cli.envs.travel import lexicon
from actorcritic_cli.envs.travel.judge import Case, QuestionVerdict, SearchVerdict, Undecided
from actorcritic_cli.envs.travel.scenario import Aspect, Block, Scenario
from actorcritic_cli.envs.travel.words import MONTHS, Day, days, has_words, plain, without_days

_PLACE_AFTER = re.compile(r"\b(?:from|to|in|at|visit|near)\s+((?:[A-Z][\w.'-]*)(?:\s+(?:de|of|la|[A-Z][\w.'-]*))*)")
_NO_PLACES = frozenset((*MONTHS, "i"))
_EXTRAS = ("cheap*", "budget", "affordable", "lowest price", "inexpensive", "prefer*")


class RuleJudge:
    """Judges by rules. ``places`` are all places that requests of this data set may name (see ``places_of``)."""

    name = "rules"

    def __init__(self, places: Iterable[str] = (), *, strict_extras: bool = False):
        self._places = frozenset(places)
        self._strict = strict_extras

    def search(self, case: Case) -> SearchVerdict | Undecided:
        """See ``Judge.search``; never undecided."""
        words = plain(case.text)
        named = lexicon.named_aspects(words)
        if not named and lexicon.names_lodging(words):
            named = [aspect for aspect in case.scenario.aspects if aspect in ("hotel", "apartment")]
        if len(named) != 1:
            return SearchVerdict(None, f"names {len(named)} aspects, not one")
        block = case.scenario.block(named[0])
        if block is None:
            return SearchVerdict(None, f"the trip has no {named[0]}")
        why = self._wrong(case.text, block, case.scenario)
        return SearchVerdict(None, why) if why else SearchVerdict(block.aspect)

    def question(self, case: Case) -> QuestionVerdict | Undecided:
        """See ``Judge.question``; never undecided."""
        words = plain(case.text)
        named = [aspect for aspect in lexicon.named_aspects(words) if aspect in case.scenario.aspects]
        hit = [aspect for aspect in case.scenario.aspects if lexicon.families_hit(words, aspect)]
        hit += [p.aspect for p in _remaining(case) if p.aspect not in hit and lexicon.relevance(words, p)]
        meant = _meant(named, hit, case.topic)
        topic = named[0] if len(named) == 1 else meant[0] if len(meant) == 1 else case.topic
        wishes = lexicon.speaks_of_wishes(words)
        if not lexicon.asks(case.text):
            return QuestionVerdict(1, topic=topic, reason="asks nothing")
        fitting = [(lexicon.relevance(words, p), p) for p in _remaining(case) if p.aspect in meant]
        best = max(fitting, key=lambda entry: entry[0], default=None)  # the first of equals
        if best is not None and best[0] > 0:
            return QuestionVerdict(2, best[1].id, best[1].aspect, f"{best[0]} words speak of it")
        if hit or lexicon.names_other_attribute(words):
            return QuestionVerdict(3, topic=topic, reason="concrete, but nothing (more) is wished there")
        if named or wishes:
            return QuestionVerdict(4, topic=topic, reason="names no attribute")
        return QuestionVerdict(1, topic=topic, reason="is about something else")

    def _wrong(self, text: str, block: Block, scenario: Scenario) -> str:
        """Return what is wrong with a request for an aspect, or nothing."""
        words = without_days(text)
        if self._strict and (lexicon.hits(words, _EXTRAS) or lexicon.families_hit(words, block.aspect)):
            return "says more than the arguments"
        if block.arguments is None:
            return _wrong_by_opening(text, words, scenario)
        wanted_days = frozenset(day for value in _values(block.arguments) for day in days(str(value)))
        if days(text) != wanted_days:
            return "other days than wanted"
        places = {plain_place(str(value)) for value in _values(block.arguments) if not days(str(value))} - {
            "one way",
            "",
        }
        if missing := sorted(place for place in places if not has_words(words, place)):
            return f"does not say {missing[0]}"
        others = (place for place in self._places if has_words(words, place))
        if other := sorted(o for o in others if not any(has_words(place, o) for place in places)):
            return f"says {other[0]}"
        return _wrong_way(words, block.arguments)


def plain_place(text: str) -> str:
    """Return a place as requests are searched for it: without state, country or the word City.

    >>> plain_place("Quebec City, Canada")
    'quebec'
    """
    words = plain(text.partition(",")[0])
    return words.removesuffix(" city") or words


def places_of(scenarios: Iterable[Scenario]) -> frozenset[str]:
    """Return every place that the arguments of some scenarios name."""
    return frozenset(
        plain_place(value)
        for scenario in scenarios
        for block in scenario.blocks
        for value in _values(block.arguments or {})
        if isinstance(value, str) and not days(value) and re.search(r"[A-Z]", value)
    ) - {"", "one way"}


def opening_facts(opening: str) -> tuple[list[str], list[Day]]:
    """Return the places and days an opening request names, in order of mention, as far as they can be told."""
    places = [plain_place(match[1].rstrip(".")) for match in _PLACE_AFTER.finditer(opening)]
    kept = [p for p in dict.fromkeys(places) if p and p.partition(" ")[0] not in _NO_PLACES]
    return kept, sorted(days(opening))


def _remaining(case: Case) -> Iterator[Any]:
    return (preference for preference in case.scenario.preferences if preference.id in case.remaining)


def _meant(named: Sequence[Aspect], hit: Sequence[Aspect], topic: Aspect | None) -> list[Aspect]:
    """Return the aspects whose attributes a question speaks of: those named, else the topic, else all it could be."""
    if named:
        return [aspect for aspect in hit if aspect in named]
    if topic is not None and len(hit) > 1 and topic in hit:
        return [topic]
    return list(hit)


def _values(arguments: Any) -> Iterator[Any]:
    """Yield the texts and numbers in arguments of any depth."""
    if isinstance(arguments, dict):
        for value in arguments.values():
            yield from _values(value)
    elif isinstance(arguments, list):
        for value in arguments:
            yield from _values(value)
    elif isinstance(arguments, str) or (isinstance(arguments, (int, float)) and not isinstance(arguments, bool)):
        yield arguments


def _wrong_way(words: str, arguments: dict[str, Any]) -> str:
    origin, destination = (plain_place(str(arguments.get(name) or "")) for name in ("origin", "destination"))
    if not origin or not destination:
        return ""
    if has_words(words, f"to {origin}") or has_words(words, f"from {destination}"):
        return "the flight goes the other way"
    named_roles = has_words(words, f"from {origin}") or has_words(words, f"to {destination}")
    if not named_roles and words.find(origin) > words.find(destination):
        return "the flight goes the other way"
    return ""


def _wrong_by_opening(text: str, words: str, scenario: Scenario) -> str:
    """Check a request where the true arguments are not known: a place and a day of the opening, and no other day."""
    places, known = opening_facts(scenario.opening)
    asked = days(text)
    if places and not any(has_words(words, place) for place in places):
        return "names no place of the trip"
    if known and not asked:
        return "names no day"
    return "" if asked <= set(known) or not known else "other days than those of the trip"
