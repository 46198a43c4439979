"""Which sessions: conditions on the record, as SQL that starts from ``sessions s``."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from actorcritic_cli.store.search import SESSIONS_MATCHING, expression
from actorcritic_cli.types import Fault

Outcome = Literal["passed", "failed", "unscored", "open"]
"""``passed`` has the whole reward, ``failed`` less, ``unscored`` has ended without one, ``open`` has not ended."""

_OUTCOMES: dict[Outcome, str] = {
    "passed": "s.reward >= 1 - 1e-6",
    "failed": "s.reward < 1 - 1e-6",
    "unscored": "s.termination IS NOT NULL AND s.reward IS NULL",
    "open": "s.termination IS NULL",
}

INTERVENED = "EXISTS (SELECT 1 FROM decisions d WHERE d.session = s.id AND d.decision <> 'accept')"


class Filter(Struct, frozen=True):
    """Conditions that all must hold; ``None`` is no condition.

    ``actor``, ``critic`` and ``rule`` match where they occur, letter case aside (``critic`` also the beginning of an
    identity); ``rule`` is looked for in the rules that critiques name; ``tool`` is the whole name of a tool that was
    proposed, accepted or not. ``since`` is Unix seconds. ``text`` is a query of ``search.expression``; bring the index up
    to date before.
    """

    env: str | None = None
    dataset: str | None = None
    run: str | None = None
    task: str | None = None
    actor: str | None = None
    critic: str | None = None
    outcome: Outcome | None = None
    fault: Fault | None = None
    intervened: bool | None = None
    tool: str | None = None
    rule: str | None = None
    since: float | None = None
    text: str | None = None

    def where(self) -> tuple[str, list[object]]:
        """Return the WHERE clause (empty without conditions) and its values. Raises ``UsageError`` for an empty query."""
        conditions: list[tuple[str, list[object]]] = [
            (f"s.{name} = ?", [value])
            for name in ("env", "dataset", "run", "task", "fault")
            if (value := getattr(self, name)) is not None
        ]
        if self.actor is not None:
            conditions.append(("instr(lower(s.actor), lower(?))", [self.actor]))
        if self.critic is not None:
            conditions.append(
                (
                    "s.critic IN (SELECT c.id FROM critics c WHERE instr(lower(c.name), lower(?)) OR instr(c.id, ?) = 1)",
                    [self.critic, self.critic],
                )
            )
        if self.outcome is not None:
            conditions.append((_OUTCOMES[self.outcome], []))
        if self.intervened is not None:
            conditions.append((INTERVENED if self.intervened else f"NOT {INTERVENED}", []))
        if self.tool is not None:
            # The column has the first call of a message; further ones stand in the message as it came.
            conditions.append(
                (
                    "s.id IN (SELECT p.session FROM proposals p WHERE p.tool = ? "
                    "OR (p.tool IS NOT NULL AND instr(p.exact, ?)))",
                    [self.tool, f'"name":"{self.tool}"'],
                )
            )
        if self.rule is not None:
            conditions.append(
                (
                    "s.id IN (SELECT v.session FROM verdicts v WHERE v.critique IS NOT NULL "
                    "AND instr(lower(json_extract(v.critique, '$.rule')), lower(?)))",
                    [self.rule],
                )
            )
        if self.since is not None:
            conditions.append(("s.created_at >= ?", [self.since]))
        if self.text is not None:
            conditions.append((f"s.id IN ({SESSIONS_MATCHING})", [expression(self.text)]))
        clause = " AND ".join(f"({condition})" for condition, _ in conditions)
        return f"WHERE {clause}" if clause else "", [value for _, values in conditions for value in values]
