"""Thresholds that were set on data: which one a critic's file has here, until another is asked for.

They lie in ``thresholds.json`` in acc's data folder, by the file's hash and the version of the prompt, for with another
prompt the same probability means another thing. A threshold named for a session comes first, then the one set here,
then the file's own (``acc.threshold``), then 0.5. One set here holds for the file as it is: with adapters, aspects,
thinking or another chat template the probabilities are others."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli.critics.gguf_info import CriticFile
from actorcritic_cli.critics.styles import VERSIONS
from actorcritic_cli.errors import AccError
from actorcritic_cli.paths import data_dir


class Calibrated(Struct, frozen=True):
    """A threshold and how it came about. ``rule`` says by what it was chosen, ``data`` on what, in words; ``cases`` is
    how many cases that were, ``at`` Unix seconds, ``measured`` what was measured there."""

    threshold: float
    rule: str
    data: str
    cases: int
    at: float
    measured: dict[str, Any] = {}


def calibrated(sha256: str, prompt_version: str) -> Calibrated | None:
    """Return the threshold that was set for a file and prompt; ``None`` where none was."""
    return _all().get(_key(sha256, prompt_version))


def default_threshold(file: CriticFile, *, set_here: bool = True) -> tuple[float, str]:
    """Return the threshold of a file where none is given, and in words where it is from; ``set_here=False`` leaves out the
    one that was set here."""
    found = calibrated(file.sha256, VERSIONS[file.style]) if set_here else None
    if found is not None:
        when = time.strftime("%Y-%m-%d", time.localtime(found.at))
        return found.threshold, f"calibrated on {when}: {found.rule}, on {found.data}"
    return file.threshold, "the file" if "acc.threshold" in file.acc else "acc's default"


def keep(sha256: str, prompt_version: str, found: Calibrated) -> None:
    """Set a file's threshold from now on."""
    _write({**_all(), _key(sha256, prompt_version): found})


def forget(sha256: str, prompt_version: str) -> bool:
    """Take a threshold away again; return whether there was one."""
    known = _all()
    there = known.pop(_key(sha256, prompt_version), None) is not None
    if there:
        _write(known)
    return there


def thresholds_path() -> Path:
    """Return where thresholds lie; the file need not exist."""
    return data_dir() / "thresholds.json"


def _key(sha256: str, prompt_version: str) -> str:
    return f"{sha256} prompt {prompt_version}"


def _all() -> dict[str, Calibrated]:
    path = thresholds_path()
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Calibrated])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise AccError(
            f"The thresholds in {path} cannot be read ({error}); remove the file, and calibrate anew."
        ) from error


def _write(known: dict[str, Calibrated]) -> None:
    path = thresholds_path()
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n")
    part.replace(path)
