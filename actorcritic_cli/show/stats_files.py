"""Statistics for machines that build and test: Markdown for a summary page, JUnit XML for a list of what passed.

The XML is what Jenkins, GitLab and GitHub's report actions read in common: ``testsuites``, ``testsuite``, ``testcase``
and ``failure`` (https://github.com/testmoapp/junitxml). A group of sessions is a suite; each gate on it is a case, and
a group without a gate has one case that says what was measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree

from actorcritic_cli.analysis.gates import Ruling
from actorcritic_cli.analysis.report import Entry
from actorcritic_cli.errors import AccError
from actorcritic_cli.show.stats_lines import Section, heading, sections
from actorcritic_cli.show.stats_tables import OF_GROUP, Table, by_actor
from actorcritic_cli.text import printable


def markdown(entries: Sequence[Entry], rulings: Sequence[Ruling], by: Sequence[str] = ()) -> str:
    """Return a page of Markdown: the verdict, then every group with its measures and the tables asked for."""
    parts = [_verdict(rulings)] if rulings else []
    if "actor" in by:
        parts.append(_table(by_actor(entries)))
    for entry in entries:
        first, second = heading(entry.measures.group)
        own = [ruling for ruling in rulings if ruling.group == entry.measures.group]
        parts.append(f"### {_cell(first)}\n\n{_cell(second)}")
        parts += [_section(section) for section in sections(entry, own)]
        parts += [_table(OF_GROUP[name](entry)) for name in by if name in OF_GROUP]
    return "\n\n".join(filter(None, parts)) + "\n"


def _verdict(rulings: Sequence[Ruling]) -> str:
    missed = sum(not ruling.met for ruling in rulings)
    if not missed:
        return (
            f"## acc stats: all {len(rulings)} gates are met" if len(rulings) > 1 else "## acc stats: the gate is met"
        )
    return f"## acc stats: {missed} of {len(rulings)} gates NOT met"


def _section(section: Section) -> str:
    if section.title == "Gates":
        gates = [(f"**{line.name}**" if line.name != "met" else line.name, line.words) for line in section.lines]
        return _rows(("gate", ""), gates)
    rows = [(line.name, line.value, line.interval, line.words) for line in section.lines]
    return _rows((section.title or "measure", "value", "95 % interval", ""), rows)


def _table(table: Table) -> str:
    if not table.rows:
        return table.note
    note = f"\n\n{_cell(table.note)}" if table.note else ""
    return _rows(table.headers, table.rows, right=range(table.left, len(table.headers))) + note


def _rows(headers: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    flush = set(right)
    rule = ["---:" if place in flush else "---" for place in range(len(headers))]
    return "\n".join(_line(cells) for cells in (headers, rule, *rows))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell if cell.startswith(('---', '**')) else _cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """Return text that means nothing to Markdown and HTML."""
    plain = " ".join(printable(text).split())
    for sign in "\\`*_[]<>|":
        plain = plain.replace(sign, f"\\{sign}" if sign != "<" else "&lt;")
    return plain


def junit(entries: Sequence[Entry], rulings: Sequence[Ruling]) -> str:
    """Return the report as JUnit XML."""
    suites = ElementTree.Element("testsuites", {"name": "acc stats"})
    for entry in entries:
        own = [ruling for ruling in rulings if ruling.group == entry.measures.group]
        name = _plain(" · ".join(heading(entry.measures.group)))
        suite = ElementTree.SubElement(suites, "testsuite", {"name": name})
        for ruling in own:
            case = _case(suite, name, ruling.demand.words())
            if not ruling.met:
                failure = ElementTree.SubElement(
                    case, "failure", {"type": "gate", "message": _plain(ruling.sentence())}
                )
                failure.text = "\n".join(_lines(entry))
        if not own:
            ElementTree.SubElement(_case(suite, name, "measured"), "system-out").text = "\n".join(_lines(entry))
        _count(suite, len(own) or 1, sum(not ruling.met for ruling in own))
    count, failed = (sum(int(suite.get(name, "0")) for suite in suites) for name in ("tests", "failures"))
    _count(suites, count, failed)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def write_junit(path: Path, entries: Sequence[Entry], rulings: Sequence[Ruling]) -> None:
    """Write the report as a file of JUnit XML. Raises ``AccError`` when that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(junit(entries, rulings), "utf-8")
    except OSError as error:
        raise AccError(f"Cannot write {path} ({error.strerror}); name another file with --junit.") from error


def _case(suite: ElementTree.Element, group: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", {"classname": group, "name": name, "time": "0"})


def _count(element: ElementTree.Element, tests: int, failures: int) -> None:
    for name, value in (("tests", tests), ("failures", failures), ("errors", 0), ("skipped", 0), ("time", 0)):
        element.set(name, str(value))


def _lines(entry: Entry) -> Iterator[str]:
    for section in sections(entry):
        for line in section.lines:
            yield _plain(" ".join(filter(None, (line.name, line.value, line.interval, line.words))))


def _plain(text: str) -> str:
    """Return text without what XML 1.0 cannot hold."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", printable(text))
