"""Agents of your own: what a file may hold, what the model is told of it, and what becomes of calls and states."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli import own
from actorcritic_cli.envs import registry
from actorcritic_cli.envs.own import states
from actorcritic_cli.envs.own.environment import OwnEnvironment
from actorcritic_cli.envs.own.signature import read_docstring
from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.types import Message, Task

HEAD = "from actorcritic_cli.own import tool, ToolError\n"
ADD = HEAD + '@tool\ndef add(a: int, b: int = 2) -> int:\n    """Add two numbers."""\n    return a + b\n'
COUNTER = (
    HEAD
    + '''
def open_state():
    return {"n": 0, "seen": []}

@tool(effect="write")
def count(state, by: int, then: str = "") -> dict:
    """Count."""
    state["n"] += by
    state["seen"].append(by)
    if then == "refuse":
        raise ToolError("enough")
    if then == "break":
        raise KeyError("x")
    if then == "leave":
        raise SystemExit(3)
    if then == "odd":
        return object()
    return state

@tool
def look(state) -> dict:
    """Look."""
    return state
'''
)


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Write a file with a policy beside it; return its environment."""

    def write(source: str, *, policy: str | None = "Be kind.", tasks: str | None = None) -> OwnEnvironment:
        folder = tmp_path / "agent"
        folder.mkdir(exist_ok=True)
        (folder / "agent.py").write_text(source, "utf-8")
        if policy is not None:
            (folder / "policy.md").write_text(policy, "utf-8")
        if tasks is not None:
            (folder / "tasks.jsonl").write_text(tasks, "utf-8")
        loaded = registry.load(str(folder / "agent.py"))
        assert isinstance(loaded, OwnEnvironment)
        return loaded

    return write


# what the model is told


