"""Where the program begins: ``acc --help`` answers from a table, anything else starts the program itself.

To say which commands there are takes neither the commands nor a library that draws; importing those takes several times
longer than the answer. The table (``overview.json``) is made by ``python -m tests.docs`` from the commands themselves, and
what is drawn from it is what the program itself draws; a test compares both.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the program."""
    if sys.argv[1:] in ([], ["--help"], ["-h"]) and not completing():
        sys.stdout.write(overview())
        sys.exit(0 if sys.argv[1:] else 2)
    from actorcritic_cli.cli.main import main as itself

    itself()


def completing() -> bool:
    """Whether it is the shell that asks, for what a line may go on with."""
    return any(name.startswith("_ACC_") for name in os.environ)


def overview(width: int | None = None) -> str:
    """Return the help of the program itself, for a terminal of so many columns (``None``: of this one)."""
    import json

    with open(os.path.join(os.path.dirname(__file__), "overview.json"), encoding="utf-8") as file:
        table = json.load(file)
    width = width or _columns()
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    bold, border, off = ("", "", "") if plain else ("\x1b[1;36m", "\x1b[2m", "\x1b[0m")
    lines = ["", f" Usage: {table['usage']}", ""]
    for text in table["about"]:
        lines += [*(f" {line}" for line in _wrapped(text, width - 2)), ""]
    names = max(len(name) for panel in table["panels"] for name, _ in panel["rows"])
    for number, panel in enumerate([{"title": "Options", "rows": table["options"]}, *table["panels"]]):
        lines.append(f"{border}╭─ {panel['title']} {'─' * (width - 5 - len(panel['title']))}╮{off}")
        for *left, text in panel["rows"]:
            head = f"{left[0]:<22}{left[1]:<8}{'<bool>':<8}" if number == 0 else f"{left[0]:<{names}}  "
            for place, line in enumerate(_wrapped(text, width - 4 - len(head))):
                start = f"{bold}{head}{off}" if place == 0 else " " * len(head)
                lines.append(f"{border}│{off} {start}{line:<{width - 4 - len(head)}} {border}│{off}")
        lines.append(f"{border}╰{'─' * (width - 2)}╯{off}")
    return "\n".join(line.rstrip() for line in lines) + "\n\n"


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _columns() -> int:
    named = os.environ.get("COLUMNS", "")
    if named.isdigit() and int(named):
        return int(named)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
