"""The scripted user says its lines in order and leaves; a faulty script is named by its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.errors import AccError, NotFound
from actorcritic_cli.types import Message, Task, Transcript
from actorcritic_cli.users.protocol import User, UserTurn
from actorcritic_cli.users.script import ScriptedUser

SYSTEM = Message("system", "policy")


def spoken(user: User) -> list[UserTurn]:
    """Hold a conversation in which the agent calls a tool and then answers, until the user leaves."""
    transcript: Transcript = (SYSTEM,)
    turns: list[UserTurn] = []
    while not turns or not turns[-1].leaves:
        turns.append(user.speak(transcript))
        transcript += (
            Message("user", turns[-1].text),
            Message("assistant", tool_calls=()),
            Message("tool", "…", tool_call_id="1"),
            Message("assistant", "Certainly."),
        )
    return turns


def test_lines_are_said_in_order_and_then_the_user_leaves_without_a_word() -> None:
    user = ScriptedUser(["Hello.", "Yes."])
    assert spoken(user) == [UserTurn("Hello."), UserTurn("Yes."), UserTurn("", leaves=True)]


@given(st.lists(st.text(), max_size=6))
def test_any_lines_are_said_as_they_are(lines: list[str]) -> None:
    assert [turn.text for turn in spoken(ScriptedUser(lines))] == [*lines, ""]


def test_a_resumed_session_goes_on_with_the_right_line() -> None:
    transcript = (SYSTEM, Message("user", "Hello."), Message("assistant", "Your id?"))
    assert ScriptedUser(["Hello.", "ada_1", "Bye."]).speak(transcript).text == "ada_1"


def test_a_tasks_own_script_is_spoken_under_the_name_of_the_task() -> None:
    user = ScriptedUser.from_task(Task("t", "…", script=("Hi", "Bye ###STOP###")))
    assert user.name == "script:task"
    assert user.lines == ("Hi", "Bye ###STOP###")


def test_a_task_without_a_script_says_what_to_do_instead() -> None:
    with pytest.raises(AccError, match=r"Task t9 has no script; name a file with script:FILE"):
        ScriptedUser.from_task(Task("t9", "…"))


def test_a_text_file_is_one_turn_a_line_and_blank_lines_are_none(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes('\ufeffHello.\r\n\r\n  {"text": "no JSON here"}\u2028still\n \nBye.'.encode())
    user = ScriptedUser.from_file(path)
    assert user.lines == ("Hello.", '{"text": "no JSON here"}\u2028still', "Bye.")
    assert user.name == f"script:{path}"


@given(lines=st.lists(st.tuples(st.text().filter(str.strip), st.booleans()), min_size=1, max_size=5))
def test_json_lines_carry_any_text(tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, bool]]) -> None:
    path = tmp_path_factory.mktemp("script") / "lines.jsonl"
    path.write_text("\n".join(json.dumps({"text": text} if wrapped else text) for text, wrapped in lines), "utf-8")
    assert ScriptedUser.from_file(path).lines == tuple(text for text, _ in lines)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "cut', "is not JSON"),
        ("just words", "is not JSON"),
        ('{"says": "x"}', "says nothing"),
        ('{"text": 7}', "says nothing"),
        ('"  "', "says nothing"),
        ("[]", "says nothing"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_faulty_line_is_named_by_its_number(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_text(f'"Hello."\n\n{line}\n')
    with pytest.raises(AccError, match=rf"^Line 3 of the script .*lines\.jsonl {said}"):
        ScriptedUser.from_file(path)


def test_a_script_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_bytes(b"Hello.\nOl\xe1.\n")
    with pytest.raises(AccError, match=r"^Line 2 of the script .* is not UTF-8"):
        ScriptedUser.from_file(path)


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_script_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "lines.txt"
    path.write_text(content)
    with pytest.raises(AccError, match="says nothing; write one line for each turn"):
        ScriptedUser.from_file(path)


def test_a_missing_script_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no script"):
        ScriptedUser.from_file(str(tmp_path / "none.txt"))
    with pytest.raises(AccError, match="Cannot read the script"):
        ScriptedUser.from_file(tmp_path)
