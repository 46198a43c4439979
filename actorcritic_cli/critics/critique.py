"""The critic's written critique: the one grammar it is written in, and how it is read back.

The grammar is fixed and tested, because llama.cpp crashes on a bad one instead of refusing it. It allows no escapes and
no control characters, so whatever is written to its end is JSON; the strings are bounded, so the end comes soon. A
critique that was cut nevertheless does not change the verdict: the proposal is still to be revised, and the actor is
told that the critic gave no usable reason.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from actorcritic_cli.text import printable
from actorcritic_cli.types import Critique

MAX_CHARACTERS = 160
"""Of each of the three strings."""
MAX_TOKENS = 240
"""Of the whole critique."""

GRAMMAR = (
    r"""root ::= "{\"rule\": \"" text "\", \"wrong\": \"" text "\", \"right\": \"" text "\"}"
text ::= letter{1,"""
    + str(MAX_CHARACTERS)
    + r"""}
letter ::= [^"\\\x00-\x1f\x7f-\x9f]
"""
)

FALLBACK = Critique(
    "The critic objects to this proposal but gave no usable explanation. "
    "Check it against the policy and what the user asked for, then propose the right action."
)


class _Written(Struct, forbid_unknown_fields=True):
    rule: str
    wrong: str
    right: str


def parse(text: str) -> Critique | None:
    """Return the critique that a text in the grammar holds, or ``None`` for anything else, a cut one included."""
    try:
        written = msgspec.json.decode(text.encode("utf-8", "replace"), type=_Written)
    except msgspec.DecodeError:
        return None
    rule, wrong, right = (_clean(part) for part in (written.rule, written.wrong, written.right))
    if not (rule or wrong or right):
        return None
    return Critique(f"Rule: {rule}\nWrong: {wrong}\nRight: {right}", rule=rule, wrong=wrong, right=right)


def _clean(text: str) -> str:
    return " ".join(printable(text).split())[:MAX_CHARACTERS]
