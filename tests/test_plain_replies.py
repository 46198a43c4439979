"""Replies that only ask: which they are, and that a small critic whose file says so approves them unasked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from actorcritic_cli.bench.conversation import recorded
from actorcritic_cli.bench.judged import judged
from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.compact import evidence_of
from actorcritic_cli.critics.gguf_copy import copy_with
from actorcritic_cli.critics.gguf_info import inspect
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.errors import AccError
from actorcritic_cli.examples import example_trace
from actorcritic_cli.learn.calibrate import LEAST_PLAIN, Rule, calibration
from actorcritic_cli.learn.dataset import Row
from actorcritic_cli.learn.evaluate import Judged
from actorcritic_cli.replay.story import Try, Turn
from actorcritic_cli.show.live import verdict_text
from actorcritic_cli.show.story import turn_lines
from actorcritic_cli.types import Message, Verdict
from tests.critic_cases import cancel, case, reply
from tests.critic_data import row
from tests.program import acc
from tests.test_critic_compact import compact_critic
from tests.test_critic_eval import cases, dataset

ASKS = "I'd be happy to help! Could you please provide your user ID? If you don't know it, let me know."
RESULT = Message("tool", json.dumps({"booking": "B-1", "flight": "ACC12"}), tool_call_id="c", name="get_booking")
ASKED = (Message("user", "Please cancel my booking B-1."), reply("Shall I cancel booking B-1?"))


@pytest.mark.parametrize(
    ("words", "said", "plain"),
    [
        (ASKS, (), True),
        ("May I have your name, please?", (), True),
        ("Do you mean booking B-1?", (), True),  # the user's own value
        ("Do you mean booking B-7?", (), False),  # nobody spoke of that one
        (
            "Do you mean flight ACC12?",
            (Message("user", "Cancel it."), RESULT),
            False,
        ),  # of what was seen, it may be another
        ("Your booking has been cancelled. Is there anything else?", (), False),
        ("I am sorry, that is not possible. Is there anything else?", (), False),
        ("A moment, please.", (), False),
        ("Is there anything else?", (*ASKED, Message("user", "Yes, go ahead.")), False),  # it was to be done
        ("Which one is it, then?", (*ASKED, Message("user", "The other one.")), True),
    ],
)
def test_a_reply_is_plain_when_it_asks_and_nothing_in_it_could_be_wrong(
    words: str, said: tuple[Message, ...], plain: bool
) -> None:
    asked = case(words, *said)
    assert evidence_of(asked).plain(asked.proposal.message) is plain


def test_no_call_is_plain() -> None:
    asked = case(cancel())
    assert not evidence_of(asked).plain(asked.proposal.message)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compact critic whose file gives plain replies a probability."""
    path = tmp_path_factory.mktemp("plain") / "told.gguf"
    return copy_with(compact_critic(desk="1"), path, {"acc.plain": 0.004})


def test_a_plain_reply_is_approved_without_the_model(told: Path) -> None:
    with LlamaCritic(told) as critic:
        verdict = critic.judge(case(ASKS))
        assert (verdict.kind, verdict.p_revise) == ("approve", pytest.approx(0.004))
        assert verdict.detail == {"plain": True}
        assert critic.worker_pid is None


def test_whoever_reads_the_verdict_learns_that_the_model_was_not_asked(told: Path) -> None:
    asked = case(ASKS)
    with LlamaCritic(told) as critic:
        verdict = critic.judge(asked)
    words = "unasked, for it only asks"
    assert verdict_text(verdict) == f"approves {words} (p_revise 0.004)"
    turn = Turn(1, [Try(0, asked.proposal, None, None, verdict)])
    (line,) = [line for line in turn_lines(turn, full=False, quiet=False) if line.label == "critic"]
    assert words in line.text


