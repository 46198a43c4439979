"""What is done with a proposal, for every verdict and configuration."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.session.decide import decide, is_judged
from actorcritic_cli.types import Critique, Message, Proposal, Supervision, ToolCall, Verdict

REPLY = Proposal(Message("assistant", "Hello"))
CALL = Proposal(Message("assistant", None, (ToolCall("1", "t", "{}"),)))

verdicts = st.one_of(
    st.none(),
    st.floats(0, 1).map(lambda p: Verdict("approve", "c", p)),
    st.floats(0, 1).map(lambda p: Verdict("revise", "c", p, critique=Critique("no"))),
    st.sampled_from(["timeout", "crash", "parse", "context"]).map(lambda why: Verdict("no_verdict", "c", why=why)),
)
supervisions = st.builds(
    Supervision,
    mode=st.sampled_from(["enforce", "shadow", "off"]),
    out_of_revisions=st.sampled_from(["best", "ask", "handoff", "stop"]),
    on_critic_error=st.sampled_from(["block", "ask", "allow"]),
)


@given(verdicts, supervisions, st.integers(-3, 5))
def test_only_an_approved_unjudged_or_allowed_proposal_is_accepted(verdict, supervision, left):
    decision = decide(verdict, supervision, revisions_left=left)
    may_pass = (
        supervision.mode != "enforce"
        or verdict is None
        or verdict.kind == "approve"
        or (verdict.kind == "no_verdict" and supervision.on_critic_error == "allow")
    )
    assert (decision.kind == "accept") == may_pass


@given(verdicts, supervisions, st.integers(-3, 5))
def test_a_proposal_goes_back_only_while_revisions_are_left(verdict, supervision, left):
    decision = decide(verdict, supervision, revisions_left=left)
    if decision.kind == "revise":
        assert left > 0
    assert (decision.to is not None) == (decision.kind == "escalate")


@given(st.sampled_from(["enforce", "shadow", "off"]))
def test_what_cannot_be_carried_out_goes_back_in_every_mode_and_stops_in_the_end(mode):
    supervision = Supervision(mode=mode)
    assert decide(None, supervision, revisions_left=1, problem="no JSON").kind == "revise"
    assert decide(None, supervision, revisions_left=0, problem="no JSON").kind == "stop"


def test_a_broken_critic_does_what_the_configuration_says():
    broken = Verdict("no_verdict", "c", why="crash")
    assert decide(broken, Supervision(on_critic_error="allow"), revisions_left=2).kind == "accept"
    assert decide(broken, Supervision(on_critic_error="block"), revisions_left=2).kind == "revise"
    assert decide(broken, Supervision(on_critic_error="ask"), revisions_left=2).to == "ask"
    blocked = decide(broken, Supervision(on_critic_error="block", out_of_revisions="handoff"), revisions_left=0)
    assert blocked.to == "handoff"


def test_the_gate_says_which_proposals_are_judged():
    expected = {
        # (reply, read call, write call)
        "all": (True, True, True),
        "auto": (True, False, True),
        "writes": (False, False, True),
        "replies": (True, False, False),
        "none": (False, False, False),
    }
    for gate, (replies, reads, writes) in expected.items():
        assert is_judged(gate, REPLY, "none") is replies
        assert is_judged(gate, CALL, "read") is reads
        assert is_judged(gate, CALL, "write") is writes


def test_a_hand_over_by_the_supervisor_is_never_judged():
    assert not is_judged("all", Proposal(CALL.message, "supervisor"), "write")
