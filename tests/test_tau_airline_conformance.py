"""Two hundred recorded conversations of gpt-4o, replayed: every result, hash and reward as recorded."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.envs.tau.airline import DOMAIN
from actorcritic_cli.types import ExpectedAction, Message, Task, Termination, ToolCall, Transcript

pytestmark = pytest.mark.official
HASHES = {
    "official": "4587e6b48ad2b2c4f3e1fecb40aabec7bb2286513273b8f8cec3f5865222f290",
    "official-2024": "4a02dcbc0e3ace4d398988d60a33e73afad4d201deb426303159f086cadad20f",
}
WRITES = {tool.spec.name for tool in DOMAIN.tools if tool.spec.effect == "write"}


@pytest.fixture(scope="module")
def runs(official_data: Path) -> list[dict[str, Any]]:
    path = official_data / "tau-bench" / "trajectories" / "gpt-4o-airline.json"
    value: list[dict[str, Any]] = json.loads(path.read_text())
    return value


@pytest.fixture(autouse=True)
def _official_folder(official_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACC_TAU_BENCH_DIR", str(official_data / "tau-bench"))


def recorded_task(run: dict[str, Any]) -> Task:
    task = run["info"]["task"]
    actions = tuple(ExpectedAction(action["name"], action["kwargs"]) for action in task["actions"])
    return Task(str(run["task_id"]), task["instruction"], actions, tuple(task["outputs"]))


def transcript(run: dict[str, Any]) -> Transcript:
    return tuple(
        Message(
            message["role"],
            message["content"],
            tuple(
                ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
                for call in message.get("tool_calls") or ()
            ),
        )
        for message in run["traj"]
    )


def replay(env: Environment, run: dict[str, Any], counts: Counter[str], *, score: bool = True) -> None:
    """Make a run's calls anew and count what is the same; results that differ count under ``differs {tool}``."""
    episode = env.open(recorded_task(run))
    messages = transcript(run)
    reason: Termination = "user_stop" if run["info"]["reward_info"] else "max_turns"
    for message, after in pairwise(messages):
        if not message.tool_calls:
            continue
        call = message.tool_calls[0]
        result = episode.call(call.name, call.parsed())
        counts["calls"] += 1
        if after.role == "tool":
            counts["identical" if result.text == after.content else f"differs {call.name}"] += 1
        if call.name in WRITES:
            counts["writes"] += 1
            counts["failed writes"] += result.error
        if result.ends:
            reason = "transfer"
    counts[reason] += 1
    if not score:
        return
    reward = episode.score(messages, reason)
    assert reward is not None
    counts["rewards"] += reward.value == run["reward"]
    counts["ones"] += reward.value == 1.0
    recorded = (run["info"]["reward_info"] or {}).get("info", {})
    if "gt_data_hash" in recorded:
        counts["hashed"] += 1
        counts["hashes"] += reward.info["gt_data_hash"] == recorded["gt_data_hash"]


@pytest.mark.slow
def test_the_recording_replays_to_the_letter(runs: list[dict[str, Any]]) -> None:
    env = registry.load("tau_airline", "official-2024")
    counts: Counter[str] = Counter()
    for run in runs:
        replay(env, run, counts)
    assert counts == {
        "calls": 1164,
        "identical": 1164,
        "writes": 250,
        "failed writes": 73,
        "user_stop": 147,
        "transfer": 48,
        "max_turns": 5,
        "rewards": 200,
        "ones": 84,
        "hashed": 182,
        "hashes": 182,
    }


def test_with_the_newer_users_only_profiles_differ(runs: list[dict[str, Any]]) -> None:
    env = registry.load("tau_airline", "official")
    counts: Counter[str] = Counter()
    for run in runs:
        replay(env, run, counts, score=False)
    assert counts["identical"] == 1044
    assert counts["differs get_user_details"] == 120
    assert counts["calls"] == 1164


@pytest.mark.slow
def test_with_the_newer_users_rewards_are_the_same_and_hashes_are_not(runs: list[dict[str, Any]]) -> None:
    env = registry.load("tau_airline", "official")
    counts: Counter[str] = Counter()
    for run in runs:
        replay(env, run, counts)
    assert (counts["rewards"], counts["ones"], counts["hashed"], counts["hashes"]) == (200, 84, 182, 0)


@pytest.mark.parametrize("dataset", ["official", "official-2024"])
def test_the_official_data_are_the_known_ones_and_hang_together(dataset: str) -> None:
    found = registry.check("tau_airline", dataset)
    assert [finding.level for finding in found] == ["ok", "ok"]
    assert found[0].text == "300 flights, 2000 reservations, 500 users, 50 tasks"
    assert HASHES[dataset] in found[1].text
    assert "verified" in found[1].text
    assert registry.load("tau_airline", dataset).open(None).state_hash() == HASHES[dataset]


def test_the_policy_is_the_recorded_system_prompt(runs: list[dict[str, Any]]) -> None:
    opening = registry.load("tau_airline", "official").opening()
    assert all(transcript(run)[:1] == opening for run in runs)


def test_todays_tasks_lead_to_the_recorded_hashes(runs: list[dict[str, Any]]) -> None:
    env = registry.load("tau_airline", "official-2024")
    recorded = {
        str(run["task_id"]): run["info"]["reward_info"]["info"]["gt_data_hash"]
        for run in runs
        if "gt_data_hash" in (run["info"]["reward_info"] or {}).get("info", {})
    }
    assert len(recorded) == 46
    for task in env.tasks():
        if task.id in recorded:
            reward = env.open(task).score((), "user_stop")
            assert reward is not None
            assert reward.info["gt_data_hash"] == recorded[task.id]
