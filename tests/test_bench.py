"""`acc db bench` makes a sound database of true shape and measures on it, whatever the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorcritic_cli.exchange.bench import make
from actorcritic_cli.exchange.decoding import Decoder
from actorcritic_cli.exchange.made_up import made_up
from actorcritic_cli.exchange.told import told
from actorcritic_cli.paths import database_path
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.verify import verify
from tests.program import acc


def test_made_up_sessions_are_sound_and_always_the_same(tmp_path: Path) -> None:
    first, again = (list(made_up(3, 20)) for _ in range(2))
    assert first == again
    assert [len(told(events).messages) for events in first] == [20, 20, 20]
    with open_database(tmp_path / "a.db") as database:
        make(database, 205, 12, lambda done, total: None)
        assert verify(database).problems == ()
        counts = {t: database.rows(f"SELECT count(*) FROM {t}")[0][0] for t in ("sessions", "runs", "verdicts")}
        assert (counts["sessions"], counts["runs"]) == (205, 2)
        assert counts["verdicts"] > 0
        shared = database.rows("SELECT count(*) FROM messages WHERE parent IS NULL OR role = 'system'")[0][0]
        assert shared == 1


@pytest.mark.slow
def test_everything_is_measured_in_turns_and_nothing_of_ones_own_touched(tmp_path: Path) -> None:
    done = acc("db", "bench", "--sessions", 52, "--messages", 8, "--repeat", 1, "--json", "--keep", tmp_path / "kept")
    assert done.code == 0
    timed = {(one["what"].split(" (")[0], one["beside"]): one for one in done.json["timed"]}
    bounds = {
        ("acc stats --env tau_airline", "bare SQL aggregates"): True,
        ("acc sessions", None): False,
        ("acc diff A B", None): False,
        ("acc --help", "import typer, rich"): True,
        ("import of a trace file", "json.loads of it"): True,
        ("import of a trace file", "bare inserts of its rows"): False,
        ("import of a tau-bench file", "json.loads of it"): True,
        ("import of a tau-bench file", "bare inserts of its rows"): False,
    }
    assert {what: one["bound"] is not None for what, one in timed.items()} == bounds
    for (_, beside), one in timed.items():
        assert one["ratio"] == (one["seconds"] / one["floor"] if beside else None)
        assert one["bound"] is None or one["bound"] > 1
    assert (done.json["sessions"], done.json["messages"]) == (52, 416)
    assert (tmp_path / "kept" / "bench.db").exists()
    assert not database_path().exists()
    assert acc("db", "bench", "--keep", tmp_path / "kept").code == 1


def test_a_word_that_begins_like_a_key_is_none() -> None:
    decoder = Decoder(dict, "an object")
    assert not decoder._may_hold_keys(b'{"id": "task-01", "who": "the bearer"}')
    assert decoder._may_hold_keys(b'{"id": "sk-0123456789abcdef"}')
    assert decoder._may_hold_keys(b'{"id": "Bearer\\n0123456789abcdef"}')
