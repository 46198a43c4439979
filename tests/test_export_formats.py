"""Sessions go out in the formats of other programs, and come back as they were."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actorcritic_cli.envs import registry
from actorcritic_cli.exchange import trace
from actorcritic_cli.exchange.export import ExportFormat, exported
from actorcritic_cli.exchange.intake import import_file
from actorcritic_cli.paths import database_path
from actorcritic_cli.session.events import Decided, Event, Judged, Proposed, Started
from actorcritic_cli.store.bulk import bulk_writing
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.store.verify import verify
from tests import v2_files
from tests.program import acc
from tests.sim_sessions import at_random, hold, spec_for
from tests.v1_files import a_crash, four_runs, write

TRACES = sorted((Path(__file__).parents[1] / "traces").glob("*.jsonl"))


def write_out(library: Library, path: Path, format: ExportFormat, **options: Any) -> Path:
    with path.open("wb") as file:
        file.writelines(exported(library, library.ended_sessions(), format, **options))
    return path


def all_events(library: Library) -> list[list[Event]]:
    return [list(library.events(session)) for session in library.ended_sessions()]


def nameless(events: Sequence[Event]) -> list[Event]:
    """A session without what belongs to the file it came from: its own id and that of the run."""
    started = events[0]
    assert isinstance(started, Started)
    return [replace(started, session="", run=None), *events[1:]]


def there_and_back(folder: Path, first: Path, format: ExportFormat, **options: Any) -> tuple[list[Any], list[Any]]:
    """The sessions of a file, and those of what is exported of them (under the same name, in another folder)."""
    with open_database(folder / "a.db") as a, open_database(folder / "b.db") as b:
        import_file(first, a, **options)
        (folder / "out").mkdir()
        second = write_out(Library(a), folder / "out" / first.name, format)
        import_file(second, b, **options)
        assert verify(b).problems == ()
        return [nameless(e) for e in all_events(Library(a))], [nameless(e) for e in all_events(Library(b))]


def hasty(env: str, trials: int = 2) -> list[list[Event]]:
    """Supervised sessions of a simulated actor, some of which fail, and some of whose proposals are rejected."""
    found = []
    for number, task in enumerate(registry.load(env, "bundled").tasks()[:5]):
        for trial in range(trials):
            spec = replace(
                spec_for(env, "sim:hasty", task=task.id, seed=10 * number + trial, supervised=True, slip_rate=0.6),
                trial=trial,
            )
            started, *events = hold(spec, task, at_random(0.3))
            found.append([replace(started, session=f"s{number}{trial}"), *events])  # type: ignore[type-var]
    return found


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A database of such sessions for each benchmark."""
    made = {}
    for env in ("tau_airline", "tau2_retail"):
        made[env] = tmp_path_factory.mktemp("sim") / f"{env}.db"
        with open_database(made[env]) as database, bulk_writing(database) as writer:
            for events in hasty(env):
                writer.add(events)
    return made


def test_a_v1_file_comes_back_as_it_was(tmp_path: Path) -> None:
    runs = [*four_runs(), a_crash()]
    runs[1]["traj"][2]["refusal"] = None  # more than acc looks at, which is kept
    before, after = there_and_back(tmp_path, write(tmp_path, runs), "tau-bench", dataset="bundled")
    assert after == before
    assert len(before) == 5


def test_the_runs_of_a_v1_file_are_those_that_were_read(tmp_path: Path) -> None:
    runs = four_runs()
    with open_database(tmp_path / "a.db") as database:
        import_file(write(tmp_path, runs), database, dataset="bundled")
        out = write_out(Library(database), tmp_path / "out.json", "tau-bench")
    back = json.loads(out.read_text())
    assert back == runs


def test_a_v2_file_comes_back_as_it_was(tmp_path: Path) -> None:
    simulations = [
        v2_files.good(),
        v2_files.good(trial=1, reward_info={"reward": 0.0}, id="x-2"),
        v2_files.good(trial=2, termination_reason="max_steps", reward_info=None, id="x-3"),
        v2_files.good(trial=3, termination_reason="infrastructure_error", reward_info=None, id="x-4"),
        v2_files.good(trial=4, reward_info=None, id="x-5"),
    ]
    path = v2_files.write(tmp_path, v2_files.results(*simulations))
    before, after = there_and_back(tmp_path, path, "tau2-bench", dataset="bundled")
    assert after == before
    assert len(before) == 5


