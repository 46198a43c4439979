"""Official data of τ²-bench: found, fetched, checked before anything is replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actorcritic_cli.envs import registry
from actorcritic_cli.errors import AccError, NotFound
from tests import v2_files
from tests.retail_small import POLICY, tables


def write_folder(folder: Path, *, splits: bool = True) -> Path:
    """Write the small shop as the benchmark has it, with one task, which is in the part ``train``."""
    folder.mkdir(parents=True)
    (folder / "db.json").write_text(json.dumps(tables()))
    (folder / "policy.md").write_text(POLICY)
    (folder / "tasks.json").write_text(json.dumps(v2_files.results()["tasks"]))
    if splits:
        (folder / "split_tasks.json").write_text(json.dumps({"base": ["7"], "train": ["7"], "test": []}))
    return folder


@pytest.mark.parametrize("layout", ["retail", "data/tau2/domains/retail", "elsewhere"])
def test_every_layout_can_be_fetched(tmp_path: Path, acc_home: Path, layout: str) -> None:
    folder = write_folder(tmp_path / "root" / layout)
    source = folder if layout == "elsewhere" else tmp_path / "root"
    with pytest.raises(AccError, match="there are no tasks; nothing was changed"):  # in the part test
        registry.fetch("tau2_retail", str(source))
    (folder / "split_tasks.json").write_text(json.dumps({"base": ["7"], "train": ["7"], "test": ["7"]}))
    report = registry.fetch("tau2_retail", str(source))
    assert report.folder == acc_home / "envs" / "tau2-bench" / "retail"
    assert list(report.datasets) == ["official", "official-train", "official-test"]
    env = registry.load("tau2_retail", "official")
    assert (env.policy, [task.id for task in env.tasks()]) == (POLICY, ["7"])
    assert (
        env.open(None).call("get_order_details", {"order_id": "#W1"}).text.endswith('"return_payment_method_id": null}')
    )


def test_without_parts_there_is_only_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "retail", splits=False)
    monkeypatch.setenv("ACC_TAU2_BENCH_DIR", str(tmp_path))
    assert len(registry.load("tau2_retail", "official").tasks()) == 1
    with pytest.raises(NotFound, match="no part 'train'"):
        registry.load("tau2_retail", "official-train")


def test_data_that_are_not_there_are_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="acc env fetch tau2_airline --from FOLDER"):
        registry.load("tau2_airline", "official")
    monkeypatch.setenv("ACC_TAU2_BENCH_DIR", str(tmp_path))
    with pytest.raises(NotFound, match="ACC_TAU2_BENCH_DIR is"):
        registry.load("tau2_airline", "official")
    with pytest.raises(NotFound, match="holds no airline data"):
        registry.fetch("tau2_airline", str(tmp_path))


def test_the_data_of_another_domain_are_not_taken_for_ones_own(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no airline data"):
        registry.fetch("tau2_airline", str(write_folder(tmp_path / "elsewhere")))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("db.json", "{", "no valid JSON"),
        ("db.json", '{"users": {}}', "has not the tables"),
        ("db.json", {"orders": {"#W9": {}}, "users": {}, "products": {}}, "of another form"),
        ("db.json", {**tables(), "users": {}}, "table users is empty"),
        ("tasks.json", '[{"id": 7}]', "not in a known form"),
        ("split_tasks.json", "[]", "not in a known form"),
    ],
)
def test_broken_data_are_refused_and_the_old_ones_stay(
    tmp_path: Path, acc_home: Path, name: str, content: Any, words: str
) -> None:
    source = write_folder(tmp_path / "retail", splits=False)
    registry.fetch("tau2_retail", str(tmp_path))
    (source / name).write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(AccError, match=words):
        registry.fetch("tau2_retail", str(tmp_path))
    assert len(registry.load("tau2_retail", "official").tasks()) == 1
    assert [path.name for path in (acc_home / "envs" / "tau2-bench").iterdir()] == ["retail"]
