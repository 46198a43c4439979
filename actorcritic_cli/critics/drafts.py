"""How much of a proposal that still comes in will stand in it when it is complete.

A critic reads a proposal ahead while the actor writes it. Whatever it reads so is only a saving: what was read is compared
with the whole proposal token by token, and where they differ it is read again. So the end of a draft is left out, where the
next piece may still make other tokens of it, but nothing here has to be right for a verdict to be right.
"""

from __future__ import annotations

import json
import re

_OPEN_END = re.compile(r"[^\w\s]*\w+\Z|\s*[^\w\s]+\Z|\s+\Z")
"""The end of a text that may grow together with what follows it: a word with the signs before it, signs, or space."""
_LONGEST = 16
"""Characters of a text's end that are left out at most: long runs without a space become tokens before their end."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BEGUN = re.compile(r'"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*')
_HALF_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
_PLAIN = re.compile(r"[-+.0-9A-Za-z]+")
_SIGNS = "{}[]:,"
_SPACES = " \t\r\n"


def settled(text: str) -> str:
    """Return a text without its end that may still change.

    >>> settled("Shall I cancel the book")
    'Shall I cancel the'
    >>> settled("Shall I cancel the booking? ")
    'Shall I cancel the booking?'
    """
    end = _OPEN_END.search(text)
    return text if end is None else text[: max(end.start(), len(text) - _LONGEST)]


def arguments_so_far(text: str) -> str:
    """Return the beginning of a call's arguments, a JSON text, as they will be told once they are whole.

    What can't be read yet is left out; so is everything from an error on.

    >>> arguments_so_far('{"booking": "B-1", "note": "as \\\\u0061gre')
    '{"booking":"B-1","note":"as agre'
    """
    told: list[str] = []
    place = 0
    try:
        while place < len(text):
            sign = text[place]
            if sign in _SPACES:
                place += 1
            elif sign in _SIGNS:
                told.append(sign)
                place += 1
            elif sign == '"':
                whole = _STRING.match(text, place)
                if whole is None:
                    told.append(_begun(text, place))
                    break
                told.append(_retold(whole[0]))
                place = whole.end()
            else:
                plain = _PLAIN.match(text, place)
                if plain is None or plain.end() == len(text):
                    break
                told.append(_retold(plain[0]))
                place = plain.end()
    except ValueError:
        pass
    return "".join(told)


def _begun(text: str, place: int) -> str:
    """Return a string that has not ended yet, without its closing quotation mark."""
    begun = _BEGUN.match(text, place)
    assert begun is not None
    return _retold(f'{_HALF_PAIR.sub("", begun[0])}"')[:-1]


def _retold(value: str) -> str:
    return json.dumps(json.loads(value), ensure_ascii=False)
