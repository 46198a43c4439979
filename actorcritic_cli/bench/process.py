"""How much memory a process has taken at its peak."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def peak_memory(pid: int) -> int | None:
    """Return the most bytes a running process has had in memory; where only the present is known, those of now.

    ``None`` where nothing can be learned.
    """
    return _from_proc(pid, "VmHWM") or resident_memory(pid)


def resident_memory(pid: int) -> int | None:
    """Return the bytes that a running process has in memory now, or ``None`` where that can't be learned."""
    known = _from_proc(pid, "VmRSS")
    if known is not None:
        return known
    try:
        done = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return int(done.stdout) * 1024
    except (OSError, ValueError):
        return None


def _from_proc(pid: int, name: str) -> int | None:
    try:
        found = re.search(rf"{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