@pytest.mark.parametrize("format", ["chat", "inspect"])
def test_a_file_of_a_general_form_comes_back_as_it_was(tmp_path: Path, simulated: dict[str, Path], format: Any) -> None:
    with open_database(simulated["tau_airline"]) as database:
        first = write_out(Library(database), tmp_path / "first.json", format)
    before, after = there_and_back(tmp_path, first, format)
    assert [e[1:] for e in after] == [e[1:] for e in before]
    keys = [[(e[0].spec, e[0].messages, e[0].tools, e[0].task) for e in events] for events in (before, after)]
    assert keys[0] == keys[1]
    assert len(before) == 10


@pytest.mark.parametrize(
    ("env", "format"),
    [
        ("tau_airline", "tau-bench"),
        ("tau_airline", "chat"),
        ("tau_airline", "inspect"),
        ("tau2_retail", "tau2-bench"),
        ("tau2_retail", "chat"),
        ("tau2_retail", "inspect"),
    ],
)
def test_rewards_and_pass_k_survive(simulated: dict[str, Path], tmp_path: Path, env: str, format: Any) -> None:
    with open_database(simulated[env]) as database:
        library = Library(database)
        out = write_out(library, tmp_path / "out.json", format)
        before = {(s.task, s.trial): s.reward for s in library.sessions()}
        transcripts = {(s.task, s.trial): said(library, s.id) for s in library.sessions()}
    assert {0.0, 1.0} <= set(before.values())
    assert acc("import", out, "--dataset", "bundled", "--name", "back").code == 0
    with open_database(database_path()) as database:
        library = Library(database)
        assert {(s.task, s.trial): s.reward for s in library.sessions()} == before
        assert {(s.task, s.trial): said(library, s.id) for s in library.sessions()} == transcripts
        assert {(s.env, s.dataset) for s in library.sessions()} == {(env, "bundled")}
    was, now = (acc("stats", "--json", *at).json[0] for at in (("--db", simulated[env]), ()))
    assert pass_k(now) == pass_k(was)
    assert acc("db", "verify").code == 0
    if format != "chat":
        assert acc("replay", "--verify", "--run", "back").code == 0


def pass_k(group: dict[str, Any]) -> Any:
    found = {name: value for name, value in group.items() if name.startswith("pass^")}
    assert found
    return found


def said(library: Library, session: str) -> list[tuple[str, str | None, list[Any]]]:
    """What was said and done in the accepted transcript."""
    from actorcritic_cli.exchange.told import told

    messages = told(list(library.events(session))).messages
    return [(m.role, m.content or None, [(c.name, c.parsed()) for c in m.tool_calls]) for m in messages]


def test_rejected_proposals_are_left_out_of_chat_lines_unless_asked_for(simulated: dict[str, Path]) -> None:
    db = simulated["tau_airline"]
    plain = acc("export", "--env", "tau_airline", "--format", "chat", "--db", db).json_lines
    full = acc("export", "--env", "tau_airline", "--format", "chat", "--rejected", "--db", db).json_lines
    assert all("rejected" not in line for line in plain)
    assert [line["messages"] for line in plain] == [line["messages"] for line in full]
    rejected = [r for line in full for r in line["rejected"]]
    with open_database(db) as database:
        wanted = database.rows("SELECT count(*) FROM decisions WHERE decision <> 'accept'")[0][0]
    assert len(rejected) == wanted > 0
    for line in full:
        for one in line["rejected"]:
            assert line["messages"][one["after"] - 1]["role"] in ("user", "tool")
    assert {tuple(sorted(tool)) for line in plain for tool in line["tools"]} == {("function", "type")}
    assert all(isinstance(value, str) for line in plain for value in line["metadata"].values())


def spans(*arguments: Any) -> list[dict[str, Any]]:
    lines = acc("export", *arguments, "--format", "otel").json_lines
    return [s for line in lines for r in line["resourceSpans"] for scope in r["scopeSpans"] for s in scope["spans"]]


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}


