"""The critic that ships with acc: ``critic.gguf`` in this folder, with its card and its results beside it.

It is named ``builtin`` wherever a critic is named, and judges where none is. It was trained on the bundled environments
and knows their policies, by their hashes, and no others. ``acc critic rebuild`` makes all that lies here.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from actorcritic_cli.errors import AccError

if TYPE_CHECKING:
    from actorcritic_cli.critics.styles import Style

NAME = "builtin"
"""What ``--critic`` calls it; a file of that name is ``./builtin``."""
_FOLDER = Path(__file__).parent
CARD, RESULTS = _FOLDER / "card.md", _FOLDER / "results.json"
"""What is known of it: for people, and the numbers that the card is made from."""


def is_builtin(name: str) -> bool:
    """Whether a name means the built-in critic."""
    return name == NAME


def is_there() -> bool:
    """Whether this installation has it."""
    return _file().is_file()


def builtin_file() -> Path:
    """Return its file. Raises ``AccError`` where an installation lacks it."""
    if not is_there():
        raise AccError(
            "The built-in critic is missing from this installation; install acc again, or name another critic with "
            "--critic."
        )
    return _file()


def knows(policy: str) -> bool:
    """Whether it was trained on a policy. ``False`` where it is missing."""
    return is_there() and _style(_file()).knows(policy)


def _file() -> Path:
    return _FOLDER / "critic.gguf"


@lru_cache(maxsize=1)
def _style(path: Path) -> Style:
    from actorcritic_cli.critics.gguf_info import inspect
    from actorcritic_cli.critics.styles import style_of

    return style_of(inspect(path, digest=False).acc)
