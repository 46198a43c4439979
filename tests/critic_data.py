"""Sessions with slips and without, and data sets made of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from hypothesis import strategies as st

from actorcritic_cli.learn.dataset import Row, content_id
from actorcritic_cli.paths import database_path
from actorcritic_cli.store.backup import backup
from actorcritic_cli.store.database import open_database
from actorcritic_cli.types import Message
from tests.critic_cases import folder
from tests.program import acc


def hold_hasty(env: str = "tau_airline", trials: int = 2, tasks: str = "all", *options: object) -> str:
    """Hold a run of sim:hasty on bundled tasks, unsupervised unless a critic is named; return its id.

    Into an empty record comes a copy of the same run, where one was held before.
    """
    key, first = (env, trials, tasks, *options), not database_path().exists()
    if first and key in _HELD:
        run, record = _HELD[key]
        database_path().parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(record, database_path())
        return run
    alone = () if "--critic" in options else ("--supervise", "off")
    held = acc(
        "run",
        "--env",
        env,
        "--actor",
        "sim:hasty",
        "--user",
        "script",
        "--trials",
        trials,
        "--tasks",
        tasks,
        *alone,
        *options,
    )
    assert held.code == 0, held.error
    run = held.out.split()[-1]
    if first:
        record = folder() / f"{run}.db"
        with open_database(database_path()) as database:
            backup(database, record)
        _HELD[key] = (run, record)
    return run


_HELD: dict[tuple[object, ...], tuple[str, Path]] = {}


def row(
    task: str = "t1",
    user: str = "u1",
    words: str = "Done.",
    *,
    env: str = "desk",
    label: str = "approve",
    **fields: object,
) -> Row:
    said = (Message("user", f"I am {user} and want {task}."),)
    proposal = Message("assistant", words)
    values = {
        "id": content_id("c", said, proposal),
        "env": env,
        "dataset": "bundled",
        "task": task,
        "user": user,
        "session": f"s-{task}",
        "step": 1,
        "attempt": 0,
        "context": "c",
        "nonce": "n",
        "transcript": said,
        "proposal": proposal,
        "label": label,
        "source": "oracle",
    }
    return Row(**{**values, **fields})


_FEW = st.integers(0, 6).map(str)
rows = st.lists(
    st.builds(
        row,
        task=_FEW.map("t{}".format),
        user=st.one_of(st.just(""), _FEW.map("u{}".format)),
        words=_FEW.map("w{}".format),
        env=st.sampled_from(["desk", "trip"]),
        label=st.sampled_from(["approve", "revise"]),
        source=st.sampled_from(["human", "oracle", "outcome"]),
    ),
    max_size=60,
)
"""Rows of which many share tasks, users and contents."""
