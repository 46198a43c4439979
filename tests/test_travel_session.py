"""The travel game in a supervised session: who says what, what the critic sees, how it ends and goes on."""

from __future__ import annotations

import json

import pytest

from actorcritic_cli.actors.recorded import RecordedActor
from actorcritic_cli.envs import registry
from actorcritic_cli.envs.travel import wording
from actorcritic_cli.errors import NotFound, UsageError
from actorcritic_cli.session import build
from actorcritic_cli.session.events import Ended, Judged, Observed, Started
from actorcritic_cli.session.loop import Parties, Session, caught_up
from actorcritic_cli.session.state import begin, restored
from actorcritic_cli.types import Limits, SessionSpec, Supervision
from actorcritic_cli.users.script import ScriptedUser
from tests.cli import acc_ok
from tests.parties import IDENTITY, RuleCritic, call, reply

TASK = "22-1"


def session(steps, *, dataset="bundled", task_id=TASK, critic=None, max_turns=None):
    """A session of the actor's steps with the task's own script; return it with its first event."""
    environment = registry.load("travel", dataset)
    task = next(task for task in environment.tasks() if task.id == task_id)
    actor = RecordedActor({number: (step,) for number, step in enumerate(steps, start=1)}, "test")
    spec = SessionSpec(
        "travel", dataset, task_id, "recorded:test", "script", "rule" if critic else None,
        supervision=Supervision(mode="enforce" if critic else "off"), limits=Limits(max_turns=max_turns),
    )  # fmt: skip
    parties = Parties(environment, environment.open(task), actor, ScriptedUser.from_task(task), critic)
    identity = IDENTITY if critic else None
    started = Started("s1", 0.0, spec, environment.opening(), task, environment.tools, identity)
    return Session(parties, begin(started), clock=lambda: 0.0), started, task


def perfect(task_id=TASK):
    task = next(task for task in registry.load("travel").tasks() if task.id == task_id)
    return [call(a.name, a.arguments, f"c{number}") for number, a in enumerate(task.actions)]


@pytest.mark.parametrize("dataset", ["bundled", "bundled-multi"])
def test_a_perfect_session_ends_satisfied_with_full_reward(dataset):
    played, _, task = session(perfect(), dataset=dataset)
    events = list(played.events())
    assert isinstance(events[0], Observed)
    assert events[0].messages[0].content == task.script[0]
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.reward.value) == ("user_stop", 1.0)
    assert ended.state


def test_a_plain_reply_is_told_to_use_the_tool_and_costs_a_message():
    played, _, _ = session([reply("Which car would you like?"), *perfect()])
    events = list(played.events())
    observed = [event for event in events if isinstance(event, Observed)]
    assert observed[1].messages[0].content == wording.USE_THE_TOOL
    info = events[-1].reward.info
    assert info["messages"] == len(perfect()) + 1
    assert info["micro_avg"] == pytest.approx(sum(info["rewards"]) / info["messages"])


def test_twenty_messages_are_all_there_are_replies_included():
    played, _, _ = session([reply("Hm.")] * 30)
    ended = list(played.events())[-1]
    assert (ended.reason, ended.reward.value, ended.reward.info["messages"]) == ("max_turns", 0.0, 20)


def test_max_turns_stands_in_the_place_of_the_games_own_limit():
    played, _, _ = session(perfect(), max_turns=3)
    ended = list(played.events())[-1]
    assert (ended.reason, ended.reward.info["messages"]) == ("max_turns", 3)
    assert ended.reward.value == 0.2


def test_finish_ends_the_session():
    played, _, _ = session([call("interact_with_env", {"thought": "", "choice": "finish", "content": "[finish]"})])
    assert list(played.events())[-1].reason == "user_stop"


def test_the_critic_sees_every_call():
    critic = RuleCritic(lambda case: 0.0)
    played, _, _ = session(perfect(), critic=critic)
    judged = [event for event in played.events() if isinstance(event, Judged)]
    assert len(judged) == len(critic.cases) == len(perfect())


def test_a_session_goes_on_where_it_was_interrupted():
    whole, _, _ = session(perfect())
    expected = list(whole.events())
    for cut in (2, 5, len(expected) // 2, len(expected) - 2):
        first, started, _ = session(perfect())
        stream = first.events()
        seen = [started, *(next(stream) for _ in range(cut))]
        second, _, _ = session(perfect())
        resumed = caught_up(second.parties, restored(seen))
        resumed.clock = lambda: 0.0
        assert list(resumed.events()) == expected[cut:]


def test_the_script_is_found_by_the_command_that_builds_a_session():
    environment = registry.load("travel")
    spec = SessionSpec("travel", "bundled", TASK, "recorded:x", "script", supervision=Supervision(mode="off"))
    task = build.task_for(environment, TASK)
    parties = build.parties_for(spec, task, critic=None, recordings=lambda source, spec: [])
    assert parties.user.speak(environment.opening()).text == task.script[0]


def test_options_that_cannot_be_meant_are_refused():
    for options in ({"jugde": "x"}, {"max_steps": 0}, {"max_steps": "many"}, {"headline": "best"}, {"judge": ""},
                    {"wrong_choice_number": -1}, {"judge": "gpt", "judge_options": {"key": "x"}}):  # fmt: skip
        with pytest.raises(UsageError):
            registry.load("travel", options=options)
    with pytest.raises(NotFound):
        registry.load("travel", "train")


def test_the_headline_can_be_chosen():
    task = registry.load("travel").tasks()[0]
    calls = [a for a in task.actions if a.arguments["choice"] == "search"]
    answers = [a for a in task.actions if a.arguments["choice"] == "answer"]
    values = {}
    for headline in ("micro_max", "best_rate", "all_best"):
        episode = registry.load("travel", options={"headline": headline}).open(task)
        for action in (*calls, answers[0]):
            episode.call(action.name, dict(action.arguments))
        values[headline] = episode.score((), "max_turns").value
    assert values == {"micro_max": 1.0, "best_rate": 0.5, "all_best": 0.0}


def test_a_free_conversation_has_nothing_to_search():
    episode = registry.load("travel").open(None)
    assert episode.call("interact_with_env", {}).error
    assert episode.score((), "user_stop") is None
    assert episode.state_hash()


def test_the_command_line_lists_and_shows_it():
    rows = {(row["name"], row["dataset"]): row for row in json.loads(acc_ok("env", "list", "--json"))}
    assert rows["travel", "bundled"]["tasks"] == rows["travel", "bundled-multi"]["tasks"] == 32
    assert not rows["travel", "official"]["available"]
    assert "interact_with_env" in acc_ok("env", "show", "travel")
    assert "one answer for each aspect" in acc_ok("env", "show", "travel", "--policy")
