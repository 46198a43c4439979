"""Inspect logs and chat lines become sessions; what cannot be read is named, and left out only when that is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.errors import AccError
from actorcritic_cli.exchange import trace
from actorcritic_cli.exchange.intake import import_file, recognise
from actorcritic_cli.session.events import Acted, Ended, Observed, Started
from actorcritic_cli.store.database import Database, open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.verify import verify
from tests import v2_files
from tests.program import acc
from tests.property_examples import examples
from tests.test_import_tau2 import JSON, paths
from tests.v1_files import four_runs, write

Json = dict[str, Any]
TRACES = sorted((Path(__file__).parents[1] / "traces").glob("*.jsonl"))
KEY = "sk-abcdefghijklmnopqrstuvwx"


@pytest.fixture
def database(tmp_path: Path):
    with open_database(tmp_path / "a.db") as opened:
        yield opened


def call(call_id: str = "c1", name: str = "look", arguments: str = '{"at": "it"}') -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def conversation() -> list[Json]:
    return [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {}}]},
        {"role": "assistant", "content": None, "tool_calls": [call("c1"), call("c2", "write")]},
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "assistant", "content": "Done."},
    ]


TOOLS = [{"type": "function", "function": {"name": "look", "description": "Look.", "parameters": {"type": "object"}}}]


def lines(folder: Path, *found: Any) -> Path:
    path = folder / "chat.jsonl"
    path.write_text("".join(one if isinstance(one, str) else json.dumps(one) + "\n" for one in found))
    return path


def sample(**changed: Any) -> Json:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Where is it?"},
        {
            "role": "assistant",
            "content": [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": ""}],
            "tool_calls": [{"id": "c1", "function": "look", "arguments": {"at": "it"}, "type": "function"}],
        },
        {
            "role": "tool",
            "content": "attachment://aa",
            "tool_call_id": "c1",
            "error": {"type": "timeout", "message": ""},
        },
        {"role": "assistant", "content": "It is here."},
    ]
    return {
        "id": 3,
        "epoch": 2,
        "input": "Where is it?",
        "target": "here",
        "messages": messages,
        "scores": {"includes": {"value": "C", "answer": "here"}},
        "attachments": {"aa": "looked too long"},
        "started_at": "2026-01-02T03:04:05+00:00",
        **changed,
    }


def log(folder: Path, *samples: Any, version: int = 2) -> Path:
    evaluated = {
        "task": "find_it",
        "model": "openai/gpt-4o",
        "dataset": {"name": "places"},
        "created": "",
        "config": {},
    }
    path = folder / "log.json"
    head = {"version": version, "status": "success", "eval": evaluated, "results": None}
    path.write_text(json.dumps({**head, "samples": list(samples), "reductions": []}, indent=2))
    return path


def only(database: Database) -> list[Any]:
    library = Library(database)
    (session,) = library.sessions()
    assert verify(database).problems == ()
    return list(library.events(session.id))


def test_a_chat_line_of_another_program_becomes_a_session(database: Database, tmp_path: Path) -> None:
    path = lines(tmp_path, {"messages": conversation(), "tools": TOOLS})
    done = import_file(path, database, actor="gpt-x")
    assert (done.format, done.env, done.dataset, done.actor, done.sessions) == ("chat", "chat", "imported", "gpt-x", 1)
    started, *events = only(database)
    assert isinstance(started, Started)
    assert [(m.role, m.content) for m in started.messages] == [("system", "Be kind.")]
    assert [(t.name, t.effect) for t in started.tools] == [("look", "write")]
    heard = [e for e in events if isinstance(e, Observed)]
    assert heard[0].messages[0].content == "Hi"
    assert [(m.tool_call_id, m.name, m.content) for m in heard[1].messages] == [
        ("c1", "look", "one"),
        ("c2", "write", "two"),
    ]
    assert isinstance(events[-1], Ended)
    assert events[-1].reward is None
    assert import_file(path, database).present == 1
    assert acc("replay", "last", "--db", database.path).code == 0


def test_a_sample_becomes_a_session(database: Database, tmp_path: Path) -> None:
    done = import_file(log(tmp_path, sample()), database)
    assert (done.format, done.env, done.dataset, done.actor) == ("inspect", "find_it", "places", "openai/gpt-4o")
    started, *events = only(database)
    assert (started.spec.task_id, started.spec.trial, started.at) == ("3", 1, 1767323045.0)
    result = next(e for e in events if isinstance(e, Observed) and e.messages[0].role == "tool")
    assert (result.messages[0].content, result.error) == ("looked too long", True)
    acted = next(e for e in events if isinstance(e, Acted))
    assert acted.message.tool_calls[0].parsed() == {"at": "it"}
    assert events[-1].reward.value == 1.0
    assert import_file(tmp_path / "log.json", database).present == 1


@pytest.mark.parametrize(
    ("changed", "termination", "reward"),
    [
        ({"scores": {"a": {"value": "I"}}}, "user_stop", 0.0),
        ({"scores": {"a": {"value": 0.25}}}, "user_stop", 0.25),
        ({"scores": {"a": {"value": True}}}, "user_stop", 1.0),
        ({"scores": {"a": {"value": 7}}}, "user_stop", None),
        ({"scores": {"a": {"value": {"b": 1}}}}, "user_stop", None),
        ({"scores": None}, "user_stop", None),
        ({"limit": {"type": "message", "limit": 5}}, "max_turns", 1.0),
        ({"limit": {"type": "working", "limit": 5}}, "max_seconds", 1.0),
        ({"limit": {"type": "custom", "limit": 5}}, "stopped", 1.0),
        ({"error": {"message": "connection lost"}}, "infrastructure_error", None),
    ],
)
def test_scores_limits_and_errors_of_samples_have_their_words(
    database: Database, tmp_path: Path, changed: Json, termination: str, reward: float | None
) -> None:
    import_file(log(tmp_path, sample(**changed)), database)
    (session,) = Library(database).sessions()
    assert (session.termination, session.reward) == (termination, reward)


def test_a_log_of_a_version_to_come_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(AccError, match="version 3"):
        import_file(log(tmp_path, sample(), version=3), database)
    packed = tmp_path / "log.eval"
    packed.write_bytes(b"PK\x03\x04")
    with pytest.raises(AccError, match="inspect log convert"):
        import_file(packed, database)


def files(folder: Path) -> dict[str, Path]:
    """A file of each format, whose second session is bad and whose others are good."""
    good = four_runs()
    bad_run = {**good[1], "reward": "one"}
    simulations = [v2_files.good(), v2_files.good(trial=1, termination_reason="bored"), v2_files.good(trial=2)]
    sessions = [path.read_bytes() for path in TRACES]
    (folder / "trace.jsonl").write_bytes(
        sessions[0] + b"".join(sessions[1].splitlines(keepends=True)[:3]) + b"nonsense\n" + sessions[2]
    )
    return {
        "tau-bench": write(folder, [good[0], bad_run, *good[2:]]),
        "tau2-bench": v2_files.write(folder, v2_files.results(*simulations)),
        "inspect": log(
            folder, sample(), sample(epoch=0, messages=[{"role": "tool", "tool_call_id": "x"}]), sample(id=4)
        ),
        "chat": lines(folder, {"messages": conversation()}, '{"messages": 7}\n', {"messages": conversation()}),
        "trace": folder / "trace.jsonl",
    }


@pytest.mark.parametrize(
    ("format", "said", "left"),
    [
        ("tau-bench", "Run 2 of ", 3),
        ("tau2-bench", "Simulation 2 of ", 2),
        ("inspect", "Sample 2 of ", 2),
        ("chat", "Line 2 of ", 2),
        ("trace", "is not an event", 2),
    ],
)
def test_a_bad_session_is_named_and_left_out_only_on_request(
    database: Database, tmp_path: Path, format: str, said: str, left: int
) -> None:
    path = files(tmp_path)[format]
    assert recognise(path) == format
    options = {"dataset": "bundled"} if format.startswith("tau") else {}
    with pytest.raises(AccError, match=said):
        import_file(path, database, **options)
    for table in ("sessions", "runs", "messages", "events"):
        assert not database.rows(f"SELECT 1 FROM {table}"), table
    done = import_file(path, database, skip_bad=True, **options)
    assert (done.sessions, done.skipped) == (left, 1)
    assert len(Library(database).sessions()) == left
    assert verify(database).problems == ()
    again = import_file(path, database, skip_bad=True, **options)
    assert (again.sessions, again.present) == (0, left)


def test_a_broken_element_does_not_take_the_next_ones_with_it(database: Database, tmp_path: Path) -> None:
    texts = [json.dumps(run) for run in four_runs()]
    path = tmp_path / "gpt-4o-airline.json"
    path.write_text(f"[{texts[0]}, {texts[1].replace('true', 'ture').replace(': 0.0', ': nope')}, {texts[2]}]")
    with pytest.raises(AccError, match=r"Run 2 of .* is no JSON"):
        import_file(path, database, dataset="bundled")
    assert import_file(path, database, dataset="bundled", skip_bad=True).sessions == 2


def test_nothing_but_bad_sessions_is_an_error(database: Database, tmp_path: Path) -> None:
    with pytest.raises(AccError, match="Nothing in"):
        import_file(lines(tmp_path, '{"messages": [7]}\n'), database, skip_bad=True)
    assert not database.rows("SELECT 1 FROM runs")


def test_the_command_says_what_it_left_out(tmp_path: Path) -> None:
    path = files(tmp_path)["tau-bench"]
    assert acc("import", path, "--dataset", "bundled").code == 1
    done = acc("import", path, "--dataset", "bundled", "--skip-bad")
    assert (done.code, "1 bad left out" in done.err) == (0, True)


@pytest.mark.parametrize("format", ["tau-bench", "tau2-bench", "inspect", "chat"])
def test_no_key_gets_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str) -> None:
    monkeypatch.setenv("SOME_API_KEY", 'odd"key\\with-quotes')
    path = files(tmp_path)[format]
    secret = json.dumps('odd"key\\with-quotes')[1:-1]
    text = path.read_text().replace("Hi", f"Hi\\nBearer {KEY} {secret}").replace("Where", f"Where\\n{KEY} {secret}")
    path.write_text(text.replace("Yes", f"Yes\\n{KEY} {secret}"))
    assert KEY in path.read_text()
    options = ["--dataset", "bundled"] if format.startswith("tau") else []
    assert acc("import", path, "--skip-bad", *options).code == 0
    out = acc("export", "--run", "last").out
    assert "redacted key" in out
    assert "[SOME_API_KEY]" in out
    assert KEY not in out
    assert "with-quotes" not in out


def test_escape_sequences_do_not_reach_the_screen(tmp_path: Path) -> None:
    talk = conversation()
    talk[-1]["content"] = "Done\x1b[2J\x1b]0;title\x07."
    acc("import", lines(tmp_path, {"messages": talk}))
    told = acc("replay", "last")
    assert "Done." in told.out
    assert "\x1b" not in told.out


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), which=st.sampled_from(["inspect", "chat"]))
def test_a_file_with_any_value_in_any_place_is_imported_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, which: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = log(folder, sample()) if which == "inspect" else lines(folder, {"messages": conversation(), "tools": TOOLS})
    value = json.loads(path.read_text())
    *way, last = data.draw(st.sampled_from([found for found in paths(value) if found]))
    holder = value
    for key in way:
        holder = holder[key]
    holder[last] = data.draw(JSON)
    path.write_text(json.dumps(value))
    with open_database(folder / "a.db") as database:
        try:
            import_file(path, database)
        except AccError:
            assert not database.rows("SELECT 1 FROM sessions")
        else:
            assert verify(database).problems == ()


def test_a_trace_can_be_read_past_its_faults(tmp_path: Path) -> None:
    whole = b"".join(path.read_bytes() for path in TRACES)
    path = tmp_path / "cut.jsonl"
    path.write_bytes(whole[:-40])
    skipped: list[int] = []
    assert len(list(trace.read(path, skipped=skipped))) == len(TRACES) - 1
    assert len(skipped) == 1


# Linux's ru_maxrss outlives exec: a child forked by a large pytest worker starts with the worker's peak. VmHWM starts anew.
IMPORT = """
import re, resource, sys
from pathlib import Path
from actorcritic_cli.exchange.intake import import_file
from actorcritic_cli.store.database import open_database
with open_database(Path(sys.argv[2])) as database:
    import_file(Path(sys.argv[1]), database, env="tau_airline", dataset="bundled")
status = Path("/proc/self/status")
if status.exists():
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]) * 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    """Files of 20 and of 220 MB: the large one may take as much more as a batch of rows and SQLite's cache are."""
    runs = four_runs()
    peaks = []
    for megabytes in (20, 220):
        path = tmp_path / f"{megabytes}.json"
        with path.open("w") as file:
            file.write("[")
            trial = 0
            while file.tell() < megabytes * 1_000_000:
                for number, run in enumerate(runs):
                    talk = [
                        {**m, "content": f"{m['content']} {trial}"} if m["role"] == "user" else m for m in run["traj"]
                    ]
                    made = {**run, "task_id": f"t{number}", "trial": trial, "traj": talk}
                    file.write(("," if trial or number else "") + json.dumps(made))
                trial += 1
            file.write("]")
        done = subprocess.run(
            [sys.executable, "-c", IMPORT, path, tmp_path / f"{megabytes}.db"],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout) / 2**20)
        path.unlink()
    assert peaks[1] < peaks[0] + 150, peaks
    assert peaks[1] < 400, peaks
