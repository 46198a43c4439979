"""What ships to try things with: example traces."""

from __future__ import annotations

from pathlib import Path

from actorcritic_cli.errors import NotFound


def example_trace(name: str) -> Path:
    """Return the path of an example trace. Raises ``NotFound`` when the installation lacks it."""
    package = Path(__file__).parent
    for folder in (package / "traces", package.parent / "traces"):
        if (folder / name).is_file():
            return folder / name
    raise NotFound(f"The example {name} is missing from this installation; install acc again.")
