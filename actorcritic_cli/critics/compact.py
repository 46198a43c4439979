"""The compact style of the critic's prompt, for small critics that were trained on the policies that they judge by.

The full prompt (see ``prompt``) carries the whole policy and all tools: thousands of tokens, which a model of a few
million parameters can neither follow nor afford. Such a model knows the policies of its training, and those alone. So in
this style rubric, policy and tools are one short line: the name that its file gives the policy (by the policy's hash), or
``unknown``. The conversation is quoted as ever, with rules that make it short, each a function of the transcript alone:

- An entry begins with ``MARK`` and who speaks. The mark is the same in all sessions and is taken out of all data, so that
  here, too, no text can begin an entry; that it is known does not matter.
- Words lose what is only layout: bold face, and the one of two apostrophes.
- Calls and results lose JSON's punctuation: ``key value`` pairs with spaces between, so that an id is the same tokens
  wherever it stands. Nested objects and lists stand in round and square brackets. What has no effect outside the agent's
  head (``THOUGHTS``) is left out.
- Results are cut after ``MOST_RESULT`` characters (words, which a person may have said, after ``MOST_WORDS``), a list in
  them after ``MOST_ITEMS`` elements, a listing of more than ``MOST_RECORDS`` records altogether; a field that repeats the
  key above it, what is empty, and the fields of ``LEFT_OUT_FIELDS`` are left out. Of a successful call that writes, the
  result is the word ``done``.
- Only the last events are kept: at least ``KEPT_EVENTS``, and up to ``_STRIDE - 1`` more, because leaving events out
  makes the model read the rest anew, which must not happen at every turn.

What was cut is not lost: the candidate is followed by notes on its values and on the records it names (see ``evidence``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from actorcritic_cli.critics.evidence import Evidence
from actorcritic_cli.critics.evidence.texts import straight
from actorcritic_cli.critics.labels import LabelPair
from actorcritic_cli.critics.prompt import ASPECTS, Prompt, Segment, comparison, events, quote, said
from actorcritic_cli.critics.protocol import Case, Reading
from actorcritic_cli.hashing import sha256
from actorcritic_cli.types import Effect, Message, Proposal

COMPACT_VERSION = "compact-5"
"""The prompt version of this style: changed with every change of what the critic reads."""
UNKNOWN = "unknown"
"""What the first line says of a policy that the model does not know."""

MARK = "§"
MOST_ITEMS = 12
MOST_CHARACTERS = 60
MOST_RESULT = 60
MOST_WORDS = 200
MOST_RECORDS = 8
KEPT_EVENTS = 24
THOUGHTS = frozenset({"thought"})
_STRIDE = 16
LEFT_OUT_FIELDS = frozenset({"email", "product_id", "scheduled_departure_time_est", "scheduled_arrival_time_est"})
"""Fields of results that no rule of the bundled policies turns on."""

Names = Mapping[str, str]
"""Key of a policy (see ``policy_key``) → the name that the model knows it by."""


def policy_key(policy: str) -> str:
    """Return the first 16 hex digits of a policy's SHA-256, by which a model's file names the policies it knows."""
    return sha256(policy)[:16]


def build(case: Case, labels: LabelPair, names: Names, aspects: Sequence[str] = ()) -> Prompt:
    """Return what a small critic reads to judge a case (see ``prompt.build``)."""
    known = build_ahead(case, labels, names)
    hints = [f"{ASPECTS[aspect]} " for aspect in aspects] or [""]
    notes = evidence_of(case).notes(case.proposal.message)
    questions = [
        Segment("question", (*_entry("notes", notes), f"{MARK}{hint}{labels.revise} or {labels.approve}?"))
        for hint in hints
    ]
    candidate = Segment("candidate", _entry("agent", say(case.proposal.message)))
    return Prompt(known.system, (*known.user, candidate, questions[0]), known.events, tuple(questions[1:]))


def build_ahead(known: Case | Reading, labels: LabelPair, names: Names) -> Prompt:
    """Return the prompt up to the end of the conversation (see ``prompt.build_ahead``)."""
    name = names.get(policy_key(known.policy), UNKNOWN)
    effects = _effects(known)
    sizes = events(known.transcript)
    gone = _left_out(len(sizes))
    entries: list[str] = []
    for message in said(known.transcript)[sum(sizes[:gone]) :]:
        speaker = "agent" if message.role == "assistant" else message.role
        entries.extend(_entry(speaker, say(message, effects)))
    opening = "…\n" if gone else "\n"
    system = (Segment("rubric", (f"{name}\n",)),)
    return Prompt(system, (Segment("conversation", (opening, *entries)),), sizes[gone:])


def build_comparison(case: Case, candidates: Sequence[Proposal], order: Sequence[int]) -> tuple[Segment, ...]:
    """Return what follows on the conversation when candidates are compared (see ``prompt.build_comparison``)."""
    evidence = evidence_of(case)
    told = (candidates[place].message for place in order)
    words = (f"{say(message)}\n{evidence.notes(message)}".rstrip() for message in told)
    return comparison(f"[{MARK}", [quote(one, MARK) for one in words])


def evidence_of(case: Case) -> Evidence:
    """Return what a case's conversation holds, for notes on what is proposed in it."""
    choices: dict[str, frozenset[str]] = {}
    for tool in case.tools:
        for key, values in _choices(tool.parameters):
            choices[key] = choices.get(key, frozenset()) | values
    return Evidence(case.transcript, _effects(case), case.policy, choices)


