"""Reads what became of the turns in which supervision stepped in, and of each tool's proposals."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from actorcritic_cli.store.database import Database

REPLY = "(reply)"
"""Stands where a tool's name would, for a proposal that is a reply."""
MALFORMED = "(malformed)"
UNNAMED = "(no rule named)"


class Turns(Struct, frozen=True):
    """Turns of a group of sessions with an intervention that have this in common."""

    group: int
    rule: str
    """The rule that the first objection of the turn names."""
    tool: str
    """The tool whose call it objects to."""
    became: str
    """How the turn ended: revised, exhausted, handed over, stopped, overruled; ``open`` if the session ended before."""
    passed: bool | None
    """Whether the session succeeded; ``None`` where it was not scored."""
    count: int


class Tool(Struct, frozen=True):
    """One tool's proposals in a group of sessions."""

    group: int
    tool: str
    proposals: int
    """Made by the actor."""
    failed: int
    """Accepted calls that the environment refused."""
    judged: int
    """Proposals with a verdict given while the session was held."""
    objections: int
    right: int
    """Labelled ``approve``, by the source asked for."""
    wrong: int
    """Labelled ``revise``."""
    first_wrong: int
    """Sessions whose first proposal that is labelled ``revise`` is of this tool."""


def intervened_turns(database: Database) -> list[Turns]:
    """Return what became of the turns with an intervention, of the sessions in the table ``chosen``.

    A turn counts once, under the tool and the rule of its first objection.
    """
    rows = database.rows(
        "WITH turns AS (SELECT c.grp, c.score, d.session, p.step, min(d.seq) AS first, "
        " max(d.decision = 'stop') AS stopped, max(d.escalate_to IS 'handoff') AS handed, "
        " max(d.escalate_to IS 'best') AS best FROM chosen c "
        " CROSS JOIN decisions d ON d.session = c.session CROSS JOIN proposals p ON p.id = d.proposal "
        " WHERE d.decision <> 'accept' GROUP BY d.session, p.step) "
        "SELECT t.grp, CASE WHEN p.problem IS NOT NULL THEN ? ELSE "
        " coalesce(nullif(trim(json_extract(d.critique, '$.rule')), ''), ?) END AS rule, "
        "CASE WHEN p.kind = 'reply' THEN ? ELSE p.tool END AS tool, "
        "CASE WHEN t.stopped THEN 'stopped' WHEN t.handed THEN 'handed over' WHEN EXISTS (SELECT 1 FROM decisions o "
        "  JOIN proposals q ON q.id = o.proposal WHERE o.session = t.session AND q.step = t.step "
        "  AND o.decided_by = 'person' AND o.decision = 'accept') THEN 'overruled' "
        " WHEN t.best THEN 'exhausted' WHEN EXISTS (SELECT 1 FROM steps s WHERE s.session = t.session AND s.step = t.step "
        "  AND s.acted_seq IS NOT NULL) THEN 'revised' ELSE 'open' END AS became, t.score, count(*) AS n "
        "FROM turns t JOIN decisions d ON d.session = t.session AND d.seq = t.first JOIN proposals p ON p.id = d.proposal "
        "GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5",
        (MALFORMED, UNNAMED, REPLY),
    )
    return [
        Turns(r["grp"], r["rule"], r["tool"], r["became"], None if r["score"] is None else bool(r["score"]), r["n"])
        for r in rows
    ]


def tool_counts(database: Database, labels: Mapping[int, str]) -> list[Tool]:
    """Return the proposals of each tool, of the sessions in the table ``chosen``.

    ``labels`` names the source of labels that counts in each group; of other groups no label counts.
    """
    chosen = ", ".join(f"({int(group)}, '{source}')" for group, source in labels.items()) or "(NULL, NULL)"
    rows = database.rows(
        f"WITH source(grp, name) AS (VALUES {chosen}), "
        "of_tool AS (SELECT c.grp, c.session, p.id, p.seq, p.step, p.attempt, p.kind, "
        " CASE WHEN p.kind = 'reply' THEN ? ELSE p.tool END AS tool "
        " FROM chosen c CROSS JOIN proposals p ON p.session = c.session WHERE p.author = 'actor'), "
        "labelled AS (SELECT o.grp, o.tool, o.id, o.session, o.seq, l.label, "
        " l.label = 'revise' AND o.seq = min(CASE WHEN l.label = 'revise' THEN o.seq END) "
        "  OVER (PARTITION BY o.session) AS first "
        " FROM of_tool o JOIN source s ON s.grp = o.grp JOIN newest_labels l ON l.proposal = o.id AND l.source = s.name) "
        "SELECT o.grp, o.tool, count(*) AS proposals, "
        "count(CASE WHEN o.kind = 'tool_call' AND t.attempt = o.attempt THEN nullif(t.error, 0) END) AS failed, "
        "count(v.id) AS judged, count(CASE WHEN v.kind = 'revise' THEN 1 END) AS objections, "
        "count(CASE WHEN l.label = 'approve' THEN 1 END) AS right, count(CASE WHEN l.label = 'revise' THEN 1 END) AS wrong, "
        "total(l.first) AS first_wrong FROM of_tool o "
        "LEFT JOIN steps t ON t.session = o.session AND t.step = o.step "
        "LEFT JOIN verdicts v ON v.proposal = o.id AND v.live = 1 LEFT JOIN labelled l ON l.id = o.id "
        "GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2",
        (REPLY,),
    )
    return [
        Tool(
            r["grp"], r["tool"], r["proposals"], r["failed"], r["judged"], r["objections"], r["right"], r["wrong"],
            int(r["first_wrong"]),
        )
        for r in rows
    ]  # fmt: skip
