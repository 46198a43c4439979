"""From the JSON text of one recorded session to typed values, fit to be stored.

What comes from elsewhere may hold API keys and halves of surrogate pairs. Neither is common, so a text is looked through
once, as bytes, and only where there is a sign of one is it taken apart and cleaned.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from actorcritic_cli.text import SECRET_NAME, encodable, redactor

T = TypeVar("T")

_KEY_SIGNS = {
    sign: re.compile(re.escape(sign) + more)
    for sign, more in {
        b"sk-": rb"[A-Za-z0-9_-]{16}",
        b"AIza": rb"[A-Za-z0-9_-]{30}",
        b"hf_": rb"[A-Za-z0-9]{20}",
        b"xai-": rb"[A-Za-z0-9]{20}",
        b"gsk_": rb"[A-Za-z0-9]{20}",
        b"earer": rb"(?:\s|\\[nrt])",
        b"EARER": rb"(?:\s|\\[nrt])",
    }.items()
}
"""What every key of a known shape has in it (see ``text.redact``), and how it goes on: ``task-1`` is none."""
_SURROGATE_SIGNS = (b"\\ud", b"\\uD")


class BadElement(Exception):
    """One session of a file is not as it must be. The text goes on after the element's number: ``is not …``."""


class Decoder(Generic[T]):
    """Decodes the sessions of one file to values of a type; ``what`` says in words what they should be."""

    def __init__(self, kind: type[T], what: str):
        self._typed = msgspec.json.Decoder(kind)
        self._kind, self._what = kind, what
        self._keys = _values_of_keys()

    def decode(self, element: bytes | memoryview) -> T:
        """Return the value of a JSON text, cleaned. Raises ``BadElement``."""
        if not self._may_hold_keys(element):
            try:
                return self._typed.decode(element)
            except msgspec.ValidationError as error:
                raise BadElement(f"is not {self._what}: {error}") from error
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass  # half a surrogate pair or NaN, which the standard library reads
        return self.convert(self.plain(element))

    def convert(self, value: Any) -> T:
        """Return a plain value as a typed one. Raises ``BadElement``."""
        try:
            return msgspec.convert(value, self._kind)
        except (msgspec.ValidationError, RecursionError) as error:
            raise BadElement(f"is not {self._what}: {error}") from error

    def plain(self, element: bytes | memoryview) -> Any:
        """Return the plain value of a JSON text, cleaned. Raises ``BadElement``."""
        text = bytes(element)
        try:
            value = json.loads(text.decode("utf-8"))
            unclean = any(sign in text for sign in _SURROGATE_SIGNS) or self._may_hold_keys(text)
            return cleaned(value) if unclean else value
        except UnicodeDecodeError as error:
            raise BadElement(f"is not UTF-8 text (byte {error.start} of it)") from error
        except json.JSONDecodeError as error:
            raise BadElement(f"is no JSON ({error.msg} at character {error.pos} of it)") from error
        except RecursionError as error:
            raise BadElement("is nested too deeply") from error

    def _may_hold_keys(self, element: bytes | memoryview) -> bool:
        text = bytes(element)
        for sign, shape in _KEY_SIGNS.items():
            if sign in text and shape.search(text):
                return True
        return any(key in text for key in self._keys)


def cleaned(value: Any) -> Any:
    """Return a JSON value without API keys and without halves of surrogate pairs (see ``text``)."""
    redacted = redactor()
    return _mapped(value, lambda text: encodable(redacted(text)))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case list():
            return [_mapped(item, change) for item in value]
        case dict():
            return {change(key): _mapped(item, change) for key, item in value.items()}
        case _:
            return value


def _values_of_keys() -> tuple[bytes, ...]:
    """Return the keys that are set in the environment, as they would stand in JSON."""
    found = (value for name, value in os.environ.items() if len(value) >= 8 and SECRET_NAME.search(name))
    return tuple({form.encode() for value in found for form in (value, json.dumps(value)[1:-1])})