def _choices(schema: Any) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the names of a schema's properties that have only so many values, with these."""
    if isinstance(schema, list):
        for inner in schema:
            yield from _choices(inner)
    elif isinstance(schema, dict):
        properties = schema.get("properties")
        for key, one in properties.items() if isinstance(properties, dict) else ():
            values = one.get("enum") if isinstance(one, dict) else None
            if isinstance(values, list):
                yield key, frozenset(str(value) for value in values)
        for inner in schema.values():
            yield from _choices(inner)


def _effects(known: Case | Reading) -> dict[str, Effect]:
    return {tool.name: tool.effect for tool in known.tools}


def _entry(speaker: str, words: str) -> tuple[str, str, str]:
    return f"{MARK}{speaker}\n", quote(words, MARK), "\n"


def say(message: Message, effects: Mapping[str, Effect] | None = None) -> str:
    """Return what a message says, shortened; ``effects`` are those of the tools by name."""
    if message.role == "tool":
        text = result(message.content or "", writes=(effects or {}).get(message.name or "") == "write")
        return f"{message.name} {text}" if message.name else text
    words = straight(message.content or "").replace("**", "")
    if message.role == "user":
        return words
    parts = [words] if words else []
    parts.extend(f"calls {call.name} {_arguments(call.parsed, call.arguments)}".rstrip() for call in message.tool_calls)
    return "\n".join(parts)


@lru_cache(maxsize=1024)  # a conversation is read again with every proposal
def result(text: str, *, writes: bool) -> str:
    """Return a tool's result as the critic reads it (see the rules above)."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        lines = text.splitlines()
        few = _few(lines)
        return cut("\n".join(map(_line, few)), MOST_WORDS if few == lines else MOST_RESULT)
    if writes and isinstance(value, dict):
        return "done"
    try:
        return cut(flat(value), MOST_RESULT)
    except RecursionError:
        return cut(text, MOST_RESULT)


def flat(value: Any, above: str = "") -> str:
    """Return a JSON value without JSON's punctuation.

    >>> flat({"id": "A1", "seats": {"A2": {"id": "A2", "free": True}}, "paid": [3, 4.5], "tags": []})
    'id A1 seats ( A2 ( free yes ) ) paid [ 3 4.5 ]'
    """
    if isinstance(value, dict):
        parts = []
        kept, more = _kept(list(value.items()))
        for key, inner in kept:
            if key in LEFT_OUT_FIELDS or inner in ("", None, [], {}) or (above and inner == above):
                continue
            text = flat(inner, key)
            parts.append(f"{key} ( {text} )" if isinstance(inner, dict) else f"{key} {text}")
        return " ".join([*parts, *more])
    if isinstance(value, list):
        listed, more = _kept(list(enumerate(value)))
        items = [f"( {flat(inner)} )" if isinstance(inner, dict) else flat(inner) for _, inner in listed]
        return f"[ {' '.join([*items, *more])} ]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return cut(str(value), MOST_CHARACTERS)


_Pair = TypeVar("_Pair", bound=tuple[Any, Any])


def _kept(pairs: list[_Pair]) -> tuple[list[_Pair], list[str]]:
    """Return what is told of a list's or object's entries, and the words for the rest."""
    records = len(pairs) > MOST_RECORDS and all(isinstance(inner, dict) for _, inner in pairs)
    most = 0 if records else MOST_ITEMS if pairs and pairs[0][0] == 0 else len(pairs)
    return pairs[:most], [f"… {len(pairs) - most} more"] if len(pairs) > most else []


def _few(lines: list[str]) -> list[str]:
    """Return the lines of a result, without those of a long listing of records."""
    records = [index for index, line in enumerate(lines) if line.startswith("{")]
    if len(records) <= MOST_RECORDS:
        return lines
    gone = set(records)
    return [*(line for index, line in enumerate(lines) if index not in gone), f"… {len(gone)} more"]


def _line(line: str) -> str:
    """Return a line of a result; some tools list their records as JSON, one a line."""
    try:
        return flat(json.loads(line)) if line.startswith("{") else line
    except (ValueError, RecursionError):
        return line


def cut(text: str, most: int) -> str:
    """Return a text, cut after ``most`` characters."""
    return text if len(text) <= most else f"{text[:most]} …"


def _arguments(parsed: Callable[[], dict[str, Any]], raw: str) -> str:
    # Nothing else of a proposal is cut or left out: all of it would take effect.
    try:
        return _whole(parsed())
    except (ValueError, RecursionError):
        return raw


def _whole(value: Any) -> str:
    if isinstance(value, dict):
        told = ((key, inner) for key, inner in value.items() if key not in THOUGHTS)
        pairs = ((key, _whole(inner), isinstance(inner, dict)) for key, inner in told)
        return " ".join(f"{key} ( {text} )" if nested else f"{key} {text}" for key, text, nested in pairs)
    if isinstance(value, list):
        return f"[ {' '.join(f'( {_whole(v)} )' if isinstance(v, dict) else _whole(v) for v in value)} ]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "null" if value is None else str(value)


def _left_out(count: int) -> int:
    return max(0, (count - KEPT_EVENTS) // _STRIDE * _STRIDE)
