"""Models whose memory can't be cut back, or forgets by design: each judgement is that of a fresh evaluation."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.engine import Engine
from actorcritic_cli.critics.gguf_info import inspect
from actorcritic_cli.critics.kept_files import KeptFiles
from actorcritic_cli.critics.prompt import ASPECTS, build, build_ahead
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.critics.wire import Judge, Judged, Load
from actorcritic_cli.types import Message
from tests.critic_cases import POLICY, cancel, case, read_ahead, reply
from tests.critic_fresh import Fresh
from tests.critic_shapes import ARCHITECTURES, SHAPES, ShapeName, shaped
from tests.property_examples import examples

pytestmark = pytest.mark.slow

POLICIES = (POLICY, "Cancel whatever the customer wants cancelled, but never on a Sunday.")
CANDIDATES = ("Shall I cancel it?", "I promise you 100 dollars.", cancel("B-7"), "Done. " * 20)
RESULT = Message("tool", '{"status": "cancelled", "refund": 120}', tool_call_id="c1", name="cancel_booking")

every_shape = pytest.mark.parametrize("shape", SHAPES)


@cache
def fresh(shape: ShapeName) -> Fresh:
    return Fresh(shaped(shape))


@cache
def roomy(shape: ShapeName) -> Engine:
    return Engine(Load(str(shaped(shape)), threads=1, n_ctx=8192))


@cache
def small(shape: ShapeName) -> Engine:
    """Three sequences and few cells: something has to go all the time."""
    return Engine(Load(str(shaped(shape)), threads=1, n_ctx=1280, sequences=3))


def judged(engine: Engine, what: Case, threshold: float = 1.1) -> Judged:
    answer = engine.answer(Judge(1, build(what, engine.labels.pair), threshold, True, 60.0, what.session))
    assert isinstance(answer, Judged)
    return answer


def talk(session: str, turns: int) -> list[Case]:
    """The judgements of a conversation that grows by a reply, an answer, a call and its result each turn."""
    said = [Message("user", f"I am {session}: please cancel my booking {session}-7.")]
    cases = []
    for turn in range(turns):
        cases.append(case(f"Shall I cancel {session}-{turn}?", *said, session=session))
        said += [cases[-1].proposal.message, Message("user", f"Yes, cancel {session}-{turn}, please.")]
        cases.append(case(cancel(f"{session}-{turn}"), *said, session=session))
        said += [cases[-1].proposal.message, RESULT]
    return cases


def test_the_shapes_are_what_they_are_here_for() -> None:
    lib = roomy("recurrent")._lib
    for shape in SHAPES:
        assert inspect(shaped(shape)).architecture == ARCHITECTURES[shape]
        engine = roomy(shape)
        engine.forget()
        judged(engine, case())
        cut = lib.llama_memory_seq_rm(lib.llama_get_memory(engine._context), 1, 10, -1)
        assert cut is (shape == "windowed")
        engine.forget()
    assert lib.llama_model_is_recurrent(roomy("recurrent")._model)
    assert lib.llama_model_is_hybrid(roomy("hybrid")._model)
    assert lib.llama_model_n_swa(roomy("windowed")._model) > 0


@every_shape
def test_two_growing_sessions_in_turn_get_the_answers_of_a_fresh_evaluation(shape: ShapeName) -> None:
    engine = roomy(shape)
    engine.forget()
    wanted = []
    for one, other in zip(talk("a", 4), talk("b", 4), strict=True):
        for what in (one, other):
            wanted.append(fresh(shape).p_revise(what))
            assert judged(engine, what).p_revise == pytest.approx(wanted[-1], abs=1e-3)
    assert max(wanted) - min(wanted) > 0.05  # else nothing was compared
    gaps = [abs(one - other) for one, other in zip(wanted[::2], wanted[1::2], strict=True)]
    assert max(gaps) > 0.01  # one session's answer would be wrong for the other


@every_shape
def test_what_is_asked_again_is_answered_again(shape: ShapeName) -> None:
    engine = roomy(shape)
    engine.forget()
    what = talk("a", 2)[-1]
    first = judged(engine, what)
    for threshold in (1.1, 0.0, 1.1):
        assert judged(engine, what, threshold).p_revise == pytest.approx(first.p_revise, abs=1e-5)


@pytest.mark.parametrize("shape", ["recurrent", "hybrid"])
def test_a_memory_that_cannot_be_cut_starts_from_the_prefix_or_from_what_was_read_ahead(shape: ShapeName) -> None:
    engine = roomy(shape)
    engine.forget()
    one, two = talk("a", 1)
    prefix = len(engine.shared(build(one, engine.labels.pair)))
    assert judged(engine, one).tokens_reused == 0
    assert judged(engine, two).tokens_reused == prefix
    engine.forget()
    read_ahead(engine, one)
    known = len(engine.tokens(build_ahead(one, engine.labels.pair))) - len(engine._tail)
    answer = judged(engine, one)
    assert answer.tokens_reused == known > prefix
    assert answer.p_revise == pytest.approx(fresh(shape).p_revise(one), abs=1e-3)


steps = st.lists(
    st.tuples(
        st.sampled_from("abcd"),  # who is judged
        st.sampled_from(CANDIDATES),
        st.sampled_from(["judge", "judge", "read ahead", "judge and write"]),
        st.booleans(),  # is it accepted
    ),
    min_size=3,
    max_size=12,
)


@pytest.mark.slow
@pytest.mark.parametrize("make", [small, roomy])
@every_shape
@settings(max_examples=examples(5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_any_order_of_sessions_gives_the_answers_of_a_fresh_evaluation(make, shape: ShapeName, steps: list) -> None:
    engine = make(shape)
    engine.forget()
    said = {name: [Message("user", f"This is {name}: cancel my booking, please.")] for name in "abcd"}
    for name, candidate, how, accepted in steps:
        what = case(candidate, *said[name][-3:], session=name, policy=POLICIES[name in "cd"])
        if how == "read ahead":
            read_ahead(engine, what)
        answer = judged(engine, what, 0.0 if how == "judge and write" else 1.1)
        assert answer.p_revise == pytest.approx(fresh(shape).p_revise(what), abs=1e-3)
        if accepted:
            said[name] += [what.proposal.message, RESULT if what.proposal.kind == "tool_call" else reply("Go on.")]


@pytest.mark.slow
@pytest.mark.parametrize("make", [small, roomy])
@every_shape
@settings(max_examples=examples(5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, passes=st.lists(st.integers(0, 2), min_size=12, max_size=12))
def test_judgements_under_way_together_get_the_answers_of_a_fresh_evaluation(
    make, shape: ShapeName, steps: list, passes: list[int]
) -> None:
    engine = make(shape)
    engine.forget()
    said = {name: [Message("user", f"This is {name}: cancel my booking, please.")] for name in "abcd"}
    asked, found = {}, {}
    for number, ((name, candidate, how, accepted), steps_before_next) in enumerate(zip(steps, passes, strict=False)):
        what = asked[number] = case(candidate, *said[name][-3:], session=name, policy=POLICIES[name in "cd"])
        threshold = 0.0 if how == "judge and write" else 1.1
        engine.begin(Judge(number, build(what, engine.labels.pair), threshold, True, 60.0, name))
        for _ in range(steps_before_next):
            found.update({answer.number: answer for answer in engine.step()})
        if accepted:
            said[name] += [what.proposal.message, RESULT if what.proposal.kind == "tool_call" else reply("Go on.")]
    while engine.scheduler.busy:
        found.update({answer.number: answer for answer in engine.step()})
    for number, what in asked.items():
        assert isinstance(found[number], Judged)
        assert found[number].p_revise == pytest.approx(fresh(shape).p_revise(what), abs=1e-3)


@pytest.mark.parametrize("sequences", [2, 3, 16])
@every_shape
def test_each_aspect_gets_the_answer_of_its_own_question(shape: ShapeName, sequences: int) -> None:
    engine = Engine(Load(str(shaped(shape)), threads=1, n_ctx=2048, sequences=sequences))
    for what in talk("a", 2):
        prompt = build(what, engine.labels.pair, tuple(ASPECTS))
        answer = engine.answer(Judge(1, prompt, 1.1, False, 60.0, what.session))
        assert isinstance(answer, Judged)
        alone = [fresh(shape).p_of(build(what, engine.labels.pair, (aspect,))) for aspect in ASPECTS]
        assert answer.aspects == pytest.approx(alone, abs=1e-3)
        assert max(alone) - min(alone) > 2e-3


@every_shape
def test_the_prefix_comes_back_from_its_file(shape: ShapeName, tmp_path: Path) -> None:
    cases = [*talk("a", 2), *talk("b", 1)]
    load = Load(str(shaped(shape)), threads=1, n_ctx=2048, sha256="a" * 64, states=str(tmp_path))
    first = Engine(load)
    assert judged(first, cases[0]).tokens_loaded == 0
    first.tidy()
    (state,) = KeptFiles(tmp_path).files()
    second = Engine(load)
    for number, what in enumerate(cases):
        answer = judged(second, what)
        assert answer.tokens_loaded == (state.tokens if number == 0 else 0)
        assert answer.tokens_reused >= state.tokens
        assert answer.p_revise == pytest.approx(fresh(shape).p_revise(what), abs=1e-3)


@every_shape
def test_environments_that_take_turns_load_their_prefixes_in_turn(shape: ShapeName, tmp_path: Path) -> None:
    load = Load(str(shaped(shape)), threads=1, n_ctx=1280, sequences=3, sha256="a" * 64, states=str(tmp_path))
    engine = Engine(load)
    for turn in range(3):
        for number, policy in enumerate(POLICIES):
            what = case(f"Well, {turn}.", session=f"{number}", policy=policy)
            answer = judged(engine, what)
            engine.tidy()
            assert answer.p_revise == pytest.approx(fresh(shape).p_revise(what), abs=1e-3)
    assert len(KeptFiles(tmp_path).files()) == len(POLICIES)


@every_shape
def test_the_worker_judges_with_it(shape: ShapeName) -> None:
    with LlamaCritic(shaped(shape), threads=1) as critic:
        for what in talk("a", 2):
            verdict = critic.judge(what)
            assert verdict.p_revise == pytest.approx(fresh(shape).p_revise(what), abs=1e-3)
