"""What ships to try things with: example traces, and a critic with random weights that is written when first needed."""

from __future__ import annotations

import os
from pathlib import Path

from actorcritic_cli import __version__
from actorcritic_cli.critics.prompt import PROMPT_VERSION
from actorcritic_cli.errors import NotFound
from actorcritic_cli.paths import cache_dir


def example_trace(name: str) -> Path:
    """Return the path of an example trace. Raises ``NotFound`` when the installation lacks it."""
    package = Path(__file__).parent
    for folder in (package / "traces", package.parent / "traces"):
        if (folder / name).is_file():
            return folder / name
    raise NotFound(f"The example {name} is missing from this installation; install acc again.")


def demo_critic(seed: int) -> Path:
    """Return the path of a tiny critic with random weights, written to the cache when it is not there yet."""
    path = cache_dir() / f"random-tiny-{seed}-{__version__}-{PROMPT_VERSION}.gguf"
    if not path.exists():
        from actorcritic_cli.critics.synthetic import write

        half = path.with_name(f"{path.name}.{os.getpid()}.part")
        write(half, shape="tiny", seed=seed)
        os.replace(half, path)
    return path
