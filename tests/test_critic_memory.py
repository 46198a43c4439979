"""Sessions that share one model's memory: whatever was read before, each gets the answer of a fresh evaluation."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.critics.engine import Engine
from actorcritic_cli.critics.prompt import build
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.critics.wire import Judge, Judged, Load
from actorcritic_cli.types import Message
from tests.critic_cases import POLICY, cancel, case, plain
from tests.property_examples import examples

POLICIES = (POLICY, "Cancel whatever the customer wants cancelled, but never on a Sunday.")
CANDIDATES = ("Shall I cancel it?", "I promise you 100 dollars.", cancel("B-7"), "Done. " * 20)
RESULT = Message("tool", '{"status": "cancelled", "refund": 120}', tool_call_id="c1", name="cancel_booking")


@cache
def reference() -> Engine:
    return Engine(Load(str(plain()), threads=1, n_ctx=2048))


@cache
def small() -> Engine:
    """Three sequences and few cells: something has to go all the time."""
    return Engine(Load(str(plain()), threads=1, n_ctx=1280, sequences=3))


@cache
def roomy() -> Engine:
    return Engine(Load(str(plain()), threads=1, n_ctx=8192))


@pytest.fixture(params=["small", "roomy"])
def engine(request: pytest.FixtureRequest) -> Engine:
    engine = small() if request.param == "small" else roomy()
    engine.forget()
    return engine


_known: dict[tuple[int, ...], float] = {}


def fresh(what: Case) -> float:
    """The probability without anything read before."""
    engine = reference()
    prompt = build(what, engine.labels.pair)
    key = tuple(engine.tokens(prompt))
    if key not in _known:
        engine.forget()
        reply = engine.answer(Judge(1, prompt, 1.1, False, 60.0))
        assert isinstance(reply, Judged)
        assert reply.tokens_reused == 0
        _known[key] = reply.p_revise
    return _known[key]


def judged(engine: Engine, what: Case, threshold: float = 1.1) -> Judged:
    reply = engine.answer(Judge(1, build(what, engine.labels.pair), threshold, True, 60.0, what.session))
    assert isinstance(reply, Judged)
    return reply


def consistent(engine: Engine) -> None:
    """llama.cpp holds what the memory believes it holds."""
    memory = engine.memory
    lib = engine._lib
    branches = {0: memory._prefix, **{branch.number: branch for branch in memory._branches.values()}}
    assert len(branches) == len(memory.sessions) + 1
    assert memory.cells <= engine.n_ctx
    for number, branch in branches.items():
        last = lib.llama_memory_seq_pos_max(lib.llama_get_memory(engine._context), number)
        assert last == len(branch.tokens) - 1


steps = st.lists(
    st.tuples(
        st.sampled_from("abcd"),  # who is judged
        st.sampled_from(CANDIDATES),
        st.booleans(),  # is it accepted
        st.sampled_from([1.1, 1.1, 0.0]),  # is a critique written
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_any_order_of_sessions_gives_the_answers_of_a_fresh_evaluation(engine: Engine, steps: list) -> None:
    said = {name: [Message("user", f"This is {name}: cancel my booking, please.")] for name in "abcd"}
    for name, candidate, accepted, threshold in steps:
        policy = POLICIES[name in "cd"]
        what = case(candidate, *said[name][-3:], session=name, policy=policy)
        assert judged(engine, what, threshold).p_revise == pytest.approx(fresh(what), abs=1e-3)
        consistent(engine)
        if accepted:
            said[name] += [
                what.proposal.message,
                RESULT if what.proposal.kind == "tool_call" else Message("user", "Go on."),
            ]


def grown(session: str, turns: int, policy: str = POLICY) -> Case:
    said = [Message("user", f"I am {session}.")]
    for _ in range(turns):
        said += [cancel("B-7"), RESULT]
    return case("Well.", *said, session=session, policy=policy)


def test_a_second_session_reads_only_what_is_its_own() -> None:
    engine = roomy()
    engine.forget()
    first, second = judged(engine, grown("a", 0)), judged(engine, grown("b", 0))
    prefix = len(engine.shared(build(grown("a", 0), engine.labels.pair)))
    assert (first.tokens_reused, second.tokens_reused) == (0, prefix)
    assert engine.memory.cells == first.tokens_total + second.tokens_evaluated  # the prefix is stored once


def test_each_session_keeps_its_branch_while_others_are_judged() -> None:
    engine = roomy()
    engine.forget()
    for name in "abc":
        judged(engine, grown(name, 1))
    for name in "abc":
        assert judged(engine, grown(name, 1)).tokens_evaluated == 1


def test_the_branch_unused_for_the_longest_time_goes() -> None:
    engine = small()
    engine.forget()
    for name in ("a", "b", "a", "c"):
        judged(engine, grown(name, 0))
    assert set(engine.memory.sessions) == {"a", "c"}
    assert judged(engine, grown("a", 0)).tokens_evaluated == 1
    again = judged(engine, grown("b", 0))
    assert again.tokens_evaluated > 1
    assert again.tokens_reused > 0  # the prefix at least
    assert again.p_revise == pytest.approx(fresh(grown("b", 0)), abs=1e-3)


def test_a_growing_session_pushes_others_out_of_the_cells() -> None:
    engine = small()
    engine.forget()
    judged(engine, grown("a", 9))
    assert judged(engine, grown("b", 9)).truncated == 0
    assert engine.memory.sessions == ("b",)
    consistent(engine)


def test_another_environment_gets_its_own_prefix_and_the_first_is_not_spoilt() -> None:
    engine = small()
    engine.forget()
    for name, policy in (("a", 0), ("b", 1), ("a", 0), ("b", 1), ("a", 0)):
        what = grown(name, 2, POLICIES[policy])
        assert judged(engine, what).p_revise == pytest.approx(fresh(what), abs=1e-3)
        consistent(engine)


def test_an_environments_prefix_goes_when_another_ones_session_needs_the_cells() -> None:
    engine = small()
    engine.forget()
    judged(engine, grown("a", 1, POLICIES[0]))
    judged(engine, grown("b", 0, POLICIES[1]))  # sequence 0 holds the other policy now
    what = grown("a", 9, POLICIES[0])
    reply = judged(engine, what)
    assert reply.tokens_reused > 0
    assert reply.p_revise == pytest.approx(fresh(what), abs=1e-3)
    consistent(engine)


def test_the_same_session_under_another_policy_is_read_anew() -> None:
    engine = roomy()
    engine.forget()
    for policy in (0, 1, 0):
        what = grown("a", 1, POLICIES[policy])
        assert judged(engine, what).p_revise == pytest.approx(fresh(what), abs=1e-3)
