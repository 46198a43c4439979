"""The recipe as commands: what is run, one after the other, in the folder of the rebuild.

A step is a public command of acc. What one prints as JSON is kept in the file that ``into`` names, as the shell's ``>``
would; ``makes`` are all files and folders that it leaves.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from msgspec import Struct

from actorcritic_cli.learn.builtin.recipe import BuiltinRecipe, Hold

BUILTIN, CONTROL = "builtin", "untrained"
"""The folders of the trained weights and of the control's, and so the names of both critics."""
DATA = "data"
EVAL, AGREEMENT, LIVE, BENCH, OFFICIAL = (
    "eval.json",
    "agreement.json",
    "live.json",
    "bench.json",
    "official.json",
)
LIVE_DB = "live.db"
"""Sessions that are measured have a record of their own: data that are made again must not learn from them."""
CONTROL_FILE, F16_FILE, OTHERS_FILE = "untrained.gguf", "critic-f16.gguf", "recorded.gguf"
_GPT_4O = "gpt-4o-airline"
_OTHERS = ("gpt-4.1-airline", "gpt-4.1-retail")


class Step(Struct, frozen=True):
    """One command. A ``hold`` goes on by its run's id when it was interrupted, a ``training`` by its checkpoint; all others
    are simply done again."""

    name: str
    words: tuple[str, ...]
    makes: tuple[str, ...] = ()
    into: str = ""
    kind: str = ""

    @property
    def command(self) -> str:
        """The command as one types it."""
        return shlex.join(("acc", *self.words)) + (f" > {self.into}" if self.into else "")


def shipped_file(recipe: BuiltinRecipe) -> str:
    """Return the name of the file that ships, in the rebuild's folder."""
    return f"critic-{recipe.quantise}.gguf"


def steps(recipe: BuiltinRecipe, recordings: Path | None = None) -> list[Step]:
    """Return what is to be done, in order. ``recordings`` is a folder with recorded conversations of the benchmarks
    (``tau-bench/trajectories``, ``tau2/trajectories``), to measure on those, too."""
    found = [_hold(number, hold) for number, hold in enumerate(recipe.holds, start=1)]
    found.append(Step("data", ("critic", "data", DATA, "--force", *recipe.data), (DATA,)))
    found += _trained(BUILTIN, recipe.train, "critic-raw.gguf", F16_FILE, recipe)
    found += [_converted(kind, F16_FILE, f"critic-{kind}.gguf") for kind in ("q8_0", "q4_k_m")]
    found += _trained(CONTROL, (*recipe.train, "--epochs", "0"), "untrained-raw.gguf", CONTROL_FILE, recipe)
    critic = shipped_file(recipe)
    found += [
        _printing("eval", ("critic", "eval", critic, CONTROL_FILE, "--data", DATA), EVAL),
        _printing(
            "agreement",
            ("critic", "eval", F16_FILE, "critic-q8_0.gguf", "critic-q4_k_m.gguf", "--data", DATA, "--no-critiques"),
            AGREEMENT,
        ),
        _printing(
            "live",
            ("critic", "live", critic, CONTROL_FILE, "--data", DATA, *recipe.live, "--db", LIVE_DB),
            LIVE,
            *(LIVE_DB + part for part in ("", "-wal", "-shm")),
        ),
    ]
    if recordings is not None:
        found += _official(recipe, recordings.resolve(), critic)
    found.append(_printing("bench", ("critic", "bench", critic, "--beside", "0.5b"), BENCH))
    return found


def _hold(number: int, hold: Hold) -> Step:
    options = ("--actor", hold.actor, "--trials", str(hold.trials), "--seed", str(hold.seed), *hold.words)
    return Step(f"sessions {number}", ("run", "--env", hold.env, *options), kind="hold")


def _trained(folder: str, words: tuple[str, ...], raw: str, calibrated: str, recipe: BuiltinRecipe) -> list[Step]:
    """Train, convert and calibrate: the threshold is in the file from then on, and goes into those that are quantised."""
    calibrate = ("critic", "calibrate", raw, "--data", DATA, *recipe.calibrate, "--write", calibrated, "--force")
    return [
        Step(f"training {folder}", ("critic", "train", DATA, folder, *words), (folder,), kind="training"),
        _converted("f16", folder, raw),
        Step(f"threshold of {folder}", calibrate, (calibrated,)),
    ]


def _converted(kind: str, source: str, target: str) -> Step:
    return Step(target, ("critic", "convert", source, target, "--quantise", kind, "--force"), (target,))


def _printing(name: str, words: tuple[str, ...], into: str, *makes: str) -> Step:
    return Step(name, (*words, "--json"), (into, *makes), into)


def _official(recipe: BuiltinRecipe, recordings: Path, critic: str) -> list[Step]:
    """The recorded gpt-4o conversations, and a critic that was trained on the other recorded ones alone."""
    found = [*_imported(recordings / "tau-bench/trajectories", _GPT_4O, "official.db")]
    for name in _OTHERS:
        found += _imported(recordings / "tau2/trajectories", name, "recorded.db")
    of_writes = ("--source", "ground_truth", "--gate", "writes", "--force")
    found.append(
        Step("official data", ("critic", "data", "official", "--db", "official.db", *of_writes), ("official",))
    )
    found.append(
        Step(
            "recorded data", ("critic", "data", "recorded-data", "--db", "recorded.db", *of_writes), ("recorded-data",)
        )
    )
    train = ("critic", "train", "recorded-data", "recorded", *recipe.train)
    found.append(Step("training recorded", train, ("recorded",), kind="training"))
    found.append(_converted("f16", "recorded", OTHERS_FILE))
    on = ("--data", "official", "--split", "all", "--no-critiques")
    found.append(_printing("official", ("critic", "eval", critic, OTHERS_FILE, CONTROL_FILE, *on), OFFICIAL))
    return found


def _imported(folder: Path, name: str, db: str) -> list[Step]:
    return [
        Step(f"import {name}", ("import", str(folder / f"{name}.json"), "--name", name, "--db", db)),
        Step(f"label {name}", ("label", "--from-ground-truth", "--run", name, "--db", db)),
    ]
