"""The local critic as the judge of statements, through real llama.cpp."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorcritic_cli.critics.synthetic import write
from actorcritic_cli.envs.tau2.judge import JudgeFailed
from actorcritic_cli.envs.tau2.judge_choice import judge_of
from actorcritic_cli.errors import NotFound, UsageError
from tests.test_tau2_environment import CANCEL, REPLY, task, value

STATEMENTS = ["The agent named a total.", "The agent cancelled a reservation.", "The agent was rude to the customer."]


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("judge") / "tiny.gguf"
    write(path, shape="tiny", seed=0)
    return str(path)


def test_each_statement_gets_a_verdict_of_its_own_and_the_same_one_again(gguf):
    judge = judge_of({"judge": gguf, "judge_options": {"threshold": 0.5}})
    first, again = judge.judge(STATEMENTS, (REPLY,)), judge.judge(STATEMENTS, (REPLY,))
    assert first == again
    assert len({result.reason for result in first.results}) == len(STATEMENTS)


def test_the_threshold_decides_what_is_met_and_so_the_reward(gguf):
    made = task(CANCEL, reward_basis=["DB", "NL_ASSERTION"], nl_assertions=STATEMENTS)
    lenient = judge_of({"judge": gguf, "judge_options": {"threshold": 1.0}})
    strict = judge_of({"judge": gguf, "judge_options": {"threshold": 0.0}})
    assert value(made, CANCEL, said=(REPLY,), judge=lenient)[0] == 1.0
    assert value(made, CANCEL, said=(REPLY,), judge=strict)[0] == 0.0


def test_no_verdict_leaves_the_session_unscored_with_the_reason(gguf):
    judge = judge_of({"judge": gguf, "judge_options": {"n_ctx": 600}})
    with pytest.raises(JudgeFailed, match="no verdict"):
        judge.judge(["word " * 3000], (REPLY,))
    made = task(CANCEL, reward_basis=["DB", "NL_ASSERTION"], nl_assertions=["word " * 3000])
    unscored = value(made, CANCEL, said=(REPLY,), judge=judge)
    assert unscored[0] is None
    assert "no verdict" in unscored[1]["unscored"]


def test_a_file_or_an_option_that_cannot_be_meant_is_said_before_a_session(tmp_path: Path, gguf):
    with pytest.raises(NotFound):
        judge_of({"judge": str(tmp_path / "missing.gguf")})
    with pytest.raises(UsageError):
        judge_of({"judge": gguf, "judge_options": {"nonsense": 1}})
