"""Carrying out the steps of a rebuild, so that an interruption costs little.

What was done is kept in ``done.json``, command by command. A step whose command has changed since is done again, with all
that come after it; sessions, from which everything is made, are not: a recipe with others needs a folder of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.learn.builtin.steps import Step
from actorcritic_cli.learn.training.train import CHECKPOINT
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library

HOME = "home"
"""The data folder of the rebuild (``ACC_HOME``), in its folder: nothing of the user's own is read or changed."""
_DONE, _UNDER_WAY = "done.json", "under-way.json"
Tell = Callable[[str], None]


class Done(Struct, frozen=True):
    """A step that was carried out."""

    name: str
    command: str
    seconds: float


class UnderWay(Struct, frozen=True):
    """The command that is being carried out, and how many runs were on record when it began."""

    command: str
    runs: int


class Rebuild:
    """Carries out steps in a folder. ``tell`` is told of each command before it is run."""

    def __init__(self, folder: Path, steps: Sequence[Step], tell: Tell):
        self.folder, self.steps, self.tell = folder, steps, tell
        self.done: list[Done] = self._kept()

    def run(self) -> list[Done]:
        """Do what is left to do, and return what was done, now and before.

        Raises ``UsageError`` for a folder of another recipe, ``AccError`` when a command fails. ``KeyboardInterrupt`` ends
        the command under way; the same call goes on from there.
        """
        (self.folder / HOME).mkdir(parents=True, exist_ok=True)
        for number, step in enumerate(self.steps):
            if number < len(self.done):
                continue
            self.tell(f"[{number + 1}/{len(self.steps)}] {step.name}\n$ {step.command}")
            started = time.monotonic()
            self._carry_out(step)
            self.done.append(Done(step.name, step.command, round(time.monotonic() - started, 1)))
            _write(self.folder / _DONE, self.done)
            (self.folder / _UNDER_WAY).unlink(missing_ok=True)
        return self.done

    def _kept(self) -> list[Done]:
        """Return what was done of these very steps, up to the first that differs."""
        path = self.folder / _DONE
        if not path.exists():
            return []
        kept = msgspec.json.decode(path.read_bytes(), type=list[Done])
        same = 0
        while same < min(len(kept), len(self.steps)) and kept[same].command == self.steps[same].command:
            same += 1
        holds = sum(step.kind == "hold" for step in self.steps)
        other = any(one.name.startswith("sessions ") for one in kept[same:])
        if other or (same < min(holds, len(kept))):
            raise UsageError(f"{self.folder} holds sessions of another recipe; name another folder.")
        return kept[:same]

    def _carry_out(self, step: Step) -> None:
        words, before = list(step.words), self._under_way(step)
        trained = self.folder / step.makes[0] if step.kind == "training" else None
        if trained is not None and before is not None and (trained / "training.json").exists():
            if not (trained / CHECKPOINT).exists():
                return  # it was finished, and interrupted before that was written down
            words.append("--resume")
        elif trained is not None and before is not None and (trained / CHECKPOINT).exists():
            words.append("--resume")
        elif step.kind == "hold" and before is not None and self._runs() > before.runs:
            words = ["run", "--resume", "last"]
        else:
            for name in step.makes:
                _remove(self.folder / name)
        if before is None:
            _write(self.folder / _UNDER_WAY, UnderWay(step.command, self._runs()))
        part = self.folder / f"{step.into or 'printed'}.part"
        with part.open("wb") as out:
            code = _ran(words, self.folder, out)
        if code == 130:
            raise KeyboardInterrupt
        if code != 0:
            raise AccError(
                f"The step '{step.name}' failed with exit code {code}; mend what it says, and say the same again."
            )
        if step.into:
            part.replace(self.folder / step.into)
        else:
            part.unlink()

    def _under_way(self, step: Step) -> UnderWay | None:
        path = self.folder / _UNDER_WAY
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            found = msgspec.json.decode(path.read_bytes(), type=UnderWay)
            return found if found.command == step.command else None
        return None

    def _runs(self) -> int:
        path = self.folder / HOME / "acc.db"
        if not path.exists():
            return 0
        with open_database(path, create=False) as database:
            return len(Library(database).runs())


def _ran(words: Sequence[str], folder: Path, out: object) -> int:
    """Run a command of acc, its talk on our stderr, and return its exit code."""
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    environment = {name: value for name, value in os.environ.items() if name not in ("ACC_DB", "ACC_HOME")}
    environment |= {"ACC_HOME": HOME, "PYTHONPATH": path}
    process = subprocess.Popen(
        [sys.executable, "-m", "actorcritic_cli", *words],
        cwd=folder,
        env=environment,
        stdout=out,  # type: ignore[call-overload]
    )
    try:
        return int(process.wait())
    except KeyboardInterrupt:
        process.wait()  # Ctrl-C reaches it as well
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write(path: Path, value: object) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    part.replace(path)
