"""The supervised turn: what reaches the user and the environment, what the actor is told, how sessions end."""

from __future__ import annotations

from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.session.arbiter import Ruling
from actorcritic_cli.session.build import task_for
from actorcritic_cli.session.events import Acted, Decided, Ended, Event, Judged, Observed, Proposed
from actorcritic_cli.session.loop import Session, caught_up
from actorcritic_cli.session.state import restored
from actorcritic_cli.types import Limits, Supervision, Verdict
from tests.parties import RuleCritic, Rulings, actor_of, call, reply, session_of

STOP = "Bye. ###STOP###"


def objects_to(*texts: str, p: float = 0.9):
    """A rule that objects to replies with one of the texts, and to calls of tools with that name."""

    def rule(case):
        message = case.proposal.message
        said = message.tool_calls[0].name if message.tool_calls else message.content
        return p if said in texts else 0.1

    return rule


def held(session: Session) -> list[Event]:
    return list(session.events())


def said_to_the_user(session: Session) -> list[str | None]:
    return [m.content for m in session.state.transcript if m.role == "assistant" and not m.tool_calls]


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_an_unsupervised_session_goes_from_the_first_word_to_the_stop_word():
    session, _ = session_of(actor_of(reply("Hello"), reply("Done")), ["Hi", "Thanks", STOP])
    events = held(session)
    assert [type(e).__name__ for e in events[:5]] == ["Observed", "Proposed", "Decided", "Acted", "Observed"]
    assert events[-1].reason == "user_stop"
    assert said_to_the_user(session) == ["Hello", "Done"]


def test_a_rejected_reply_never_reaches_the_user_and_its_revision_does():
    critic = RuleCritic(objects_to("bad"))
    session, _ = session_of(actor_of([reply("bad"), reply("good")]), ["Hi", STOP], critic=critic)
    held(session)
    assert said_to_the_user(session) == ["good"]
    assert all(m.content != "bad" for case in critic.cases for m in case.transcript)


def test_a_rejected_write_never_reaches_the_environment():
    cancel = call("cancel_reservation", {"reservation_id": "NOPE01"})
    session, _ = session_of(
        actor_of([cancel, reply("I cannot do that")]), ["Hi", STOP], critic=RuleCritic(objects_to("cancel_reservation"))
    )
    events = held(session)
    assert not [m for m in session.state.transcript if m.role == "tool"]
    untouched = registry.load("tau_airline").open(None).state_hash()
    assert of(Ended, events)[0].state == untouched


def test_the_actor_sees_its_critiques_while_it_revises_and_not_afterwards():
    actor = actor_of([reply("bad"), reply("worse"), reply("good")], reply("more"))
    session, _ = session_of(actor, ["Hi", "And?", STOP], critic=RuleCritic(objects_to("bad", "worse")))
    held(session)
    told = [[a.critique.text for a in c.attempts] for c in actor.contexts]
    assert told == [[], ["objection 1"], ["objection 1", "objection 2"], []]
    assert all(c.history == () for c in actor.contexts)


def test_critiques_stay_in_the_actors_context_when_asked_to():
    actor = actor_of([reply("bad"), reply("good")], reply("more"))
    session, _ = session_of(
        actor,
        ["Hi", "And?", STOP],
        critic=RuleCritic(objects_to("bad")),
        supervision=Supervision(keep_critiques=True),
    )
    held(session)
    ((index, rejected),) = actor.contexts[-1].history
    assert actor.contexts[-1].transcript[index].content == "good"
    assert [a.proposal.message.content for a in rejected] == ["bad"]


def test_shadow_records_verdicts_and_steps_in_nowhere():
    session, _ = session_of(
        actor_of([reply("bad"), reply("good")]),
        ["Hi", STOP],
        critic=RuleCritic(objects_to("bad")),
        supervision=Supervision(mode="shadow"),
    )
    events = held(session)
    assert said_to_the_user(session) == ["bad"]
    assert of(Judged, events)[0].verdict.kind == "revise"
    assert {d.decision.kind for d in of(Decided, events)} == {"accept"}


def test_out_of_revisions_the_candidate_with_the_lowest_p_revise_is_taken():
    odds = {"a": 0.9, "b": 0.6, "c": 0.8}
    session, _ = session_of(
        actor_of([reply("a"), reply("b"), reply("c")]),
        ["Hi", STOP],
        critic=RuleCritic(lambda case: odds[case.proposal.message.content]),
    )
    events = held(session)
    assert said_to_the_user(session) == ["b"]
    assert [d.decision.kind for d in of(Decided, events)] == ["revise", "revise", "escalate"]
    assert of(Acted, events)[0].attempt == 1


def test_out_of_revisions_the_supervisor_hands_over_by_the_environments_own_tool():
    session, _ = session_of(
        actor_of([reply("bad")]),
        ["Hi", STOP],
        critic=RuleCritic(objects_to("bad")),
        supervision=Supervision(out_of_revisions="handoff", max_revisions=1),
    )
    events = held(session)
    assert events[-1].reason == "transfer"
    handed = of(Proposed, events)[-1].proposal
    assert handed.author == "supervisor"
    assert "objection 1" in handed.message.tool_calls[0].arguments


def test_out_of_revisions_the_session_stops_when_told_to():
    session, _ = session_of(
        actor_of([reply("bad")]),
        ["Hi", STOP],
        critic=RuleCritic(objects_to("bad")),
        supervision=Supervision(out_of_revisions="stop", max_revisions=0),
    )
    assert held(session)[-1].reason == "stopped"
    assert said_to_the_user(session) == []


