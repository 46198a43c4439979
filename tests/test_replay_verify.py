"""Doing sessions again finds every change of what the tools gave, of the state and of the reward."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.exchange import trace
from actorcritic_cli.paths import database_path
from actorcritic_cli.replay.verify import check, tally
from actorcritic_cli.session.events import Acted, Ended, Observed
from actorcritic_cli.store.database import open_database
from tests.program import acc
from tests.v1_files import STOP, a_crash, a_run, agent, call, four_runs, user, write

TRACES = Path(__file__).parents[1] / "traces"


@pytest.fixture
def events():
    (session,) = trace.read(TRACES / "airline-cancel.jsonl")
    return list(session)


@pytest.fixture
def world():
    return registry.load("tau_airline")


def changed(events, kind, change):
    """The session with the last event of a kind changed."""
    place = max(n for n, e in enumerate(events) if isinstance(e, kind) and (kind is not Observed or is_result(e)))
    return [*events[:place], change(events[place]), *events[place + 1 :]]


def is_result(event):
    return bool(event.messages) and event.messages[0].role == "tool"


def test_the_shipped_examples_come_out_as_recorded():
    for path in TRACES.glob("*.jsonl"):
        acc("import", path)
    done = acc("replay", "--verify", "--all")
    assert done.code == 0
    assert "sessions          3/3 as recorded" in done.out
    assert "final states      3/3 reproduced" in done.out
    report = acc("replay", "--verify", "last", "--json").json
    assert report["total"]["sessions"] == [1, 1]
    assert acc("replay", "--verify", "--env", "tau_airline", "--dataset", "bundled").code == 0


def test_an_observation_that_was_changed_is_found(events, world):
    spoiled = changed(
        events, Observed, lambda e: replace(e, messages=(replace(e.messages[0], content=e.messages[0].content + " "),))
    )
    found = check(spoiled, world)
    assert [d.tool for d in found.differences] == ["cancel_reservation"]
    assert found.reward_same
    assert found.state_same
    assert not found.same
    total = tally([found, check(events, world)])
    assert (total.sessions, total.calls, total.differing_tools) == ((1, 2), (5, 6), {"cancel_reservation": (1, 2)})


def test_a_state_and_a_reward_that_were_changed_are_found(events, world):
    assert check(changed(events, Ended, lambda e: replace(e, state="0" * 64)), world).state_same is False
    lost = changed(events, Ended, lambda e: replace(e, reward=replace(e.reward, value=0.0)))
    assert check(lost, world).reward_same is False
    other = changed(
        events, Ended, lambda e: replace(e, reward=replace(e.reward, info=e.reward.info | {"gt_data_hash": "0"}))
    )
    assert check(other, world).target_same is False
    unscored = check(changed(events, Ended, lambda e: replace(e, reward=None, state=None)), world)
    assert (unscored.reward_same, unscored.state_same, unscored.same) == (None, None, True)


def test_a_call_that_was_changed_shows_in_result_state_and_reward(events, world):
    place = max(n for n, e in enumerate(events) if isinstance(e, Acted) and e.message.tool_calls)
    acted = events[place]
    made = replace(acted.message.tool_calls[0], arguments='{"reservation_id": "NOPE00"}')
    events[place] = replace(acted, message=replace(acted.message, tool_calls=(made,)))
    found = check(events, world)
    assert found.differences[0].computed.startswith("Error")
    assert (found.state_same, found.reward_same) == (False, False)


def test_a_session_that_was_cut_short_is_compared_as_far_as_it_goes(events, world):
    for cut in range(1, len(events)):
        found = check(events[:cut], world)
        assert found.same
        assert found.reward_same is None


def test_imported_runs_are_verified_too_and_a_difference_ends_with_1(tmp_path):
    acc("import", write(tmp_path, [*four_runs(), a_crash()]), "--dataset", "bundled", "--name", "r")
    done = acc("replay", "--verify", "--run", "r")
    assert done.code == 0
    assert "rewards           4/4 reproduced" in done.out
    assert "target states     3/3 recorded hashes reproduced" in done.out
    assert "not scored        1 sessions" in done.out
    with open_database(database_path()) as database:
        database.rows("UPDATE sessions SET reward = 1.0 - reward WHERE trial = 1")
    spoiled = acc("replay", "--verify", "--run", "r", "--json")
    assert spoiled.code == 1
    assert spoiled.json["total"]["rewards"] == [3, 4]
    assert "1 of 5 sessions" in spoiled.error
    assert "recorded 1.0, computed 0.0" in acc("replay", "--verify", "--run", "r").out


def test_arguments_that_are_no_object_are_a_difference_and_no_crash(tmp_path):
    run = a_run(user("Hi"), call("think", {"thought": "x"}), agent("Bye"), STOP)
    run["traj"][2]["tool_calls"][0]["function"]["arguments"] = "[1]"
    acc("import", write(tmp_path, [run]), "--dataset", "bundled")
    done = acc("replay", "--verify", "last", "--json")
    assert done.code == 1
    assert "cannot be run" in done.json["sessions"][0]["differences"][0]["computed"]


def test_without_the_data_it_says_how_to_get_them(tmp_path):
    acc("import", write(tmp_path, four_runs()), "--dataset", "official-2024")
    done = acc("replay", "--verify", "--all")
    assert done.code == 3
    assert "acc env fetch" in done.error


@pytest.mark.official
@pytest.mark.slow
def test_the_recorded_gpt_4o_airline_runs_come_out_as_recorded(official_data, monkeypatch):
    monkeypatch.setenv("ACC_TAU_BENCH_DIR", str(official_data / "tau-bench"))
    acc("import", official_data / "tau-bench" / "trajectories" / "gpt-4o-airline.json", "--name", "gpt-4o")
    done = acc("replay", "--verify", "--run", "gpt-4o", "--json")
    total = done.json["total"]
    assert (total["calls"], total["rewards"], total["targets"]) == ([1164, 1164], [200, 200], [182, 182])
    assert done.code == 0


def test_reports_are_plain_values(events, world):
    assert msgspec.json.decode(msgspec.json.encode(check(events, world)))["session"] == "example-cancel"
