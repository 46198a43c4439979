"""A person at a real terminal: the user of the chat, and the one with the last word on what supervision stops."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pexpect
import pytest

from actorcritic_cli.critics.synthetic import write
from actorcritic_cli.session.events import Decided
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from tests.providers_server import ProviderServer, provider_server, says

__all__ = ["provider_server"]


@pytest.fixture(scope="module")
def critic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("critic") / "tiny.gguf"
    write(path, shape="tiny", seed=0)
    return path


def sit_down(server: ProviderServer, *arguments: str | Path) -> pexpect.spawn:
    return pexpect.spawn(
        sys.executable,
        ["-m", "actorcritic_cli", "chat", "--actor", "gpt", *map(str, arguments)],
        env={**os.environ, **server.env(), "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "100"},
        encoding="utf-8",
        timeout=60,
        dimensions=(40, 100),
    )


def last_session(home: Path):
    with open_database(home / "acc.db", create=False) as database:
        library = Library(database)
        session = library.find_session("last")
        return session, list(library.events(session))


@pytest.mark.slow
def test_a_person_overrules_the_critic_word_by_word(provider_server, critic, acc_home):
    provider_server.script(says("First answer."), says("Second answer."), says("Third answer."))
    # At threshold 0 the critic objects to everything; without revisions every objection comes to the person.
    chat = sit_down(provider_server, "--critic", critic, "--threshold", "0", "--max-revisions", "0")
    chat.expect("you ")
    chat.sendline("/why")
    chat.expect("has not judged anything yet")
    chat.sendline("/override")
    chat.expect("Nothing is stopped just now")
    chat.sendline("Hello")
    chat.expect("waiting: agent First answer.")
    chat.sendline("/why")
    chat.expect("p_revise")
    chat.sendline("what?")
    chat.expect("is waiting for your word")
    chat.sendline("/revise Be more precise.")
    chat.expect("waiting: agent Second answer.")
    chat.sendline("/override")
    chat.expect("agent .*Second answer.")
    chat.expect("you ")
    chat.sendline("/nonsense")
    chat.expect("no command /nonsense")
    chat.sendline("/quit")
    chat.expect(r"recorded as (\w+)")
    told = chat.match[1]
    chat.expect(pexpect.EOF)
    chat.close()
    assert chat.exitstatus == 0
    session, events = last_session(acc_home)
    assert told == session
    decided = [(e.decision.kind, e.by) for e in events if isinstance(e, Decided)]
    assert decided == [
        ("escalate", "supervisor"),
        ("revise", "person"),
        ("escalate", "supervisor"),
        ("accept", "person"),
    ]
    # The person's words went to the model, the first answer never to the user.
    assert "Be more precise." in str(provider_server.bodies[1]["messages"])
    assert events[-1].reason == "user_stop"


@pytest.mark.slow
def test_ctrl_c_leaves_a_session_that_can_be_gone_on_with(provider_server, acc_home):
    provider_server.script(says("Hello to you."), says("Welcome back."))
    chat = sit_down(provider_server)
    chat.expect("you ")
    chat.sendline("Hello")
    chat.expect("agent .*Hello to you.")
    chat.expect("you ")
    chat.sendcontrol("c")
    chat.expect(r"acc chat --resume (\w+)")
    session = chat.match[1]
    chat.expect(pexpect.EOF)
    chat.close()
    assert chat.exitstatus == 130
    assert "Traceback" not in (chat.before or "")
    again = sit_down(provider_server, "--resume", session)
    again.expect("you ")
    again.sendline("I am back")
    again.expect("agent .*Welcome back.")
    again.expect("you ")
    again.sendeof()
    again.expect(pexpect.EOF)
    again.close()
    assert again.exitstatus == 0
    _, events = last_session(acc_home)
    assert events[-1].reason == "user_stop"
    said = [m["content"] for m in provider_server.bodies[1]["messages"] if m["role"] == "user"]
    assert re.search("Hello.*I am back", str(said))


@pytest.mark.slow
def test_what_is_waited_for_is_said_and_nothing_unapproved_is_shown_meanwhile(provider_server):
    provider_server.script(says("A long answer that takes its time to come.", event_delay=0.1))
    chat = sit_down(provider_server)
    chat.expect("you ")
    chat.sendline("Hello")
    chat.expect("the actor is (thinking|writing)")
    assert "long answer" not in chat.before
    chat.expect("agent .*A long answer")
    chat.expect("you ")
    chat.sendline("/quit")
    chat.expect(pexpect.EOF)
    chat.close()
    assert chat.exitstatus == 0
