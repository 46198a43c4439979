"""Reads pairs: the sessions in the table ``chosen`` beside those of a baseline run on the same tasks and trials."""

from __future__ import annotations

from msgspec import Struct

from actorcritic_cli.store.database import Database
from actorcritic_cli.store.selection import succeeded

_SPENT = """CREATE TEMP TABLE spent AS SELECT s.session,
    (SELECT CASE WHEN count(*) AND count(*) = count(m.input_tokens + m.output_tokens)
            THEN sum(m.input_tokens + m.output_tokens) END
     FROM model_calls m WHERE m.session = s.session AND m.party IN ('actor', 'critic')) AS tokens,
    (SELECT CASE WHEN count(*) AND count(*) = count(m.cost) THEN sum(m.cost) END
     FROM model_calls m WHERE m.session = s.session AND m.party IN ('actor', 'critic')) AS cost,
    (SELECT sum(m.latency) FROM model_calls m WHERE m.session = s.session AND m.party = 'actor')
     + (SELECT total(v.latency) FROM verdicts v
        WHERE v.session = s.session AND v.live = 1 AND v.seq IS NOT NULL)
     + (SELECT total(o.latency) FROM choices o WHERE o.session = s.session) AS seconds
    FROM (SELECT session FROM chosen WHERE NOT free UNION SELECT session FROM base) s"""


class PairCounts(Struct, frozen=True):
    """The pairs of one group and task. The three ``added`` are sums over the pairs of which both sides are known."""

    group: int
    task: str
    pairs: int
    same_seed: int
    unscored: int
    both: int
    mended: int
    broken: int
    neither: int
    seconds_known: int
    seconds_added: float
    tokens_known: int
    tokens_added: float
    cost_known: int
    cost_added: float


def pair_counts(database: Database, baseline: str) -> list[PairCounts]:
    """Return how the chosen sessions and those of the baseline differ, by group and task.

    A pair has environment, data set, task and trial in common. Seconds are those of the actor's calls and of the
    critic's verdicts, tokens and dollars those of actor and critic; a session without a known figure enters no sum of
    it.
    """
    database.rows("DROP TABLE IF EXISTS temp.base")
    database.rows("DROP TABLE IF EXISTS temp.spent")
    database.rows(
        "CREATE TEMP TABLE base AS SELECT s.id AS session, s.env, s.dataset, s.task, s.trial, "
        f"json_extract(s.spec, '$.seed') AS seed, {succeeded('s')} AS score FROM sessions s "
        "WHERE s.run = ? AND s.termination IS NOT NULL AND s.task IS NOT NULL",
        (baseline,),
    )
    database.rows("CREATE INDEX temp.base_by_task ON base(task, trial, env, dataset)")
    database.rows(_SPENT)
    database.rows("CREATE UNIQUE INDEX temp.spent_by_session ON spent(session)")
    added = ", ".join(
        f"count(x.{what} - y.{what}) AS {what}_known, total(x.{what} - y.{what}) AS {what}_added"
        for what in ("seconds", "tokens", "cost")
    )
    rows = database.rows(
        "SELECT c.grp, c.task, count(*) AS pairs, total(c.seed IS b.seed) AS same_seed, "
        "total(c.score IS NULL OR b.score IS NULL) AS unscored, total(c.score AND b.score) AS both, "
        "total(c.score AND NOT b.score) AS mended, total(NOT c.score AND b.score) AS broken, "
        f"total(NOT c.score AND NOT b.score) AS neither, {added} FROM chosen c JOIN sessions s ON s.id = c.session "
        "JOIN base b ON b.env = s.env AND b.dataset = s.dataset AND b.task = c.task AND b.trial = c.trial "
        "LEFT JOIN spent x ON x.session = c.session LEFT JOIN spent y ON y.session = b.session "
        "WHERE NOT c.free GROUP BY 1, 2 ORDER BY 1, 2"
    )
    whole = (
        "pairs",
        "same_seed",
        "unscored",
        "both",
        "mended",
        "broken",
        "neither",
        "seconds_known",
        "tokens_known",
        "cost_known",
    )
    return [
        PairCounts(
            group=row["grp"], task=row["task"], **{name: int(row[name]) for name in whole},
            seconds_added=row["seconds_added"], tokens_added=row["tokens_added"], cost_added=row["cost_added"],
        )
        for row in rows
    ]  # fmt: skip
