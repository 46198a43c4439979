"""Result files of τ-bench v1 become sessions, whole or not at all, and only once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.errors import AccError, NotFound, UsageError
from actorcritic_cli.exchange import tau_bench
from actorcritic_cli.exchange.intake import import_file
from actorcritic_cli.session.events import Acted, Ended, Observed, Proposed, Started
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.verify import verify
from tests.program import acc
from tests.property_examples import examples
from tests.v1_files import (
    STOP,
    a_bad_run,
    a_crash,
    a_cut_off_run,
    a_good_run,
    a_run,
    a_transfer,
    agent,
    call,
    four_runs,
    result,
    user,
    write,
)


@pytest.fixture
def database(tmp_path):
    with open_database(tmp_path / "a.db") as opened:
        yield opened


def empty(database) -> bool:
    return all(not database.rows(f"SELECT 1 FROM {t}") for t in ("sessions", "runs", "events", "messages"))


def imported(database, runs, tmp_path, **options):
    import_file(write(tmp_path, runs), database, dataset="bundled", **options)
    library = Library(database)
    return [list(library.events(s.id)) for s in reversed(library.sessions())]


def test_every_run_becomes_a_session_of_one_run(database, tmp_path):
    done = import_file(write(tmp_path, four_runs()), database, dataset="bundled")
    assert (done.format, done.sessions, done.tasks, done.actor, done.env) == (
        "tau-bench",
        4,
        1,
        "gpt-4o",
        "tau_airline",
    )
    library = Library(database)
    assert library.run(done.run)["source"] == "tau-bench"
    found = library.sessions(run=done.run)[::-1]
    assert [(s.task, s.trial) for s in found] == [("cancel-01", n) for n in range(4)]
    assert [s.termination for s in found] == ["user_stop", "user_stop", "transfer", "max_turns"]
    assert [s.reward for s in found] == [1.0, 0.0, 0.0, 0.0]
    assert {(s.source, s.supervise, s.dataset) for s in found} == {("tau-bench", "off", "bundled")}
    assert verify(database).problems == ()


def test_a_session_says_what_the_file_says(database, tmp_path):
    run = a_bad_run()
    (events,) = imported(database, [run], tmp_path)
    started, ended = events[0], events[-1]
    assert isinstance(started, Started)
    assert isinstance(ended, Ended)
    messages = [*started.messages]
    for event in events:
        if isinstance(event, Acted):
            messages.append(event.message)
        if isinstance(event, Observed):
            messages += event.messages
    back = [
        {"role": m.role, "content": m.content}
        | ({"tool_calls": [(c.id, c.name, c.arguments) for c in m.tool_calls]} if m.tool_calls else {})
        | ({"name": m.name, "tool_call_id": m.tool_call_id} if m.role == "tool" else {})
        for m in messages
    ]
    said = [
        m
        | (
            {"tool_calls": [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in m["tool_calls"]]}
            if "tool_calls" in m
            else {}
        )
        for m in run["traj"]
    ]
    assert back == said
    assert any(m.tool_calls and m.content == "Let me look." for m in messages)
    assert [a.name for a in started.task.actions] == [a["name"] for a in run["info"]["task"]["actions"]]
    assert started.task.instruction == run["info"]["task"]["instruction"]
    assert started.extra["reward_info"] == run["info"]["reward_info"]
    assert ended.reward.info == run["info"]["reward_info"]["info"]
    assert {t.name: t.effect for t in started.tools}["cancel_reservation"] == "write"
    assert [e.error for e in events if isinstance(e, Observed)] == [False, True, False]
    assert all(e.call is None for e in events if isinstance(e, Proposed | Observed))


def test_a_crashed_run_is_not_the_agents_failure_and_keeps_its_task(database, tmp_path):
    (_, crash) = imported(database, [a_good_run(), a_crash()], tmp_path)
    assert crash[-1].reason == "infrastructure_error"
    assert crash[-1].reward is None
    assert "Connection reset" in crash[-1].message
    assert crash[0].task is not None
    assert crash[0].extra["recorded_reward"] == 0.0


def test_a_file_is_imported_once(database, tmp_path):
    path = write(tmp_path, four_runs())
    first = import_file(path, database, dataset="bundled")
    moved = write(tmp_path, four_runs(), "other-name.json")
    second = import_file(moved, database, dataset="bundled", actor="somebody")
    assert (second.run, second.sessions, second.present, second.actor) == (first.run, 0, 4, "gpt-4o")
    assert len(Library(database).sessions()) == 4
    on_other_data = import_file(path, database, dataset="official")
    assert (on_other_data.sessions, len(Library(database).sessions())) == (4, 8)


def test_the_same_file_gets_the_same_ids_everywhere(tmp_path):
    path = write(tmp_path, four_runs())
    ids = []
    for name in ("a.db", "b.db"):
        with open_database(tmp_path / name) as database:
            import_file(path, database, dataset="bundled")
            ids.append([s.id for s in Library(database).sessions()])
    assert ids[0] == ids[1]


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_cut_off_anywhere_leaves_nothing_behind(database, tmp_path, data):
    whole = json.dumps(four_runs())
    cut = data.draw(st.integers(1, len(whole) - 1))
    path = tmp_path / "cut.json"
    path.write_text(whole[:cut])
    with pytest.raises(AccError, match="cut off or no JSON"):
        import_file(path, database)
    assert empty(database)


def broken_run(change):
    run = a_good_run()
    change(run)
    return run


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.pop("traj"), "Run 2 .*missing required field `traj`"),
        (lambda r: r["traj"][3].update(content=7), r"Run 2 .*Expected `str \| null`.*traj\[3\].content"),
        (lambda r: r.update(reward="one"), "Run 2 .*reward"),
        (lambda r: r.update(reward=7.0), "Run 2 .*not between 0 and 1"),
        (lambda r: r.update(reward=float("nan")), "Run 2 .*not between 0 and 1"),
        (lambda r: r.update(traj=[]), "neither a conversation nor an error"),
        (lambda r: r["traj"].insert(2, user("again")), "message 3: the user speaks out of turn"),
        (lambda r: r["traj"].insert(3, agent("again")), "message 4: the agent speaks out of turn"),
        (lambda r: r["traj"].insert(3, result("x")), "message 4: a tool result without a call"),
        (lambda r: r["traj"].insert(1, r["traj"][0]), "message 2: a system message after"),
        (lambda r: r["traj"].insert(3, user("API output: 3")), "text agent"),
        (lambda r: r["info"]["task"]["actions"][0].pop("kwargs"), "Run 2 .*kwargs"),
        (lambda r: r.update(trial=1), "task cancel-01, trial 1 twice .runs 1 and 2"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_place(database, tmp_path, change, said):
    path = write(tmp_path, [a_bad_run(), broken_run(change)])
    with pytest.raises(AccError, match=said):
        import_file(path, database, dataset="bundled")
    assert empty(database)


def test_an_interrupted_import_leaves_nothing_behind(database, tmp_path):
    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    path = write(tmp_path, four_runs())
    with pytest.raises(KeyboardInterrupt):
        import_file(path, database, dataset="bundled", progress=interrupt)
    assert empty(database)
    assert import_file(path, database, dataset="bundled").sessions == 4


def test_the_edition_of_the_data_shows_in_the_recorded_users(database, tmp_path):
    def details(key):
        return result(json.dumps({"address": {"city": "Austin", key: "TX"}}), "get_user_details")

    def run(key):
        made = a_run(user("Hi"), agent("Hello"), STOP)
        made["traj"][2:3] = [call("get_user_details", {"user_id": "u"}), details(key), agent("Hello")]
        return made

    assert import_file(write(tmp_path, [run("province")]), database).dataset == "official-2024"
    assert import_file(write(tmp_path, [run("state")]), database).dataset == "official"


@pytest.mark.parametrize(
    ("name", "actor"),
    [
        ("sonnet-35-new-airline.json", "sonnet-35-new"),
        ("results.json", "unknown"),
        ("tool-calling-gpt-4o-mini-0.0_range_0-50_user-gpt-4o-llm_0520.json", "gpt-4o-mini"),
    ],
)
def test_the_actor_shows_in_the_files_name(name, actor):
    assert tau_bench.actor_of(name) == actor


def test_other_files_are_told_apart_by_their_content(database, tmp_path):
    for text, said in [
        ("", "no format that acc knows"),
        ("{}", "no format that acc knows"),
        ("task,reward", "no format that acc knows"),
        ('{"timestamp": 1, "simulations": []}', "tau2-bench"),
        ("[]", "holds no runs"),
        ("[1]", "Run 1 of"),
        ("[" * 100_000, "cut off|nested too deeply"),
    ]:
        path = tmp_path / "file.json"
        path.write_text(text)
        with pytest.raises(AccError, match=said):
            import_file(path, database)
    path.write_bytes(b'[{"task_id": "\xff"}]')
    with pytest.raises(AccError, match="not UTF-8"):
        import_file(path, database)
    with pytest.raises(NotFound):
        import_file(tmp_path / "missing.json", database)
    with pytest.raises(AccError, match="Cannot read"):
        import_file(tmp_path, database)
    assert empty(database)


def test_a_file_of_another_domain_is_not_taken_for_the_airline(database, tmp_path):
    run = a_transfer()
    run["info"]["task"]["actions"] = [{"name": f"shop_{n}", "kwargs": {}} for n in range(3)]
    path = write(tmp_path, [run])
    with pytest.raises(AccError, match="shop_0"):
        import_file(path, database)
    silent = a_run(user("Hi"), agent("Hello"), STOP)
    silent["info"]["task"]["actions"] = []
    with pytest.raises(UsageError, match="--env"):
        import_file(write(tmp_path, [silent]), database)
    assert import_file(write(tmp_path, [silent]), database, env="tau_airline").sessions == 1


def test_half_a_surrogate_pair_in_a_file_can_be_imported(database, tmp_path):
    run = a_run(user("Hi \ud83d"), agent("\udc00 Hello"), STOP)
    (events,) = imported(database, [run], tmp_path)
    assert events[1].messages[0].content == "Hi \ufffd"
    assert verify(database).problems == ()


def test_the_command_prints_the_run_and_leaves_talk_to_stderr(tmp_path):
    path = write(tmp_path, four_runs())
    done = acc("import", path, "--dataset", "bundled", "--name", "mine")
    assert (done.code, done.out) == (0, "mine\n")
    assert "4 sessions of 1 task" in done.err
    again = acc("import", path, "--dataset", "bundled", "--json")
    assert (again.json["sessions"], again.json["present"], again.json["run"]) == (0, 4, "mine")
    assert acc("import", write(tmp_path, [a_cut_off_run()]), "--dataset", "bundled", "--name", "mine").code == 2
    assert acc("import", path, "--name", "no/slash").code == 2
    assert acc("import", path, "--dataset", "nonsense").code == 3
    listed = acc("sessions", "--json").json
    assert [s["created_at"] for s in listed] == [None] * 4
    assert acc("sessions", "--runs", "--json").json[0]["config"]["trials"] == 4
    assert "mine" in acc("sessions", "--run", "mine").out


@pytest.mark.official
def test_the_recorded_gpt_4o_airline_runs_are_imported_whole(official_data: Path):
    recording = official_data / "tau-bench" / "trajectories" / "gpt-4o-airline.json"
    done = acc("import", recording, "--json").json
    assert (done["sessions"], done["tasks"], done["dataset"], done["actor"]) == (200, 50, "official-2024", "gpt-4o")
    (group,) = acc("stats", "--json").json
    assert group["terminations"] == {"max_turns": 5, "transfer": 48, "user_stop": 147}
    shown = [line.split()[:2] for line in acc("stats").out.splitlines() if line.startswith("  pass^")]
    assert shown == [["pass^1", ".420"], ["pass^2", ".273"], ["pass^3", ".220"], ["pass^4", ".200"]]
    assert acc("db", "verify").code == 0
