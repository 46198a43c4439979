"""How many threads the critic uses under a quota."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from actorcritic_cli.critics import cpu


def system(root: Path, cgroup: str, files: dict[str, str]) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(cgroup)
    for name, content in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_a_quota_bounds_the_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    root = system(tmp_path, "0::/box\n", {"box/cpu.max": "250000 100000\n"})
    assert cpu.cgroup_quota(root) == 2.5
    assert cpu.threads(root) == 3


def test_the_strictest_quota_on_the_way_up_holds(tmp_path: Path) -> None:
    root = system(tmp_path, "0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "50000 100000\n"})
    assert cpu.cgroup_quota(root) == 0.5
    assert cpu.threads(root) == 1


def test_an_old_hierarchy_is_read_too(tmp_path: Path) -> None:
    files = {"cpu,cpuacct/box/cpu.cfs_quota_us": "300000", "cpu,cpuacct/box/cpu.cfs_period_us": "100000"}
    root = system(tmp_path, "4:cpu,cpuacct:/box\n3:memory:/box\n", files)
    assert cpu.cgroup_quota(root) == 3.0


def test_without_a_quota_the_affinity_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5, 7}, raising=False)
    files = {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000", "cpu.max": "nonsense"}
    assert cpu.threads(system(tmp_path, "1:cpu:/\n0::/\n", files)) == 3
    assert cpu.threads(tmp_path / "nowhere") == 3
