"""The official data of τ²-bench: found on this machine, fetched once, checked.

As for v1 they are not part of this package; ``ACC_TAU2_BENCH_DIR`` points to a copy elsewhere, for example a checkout.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from actorcritic_cli.envs.family import FetchReport, Finding
from actorcritic_cli.envs.fetching import copy_licence, fetched, refuse_broken, replace_folder
from actorcritic_cli.envs.tau.findings import found_in
from actorcritic_cli.envs.tau2.common import Domain
from actorcritic_cli.envs.tau2.dataset import Dataset, Files, load, locate
from actorcritic_cli.errors import NotFound
from actorcritic_cli.paths import data_dir

OFFICIAL = "official"
VARIABLE = "ACC_TAU2_BENCH_DIR"
PARTS = {OFFICIAL: "base", "official-train": "train", "official-test": "test"}
"""The official data sets and the part of the tasks each has."""

KNOWN_HASHES = {
    "airline": "9e8608f6cdecea098bb8cad6cf3e0eb6d5fe6c41e5e2bf0ba9597f6197c736d6",
    "retail": "b25c9cb211f5efcaee5dd646054a73c4a9f43f4f5acc32c10713cd9f9ac20e9c",
}
"""Hashes of the untouched databases; the airline's is that of a reconstruction, which gives all recorded results."""


def files_of(domain: Domain) -> Files:
    """Return the official files of a domain. Raises ``NotFound`` with how to get them."""
    named = os.environ.get(VARIABLE)
    root = Path(named) if named else data_dir() / "envs" / "tau2-bench"
    files = locate(root, domain)
    if files is not None:
        return files
    fetch_it = f"acc env fetch {domain.environment} --from FOLDER"
    if named:
        raise NotFound(
            f"{VARIABLE} is {named}, which holds no {domain.name} data; correct it, or unset it and run {fetch_it}."
        )
    raise NotFound(f"The official data of {domain.environment} are not on this machine; get them with {fetch_it}.")


def data_of(domain: Domain, dataset: str) -> Dataset:
    """Return an official data set: all data, with the tasks of its part. Raises ``NotFound`` and ``AccError``."""
    data = load(domain, files_of(domain))
    if dataset == OFFICIAL and PARTS[OFFICIAL] not in data.splits:
        return data
    return data.split(PARTS[dataset])


def findings(domain: Domain, data: Dataset, dataset: str) -> list[Finding]:
    """Return what is to be said of a data set, problems first."""
    tools = {tool.spec.name: tool for tool in domain.tools}
    problems = domain.problems(data.database.tables, data.tasks)
    known = KNOWN_HASHES[domain.name] if dataset in PARTS else None
    return found_in(data.database, data.policy, data.tasks, tools, problems, known)


def fetch(source: str, domain: Domain) -> FetchReport:
    """Copy a domain's official data from a folder or a git URL into acc's data folder, replacing what was there.

    Raises ``NotFound`` for a source that is not there or holds no such data, and ``AccError`` for broken data or a failed
    clone; what was there before then stays.
    """
    return fetched(source, lambda root, name, commit: _install(root, domain, name, commit))


def _install(root: Path, domain: Domain, source: str, commit: str | None) -> FetchReport:
    files = locate(root, domain)
    if files is None:
        raise NotFound(
            f"{source} holds no {domain.name} data (db.json, policy.md, tasks.json); look for another source."
        )
    data = load(domain, files)
    parts = {name: part for name, part in PARTS.items() if part in data.splits}
    found = {OFFICIAL: findings(domain, data, OFFICIAL)}
    found |= {name: findings(domain, data.split(part), name) for name, part in parts.items()}
    refuse_broken(domain.name, source, found)
    home = data_dir() / "envs" / "tau2-bench" / domain.name

    def fill(folder: Path) -> None:
        for path in files.all():
            shutil.copyfile(path, folder / path.name)
        copy_licence(root, folder)

    replace_folder(home, fill)
    return FetchReport(source, home, found, commit)
