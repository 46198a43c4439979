"""How much memory a process has taken at its peak."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def peak_memory(pid: int) -> int | None:
    """Return the most bytes a running process has had in memory; where only the present is known, those of now.

    ``None`` where nothing can be learned.
    """
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    return resident_memory(pid)


def resident_memory(pid: int) -> int | None:
    """Return the bytes that a running process has in memory now, or ``None`` where that can't be learned."""
    try:
        done = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return int(done.stdout) * 1024
    except (OSError, ValueError):
        return None
