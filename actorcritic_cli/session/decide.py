"""What is done with a proposal: one pure function from verdict and configuration to decision."""

from __future__ import annotations

from actorcritic_cli.types import Decision, Effect, Gate, Proposal, Supervision, Verdict


def is_judged(gate: Gate, proposal: Proposal, effect: Effect) -> bool:
    """Whether the gate lets the critic see a proposal. ``effect`` is the called tool's (ignored for a reply).

    A hand-over by the supervisor itself is never judged.
    """
    if proposal.author == "supervisor":
        return False
    is_write = proposal.kind == "tool_call" and effect == "write"
    match gate:
        case "all":
            return True
        case "auto":
            return proposal.kind == "reply" or is_write
        case "writes":
            return is_write
        case "replies":
            return proposal.kind == "reply"
        case "none":
            return False


def decide(
    verdict: Verdict | None, supervision: Supervision, *, revisions_left: int, problem: str | None = None
) -> Decision:
    """Decide on a proposal.

    ``verdict`` is ``None`` when the gate did not send it to the critic. ``problem`` says why a proposal cannot be carried
    out at all: it goes back in every mode. A broken critic (``no_verdict``) neither denies nor approves; what happens
    then is ``supervision.on_critic_error``.
    """
    if problem is not None:
        if revisions_left > 0:
            return Decision("revise", f"malformed: {problem}")
        return Decision("stop", f"malformed again and again: {problem}")
    if supervision.mode == "off":
        return Decision("accept", "unsupervised")
    if verdict is None:
        return Decision("accept", "not judged: the gate lets it pass")
    if supervision.mode == "shadow":
        return Decision("accept", f"shadow: {verdict.kind}")
    if verdict.kind == "approve":
        return Decision("accept", "approved")
    if verdict.kind == "no_verdict":
        return _without_verdict(verdict, supervision, revisions_left)
    if revisions_left > 0:
        return Decision("revise", "the critic objects")
    return _out_of_revisions(supervision, "the critic objects and no revision is left")


def _without_verdict(verdict: Verdict, supervision: Supervision, revisions_left: int) -> Decision:
    failure = f"no verdict ({verdict.why})"
    match supervision.on_critic_error:
        case "allow":
            return Decision("accept", f"{failure}: allowed")
        case "ask":
            return Decision("escalate", failure, to="ask")
        case "block":
            if revisions_left > 0:
                return Decision("revise", f"{failure}: blocked")
            return _out_of_revisions(supervision, f"{failure}: blocked and no revision is left")


def _out_of_revisions(supervision: Supervision, reason: str) -> Decision:
    if supervision.out_of_revisions == "stop":
        return Decision("stop", reason)
    return Decision("escalate", reason, to=supervision.out_of_revisions)