def test_types_and_docstring_become_the_schema(file: Any) -> None:
    source = (
        HEAD
        + '''
from dataclasses import dataclass
from typing import Annotated, Literal, Optional, TypedDict
import msgspec

@dataclass
class Person:
    name: str
    title: str = ""

class Spot(TypedDict):
    row: int

@tool
def everything(
    word: str, number: int, part: float, flag: bool, words: list[str], table: dict[str, int], loose: dict,
    kind: Literal["a", "b"], person: Person, spot: Spot, few: Annotated[int, msgspec.Meta(ge=1)] = 1,
    maybe: Optional[str] = None, union: int | str = 1,
) -> str:
    """Do
    everything.

    More of it, which is for people.

    Args:
        word: A word,
            of two lines: even.
        number (int): A number.
        title: no
    """
    return "ok"
'''
    ).replace("        title: no\n", "")
    (tool,) = file(source).tools
    assert (tool.name, tool.description, tool.effect) == ("everything", "Do everything.", "read")
    properties = tool.parameters["properties"]
    assert next(iter(properties)) == "word"
    assert list(properties)[9:] == ["spot", "few", "maybe", "union"]
    assert properties["word"] == {"type": "string", "description": "A word, of two lines: even."}
    assert properties["number"] == {"type": "integer", "description": "A number."}
    assert properties["few"] == {"type": "integer", "minimum": 1, "default": 1}
    assert properties["maybe"] == {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    assert properties["person"]["properties"] == {
        "name": {"type": "string"},
        "title": {"type": "string", "default": ""},
    }
    assert properties["spot"]["required"] == ["row"]
    assert properties["kind"] == {"enum": ["a", "b"]}
    assert "$ref" not in json.dumps(tool.parameters)
    assert tool.parameters["required"] == list(properties)[:10]
    assert tool.parameters["additionalProperties"] is False


def test_the_state_is_not_shown_to_the_model_by_name_or_by_type(file: Any) -> None:
    source = (
        HEAD
        + "class Desk:\n    n = 1\n"
        + "def open_state() -> Desk:\n    return Desk()\n"
        + "def state_hash(state):\n    return state.n\n"
        + '@tool\ndef by_type(desk: Desk, x: int) -> int:\n    """By type."""\n    return desk.n + x\n'
        + '@tool\ndef by_name(state) -> int:\n    """By name."""\n    return state.n\n'
    )
    environment = file(source)
    assert [list(tool.parameters["properties"]) for tool in environment.tools] == [["x"], []]
    episode = environment.open(None)
    assert (episode.call("by_type", {"x": 4}).text, episode.call("by_name", {}).text) == ("5", "1")


@given(
    st.dictionaries(st.from_regex(r"[a-z]\w{0,6}", fullmatch=True), st.sampled_from(["One.", "It is: two"]), max_size=4)
)
def test_every_parameter_of_an_args_section_is_read(described: dict[str, str]) -> None:
    section = "".join(f"    {name}: {text}\n" for name, text in described.items())
    assert read_docstring(f"First.\n\nArgs:\n{section}\nReturns:\n    x: y\n") == ("First.", described)


# calls


def test_arguments_are_checked_before_the_call(file: Any) -> None:
    episode = file(ADD).open(None)
    assert episode.call("add", {"a": 1}).text == "3"
    wrong = episode.call("add", {"a": "1"})
    assert wrong.error
    assert wrong.text == "Error: Expected int, got str - at a (add was not run)"
    assert "unknown field c" in episode.call("add", {"a": 1, "c": 1}).text
    assert "required field a" in episode.call("add", {}).text
    assert "there is no tool 'sub'; there are: add" in episode.call("sub", {}).text


@pytest.mark.parametrize(
    ("then", "text"),
    [
        ("refuse", "Error: enough"),
        ("break", "Error: KeyError: 'x' (agent.py, line 14)"),
        ("leave", "Error: SystemExit: 3 (agent.py, line 16)"),
        ("odd", "Error: TypeError: a tool returned a object, which is no JSON; return plain values (agent.py)"),
    ],
)
def test_a_failing_call_is_a_text_and_leaves_the_state_as_it_was(file: Any, then: str, text: str) -> None:
    episode = file(COUNTER).open(None)
    episode.call("count", {"by": 2})
    before = episode.state_hash()
    result = episode.call("count", {"by": 5, "then": then})
    assert (result.error, result.text) == (True, text)
    assert episode.state_hash() == before
    assert json.loads(episode.call("look", {}).text) == {"n": 2, "seen": [2]}


def test_every_session_has_a_state_of_its_own(file: Any) -> None:
    environment = file(COUNTER)
    one, other = environment.open(None), environment.open(None)
    one.call("count", {"by": 1})
    assert one.state_hash() != other.state_hash() == environment.open(None).state_hash()


def test_a_transfer_ends_the_session_and_is_known_as_such(file: Any) -> None:
    source = (
        HEAD + '@tool(effect="none", transfer=True)\ndef up(summary: str) -> str:\n    """Up."""\n    return "bye"\n'
    )
    environment = file(source)
    assert environment.transfer_tool == "up"
    assert environment.open(None).call("up", {"summary": "x"}).ends
    assert not environment.open(None).call("up", {}).ends


# SQLite


def database(tmp_path: Path) -> Path:
    path = tmp_path / "data.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT)")
        connection.executemany("INSERT INTO t (word) VALUES (?)", [("a",), ("b",)])
    connection.close()
    return path


def test_a_database_file_is_copied_and_never_changed(tmp_path: Path) -> None:
    path = database(tmp_path)
    before = path.read_bytes()
    copy = own.sqlite(path)
    copy.execute("DELETE FROM t")
    copy.commit()
    assert path.read_bytes() == before
    assert own.sqlite(path).execute("SELECT word FROM t ORDER BY id").fetchone()["word"] == "a"


@pytest.mark.parametrize("commits", [False, True])
def test_a_database_in_memory_is_put_back_even_after_a_commit(tmp_path: Path, commits: bool) -> None:
    connection = own.sqlite(database(tmp_path))
    connection.execute("INSERT INTO t (word) VALUES ('c')")
    before = states.state_hash(connection)
    put_back = states.keep(connection)
    connection.execute("DELETE FROM t WHERE word = 'a'")
    connection.execute("CREATE TABLE more (x)")
    if commits:
        connection.commit()
    assert states.state_hash(connection) != before
    assert states.state_hash(put_back()) == before
    assert connection.execute("SELECT count(*) AS n FROM t").fetchone()["n"] == 3


def test_an_empty_database_can_be_put_back() -> None:
    connection = sqlite3.connect(":memory:")
    before = states.state_hash(connection)
    put_back = states.keep(connection)
    connection.execute("CREATE TABLE t (x)")
    assert states.state_hash(put_back()) == before


