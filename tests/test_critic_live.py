"""acc critic live: the same sessions with and without critics, on tasks and seeds that were not learned from."""

from __future__ import annotations

import pytest

from actorcritic_cli.learn.live import Live, Trials, task_pairs, tasks_of
from actorcritic_cli.paths import database_path
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import CriticIdentity
from tests.critic_cases import tiny
from tests.critic_data import hold_hasty
from tests.parties import RuleCritic
from tests.program import acc

HASTY = Trials("sim:hasty", {"slip_rate": 2}, "script", {}, trials=2, seed=9)
TASKS = {("tau_airline", "bundled"): ("cancel-01", "cancel-02", "book-01")}


def sides(critic, trials=HASTY, name="rules"):
    told: list[str] = []
    with open_database(database_path()) as opened:
        live = Live(database_path(), Library(opened), trials, 1, lambda who, done, total: told.append(who))
        live.alone(TASKS)
        found = live.supervised(TASKS, critic, name, {})
        pairs = task_pairs(opened, *found[0].runs)
    return found, pairs, told


def test_a_critic_that_approves_of_everything_changes_nothing():
    (side,), pairs, told = sides(RuleCritic(lambda asked: 0.0))
    assert side.effect.pairs == 6
    assert (side.effect.mended, side.effect.broken, side.sent_back) == (0, 0, 0)
    assert [one.task for one in pairs] == ["book-01", "cancel-01", "cancel-02"]
    assert told.count("without a critic") == 6
    assert sides(RuleCritic(lambda asked: 0.0))[2] == []  # all of it is on record


def test_the_same_name_with_another_critic_behind_it_is_held_anew():
    sides(RuleCritic(lambda asked: 0.0))
    other = RuleCritic(lambda asked: 1.0)
    other.identity = CriticIdentity("other", "other")
    (side,), _, told = sides(other)
    assert told
    assert set(told) == {f"with {other.identity.name}"}
    assert side.sent_back > 0
    assert side.effect.broken > 0


@pytest.mark.slow
def test_the_tasks_of_a_split_are_held_under_seeds_that_were_not_seen(tmp_path):
    hold_hasty("tau_airline", 1, "cancel-*,book-*", "--seed", 3)
    assert acc("critic", "data", tmp_path / "data", "--split", "60,0,40").code == 0
    (tasks,) = tasks_of(tmp_path / "data", "test").values()
    seen = acc("critic", "live", tiny(), "--data", tmp_path / "data", "--trials", 1, "--seed", 3)
    assert seen.code == 2
    assert "same seeds" in seen.error
    done = acc("critic", "live", tiny(), "--data", tmp_path / "data", "--trials", 1, "--seed", 4, "--json")
    assert done.code == 0, done.error
    (side,) = done.json["critics"]
    assert tuple(side["tasks"]) == tasks
    assert side["effect"]["pairs"] == len(tasks)
    alone, supervised = side["runs"]
    assert acc("stats", "--run", supervised, "--baseline", alone).code == 0
    table = acc("critic", "live", tiny(), "--data", tmp_path / "data", "--trials", 1, "--seed", 4)
    assert "failures mended" in table.out
    assert "tau_airline (bundled)" in table.out


def test_which_tasks_are_meant_must_be_clear(tmp_path):
    assert acc("critic", "live", tiny()).code == 2
    assert acc("critic", "live", tiny(), "--env", "travel", "--data", tmp_path).code == 2
    assert acc("critic", "live", tiny(), "--data", tmp_path, "--tasks", "a").code == 2
    assert acc("critic", "live", tiny(), "--data", tmp_path / "none").code == 3
