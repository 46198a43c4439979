"""Reading ahead: what the critic reads while the actor thinks needs no reading when the proposal comes."""

from __future__ import annotations

import os
import signal
import time
from functools import cache
from itertools import pairwise

import pytest

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.engine import Engine
from actorcritic_cli.critics.inbox import Inbox
from actorcritic_cli.critics.memory import CHUNK
from actorcritic_cli.critics.prompt import build, build_ahead
from actorcritic_cli.critics.protocol import Case, Reading, ReadsAhead
from actorcritic_cli.critics.wire import Judge, Judged, Load, Prefill
from actorcritic_cli.types import Message, Proposal, Supervision
from tests.critic_cases import cancel, case, tiny
from tests.parties import RuleCritic, actor_of, call, reply, session_of

RESULT = Message("tool", "cancelled", tool_call_id="c1", name="cancel_booking")


@cache
def engine() -> Engine:
    return Engine(Load(str(tiny()), threads=1))


def reading_of(what: Case) -> Reading:
    return Reading(what.session, what.policy, what.tools, what.transcript, what.nonce)


def prefill(what: Case) -> Prefill:
    return Prefill(what.session, build_ahead(reading_of(what), engine().labels.pair))


def judged(what: Case) -> Judged:
    answer = engine().judge(Judge(1, build(what, engine().labels.pair), 1.1, False, 60.0, what.session))
    assert isinstance(answer, Judged)
    return answer


def own_tokens(what: Case) -> int:
    """How many tokens of a case come after its conversation."""
    ahead = build_ahead(reading_of(what), engine().labels.pair)
    known = len(engine().tokens(ahead)) - len(engine()._tail)
    return len(engine().tokens(build(what, engine().labels.pair))) - known


def long_case(session: str = "long") -> Case:
    return case("Well.", Message("user", "please " * 1500), session=session)


def test_after_reading_ahead_only_the_candidate_and_the_question_are_new() -> None:
    engine().forget()
    what = case("Your booking is cancelled.", Message("user", "Cancel it."), cancel(), RESULT)
    fresh = judged(what)
    engine().forget()
    assert engine().prefill(prefill(what), lambda: False)
    after = judged(what)
    assert after.tokens_evaluated == own_tokens(what)
    assert after.p_revise == pytest.approx(fresh.p_revise, abs=1e-3)


def test_what_was_read_in_a_judgement_is_not_read_again() -> None:
    engine().forget()
    said = Message("user", "Cancel it.")
    judged(case(cancel(), said))
    memory = engine()._memory
    assert engine().prefill(prefill(case("x", said, cancel())), lambda: False)
    assert memory.evaluated == 0
    assert judged(case(cancel(), said)).tokens_evaluated == 1  # and nothing was taken off for it
    assert engine().prefill(prefill(case("x", said, cancel(), RESULT)), lambda: False)
    assert 0 < memory.evaluated < 40


def test_reading_ahead_stops_after_one_pass_when_something_urgent_comes() -> None:
    engine().forget()
    what = long_case()
    asked = []

    def urgent() -> bool:
        asked.append(engine()._memory.evaluated)
        return len(asked) > 3

    assert not engine().prefill(prefill(what), urgent)
    assert max(later - earlier for earlier, later in pairwise(asked)) <= CHUNK
    done = engine()._memory.evaluated
    assert done == asked[-1]
    after = judged(what)
    assert after.tokens_reused == done
    engine().forget()
    assert after.p_revise == pytest.approx(judged(what).p_revise, abs=1e-3)


def test_a_conversation_without_room_is_no_harm() -> None:
    small = Engine(Load(str(tiny()), threads=1, n_ctx=512))
    what = case("Hi.", policy="word " * 700)
    assert small.prefill(prefill(what), lambda: False)
    long = case("Well.", *([Message("user", "word " * 30)] * 30), policy="Be kind.")
    roomy = Engine(Load(str(tiny()), threads=1, n_ctx=1024))
    assert roomy.prefill(prefill(long), lambda: False)
    answer = roomy.judge(Judge(1, build(long, roomy.labels.pair), 1.1, False, 60.0, long.session))
    assert isinstance(answer, Judged)
    assert answer.truncated > 0
    assert answer.tokens_evaluated == own_tokens(long)


def test_the_inbox_puts_judgements_first_and_drops_what_is_void() -> None:
    def ask(session: str) -> Judge:
        return Judge(1, build(case(), engine().labels.pair), 1.1, False, 60.0, session)

    def wish(session: str, text: str = "x") -> Prefill:
        return Prefill(session, build_ahead(reading_of(case("x", Message("user", text))), engine().labels.pair))

    inbox = Inbox()
    inbox.put(wish("a", "old"))
    inbox.put(wish("b"))
    inbox.put(wish("a", "new"))
    assert not inbox.urgent()
    inbox.put(ask("c"))
    assert inbox.urgent()
    assert inbox.next() == ask("c")
    assert inbox.next() == wish("b")
    inbox.put(ask("a"))
    assert inbox.next() == ask("a")  # which made the wish of a void
    inbox.put_back(wish("b"))
    inbox.put(wish("a", "new"))
    inbox.put_back(wish("a", "old"))
    assert [inbox.next(), inbox.next()] == [wish("b"), wish("a", "new")]
    inbox.put(ask("a"))
    inbox.put_back(wish("a"))
    inbox.next()
    inbox.put(ask("z"))
    assert inbox.next() == ask("z")
    assert not inbox._ahead


