"""Result files of τ²-bench become sessions, whole or not at all, and replay as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange.intake import import_file
from actorcritic_cli.session.events import Acted, Ended, Observed, Proposed, Started
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.verify import verify
from tests import v2_files as files
from tests.program import acc
from tests.property_examples import examples


@pytest.fixture
def database(tmp_path: Path):
    with open_database(tmp_path / "a.db") as opened:
        yield opened


def imported(database, tmp_path: Path, value: Any) -> list[list[Any]]:
    import_file(files.write(tmp_path, value), database, dataset="bundled")
    library = Library(database)
    return [list(library.events(session.id)) for session in reversed(library.sessions())]


def test_a_file_becomes_a_run_once(database, tmp_path: Path) -> None:
    path = files.write(tmp_path, files.results(files.good(), files.good(trial=1, reward_info={"reward": 0.0})))
    done = import_file(path, database, dataset="bundled")
    assert (done.format, done.env, done.dataset, done.actor) == ("tau2-bench", "tau2_retail", "bundled", "gpt-x")
    assert (done.sessions, done.tasks) == (2, 1)
    found = sorted(Library(database).sessions(run=done.run), key=lambda session: session.trial)
    assert [(s.task, s.trial, s.reward, s.termination) for s in found] == [
        ("7", 0, 1.0, "user_stop"),
        ("7", 1, 0.0, "user_stop"),
    ]
    assert verify(database).problems == ()
    again = import_file(path, database, dataset="bundled")
    assert (again.sessions, again.present) == (0, 2)


def test_several_calls_are_one_message_answered_by_as_many(database, tmp_path: Path) -> None:
    (events,) = imported(database, tmp_path, files.results(files.good()))
    first = next(event for event in events if isinstance(event, Acted))
    assert [call.name for call in first.message.tool_calls] == ["find_user_id_by_email", "get_order_details"]
    answered = events[events.index(first) + 1]
    assert isinstance(answered, Observed)
    assert [(m.role, m.tool_call_id, m.name) for m in answered.messages] == [
        ("tool", "call_0", "find_user_id_by_email"),
        ("tool", "call_1", "get_order_details"),
    ]
    assert answered.error
    assert answered.messages[0].content == "Error: User not found"


def test_the_session_opens_with_policy_and_greeting_and_keeps_its_own_task(database, tmp_path: Path) -> None:
    (events,) = imported(database, tmp_path, files.results(files.good()))
    started = events[0]
    assert isinstance(started, Started)
    system, greeting = started.messages
    assert "<policy>\nBe kind.\n</policy>" in (system.content or "")
    assert greeting.role == "assistant"
    assert started.task is not None
    assert [(a.name, a.arguments) for a in started.task.actions] == [files.CANCEL]
    assert started.task.outputs == ("96.2",)
    assert "Cancel an order." in started.task.instruction
    assert (started.spec.actor, started.spec.user, started.spec.seed) == ("gpt-x", "llm:gpt-y", 5)
    assert started.extra["reward_info"]["db_check"] == {"db_match": True, "db_reward": 1.0}
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert ended.reward is not None
    assert ended.reward.info == {"DB": 1.0, "COMMUNICATE": 1.0, "db_match": True, "communicate": {"96.2": True}}


def test_times_tokens_and_costs_are_as_recorded_and_keys_are_not_kept(database, tmp_path: Path) -> None:
    (events,) = imported(database, tmp_path, files.results(files.good()))
    assert events[0].at == 1754064000.0
    proposed = next(event for event in events if isinstance(event, Proposed))
    assert proposed.at == 1754064002.5
    call = proposed.call
    assert call is not None
    assert (call.model, call.cost, call.latency) == ("gpt-x", 0.25, 1.0)
    assert (call.usage.input_tokens, call.usage.output_tokens) == (100, 10)
    assert call.request == {"temperature": 0.0}
    heard = next(event for event in events if isinstance(event, Observed))
    assert heard.call is not None
    assert (heard.call.party, heard.call.model, heard.call.cost) == ("user", "gpt-y", 0.125)
    assert "api_key" not in "\n".join(database.connection.iterdump())


@pytest.mark.parametrize(
    ("reason", "ours"),
    [
        ("user_stop", "user_stop"),
        ("agent_stop", "user_stop"),
        ("max_steps", "max_turns"),
        ("timeout", "max_seconds"),
        ("too_many_errors", "too_many_errors"),
        ("agent_error", "actor_error"),
        ("user_error", "user_error"),
        ("context_window_exceeded", "actor_error"),
        ("unexpected_error", "actor_error"),
        ("infrastructure_error", "infrastructure_error"),
    ],
)
def test_every_reason_to_end_has_its_word(database, tmp_path: Path, reason: str, ours: str) -> None:
    cut = files.conversation(files.user("Hello."), files.agent("Hi."))
    value = files.results(files.simulation(cut, reward=0.0, reason=reason, reward_info=None))
    (events,) = imported(database, tmp_path, value)
    ended = events[-1]
    assert ended.reason == ours
    assert ended.message == ("" if reason == "user_stop" else reason)
    assert (ended.reward is None) == (reason == "infrastructure_error")
    assert verify(database).problems == ()


def test_a_crash_without_a_word_can_be_imported(database, tmp_path: Path) -> None:
    crashed = files.simulation([], reward=0.0, reason="infrastructure_error", reward_info=None, start_time=None)
    (events,) = imported(database, tmp_path, files.results(crashed))
    assert events[-1].reward is None


def test_what_was_recorded_replays(tmp_path: Path) -> None:
    path = files.write(tmp_path, files.results(files.good()))
    assert acc("import", path, "--dataset", "bundled", "--name", "r").code == 0
    checked = acc("replay", "--verify", "--run", "r")
    assert checked.code == 0
    assert "3/3 identical" in checked.out
    assert "1/1 reproduced" in checked.out


def test_a_result_that_is_not_what_the_tools_say_shows(tmp_path: Path) -> None:
    text = json.dumps(files.results(files.good())).replace("User not found", "Nobody found")
    path = tmp_path / "r.json"
    path.write_text(text)
    acc("import", path, "--dataset", "bundled", "--name", "r")
    checked = acc("replay", "--verify", "--run", "r")
    assert checked.code == 1
    assert "2/3 identical" in checked.out


def test_a_reward_that_takes_a_judge_is_not_compared(tmp_path: Path) -> None:
    value = files.results(files.good())
    value["tasks"][0]["evaluation_criteria"] |= {
        "nl_assertions": ["Agent is kind."],
        "reward_basis": ["DB", "NL_ASSERTION"],
    }
    acc("import", files.write(tmp_path, value), "--dataset", "bundled", "--name", "r")
    checked = acc("replay", "--verify", "--run", "r", "--json")
    assert checked.code == 0
    assert checked.json["total"]["rewards"] == [0, 0]


def changed(**fields: Any) -> dict[str, Any]:
    return files.results(files.good(**fields))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (files.results(), "holds no simulations"),
        (files.results(files.good(), files.good()), "task 7, trial 0 twice"),
        (changed(task_id="8"), "a task that the file does not hold"),
        (changed(reward_info={"reward": 2.0}), "not between 0 and 1"),
        (changed(termination_reason="bored"), "termination_reason"),
        (changed(messages=[{"role": "tool", "id": "c", "content": "x"}]), "a tool result without its call"),
        (changed(messages=[files.user("a"), files.user("b")]), "the user speaks out of turn"),
        (
            changed(messages=[files.user("a"), files.calls(files.CANCEL), files.agent("b")]),
            "the agent speaks out of turn",
        ),
        (
            changed(messages=[{**files.user("a"), "tool_calls": files.calls(files.CANCEL)["tool_calls"]}]),
            "the user calls tools",
        ),
        (files.results(files.good(), domain="telecom"), "tau2_telecom, an environment that acc does not have"),
        ({"simulations": 5}, "not a result file of tau2-bench"),
    ],
)
def test_a_damaged_file_is_named_and_leaves_nothing(database, tmp_path: Path, value: Any, words: str) -> None:
    with pytest.raises(AccError, match=words):
        import_file(files.write(tmp_path, value), database, dataset="bundled")
    assert not database.rows("SELECT 1 FROM sessions")
    assert not database.rows("SELECT 1 FROM runs")


def test_half_a_surrogate_pair_is_replaced(database, tmp_path: Path) -> None:
    said = files.conversation(files.user("Hi \ud83d"), files.agent("Ho"), files.user("###STOP###"))
    (events,) = imported(database, tmp_path, files.results(files.simulation(said)))
    assert "Hi \ufffd" in str(events)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where the values inside a JSON value stand."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(found for key, inner in items for found in paths(inner, (*at, key)))]


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_with_any_value_in_any_place_is_imported_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    value = json.loads(json.dumps(files.results(files.good())))  # nothing shared, since it is changed in place
    *way, last = data.draw(st.sampled_from([path for path in paths(value) if path]))
    holder = value
    for key in way:
        holder = holder[key]
    holder[last] = data.draw(JSON)
    folder = tmp_path_factory.mktemp("any")
    with open_database(folder / "a.db") as database:
        try:
            import_file(files.write(folder, value), database, dataset="bundled")
        except AccError:
            assert not database.rows("SELECT 1 FROM sessions")
        else:
            assert verify(database).problems == ()


@pytest.mark.official
@pytest.mark.parametrize(
    ("domain", "sessions", "calls", "success"), [("airline", 20, 148, 0.5), ("retail", 40, 299, 0.85)]
)
def test_the_shipped_recordings_are_measured_and_verified(
    official_data: Path, monkeypatch: pytest.MonkeyPatch, domain: str, sessions: int, calls: int, success: float
) -> None:
    monkeypatch.setenv("ACC_TAU2_BENCH_DIR", str(official_data / "tau2"))
    path = official_data / "tau2" / "trajectories" / f"gpt-4.1-{domain}.json"
    assert acc("import", path, "--name", "r").code == 0
    (group,) = acc("stats", "--run", "r", "--json").json
    assert (group["scored"], group["success"]) == (sessions, success)
    checked = acc("replay", "--verify", "--run", "r")
    assert checked.code == 0
    assert f"{calls}/{calls} identical" in checked.out
    assert f"{sessions}/{sessions} reproduced" in checked.out
