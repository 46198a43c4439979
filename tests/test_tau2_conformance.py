"""Recorded conversations of gpt-4.1 with τ²-bench, replayed: every result, error flag, verdict and reward as recorded."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.tau2.environment import Tau2Environment
from actorcritic_cli.envs.tau2.tasks import FileTask, task_of
from actorcritic_cli.types import Message, Task, ToolCall, Transcript

pytestmark = pytest.mark.official
HASHES = {
    "airline": "9e8608f6cdecea098bb8cad6cf3e0eb6d5fe6c41e5e2bf0ba9597f6197c736d6",
    "retail": "b25c9cb211f5efcaee5dd646054a73c4a9f43f4f5acc32c10713cd9f9ac20e9c",
}
SIZES = {
    "airline": "300 flights, 2000 reservations, 500 users, 50 tasks",
    "retail": "50 products, 500 users, 1000 orders, 114 tasks",
}


@pytest.fixture(autouse=True)
def _official_folder(official_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACC_TAU2_BENCH_DIR", str(official_data / "tau2"))


def recording(official_data: Path, domain: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((official_data / f"tau2/trajectories/gpt-4.1-{domain}.json").read_text())
    return value


def transcript(simulation: dict[str, Any]) -> Transcript:
    return tuple(
        Message(
            message["role"],
            message["content"],
            tuple(
                ToolCall(call["id"], call["name"], json.dumps(call["arguments"]))
                for call in message.get("tool_calls") or ()
            ),
        )
        for message in simulation["messages"]
    )


def replay(environment: Tau2Environment, recorded: dict[str, Any]) -> Counter[str]:
    """Make all calls anew and count what is the same; results that differ count under ``differs {reservation}``."""
    counts: Counter[str] = Counter()
    tasks: dict[str, Task] = {task["id"]: task_of(msgspec.convert(task, FileTask)) for task in recorded["tasks"]}
    for simulation in recorded["simulations"]:
        episode = environment.open(tasks[simulation["task_id"]])
        results = {message["id"]: message for message in simulation["messages"] if message["role"] == "tool"}
        for message in simulation["messages"]:
            for call in message.get("tool_calls") or ():
                result = episode.call(call["name"], call["arguments"])
                expected = results[call["id"]]
                counts["calls"] += 1
                same = (result.text, result.error) == (expected["content"], expected["error"])
                about = expected["content"][20:26]  # '{"reservation_id": "Z7GOZK"'
                counts["identical" if same else f"differs {about}"] += 1
                counts["failed"] += result.error
                assert not result.ends
        reward = episode.score(transcript(simulation), "user_stop")
        assert reward is not None
        counts["db_match"] += reward.info["db_match"] == simulation["reward_info"]["db_check"]["db_match"]
        counts["rewards"] += reward.value == simulation["reward_info"]["reward"]
        counts["ones"] += reward.value == 1.0
    return counts


@pytest.mark.parametrize(
    ("domain", "counts"),
    [
        (
            "airline",
            {"calls": 148, "identical": 148, "failed": 1, "db_match": 20, "rewards": 20, "ones": 10},
        ),
        (
            "retail",
            {"calls": 299, "identical": 299, "failed": 12, "db_match": 40, "rewards": 40, "ones": 34},
        ),
    ],
)
def test_the_recordings_replay_to_the_letter(official_data: Path, domain: str, counts: dict[str, int]) -> None:
    environment = registry.load(f"tau2_{domain}", "official")
    assert isinstance(environment, Tau2Environment)
    assert replay(environment, recording(official_data, domain)) == counts


def test_without_the_two_corrections_of_the_airline_two_results_differ(
    official_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "airline"
    folder.mkdir()
    for path in (official_data / "tau2" / "airline").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    tables = json.loads((folder / "db.json").read_text())
    v1 = official_data / "tau-bench" / "airline"
    tables["reservations"]["Z7GOZK"] = json.loads((v1 / "reservations.json").read_text())["Z7GOZK"]
    tables["flights"]["HAT018"] = json.loads((v1 / "flights.json").read_text())["HAT018"]
    (folder / "db.json").write_text(json.dumps(tables))
    monkeypatch.setenv("ACC_TAU2_BENCH_DIR", str(tmp_path))
    environment = registry.load("tau2_airline", "official")
    assert isinstance(environment, Tau2Environment)
    counts = replay(environment, recording(official_data, "airline"))
    assert (counts["calls"], counts["identical"], counts["differs Z7GOZK"]) == (148, 146, 2)
    notes = [finding.text for finding in registry.check("tau2_airline", "official") if finding.level == "note"]
    assert "differs from the known one" in notes[-1]


@pytest.mark.parametrize("domain", HASHES)
def test_the_official_data_are_the_known_ones(domain: str) -> None:
    found = registry.check(f"tau2_{domain}", "official")
    assert not [finding for finding in found if finding.level == "problem"]
    assert found[0].text == SIZES[domain]
    assert "verified" in found[-1].text
    assert registry.load(f"tau2_{domain}", "official").open(None).state_hash() == HASHES[domain]


def test_only_two_expected_writes_of_the_shop_fail() -> None:
    notes = {name: registry.check(name, "official")[1:-1] for name in ("tau2_airline", "tau2_retail")}
    assert notes["tau2_airline"] == []
    assert [note.text.split(":")[0] for note in notes["tau2_retail"]] == ["task 64", "task 105"]


@pytest.mark.parametrize(("domain", "train", "test"), [("airline", 30, 20), ("retail", 74, 40)])
def test_the_parts_of_the_tasks_are_data_sets(domain: str, train: int, test: int) -> None:
    parts = [registry.load(f"tau2_{domain}", f"official{part}").tasks() for part in ("", "-train", "-test")]
    assert [len(tasks) for tasks in parts] == [train + test, train, test]
    assert {task.id for task in parts[1]} | {task.id for task in parts[2]} == {task.id for task in parts[0]}


def test_what_the_tasks_are_scored_by_is_theirs() -> None:
    airline = registry.load("tau2_airline", "official").tasks()
    retail = registry.load("tau2_retail", "official").tasks()
    assert all("reward_basis" in task.extra for task in airline)
    assert Counter(tuple(task.extra["reward_basis"]) for task in retail) == {("DB", "NL_ASSERTION"): 112, ("DB",): 2}


def test_forty_tasks_of_the_shop_need_a_judge_and_the_others_are_decided_by_the_database() -> None:
    environment = registry.load("tau2_retail", "official")
    assert isinstance(environment, Tau2Environment)
    values: Counter[float | None] = Counter()
    for task in environment.tasks():
        episode = environment.open(task)
        for action in task.actions:
            episode.call(action.name, action.arguments)
        reward = episode.score((), "user_stop")
        assert reward is not None
        assert ("unscored" in reward.info) == (reward.value is None)
        values[reward.value] += 1
    assert values == {1.0: 74, None: 40}


def test_a_checkout_is_a_source(official_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACC_TAU2_BENCH_DIR")
    folder = tmp_path / "data" / "tau2" / "domains" / "retail"
    folder.mkdir(parents=True)
    for path in (official_data / "tau2" / "retail").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    report = registry.fetch("tau2_retail", str(tmp_path))
    assert list(report.datasets) == ["official", "official-train", "official-test"]
    assert len(registry.load("tau2_retail", "official-test").tasks()) == 40
