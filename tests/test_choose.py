"""Of several candidates the one that the critic finds best is taken, judged and decided on; the others are set aside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.actors.protocol import ActorFailed
from actorcritic_cli.actors.recorded import RecordedActor
from actorcritic_cli.errors import PartyError
from actorcritic_cli.exchange import trace
from actorcritic_cli.session.arbiter import Ruling
from actorcritic_cli.session.conduct import hold_new, hold_on
from actorcritic_cli.session.events import Acted, Compared, Decided, Ended, Judged, Observed, Proposed, Resumed
from actorcritic_cli.session.loop import caught_up
from actorcritic_cli.session.state import restored
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.store.verify import verify
from actorcritic_cli.types import (
    Comparison,
    Critique,
    Decision,
    Label,
    Limits,
    Message,
    ModelCall,
    Supervision,
    Usage,
    Verdict,
)
from tests.parties import ComparingCritic, RuleCritic, Rulings, actor_of, call, offers, reply, session_of

STOP = "Bye. ###STOP###"
THREE = Supervision(choose=3)


def likes(*texts: str):
    """Prefers replies with one of the texts, and calls of tools with that name; the earlier named the better."""

    def score(proposal):
        message = proposal.message
        said = message.tool_calls[0].name if message.tool_calls else message.content
        return 1.0 / (1 + texts.index(said)) if said in texts else 0.01

    return score


def objects_to(*texts: str):
    return lambda case: 0.9 if case.proposal.message.content in texts else 0.1


def said_to_the_user(session):
    return [m.content for m in session.state.transcript if m.role == "assistant" and not m.tool_calls]


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def chosen_from(*candidates, critic, supervision=THREE, revisions=(), **options):
    """A session of one turn: its events, the event of the choice, and the session."""
    session, _ = session_of(
        offers(candidates, revisions=revisions), ["Hi", STOP], critic=critic, supervision=supervision, **options
    )
    events = list(session.events())
    (choice,) = of(Compared, events)
    return events, choice, session


def test_the_best_of_several_candidates_is_taken_and_judged_and_no_other():
    critic = ComparingCritic(likes("b"))
    events, choice, session = chosen_from(reply("a"), reply("b"), reply("c"), critic=critic)
    assert [type(e).__name__ for e in events[:7]] == [
        "Observed", "Proposed", "Proposed", "Proposed", "Compared", "Judged", "Decided",
    ]  # fmt: skip
    assert [e.attempt for e in of(Proposed, events)] == [0, 1, 2]
    assert (choice.candidates, choice.attempts, choice.chosen, choice.reason) == (3, (0, 1, 2), 1, "the best of 3")
    assert choice.comparison.best == 1
    assert [e.attempt for e in (*of(Judged, events), *of(Decided, events), *of(Acted, events))] == [1, 1, 1]
    assert said_to_the_user(session) == ["b"]


def test_the_critic_is_shown_the_conversation_and_every_candidate_in_their_order():
    critic = ComparingCritic(likes("c"))
    chosen_from(reply("a"), reply("b"), reply("c"), critic=critic)
    ((case, candidates),) = critic.compared
    assert [c.message.content for c in candidates] == ["a", "b", "c"]
    assert [m.content for m in case.transcript[1:]] == ["Hi"]
    assert case.attempts == ()


def test_a_rejected_choice_is_revised_singly_and_the_actor_sees_nothing_of_the_others():
    critic = ComparingCritic(likes("b"), objects_to("b", "b2"))
    actor = offers([reply("a"), reply("b"), reply("c")], revisions=[reply("b2"), reply("good")])
    session, _ = session_of(actor, ["Hi", STOP], critic=critic, supervision=THREE)
    events = list(session.events())
    assert said_to_the_user(session) == ["good"]
    assert [e.attempt for e in of(Proposed, events)] == [0, 1, 2, 3, 4]
    assert [(e.attempt, e.decision.kind) for e in of(Decided, events)] == [
        (1, "revise"), (3, "revise"), (4, "accept"),
    ]  # fmt: skip
    told = [[a.proposal.message.content for a in context.attempts] for context in actor.contexts]
    assert told == [["b"], ["b", "b2"]]
    assert {context.candidate for context in actor.contexts} == {1}
    assert len(critic.compared) == 1


def test_revisions_are_counted_after_the_choice_and_the_best_of_what_was_judged_is_taken():
    odds = {"b": 0.7, "b2": 0.6, "b3": 0.9}
    critic = ComparingCritic(likes("b"), lambda case: odds[case.proposal.message.content])
    events, _, session = chosen_from(
        reply("a"), reply("b"), reply("c"), critic=critic, revisions=[reply("b2"), reply("b3")]
    )
    assert [d.decision.kind for d in of(Decided, events)] == ["revise", "revise", "escalate"]
    assert said_to_the_user(session) == ["b2"]
    assert of(Acted, events)[0].attempt == 3


def test_out_of_revisions_with_none_to_be_had_the_choice_itself_is_the_best():
    critic = ComparingCritic(likes("c"), objects_to("c"))
    supervision = replace(THREE, max_revisions=0)
    events, _, session = chosen_from(reply("a"), reply("b"), reply("c"), critic=critic, supervision=supervision)
    assert said_to_the_user(session) == ["c"]
    assert of(Acted, events)[0].attempt == 2


def test_the_same_action_is_compared_once_however_its_call_is_named_and_spaced():
    one, two = call("think", {"a": 1, "b": 2}, "id_1"), call("think", '{ "b": 2,  "a": 1 }', "id_2")
    critic = ComparingCritic(likes("hello"))
    _, choice, session = chosen_from(one, two, reply("hello"), critic=critic, supervision=replace(THREE, gate="all"))
    assert choice.attempts == (0, 2)
    assert [len(candidates) for _, candidates in critic.compared] == [2]
    assert (choice.chosen, said_to_the_user(session)) == (2, ["hello"])


def test_nothing_is_compared_where_all_candidates_are_the_same_action():
    critic = ComparingCritic(likes())
    events, choice, session = chosen_from(reply("a"), reply("a"), reply("a"), critic=critic)
    assert critic.compared == []
    assert (choice.attempts, choice.comparison, choice.chosen) == ((), None, 0)
    assert choice.reason == "all candidates are the same action"
    assert len(of(Judged, events)) == 1
    assert said_to_the_user(session) == ["a"]


def test_nothing_is_compared_where_the_gate_lets_every_candidate_pass():
    looks = [call("get_user_details", {"user_id": name}) for name in ("a", "b", "c")]
    critic = ComparingCritic(likes("x"))
    session, _ = session_of(offers(looks, [reply("x")] * 3), ["Hi", STOP], critic=critic, supervision=THREE)
    events = list(session.events())
    first, second = of(Compared, events)
    assert (first.chosen, first.comparison, first.reason) == (0, None, "not compared: the gate lets them pass")
    assert second.chosen == 0
    assert of(Judged, events)[0].step == 2


def test_candidates_that_cannot_be_carried_out_are_left_out():
    broken = replace(call("get_user_details", "{nonsense"), problem="The arguments are not JSON.")
    critic = ComparingCritic(likes("c"))
    _, choice, session = chosen_from(broken, reply("b"), reply("c"), critic=critic)
    assert (choice.attempts, choice.chosen) == ((1, 2), 2)
    assert said_to_the_user(session) == ["c"]
    _, choice, session = chosen_from(broken, reply("b"), broken, critic=critic)
    assert (choice.attempts, choice.chosen, choice.reason) == ((), 1, "the others are malformed")


def test_where_every_candidate_is_malformed_the_first_goes_back():
    broken = replace(call("get_user_details", "{nonsense"), problem="The arguments are not JSON.")
    events, choice, session = chosen_from(
        broken, broken, broken, critic=ComparingCritic(likes()), revisions=[reply("ok")]
    )
    assert (choice.chosen, choice.reason) == (0, "every candidate is malformed")
    assert [(d.attempt, d.decision.kind) for d in of(Decided, events)] == [(0, "revise"), (3, "accept")]
    assert said_to_the_user(session) == ["ok"]


def test_shadow_compares_and_takes_the_first():
    critic = ComparingCritic(likes("c"), objects_to("a"))
    events, choice, session = chosen_from(
        reply("a"), reply("b"), reply("c"), critic=critic, supervision=replace(THREE, mode="shadow")
    )
    assert (choice.chosen, choice.comparison.best) == (0, 2)
    assert choice.reason == "shadow: candidate 3 would be taken (the best of 3)"
    assert said_to_the_user(session) == ["a"]
    assert of(Judged, events)[0].verdict.kind == "revise"


def test_a_failed_comparison_takes_the_first_and_says_so():
    failed = Comparison("rule", why="timeout", message="took too long")
    _, choice, session = chosen_from(reply("a"), reply("b"), reply("c"), critic=ComparingCritic(failed))
    assert (choice.chosen, choice.reason) == (0, "no comparison (timeout): the first is taken")
    assert choice.comparison == failed
    assert said_to_the_user(session) == ["a"]


def test_a_critic_that_cannot_compare_judges_each_and_the_lowest_p_revise_is_taken():
    odds = {"a": 0.8, "b": 0.2, "c": 0.4}
    critic = RuleCritic(lambda case: odds[case.proposal.message.content])
    events, choice, session = chosen_from(reply("a"), reply("b"), reply("c"), critic=critic)
    assert choice.chosen == 1
    assert choice.comparison.scores == pytest.approx((0.2 / 1.6, 0.8 / 1.6, 0.6 / 1.6))
    assert [v["p_revise"] for v in choice.comparison.detail["verdicts"]] == [0.8, 0.2, 0.4]
    assert said_to_the_user(session) == ["b"]
    assert of(Judged, events)[0].verdict.p_revise == 0.2
    assert len(critic.cases) == 3, "the verdict of the one that is taken is known"


def test_what_judging_each_candidate_cost_counts_once():
    paid = ModelCall("critic", "m", usage=Usage(10, 1), cost=0.25, latency=1.0)
    odds = {"a": 0.8, "b": 0.2, "c": 0.4}
    critic = RuleCritic(
        lambda case: Verdict("approve", "rule", odds[case.proposal.message.content], 0.5, calls=(paid,))
    )
    events, choice, session = chosen_from(reply("a"), reply("b"), reply("c"), critic=critic)
    assert choice.comparison.calls == (paid,) * 3
    assert of(Judged, events)[0].verdict.calls == ()
    assert session.state.cost == 0.75


def test_of_candidates_without_a_verdict_none_is_the_best_one():
    def broken_for(*texts):
        def rule(case):
            return Verdict("no_verdict", "rule", why="crash") if case.proposal.message.content in texts else 0.9

        return RuleCritic(rule)

    three = (reply("a"), reply("b"), reply("c"))
    _, choice, _ = chosen_from(*three, critic=broken_for("a", "c"), supervision=replace(THREE, max_revisions=0))
    assert (choice.chosen, choice.comparison.scores) == (1, (0.0, 1.0, 0.0))
    _, choice, _ = chosen_from(*three, critic=broken_for("a", "b", "c"))
    assert (choice.chosen, choice.comparison.scores, choice.comparison.why) == (0, (), "crash")


def test_candidates_that_are_certainly_wrong_are_equally_good():
    _, choice, _ = chosen_from(
        reply("a"), reply("b"), reply("c"), critic=RuleCritic(lambda case: 1.0), revisions=[reply("d")] * 2
    )
    assert choice.comparison.scores == pytest.approx((1 / 3,) * 3)
    assert choice.chosen == 0


def test_an_actor_that_has_one_candidate_to_offer_is_asked_once():
    actor = actor_of([reply("bad"), reply("good")])
    session, _ = session_of(actor, ["Hi", STOP], critic=RuleCritic(objects_to("bad")), supervision=THREE)
    events = list(session.events())
    (choice,) = of(Compared, events)
    assert (choice.candidates, choice.chosen, choice.reason) == (1, 0, "there is one candidate")
    assert [len(context.attempts) for context in actor.contexts] == [0, 1]
    assert said_to_the_user(session) == ["good"]


@pytest.mark.parametrize("supervision", [replace(THREE, gate="none"), replace(THREE, choose=1)])
def test_there_is_no_choice_where_nobody_compares(supervision):
    actor = actor_of(reply("a"))
    session, _ = session_of(actor, ["Hi", STOP], critic=RuleCritic(lambda case: 0.1), supervision=supervision)
    assert of(Compared, session.events()) == []
    assert said_to_the_user(session) == ["a"]


def test_a_person_can_send_the_choice_back_or_let_it_pass():
    critic = ComparingCritic(likes("b"), objects_to("b", "b2"))
    supervision = replace(THREE, max_revisions=0, out_of_revisions="ask")
    events, _, session = chosen_from(
        reply("a"), reply("b"), reply("c"), critic=critic, supervision=supervision, revisions=[reply("b2")],
        arbiter=Rulings(Ruling("revise", "Say it better."), Ruling("override")),
    )  # fmt: skip
    assert said_to_the_user(session) == ["b2"]
    assert [(d.attempt, d.decision.kind, d.by) for d in of(Decided, events)] == [
        (1, "escalate", "supervisor"), (1, "revise", "person"),
        (3, "escalate", "supervisor"), (3, "accept", "person"),
    ]  # fmt: skip


def test_the_supervisor_hands_over_when_the_choice_cannot_be_mended():
    critic = ComparingCritic(likes("b"), lambda case: 0.9)
    supervision = replace(THREE, max_revisions=0, out_of_revisions="handoff")
    events, _, _ = chosen_from(reply("a"), reply("b"), reply("c"), critic=critic, supervision=supervision)
    assert events[-1].reason == "transfer"
    assert of(Acted, events)[0].attempt == 3


def test_what_every_candidate_cost_counts_and_a_limit_waits_for_candidates_that_are_paid_for():
    def paid(text):
        return replace(reply(text), call=ModelCall("actor", "m", usage=Usage(10, 5), cost=0.4, latency=1.0))

    events, _, session = chosen_from(
        paid("a"), paid("b"), paid("c"), critic=ComparingCritic(likes("c")), limits=Limits(max_cost=0.5)
    )
    assert session.state.cost == pytest.approx(1.2)
    assert len(of(Proposed, events)) == 3
    assert said_to_the_user(session) == ["c"]


def test_what_was_offered_before_a_failure_is_on_record():
    class Failing(type(offers())):
        def offer(self, context, candidates):
            yield reply("a")
            raise ActorFailed(PartyError("the provider is down", kind="provider"))

    actor = Failing({1: ((), ())})
    session, _ = session_of(actor, ["Hi", STOP], critic=ComparingCritic(likes()), supervision=THREE)
    events = list(session.events())
    assert [type(e).__name__ for e in events] == ["Observed", "Proposed", "Failed", "Ended"]
    assert events[-1].reason == "infrastructure_error"


@pytest.mark.parametrize(("first", "taken", "fault"), [("approve", "revise", "critic"), ("revise", "revise", "actor")])
def test_giving_up_a_right_first_candidate_for_a_wrong_one_is_the_critics_failure(first, taken, fault):
    from actorcritic_cli.envs import registry
    from actorcritic_cli.session.build import task_for

    task = task_for(registry.load("tau_airline"), "cancel-01")
    candidates = [replace(reply("a"), label=Label(first)), replace(reply("b"), label=Label(taken)), reply("c")]
    session, _ = session_of(
        offers(candidates), ["Hi", STOP], critic=ComparingCritic(likes("b")), supervision=THREE, task=task
    )
    ended = list(session.events())[-1]
    assert (ended.reward.value, ended.fault) == (0.0, fault)


def whole_session():
    """Two turns with a choice and a revision each, and a turn in which all candidates are the same."""
    no = Verdict("revise", "rule", 0.9, 0.5, critique=Critique("No."))
    critic = ComparingCritic(likes("b"), lambda case: no if case.proposal.message.content == "b" else 0.1)
    steps = [
        [reply("a"), reply("b"), reply("c")],
        [call("list_all_airports", {}, f"c{n}") for n in range(3)],
        [reply("b"), reply("x"), reply("b")],
    ]
    actor = offers(*steps, revisions=[reply("good")])
    session, started = session_of(actor, ["Hi", "Go on", STOP], critic=critic, supervision=THREE)
    return session, started, actor


def timeless(event):
    event = replace(event, at=0.0)
    return replace(event, latency=0.0) if isinstance(event, Observed) else event


def test_an_interrupted_choice_goes_on_at_any_point_and_asks_for_no_candidate_again():
    session, started, _ = whole_session()
    whole = list(session.events())
    assert len(of(Compared, whole)) == 3
    for cut in range(len(whole)):
        fresh, _, actor = whole_session()
        state = restored([started, *whole[:cut], Resumed(0.0)])
        rest = list(caught_up(fresh.parties, state).events())
        assert [timeless(e) for e in rest] == [timeless(e) for e in whole[cut:]], cut
        known = {(e.step, e.attempt) for e in of(Proposed, whole[:cut])}
        assert not known & set(actor.asked), cut
        assert len(actor.asked) == len(set(actor.asked))


def test_a_choice_comes_back_from_the_record_and_from_a_trace(tmp_path):
    session, started, _ = whole_session()
    events = [started, *session.events()]
    failed = Comparison("rule", why="timeout", message="took too long", latency=2.5, detail={"tokens": 7})
    place = next(n for n, e in enumerate(events) if isinstance(e, Compared))
    events[place] = replace(events[place], comparison=failed)
    with open_database(tmp_path / "a.db") as database:
        recorder = Recorder(database)
        for event in events:
            recorder.record(event)
        assert list(Library(database).events("s1")) == events
        assert verify(database).problems == ()
        row = database.row("SELECT * FROM choices WHERE step = 3")
        assert (row["candidates"], row["chosen"], row["compared"]) == (3, 0, "[0,1]")
        aside = database.rows("SELECT step, attempt FROM proposals WHERE set_aside ORDER BY step, attempt")
        assert [tuple(row) for row in aside] == [(1, 0), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
        with database.writing() as connection:
            connection.execute("DELETE FROM choices WHERE step = 3")
        assert [p for p in verify(database).problems if "(compared) has no row in choices" in p]
    trace.write(tmp_path / "t.jsonl", events)
    assert list(trace.read(tmp_path / "t.jsonl")) == [tuple(events)]


def test_a_pause_in_the_middle_of_a_choice_waits_for_the_candidates_that_were_asked_for(tmp_path):
    session, started, actor = whole_session()
    parties, spec = session.parties, started.spec
    with open_database(tmp_path / "a.db") as database:
        state = hold_new(database, spec, None, parties, session="s1", stop=lambda: bool(actor.asked))
        assert state.phase == "compare"
        assert actor.asked == [(1, 0), (1, 1), (1, 2)]
        again, _, second = whole_session()
        state = hold_on(database, "s1", again.parties)
        assert state.phase == "ended"
        assert [asked for asked in second.asked if asked[0] == 1] == []
        assert verify(database).problems == ()


def test_candidates_that_nothing_came_of_are_set_aside(tmp_path):
    session, started, _ = whole_session()
    events = [started, *session.events()]
    cut = next(n for n, e in enumerate(events) if isinstance(e, Compared))
    with open_database(tmp_path / "a.db") as database:
        recorder = Recorder(database)
        for event in events[: cut - 1]:
            recorder.record(event)
        assert [row[0] for row in database.rows("SELECT set_aside FROM proposals ORDER BY attempt")] == [1, 1]
        recorder = Recorder.resume(database, "s1")
        for event in events[cut - 1 : cut + 1]:
            recorder.record(event)
        recorder = Recorder.resume(database, "s1")
        for event in events[cut + 1 :]:
            recorder.record(event)
        aside = database.rows("SELECT attempt, set_aside FROM proposals WHERE step = 1 ORDER BY attempt")
        assert [tuple(row) for row in aside] == [(0, 1), (1, 0), (2, 1), (3, 0)]


def test_a_turn_that_was_kept_from_another_session_needs_no_choice(tmp_path):
    _, started, _ = whole_session()
    kept = [
        Observed(1.0, 0, (Message("user", "Hi"),)),
        Proposed(1.0, 1, 0, reply("a").proposal),
        Decided(1.0, 1, 0, Decision("accept", "kept")),
        Acted(1.0, 1, 0, reply("a").proposal.message),
    ]
    state = restored([started, *kept])
    assert (state.phase, [m.content for m in state.transcript[1:]]) == ("hear", ["Hi", "a"])
    with open_database(tmp_path / "a.db") as database:
        recorder = Recorder(database)
        for event in [started, *kept]:
            recorder.record(event)
        assert [row[0] for row in database.rows("SELECT set_aside FROM proposals")] == [0]


def test_a_recording_of_choices_proposes_what_was_taken_and_then_its_revisions():
    session, started, _ = whole_session()
    events = [started, *session.events()]
    actor = RecordedActor.from_events(events)
    made = {step: [p.proposal.message.content for p in attempts] for step, attempts in actor.steps.items()}
    assert made == {1: ["b", "good"], 2: [None], 3: ["b", "good"]}


@given(
    texts=st.lists(st.sampled_from("abc!"), min_size=3, max_size=3),
    scores=st.dictionaries(st.sampled_from("abc"), st.floats(0.01, 1.0), min_size=3),
    mode=st.sampled_from(["enforce", "shadow"]),
)
def test_whatever_is_offered_one_candidate_is_taken_by_the_rules(texts, scores, mode):
    made = [replace(reply(t), problem="broken") if t == "!" else reply(t) for t in texts]
    critic = ComparingCritic(lambda proposal: scores[proposal.message.content])
    events, choice, session = chosen_from(
        *made, critic=critic, supervision=replace(THREE, mode=mode), revisions=[reply("a")] * 3
    )
    assert isinstance(events[-1], Ended)
    able = [t for t in texts if t != "!"]
    assert bool(critic.compared) == (len(set(able)) > 1)
    if mode == "shadow" or not able:
        assert choice.chosen == 0
    else:
        assert scores[texts[choice.chosen]] == max(scores[t] for t in able)
        assert choice.chosen == texts.index(texts[choice.chosen])
    assert restored([replace(session_of_start(), spec=session.state.spec), *events]).phase == "ended"


def session_of_start():
    return session_of(offers(), ["Hi"])[1]
