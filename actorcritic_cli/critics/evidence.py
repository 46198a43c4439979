"""Notes on a candidate: where each of its values comes from, and what the records say of what it names.

To see that an id in a call is not the one the user agreed to, a model has to find both in a long conversation and compare
them letter by letter. A large model does that; one of a few million parameters wastes itself on it. The comparison is
exact work, so it is done here, by code, for any environment: the notes follow the candidate and say for each of its
values where it was met first in this order:

=========  ====================================================================================
``told``   in the agent's last reply: what the user has just answered to
``user``   in the user's words
``before`` in an earlier reply of the agent
``asked``  in a question that the agent asked through a tool, or in the answer to it
``seen``   in a tool's result
``sum``    nowhere, but it is the sum or the difference of two prices in tools' results
``new``    nowhere
=========  ====================================================================================

A value that is the id of a record in a result is followed by that record's fields, each with its mark (none where it is
only in results), and for prices the place among the records of the same listing: ``rank 3 of 18``. Values of a call are
named by their keys; of a text, everything with a digit in it is noted, and of three amounts or more whether one of them is
the total of the others. Numbers are equal by value, words without regard to
case and underscores. All of it is a function of the transcript and the candidate.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from actorcritic_cli.types import Effect, Message, Transcript

MOST_NOTES = 40
"""Values that are noted, at most."""
MOST_FIELDS = 24
"""Fields of one record, at most."""
_LONG = 60
"""Characters from which on a text is not one value but words, of which only what holds a digit is noted."""
_SIBLINGS = 3
"""Records from which on a listing has ranks."""
_PRICES = ("cost", "price", "fare")

_WITH_DIGIT = re.compile(r"[#$]?[A-Za-z_]*\d[\w.:+-]*")
_NUMBER = re.compile(r"(?<![\w.])-?\$?\d+(?:,\d{3})*(?:\.\d+)?(?![\w])")
_ID_FIELD = re.compile(r"(?:^|_)id$")
_PRICED = re.compile(r"price|amount|cost|fare|balance")
_MOST_PRICES = 60
_DOLLARS = re.compile(r"\$(\d[\d,]*(?:\.\d+)?)")
_MOST_LACKING = 4
_OF_EXTRAS = frozenset({"cost", "total", "fee", "waiver", "price"})
"""Words of keys that do not name the extra itself."""
_YES = re.compile(
    r"\b(?:yes|yeah|yep|sure|certainly|go ahead|confirm(?:ed)?|please do|do it|do that|proceed|agreed?|that is right"
    r"|that's right|alright|all right|okay|ok)\b",
    re.IGNORECASE,
)
_NO = re.compile(r"\b(?:no|not|don't|never|nothing)\b", re.IGNORECASE)
_TRIVIAL = frozenset({"yes", "no", "true", "false", ""})


class Evidence:
    """What a transcript holds, indexed for notes."""

    def __init__(self, transcript: Transcript, effects: Mapping[str, Effect] | None = None):
        self._effects = effects or {}
        self._situation = _Situation(transcript, self._effects)
        asked = _asked(transcript)
        replies = [m.content or "" for m in transcript if m.role == "assistant" and not m.tool_calls]
        users = [m.content or "" for m in transcript if m.role == "user"]
        results = [m.content or "" for m in transcript if m.role == "tool"]
        self._places = (
            ("told", _Text(replies[-1:])),
            ("user", _Text(users)),
            ("before", _Text(replies[:-1])),
            ("asked", _Text(asked)),
            ("seen", _Text(results)),
        )
        self._asked = _Text(asked)
        self._records: dict[str, _Record] = {}
        amounts: dict[int, None] = {}
        for text in results:
            records, found = _indexed(text)
            for name, record in records.items():
                self._keep(name, record)
            amounts.update(dict.fromkeys(found))
        self._cents = frozenset(list(amounts)[-_MOST_PRICES:])

    def mark(self, value: str) -> str:
        """Return where a value was met (see the module's table)."""
        found = next((name for name, text in self._places if text.holds(value)), None)
        return found or ("sum" if self._sums(_number(value)) else "new")

    def notes(self, message: Message) -> str:
        """Return the notes on a candidate."""
        found: list[str] = []
        marks: Counter[str] = Counter()
        for key, value in _of(message):
            if len(found) == MOST_NOTES:
                break
            mark = self.mark(value)
            marks[mark] += 1
            note = f"{key} {mark}"
            record = self._records.get(value)
            found.append(f"{note} ( {self._fields(record)} )" if record is not None else note)
        situation = f"{self._situation.told(message)} new {marks['new']} seen {marks['seen']}"
        total = _total(message.content or "")
        return " ".join(part for part in (situation, *found, total) if part)

    def _sums(self, value: float | None) -> bool:
        cents = round(value * 100) if value is not None and abs(value) < 1e9 else 0
        return cents > 0 and any(
            other != one and (other in self._cents)
            for one in self._cents
            for other in (cents - one, one - cents, one + cents)
        )

    def _fields(self, record: _Record) -> str:
        parts: list[str] = []
        last = ""
        for key, value in record.fields():
            mark = self.mark(value) if value.lower() not in _TRIVIAL else "seen"
            named = value if key == last else f"{key} {value}"
            parts.append(f"{named} {mark}" if mark not in ("seen", "new") else named)
            last = key
        lacks = [word for word in record.lacking() if self._asked.holds(word)][:_MOST_LACKING]
        return " ".join([*parts, *record.ranks(), *(["lacks", *lacks] if lacks else [])])

    def _keep(self, name: str, record: _Record) -> None:
        # A payment's entry names a method, too; the method's own record says more.
        held = self._records.get(name)
        if held is None or len(record.value) >= len(held.value):
            self._records[name] = record


class _Text:
    """Texts in which values are looked for."""

    def __init__(self, texts: Sequence[str]):
        self._read = [_read(text) for text in texts]

    def holds(self, value: str) -> bool:
        number = _number(value)
        if number is not None:
            return any(number in numbers for _, numbers in self._read)
        plain = _plain(value)
        return bool(plain) and any(f" {plain} " in words for words, _ in self._read)


class _Record:
    """An object in a result, and those it stands beside."""

    def __init__(self, value: Mapping[str, Any], siblings: Sequence[Any]):
        self.value = value
        self.siblings = [one for one in siblings if isinstance(one, dict)]

    def fields(self) -> Iterator[tuple[str, str]]:
        """Yield the fields that can be told in a word or two."""
        count = 0
        for key, one in self.value.items():
            if key == "address" or _ID_FIELD.search(key):
                continue
            for name, value in _leaves(key, one):
                if count == MOST_FIELDS:
                    return
                count += 1
                yield name, value

    def words(self) -> frozenset[str]:
        """Return what the record has: its words, and of its priced extras the names."""
        return _words_of(self.value)

    def lacking(self) -> list[str]:
        """Return what others of the listing have and this one has not, the most frequent first."""
        if len(self.siblings) < _SIBLINGS:
            return []
        mine = self.words()
        others = Counter(word for one in self.siblings for word in _words_of(one) if word not in mine)
        return [word for word, _ in sorted(others.items(), key=lambda pair: (-pair[1], pair[0]))]

    def ranks(self) -> list[str]:
        """Return the place of each price among the siblings', 1 for the least."""
        found = []
        for key in _PRICES:
            mine, prices = _price(self.value.get(key)), [_price(one.get(key)) for one in self.siblings]
            known = [price for price in prices if price is not None]
            if mine is not None and len(known) >= _SIBLINGS:
                found.append(f"rank {1 + sum(price < mine for price in known)} of {len(known)}")
        return found


class _Situation:
    """Where a candidate stands in the conversation."""

    def __init__(self, transcript: Transcript, effects: Mapping[str, Effect]):
        self._effects = effects
        talk = [m for m in transcript if m.role != "system"]
        last = max((i for i, m in enumerate(talk) if m.role == "assistant" and not m.tool_calls), default=-1)
        self._reply = (talk[last].content or "") if last >= 0 else ""
        after = talk[last + 1 :]
        said = " ".join(m.content or "" for m in after if m.role == "user")
        self._answer = "yes" if _YES.search(said) else "no" if _NO.search(said) else "other" if said else "silent"
        self._writes = sum(m.role == "tool" and self._wrote(m) for m in after)
        self._before = self._kind(talk[-1]) if talk else "start"

    def told(self, message: Message) -> str:
        calls = message.tool_calls
        does = self._effects.get(calls[0].name, "none") if calls else "reply"
        asks = "asked" if "?" in self._reply else "stated" if self._reply else "unheard"
        found = f"{does} after {self._before} {asks} {self._answer} writes {min(self._writes, 3)}"
        if not calls:
            return found
        words = [word for word in calls[0].name.lower().split("_") if len(word) > 2]
        reply = f" {_plain(self._reply)} "
        return f"{found} named {sum(f' {word}' in reply for word in words)} of {len(words)}"

    def _wrote(self, message: Message) -> bool:
        return self._effects.get(message.name or "") == "write" and not (message.content or "").startswith("Error")

    def _kind(self, message: Message) -> str:
        if message.role != "tool":
            return message.role
        if (message.content or "").startswith("Error"):
            return "failure"
        return self._effects.get(message.name or "", "none")


def _asked(transcript: Transcript) -> list[str]:
    """Return the questions that went through a tool, and what came back."""
    found: list[str] = []
    questions: set[str] = set()
    for message in transcript:
        for call in message.tool_calls:
            if "?" in call.arguments:
                questions.add(call.id)
                found.append(call.arguments)
        if message.role == "tool" and message.tool_call_id in questions:
            found.append(message.content or "")
    return found


def _words_of(value: Any, key: str = "") -> frozenset[str]:
    if isinstance(value, dict):
        return frozenset().union(*(_words_of(inner, name) for name, inner in value.items()))
    if isinstance(value, list):
        return frozenset().union(*(_words_of(inner, key) for inner in value))
    if isinstance(value, str):
        return frozenset() if _ID_FIELD.search(key) or len(value) > _LONG else frozenset({_plain(value)})
    if value is None or isinstance(value, bool):
        return frozenset()
    extra = " ".join(word for word in key.split("_") if word not in _OF_EXTRAS)
    return frozenset({extra}) if " " in extra or key.startswith("cost_") else frozenset()


def _of(message: Message) -> Iterator[tuple[str, str]]:
    """Yield the values of a candidate that are noted, each with its key (a text's are their own)."""
    met: set[tuple[str, str]] = set()
    pairs: Iterator[tuple[str, str]] = _in_words(message.content or "")
    for one in (pairs, *(_in_call(call.arguments) for call in message.tool_calls)):
        for pair in one:
            if pair not in met:
                met.add(pair)
                yield pair


def _in_words(text: str) -> Iterator[tuple[str, str]]:
    for match in _WITH_DIGIT.findall(text):
        value = match.rstrip(".:-+").lstrip("$")
        yield value, value


def _in_call(arguments: str) -> Iterator[tuple[str, str]]:
    try:
        parsed = json.loads(arguments)
    except (ValueError, RecursionError):
        return
    if not isinstance(parsed, dict):
        return
    for key, value in parsed.items():
        for name, leaf in _leaves(key, value, most=MOST_NOTES):
            if len(leaf) > _LONG or ("\n" in leaf) or leaf.count(" ") > 3:
                yield from _in_words(leaf)
            elif leaf.lower() not in _TRIVIAL:
                yield name, leaf


def _leaves(key: str, value: Any, most: int = 8) -> Iterator[tuple[str, str]]:
    """Yield the plain values below a key; long lists of objects are left to their own ids."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(name, inner, most)
    elif isinstance(value, list):
        for inner in value[:most]:
            yield from _leaves(key, inner, most)
    elif value is None or value == "":
        return
    elif isinstance(value, bool):
        yield key, "yes" if value else "no"
    elif isinstance(value, float):
        yield key, f"{value:.2f}".rstrip("0").rstrip(".")
    else:
        yield key, str(value)


@lru_cache(maxsize=1024)  # a conversation is looked at again with every candidate
def _read(text: str) -> tuple[str, frozenset[float | None]]:
    """Return a text's words, each between two spaces, and its numbers."""
    return f" {_plain(text)} ", frozenset(_number(match) for match in _NUMBER.findall(text))


def _total(text: str) -> str:
    """Return whether one of a text's amounts is the total of the others, empty for fewer than three."""
    cents = [round(float(amount.replace(",", "")) * 100) for amount in _DOLLARS.findall(text)]
    if len(cents) < 3:
        return ""
    return "total right" if any(2 * one == sum(cents) for one in cents) else "total wrong"


@lru_cache(maxsize=1024)
def _indexed(text: str) -> tuple[Mapping[str, _Record], tuple[int, ...]]:
    """Return the records in a result by their ids, and its prices in cents."""
    value = _value(text)
    found: dict[str, _Record] = {}
    _index(value, (), "", found)
    return found, tuple(_prices(value, priced=False))


def _prices(value: Any, *, priced: bool) -> Iterator[int]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _prices(inner, priced=priced or _PRICED.search(str(key)) is not None)
    elif isinstance(value, list):
        for inner in value:
            yield from _prices(inner, priced=priced)
    elif priced and isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9:
        yield round(value * 100)


def _index(value: Any, siblings: Sequence[Any], above: str, found: dict[str, _Record]) -> None:
    if isinstance(value, dict):
        name = _id_of(value) or above
        if name and (name not in found or len(value) >= len(found[name].value)):
            found[name] = _Record(value, siblings)
        inner = list(value.values())
        for key, one in value.items():
            if isinstance(one, dict | list):
                _index(one, inner, key if isinstance(one, dict) else "", found)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, dict | list):
                _index(one, value, "", found)


def _value(text: str) -> Any:
    """Return the JSON value of a result: the whole of it, or the list of its lines (some tools list a record a line)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError):
                continue
    return found


def _id_of(value: Mapping[str, Any]) -> str:
    for key in ("id", *value):
        if _ID_FIELD.search(key) and key != "product_id" and isinstance(value.get(key), str):
            return str(value[key])
    return ""


def _price(value: Any) -> float | None:
    """Return a price, of several (one for each kind of room) the least."""
    if isinstance(value, list):
        return min((price for price in map(_price, value) if price is not None), default=None)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w#@.-]+|_", " ", text.lower()).replace(". ", " ").split()).rstrip(".")


def _number(text: str) -> float | None:
    try:
        return float(text.replace("$", "").replace(",", ""))
    except ValueError:
        return None