def test_a_person_can_let_a_stopped_action_pass():
    session, _ = session_of(
        actor_of([reply("bad")]),
        ["Hi", STOP],
        critic=RuleCritic(objects_to("bad")),
        supervision=Supervision(out_of_revisions="ask", max_revisions=0),
        arbiter=Rulings(Ruling("override")),
    )
    events = held(session)
    assert said_to_the_user(session) == ["bad"]
    assert [(d.decision.kind, d.by) for d in of(Decided, events)] == [("escalate", "supervisor"), ("accept", "person")]


def test_a_persons_own_critique_goes_to_the_actor():
    actor = actor_of([reply("bad"), reply("good")])
    session, _ = session_of(
        actor,
        ["Hi", STOP],
        critic=RuleCritic(objects_to("bad")),
        supervision=Supervision(out_of_revisions="ask", max_revisions=0),
        arbiter=Rulings(Ruling("revise", "Say good.")),
    )
    held(session)
    assert said_to_the_user(session) == ["good"]
    assert actor.contexts[1].attempts[0].critique.text == "Say good."
    assert actor.contexts[1].attempts[0].critique.by == "person"


def test_without_anybody_to_ask_the_action_is_stopped():
    session, _ = session_of(
        actor_of([reply("bad")]),
        ["Hi", STOP],
        critic=RuleCritic(objects_to("bad")),
        supervision=Supervision(out_of_revisions="ask", max_revisions=0),
    )
    assert held(session)[-1].reason == "stopped"


def test_a_critic_without_verdict_is_allowed_blocked_or_asked_about():
    broken = RuleCritic(lambda case: Verdict("no_verdict", "rule", why="crash"))
    ends = {}
    for word in ("allow", "block", "ask"):
        session, _ = session_of(
            actor_of(reply("x")),
            ["Hi", STOP],
            critic=broken,
            supervision=Supervision(on_critic_error=word, out_of_revisions="stop"),
        )
        ends[word] = (held(session)[-1].reason, said_to_the_user(session))
    assert ends == {"allow": ("user_stop", ["x"]), "block": ("stopped", []), "ask": ("stopped", [])}


def test_a_blocked_action_passes_once_the_critic_works_again():
    verdicts = iter([Verdict("no_verdict", "rule", why="timeout"), 0.1])
    session, _ = session_of(
        actor_of(reply("x")),
        ["Hi", STOP],
        critic=RuleCritic(lambda case: next(verdicts)),
        supervision=Supervision(on_critic_error="block"),
    )
    held(session)
    assert said_to_the_user(session) == ["x"]


def test_malformed_proposals_go_back_and_end_the_session_if_they_do_not_stop():
    broken = replace(call("get_user_details", "{nonsense"), problem="The arguments are not JSON.")
    session, _ = session_of(actor_of([broken, reply("ok")]), ["Hi", STOP])
    held(session)
    assert said_to_the_user(session) == ["ok"]
    session, _ = session_of(actor_of([broken]), ["Hi", STOP])
    assert held(session)[-1].reason == "actor_error"


def test_only_the_first_of_several_calls_is_run():
    both = call("list_all_airports", {})
    message = replace(both.proposal.message, tool_calls=both.proposal.message.tool_calls * 2)
    session, _ = session_of(
        actor_of(replace(both, proposal=replace(both.proposal, message=message)), reply("x")), ["Hi", STOP]
    )
    held(session)
    assert [m.role for m in session.state.transcript].count("tool") == 1


def test_a_transfer_ends_the_session():
    session, _ = session_of(actor_of(call("transfer_to_human_agents", {"summary": "s"})), ["Hi", "never said"])
    assert held(session)[-1].reason == "transfer"


def test_limits_end_a_session_for_their_reason():
    def ends(limits, clock=None):
        session, _ = session_of(actor_of(*[reply("x")] * 5), ["a"] * 9, limits=limits, clock=clock)
        return held(session)[-1].reason

    assert ends(Limits(max_turns=2)) == "max_turns"
    assert ends(Limits(max_seconds=3.0)) == "max_seconds"
    assert ends(Limits(max_cost=0.0)) == "max_cost"


def test_a_recording_that_runs_out_is_not_the_agents_failure():
    session, _ = session_of(actor_of(reply("x")), ["a", "b", "c"])
    events = held(session)
    assert events[-1].reason == "infrastructure_error"
    assert events[-1].reward is None


def test_a_session_goes_on_from_every_point_as_if_nothing_had_happened():
    task = task_for(registry.load("tau_airline"), "cancel-01")
    ground_truth = [call(a.name, a.arguments, f"c{n}") for n, a in enumerate(task.actions)]

    def new():
        actor = actor_of([reply("bad"), reply("May I?")], *ground_truth, reply("Done"))
        return session_of(actor, ["Hi", "Yes", STOP], critic=RuleCritic(objects_to("bad")), task=task)

    session, started = new()
    whole = held(session)
    assert whole[-1].reward.value == 1.0
    for cut in range(len(whole)):
        fresh, _ = new()
        state = restored([started, *whole[:cut]])
        rest = list(caught_up(fresh.parties, state).events())
        assert [_timeless(e) for e in rest] == [_timeless(e) for e in whole[cut:]]


def _timeless(event):
    event = replace(event, at=0.0)
    return replace(event, latency=0.0) if isinstance(event, Observed) else event
