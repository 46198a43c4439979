"""The examination behind ``acc doctor``: one finding a thing, each with its remedy."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct

from actorcritic_cli import __version__
from actorcritic_cli.errors import AccError
from actorcritic_cli.paths import data_dir, database_path

_MALICIOUS = {"litellm": ("1.82.7", "1.82.8")}
_LOW_DISK = 1 << 30


class Finding(Struct, frozen=True):
    """One thing looked at. ``note`` deserves attention; ``problem`` prevents a session."""

    level: Literal["ok", "note", "problem"]
    what: str
    text: str


def examine(database: Path | None = None, critic: str | None = None) -> list[Finding]:
    """Look at everything a session needs; nothing is changed but for an upgrade of the database's schema."""
    return [
        Finding("ok", "acc", f"{__version__}, Python {platform.python_version()} at {sys.prefix}"),
        *_libraries(),
        *_places(database),
        *_environments(),
        *_keys(),
        *_cores(),
        _builtin(),
        *(_critic(critic) if critic is not None else ()),
    ]


def _libraries() -> Iterator[Finding]:
    for name in ("litellm", "llama-cpp-python", "sqlite-utils", "gguf", "tokenizers"):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding("problem", name, "not installed; install acc again")
            continue
        if version in _MALICIOUS.get(name, ()):
            yield Finding("problem", name, f"{version} is a malicious release: remove it now and change your API keys")
        else:
            yield Finding("ok", name, version)
    try:
        import llama_cpp

        system = llama_cpp.llama_print_system_info().decode()
        gpu = "with GPU support" if llama_cpp.llama_supports_gpu_offload() else "CPU only"
        yield Finding("ok", "llama.cpp", f"{gpu}; {' '.join(system.split())}")
    except Exception as error:  # a broken shared library can fail in any way
        yield Finding("problem", "llama.cpp", f"cannot be loaded ({error}); build llama-cpp-python again")


def _places(database: Path | None) -> Iterator[Finding]:
    from actorcritic_cli.store.database import open_database

    path = database_path(database)
    try:
        folder = data_dir()
        free = shutil.disk_usage(folder).free
        level: Literal["ok", "note"] = "ok" if free > _LOW_DISK else "note"
        yield Finding(level, "data folder", f"{folder}, {free / 1e9:.1f} GB free")
        if not path.exists():
            yield Finding("ok", "database", f"{path} (not there yet; the first session makes it)")
            return
        with open_database(path, create=False) as opened:
            sessions = opened.rows("SELECT count(*) FROM sessions")[0][0]
            check = opened.rows("PRAGMA quick_check")[0][0]
        if check == "ok":
            yield Finding("ok", "database", f"{path}, {sessions} sessions")
        else:
            yield Finding("problem", "database", f"{path} is damaged ({check}); restore a backup")
    except AccError as error:
        yield Finding("problem", "database", str(error))


def _environments() -> Iterator[Finding]:
    from actorcritic_cli.envs import registry

    for d in registry.describe():
        text = f"{d.dataset}: {d.tasks} tasks" if d.available else f"{d.dataset}: {d.why}"
        yield Finding("ok" if d.available else "note", d.name, text)


def _keys() -> Iterator[Finding]:
    from actorcritic_cli.providers.aliases import model_rows

    ready = sorted({row.provider for row in model_rows() if row.key_set})
    if ready:
        yield Finding("ok", "API keys", f"set for {', '.join(ready)}")
    else:
        yield Finding("note", "API keys", "none is set; acc models says which variable each model needs")


def _cores() -> Iterator[Finding]:
    from actorcritic_cli.critics.cpu import threads

    yield Finding("ok", "cores", f"{threads()} for the critic")


def _builtin() -> Finding:
    from actorcritic_cli.critics import builtin
    from actorcritic_cli.critics.gguf_info import inspect
    from actorcritic_cli.critics.styles import known_policies

    if not builtin.is_there():
        return Finding(
            "note", "built-in critic", "missing: sessions without --critic are not supervised; install acc again"
        )
    found = inspect(builtin.builtin_file())
    if not found.usable:
        return Finding("problem", "built-in critic", found.why_not or "cannot be used; install acc again")
    names = ", ".join(sorted(set(known_policies(found.acc).values())))
    return Finding("ok", "built-in critic", f"{found.size / 1e6:.1f} MB, {found.quantisation}, knows {names}")


def _critic(name: str) -> Iterator[Finding]:
    from actorcritic_cli.critics.gguf_info import inspect
    from actorcritic_cli.critics.models import file_of

    try:
        path = file_of(name)
    except AccError as error:
        yield Finding("problem", "critic", str(error))
        return
    found = inspect(path)
    if not found.usable:
        yield Finding("problem", "critic", f"{path}: {found.why_not}")
        return
    for warning in found.warnings:
        yield Finding("note", "critic", warning)
    from actorcritic_cli.critics.client import LlamaCritic

    critic = LlamaCritic(path)
    try:
        critic.start()
        yield Finding("ok", "critic", f"{found.name} loads and is ready to judge")
    except AccError as error:
        yield Finding("problem", "critic", str(error))
    finally:
        critic.close()
