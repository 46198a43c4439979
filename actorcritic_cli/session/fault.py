"""Whose failure a failed session is: the actor's, the user's, the critic's, the environment's or the infrastructure's.

The rules, first match wins; a session that succeeded or that nothing can be said of has no fault:

1. ``infrastructure``: network, provider or quota ended it. Never counted as the agent's failure.
2. ``user``: the simulated user's model failed. (That a simulated user answered *wrongly* cannot be told from a record.)
3. ``environment``: the environment itself says that it broke.
4. ``critic``: supervision stopped the session or handed it over, though a proposal that it rejected is labelled right or
   nothing is labelled; or it rejected a proposal that is labelled right (or passed it over, when it was the first of
   several candidates) and one that is labelled wrong took its place.
5. ``actor``: everything else.
"""

from __future__ import annotations

from actorcritic_cli.session.state import State
from actorcritic_cli.types import Fault, Reward, Termination, is_success


def fault_of(state: State, reason: Termination, reward: Reward | None) -> Fault | None:
    """Return whose failure an ended session is, or ``None``. ``state`` is that just before its end."""
    if reason == "infrastructure_error":
        return "infrastructure"
    if reason == "user_error":
        return "user"
    if reward is not None and reward.info.get("fault") == "environment":
        return "environment"
    if reason == "actor_error":
        return "actor"
    if reward is None or reward.value is None or is_success(reward.value):
        return None
    if reason == "stopped" and state.stopped_by_person:
        return None
    if state.misled or ((reason == "stopped" or state.handed_over) and _rejected_rightly(state) is not True):
        return "critic"
    return "actor"


def _rejected_rightly(state: State) -> bool | None:
    """Whether all that supervision rejected in the last turn is labelled wrong; ``None`` without labels."""
    labels = [attempt.label.label for attempt in state.attempts if attempt.label is not None]
    return all(label == "revise" for label in labels) if labels else None
