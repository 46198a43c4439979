"""The official shop: the known database, and task lists of which exactly the known expected calls fail."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.tau.retail import DOMAIN
from actorcritic_cli.types import Task

pytestmark = pytest.mark.official
HASHES = {
    "official": "5a4b2cb59f4d12dea7e4adff24a7f8fada510ead49372ea4a729a82bbb5f49b5",
    "official-2024": "835f402e86a2f9f1b7d82d8cc497c4f3310c7099db8148fa43709e0eaaf816ed",
}
WRITES = {tool.spec.name for tool in DOMAIN.tools if tool.spec.effect == "write"}
NOT_ALLOWED = "Error: payment method should be either the original payment method or a gift card"
NOT_DELIVERED = "Error: non-delivered order cannot be exchanged"
TOO_LOW = "Error: insufficient gift card balance to pay for the "


@pytest.fixture(autouse=True)
def _official_folder(official_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACC_TAU_BENCH_DIR", str(official_data / "tau-bench"))


def failures(dataset: str) -> list[tuple[Task, str, str]]:
    """Run every task's expected calls; return those that fail, with their texts."""
    env = registry.load("tau_retail", dataset)
    failed = []
    for task in env.tasks():
        episode = env.open(task)
        for action in task.actions:
            result = episode.call(action.name, action.arguments)
            if result.error:
                failed.append((task, action.name, result.text))
    return failed


@pytest.mark.parametrize("dataset", HASHES)
def test_the_official_data_are_the_known_ones(dataset: str) -> None:
    found = registry.check("tau_retail", dataset)
    assert found[0].text == "1000 orders, 50 products, 500 users, 115 tasks"
    assert not [finding for finding in found if finding.level == "problem"]
    assert "verified" in found[-1].text
    assert registry.load("tau_retail", dataset).open(None).state_hash() == HASHES[dataset]


def test_of_the_test_tasks_four_expected_writes_and_fifteen_tasks_of_lookups_fail() -> None:
    failed = failures("official")
    writes = [(task.id, text) for task, name, text in failed if name in WRITES]
    assert writes == [
        ("12", NOT_ALLOWED),
        ("13", NOT_ALLOWED),
        ("64", NOT_DELIVERED),
        ("106", f"{TOO_LOW}price difference"),
    ]
    lookups = {task.id for task, name, _ in failed if name not in WRITES}
    assert len(lookups - {task_id for task_id, _ in writes}) == 15


def test_of_the_development_tasks_nothing_fails() -> None:
    assert failures("official-dev") == []
    assert len(registry.load("tau_retail", "official-dev").tasks()) == 20


def test_of_the_training_tasks_twenty_payments_by_gift_card_fail() -> None:
    failed = failures("official-train")
    assert len(registry.load("tau_retail", "official-train").tasks()) == 500
    assert Counter(text.startswith(TOO_LOW) for _, _, text in failed) == {True: 20}
    assert len({task.id for task, _, _ in failed}) == 19


def test_a_task_list_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACC_TAU_BENCH_DIR")
    assert "official-train" not in registry.datasets("tau_airline")
    described = {line.dataset: line for line in registry.describe() if line.name == "tau_retail"}
    assert list(described) == ["bundled", "drawn", "official", "official-2024", "official-dev", "official-train"]
    assert not described["official-train"].available


def test_fetching_brings_all_task_lists(official_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACC_TAU_BENCH_DIR")
    report = registry.fetch("tau_retail", str(official_data / "tau-bench"))
    assert list(report.datasets) == ["official", "official-2024", "official-dev", "official-train"]
    assert len(registry.load("tau_retail", "official-train").tasks()) == 500
