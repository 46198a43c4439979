"""Reading ahead: what the critic reads while the actor thinks needs no reading when the proposal comes."""

from __future__ import annotations

import os
import signal
import time
from functools import cache

import msgspec
import pytest

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.engine import Engine
from actorcritic_cli.critics.prompt import build, build_ahead
from actorcritic_cli.critics.protocol import Case, Reading, ReadsAhead, Remembers
from actorcritic_cli.critics.reading import AHEAD_CHUNK
from actorcritic_cli.critics.wire import Begun, Judge, Judged, Load, Prefill
from actorcritic_cli.types import Message, Proposal, Supervision
from tests.critic_cases import cancel, case, read_ahead, tiny
from tests.parties import RuleCritic, actor_of, call, reply, session_of

RESULT = Message("tool", "cancelled", tool_call_id="c1", name="cancel_booking")


@cache
def engine() -> Engine:
    return Engine(Load(str(tiny()), threads=1))


def reading_of(what: Case) -> Reading:
    return Reading(what.session, what.policy, what.tools, what.transcript, what.nonce)


def judged(what: Case) -> Judged:
    answer = engine().answer(Judge(1, build(what, engine().labels.pair), 1.1, False, 60.0, what.session))
    assert isinstance(answer, Judged)
    return answer


def begin_ahead(what: Case) -> None:
    """Have a conversation read when there is time, which there is in the engine's next passes."""
    engine().read_ahead(Prefill(what.session, build_ahead(reading_of(what), engine().labels.pair)))


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
    read_ahead(engine(), what)
    after = judged(what)
    assert after.tokens_evaluated == own_tokens(what)
    assert after.p_revise == pytest.approx(fresh.p_revise, abs=1e-3)


def test_what_was_read_in_a_judgement_is_not_read_again() -> None:
    engine().forget()
    said = Message("user", "Cancel it.")
    judged(case(cancel(), said))
    read_ahead(engine(), case("x", said, cancel()))
    assert judged(case(cancel(), said)).tokens_evaluated == 1  # nothing was taken off for it
    read_ahead(engine(), case("x", said, cancel(), RESULT))
    assert judged(case("x", said, cancel(), RESULT)).tokens_evaluated == own_tokens(case("x", said, cancel(), RESULT))


def test_reading_ahead_is_laid_aside_for_a_judgement_and_taken_up_after_it() -> None:
    engine().forget()
    what, urgent = long_case(), case("Now.", session="urgent")
    judged(case(session="other"))  # the prefix is there
    begin_ahead(what)
    for _ in range(3):
        engine().step()
    held = engine().memory.cells
    engine().begin(Judge(7, build(urgent, engine().labels.pair), 1.1, False, 60.0, "urgent"))
    replies = [reply for _ in range(2) for reply in engine().step()]
    assert [type(reply) for reply in replies] == [Begun, Judged]
    assert engine().scheduler.busy
    assert held == AHEAD_CHUNK * 3 + judged(case(session="other")).tokens_total  # what was read is kept
    while engine().scheduler.busy:
        engine().step()
    after = judged(what)
    assert after.tokens_evaluated == own_tokens(what)
    engine().forget()
    assert after.p_revise == pytest.approx(judged(what).p_revise, abs=1e-3)


def test_a_session_that_is_over_takes_no_cells_any_more_and_may_come_back() -> None:
    engine().forget()
    first = judged(case(session="over"))
    alone = engine().memory.cells
    judged(case("Well.", session="goes on"))
    begin_ahead(long_case("over"))
    engine().scheduler.leave("over")
    assert not engine().scheduler.busy
    assert engine().memory.sessions == ("goes on",)
    engine().scheduler.leave("unknown")
    again = judged(case(session="over"))
    assert again.tokens_reused < again.tokens_total == alone
    assert again.p_revise == pytest.approx(first.p_revise, abs=1e-3)


def test_a_session_is_not_taken_from_somebody_who_waits_for_its_verdict() -> None:
    engine().forget()
    what = long_case()
    engine().begin(Judge(9, build(what, engine().labels.pair), 1.1, False, 60.0, "long"))
    engine().step()
    engine().scheduler.leave("long")
    replies = []
    while engine().scheduler.busy:
        replies += engine().step()
    assert [type(reply) for reply in replies] == [Judged]