def test_the_worker_reads_ahead_and_the_verdict_comes_from_what_is_new() -> None:
    with LlamaCritic(tiny(), threads=1) as critic:
        assert isinstance(critic, ReadsAhead)
        critic.prefill(reading_of(case()))  # nothing is loaded yet: no harm
        critic.judge(case(session="first"))
        for number in range(1, 20):  # the worker says nothing when it has read ahead, so it is given more and more time
            what = case("Well.", Message("user", "Cancel it, please. " * 20), session=f"s-{number}")
            critic.prefill(reading_of(what))
            time.sleep(0.05 * number)
            verdict = critic.judge(what)
            if verdict.detail["tokens_evaluated"] == own_tokens(what):
                break
        else:
            pytest.fail(f"never read ahead: {verdict.detail}")


def test_reading_ahead_never_waits_for_another_judgement_and_is_done_after_it() -> None:
    with LlamaCritic(tiny(), threads=1) as critic:
        critic.judge(case(session="first"))
        what = case("Well.", Message("user", "Cancel it, please."), session="mine")
        with critic._lock:  # as while another thread's judgement is under way
            critic.prefill(reading_of(what))
        assert list(critic._waiting) == ["mine"]
        critic.judge(case(session="first"))
        assert not critic._waiting
        critic.prefill(reading_of(what))
        pid = critic.worker_pid
        assert critic.judge(what).kind != "no_verdict"
        assert critic.worker_pid == pid


def test_reading_ahead_survives_a_dead_worker() -> None:
    with LlamaCritic(tiny(), threads=1) as critic:
        critic.judge(case())
        assert critic.worker_pid is not None
        os.kill(critic.worker_pid, signal.SIGKILL)
        critic.prefill(reading_of(case()))
        while critic.worker_pid is not None:
            time.sleep(0.01)
        critic.prefill(reading_of(case()))
        assert critic.judge(case()).kind != "no_verdict"
    critic.prefill(reading_of(case()))


class AheadCritic(RuleCritic):
    """A rule that also notes what it was given to read ahead."""

    def __init__(self, p_revise: float):
        super().__init__(lambda _: p_revise)
        self.log: list[Reading | Case] = []

    def judge(self, case: Case):
        self.log.append(case)
        return super().judge(case)

    def prefill(self, reading: Reading) -> None:
        self.log.append(reading)


def held(critic: RuleCritic, **supervision: str) -> list:
    actor = actor_of(call("calculate", {"expression": "1 + 1"}), reply("It is 2."), reply("Bye."))
    lines = ["What is 1 + 1?", "Thank you.", "###STOP###"]
    session, _ = session_of(actor, lines, critic=critic, supervision=Supervision(**supervision))
    return list(session.events())


def test_a_session_has_everything_read_ahead_that_the_next_judgement_will_show() -> None:
    critic = AheadCritic(0.1)
    held(critic, gate="all")
    labels = engine().labels.pair
    cases = [n for n, entry in enumerate(critic.log) if isinstance(entry, Case)]
    assert len(cases) == 3
    for number in cases:
        before, what = critic.log[number - 1], critic.log[number]
        assert isinstance(before, Reading)
        assert before.transcript == what.transcript
        ahead, full = build_ahead(before, labels), build(what, labels)
        assert (ahead.system, ahead.user) == (full.system, full.user[:1])
    assert isinstance(critic.log[0], Reading)


@pytest.mark.parametrize("supervision", [{"gate": "none"}, {"mode": "off"}])
def test_where_nothing_is_judged_nothing_is_read_ahead(supervision: dict[str, str]) -> None:
    critic = AheadCritic(0.1)
    held(critic, **supervision)
    assert critic.log == []


def test_a_critic_that_cannot_read_ahead_is_not_asked_to() -> None:
    plain = RuleCritic(lambda _: 0.1)
    assert not isinstance(plain, ReadsAhead)
    assert [type(event) for event in held(plain)] == [type(event) for event in held(AheadCritic(0.1))]


def test_the_proposal_of_a_case_is_not_part_of_what_is_read_ahead() -> None:
    labels = engine().labels.pair
    one, other = case("One."), case("Another.")
    assert build_ahead(one, labels) == build_ahead(other, labels)
    assert Proposal(Message("assistant", "One.")) == one.proposal
