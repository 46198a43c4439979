"""The airline as an environment: how it is found, how its conversation goes, how it is scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.tau.hashing import v1_hash
from actorcritic_cli.errors import NotFound
from actorcritic_cli.types import ExpectedAction, Message, Reward, Task, Termination, ToolCall
from tests.tau_small import POLICY, environment, write_folder

CANCEL = ExpectedAction("cancel_reservation", {"reservation_id": "AAA111"})
TASK = Task("t", "You want to cancel.", actions=(CANCEL,))
TELL = Task("o", "You want to cancel and hear the sum.", actions=(CANCEL,), outputs=("1234 USD",))


def test_the_bundled_airline_is_the_default() -> None:
    env = registry.load("tau_airline")
    assert (env.name, env.dataset) == ("tau_airline", "bundled")
    said = Message("assistant", "x")
    assert env.spent((said,) * 29) is None
    assert env.spent((said,) * 30)[0] == "max_turns"
    assert env.transfer_tool in [tool.name for tool in env.tools]
    assert len(env.tasks()) > 0
    assert len({task.id for task in env.tasks()}) == len(env.tasks())
    assert env.open(None).state_hash() == registry.load("tau_airline", "bundled").open(None).state_hash()


def test_the_bundled_airline_hangs_together() -> None:
    assert [finding.text for finding in registry.check("tau_airline") if finding.level != "ok"] == []


@pytest.mark.parametrize(
    ("name", "dataset", "words"),
    [
        ("tau_airlines", None, "there are: tau_airline"),
        ("tau_airline", "offical", "there are: bundled, drawn, official, official-2024"),
        ("tau_airline", "official", "acc env fetch tau_airline --from FOLDER"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(name: str, dataset: str | None, words: str) -> None:
    with pytest.raises(NotFound, match=words):
        registry.load(name, dataset)


def test_the_list_says_what_is_missing_and_how_to_get_it() -> None:
    lines = {line.dataset: line for line in registry.describe() if line.name == "tau_airline"}
    assert list(lines) == ["bundled", "drawn", "official", "official-2024"]
    assert lines["bundled"].available
    assert lines["bundled"].tasks == len(registry.load("tau_airline").tasks())
    assert not lines["official"].available
    assert "acc env fetch" in lines["official"].why


def test_official_data_are_found_where_the_variable_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACC_TAU_BENCH_DIR", str(write_folder(tmp_path)))
    env = registry.load("tau_airline", "official")
    assert env.policy == POLICY
    assert env.opening() == (Message("system", POLICY),)
    assert [task.id for task in env.tasks()] == ["0", "1"]
    assert env.tasks()[0].extra == {"user_id": "anna_berg_1"}
    with pytest.raises(NotFound, match=r"users-2024\.json"):
        registry.load("tau_airline", "official-2024")


def test_changed_files_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACC_TAU_BENCH_DIR", str(write_folder(tmp_path)))
    before = registry.load("tau_airline", "official").open(None).state_hash()
    path = tmp_path / "airline" / "users.json"
    users = json.loads(path.read_text())
    users["anna_berg_1"]["membership"] = "silver"
    path.write_text(json.dumps(users))
    assert registry.load("tau_airline", "official").open(None).state_hash() != before


def test_only_the_first_of_several_calls_stands() -> None:
    first, second = ToolCall("1", "think", '{"thought": "a"}'), ToolCall("2", "think", '{"thought": "b"}')
    raw = json.dumps({"content": "x", "tool_calls": [{"id": "1"}, {"id": "2"}], "thinking_blocks": [1]})
    stood = environment().stands(Message("assistant", "x", (first, second), raw=raw))
    assert stood.tool_calls == (first,)
    assert stood.content == "x"
    assert json.loads(stood.raw or "") == {"content": "x", "tool_calls": [{"id": "1"}], "thinking_blocks": [1]}
    odd = environment().stands(Message("assistant", None, (first, second), raw='{"content": [{"type": "tool_use"}]}'))
    assert (odd.tool_calls, odd.raw) == ((first,), None)
    single = Message("assistant", "x", (first,), raw="as it came")
    assert environment().stands(single) is single


def test_the_stop_word_ends_wherever_it_stands() -> None:
    assert environment().is_stop("Thanks! ###STOP###")
    assert not environment().is_stop("STOP")


def said(*texts: str) -> tuple[Message, ...]:
    return tuple(Message("assistant", text) for text in texts)


def scored(
    task: Task, *calls: ExpectedAction, reason: Termination = "user_stop", texts: tuple[str, ...] = ()
) -> Reward:
    episode = environment(task).open(task)
    for call in calls:
        episode.call(call.name, call.arguments)
    reward = episode.score(said(*texts), reason)
    assert reward is not None
    return reward


def test_the_database_must_be_as_a_perfect_agent_leaves_it() -> None:
    good, bad = scored(TASK, CANCEL), scored(TASK)
    assert (good.value, bad.value) == (1.0, 0.0)
    assert good.info["r_actions"] == 1.0
    assert good.info["gt_data_hash"] == good.info["data_hash"] == bad.info["gt_data_hash"] != bad.info["data_hash"]
    assert scored(TASK, CANCEL, CANCEL).value == 0.0
    assert scored(TASK, CANCEL, reason="transfer").value == 1.0


def test_lookups_and_failed_calls_cost_nothing() -> None:
    look = ExpectedAction("get_user_details", {"user_id": "anna_berg_1"})
    wrong = ExpectedAction("cancel_reservation", {"reservation_id": "x"})
    assert scored(TASK, look, wrong, CANCEL).value == 1.0


def test_transfers_and_replies_among_the_expected_actions_are_passed_over() -> None:
    task = Task(
        "t",
        "",
        actions=(
            ExpectedAction("transfer_to_human_agents", {"summary": ""}),
            ExpectedAction("respond", {"content": "x"}),
            ExpectedAction("cancel_reservation", {"reservation_id": "unknown"}),
            CANCEL,
        ),
    )
    assert scored(task, CANCEL).value == 1.0


def test_required_outputs_must_be_said_in_a_reply() -> None:
    good = scored(TELL, CANCEL, texts=("Done.", "That makes 1,234 usd."))
    assert good.value == good.info["r_outputs"] == 1.0
    assert good.info["outputs"] == {"1234 USD": True}
    assert scored(TELL, CANCEL, texts=("That makes 1234.",)).value == 0.0
    assert scored(TELL, texts=("That makes 1234 USD.",)).value == 0.0


def test_what_users_and_tools_say_and_text_beside_a_call_does_not_count_as_said() -> None:
    episode = environment(TELL).open(TELL)
    episode.call(CANCEL.name, CANCEL.arguments)
    beside = Message("assistant", "1234 USD", (ToolCall("1", "think", "{}"),))
    transcript = (Message("user", "1234 USD"), beside, Message("tool", "1234 USD"), Message("assistant", None))
    reward = episode.score(transcript, "user_stop")
    assert reward is not None
    assert reward.value == 0.0


def test_an_output_with_a_comma_is_never_found() -> None:
    task = Task("t", "", outputs=("1,234",))
    assert scored(task, texts=("It is 1,234.",)).value == 0.0


@pytest.mark.parametrize("reason", ["max_turns", "max_cost", "max_seconds", "stopped", "actor_error"])
def test_an_episode_that_is_cut_off_scores_nothing(reason: Termination) -> None:
    reward = scored(TASK, CANCEL, reason=reason)
    assert reward.value == 0.0
    assert reason in reward.info["why"]


@pytest.mark.parametrize("reason", ["infrastructure_error", "user_error"])
def test_what_is_not_the_agents_doing_is_not_scored(reason: Termination) -> None:
    assert environment(TASK).open(TASK).score((), reason) is None


def test_a_free_conversation_is_not_scored() -> None:
    episode = environment().open(None)
    assert episode.score((), "user_stop") is None
    assert episode.state_hash() == v1_hash(episode.tables)


def test_an_episode_broken_by_a_fourth_certificate_scores_nothing() -> None:
    sent = ExpectedAction("send_certificate", {"user_id": "anna_berg_1", "amount": 1})
    task = Task("t", "", actions=(sent, sent, sent))
    assert scored(task, sent, sent, sent).value == 1.0
    assert scored(task, sent, sent, sent, sent, reason="transfer").value == 0.0
    later = ExpectedAction("think", {"thought": "?"})
    assert scored(task, sent, sent, sent, sent, later).value == 0.0
