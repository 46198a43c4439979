"""Where two JSON values differ, path by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal

from msgspec import Struct

from actorcritic_cli.hashing import canonical_json

DEEPEST = 100
"""Levels that are looked into; what lies deeper differs as a whole."""


class PathChange(Struct, frozen=True):
    """A place in which two values differ. ``path`` is in JSONPath's form (``$.items[0].price``)."""

    path: str
    kind: Literal["added", "removed", "changed"]
    left: Any = None
    right: Any = None


def path_changes(left: Any, right: Any, path: str = "$") -> tuple[PathChange, ...]:
    """Return where two JSON values differ. In lists, what is the same is aligned; an index is that of the side that has it.

    >>> [(c.path, c.kind) for c in path_changes({"a": 1, "b": [1, 2]}, {"a": 2, "b": [0, 1, 2]})]
    [('$.a', 'changed'), ('$.b[0]', 'added')]
    """
    return tuple(_changes(left, right, path, 0))


def same_leaves(left: Any, right: Any) -> float:
    """Return the share, in [0, 1], of the leaves of two JSON values that both have at the same path."""
    one, two = dict(_leaves(left, "$", 0)), dict(_leaves(right, "$", 0))
    if not one and not two:
        return 1.0
    common = sum(1 for path, text in one.items() if two.get(path) == text)
    return 2 * common / (len(one) + len(two))


def _changes(left: Any, right: Any, path: str, depth: int) -> Iterator[PathChange]:
    if depth < DEEPEST and isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in [*left, *(key for key in right if key not in left)]:
            place = f"{path}{_step(key)}"
            if key not in right:
                yield PathChange(place, "removed", left[key])
            elif key not in left:
                yield PathChange(place, "added", right=right[key])
            else:
                yield from _changes(left[key], right[key], place, depth + 1)
    elif depth < DEEPEST and _is_list(left) and _is_list(right):
        yield from _list_changes(left, right, path, depth)
    elif _text(left) != _text(right):
        yield PathChange(path, "changed", left, right)


def _list_changes(left: Sequence[Any], right: Sequence[Any], path: str, depth: int) -> Iterator[PathChange]:
    matcher = SequenceMatcher(None, [_text(item) for item in left], [_text(item) for item in right], autojunk=False)
    for kind, a, a_end, b, b_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        both = min(a_end - a, b_end - b)
        for n in range(both):
            yield from _changes(left[a + n], right[b + n], f"{path}[{a + n}]", depth + 1)
        for n in range(a + both, a_end):
            yield PathChange(f"{path}[{n}]", "removed", left[n])
        for n in range(b + both, b_end):
            yield PathChange(f"{path}[{n}]", "added", right=right[n])


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth < DEEPEST and isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}{_step(key)}", depth + 1)
    elif depth < DEEPEST and _is_list(value) and value:
        for n, item in enumerate(value):
            yield from _leaves(item, f"{path}[{n}]", depth + 1)
    else:
        yield path, _text(value)


def _step(key: Any) -> str:
    text = str(key)
    return f".{text}" if text.isidentifier() else f"[{canonical_json(text)}]"


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _text(value: Any) -> str:
    try:
        return canonical_json(value)
    except (TypeError, RecursionError, ValueError):
        return repr(value)[:10_000]