@pytest.mark.parametrize("how", ["threshold", "policy", "aspects", "file", "words"])
def test_the_model_is_asked_where_that_was_not_meant(how: str, told: Path) -> None:
    options = {"threshold": {"threshold": 0.0}, "aspects": {"aspects": ["policy"]}}.get(how, {})
    path = compact_critic(desk="1") if how == "file" else told
    asked: Case = case("It is done." if how == "words" else ASKS)
    if how == "policy":
        asked = case(ASKS, policy="Another.")
    with LlamaCritic(path, write_critiques=False, **options) as critic:  # type: ignore[arg-type]
        verdict = critic.judge(asked)
        assert verdict.detail["tokens_total"] > 0


def judged_rows(plain: int, wrong: int) -> list[Judged]:
    """So many plain rows, of which some are wrong, and eighty others that a critic tells apart."""

    def one(number: int, words: str, label: str, p: float) -> Judged:
        made: Row = row(f"t{number % 20}", f"u{number % 20}", words, label=label, step=number + 1)
        return Judged(made, Verdict("approve", "c", p, 0.5))

    asking = [one(n, "Who?", "revise" if n < wrong else "approve", 0.99) for n in range(plain)]
    return asking + [one(n, "It is.", "revise" if n % 2 else "approve", 0.3 + 0.4 * (n % 2)) for n in range(80)]


@pytest.mark.parametrize(
    ("plain", "wrong", "share"),
    [
        (LEAST_PLAIN, 0, 1 / (LEAST_PLAIN + 2)),
        (LEAST_PLAIN, 1, 2 / (LEAST_PLAIN + 2)),
        (LEAST_PLAIN, 2, None),
        (LEAST_PLAIN - 1, 0, None),
    ],
)
def test_a_copy_is_told_of_plain_replies_where_there_are_enough_and_hardly_one_is_wrong(
    plain: int, wrong: int, share: float | None
) -> None:
    identity = LlamaCritic(compact_critic(desk="1")).identity
    found = calibration(
        identity, judged_rows(plain, wrong), Rule(0.05), "here", lambda one: one.proposal.content == "Who?"
    )
    if share is None:
        assert found.plain is None
        assert found.cases == plain + 80
        assert "acc.plain" not in found.in_file((1.0, 0.0))
    else:
        assert found.in_file((1.0, 0.0))["acc.plain"] == pytest.approx(share, abs=1e-6)
        assert found.cases == 80
        assert 0.3 < found.threshold <= 0.7  # those that only ask, all at .99, have no part in it
        assert any(f"{wrong} of them were to be revised" in note for note in found.notes)


def test_calibrating_a_small_critic_into_a_copy_tells_it_and_the_file_itself_stays_as_it_is(tmp_path: Path) -> None:
    path, copy = compact_critic(desk="1"), tmp_path / "copy.gguf"
    asking = [
        replace(
            one, proposal=reply(f"May I have your name, please{'!' * number}?"), label="approve", id=f"plain{number}"
        )
        for number, one in enumerate(cases(40, 3))
    ]
    folder = dataset(tmp_path / "data", [*cases(), *asking])
    done = acc("critic", "calibrate", path, "--data", folder, "--split", "all", "--write", copy, "--json")
    assert done.code == 0, done.error
    assert inspect(copy).acc["acc.plain"] == pytest.approx(done.json["plain"])
    assert done.json["plain"] == pytest.approx(1 / (len(asking) + 2), abs=1e-6)
    assert "acc.plain" not in inspect(path).acc


def test_the_benchmark_times_only_what_the_model_was_asked(tmp_path: Path, told: Path) -> None:
    talk = recorded(example_trace("airline-cancel.jsonl"))
    speed = judged(told, "told", talk, tmp_path, 1, lambda *_: None, threads=1)
    assert speed.judgements == len(talk.cases)  # the policy is one that it does not know
    only = replace(talk, cases=(case(ASKS), case(ASKS)))
    with pytest.raises(AccError, match="unasked"):
        judged(told, "told", only, tmp_path, 1, lambda *_: None, threads=1)
