"""Several judgements under way at once: whatever shares a pass with what, each gets the answer of a fresh evaluation."""

from __future__ import annotations

import threading
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.engine import Engine
from actorcritic_cli.critics.inbox import Inbox
from actorcritic_cli.critics.prompt import ASPECTS, build, build_ahead
from actorcritic_cli.critics.protocol import Case, Compares, Reading
from actorcritic_cli.critics.reading import CHUNK
from actorcritic_cli.critics.wire import Begun, Judge, Judged, Load, Prefill, Reply, Unjudged
from actorcritic_cli.types import Message, Proposal
from tests.critic_cases import POLICY, cancel, case, plain, reply
from tests.critic_fresh import Fresh
from tests.property_examples import examples

POLICIES = (POLICY, "Cancel whatever the customer wants cancelled, but never on a Sunday.")
CANDIDATES = ("Shall I cancel it?", "I promise you 100 dollars.", cancel("B-7"), "Done. " * 20)
RESULT = Message("tool", '{"status": "cancelled", "refund": 120}', tool_call_id="c1", name="cancel_booking")


@cache
def fresh() -> Fresh:
    return Fresh(plain())


@cache
def small() -> Engine:
    """Few sequences and cells: something has to go all the time, and not everything fits beside the rest."""
    return Engine(Load(str(plain()), threads=1, n_ctx=1536, sequences=4))


@cache
def roomy() -> Engine:
    return Engine(Load(str(plain()), threads=1, n_ctx=8192))


def begin(engine: Engine, number: int, what: Case, threshold: float = 1.1, seconds: float = 60.0) -> None:
    prompt = build(what, engine.labels.pair)
    engine.begin(Judge(number, prompt, threshold, threshold < 1, seconds, what.session))


def finish(engine: Engine) -> list[Reply]:
    replies: list[Reply] = []
    while engine.scheduler.busy:
        replies += engine.step()
    return replies


def judged(replies: list[Reply]) -> dict[int, Judged]:
    return {reply.number: reply for reply in replies if isinstance(reply, Judged)}


moves = st.lists(
    st.tuples(
        st.sampled_from("abcdef"),  # whose turn it is
        st.sampled_from(CANDIDATES),
        st.sampled_from(["judge", "judge", "judge", "judge and write", "read ahead"]),
        st.booleans(),  # is what was proposed accepted
        st.integers(0, 3),  # passes until the next one comes
    ),
    min_size=4,
    max_size=16,
)


@pytest.mark.parametrize("make", [small, roomy])
@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=moves)
def test_any_interleaving_gives_the_answers_of_a_fresh_evaluation(make, moves: list) -> None:
    engine = make()
    engine.forget()
    said = {name: [Message("user", f"This is {name}: cancel my booking, please.")] for name in "abcdef"}
    asked: dict[int, Case] = {}
    replies: list[Reply] = []
    for number, (name, candidate, how, accepted, passes) in enumerate(moves):
        what = case(candidate, *said[name][-4:], session=name, policy=POLICIES[name in "ef"])
        if how == "read ahead":
            known = Reading(what.session, what.policy, what.tools, what.transcript)
            engine.read_ahead(Prefill(name, build_ahead(known, engine.labels.pair)))
        else:
            asked[number] = what
            begin(engine, number, what, 0.0 if how == "judge and write" else 1.1)
        for _ in range(passes):
            replies += engine.step()
        if accepted:
            said[name] += [what.proposal.message, RESULT if what.proposal.kind == "tool_call" else reply("Go on.")]
    replies += finish(engine)
    found = judged(replies)
    assert found.keys() == asked.keys()
    for number, what in asked.items():
        assert found[number].p_revise == pytest.approx(fresh().p_revise(what), abs=1e-3)
    assert engine.memory.cells <= engine.n_ctx
    assert not any(branch.users for branch in engine.memory._branches.values())
    assert not engine.memory._twigs


