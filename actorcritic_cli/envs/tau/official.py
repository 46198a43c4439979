"""The official data of τ-bench: found on this machine, fetched once, checked.

They are not part of this package. ``fetch`` takes them from a folder or a git repository, checks them before anything is
replaced, and puts them into acc's data folder; ``ACC_TAU_BENCH_DIR`` points to a copy elsewhere instead.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from actorcritic_cli.envs.family import FetchReport
from actorcritic_cli.envs.fetching import copy_licence, fetched, refuse_broken, replace_folder
from actorcritic_cli.envs.tau.dataset import Files, load, locate
from actorcritic_cli.envs.tau.domain import Domain
from actorcritic_cli.envs.tau.domains import DOMAINS
from actorcritic_cli.envs.tau.findings import findings
from actorcritic_cli.envs.tau.tasks import tasks_of_source
from actorcritic_cli.errors import NotFound
from actorcritic_cli.paths import data_dir

OFFICIAL = "official"
USERS = {OFFICIAL: "users.json", "official-2024": "users-2024.json"}
"""The editions of the official data and their file of users; recordings of 2024 were made with the older one."""
VARIABLE = "ACC_TAU_BENCH_DIR"


def editions(domain: Domain) -> tuple[str, ...]:
    """Return the official data sets of a domain: the editions, and the further task lists on the newest of them."""
    return (*USERS, *(f"{OFFICIAL}-{name}" for name in domain.task_lists))


def find(domain: str) -> Path:
    """Return the folder that holds the official data of a domain. Raises ``NotFound`` with how to get them."""
    return root_of(_domain(domain), OFFICIAL)


def root_of(domain: Domain, edition: str) -> Path:
    """Return the folder that holds an edition of the official data of a domain. Raises ``NotFound``."""
    named = os.environ.get(VARIABLE)
    root = Path(named) if named else data_dir() / "envs" / "tau-bench"
    if _locate(root, domain, edition):
        return root
    fetch_it = f"acc env fetch {domain.environment} --from FOLDER"
    if edition != OFFICIAL and locate(root, domain):
        lacking = USERS.get(edition) or f"tasks_{_task_list(edition)}"
        raise NotFound(f"{root} has no {lacking} for {domain.name}; fetch data that include it: {fetch_it}.")
    if named:
        raise NotFound(
            f"{VARIABLE} is {named}, which holds no {domain.name} data; correct it, or unset it and run {fetch_it}."
        )
    raise NotFound(f"The official data of {domain.environment} are not on this machine; get them with {fetch_it}.")


def files_of(domain: Domain, edition: str) -> Files:
    """Return the files of an edition (``official``, ``official-2024``, ``official-train`` …). Raises ``NotFound``."""
    files = _locate(root_of(domain, edition), domain, edition)
    assert files is not None
    return files


def fetch(source: str, domain: str) -> FetchReport:
    """Copy a domain's official data from a folder or a git URL into acc's data folder, replacing what was there.

    Raises ``NotFound`` for a source that is not there or holds no such data, and ``AccError`` for broken data or a failed
    clone; what was there before then stays.
    """
    asked = _domain(domain)
    return fetched(source, lambda root, name, commit: _install(root, asked, name, commit))


def _domain(name: str) -> Domain:
    domain = DOMAINS.get(name.removeprefix("tau_"))
    if domain is None:
        raise NotFound(f"τ-bench has no domain {name!r} here; there are: {', '.join(DOMAINS)}.")
    return domain


def _task_list(edition: str) -> str:
    return "" if edition in USERS else edition.removeprefix(f"{OFFICIAL}-")


def _locate(root: Path, domain: Domain, edition: str) -> Files | None:
    return locate(root, domain, USERS.get(edition, USERS[OFFICIAL]), _task_list(edition))


def _install(root: Path, domain: Domain, source: str, commit: str | None) -> FetchReport:
    found = {edition: files for edition in editions(domain) if (files := _locate(root, domain, edition))}
    if OFFICIAL not in found:
        wanted = ", ".join(f"{name}.json" for name in domain.tables)
        raise NotFound(f"{source} holds no {domain.name} data ({wanted}, policy and tasks); look for another source.")
    reports = {edition: findings(domain, load(files), edition) for edition, files in found.items()}
    refuse_broken(domain.name, source, reports)
    home = data_dir() / "envs" / "tau-bench"
    replace_folder(home / domain.name, lambda folder: _copy(root, found, folder))
    return FetchReport(source, home / domain.name, reports, commit)


def _copy(root: Path, found: dict[str, Files], folder: Path) -> None:
    """Write the data in acc's own layout: the tables as they are, the tasks as JSON, the licence beside them."""
    for path in {path for files in found.values() for _, path in files.tables}:
        shutil.copyfile(path, folder / path.name)
    shutil.copyfile(found[OFFICIAL].policy, folder / "policy.md")
    for tasks in {files.tasks for files in found.values()}:
        if tasks.suffix == ".py":
            values = tasks_of_source(tasks.read_text("utf-8"))
            (folder / f"{tasks.stem}.json").write_text(json.dumps(values, indent=1), "utf-8")
        else:
            shutil.copyfile(tasks, folder / tasks.name)
    copy_licence(root, folder)
