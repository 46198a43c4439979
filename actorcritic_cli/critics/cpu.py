"""How many threads the critic may use: what the machine really gives this process, not what the host has.

llama.cpp's own default counts the host's cores. In a container with a CPU quota that is far too many, and the threads
then wait for each other many times longer than they work.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path


def threads(root: Path = Path("/")) -> int:
    """Return the number of threads to use: the affinity mask, bounded by the cgroup quota (rounded up), at least 1.

    ``root`` is where ``proc`` and ``sys`` lie.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cgroup_quota(root)
    return max(1, cores if quota is None else min(cores, math.ceil(quota)))


def cgroup_quota(root: Path = Path("/")) -> float | None:
    """Return the CPU quota of this process in cores, the strictest of its cgroup and all above; ``None`` if unbounded."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    base = root / "sys/fs/cgroup"
    quotas: list[float] = []
    for line in lines:
        _, controllers, group = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            quotas += _up(base, group, _quota_v2)
        elif "cpu" in controllers.split(","):
            for mount in (controllers, "cpu"):
                quotas += _up(base / mount, group, _quota_v1)
    return min(quotas, default=None)


def _up(base: Path, group: str, read: Callable[[Path], float | None]) -> list[float]:
    folder = base / group.strip("/")
    found: list[float] = []
    while True:
        quota = read(folder)
        if quota is not None and quota > 0:
            found.append(quota)
        if folder == base or base not in folder.parents:
            return found
        folder = folder.parent


def _quota_v2(folder: Path) -> float | None:
    try:
        limit, period = (folder / "cpu.max").read_text(encoding="ascii").split()[:2]
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        limit = int((folder / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period = int((folder / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return limit / period if limit > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