def test_of_a_database_in_a_file_what_is_not_committed_is_put_back(tmp_path: Path) -> None:
    connection = sqlite3.connect(database(tmp_path))
    assert not states.is_copied(connection)
    before = states.state_hash(connection)
    put_back = states.keep(connection)
    connection.execute("DELETE FROM t")
    assert states.state_hash(put_back()) == before


def test_the_order_of_rows_does_not_count(tmp_path: Path) -> None:
    hashes = set()
    for rows in ((1, 2), (2, 1)):
        connection = sqlite3.connect(":memory:")
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [(row,) for row in rows])
        hashes.add(states.state_hash(connection))
    assert len(hashes) == 1


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_what_is_kept_is_put_back_and_has_the_same_hash(value: Any) -> None:
    state = {"value": value}
    before = states.state_hash(state)
    put_back = states.keep(state)
    state["more"] = 1
    assert states.state_hash(put_back()) == before != states.state_hash(state)


# the score

TASKS = (
    '{"id": "two", "instruction": "Count.", "actions": [{"name": "count", "arguments": {"by": 2}}], "outputs": ["1002"]}\n'
    '{"id": "nothing", "instruction": "Leave it.", "actions": []}\n'
    '{"id": "free", "instruction": "Chat."}\n'
)


def test_state_and_outputs_make_the_score(file: Any) -> None:
    environment = file(COUNTER, tasks=TASKS)
    two, nothing, free = environment.tasks()
    right = environment.open(two)
    right.call("count", {"by": 2})
    told = (Message("assistant", "It is 1,002."),)
    assert right.score(told, "user_stop").value == 1.0
    assert right.score((), "user_stop").value == 0.0
    assert right.score(told, "max_turns").value == 0.0
    assert right.score(told, "infrastructure_error") is None
    assert environment.open(two).score(told, "user_stop").info["r_actions"] == 0.0
    assert environment.open(nothing).score((), "user_stop").value == 1.0
    changed = environment.open(nothing)
    changed.call("count", {"by": 1})
    assert changed.score((), "user_stop").value == 0.0
    assert environment.open(free).score((), "user_stop") is None
    assert environment.open(None).score((), "user_stop") is None


@pytest.mark.parametrize(
    ("returned", "value"),
    [("1", 1.0), ("state['n'] / 4", 0.5), ("None", None), ("{'value': 0.25, 'why': 'x'}", 0.25), ("True", 1.0)],
)
def test_the_files_own_score_counts(file: Any, returned: str, value: float | None) -> None:
    environment = file(COUNTER + f"\ndef score(state):\n    return {returned}\n", tasks=TASKS)
    episode = environment.open(environment.tasks()[2])
    episode.call("count", {"by": 2})
    assert episode.score((), "user_stop").value == value


@pytest.mark.parametrize("returned", ["2", "-0.1", "'good'", "float('nan')", "{'score': 1}", "1 / 0"])
def test_a_score_that_is_none_is_unknown_and_says_why(file: Any, returned: str) -> None:
    environment = file(COUNTER + f"\ndef score(state, transcript, task):\n    return {returned}\n", tasks=TASKS)
    reward = environment.open(environment.tasks()[0]).score((), "user_stop")
    assert reward.value is None
    assert "agent.py" in reward.info["why"]


