"""Statistics on the screen: one block a group, or a table for each ``--by``. Everything fits 80 columns where it
can."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from actorcritic_cli.analysis.gates import Ruling
from actorcritic_cli.analysis.report import Entry
from actorcritic_cli.show.console import print_rows, stdout
from actorcritic_cli.show.stats_lines import Line, heading, sections
from actorcritic_cli.show.stats_tables import OF_GROUP, Table, by_actor, columns
from actorcritic_cli.text import printable

_STYLES = {"NOT MET": "bold red", "met": "green", "SIMULATED": "yellow"}


def print_report(entries: Sequence[Entry], rulings: Sequence[Ruling], by: Sequence[str] = ()) -> None:
    """Print a block for every group; with ``by`` its tables instead, and what became of the gates."""
    console = stdout()
    tables = [name for name in by if name != "run"]
    if "actor" in tables:
        _table(console, by_actor(entries))
    for number, entry in enumerate(entries):
        own = [ruling for ruling in rulings if ruling.group == entry.measures.group]
        shown = [name for name in tables if name != "actor"]
        if tables and not shown and not own:
            continue
        if number or "actor" in tables:
            console.print()
        for line in heading(entry.measures.group):
            console.print(Text(printable(line), "bold"), soft_wrap=not console.is_terminal)
        for name in shown:
            _table(console, OF_GROUP[name](entry))
        _blocks(console, entry, own, only_gates=bool(tables))


def _blocks(console: Console, entry: Entry, rulings: Iterable[Ruling], *, only_gates: bool) -> None:
    for section in sections(entry, rulings):
        if only_gates and section.title != "Gates":
            continue
        if section.title:
            console.print(Text(printable(section.title), "bold"), soft_wrap=not console.is_terminal)
        for line in section.lines:
            console.print(_text(line), soft_wrap=not console.is_terminal)


def _text(line: Line) -> Text:
    style = _STYLES.get(line.name, "")
    name = f"  {line.name:<15}"
    rest = f"{line.value:>8}  {line.interval:<16}  {line.words}" if line.value else line.words
    return Text.assemble((name, style), printable(rest).rstrip())


def _table(console: Console, table: Table) -> None:
    if table.rows:
        print_rows(console, table.headers, table.rows, right=columns(table))
    if table.note:
        console.print(Text(printable(table.note), "dim"), soft_wrap=not console.is_terminal)