def test_the_worker_is_told_that_a_session_is_over() -> None:
    with LlamaCritic(tiny(), threads=1, write_critiques=False) as critic:
        assert isinstance(critic, Remembers)
        critic.leave("s-1")  # nobody is there yet
        assert critic.worker_pid is None
        first = critic.judge(case(session="s-1"))
        kept = critic.judge(case(session="s-1"))
        critic.leave("s-1")
        gone = critic.judge(case(session="s-1"))
    assert kept.detail["tokens_evaluated"] == 1
    assert gone.detail["tokens_evaluated"] > 1
    assert gone.p_revise == pytest.approx(first.p_revise, abs=1e-3)


def test_a_session_says_that_it_is_over_once_at_its_end() -> None:
    class Keeps(RuleCritic):
        left: list[str]

        def leave(self, session: str) -> None:
            self.left.append(session)

    critic = Keeps(lambda _: 0.1)
    critic.left = []
    session, started = session_of(actor_of(reply("Hello."), reply("Bye.")), ["Hi.", "###STOP###"], critic=critic)
    for _ in session.events():
        assert critic.left == []
    assert session.state.phase == "ended"
    assert critic.left == [started.session]


def test_a_session_alone_is_read_ahead_in_larger_passes() -> None:
    engine().forget()
    what = long_case()
    judged(case("Well.", session="long"))  # the prefix is there, and nobody else
    before = engine().memory.cells
    begin_ahead(what)
    engine().step()
    assert engine().memory.cells > before + AHEAD_CHUNK
    alone = engine().memory.cells
    judged(case(session="other"))
    engine().step()
    both = engine().memory.cells
    engine().step()
    assert alone < engine().memory.cells == both + AHEAD_CHUNK


def test_what_was_still_being_read_when_it_was_asked_for_is_told() -> None:
    engine().forget()
    what = long_case()
    judged(case(session="other"))  # the prefix is there
    for late, session in ((False, "long"), (True, "long"), (False, "urgent")):
        begin_ahead(what)
        began = time.monotonic()
        engine().step()
        ended = time.monotonic()
        asked = msgspec.structs.replace(what, session=session, nonce="long")
        request = Judge(8, build(asked, engine().labels.pair), 1.1, False, 60.0, session)
        engine().begin(request, ended if late else began)
        replies: list[object] = []
        while not any(isinstance(reply, Judged) for reply in replies):
            replies += engine().step()
        (answer,) = (reply for reply in replies if isinstance(reply, Judged))
        assert answer.tokens_awaited == (AHEAD_CHUNK if (late, session) == (False, "long") else 0)
        engine().forget()
        judged(case(session="other"))


def test_only_the_newest_wish_of_a_session_is_read_and_a_judgement_makes_it_void() -> None:
    engine().forget()
    begin_ahead(long_case())
    begin_ahead(case("x", session="long"))
    while engine().scheduler.busy:
        engine().step()
    assert engine().memory.cells < 1000
    begin_ahead(long_case())
    judged(case("x", session="long"))
    assert not engine().scheduler.busy
    engine().begin(Judge(8, build(case(session="mine"), engine().labels.pair), 1.1, False, 60.0, "mine"))
    begin_ahead(long_case("mine"))
    while engine().scheduler.busy:
        engine().step()
    assert engine().memory.cells < 1000


def test_a_conversation_without_room_is_no_harm() -> None:
    small = Engine(Load(str(tiny()), threads=1, n_ctx=512))
    what = case("Hi.", policy="word " * 700)
    read_ahead(small, what)
    long = case("Well.", *([Message("user", "word " * 30)] * 30), policy="Be kind.")
    roomy = Engine(Load(str(tiny()), threads=1, n_ctx=1024))
    read_ahead(roomy, long)
    answer = roomy.answer(Judge(1, build(long, roomy.labels.pair), 1.1, False, 60.0, long.session))
    assert isinstance(answer, Judged)
    assert answer.truncated > 0
    assert answer.tokens_evaluated <= own_tokens(long)


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


def test_reading_ahead_never_waits_for_a_worker_that_is_being_started() -> None:
    with LlamaCritic(tiny(), threads=1) as critic:
        critic.judge(case(session="first"))
        what = case("Well.", Message("user", "Cancel it, please."), session="mine")
        with critic._keeper.lock:  # as while another thread starts the worker
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
        assert (ahead.system, ahead.user[0]) == (full.system, full.user[0])
        assert ahead.user[1].pieces == (full.user[1].pieces[0], "")  # the agent speaks next
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