def test_spans_say_who_did_what_and_no_word_of_it() -> None:
    for path in TRACES:
        acc("import", path)
    found = spans("example-refusal")
    (events,) = trace.read(next(p for p in TRACES if "refusal" in p.name))
    root, *rest = found
    assert root["name"].startswith("invoke_agent ")
    assert "parentSpanId" not in root
    assert {s["parentSpanId"] for s in rest} == {root["spanId"]}
    assert {s["traceId"] for s in found} == {root["traceId"]}
    assert len({s["spanId"] for s in found}) == len(found)
    assert (len(root["traceId"]), len(root["spanId"])) == (32, 16)
    by_operation = [attributes(s).get("gen_ai.operation.name") for s in found]
    assert by_operation.count("chat") == sum(isinstance(e, Proposed) for e in events)
    assert by_operation.count(None) == sum(isinstance(e, Judged) for e in events)
    assert by_operation.count("execute_tool") == sum(
        len(e.message.tool_calls) for e in events if type(e).__name__ == "Acted"
    )
    decided = [e["name"] for s in found for e in s.get("events", []) if e["name"] == "acc.decision"]
    assert len(decided) == sum(isinstance(e, Decided) for e in events)
    assert all(int(s["startTimeUnixNano"]) <= int(s["endTimeUnixNano"]) for s in found)
    started = events[0]
    assert isinstance(started, Started)
    text = json.dumps(found)
    proposals = [e.proposal.message.content for e in events if isinstance(e, Proposed) and e.proposal.message.content]
    assert not any(json.dumps(words)[1:-1] in text for words in proposals)
    with_words = json.dumps(spans("example-refusal", "--content"))
    assert all(json.dumps(json.dumps(words)[1:-1])[1:-1] in with_words for words in proposals)
    assert spans("example-refusal") == found
    for line in acc("export", "example-refusal", "--format", "otel").json_lines:
        assert line["resourceSpans"][0]["schemaUrl"] == "https://opentelemetry.io/schemas/1.41.0"


def test_what_a_format_cannot_hold_is_said(simulated: dict[str, Path], tmp_path: Path) -> None:
    for path in TRACES:
        acc("import", path)
    two = acc("export", "example-cancel", "example-refusal", "--format", "inspect")
    assert (two.code, "differ in their actor" in two.error) == (2, True)
    other = acc("export", "example-cancel", "--format", "tau2-bench")
    assert (other.code, "is in tau_airline" in other.error) == (2, True)
    twice = acc("export", "example-cancel", "--format", "tau-bench", "-o", tmp_path / "a.json")
    assert twice.code == 0
    assert acc("import", tmp_path / "a.json", "--dataset", "bundled").code == 0
    again = acc("export", "--env", "tau_airline", "--format", "tau-bench")
    assert (again.code, "both trial 0 of task cancel-01" in again.error) == (2, True)
    assert acc("export", "example-cancel", "--rejected").code == 2
    assert acc("export", "example-cancel", "--content").code == 2
    assert acc("export", "example-cancel", "--env", "tau_airline").code == 2
    assert acc("export", "--env", "travel").code == 2


def test_keys_that_came_into_the_environment_later_are_not_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    acc("import", TRACES[0])
    secret = "Saoirse-and-her-secret"
    (line,) = acc("export", "last", "--format", "chat").json_lines
    assert line["messages"][0]["content"]
    monkeypatch.setenv("MY_TOKEN", "saoirse_brennan_8542")
    acc("import", next(p for p in TRACES if "cancel" in p.name))
    out = acc("export", "example-cancel", "--format", "chat").out
    assert "saoirse_brennan_8542" not in out
    assert "[MY_TOKEN]" in out
    assert secret not in out


@pytest.mark.official
def test_the_official_v1_recording_comes_back_as_it_was(official_data: Path, tmp_path: Path) -> None:
    path = official_data / "tau-bench" / "trajectories" / "gpt-4o-airline.json"
    before, after = there_and_back(tmp_path, path, "tau-bench")
    assert after == before
    back = json.loads((tmp_path / "out" / path.name).read_text())
    wanted = json.loads(path.read_text())
    key = lambda run: (run["trial"], run["task_id"])  # noqa: E731
    assert sorted(back, key=key) == sorted(wanted, key=key)


@pytest.mark.official
@pytest.mark.parametrize("domain", ["airline", "retail"])
def test_the_official_v2_recordings_come_back_as_they_were(
    official_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, domain: str
) -> None:
    monkeypatch.setenv("ACC_TAU2_BENCH_DIR", str(official_data / "tau2"))
    path = official_data / "tau2" / "trajectories" / f"gpt-4.1-{domain}.json"
    before, after = there_and_back(tmp_path, path, "tau2-bench")
    assert after == before
