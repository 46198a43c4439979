"""Notes on a candidate: where each of its values comes from, and what the records say of what it names.

To see that an id in a call is not the one the user agreed to, a model has to find both in a long conversation and compare
them letter by letter. A large model does that; one of a million parameters wastes itself on it. The comparison is
exact work, so it is done here, by code, for any environment: the notes follow the candidate and say for each of its
values where it was met first in this order:

==========  ===================================================================================
``told``    in the agent's last reply: what the user has just answered to
``user``    in the user's words
``before``  in an earlier reply of the agent
``asked``   in a question that the agent asked through a tool, or in the answer to it
``seen``    in a tool's result
``rule``    in the policy
``sum``     nowhere, but it follows from prices of the records that are named here: twice one, the difference of two …
``total``   nowhere, but it is what all prices named here make, with charges that the policy names
``chance``  nowhere, but two prices in tools' results, no matter which, make it
``new``     nowhere
==========  ===================================================================================

``other`` after a mark says that the last reply named another value of the same field, described another record of the same
kind, or named other numbers than the one that a write has (see ``agreed``); ``in order_id`` that it belongs to the record
that this other argument names. A value that is the id of a record in a result is followed by that record's fields, each
with its mark (none where it is only in results), by ``together`` where the last reply named all its texts one after the
other, and for prices by the place among the records of the same listing: ``rank 3 of 18``. Where questions were asked
through a tool, it is told what the record lacks of what was asked for, how many of the listing have ``more`` of it, and
how many as much for less (``cheaper``), and what was asked for (``wished``). Values of a call are named by their keys; of
a text, everything with a digit in it is noted but a list's numbers, and of three amounts or more whether one of them is
the total of the others. A text of a call is ``whole`` where the user or the last reply said all of it at once, small words
left out, else ``parts``. A value in the agent's words is ``done`` where a write that succeeded had it. A record that is
named under two keys is there ``twice``. A write that follows on no ``yes`` to a question or request is ``unconfirmed``.
All of it is a function of policy, transcript and candidate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from actorcritic_cli.critics.evidence.agreed import Agreed, Choices
from actorcritic_cli.critics.evidence.records import LISTING, Record, indexed
from actorcritic_cli.critics.evidence.situation import Situation, wrote
from actorcritic_cli.critics.evidence.sums import Named, Sums, total
from actorcritic_cli.critics.evidence.texts import Text, plain
from actorcritic_cli.critics.evidence.values import MOST_NOTES, TRIVIAL, in_call, in_words, texts_in, values_of
from actorcritic_cli.critics.evidence.wishes import Wishes, by_listing, texts_of, wishes_of
from actorcritic_cli.types import Effect, Message, Transcript

_COUNTED = ("told", "other", "seen", "chance", "new")
"""Marks that are counted at the beginning."""
_MOST_LACKING = 4
_SHORTEST_ID = 3
"""Characters from which on a value with a digit may be an id: a 2 stands in every record."""
_NO_WISHES = Wishes(())


class Evidence:
    """What a transcript holds, indexed for notes.

    ``effects`` are those of the tools by name, ``rules`` is the policy's text, and ``choices`` are the values that tools
    allow, by the name of the argument.
    """

    def __init__(
        self,
        transcript: Transcript,
        effects: Mapping[str, Effect] | None = None,
        rules: str = "",
        choices: Choices | None = None,
    ):
        self._effects = effects or {}
        self._situation = Situation(transcript, self._effects)
        replies = [m.content or "" for m in transcript if m.role == "assistant" and not m.tool_calls]
        users = [m.content or "" for m in transcript if m.role == "user"]
        results = [m.content or "" for m in transcript if m.role == "tool"]
        wishes = wishes_of(transcript)
        self._told, self._said = Text(replies[-1:]), Text([*replies[-1:], *users])
        self._agreed = Agreed(self._told, choices)
        self._places = (
            ("told", self._told),
            ("user", Text(users)),
            ("before", Text(replies[:-1])),
            ("asked", Text([part for wish in wishes for part in (wish.question, wish.answer)])),
            ("seen", Text(results)),
            ("rule", Text([rules])),
        )
        self._records: dict[str, Record] = {}
        self._numbered: dict[str, list[Record]] = {}
        self._listed: dict[str, str] = {}
        self._sums = Sums(rules)
        self._named = " ".join([*replies[-1:], *users[-1:]])
        requests: dict[str, str] = {}
        asked = {call.id: " ".join(texts_of(call.arguments)) for message in transcript for call in message.tool_calls}
        for message in transcript:
            if message.role == "tool":
                self._take(message, asked, requests)
        self._wishes = by_listing(wishes, requests)
        self._done = frozenset(_done(transcript, self._effects))

    def mark(self, value: str, named: str = "") -> str:
        """Return where a value was met (see the module's table). ``named`` are words beside it that may name records."""
        found = next((name for name, text in self._places if text.holds(value)), None)
        return found or self._sums.mark(value, self._named_prices(named)) or "new"

    def notes(self, message: Message) -> str:
        """Return the notes on a candidate."""
        found: list[str] = []
        marks: Counter[str] = Counter()
        values, spoken, used = _spoken(message)
        writes = any(self._effects.get(call.name) == "write" for call in message.tool_calls)
        for key, value in values:
            if len(found) == MOST_NOTES:
                break
            mark = self.mark(value, spoken)
            marks[mark] += 1
            note = [key, mark]
            if not message.tool_calls and value in self._done:
                note.append("done")
            record = self._records.get(value)
            if mark != "told" and self._other(key, value, used, writes=writes):
                marks["other"] += 1
                note.append("other")
            note += self._within(value, values)
            if record is not None and sum(other == value for _, other in values) > 1:
                note.append("twice")
            found.append(
                f"{' '.join(note)} ( {self._told_of(value, record)} )" if record is not None else " ".join(note)
            )
        counts = " ".join(f"{name} {marks[name]}" for name in _COUNTED)
        situation = f"{self._situation.told(message)} {counts}"
        return " ".join(
            part for part in (situation, *found, *self._phrases(message), total(message.content or "")) if part
        )

    def plain(self, message: Message) -> bool:
        """Whether a candidate is a reply that only asks, and names no value that could be wrong.

        One that the user said, that the policy has or that follows from prices named here may stand in it.
        """
        if message.tool_calls or not self._situation.only_asks(message):
            return False
        values, spoken, used = _spoken(message)
        return not any(
            self.mark(value, spoken) in _COUNTED or self._other(key, value, used, writes=False) for key, value in values
        )

    def _take(self, message: Message, asked: Mapping[str, str], requests: dict[str, str]) -> None:
        held = indexed(message.content or "")
        call = message.tool_call_id or ""
        if held.listing:
            requests[call] = asked.get(call, "")
        for name, record in held.records.items():
            # A payment's entry names a method, too; the method's own record says more.
            mine = self._records.get(name)
            if mine is None or len(record.value) >= len(mine.value):
                self._records[name] = record
                self._listed[name] = call if held.listing else ""
        for name, record in held.numbered.items():
            self._numbered.setdefault(name, []).append(record)
        self._agreed.take(held.fields)
        self._sums.take(held.prices)

    def _named_prices(self, spoken: str) -> Named:
        """Return the prices of what is named in some words or in what was said last."""
        here, words = f" {plain(spoken)} ", f" {plain(f'{spoken} {self._named}')} "
        pool: dict[int, None] = {}
        fares = before = 0
        for name, _ in dict.fromkeys(in_words(f"{spoken} {self._named}")):
            record = self._records.get(name)
            if record is not None:
                before += record.paid
                pool.update(dict.fromkeys(record.amounts(words)))
            elif name in self._numbered:
                # A flight has a price in each listing, and one where it is booked: the listings' hold for what is proposed,
                # among them that of the day that is spoken of, or the last.
                of_name = self._numbered[name]
                meant = max(reversed(of_name), key=lambda one: (one.offers, one.spoken_of(here)))
                fare = list(meant.amounts(here))
                if len(fare) > 1:
                    fare = list(meant.amounts(words))
                fares += fare[0] if len(fare) == 1 else 0
                pool.update(dict.fromkeys(fare))
        listings: dict[int, dict[str, int]] = {}
        for name, record in self._records.items():
            price = record.price()
            if price is not None and len(record.texts) > 1 and f" {plain(' '.join(record.texts))} " in words:
                listings.setdefault(record.listing, {})[name] = round(price * 100)
        return Named(tuple(pool), tuple(tuple(prices.values()) for prices in listings.values()), fares, before)

    def _other(self, key: str, value: str, used: frozenset[str], *, writes: bool) -> bool:
        """Whether the last reply named another value in the place of this one."""
        record = self._records.get(value)
        if record is not None and len(record.siblings) > 1:
            return self._agreed.rivalled(record, used)
        return self._agreed.differs(key, value) or (writes and record is None and self._agreed.counts(value))

    def _phrases(self, message: Message) -> Iterator[str]:
        """Yield which texts of its calls were said as they are."""
        for call in message.tool_calls:
            for key, text in texts_in(call.arguments):
                yield f"{key} {'whole' if self._said.says(text) else 'parts'}"

    def _within(self, value: str, values: list[tuple[str, str]]) -> list[str]:
        """Return which other arguments name records that this value belongs to."""
        if not any(c.isdigit() for c in value) or len(value) < _SHORTEST_ID:
            return []
        holds = (
            key
            for key, other in values
            if other != value and other in self._records and value in self._records[other].held
        )
        return [f"in {key}" for key in dict.fromkeys(holds)][:1]

    def _told_of(self, name: str, record: Record) -> str:
        wishes = self._wishes.get(self._listed.get(name, ""), _NO_WISHES)
        parts: list[str] = []
        last = ""
        for key, value in record.fields():
            mark = self._field_mark(value, wishes)
            said = value if key == last else f"{key} {value}"
            parts.append(f"{said} {mark}" if mark else said)
            last = key
        if self._agreed.together(record):
            parts.append("together")
        parts += record.ranks()
        if wishes.wishes and len(record.siblings) >= LISTING:
            met = wishes.met(record)
            missed: Counter[str] = Counter(word for one in record.siblings for word in wishes.met(one) - met)
            lacking = [word for word, _ in sorted(missed.items(), key=lambda pair: (-pair[1], pair[0]))]
            more, cheaper = wishes.beaten(record)
            lacks = ["lacks", *lacking[:_MOST_LACKING]] if lacking else []
            parts += [*lacks, f"more {min(more, 9)} cheaper {min(cheaper, 9)}"]
            parts += [part for one in wishes.told() for part in ("wished", one)]
        return " ".join(parts)

    def _field_mark(self, value: str, wishes: Wishes) -> str:
        if value.lower() in TRIVIAL:
            return ""
        for name, text in self._places[:3]:
            if text.holds(value):
                return name
        return "asked" if wishes.text.holds(value) else ""


def _spoken(message: Message) -> tuple[list[tuple[str, str]], str, frozenset[str]]:
    """Return a candidate's values with their keys, all its words, and the values without their keys."""
    values = list(values_of(message))
    used = frozenset(value for _, value in values)
    return values, " ".join([message.content or "", *(value for _, value in values)]), used


def _done(transcript: Transcript, effects: Mapping[str, Effect]) -> Iterator[str]:
    """Yield the values of the calls that have changed something."""
    calls = {call.id: call for message in transcript for call in message.tool_calls}
    for message in transcript:
        call = calls.get(message.tool_call_id or "")
        if call is not None and wrote(message, effects):
            yield from (value for _, value in in_call(call.arguments))