def test_what_waits_together_is_read_together() -> None:
    engine = roomy()
    engine.forget()
    begin(engine, 0, case(session="first"))
    finish(engine)
    own = [engine.plan_of(build(case("Hi.", session=name), engine.labels.pair)) for name in "ab"]
    assert sum(plan.total - plan.shared for plan in own) <= CHUNK
    for number, name in enumerate("ab"):
        begin(engine, number, case("Hi.", session=name))
    replies = engine.step()
    assert [type(reply) for reply in replies] == [Begun, Begun, Judged, Judged]  # one pass for both
    assert not engine.scheduler.busy


def test_it_is_worth_to_look_out_for_others_only_where_there_are_any_and_nobody_waits() -> None:
    engine = roomy()
    engine.forget()
    begin(engine, 1, case(session="a"))
    finish(engine)
    assert engine.scheduler.linger == 0
    begin(engine, 2, case(session="b"))
    finish(engine)
    assert 0 < engine.scheduler.linger <= 0.01
    begin(engine, 3, case("Well.", session="b"))
    assert engine.scheduler.linger == 0
    finish(engine)


def test_those_who_ask_at_the_same_moment_are_taken_together_and_nobody_waits_for_reading_ahead() -> None:
    asked = Judge(1, build(case(), roomy().labels.pair), 1.1, False, 60.0, "a")
    ahead = Prefill("b", build_ahead(Reading("b", POLICY, (), (), ""), roomy().labels.pair))
    inbox = Inbox()

    def ask() -> None:
        inbox.put(asked)
        inbox.put(asked)
        inbox.put(ahead)  # nobody waits for its answer, so nobody is waited for after it

    asking = threading.Thread(target=ask)
    asking.start()
    taken = [inbox.take(wait=True, linger=60.0)]
    asking.join()
    taken.append(inbox.take(wait=False, linger=60.0))
    found = [received.request for some in taken for received in some]
    assert found == [asked, asked, ahead]


def test_a_short_judgement_does_not_wait_for_the_end_of_a_long_one() -> None:
    engine = roomy()
    engine.forget()
    begin(engine, 0, case(session="first"))
    finish(engine)
    begin(engine, 1, case("Well.", Message("user", "please " * 1500), session="long"))
    engine.step()
    begin(engine, 2, case("Now.", session="short"))
    order = [reply.number for reply in finish(engine) if isinstance(reply, Judged)]
    assert order == [2, 1]


def test_two_questions_of_one_session_are_answered_one_after_the_other() -> None:
    engine = roomy()
    engine.forget()
    for number in range(3):
        begin(engine, number, case(f"Proposal {number}.", session="one"))
    found = judged(finish(engine))
    for number in range(3):
        expected = fresh().p_revise(case(f"Proposal {number}.", session="one"))
        assert found[number].p_revise == pytest.approx(expected, abs=1e-3)


def test_time_that_runs_out_for_one_is_not_lost_for_the_others() -> None:
    engine = roomy()
    engine.forget()
    begin(engine, 1, case("Well.", Message("user", "please " * 1500), session="long"), seconds=0.01)
    begin(engine, 2, case("Now.", session="short"))
    replies = finish(engine)
    assert [r.why for r in replies if isinstance(r, Unjudged)] == ["timeout"]
    assert judged(replies)[2].p_revise == pytest.approx(fresh().p_revise(case("Now.", session="short")), abs=1e-3)


def test_what_is_cancelled_gets_no_answer_and_leaves_nothing_behind() -> None:
    engine = roomy()
    engine.forget()
    for number, name in enumerate("abc"):
        begin(engine, number, case("Well.", Message("user", "please " * 600), session=name))
    engine.step()
    engine.scheduler.cancel(0)  # under way
    engine.scheduler.cancel(2)  # not yet begun, for the prefix is still being read
    assert judged(finish(engine)).keys() == {1}
    assert not any(branch.users for branch in engine.memory._branches.values())


@pytest.mark.parametrize("sequences", [2, 3, 16])
def test_each_aspect_gets_the_answer_of_its_own_question(sequences: int) -> None:
    engine = Engine(Load(str(plain()), threads=1, n_ctx=2048, sequences=sequences))
    what = case("I promise you 100 dollars.")
    whole = build(what, engine.labels.pair, tuple(ASPECTS))
    for threshold in (1.1, 0.0, 1.1):
        found = engine.answer(Judge(1, whole, threshold, True, 60.0, "s-1"))
        assert isinstance(found, Judged)
        alone = [fresh().p_of(build(what, engine.labels.pair, (aspect,))) for aspect in ASPECTS]
        assert found.aspects == pytest.approx(alone, abs=1e-3)
        assert found.p_revise == max(found.aspects)
        assert (found.critique is not None) == (threshold < 1)
    assert len(set(alone)) == 3  # the questions do make a difference


