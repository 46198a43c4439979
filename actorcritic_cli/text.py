"""Text that came from elsewhere: made harmless before it is shown or stored."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI sequences
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC strings
    r"|\x9b[0-?]*[ -/]*[@-~]"  # the same with 8-bit introducers
    r"|[\x9d\x90\x98\x9e\x9f][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"  # other two-byte escapes
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Everything that moves the cursor or reorders text, but not tab and newline."""

SECRET_NAME = re.compile(r"(?:API_?KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_SECRET_SHAPE = re.compile(
    r"\b(?:sk-(?:ant-|proj-)?[A-Za-z0-9_-]{16,}|AIza[0-9A-Za-z_-]{30,}|hf_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{20,}"
    r"|gsk_[A-Za-z0-9]{20,})"
    r"|(?i:\bBearer\s+)[A-Za-z0-9._~+/-]{16,}=*"
)


def printable(text: str) -> str:
    """Return the text without terminal escape sequences and control characters; newlines and tabs stay.

    >>> printable("a\\x1b[31mred\\x1b[0m\\x07b")
    'aredb'
    """
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))


def encodable(text: str) -> str:
    """Return the text with halves of surrogate pairs (a stream cut in an emoji) replaced, so that it can be stored."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def redact(text: str) -> str:
    """Return the text with API keys replaced: values of key-like environment variables and key-shaped words."""
    return redactor()(text)


def redactor() -> Callable[[str], str]:
    """Return ``redact`` for many texts: it looks at the environment once."""
    known = [(value, f"[{name}]") for name, value in os.environ.items() if len(value) >= 8 and SECRET_NAME.search(name)]

    def redacted(text: str) -> str:
        for value, instead in known:
            text = text.replace(value, instead)
        return _SECRET_SHAPE.sub("[redacted key]", text)

    return redacted


def one_line(text: str, width: int = 100) -> str:
    """Return the text on one printable line, cut with an ellipsis at ``width`` characters."""
    flat = " ".join(printable(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"
