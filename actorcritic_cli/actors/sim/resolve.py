"""From ``sim:KIND`` to an actor: which expert knows an environment's tasks."""

from __future__ import annotations

from actorcritic_cli.actors.protocol import Actor
from actorcritic_cli.actors.sim.actor import ExpertActor, HastyActor
from actorcritic_cli.actors.sim.airline import AirlineDesk
from actorcritic_cli.actors.sim.expert import DeskExpert
from actorcritic_cli.actors.sim.moves import Expert
from actorcritic_cli.actors.sim.retail import RetailDesk
from actorcritic_cli.actors.sim.slips import habits_from
from actorcritic_cli.actors.sim.trip import TripExpert
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.errors import UsageError
from actorcritic_cli.types import SessionSpec, Task

KINDS = ("expert", "hasty")


def simulated(kind: str, spec: SessionSpec, task: Task | None, environment: Environment) -> Actor:
    """Return the simulated actor of a session.

    Raises ``UsageError`` for an unknown kind, a session without a task, and an environment that no expert knows.
    """
    if kind not in KINDS:
        raise UsageError(f"There is no actor 'sim:{kind}'; choose sim:expert or sim:hasty.")
    if task is None:
        raise UsageError("A simulated actor needs a task whose ground truth it knows; choose one with --task.")
    expert = expert_for(task, environment)
    if kind == "expert":
        if spec.actor_options:
            raise UsageError("sim:expert has no options; sim:hasty has slip_rate, mend, sway and only.")
        return ExpertActor(expert)
    return HastyActor(expert, habits_from(spec.actor_options), spec.seed)


def expert_for(task: Task, environment: Environment) -> Expert:
    """Return who knows a task of an environment. Raises ``UsageError`` where nobody does."""
    tools = {tool.name for tool in environment.tools}
    if "book_reservation" in tools and "get_reservation_details" in tools:
        return DeskExpert(task, AirlineDesk(), environment.transfer_tool)
    if "get_order_details" in tools and "exchange_delivered_order_items" in tools:
        return DeskExpert(task, RetailDesk(), environment.transfer_tool)
    if "interact_with_env" in tools and task.actions:
        return TripExpert(task)
    raise UsageError(f"No simulated actor knows {environment.name}; they know tau_airline, tau_retail and travel.")
