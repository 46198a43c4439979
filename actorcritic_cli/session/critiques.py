"""What is said to the actor about a rejected proposal, and what the supervisor itself says when it hands over."""

from __future__ import annotations

import json

from actorcritic_cli.session.state import State
from actorcritic_cli.types import Critique, Decision, Message, ToolCall, Verdict

UNEXPLAINED = (
    "The reviewer objects to this, without saying why. Check it against the policy and what the user asked for."
)
UNCHECKED = (
    "This could not be reviewed, for a technical reason that has nothing to do with its content, and was therefore not "
    "carried out. Propose it again, or do without it."
)


def critique_for(decision: Decision, verdict: Verdict | None, problem: str | None) -> Critique | None:
    """Return what goes back to the actor with a decision; ``None`` when nothing does (``accept``, ``stop``)."""
    if decision.kind not in ("revise", "escalate"):
        return None
    if problem is not None:
        return Critique(problem, by="protocol")
    if verdict is None or verdict.kind == "no_verdict":
        return Critique(UNCHECKED, by="critic")
    return verdict.critique or Critique(UNEXPLAINED)


def person_critique(text: str) -> Critique:
    """Return a person's own words as a critique."""
    return Critique(text, by="person")


def handover_call(tool: str, state: State) -> Message:
    """Return the call by which the supervisor hands over; its summary says what could not be approved."""
    objections = "; ".join(a.critique.text for a in state.attempts if a.critique is not None and a.critique.text)
    summary = f"No proposed next step passed supervision. {objections}".strip()
    call = ToolCall(f"handoff_{state.step}", tool, json.dumps({"summary": summary[:600]}))
    return Message("assistant", tool_calls=(call,))
