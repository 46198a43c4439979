"""``acc demo``: a supervised session on what ships with acc, offline."""

from __future__ import annotations

from actorcritic_cli.cli.common import DbOption, say
from actorcritic_cli.types import SessionSpec, Supervision

TRACE = "airline-cancel.jsonl"
WEIGHTS, SEED, THRESHOLD = 21, 3, 0.7
"""Seeds of the random weights and of the session, and the threshold. Chosen by looking: with these the model finds more
wrong with one of the five judged proposals than with the others, and that one is sent back."""


def demo(db: DbOption = None) -> None:
    """Hold a supervised session offline, on the example that ships: a recorded actor, judged by a real model.

    The judge is a small GGUF with random weights that is written on the spot and run by llama.cpp: it shows how a
    session goes, but its verdicts mean nothing.
    """
    from actorcritic_cli.cli.chat import converse
    from actorcritic_cli.examples import demo_critic, example_trace
    from actorcritic_cli.exchange import trace
    from actorcritic_cli.paths import database_path
    from actorcritic_cli.session.events import Started

    path = example_trace(TRACE)
    first = next(iter(trace.read(path)))[0]
    assert isinstance(first, Started)
    say("The critic of this demo has random weights: it steps in for real, but its verdicts mean nothing.")
    spec = SessionSpec(
        env=first.spec.env,
        dataset=first.spec.dataset,
        task_id=first.spec.task_id,
        actor=f"recorded:{path}",
        user=f"recorded:{path}",
        critic=str(demo_critic(WEIGHTS)),
        seed=SEED,
        supervision=Supervision(),
        critic_options={"threshold": THRESHOLD},
    )
    converse(database_path(db), spec, first.task)
    say("Then: acc sessions · acc stats · acc env show tau_airline · acc chat --help")
