"""The conversation, the limits and the score of τ²-bench."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from actorcritic_cli.actors.protocol import Proposing
from actorcritic_cli.actors.recorded import RecordedActor
from actorcritic_cli.envs import registry
from actorcritic_cli.envs.tau2.judge import Judged, JudgeFailed, Judgement, ModelJudge, answer, question
from actorcritic_cli.envs.tau2.judge_choice import judge_of
from actorcritic_cli.errors import UsageError
from actorcritic_cli.session.build import opening
from actorcritic_cli.session.events import Ended, Observed
from actorcritic_cli.session.loop import Parties, Session
from actorcritic_cli.session.state import begin
from actorcritic_cli.types import (
    ExpectedAction,
    Message,
    Proposal,
    SessionSpec,
    Supervision,
    Task,
    Termination,
    ToolCall,
    Transcript,
)
from actorcritic_cli.users.script import ScriptedUser
from tests import providers_server
from tests.parties import call, reply
from tests.providers_server import ProviderServer, says
from tests.tau2_small import environment

CANCEL = ExpectedAction("cancel_reservation", {"reservation_id": "AAA111"})
REPLY = Message("assistant", "Your total is $1,234.")
CALL = Message("assistant", None, (ToolCall("c", "get_user_details", '{"user_id": "anna_berg_1"}'),))


def task(*actions: ExpectedAction, outputs: tuple[str, ...] = (), **extra: object) -> Task:
    return Task("1", "You want something.", actions, outputs, extra=dict(extra))


def value(made: Task, *calls: ExpectedAction, said: Transcript = (), judge=None, reason: Termination = "user_stop"):  # type: ignore[no-untyped-def]
    """Score an episode in which these calls were made and this was said."""
    episode = environment("airline", judge=judge).open(made)
    for one in calls:
        episode.call(one.name, one.arguments)
    reward = episode.score(said, reason)
    return None if reward is None else (reward.value, reward.info)


class Verdicts:
    """A judge that says what it was told to, and remembers what it was asked."""

    def __init__(self, *met: bool, fails: str = ""):
        self.met, self.fails, self.asked = met, fails, 0

    name = "verdicts"

    def judge(self, statements: Sequence[str], transcript: Transcript) -> Judged:
        self.asked += 1
        if self.fails:
            raise JudgeFailed(self.fails)
        return Judged(tuple(Judgement(met, "because") for met in self.met))


@pytest.mark.parametrize("name", ["tau2_airline", "tau2_retail"])
def test_the_bundled_data_serve_v2_too(name: str) -> None:
    assert {finding.level for finding in registry.check(name)} == {"ok"}
    env = registry.load(name)
    for one in env.tasks():
        episode = env.open(one)
        for action in one.actions:
            result = episode.call(action.name, action.arguments)
            assert not result.error, (one.id, result.text)
        said = tuple(Message("assistant", f"It is {output}.") for output in one.outputs)
        reward = episode.score(said, "user_stop")
        assert reward is not None
        assert reward.value == 1.0


def test_the_agent_greets_first_and_has_the_policy_before_it() -> None:
    system, greeting = environment("airline").opening()
    assert greeting == Message("assistant", "Hi! How can I help you today?")
    assert system.content is not None
    assert system.content.endswith("<policy>\nBe kind.\n</policy>")
    assert "never both" in system.content


def test_all_calls_of_a_message_stand() -> None:
    message = Message("assistant", None, (*CALL.tool_calls, *CALL.tool_calls))
    assert environment("airline").stands(message) is message


@pytest.mark.parametrize("text", ["###STOP###", "Bye ###TRANSFER###", "Hm. ###OUT-OF-SCOPE### ."])
def test_three_words_end_a_conversation(text: str) -> None:
    assert environment("airline").is_stop(text)
    assert not environment("airline").is_stop("STOP")


def conversation(turns: int) -> Transcript:
    """Greeting, and so many turns of user, agent with two calls, two results, and agent: four steps each."""
    results = (Message("tool", "{}", tool_call_id="a"), Message("tool", "{}", tool_call_id="b"))
    turn = (Message("user", "go"), CALL, *results, REPLY)
    return environment("airline").opening() + turn * turns


def test_two_hundred_steps_are_the_limit() -> None:
    env = environment("airline")
    assert env.spent(conversation(49)) is None
    assert env.spent((*conversation(49), Message("user", "x"), REPLY, Message("user", "y"))) is None
    spent = env.spent(conversation(50))
    assert spent is not None
    assert spent[0] == "max_turns"


def test_ten_failed_calls_are_the_limit() -> None:
    env = environment("airline")
    failed = (CALL, Message("tool", "Error: User x not found"))
    assert env.spent((*conversation(1), *failed * 9)) is None
    spent = env.spent((*conversation(1), *failed * 10))
    assert spent is not None
    assert spent[0] == "too_many_errors"


def test_a_stop_in_the_step_that_reaches_a_limit_is_no_success() -> None:
    made = task()
    assert value(made, said=conversation(49))[0] == 1.0
    assert value(made, said=conversation(50))[0] == 0.0


@pytest.mark.parametrize("reason", ["max_turns", "too_many_errors", "actor_error", "user_error", "max_seconds"])
def test_an_episode_that_the_user_did_not_end_scores_nothing(reason: Termination) -> None:
    assert value(task(), reason=reason)[0] == 0.0
    assert value(task(), reason="infrastructure_error") is None


def test_the_database_and_what_was_said_count_by_default() -> None:
    made = task(CANCEL, outputs=("1234",))
    assert value(made, CANCEL, said=(REPLY,))[0] == 1.0
    assert value(made, said=(REPLY,))[0] == 0.0
    assert value(made, CANCEL)[0] == 0.0


def test_text_beside_a_call_counts_as_said() -> None:
    beside = Message("assistant", "It is 1234.", CALL.tool_calls)
    assert value(task(outputs=("1234",)), said=(beside,))[0] == 1.0


def test_what_is_not_in_the_basis_does_not_count() -> None:
    assert value(task(outputs=("1234",), reward_basis=["DB"]))[0] == 1.0
    assert value(task(CANCEL, reward_basis=["COMMUNICATE"]))[0] == 1.0
    assert value(task(CANCEL, any_state=True))[0] == 1.0


def test_expected_calls_can_be_part_of_the_basis() -> None:
    look = ExpectedAction("get_user_details", {"user_id": "anna_berg_1"})
    assert value(task(look, reward_basis=["ACTION"]), said=(CALL,))[0] == 1.0
    assert value(task(look, reward_basis=["ACTION"]))[0] == 0.0
    other = ExpectedAction("get_user_details", {"user_id": "x"})
    assert value(task(other, reward_basis=["ACTION"]), said=(CALL,))[0] == 0.0
    assert value(task(other, reward_basis=["ACTION"], compare_args=[[]]), said=(CALL,))[0] == 1.0


def test_statements_need_a_judge_unless_the_rest_decides() -> None:
    basis = ["DB", "NL_ASSERTION"]
    made = task(CANCEL, reward_basis=basis, nl_assertions=["Agent is kind."])
    assert value(task(reward_basis=basis))[0] == 1.0
    unscored = value(made, CANCEL)
    assert unscored[0] is None
    assert "no judge was named" in unscored[1]["unscored"]
    judge = Verdicts(True)
    assert value(made, judge=judge)[0] == 0.0
    assert judge.asked == 0
    assert value(made, CANCEL, judge=judge)[0] == 1.0
    assert value(made, CANCEL, judge=Verdicts(False))[0] == 0.0
    failed = value(made, CANCEL, judge=Verdicts(fails="no answer"))
    assert (failed[0], failed[1]["unscored"]) == (None, "no answer")


@pytest.mark.parametrize(
    "extra",
    [
        {"reward_basis": ["DB", "SOMETHING"]},
        {"reward_basis": ["ENV_ASSERTION"], "env_assertions": [{"func_name": "x"}]},
        {"initial_state": {"x": 1}},
        {"reward_basis": 5},
    ],
)
def test_what_acc_cannot_score_is_left_open_with_the_reason(extra: dict[str, object]) -> None:
    open_ = value(task(**extra))
    assert open_[0] is None
    assert open_[1]["unscored"]


def test_a_session_runs_all_calls_of_a_message_and_goes_on_after_a_transfer() -> None:
    env = registry.load("tau2_retail")
    made = next(one for one in env.tasks() if one.id == "cancel-01")
    looks = tuple(ToolCall(f"c{n}", "get_order_details", '{"order_id": "#W204117"}') for n in range(2))
    (cancel,) = made.actions
    steps = [
        Proposing(Proposal(Message("assistant", None, looks))),
        reply("Shall I cancel it?"),
        call(cancel.name, cancel.arguments),
        call("transfer_to_human_agents", {"summary": "x"}),
        reply("You get $96.20 back."),
    ]
    actor = RecordedActor({n: (step,) for n, step in enumerate(steps, 1)}, "a")
    spec = SessionSpec(env.name, "bundled", made.id, "recorded:a", "script", supervision=Supervision(mode="off"))
    user = ScriptedUser(["Cancel #W204117.", "Yes.", "Thanks ###TRANSFER###"])
    parties = Parties(env, env.open(made), actor, user)
    started = opening(spec, made, parties, session="s", at=0.0)
    events = [started, *Session(parties, begin(started), clock=lambda: 0.0).events()]
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert ended.reason == "user_stop"
    assert ended.reward is not None
    assert ended.reward.value == 1.0
    first = next(event for event in events if isinstance(event, Observed) and event.messages[0].role == "tool")
    assert [message.tool_call_id for message in first.messages] == ["c0", "c1"]


# the judge


@pytest.mark.parametrize(
    "text",
    [
        "",
        "true",
        '{"results": []}',
        '{"results": [{"met": "yes"}]}',
        '{"results": [{"met": true}, {"met": true}]}',
        "}{",
    ],
)
def test_an_answer_that_does_not_fit_the_statements_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        answer(text, 1)


def test_an_answer_may_stand_in_a_code_fence() -> None:
    given = answer('```json\n{"results": [{"met": false, "reason": "no"}]}\n```', 1)
    assert given == (Judgement(False, "no"),)


def test_the_judge_reads_the_conversation_without_the_policy() -> None:
    asked = json.loads(question(["Agent is kind."], (*environment("airline").opening(), CALL, REPLY)))
    assert [line["role"] for line in asked["conversation"]] == ["assistant"] * 3
    assert asked["conversation"][1]["calls"][0]["name"] == "get_user_details"
    assert asked["statements"] == ["Agent is kind."]


provider_server = providers_server.provider_server


def test_a_model_can_be_the_judge(provider_server: ProviderServer) -> None:
    provider_server.script(says('{"results": [{"reason": "it was", "met": true}]}'))
    judge = ModelJudge("gpt", {"base_url": provider_server.base("openai")})
    judged = judge.judge(["Agent is kind."], (REPLY,))
    assert judged.results == (Judgement(True, "it was"),)
    assert judged.call is not None
    assert judged.call.party == "judge"
    provider_server.script(says("I think so."))
    with pytest.raises(JudgeFailed, match="no usable answer"):
        judge.judge(["Agent is kind."], (REPLY,))


def test_the_judge_is_named_by_the_options() -> None:
    assert judge_of({}) is None
    judge = judge_of({"judge": "gpt"})
    assert judge is not None
    assert "gpt" in judge.name
    with pytest.raises(UsageError):
        judge_of({"judge": 5})
    with pytest.raises(UsageError):
        judge_of({"judge": "gpt", "judge_options": {"wrong": 1}})
