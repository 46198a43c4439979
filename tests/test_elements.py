"""A JSON file is read element by element, the same as if it were read at once."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange import elements
from actorcritic_cli.exchange.elements import Document
from tests.property_examples import examples

TEXT = st.text(max_size=6) | st.sampled_from(['"', "\\", '\\"', "}{", "][", ",", "é", "\u2028", "😀"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
INDENT = st.sampled_from([None, 0, 2])


def opened(data: bytes) -> Document:
    return Document(Path("file.json"), io.BytesIO(data))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "CHUNK", 3)


@settings(max_examples=examples(300))
@given(st.lists(JSON, max_size=5), INDENT, st.booleans())
def test_the_elements_are_those_of_the_array(values: list[Any], indent: int | None, ascii_only: bool) -> None:
    document = opened(json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode())
    assert [json.loads(bytes(element)) for element in document.elements()] == values
    document.finish()


@settings(max_examples=examples(200))
@given(st.dictionaries(TEXT, JSON, max_size=5), INDENT)
def test_the_members_are_those_of_the_object(value: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(value, indent=indent).encode()
    document = opened(b"\xef\xbb\xbf" + text + b"\n ")
    assert {name: json.loads(document.value()) for name in document.members()} == value
    document.finish()
    document = opened(text)
    for _ in document.members():
        document.skip()
    document.finish()


@settings(max_examples=examples(200))
@given(st.lists(st.dictionaries(TEXT, JSON, max_size=2), min_size=1, max_size=3), st.data())
def test_where_msgspec_does_not_say_where_a_value_ends_brackets_do(values: list[Any], data: st.DataObject) -> None:
    text = json.dumps(values, indent=data.draw(INDENT)).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elements, "_TRAILING", re.compile("never said"))
        document = opened(text)
        assert [json.loads(bytes(element)) for element in document.elements()] == values


def test_an_element_that_is_no_json_is_one_element() -> None:
    found = opened(b'[{"a": 1}, {"a": nul, "b": [1,]}, {"a": "}]"}, {"c" 2}, {"d": 3}]').elements()
    assert [bytes(e) for e in found] == [
        b'{"a": 1}',
        b'{"a": nul, "b": [1,]}',
        b'{"a": "}]"}',
        b'{"c" 2}',
        b'{"d": 3}',
    ]


@settings(max_examples=examples(200))
@given(st.lists(JSON, min_size=1, max_size=3), st.data())
def test_a_file_cut_off_anywhere_is_not_taken_for_a_whole_one(values: list[Any], data: st.DataObject) -> None:
    text = json.dumps(values).encode()
    document = opened(text[: data.draw(st.integers(0, len(text) - 1))])
    with pytest.raises(AccError, match="cut off or no JSON"):
        list(document.elements())


@pytest.mark.parametrize("text", [b"[1] 2", b"[1 2]", b"{}", b"[,]", b"[1]]"])
def test_what_is_no_array_is_refused(text: bytes) -> None:
    document = opened(text)
    with pytest.raises(AccError, match="cut off or no JSON"):  # noqa: PT012
        list(document.elements())
        document.finish()