# what is wrong in a file


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nothing_like_it\n", "agent.py, line 1: ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("x = 1\n\n1 / 0\n", "agent.py, line 3: ZeroDivisionError"),
        ("def f(:\n", "agent.py, line 1: SyntaxError"),
        ("import sys\nsys.exit(1)\n", "agent.py, line 2: SystemExit"),
        ("x = 1\n", "it has no tools; put @tool"),
        (
            HEAD + '@tool\ndef f(x) -> str:\n    """F."""\n',
            "agent.py, line 2: f cannot be a tool: its parameter 'x' has no type",
        ),
        (HEAD + "@tool\ndef f(x: int) -> str:\n    return ''\n", "f cannot be a tool: it has no docstring"),
        (HEAD + '@tool\nasync def f() -> str:\n    """F."""\n', "it is async"),
        (HEAD + '@tool\ndef f(*x: int) -> str:\n    """F."""\n', "'x' cannot be named"),
        (HEAD + '@tool\ndef f(x: object()) -> str:\n    """F."""\n', "f cannot be a tool: its types"),
        (HEAD + '@tool\ndef f(x: "Nope") -> str:\n    """F."""\n', "its types cannot be read (name 'Nope'"),
        (
            HEAD + '@tool\ndef f() -> str:\n    """F.\n\n    Args:\n        y: what?\n    """\n',
            "describes 'y', which is no",
        ),
        (
            HEAD + '@tool(effect="delete")\ndef f() -> str:\n    """F."""\n',
            "line 2: ValueError: effect is read, write or none",
        ),
        (ADD + "MAX_TURNS = 'x'\n", "MAX_TURNS is not a whole number"),
        (ADD + "POLICY = 'rules.md'\n", "there is no policy"),
        (ADD + "TASKS = 'all.jsonl'\n", "there are no tasks"),
        (ADD + "TASKS = [1]\n", "TASKS is neither"),
        (ADD + "TASKS = [{'id': 'a'}]\n", "TASKS[0]: Object missing required field `instruction`"),
        (ADD + "TASKS = [{'id': 'a', 'instruction': '', 'action': []}]\n", "a task has no 'action'"),
        (ADD + "TASKS = [{'id': 'a', 'instruction': ''}] * 2\n", "TASKS[1]: there is a second task 'a'"),
        (ADD + "score = 1\n", "score is not a function"),
        (ADD + "FILES = 'x'\n", "FILES is not a list"),
        (ADD + "FILES = ['missing.sql']\n", "cannot read"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_a_sentence(file: Any, source: str, said: str) -> None:
    with pytest.raises(AccError) as caught:
        file(source)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"), [("{", "tasks.jsonl, line 2 is no JSON"), ("[]", "line 2 is no JSON object")]
)
def test_a_bad_line_of_tasks_is_named(file: Any, line: str, said: str) -> None:
    with pytest.raises(AccError, match=said):
        file(ADD, tasks='{"id": "a", "instruction": ""}\n' + line + "\n")


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no file"):
        registry.load(str(tmp_path / "none.py"))
    with pytest.raises(NotFound, match="say the path of its file"):
        registry.load("own:none")


def test_a_state_that_cannot_be_opened_or_hashed_is_said_with_the_line(file: Any) -> None:
    with pytest.raises(AccError, match=r"agent\.py, line 7: open_state failed \(ZeroDivisionError"):
        file(ADD + "\ndef open_state(): 1 / 0\n").open(None)
    with pytest.raises(AccError, match="the state cannot be hashed"):
        file(ADD + "\ndef open_state(): return object()\n").open(None).state_hash()


# versions


def test_the_version_follows_the_file_its_policy_its_tasks_and_its_files(file: Any, tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    folder.mkdir()
    (folder / "data.txt").write_text("1")
    source = ADD + "FILES = ['data.txt']\n"
    versions = [
        file(source).dataset,
        file(source + "# more\n").dataset,
        file(source, policy="Be brief.").dataset,
        file(source, tasks='{"id": "a", "instruction": ""}').dataset,
    ]
    (folder / "data.txt").write_text("22")
    versions.append(file(source).dataset)
    assert len(set(versions)) == len(versions)
    assert file(source).dataset == versions[-1]


def test_the_state_may_depend_on_the_task(file: Any) -> None:
    source = ADD + "\ndef open_state(task):\n    return task.id if task else None\n"
    environment = file(source)
    assert environment.open(Task("t", "")).state == "t"
    assert environment.open(None).state is None


# the check


def test_the_check_finds_what_would_spoil_the_record(file: Any, tmp_path: Path) -> None:
    source = (
        HEAD
        + '''
shared = {"n": 0}
ticks = iter(range(1000))
def open_state():
    return shared
@tool
def sly(state) -> str:
    """Write, but do not say so."""
    state["n"] += 1
    return "ok"
@tool
def moody() -> int:
    """Another answer each time."""
    return next(ticks)
'''
    )
    tasks = json.dumps(
        {
            "id": "a",
            "instruction": "",
            "actions": [{"name": n, "arguments": {}} for n in ("sly", "moody", "gone")]
            + [{"name": "moody", "arguments": {"x": 1}}],
            "extra": {"answers": {"opening": 1}},
        }
    )
    file(source, tasks=tasks)
    found = registry.check(str(tmp_path / "agent" / "agent.py"))
    problems = " | ".join(f.text for f in found if f.level == "problem")
    for words in (
        'sly changes the state; mark it @tool(effect="write")',
        "moody does not give the same",
        "there is no tool gone",
        "moody fails",
        "change the state of other sessions",
        "The answers of task a cannot be used",
    ):
        assert words in problems
