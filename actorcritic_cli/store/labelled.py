"""Reads verdicts beside labels: what a critic said of proposals of which the truth is known.

Verdicts given while the session was held and those given afterwards (``acc replay --critic``) are kept apart, and so
are the sources of labels. Of several labels of one source on a proposal the newest counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from actorcritic_cli.store.database import Database
from actorcritic_cli.store.selection import critic_name
from actorcritic_cli.types import VerdictKind


class Judge(Struct, frozen=True, order=True):
    """Whose verdicts are measured against which labels, in which group of sessions."""

    group: int
    """The group's number in the table ``chosen``."""
    live: bool
    critic: str
    """Name and beginning of the identity."""
    labels: str
    """Their source: oracle, human, ground_truth or outcome."""


class Labelled(Struct, frozen=True):
    """One proposal that was judged and is labelled."""

    task: str
    kind: VerdictKind
    p_revise: float | None
    wrong: bool
    """Whether the label says that it should have been revised."""


def labelled_verdicts(database: Database) -> dict[Judge, list[Labelled]]:
    """Return the labelled verdicts of the sessions in the table ``chosen``, by judge, in the order of the record."""
    found: dict[Judge, list[Labelled]] = {}
    names: dict[tuple[int, int, str, str], list[Labelled]] = {}
    for group, task, live, critic, name, kind, p_revise, source, label in _rows(database):
        key = (group, live, critic, source)
        held = names.get(key)
        if held is None:
            judge = Judge(group, bool(live), critic_name(name, critic), source)
            held = names[key] = found.setdefault(judge, [])
        held.append(Labelled(task, kind, p_revise, label == "revise"))
    return dict(sorted(found.items()))


def label_sources(database: Database, wanted: str | None = None) -> dict[int, str]:
    """Return group → the source of labels that covers most of its proposals, or the one wanted."""
    if wanted is not None:
        return {row["grp"]: wanted for row in database.rows("SELECT DISTINCT grp FROM chosen")}
    rows = database.rows(
        "SELECT c.grp, l.source, count(DISTINCT l.proposal) AS n FROM labels l JOIN proposals p ON p.id = l.proposal "
        "JOIN chosen c ON c.session = p.session GROUP BY 1, 2 ORDER BY n, l.source DESC"
    )
    return {row["grp"]: row["source"] for row in rows}


def _rows(database: Database) -> Iterator[tuple[int, str, int, str, str | None, VerdictKind, float | None, str, str]]:
    if database.row("SELECT 1 FROM labels LIMIT 1") is None:
        return
    columns = "c.grp, c.task, v.live, v.critic, k.name, v.kind, v.p_revise, l.source, l.label"
    labels = "CROSS JOIN newest_labels l ON l.proposal = v.proposal LEFT JOIN critics k ON k.id = v.critic"
    yield from database.tuples(
        f"SELECT {columns} FROM chosen c CROSS JOIN verdicts v ON v.session = c.session AND v.live = 1 "
        f"AND v.seq IS NOT NULL {labels} UNION ALL "
        f"SELECT {columns} FROM verdicts v INDEXED BY rejudged_verdicts CROSS JOIN chosen c ON c.session = v.session "
        f"{labels} WHERE v.live = 0"
    )
