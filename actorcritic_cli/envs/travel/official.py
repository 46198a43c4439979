"""The official data of UserBench: found on this machine, or fetched once, checked.

Playable are the scenario files (``travelgym_data_22.json`` …, any ``travelgym_data*.json``), in the folder itself or where
the benchmark's repository has them. A ``sample.json`` with a ``scenarios`` object in the same shape is played where there
are no scenario files. Task rows (``travel*_test.jsonl``) are not playable by themselves: they hold the first words and the
agent's instructions, which are used where they are there, and they select which trips are tasks. ``ACC_USERBENCH_DIR``
names a folder to use instead of the one in acc's data folder.
"""

from __future__ import annotations

import json
import os
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from actorcritic_cli.envs.family import FetchReport, Finding
from actorcritic_cli.envs.fetching import fetched, replace_folder
from actorcritic_cli.envs.travel.scenario import Broken, Scenario, scenario_of
from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.paths import data_dir

VARIABLE = "ACC_USERBENCH_DIR"
_GET = "acc env fetch travel --from FOLDER"
_ROWS = ("travel*_test.jsonl", "travel*_train.jsonl")


class Files(Struct, frozen=True):
    """What a folder holds: scenario files (or the sample) and task rows."""

    scenarios: tuple[Path, ...]
    rows: tuple[Path, ...] = ()


class Data(Struct, frozen=True):
    """Official data in memory. ``texts`` are first words by scenario; ``problems`` say what had to be left out."""

    scenarios: tuple[Scenario, ...]
    texts: dict[str, str]
    policy: str | None
    problems: tuple[str, ...]
    without_arguments: int


def root() -> Path:
    """Return the folder in which official data are looked for."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else data_dir() / "envs" / "userbench"


def located() -> Files:
    """Return the official files on this machine. Raises ``NotFound`` with how to get them."""
    folder = root()
    try:
        return files_in(folder)
    except NotFound as error:
        if os.environ.get(VARIABLE):
            raise NotFound(f"{VARIABLE} is {folder}, which cannot be used: {error}") from error
        if folder.is_dir():
            raise
        raise NotFound(f"The official data of travel are not on this machine; get them with {_GET}.") from error


def files_in(folder: Path) -> Files:
    """Return the usable files of a folder. Raises ``NotFound`` when no trip can be played with them."""
    found: list[Path] = []
    for place in (folder, folder / "travelgym" / "data"):
        found += sorted(place.glob("travelgym_data*.json"))
    if not found and (folder / "sample.json").is_file():
        found = [folder / "sample.json"]
    rows = tuple(sorted(path for pattern in _ROWS for path in folder.glob(pattern)))
    if found:
        return Files(tuple(found), rows)
    if rows:
        raise NotFound(
            f"{folder} has task rows but no scenario files (travelgym_data_22.json …), without which no trip can be played; "
            "add them from the benchmark's repository."
        )
    raise NotFound(
        f"{folder} holds no scenario files of UserBench (travelgym_data_22.json …); look for another source."
    )


def read(files: Files, *, seed: int = 0, wrong: int = 10, noise: int = 5) -> Data:
    """Read official data, once per process while the files stay as they are. Raises ``AccError`` for broken files."""
    times = tuple(path.stat().st_mtime_ns for path in (*files.scenarios, *files.rows))
    return _read(files, times, seed, wrong, noise)


@lru_cache(maxsize=4)
def _read(files: Files, times: tuple[int, ...], seed: int, wrong: int, noise: int) -> Data:
    raw: dict[str, Any] = {}
    for path in files.scenarios:
        raw |= _scenarios_in(path)
    rows = [row for path in files.rows for row in _rows_of(path)]
    chosen = [row[0] for row in rows if row[0] in raw] or list(raw)
    scenarios: list[Scenario] = []
    problems: list[str] = []
    for scenario_id in dict.fromkeys(chosen):
        try:
            scenarios.append(scenario_of(scenario_id, raw[scenario_id], seed=seed, wrong=wrong, noise=noise))
        except Broken as error:
            problems.append(str(error))
    if not scenarios:
        raise AccError(f"No trip of {files.scenarios[0].parent} can be played: {problems[0] if problems else 'none'}")
    policies = {row[1] for row in rows}
    return Data(
        tuple(scenarios),
        {row[0]: row[2] for row in rows},
        policies.pop() if len(policies) == 1 else None,
        tuple(problems),
        sum(1 for s in scenarios for block in s.blocks if block.arguments is None),
    )


def fetch(source: str) -> FetchReport:
    """Copy official data from a folder or a git URL into acc's data folder, replacing what was there.

    Raises ``NotFound`` or ``AccError``; what was there before then stays.
    """
    return fetched(source, _install)


def _install(folder: Path, source: str, commit: str | None) -> FetchReport:
    files = files_in(folder)
    report = findings(read(files))
    licences = [folder / name for name in ("LICENSE", "LICENSE.txt") if (folder / name).is_file()]

    def fill(new: Path) -> None:
        for path in (*files.scenarios, *files.rows, *licences):
            shutil.copyfile(path, new / path.name)

    target = data_dir() / "envs" / "userbench"
    replace_folder(target, fill)
    return FetchReport(source, target, {"official": report}, commit)


def findings(data: Data) -> list[Finding]:
    """Return what is to be said of official data."""
    preferences = sum(len(scenario.preferences) for scenario in data.scenarios)
    found = [Finding("ok", f"{len(data.scenarios)} trips with {preferences} preferences can be played")]
    if data.without_arguments:
        found.append(
            Finding(
                "note",
                f"{data.without_arguments} aspects have no search arguments: requests are held against places and days of "
                "the opening request",
            )
        )
    return found + [Finding("note", problem) for problem in data.problems]


def _scenarios_in(path: Path) -> dict[str, Any]:
    value = _json(path, _text(path))
    if path.name == "sample.json" and isinstance(value, dict):
        value = value.get("scenarios")
    if not isinstance(value, dict) or not all(isinstance(scenario, dict) for scenario in value.values()):
        raise AccError(f"{path} is not an object of scenarios; get the data again with {_GET}.")
    return value


def _rows_of(path: Path) -> list[tuple[str, str, str]]:
    """Return (scenario id, system prompt, first words) of every task row."""
    rows: list[tuple[str, str, str]] = []
    for line in _text(path).splitlines():
        if not line.strip():
            continue
        row = _json(path, line)
        try:
            said = {message["role"]: message["content"] for message in row["prompt"]}
            rows.append((str(row["reward_model"]["id"]), str(said["system"]), str(said["user"]).strip()))
        except (KeyError, TypeError) as error:
            raise AccError(f"{path} has a row that is no task ({error}); get the data again with {_GET}.") from error
    return rows


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AccError(f"Cannot read {path} ({error}); get the data again with {_GET}.") from error


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AccError(f"{path} is no valid JSON ({error}); get the data again with {_GET}.") from error
