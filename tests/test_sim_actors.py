"""Simulated actors on the bundled tasks: the expert wins them all, the hasty one slips as it is told to."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.actors.protocol import ActorContext
from actorcritic_cli.actors.sim import slips as catalogue
from actorcritic_cli.actors.sim.slips import DESK, KINDS, TRIP, habits_from
from actorcritic_cli.envs import registry
from actorcritic_cli.errors import UsageError
from actorcritic_cli.session.build import parties_for
from actorcritic_cli.session.events import Acted, Decided, Observed, Resumed
from actorcritic_cli.session.loop import caught_up
from actorcritic_cli.session.state import after, begin, restored
from actorcritic_cli.store.database import open_database
from tests.cli import acc_ok
from tests.property_examples import examples
from tests.sim_sessions import at_random, ended, experiment, hold, no_recordings, oracle, proposals, slips, spec_for

DESKS = ["tau_airline", "tau_retail"]
ENVIRONMENTS = [*DESKS, "travel"]


def tasks_of(env):
    return {task.id: task for task in registry.load(env).tasks()}


AIRLINE, RETAIL, TRAVEL = (tasks_of(env) for env in ENVIRONMENTS)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_expert_solves_every_bundled_task(env):
    for task in tasks_of(env).values():
        events = hold(spec_for(env, "sim:expert"), task)
        reward = ended(events).reward
        assert reward is not None
        assert reward.value == 1.0, task.id
        assert ended(events).reason in ("user_stop", "transfer"), task.id


@pytest.mark.parametrize("env", DESKS)
def test_the_expert_writes_only_after_it_has_spelled_it_out_and_heard_a_yes(env):
    for task in tasks_of(env).values():
        events = hold(spec_for(env, "sim:expert"), task)
        tools = {tool.name: tool.effect for tool in events[0].tools}
        agreed = False
        for before, event in pairwise(events):
            if isinstance(event, Observed) and isinstance(before, Acted) and not before.message.tool_calls:
                asked = "Shall I go ahead?" in (before.message.content or "")
                said = (event.messages[0].content or "").lower()
                agreed = (
                    asked and re.search(r"\byes\b|go (?:ahead|on)|confirm|please do|fine|all right", said) is not None
                )
            if isinstance(event, Acted) and event.message.tool_calls:
                name = event.message.tool_calls[0].name
                assert tools[name] != "write" or agreed, (task.id, name)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_all_that_a_simulated_actor_proposes_is_labelled(env):
    for task in list(tasks_of(env).values())[::4]:
        for actor in ("sim:expert", "sim:hasty"):
            made = proposals(hold(spec_for(env, actor, seed=5), task))
            assert made
            assert all(p.label is not None and p.label.source == "oracle" for p in made)
            if actor == "sim:expert":
                assert {p.label.label for p in made} == {"approve"}


def test_the_expert_names_the_rule_when_it_declines():
    said = [
        e.message.content or ""
        for e in hold(spec_for("tau_airline", "sim:expert"), AIRLINE["refusal-03"])
        if isinstance(e, Acted)
    ]
    assert any("never later" in text and "rule 4.7" in text for text in said)


def test_the_expert_says_the_price_before_it_books():
    events = hold(spec_for("tau_airline", "sim:expert"), AIRLINE["book-02"])
    acted = [e.message for e in events if isinstance(e, Acted)]
    booked = next(i for i, m in enumerate(acted) if m.tool_calls and m.tool_calls[0].name == "book_reservation")
    assert any("$1358" in (m.content or "") and "Mastercard" in (m.content or "") for m in acted[:booked])


@pytest.mark.parametrize("task", ["book-01", "change-04", "compensation-02", "refusal-01", "transfer-01"])
@pytest.mark.parametrize("actor", ["sim:expert", "sim:hasty"])
def test_a_session_resumed_anywhere_goes_on_as_it_would_have(task, actor):
    spec = (
        spec_for("tau_airline", actor, task=task, seed=11, supervised=True, slip_rate=2)
        if actor == "sim:hasty"
        else spec_for("tau_airline", actor, task=task)
    )
    objects = oracle if actor == "sim:hasty" else None
    whole = hold(spec, AIRLINE[task], objects)
    for cut in range(1, len(whole)):
        parties = parties_for(spec, AIRLINE[task], critic=None, recordings=no_recordings)
        if objects is not None:
            parties = replace(parties, critic=objects(parties.actor, spec))
        session = caught_up(parties, restored([*whole[:cut], Resumed(0.0)]))
        session.clock = lambda: 0.0
        assert list(session.events()) == whole[cut:], cut


def test_a_proposal_depends_on_seed_step_and_attempt_alone():
    spec = spec_for("tau_airline", "sim:hasty", seed=3, slip_rate=3)
    events = hold(spec, AIRLINE["passengers-02"])
    parties = parties_for(spec, AIRLINE["passengers-02"], critic=None, recordings=no_recordings)
    states = [begin(events[0])]
    for event in events[1:]:
        states.append(after(states[-1], event))
    asked = [(s, e) for s, e in zip(states, events[1:], strict=False) if e in proposals(events)]
    for state, event in reversed(asked):  # in another order than they came
        context = ActorContext(state.transcript, state.tools, state.step, state.attempts)
        assert parties.actor.propose(context).proposal == event.proposal
        assert parties.actor.propose(context).label == event.label


def test_without_slips_the_hasty_actor_is_the_expert():
    for task in AIRLINE.values():
        expert = hold(spec_for("tau_airline", "sim:expert", seed=1), task)
        calm = hold(spec_for("tau_airline", "sim:hasty", seed=1, slip_rate=0), task)
        assert calm[1:] == expert[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_slips_that_are_allowed_happen(kind):
    made = []
    for task in list(AIRLINE.values())[::2]:
        spec = spec_for("tau_airline", "sim:hasty", seed=2, slip_rate=1e9, only=[kind])
        made += slips(hold(spec, task))
    assert made, "the slip can happen on the bundled tasks"
    assert {p.label.why.partition(":")[0] for p in made} == {kind}
    assert all(re.search(r": R\d", p.label.why) for p in made), "the label names the rule"


@pytest.mark.parametrize("kind", ["wrong_argument", "wrong_record", "wrong_payment"])
def test_a_wrong_call_differs_from_the_right_one_in_one_place_and_has_consequences(kind):
    changed = 0
    for task in AIRLINE.values():
        events = hold(spec_for("tau_airline", "sim:hasty", seed=4, slip_rate=1e9, only=[kind]), task)
        for slip in slips(events):
            call = slip.proposal.message.tool_calls[0]
            right = [a.arguments for a in task.actions if a.name == call.name]
            wrong = call.parsed()
            assert wrong not in right
            assert any(_differences(wrong, other) == 1 for other in right), (task.id, wrong)
        if slips(events):
            changed += ended(events).reward.value == 0.0
    assert changed >= 3


def _differences(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        assert one.keys() == other.keys()
        return sum(_differences(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return sum(_differences(a, b) for a, b in zip(one, other, strict=True))
    return int(one != other)


def test_a_justified_objection_is_mended_and_an_unjustified_one_ignored_if_so_told():
    mended = 0
    for task in AIRLINE.values():
        spec = spec_for("tau_airline", "sim:hasty", seed=6, supervised=True, slip_rate=3, mend=1.0, sway=0.0)
        events = hold(spec, task, oracle)
        mended += sum(isinstance(e, Decided) and e.decision.kind == "revise" for e in events)
        assert ended(events).reward.value == 1.0, task.id
    assert mended > 10


def test_who_is_never_swayed_withstands_any_objection():
    for task in list(AIRLINE.values())[::3]:
        spec = spec_for("tau_airline", "sim:hasty", seed=6, supervised=True, slip_rate=0, sway=0.0)
        assert ended(hold(spec, task, at_random(1.0))).reward.value == 1.0


def test_who_is_always_swayed_gives_up_what_was_right():
    spec = spec_for("tau_airline", "sim:hasty", seed=6, supervised=True, slip_rate=0, sway=1.0)
    events = hold(spec, AIRLINE["cancel-02"], at_random(1.0))
    assert slips(events)
    assert all(p.attempt > 0 for p in slips(events))


def test_a_slip_that_is_not_mended_is_proposed_again():
    spec = spec_for(
        "tau_airline", "sim:hasty", seed=1, supervised=True, slip_rate=1e9, only=["wrong_argument"], mend=0.0
    )
    again = slips(hold(spec, AIRLINE["baggage-01"], oracle))
    assert len(again) == 3  # the first and two revisions
    assert len({json.dumps(p.proposal.message.tool_calls[0].parsed()) for p in again}) == 1


@settings(max_examples=examples(25), deadline=None)
@given(seed=st.integers(0, 2**31), rate=st.floats(0, 50), task=st.sampled_from(sorted(AIRLINE)))
def test_every_conversation_ends_by_the_user_or_a_transfer(seed, rate, task):
    events = hold(spec_for("tau_airline", "sim:hasty", seed=seed, slip_rate=rate), AIRLINE[task])
    assert ended(events).reason in ("user_stop", "transfer")


def test_what_cannot_be_meant_is_refused_with_the_remedy():
    task = AIRLINE["book-01"]
    for spec, given_task, words in [
        (spec_for("tau_airline", "sim:genius"), task, "sim:expert or sim:hasty"),
        (spec_for("tau_airline", "sim:expert"), None, "--task"),
        (spec_for("tau_airline", "sim:hasty", slips=3), task, "slip_rate"),
        (spec_for("tau_airline", "sim:expert", slip_rate=1), task, "no options"),
        (spec_for("tau_airline", "sim:hasty", mend=2), task, "between 0 and 1"),
    ]:
        with pytest.raises(UsageError, match=re.escape(words)):
            parties_for(spec, given_task, critic=None, recordings=no_recordings)


def test_options_may_come_as_text_from_a_command_line():
    assert habits_from({"slip_rate": "0.5", "only": ["left_out"]}).rate("left_out", DESK) == DESK["left_out"] / 2
    assert habits_from({"only": ["left_out"]}).rate("wrong_record", DESK) == 0.0


def test_the_documented_rates_are_the_rates():
    rows = re.findall(r"^(\w+)  +.*?(0\.\d\d)   (0\.\d\d)  ", catalogue.__doc__ or "", re.MULTILINE)
    assert {kind: float(desk) for kind, desk, _ in rows} == DESK
    assert {kind: float(trip) for kind, _, trip in rows} == TRIP
    assert set(DESK) == set(TRIP) == set(KINDS)


@pytest.mark.parametrize("task", ["cancel-02", "items-03", "exchange-01", "refusal-04"])
def test_an_expert_of_the_shop_finds_the_customer_before_it_opens_anything(task):
    events = hold(spec_for("tau_retail", "sim:expert"), RETAIL[task])
    called = [e.message.tool_calls[0].name for e in events if isinstance(e, Acted) and e.message.tool_calls]
    assert called[0].startswith("find_user_id")
    assert called[1] == "get_user_details"


def test_a_second_wish_is_met_when_it_is_brought_up_and_not_before():
    events = hold(spec_for("tau_retail", "sim:expert"), RETAIL["cancel-02"])
    asked = next(
        n
        for n, e in enumerate(events)
        if isinstance(e, Observed) and "bread bin" in (e.messages[0].content or "") and n > 8
    )
    first = [
        n
        for n, e in enumerate(events)
        if isinstance(e, Acted) and e.message.tool_calls and "#W204180" in e.message.tool_calls[0].arguments
    ]
    assert first
    assert min(first) > asked


def test_a_trip_is_searched_again_when_the_search_is_out_of_order():
    for task in TRAVEL.values():
        spec = replace(
            spec_for("travel", "sim:expert"), env_options={"headline": "all_best", "search_failure_interval": 2}
        )
        reward = ended(hold(spec, task)).reward
        assert reward is not None
        assert reward.value == 1.0, task.id
        assert reward.info["events"].count("out_of_order") >= 1


def test_a_run_with_a_simulated_actor_is_labelled_as_such_wherever_it_is_measured(tmp_path):
    db = tmp_path / "a.db"
    alone = ("--supervise", "off")
    acc_ok("run", "--actor", "sim:hasty", "--actor-option", "slip_rate=2", "--tasks", "cancel-*", "--db", db, *alone)
    printed = acc_ok("stats", "--db", db)
    assert "actor sim:hasty (simulated)" in printed
    assert "SIMULATED" in printed
    with open_database(db) as database:
        labels = database.rows("SELECT source, label, count(*) AS n FROM labels GROUP BY source, label")
        proposals = database.rows("SELECT count(*) AS n FROM proposals")[0]["n"]
    assert {row["source"] for row in labels} == {"oracle"}
    assert {row["label"] for row in labels} == {"approve", "revise"}
    assert sum(row["n"] for row in labels) == proposals


@pytest.mark.slow
@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_a_critic_that_knows_wins_back_the_loss_and_one_that_guesses_adds_to_it(env):
    alone = experiment(env, "sim:hasty", 20)
    known = experiment(env, "sim:hasty", 20, oracle)
    guessed = [experiment(env, "sim:hasty", 20, at_random(share)) for share in (0.5, 0.8)]
    print(env, alone.success, known.success, [run.success for run in guessed])
    assert 0.4 <= alone.success <= 0.62
    assert known.success >= 0.97
    assert all(run.success < alone.success for run in guessed)
