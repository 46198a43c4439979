"""Conversations that outgrow the critic's context: the oldest events are left out, whole, and the verdict says so."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.engine import CRITIQUE_ROOM, Engine
from actorcritic_cli.critics.fitting import left_out
from actorcritic_cli.critics.labels import LabelPair
from actorcritic_cli.critics.prompt import build, delimiter, pieces_of_events, shortened
from actorcritic_cli.critics.wire import Judge, Judged, Load
from actorcritic_cli.types import Message
from tests.critic_cases import cancel, case, tiny

YES_NO = LabelPair("yes", "no")
RESULT = Message("tool", "cancelled", tool_call_id="c1", name="cancel_booking")


@cache
def small() -> Engine:
    return Engine(Load(str(tiny()), threads=1, n_ctx=1024))


def talk(turns: int) -> list[Message]:
    said: list[Message] = []
    for turn in range(turns):
        said += [Message("user", f"Turn {turn}: cancel my booking B-{turn}, please."), cancel(f"B-{turn}"), RESULT]
    return said


def test_a_call_and_its_result_are_one_event() -> None:
    prompt = build(case("Well.", *talk(2)), YES_NO)
    assert prompt.events == (1, 2, 1, 2)
    assert [len(pieces) for pieces in pieces_of_events(prompt)] == [3, 6, 3, 6]
    assert build(case("Well.", RESULT), YES_NO).events == (1,)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_what_is_left_out_is_whole_events_and_nothing_else(count: int) -> None:
    prompt = build(case("Well.", *talk(2)), YES_NO)
    short = shortened(prompt, count)
    mark = delimiter("s-1")
    assert short.system == prompt.system
    assert short.user[1:] == prompt.user[1:]
    assert short.text.count(f"{mark} ") == prompt.text.count(f"{mark} ") - sum(prompt.events[:count])
    assert "Earlier entries are left out." in short.text
    assert ("booking B-0, please" in short.text) is False
    assert ("booking B-1, please" in short.text) is (count < 3)
    if count == 1:  # the first thing left is a call, and its result follows
        assert short.text.index("B-0") < short.text.index("cancelled")
    assert shortened(prompt, 0) is prompt


sizes = st.lists(st.integers(1, 300), max_size=12)


@given(fixed=st.integers(1, 600), events=sizes, n_ctx=st.integers(1, 1200), reserve=st.integers(0, 300))
def test_what_is_kept_fits_and_nothing_is_left_out_without_need(
    fixed: int, events: list[int], n_ctx: int, reserve: int
) -> None:
    count = left_out(fixed, events, n_ctx, reserve)
    if count is None:
        assert fixed > n_ctx
        return
    room = n_ctx if fixed + reserve > n_ctx else n_ctx - reserve
    assert fixed + sum(events[count:]) <= room
    if fixed + sum(events) <= room:
        assert count == 0
    elif count == len(events):
        assert fixed + events[-1] > room  # the newest event goes only when nothing else helps


def test_a_long_conversation_is_judged_without_its_oldest_events() -> None:
    engine = small()
    prompt = build(case("Well.", *talk(40)), engine.labels.pair)
    assert len(engine.tokens(prompt)) > engine.n_ctx
    reply = engine.answer(Judge(1, prompt, 0.0, True, 60.0))
    assert isinstance(reply, Judged)
    assert 0 < reply.truncated < sum(prompt.events)
    assert reply.tokens_total + CRITIQUE_ROOM <= engine.n_ctx
    assert reply.critique_state in ("ok", "cut", "unparsable")  # there was room for it


def test_the_verdict_says_how_many_entries_were_left_out() -> None:
    with LlamaCritic(tiny(), threads=1, n_ctx=1024) as critic:
        long = critic.judge(case("Well.", *talk(40)))
        short = critic.judge(case("Well.", *talk(2)))
    assert long.kind != "no_verdict"
    assert 0 < long.detail["truncated_events"] < 120
    assert "truncated_events" not in short.detail


def test_what_is_left_out_stays_the_same_for_several_steps() -> None:
    """Else the conversation would begin elsewhere at each step and be read anew each time."""
    engine = small()
    plans = [engine.plan_of(build(case("Well.", *talk(turns)), engine.labels.pair)) for turns in range(20, 40)]
    cut = [plan.truncated for plan in plans]
    assert cut == sorted(cut)
    assert 1 < len(set(cut)) < len(cut) / 2


def test_the_probability_does_not_depend_on_whether_a_critique_is_written() -> None:
    engine = small()
    prompt = build(case("Well.", *talk(30)), engine.labels.pair)
    one, other = (engine.answer(Judge(1, prompt, 0.0, wanted, 60.0)) for wanted in (True, False))
    assert isinstance(one, Judged)
    assert isinstance(other, Judged)
    assert one.p_revise == pytest.approx(other.p_revise, abs=1e-4)
    assert one.truncated == other.truncated
