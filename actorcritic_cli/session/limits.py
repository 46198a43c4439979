"""Budgets: how long a session may go on."""

from __future__ import annotations

from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.session.state import State
from actorcritic_cli.types import Termination


def seconds_left(state: State) -> float | None:
    """Return the seconds left of ``--max-seconds``, or ``None`` without that limit."""
    limit = state.spec.limits.max_seconds
    return None if limit is None else max(0.0, limit - state.elapsed)


def reached(state: State, environment: Environment) -> tuple[Termination, str] | None:
    """Return the limit that a session has reached and the words for it, or ``None``."""
    limits = state.spec.limits
    if limits.max_turns is None:
        spent = environment.spent(state.transcript)
        if spent is not None:
            return spent
    elif state.step > limits.max_turns:
        return "max_turns", f"the actor has had its {limits.max_turns} messages"
    if limits.max_cost is not None and state.cost >= limits.max_cost:
        return "max_cost", f"${state.cost:.4f} spent of ${limits.max_cost:.4f}"
    if limits.max_seconds is not None and state.elapsed >= limits.max_seconds:
        return "max_seconds", f"{state.elapsed:.0f} s of {limits.max_seconds:.0f} s"
    return None
