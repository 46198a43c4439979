"""Reading along: the critic reads a proposal while it comes in, and its verdict is the same as if it had not."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.actors.protocol import ActorContext, Hear, Proposing
from actorcritic_cli.bench.streaming import drafts_of
from actorcritic_cli.critics.drafts import arguments_so_far, settled
from actorcritic_cli.critics.engine import Engine
from actorcritic_cli.critics.prompt import build, build_ahead, say, say_so_far
from actorcritic_cli.critics.protocol import Case, Reading
from actorcritic_cli.critics.wire import Judge, Judged, Load, Prefill
from actorcritic_cli.session.overhear import STEP, Overhearing
from actorcritic_cli.types import Message, Supervision, ToolCall
from tests.critic_cases import case, plain
from tests.parties import ListeningActor, RuleCritic, actor_of, call, reply, session_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=4)
LONG = "I found it: reservation BRE419, Boston to Chicago, economy. Shall I cancel the whole reservation (yes or no)?"


def written(arguments: str) -> Message:
    return Message("assistant", None, (ToolCall("c1", "cancel_booking", arguments),))


@given(ARGUMENTS, st.booleans(), st.sampled_from([None, 1, 3]), st.data())
def test_arguments_so_far_begin_as_the_whole_arguments_do(
    arguments: dict[str, Any], ascii_only: bool, indent: int | None, data: st.DataObject
) -> None:
    text = json.dumps(arguments, ensure_ascii=ascii_only, indent=indent)
    whole = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
    assert arguments_so_far(text) == whole
    assert whole.startswith(arguments_so_far(text[: data.draw(st.integers(0, len(text)))]))


@given(st.text(max_size=80))
def test_broken_arguments_are_read_up_to_where_they_break(text: str) -> None:
    assert isinstance(arguments_so_far(text), str)


@given(st.text(), st.data())
def test_what_is_settled_stands_at_the_beginning_of_the_whole(text: str, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(text)))
    assert text.startswith(settled(text[:end]))
    assert len(settled(text)) >= len(text.rstrip()) - 16


def test_a_draft_says_the_beginning_of_what_the_message_will_say() -> None:
    whole = Message(
        "assistant", "One moment.", (ToolCall("1", "get_booking", '{"id": "K1"}'), ToolCall("2", "calculate", "{}"))
    )
    told = [say_so_far(draft) for draft in drafts_of(whole)]
    assert all(say(whole).startswith(words) for words in told)
    assert "One moment" in told[3]
    assert told[-1] == 'One moment.\ncalls get_booking with {"id":"K1"}\ncalls calculate with'


@cache
def engine() -> Engine:
    return Engine(Load(str(plain()), threads=1))


def hear(what: Case, draft: Message, passes: int | None = None) -> None:
    """Have a draft read, or as much of it as some passes reach."""
    known = Reading(what.session, what.policy, what.tools, what.transcript, what.nonce, draft)
    engine().read_ahead(Prefill(what.session, build_ahead(known, engine().labels.pair)))
    while engine().scheduler.busy and (passes is None or passes > 0):
        engine().step()
        passes = None if passes is None else passes - 1


def judged(what: Case) -> Judged:
    answer = engine().answer(Judge(1, build(what, engine().labels.pair), 1.1, False, 60.0, what.session))
    assert isinstance(answer, Judged)
    return answer


def fresh(what: Case) -> float:
    engine().forget()
    p_revise = judged(what).p_revise
    engine().forget()
    return p_revise


@pytest.mark.parametrize(
    "message", [Message("assistant", LONG), written(json.dumps({"booking_id": "B-1", "why": LONG}))]
)
def test_of_a_proposal_that_was_heard_only_its_end_and_the_question_are_read(message: Message) -> None:
    what = case(message)
    expected = fresh(what)
    question = len(engine()._pieces(build(what, engine().labels.pair).user[-1:])) + len(engine()._tail)
    for draft in drafts_of(message):
        hear(what, draft)
    after = judged(what)
    assert after.tokens_evaluated <= question + 10
    assert after.p_revise == pytest.approx(expected, abs=1e-3)


MESSAGES = [
    Message("assistant", LONG),
    Message("assistant", LONG.replace("whole", "entire")),
    written('{"booking_id": "B-1", "note": "as agreed"}'),
    written('{"note": "as agreed", "booking_id": "B-1"}'),
]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(MESSAGES), st.floats(0, 1), st.integers(0, 3)), max_size=6),
    st.sampled_from(MESSAGES),
)
def test_whatever_was_heard_before_the_verdict_is_that_of_the_proposal(
    heard: list[tuple[Message, float, int]], message: Message
) -> None:
    what = case(message)
    expected = fresh(what)
    for other, share, passes in heard:
        drafts = list(drafts_of(other))
        hear(what, drafts[int(share * (len(drafts) - 1))], passes)
    assert judged(what).p_revise == pytest.approx(expected, abs=1e-3)


class Streaming(ListeningActor):
    """An actor whose proposals come in bit by bit."""

    def stream(self, context: ActorContext, hear: Hear) -> Proposing:
        made = self.propose(context)
        for draft in drafts_of(made.proposal.message):
            hear(draft)
        return made


class Along(RuleCritic):
    """A rule that notes what it was given to read along."""

    def __init__(self) -> None:
        super().__init__(lambda _: 0.1)
        self.drafts: list[Message] = []

    def prefill(self, reading: Reading) -> None:
        if reading.draft is not None and (reading.draft.content or reading.draft.tool_calls):
            self.drafts.append(reading.draft)


def held(critic: RuleCritic, **supervision: str) -> list[str]:
    actor = Streaming(actor_of(reply(LONG), call("calculate", {"expression": "1 + 1"}), reply("Bye.")).actor)
    session, _ = session_of(actor, ["Hi.", "And?", "###STOP###"], critic=critic, supervision=Supervision(**supervision))
    return [type(event).__name__ for event in session.events()]


def test_a_session_tells_its_critic_what_comes_in_but_not_every_piece() -> None:
    critic = Along()
    held(critic)
    texts = [draft.content for draft in critic.drafts if draft.content]
    assert LONG.startswith(texts[0])
    assert 1 <= len([text for text in texts if LONG.startswith(text)]) <= len(LONG) // STEP


def test_reading_along_changes_nothing_in_a_session() -> None:
    assert held(Along()) == held(RuleCritic(lambda _: 0.1))


@pytest.mark.parametrize("supervision", [{"gate": "none"}, {"mode": "off"}])
def test_nothing_is_told_where_nothing_is_judged(supervision: dict[str, str]) -> None:
    critic = Along()
    held(critic, **supervision)
    assert critic.drafts == []


def test_a_call_that_breaks_off_and_begins_again_is_told_anew() -> None:
    critic = Along()
    what = case()
    known = Reading(what.session, what.policy, what.tools, what.transcript)
    overhearing = Overhearing(critic, known)
    for text in ("a" * (STEP + 1), "a" * (STEP + 2), "b", "b" * STEP):
        overhearing.hear(Message("assistant", text))
    assert [draft.content for draft in critic.drafts] == ["a" * (STEP + 1), "b" * STEP]
    assert replace(known, draft=critic.drafts[-1]).transcript == what.transcript
