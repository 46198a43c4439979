"""Models that were pulled: where they lie, and which file a name means.

A model lies at ``models/OWNER/REPO/FILE.gguf`` in acc's data folder, with a note of where it came from and what it hashes
to beside it; only a file with a note is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from actorcritic_cli.critics import builtin
from actorcritic_cli.critics.recommended import RECOMMENDED
from actorcritic_cli.errors import NotFound, UsageError
from actorcritic_cli.paths import data_dir

_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_NAMED = re.compile(rf"(?P<repo>{_PART}/{_PART})[:/](?P<file>{_PART}(?:/{_PART})*\.gguf)", re.IGNORECASE)
_SPLIT = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)


class Named(Struct, frozen=True):
    """A file of the hub."""

    repo: str
    file: str

    @property
    def path(self) -> Path:
        """Where it lies, or would lie once it is pulled."""
        return models_dir() / self.repo / self.file

    @property
    def name(self) -> str:
        """The short name where it has one, else ``REPO/FILE``."""
        known = next((m.name for m in RECOMMENDED.values() if (m.repo, m.file) == (self.repo, self.file)), None)
        return known or f"{self.repo}/{self.file}"


class Pulled(Struct, frozen=True):
    """The note beside a pulled file: where it came from, its size in bytes, and its hash. ``checked`` is false where the
    hub gave no hash to compare it with."""

    repo: str
    file: str
    size: int
    sha256: str
    checked: bool
    commit: str | None
    pulled_at: float

    @property
    def named(self) -> Named:
        """The file of the hub that it is."""
        return Named(self.repo, self.file)


class Listed(Struct, frozen=True):
    """A line of ``acc critic list``: a pulled model, a recommended one, or both. What is not known is ``None``.

    ``megabytes`` is the file's size in 10^6 bytes; ``checked`` as in ``Pulled``.
    """

    name: str
    repo: str
    file: str
    megabytes: int
    pulled: bool
    licence: str | None = None
    good_for: str | None = None
    path: str | None = None
    sha256: str | None = None
    checked: bool | None = None


def models_dir() -> Path:
    """Return the folder of pulled models; it need not exist."""
    return data_dir() / "models"


def named(name: str) -> Named:
    """Return the file that a short name, ``REPO/FILE.gguf`` or ``REPO:FILE.gguf`` means.

    Raises ``NotFound`` for any other name, ``UsageError`` for a part of a split model.

    >>> named("qwen2.5-0.5b").repo
    'Qwen/Qwen2.5-0.5B-Instruct-GGUF'
    >>> named("owner/repo:folder/model.gguf").file
    'folder/model.gguf'
    """
    known = RECOMMENDED.get(name.lower())
    if known is not None:
        return Named(known.repo, known.file)
    if builtin.is_builtin(name):
        raise UsageError("The built-in critic ships with acc and needs no pulling: --critic builtin.")
    found = _NAMED.fullmatch(name)
    if found is None:
        raise NotFound(
            f"No critic to pull is called '{name}'; choose one of {', '.join(RECOMMENDED)}, or name a file of the hub as "
            "OWNER/REPO/FILE.gguf."
        )
    if _SPLIT.search(name):
        raise UsageError(f"{name} is one part of a split model; choose a model that is one file.")
    return Named(found["repo"], found["file"])


def is_short_name(name: str) -> bool:
    """Whether a name is that of the built-in critic or of a recommended model."""
    return builtin.is_builtin(name) or name.lower() in RECOMMENDED


def pulled_path(name: str) -> Path | None:
    """Return the file of a pulled model by its name, ``None`` for what is no name of a pulled model."""
    try:
        path = named(name).path
    except (NotFound, UsageError):
        return None
    return path if note_of(path) is not None else None


def file_of(name: str) -> Path:
    """Return the file that ``--critic NAME`` means: that of the built-in critic, a path, or a pulled model.

    Raises ``NotFound`` with the remedy for a recommended model that was not pulled, ``AccError`` where the built-in critic
    is missing.
    """
    if builtin.is_builtin(name):
        return builtin.builtin_file()
    path = Path(name)
    if path.exists():
        return path
    pulled = pulled_path(name)
    if pulled is None and is_short_name(name):
        raise NotFound(f"The critic {name} has not been pulled yet; fetch it with: acc critic pull {name}")
    return pulled or path


def pulled_models() -> list[Pulled]:
    """Return the notes of all pulled models that are there, by name."""
    return sorted(_notes(), key=lambda note: note.named.name.lower())


def catalogue() -> list[Listed]:
    """Return the built-in critic, the pulled models and after them the recommended ones that are not there yet."""
    listed = _builtin()
    for note in pulled_models():
        one = note.named
        known = RECOMMENDED.get(one.name)
        listed.append(
            Listed(
                one.name,
                note.repo,
                note.file,
                round(note.size / 1e6),
                True,
                known.licence if known else None,
                known.good_for if known else None,
                str(one.path),
                note.sha256,
                note.checked,
            )
        )
    there = {model.name for model in listed}
    return listed + [
        Listed(model.name, model.repo, model.file, model.megabytes, False, model.licence, model.good_for)
        for model in RECOMMENDED.values()
        if model.name not in there
    ]


def _builtin() -> list[Listed]:
    if not builtin.is_there():
        return []
    file = builtin.builtin_file()
    size = round(file.stat().st_size / 1e6)
    about = "trained for the bundled environments, and for those alone; judges where none is named"
    return [Listed(builtin.NAME, "", file.name, size, True, "MIT", about, str(file))]


def note_path(path: Path) -> Path:
    """Return where the note of a file lies."""
    return path.with_name(f"{path.name}.json")


def note_of(path: Path) -> Pulled | None:
    """Return the note of a pulled file, ``None`` when the file or the note is missing or they do not belong together."""
    try:
        note = msgspec.json.decode(note_path(path).read_bytes(), type=Pulled)
        return note if path.stat().st_size == note.size else None
    except (OSError, msgspec.DecodeError):
        return None


def _notes() -> Iterator[Pulled]:
    for path in models_dir().rglob("*.gguf.json"):
        note = note_of(path.with_name(path.name.removesuffix(".json")))
        if note is not None:
            yield note
