"""``acc demo``: a supervised session on what ships with acc, offline."""

from __future__ import annotations

from actorcritic_cli.cli.common import DbOption, say
from actorcritic_cli.types import SessionSpec, Supervision

TRACE = "airline-cancel.jsonl"
SEED = 3


def demo(db: DbOption = None) -> None:
    """Hold a supervised session offline, on the example that ships: a recorded actor, judged by the built-in critic."""
    from actorcritic_cli.cli.chat import converse
    from actorcritic_cli.critics import builtin
    from actorcritic_cli.examples import example_trace
    from actorcritic_cli.exchange import trace
    from actorcritic_cli.paths import database_path
    from actorcritic_cli.session.events import Started

    path = example_trace(TRACE)
    first = next(iter(trace.read(path)))[0]
    assert isinstance(first, Started)
    spec = SessionSpec(
        env=first.spec.env,
        dataset=first.spec.dataset,
        task_id=first.spec.task_id,
        actor=f"recorded:{path}",
        user=f"recorded:{path}",
        critic=builtin.NAME,
        seed=SEED,
        # Of replies of other agents than the simulated one the built-in critic sends back more than it should.
        supervision=Supervision(gate="writes"),
    )
    converse(database_path(db), spec, first.task)
    say("Then: acc sessions · acc stats · acc env show tau_airline · acc chat --help")
