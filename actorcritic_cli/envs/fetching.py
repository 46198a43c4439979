"""Getting official data once: from a folder or a git repository, into acc's data folder, all or nothing.

Benchmarks are not part of this package. What a family has to say is which files it needs and whether they hang together;
where they come from, and how the old ones give way to the new ones, is the same for all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from actorcritic_cli.envs.family import FetchReport, Finding
from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.text import redact

CLONE_SECONDS = 300

Install = Callable[[Path, str, str | None], FetchReport]
"""Takes what it needs from a folder; told also what to call the source, and its commit if it is a repository."""


def fetched(source: str, install: Install) -> FetchReport:
    """Have data installed from a folder or a git URL (cloned to a scratch folder first).

    Raises ``NotFound`` for a source that is not there, ``AccError`` for a failed clone, and what ``install`` raises.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        return install(folder, source, None)
    if "://" not in source and not source.startswith("git@"):
        raise NotFound(f"There is no folder {source}; give a folder with the data or the URL of a git repository.")
    with tempfile.TemporaryDirectory(prefix="acc-fetch-") as scratch:
        checkout = Path(scratch) / "checkout"
        _git("clone", "--quiet", "--depth", "1", "--", source, str(checkout), source=source)
        commit = _git("-C", str(checkout), "rev-parse", "HEAD", source=source).strip()
        return install(checkout, _public(source), commit)


def refuse_broken(what: str, source: str, found: Mapping[str, Sequence[Finding]]) -> None:
    """Raise ``AccError`` when there is a problem among the findings of any data set; ``what`` names the data."""
    broken = [finding.text for report in found.values() for finding in report if finding.level == "problem"]
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise AccError(f"The {what} data of {source} do not hang together: {broken[0]}{more}; nothing was changed.")


def replace_folder(target: Path, fill: Callable[[Path], None]) -> None:
    """Put a new folder, written by ``fill``, in the place of ``target``; on failure the old one is back."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        new.mkdir()
        fill(new)
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise


def copy_licence(root: Path, folder: Path) -> None:
    """Copy the licence of a benchmark from its folder, or the one above, beside the data."""
    for licence in (root / "LICENSE", root.parent / "LICENSE"):
        if licence.is_file():
            shutil.copyfile(licence, folder / "LICENSE")
            return


def _git(*arguments: str, source: str) -> str:
    """Run git without questions and with ordinary protocols only; ``source`` is for the message."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file"}
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, timeout=CLONE_SECONDS, env=environment, check=False
        )
    except FileNotFoundError as error:
        raise AccError("git is not installed; install it, or download the repository and give its folder.") from error
    except subprocess.TimeoutExpired as error:
        raise AccError(f"Cloning {_public(source)} took more than {CLONE_SECONDS} s; give a folder instead.") from error
    if done.returncode != 0:
        lines = redact(done.stderr.replace(source, _public(source))).strip().splitlines()
        said = lines[-1] if lines else f"exit code {done.returncode}"
        raise AccError(f"Cannot clone {_public(source)} ({said}); check the URL and the network, or give a folder.")
    return done.stdout


def _public(source: str) -> str:
    """Return a URL without the user name and password in it."""
    scheme, mark, rest = source.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else source
