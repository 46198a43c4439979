"""The v1 hash, whole and renewed record by record."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actorcritic_cli.envs.tau.database import Database, State, clone
from actorcritic_cli.envs.tau.hashing import canonical, v1_hash
from tests.property_examples import examples

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
RECORDS = st.dictionaries(st.text(), JSON, max_size=4)
TABLES = st.dictionaries(st.text(), st.dictionaries(st.text(), RECORDS, max_size=4), min_size=1, max_size=3)


def tuples(value: Any) -> Any:
    """The definition: maps become sorted tuples of pairs, lists tuples."""
    if isinstance(value, dict):
        return tuple((key, tuples(item)) for key, item in sorted(value.items(), key=lambda pair: pair[0]))
    return tuple(tuples(item) for item in value) if isinstance(value, list) else value


def test_the_worked_example() -> None:
    value = {"b": [1, 2.5, "it's"], "a": {"x": None, "k": [True]}}
    assert v1_hash(value) == "30c8077a4fa7054dac3d8b6324a26326e58c01eefd711cb62309451034660a07"


def test_whole_numbers_and_floats_differ_and_key_order_does_not_count() -> None:
    assert v1_hash({"a": 250}) != v1_hash({"a": 250.0})
    assert v1_hash({"a": 1, "b": 2}) == v1_hash({"b": 2, "a": 1})


@given(JSON)
def test_the_text_is_the_python_form_of_nested_tuples(value: Any) -> None:
    assert canonical(value) == repr(tuples(value))


@given(JSON)
def test_a_round_trip_through_json_keeps_the_hash(value: Any) -> None:
    assert v1_hash(json.loads(json.dumps(value))) == v1_hash(value) == v1_hash(clone(value))


@settings(max_examples=examples(50), deadline=None)
@given(TABLES, st.lists(st.tuples(st.integers(0, 2), st.text(), RECORDS), max_size=5))
def test_the_renewed_hash_is_the_hash_of_everything(
    tables: dict[str, dict[str, Any]], writes: list[tuple[int, str, Any]]
) -> None:
    state = State(Database(clone(tables)))
    for index, key, record in writes:
        name = list(tables)[index % len(tables)]
        state.put({name: {key: record}})
        tables[name][key] = record
        assert state.hash() == v1_hash(tables)
    assert state.tables == tables


@settings(max_examples=examples(50), deadline=None)
@given(TABLES)
def test_what_one_episode_writes_no_other_sees(tables: dict[str, dict[str, Any]]) -> None:
    database = Database(clone(tables))
    one, other = State(database), State(database)
    one.put({next(iter(tables)): {"new": {"a": 1}}})
    assert other.hash() == State(database).hash() == v1_hash(tables)
    assert database.tables == tables
