"""Official data: found, fetched from a folder or a repository, checked before anything is replaced."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.tau import official
from actorcritic_cli.envs.tau.tasks import read_tasks, tasks_of_source
from actorcritic_cli.errors import AccError, NotFound
from tests.tau_small import OFFICIAL_TASKS, POLICY, TASKS_SOURCE, write_checkout, write_folder


def repository(root: Path) -> str:
    """Make a git repository in the benchmark's layout and return its URL."""
    write_checkout(root)
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "data"],
    ):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    return f"file://{root}"


def stored(home: Path) -> Path:
    return home / "envs" / "tau-bench" / "airline"


def test_data_fetched_from_a_folder_can_be_used(tmp_path: Path, acc_home: Path) -> None:
    report = official.fetch(str(write_folder(tmp_path / "source")), "tau_airline")
    assert report.folder == stored(acc_home)
    assert list(report.datasets) == ["official"]
    assert any("differs from the known one" in finding.text for finding in report.datasets["official"])
    assert official.find("airline") == acc_home / "envs" / "tau-bench"
    env = registry.load("tau_airline", "official")
    assert (env.policy, len(env.tasks())) == (POLICY, 2)


def test_the_domains_own_folder_is_a_source_too(tmp_path: Path, acc_home: Path) -> None:
    official.fetch(str(write_folder(tmp_path / "source") / "airline"), "airline")
    assert registry.load("tau_airline", "official").policy == POLICY


def test_data_fetched_from_a_repository_are_the_same(tmp_path: Path, acc_home: Path) -> None:
    official.fetch(str(write_folder(tmp_path / "source")), "airline")
    folder = registry.load("tau_airline", "official")
    report = official.fetch(repository(tmp_path / "checkout"), "airline")
    cloned = registry.load("tau_airline", "official")
    assert report.commit is not None
    assert len(report.commit) == 40
    assert cloned.tasks() == folder.tasks()
    assert cloned.policy == folder.policy
    assert cloned.open(None).state_hash() == folder.open(None).state_hash()
    assert (stored(acc_home) / "LICENSE").read_text() == "MIT"
    assert json.loads((stored(acc_home) / "tasks_test.json").read_text()) == OFFICIAL_TASKS


def test_a_checkout_can_be_used_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACC_TAU_BENCH_DIR", str(write_checkout(tmp_path)))
    assert [task.outputs for task in registry.load("tau_airline", "official").tasks()] == [("95",), ()]


def test_the_edition_of_2024_comes_along(tmp_path: Path, acc_home: Path) -> None:
    source = write_folder(tmp_path / "source") / "airline"
    (source / "users-2024.json").write_text((source / "users.json").read_text().replace('"city"', '"town"'))
    report = official.fetch(str(source), "airline")
    assert list(report.datasets) == ["official", "official-2024"]
    old, new = (registry.load("tau_airline", name).open(None) for name in ("official-2024", "official"))
    assert "town" in old.call("get_user_details", {"user_id": "anna_berg_1"}).text
    assert "city" in new.call("get_user_details", {"user_id": "anna_berg_1"}).text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("flights.json", "{", "no valid JSON"),
        ("flights.json", "[]", "not an object of records"),
        ("users.json", "{}", "table users is empty"),
        ("reservations.json", '{"X": {}}', "has no 'reservation_id'"),
        ("tasks_test.json", '[{"user_id": 1}]', "not in a known form"),
        ("tasks_test.json", "[]", "there are no tasks"),
        (
            "tasks_test.json",
            '[{"user_id": "eve", "instruction": "", "actions": [], "outputs": []}]',
            "unknown user 'eve'",
        ),
        (
            "tasks_test.json",
            '[{"user_id": "anna_berg_1", "instruction": "", "actions": [{"name": "x", "kwargs": {}}], "outputs": []}]',
            "unknown tool 'x'",
        ),
    ],
)
def test_broken_data_are_refused_and_the_old_ones_stay(
    tmp_path: Path, acc_home: Path, name: str, content: str, words: str
) -> None:
    source = write_folder(tmp_path / "source")
    official.fetch(str(source), "airline")
    (source / "airline" / name).write_text(content)
    with pytest.raises(AccError, match=words):
        official.fetch(str(source), "airline")
    assert len(registry.load("tau_airline", "official").tasks()) == 2
    assert [path.name for path in stored(acc_home).parent.iterdir()] == ["airline"]


def test_a_source_that_is_not_there_or_holds_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no folder"):
        official.fetch(str(tmp_path / "missing"), "airline")
    with pytest.raises(NotFound, match="holds no airline data"):
        official.fetch(str(tmp_path), "airline")
    with pytest.raises(NotFound, match="no domain 'telecom'"):
        official.fetch(str(tmp_path), "telecom")


def test_a_failed_clone_says_why_and_keeps_secrets(tmp_path: Path) -> None:
    with pytest.raises(AccError, match="Cannot clone file://") as caught:
        official.fetch(f"file://{tmp_path}/none.git", "airline")
    assert "check the URL" in str(caught.value)
    with pytest.raises(AccError) as caught:
        official.fetch("https://me:hunter2@localhost:9/x.git", "airline")
    assert "hunter2" not in str(caught.value)
    assert "https://localhost:9/x.git" in str(caught.value)


def test_protocols_that_run_programs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AccError, match="Cannot clone"):
        official.fetch(f"ext::sh -c touch% {tmp_path}/ran% ://", "airline")
    assert not (tmp_path / "ran").exists()


def test_without_git_a_folder_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AccError, match="git is not installed"):
        official.fetch("https://example.com/x.git", "airline")


def test_a_variable_that_points_nowhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACC_TAU_BENCH_DIR", str(tmp_path))
    with pytest.raises(NotFound, match="ACC_TAU_BENCH_DIR is"):
        official.find("airline")


def test_expected_writes_that_fail_are_noted(tmp_path: Path, acc_home: Path) -> None:
    source = write_folder(tmp_path / "source")
    failing = {"name": "cancel_reservation", "kwargs": {"reservation_id": "x"}}
    tasks = [{"user_id": "anna_berg_1", "instruction": "", "actions": [failing], "outputs": []}]
    (source / "airline" / "tasks_test.json").write_text(json.dumps(tasks))
    report = official.fetch(str(source), "airline")
    notes = [finding.text for finding in report.datasets["official"] if finding.level == "note"]
    assert notes[0] == "task 0: the expected cancel_reservation fails (Error: reservation not found)"


def test_python_task_lists_are_read_without_being_run(tmp_path: Path) -> None:
    assert tasks_of_source(TASKS_SOURCE) == OFFICIAL_TASKS
    trap = TASKS_SOURCE.replace('outputs=["95"]', f'outputs=[str(open({str(tmp_path / "ran")!r}, "w"))]')
    path = tmp_path / "tasks_test.py"
    path.write_text(trap)
    with pytest.raises(AccError, match="not in a known form"):
        read_tasks(path)
    assert not (tmp_path / "ran").exists()
    path.write_text("TASKS = 5")
    with pytest.raises(AccError, match=r"no list of Task"):
        read_tasks(path)
