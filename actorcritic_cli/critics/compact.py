"""The compact style of the critic's prompt, for small critics that were trained on the policies that they judge by.

The full prompt (see ``prompt``) carries the whole policy and all tools: thousands of tokens, which a model of a few
million parameters can neither follow nor afford. Such a model knows the policies of its training, and those alone. So in
this style rubric, policy and tools are one short line: the name that its file gives the policy (by the policy's hash), or
``unknown``. The conversation is quoted and delimited as ever, with three rules that make it short, each a function of
the transcript alone:

- Calls and results lose JSON's punctuation: ``key value`` pairs with spaces between, so that an id is the same tokens
  wherever it stands. Nested objects and lists stand in round and square brackets.
- Results are cut: a list after ``MOST_ITEMS`` elements, a text after ``MOST_CHARACTERS`` characters, the whole result
  after ``MOST_RESULT`` characters; a field that repeats the key above it, what is empty, and the fields of
  ``LEFT_OUT_FIELDS`` are left out. Of a successful call that writes, the result is the word ``done``.
- Only the last events are kept: at least ``KEPT_EVENTS``, and up to ``_STRIDE - 1`` more, because leaving events out
  makes the model read the rest anew, which must not happen at every turn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from actorcritic_cli.critics.labels import LabelPair
from actorcritic_cli.critics.prompt import ASPECTS, Prompt, Segment, comparison, delimiter, entry, events, said
from actorcritic_cli.critics.protocol import Case, Reading
from actorcritic_cli.hashing import sha256
from actorcritic_cli.types import Effect, Message, Proposal

COMPACT_VERSION = "compact-1"
"""The prompt version of this style: changed with every change of what the critic reads."""
UNKNOWN = "unknown"
"""What the first line says of a policy that the model does not know."""

MOST_ITEMS = 12
MOST_CHARACTERS = 240
MOST_RESULT = 2400
KEPT_EVENTS = 32
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
    mark = delimiter(case.nonce or case.session)
    known = build_ahead(case, labels, names)
    hints = [f"{ASPECTS[aspect]} " for aspect in aspects] or [""]
    questions = [Segment("question", (f"[{mark}]\n{hint}{labels.question}",)) for hint in hints]
    candidate = Segment("candidate", entry("agent", say(case.proposal.message), mark))
    return Prompt(known.system, (*known.user, candidate, questions[0]), known.events, tuple(questions[1:]))


def build_ahead(known: Case | Reading, labels: LabelPair, names: Names) -> Prompt:
    """Return the prompt up to the end of the conversation (see ``prompt.build_ahead``)."""
    mark = delimiter(known.nonce or known.session)
    name = names.get(policy_key(known.policy), UNKNOWN)
    effects: dict[str, Effect] = {tool.name: tool.effect for tool in known.tools}
    sizes = events(known.transcript)
    gone = _left_out(len(sizes))
    entries: list[str] = []
    for message in said(known.transcript)[sum(sizes[:gone]) :]:
        speaker = "agent" if message.role == "assistant" else message.role
        entries.extend(entry(speaker, say(message, effects), mark))
    opening = f"[{mark}]\n{'…' if gone else ''}\n"
    system = (Segment("rubric", (f"{name}\n",)),)
    return Prompt(system, (Segment("conversation", (opening, *entries)),), sizes[gone:])


def build_comparison(case: Case, candidates: Sequence[Proposal], order: Sequence[int]) -> tuple[Segment, ...]:
    """Return what follows on the conversation when candidates are compared (see ``prompt.build_comparison``)."""
    return comparison(case, [say(candidates[place].message) for place in order])


def say(message: Message, effects: Mapping[str, Effect] | None = None) -> str:
    """Return what a message says, shortened; ``effects`` are those of the tools by name."""
    words = message.content or ""
    if message.role == "tool":
        text = result(words, writes=(effects or {}).get(message.name or "") == "write")
        return f"{message.name} {text}" if message.name else text
    if message.role == "user":
        return words
    parts = [words] if words else []
    parts.extend(f"calls {call.name} {_arguments(call.parsed, call.arguments)}".rstrip() for call in message.tool_calls)
    return "\n".join(parts)


def result(text: str, *, writes: bool) -> str:
    """Return a tool's result as the critic reads it (see the rules above)."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return cut("\n".join(map(_line, text.splitlines())), MOST_RESULT)
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
        for key, inner in value.items():
            if key in LEFT_OUT_FIELDS or inner in ("", None, [], {}) or (above and inner == above):
                continue
            text = flat(inner, key)
            parts.append(f"{key} ( {text} )" if isinstance(inner, dict) else f"{key} {text}")
        return " ".join(parts)
    if isinstance(value, list):
        items = [f"( {flat(inner)} )" if isinstance(inner, dict) else flat(inner) for inner in value[:MOST_ITEMS]]
        more = [f"… {len(value) - MOST_ITEMS} more"] if len(value) > MOST_ITEMS else []
        return f"[ {' '.join([*items, *more])} ]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return cut(str(value), MOST_CHARACTERS)


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
    # Nothing of a proposal is cut or left out: all of it would take effect.
    try:
        return _whole(parsed())
    except (ValueError, RecursionError):
        return raw


def _whole(value: Any) -> str:
    if isinstance(value, dict):
        pairs = ((key, _whole(inner), isinstance(inner, dict)) for key, inner in value.items())
        return " ".join(f"{key} ( {text} )" if nested else f"{key} {text}" for key, text, nested in pairs)
    if isinstance(value, list):
        return f"[ {' '.join(f'( {_whole(v)} )' if isinstance(v, dict) else _whole(v) for v in value)} ]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "null" if value is None else str(value)


def _left_out(count: int) -> int:
    return max(0, (count - KEPT_EVENTS) // _STRIDE * _STRIDE)