def test_aspects_are_read_over_one_evaluated_conversation_in_one_pass() -> None:
    engine = roomy()
    engine.forget()
    what = case("I promise you 100 dollars.")
    engine.answer(Judge(1, build(what, engine.labels.pair), 1.1, False, 60.0, "s-1"))
    engine.begin(Judge(2, build(what, engine.labels.pair, tuple(ASPECTS)), 1.1, False, 60.0, "s-1"))
    (found,) = judged(engine.step()).values()
    questions = engine.plan_of(build(what, engine.labels.pair, tuple(ASPECTS))).endings
    assert found.tokens_evaluated == sum(len(question) for question in questions)


def test_the_critic_says_what_each_aspect_says() -> None:
    with LlamaCritic(plain(), threads=1, aspects=("policy", "grounding")) as critic:
        verdict = critic.judge(case())
        assert list(verdict.detail["aspects"]) == ["policy", "grounding"]
        assert verdict.p_revise == max(verdict.detail["aspects"].values())
        assert critic.identity.id != LlamaCritic(plain()).identity.id


CHOICES = tuple(Proposal(reply(text)) for text in ("Shall I cancel it?", "I promise you 100 dollars.", "No. " * 12))


def test_a_comparison_does_not_depend_on_the_order_of_the_candidates() -> None:
    with LlamaCritic(plain(), threads=1) as critic:
        assert isinstance(critic, Compares)
        found = critic.compare(case(), CHOICES)
        assert sum(found.scores) == pytest.approx(1.0)
        assert found.best == found.scores.index(max(found.scores))
        assert len(set(found.scores)) == 3
        turned = critic.compare(case(), (*CHOICES[1:], CHOICES[0]))  # a rotation asks the very same questions
        assert (*turned.scores[-1:], *turned.scores[:-1]) == pytest.approx(found.scores, abs=1e-3)
        pair, swapped = critic.compare(case(), CHOICES[:2]), critic.compare(case(), CHOICES[1::-1])
        assert pair.scores == pytest.approx(swapped.scores[::-1], abs=1e-3)
        shares = pair.detail["p_letters"]  # without rotation the place would have counted
        assert shares[0] != pytest.approx(shares[1][::-1], abs=1e-3)


def test_a_comparison_leaves_the_sessions_branch_as_it_was() -> None:
    with LlamaCritic(plain(), threads=1) as critic:
        before = critic.judge(case())
        critic.compare(case(), CHOICES)
        after = critic.judge(case())
    assert after.p_revise == pytest.approx(before.p_revise, abs=1e-3)


def test_a_comparison_that_cannot_be_made_says_why() -> None:
    with LlamaCritic(plain(), threads=1, n_ctx=512) as critic:
        found = critic.compare(case(), tuple(Proposal(reply("word " * n)) for n in (300, 301, 302)))
        assert (found.scores, found.best, found.why) == ((), None, "context")
        assert "512" in found.message


def test_judgements_and_comparisons_of_many_threads_each_get_their_own_answer() -> None:
    with LlamaCritic(plain(), threads=2, n_ctx=8192) as critic:
        cases = [case(f"Proposal of thread {i}." * (i + 1), session=f"t{i}") for i in range(8)]
        expected = critic.compare(cases[0], CHOICES).scores
        found: dict[int, float | None] = {}
        compared: list[tuple[float, ...]] = []
        threads = [
            threading.Thread(target=lambda i=i: found.update({i: critic.judge(cases[i]).p_revise})) for i in range(8)
        ]
        threads.append(threading.Thread(target=lambda: compared.append(critic.compare(cases[0], CHOICES).scores)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert [found[i] for i in range(8)] == pytest.approx([fresh().p_revise(one) for one in cases], abs=1e-3)
        assert compared == [pytest.approx(expected, abs=1e-3)]
