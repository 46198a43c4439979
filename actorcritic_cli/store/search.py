"""Full-text search over what was said and done: words of the user, replies, calls with their arguments, results, critiques.

The index is filled when it is searched, never while sessions are recorded or imported: for every session it knows how
many events are in it, so that a search first takes in what has come since, and recording pays nothing. What is indexed is
one text for each event that says something, rejected proposals included; the row of a text is the number of its session,
shifted, plus that of its event, so that a hit leads to its session without another table. The texts themselves stay where
they are (the index is contentless); what is shown of a hit is cut from there. What a critic said afterwards of a recorded
proposal is no event and is not in it.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from msgspec import Struct

from actorcritic_cli.errors import UsageError
from actorcritic_cli.store.database import Database
from actorcritic_cli.text import printable

Progress = Callable[[int, int | None], None]
"""Told how many sessions are indexed, and how many there are to index."""

EVENT_BITS = 24
"""A session may have 2^24 events; its number takes the bits above."""

SESSIONS_MATCHING = (
    "SELECT x.session FROM search_sessions x WHERE x.number IN "
    f"(SELECT rowid >> {EVENT_BITS} FROM search WHERE search MATCH ?)"
)
"""The sessions in which something matches an expression."""

_BATCH = 2000
"""Texts that are indexed in one transaction, between which others may write."""
_CONTEXT_WORDS = 16
"""How many words of a hit are shown."""

What = Literal["user", "reply", "call", "result", "critique"]


class Said(Struct, frozen=True):
    """A text of a session: who said it, in which step and as which event."""

    seq: int
    step: int
    what: What
    text: str


class Hit(Struct, frozen=True):
    """Where a session matches: how many of its texts do, and the first of these with the words around."""

    count: int
    step: int
    what: What
    snippet: str


def expression(query: str) -> str:
    """Return a query as a person types it as an FTS5 expression.

    All words must occur in one text, in any order; what stands in double quotes must occur as it stands, and ``word*``
    matches what begins so. Punctuation separates words as it does in the texts, so that ``#W123`` or an address is
    found as typed. Raises ``UsageError`` when there is no word in it.

    >>> expression('refund "gift card" #W12* -')
    '"refund" AND "gift card" AND "#W12"*'
    """
    parts = []
    for phrase, word in re.findall(r'"([^"]*)"|([^\s"]+)', _clean(query)):
        text = phrase or word
        if any(character.isalnum() for character in text):
            parts.append('"' + text.rstrip("*") + '"' + ("*" if word.endswith("*") else ""))
    if not parts:
        raise UsageError(f"There is no word in '{printable(query)}' to search for; give some letters or digits.")
    return " AND ".join(parts)


def bring_up_to_date(database: Database, progress: Progress | None = None) -> int:
    """Index what has been recorded since the last time; return how many sessions had something new.

    Safe beside other processes that record or search, and at any interruption: what is indexed is kept.
    """
    stale = [
        row["id"]
        for row in database.rows(
            "SELECT s.id FROM sessions s LEFT JOIN search_sessions x ON x.session = s.id "
            "WHERE coalesce(x.events, 0) <= (SELECT max(seq) FROM events e WHERE e.session = s.id)"
        )
    ]
    done = 0
    while done < len(stale):
        with database.writing() as connection:
            texts = 0
            while done < len(stale) and texts < _BATCH:
                texts += _index(database, connection, stale[done])
                done += 1
        if progress is not None:
            progress(done, len(stale))
    return len(stale)


def hits(database: Database, query: str, sessions: Iterable[str]) -> dict[str, Hit]:
    """Return where each of the sessions matches a query; those that do not are missing."""
    match, wanted = expression(query), list(sessions)
    numbers = {
        row["number"]: row["session"]
        for row in database.rows(
            "SELECT number, session FROM search_sessions WHERE session IN (SELECT value FROM json_each(?))",
            (json.dumps(wanted),),
        )
    }
    found: dict[str, tuple[int, Said]] = {}
    for row in database.rows(
        f"SELECT rowid >> {EVENT_BITS} AS number, min(rowid) AS first, count(*) AS n FROM search WHERE search MATCH ? "
        "GROUP BY 1",
        (match,),
    ):
        session = numbers.get(row["number"])
        if session is not None:
            seq = row["first"] & ((1 << EVENT_BITS) - 1)
            said = next(texts_of(database, session, seq, seq), None)
            if said is not None:
                found[session] = (row["n"], said)
    snippets = _snippets(match, [said.text for _, said in found.values()])
    return {
        session: Hit(count, said.step, said.what, snippet)
        for (session, (count, said)), snippet in zip(found.items(), snippets, strict=True)
    }


def texts_of(database: Database, session: str, first: int = 0, last: int = (1 << EVENT_BITS) - 1) -> Iterator[Said]:
    """Yield what the events ``first`` to ``last`` of a session say, in no particular order."""
    span = (session, first, last)
    for row in database.rows(
        "SELECT p.seq, p.step, p.kind, m.body FROM proposals p JOIN messages m ON m.id = p.message "
        "WHERE p.session = ? AND p.seq BETWEEN ? AND ?",
        span,
    ):
        yield Said(row["seq"], row["step"], "reply" if row["kind"] == "reply" else "call", _spoken(row["body"]))
    for row in database.rows(
        "SELECT t.observed_seq AS seq, t.step, t.observations, m.parent, m.role, m.body FROM steps t "
        "JOIN messages m ON m.id = t.observation WHERE t.session = ? AND t.observed_seq BETWEEN ? AND ?",
        span,
    ):
        texts = [_spoken(row["body"])]
        parent = row["parent"]
        for _ in range(row["observations"] - 1):
            before = database.row("SELECT parent, body FROM messages WHERE id = ?", (parent,))
            assert before is not None  # a foreign key
            texts.insert(0, _spoken(before["body"]))
            parent = before["parent"]
        yield Said(row["seq"], row["step"], "result" if row["role"] == "tool" else "user", "\n".join(texts))
    for row in database.rows(
        "SELECT v.seq, p.step, v.critique FROM verdicts v JOIN proposals p ON p.id = v.proposal "
        "WHERE v.session = ? AND v.seq BETWEEN ? AND ? AND v.critique IS NOT NULL",
        span,
    ):
        yield Said(row["seq"], row["step"], "critique", _critique(row["critique"]))
    for row in database.rows(
        "SELECT d.seq, p.step, d.critique FROM decisions d JOIN proposals p ON p.id = d.proposal "
        "WHERE d.session = ? AND d.seq BETWEEN ? AND ? AND d.decision <> 'accept' AND d.critique IS NOT NULL "
        "AND json_extract(d.critique, '$.by') <> 'critic'",  # the critic's is in its verdict
        span,
    ):
        yield Said(row["seq"], row["step"], "critique", _critique(row["critique"]))


def _index(database: Database, connection: sqlite3.Connection, session: str) -> int:
    """Index the new events of one session; return how many texts they had."""
    last = connection.execute("SELECT max(seq) FROM events WHERE session = ?", (session,)).fetchone()[0]
    known = connection.execute("SELECT number, events FROM search_sessions WHERE session = ?", (session,)).fetchone()
    if last is None or (known is not None and known["events"] > last):
        return 0  # gone, or indexed by another process meanwhile
    if known is None:
        cursor = connection.execute("INSERT INTO search_sessions (session, events) VALUES (?, 0)", (session,))
        assert cursor.lastrowid is not None
        number, first = cursor.lastrowid, 0
    else:
        number, first = known["number"], known["events"]
    rows = [
        (number << EVENT_BITS | said.seq, said.text) for said in texts_of(database, session, first, last) if said.text
    ]
    connection.executemany("INSERT INTO search (rowid, text) VALUES (?, ?)", sorted(rows))
    connection.execute("UPDATE search_sessions SET events = ? WHERE number = ?", (last + 1, number))
    return len(rows)


def _spoken(body: str) -> str:
    """Return a stored message as text to be searched."""
    message: dict[str, Any] = json.loads(body)
    parts = [message["content"] or ""]
    if message["role"] == "tool" and "\\u" in parts[0]:
        parts[0] = _unescaped(parts[0])
    for call in message.get("tool_calls", ()):
        arguments = call.get("arguments_text") or json.dumps(call.get("arguments"), ensure_ascii=False)
        parts.append(f"{call['name']} {arguments}")
    return _clean("\n".join(part for part in parts if part))


def _unescaped(text: str) -> str:
    """Return a result that is JSON with its letters as they are read; results of the benchmarks' tools escape them."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _critique(critique: str) -> str:
    said = json.loads(critique)
    parts = [said.get("text", "")]
    parts += [said[name] for name in ("rule", "wrong", "right") if said.get(name) and said[name] not in parts[0]]
    return _clean("\n".join(parts))


def _clean(text: str) -> str:
    """Return a text that can be stored and shown; terminal escapes must not split its words."""
    if text.isprintable():
        return text
    return printable(text).encode("utf-8", "replace").decode()


def _snippets(match: str, texts: list[str]) -> list[str]:
    """Return the words around the first match of each text, found by the very index that found the text."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE VIRTUAL TABLE hit USING fts5(text, tokenize = 'unicode61 remove_diacritics 2')")
        connection.executemany("INSERT INTO hit (rowid, text) VALUES (?, ?)", enumerate(texts))
        cut = dict(
            connection.execute(
                f"SELECT rowid, snippet(hit, 0, '', '', '…', {_CONTEXT_WORDS}) FROM hit WHERE hit MATCH ?", (match,)
            )
        )
    connection.close()
    return [" ".join(cut.get(number, text[:100]).split()) for number, text in enumerate(texts)]
