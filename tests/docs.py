"""What is written about acc, made from acc itself: README examples and shell completions.

``python -m tests.docs`` rewrites them; ``tests/test_docs.py`` fails when they are not what acc prints today. A README
block marked ``console`` is executed: its lines that begin with ``$ `` run one after another in a fresh data folder, and
what stands below each is what it printed (stdout and stderr as at a terminal). Ids, durations and paths differ from run
to run and are not compared. A block below the mark ``<!-- trained -->`` needs ``acc[train]`` and runs in an empty folder; of
its numbers, which other machines and libraries make differently, only the form is compared. Without ``acc[train]`` it is
left as it is.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MISSING = [name for name in ("torch", "transformers", "peft", "safetensors") if find_spec(name) is None]
SHELLS = {"bash": "acc.bash", "zsh": "_acc", "fish": "acc.fish"}
_BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
_TRAINED = re.compile(r"(<!-- trained -->\n```console\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)

_VARYING = (
    (re.compile(r"\b[a-hjkmnp-z2-9]{9}\b(?=[\s;:,)]|$)"), lambda m: "ID" if re.search(r"\d", m[0]) else m[0]),
    (re.compile(r"\brun-[a-hjkmnp-z2-9]{6}\b"), lambda m: "RUN"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), lambda m: "HASH"),
    (re.compile(r"\d+(?:\.\d+)? ?(?:ms|s|GB)\b"), lambda m: "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?"), lambda m: "WHEN"),
    (re.compile(r"(p_revise|threshold) 0\.\d+"), lambda m: f"{m[1]} P"),
    (re.compile(r"[─━]{3,}"), lambda m: "───"),
    (re.compile(r"(?<=\s)/\S+"), lambda m: "PATH"),
    (re.compile(r"[ \t]+"), lambda m: " "),
)


def environment(home: Path) -> dict[str, str]:
    """Return the environment in which examples run: their own data folder, no colour, 110 columns."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ACC_") and not k.endswith("_API_KEY")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, "PATH": path, "ACC_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "110"}


def executed(block: str, home: Path, place: Path = ROOT) -> str:
    """Run the commands of a block in a folder; return it with what they printed now."""
    lines: list[str] = []
    for line in block.splitlines():
        if not line.startswith("$ "):
            continue
        lines.append(line)
        done = subprocess.run(
            ["bash", "-c", line[2:]],
            cwd=place,
            env={
                **environment(home),
                "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        printed = [out.rstrip() for out in done.stdout.splitlines()]
        while printed and not printed[-1]:
            printed.pop()
        while printed and not printed[0]:
            printed.pop(0)
        lines += [out.replace(f"{ROOT}/", "").replace(str(home), "~/.local/share/acc") for out in printed]
    return "\n".join(lines) + "\n"


def readme_now() -> str:
    """Return the README with every console block executed anew, but for those that train."""
    text = README.read_text("utf-8")
    trained = [match.span(2) for match in _TRAINED.finditer(text)]
    with tempfile.TemporaryDirectory() as home:
        return _BLOCK.sub(lambda match: match[0] if match.span() in trained else executed(match[0], Path(home)), text)


def trained_now(text: str) -> str:
    """Return the README with the blocks that train executed anew, in a folder that they share."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as place:
        return _TRAINED.sub(lambda match: match[1] + executed(match[2], Path(home), Path(place)), text)


def trained_blocks(text: str) -> str:
    """Return the blocks that train, with their numbers and the space around them made equal."""
    blocks = "".join(match[2] for match in _TRAINED.finditer(text))
    # What is too few to tell, which epoch is the best one and what is found may differ with the weights.
    plain = re.sub(r" \[[^\]]*\]| \(too few\)| \*", "", comparable(blocks))
    plain = re.sub(r"too few to tell|no effect shown|better$|WORSE$", "FINDING", plain, flags=re.MULTILINE)
    return re.sub(r"[ \t]+", " ", re.sub(r"[\d.,]*\d|–", "N", plain))


def comparable(text: str) -> str:
    """Return a text without what differs from run to run."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text


def completions() -> Iterator[tuple[Path, str]]:
    """Yield the completion file of each shell and what it should hold."""
    for shell, name in SHELLS.items():
        done = subprocess.run(
            [sys.executable, "-m", "actorcritic_cli"],
            env={**os.environ, "_ACC_COMPLETE": f"source_{shell}"},
            capture_output=True,
            text=True,
            check=True,
        )
        yield ROOT / "completions" / name, done.stdout.rstrip() + "\n"


def overview() -> tuple[Path, str]:
    """Return the table that ``acc --help`` answers from, and what it should hold."""
    from typer.main import get_command

    from actorcritic_cli.cli.main import program

    app = program()
    group: Any = get_command(app)
    panels: dict[str, list[list[str]]] = {}
    for name, command in group.commands.items():
        about = (command.help or "").split("\n\n")[0].replace("\n", " ")
        panels.setdefault(command.rich_help_panel, []).append([name, about])
    context = group.make_context("acc", [], resilient_parsing=True, **app.info.context_settings)
    options = [
        [max(parameter.opts, key=len), min([o for o in parameter.opts if len(o) == 2] or [""]), parameter.help]
        for parameter in group.get_params(context)
    ]
    table = {
        "usage": "acc [OPTIONS] COMMAND [ARGS]...",
        "about": [" ".join(part.split()) for part in group.help.split("\n\n")],
        "options": options,
        "panels": [{"title": title, "rows": rows} for title, rows in panels.items()],
    }
    return (
        ROOT / "actorcritic_cli" / "cli" / "overview.json",
        json.dumps(table, indent=1, ensure_ascii=False) + "\n",
    )


def main() -> None:
    """Rewrite the README's examples, the completions and the table of commands."""
    for path, text in completions():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    path, text = overview()
    path.write_text(text, "utf-8")
    text = readme_now()
    README.write_text(trained_now(text) if not MISSING else text, "utf-8")


if __name__ == "__main__":
    main()
