"""The state hashes of τ-bench and τ²-bench: SHA-256 over one fixed text of the whole database.

The text of v1 is the Python form of nested tuples: a map is a tuple of (key, value) pairs sorted by key, a list is a tuple
in order. The text of v2 is JSON with sorted keys. In both, ``250`` and ``250.0`` differ, and key order does not count. The
text is put together from the texts of its parts, so that a caller who keeps the text of every record only renews those
that changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct


class Canon(Struct, frozen=True):
    """How a version writes what is hashed: the text of a JSON value, and that of a map from the texts of its values."""

    value: Callable[[Any], str]
    map: Callable[[Mapping[str, str]], str]


def canonical(value: Any) -> str:
    """Return the canonical text of a JSON value.

    >>> canonical({"b": [1, 2.5, "it's"], "a": {"x": None, "k": [True]}})
    '((\\'a\\', ((\\'k\\', (True,)), (\\'x\\', None))), (\\'b\\', (1, 2.5, "it\\'s")))'
    """
    if isinstance(value, dict):
        return canonical_map({key: canonical(item) for key, item in value.items()})
    if isinstance(value, list):
        return _tuple_text([canonical(item) for item in value])
    return repr(value)


def canonical_map(texts: Mapping[str, str]) -> str:
    """Return the canonical text of a map whose values are given as their canonical texts."""
    return _tuple_text([f"({key!r}, {texts[key]})" for key in sorted(texts)])


def digest(texts: Iterable[str]) -> str:
    """Return the SHA-256 of canonical text given in pieces, as hex."""
    sha = hashlib.sha256()
    for text in texts:
        sha.update(text.encode("utf-8"))
    return sha.hexdigest()


def v1_hash(value: Any) -> str:
    """Return the v1 hash of a JSON value, as hex."""
    return digest([canonical(value)])


def _tuple_text(parts: list[str]) -> str:
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _json_map(texts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{json.dumps(key)}: {texts[key]}" for key in sorted(texts)) + "}"


V1 = Canon(canonical, canonical_map)
V2 = Canon(_json, _json_map)
