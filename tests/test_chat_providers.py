"""``acc chat`` against servers that speak the providers' protocols: what a user sees, and what is recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actorcritic_cli.session.events import Decided, Ended, Failed, Observed, Proposed
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from tests.cli import acc
from tests.providers_server import KEY, ProviderServer, Usage, calls, fails, provider_server, says

__all__ = ["provider_server"]

ALIASES = {"openai": "gpt", "anthropic": "claude"}


pytestmark = pytest.mark.slow  # each starts litellm anew; the actor's own tests cover the same within one process


@pytest.fixture(params=["openai", "anthropic"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "user.txt"
    path.write_text("Which airports do you serve?\nThanks. ###STOP###\n")
    return path


def chat(server: ProviderServer, protocol: str, script: Path, *more: str | Path, **environment: str):
    alone = () if "--critic" in more else ("--supervise", "off")
    options = ("--actor", ALIASES[protocol], "--user", f"script:{script}", *alone, *more)
    return acc("chat", *options, **server.env(), **environment)


def events_of_last(home: Path):
    with open_database(home / "acc.db", create=False) as database:
        library = Library(database)
        return list(library.events(library.find_session("last")))


def test_a_session_with_a_tool_call_is_held_streamed_and_recorded(provider_server, protocol, script, acc_home):
    usage = Usage(input=120, output=7)
    provider_server.script(
        calls("list_all_airports", {}, usage=usage), says("We serve twenty airports, SFO among them.", usage=usage)
    )
    done = chat(provider_server, protocol, script)
    assert done.returncode == 0, done.stderr
    assert "We serve twenty airports, SFO among them." in done.stdout
    assert "San Francisco" in done.stdout
    assert all(body["stream"] for body in provider_server.bodies)
    events = events_of_last(acc_home)
    made = [e.call for e in events if isinstance(e, Proposed)]
    assert [c.usage.input_tokens for c in made] == [120, 120]
    assert [c.usage.output_tokens for c in made] == [7, 7]
    assert all(c.cost is not None and c.cost > 0 for c in made)
    assert events[-1].reason == "user_stop"
    # The tool's result went back to the model.
    assert "San Francisco" in json.dumps(provider_server.bodies[1]["messages"])


def test_too_many_requests_are_waited_out_and_noted(provider_server, protocol, script, acc_home):
    provider_server.script(fails(429, retry_after="0"), says("Hello there."))
    done = chat(provider_server, protocol, script)
    assert done.returncode == 0, done.stderr
    (proposed,) = [e for e in events_of_last(acc_home) if isinstance(e, Proposed)]
    assert len(proposed.call.retries) == 1
    assert "429" in proposed.call.retries[0]


def test_a_dropped_connection_is_tried_again_and_nothing_is_said_twice(provider_server, protocol, script, acc_home):
    provider_server.script(says("Hello there, dear customer.", drop_after=3), says("Hello there."))
    done = chat(provider_server, protocol, script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Hello there") == 1
    (proposed,) = [e for e in events_of_last(acc_home) if isinstance(e, Proposed)]
    assert len(proposed.call.retries) == 1


def test_a_server_that_stays_broken_ends_the_session_without_blaming_the_agent(
    provider_server, protocol, script, acc_home
):
    provider_server.respond_with(lambda body: fails(500))
    done = chat(provider_server, protocol, script)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    events = events_of_last(acc_home)
    (failed,) = [e for e in events if isinstance(e, Failed)]
    assert failed.party == "actor"
    assert failed.call.error
    assert isinstance(events[-1], Ended)
    assert (events[-1].reason, events[-1].reward) == ("infrastructure_error", None)
    assert failed.message in done.stderr


def test_a_malformed_tool_call_goes_back_and_the_next_one_counts(provider_server, protocol, script, acc_home):
    provider_server.script(calls("get_user_details", '{"user_id": '), says("Sorry, twenty airports."))
    done = chat(provider_server, protocol, script)
    assert done.returncode == 0, done.stderr
    events = events_of_last(acc_home)
    decided = [e for e in events if isinstance(e, Decided)]
    assert [d.decision.kind for d in decided] == ["revise", "accept"]
    assert decided[0].critique.by == "protocol"
    assert not [m for e in events if isinstance(e, Observed) for m in e.messages if m.role == "tool"]


def test_an_endless_reply_is_cut_and_never_reaches_the_user(provider_server, protocol, script, acc_home):
    provider_server.script(says("la la la", endless=True))
    done = chat(provider_server, protocol, script, "--max-tokens", "200")
    assert done.returncode == 1
    assert "la la la" not in done.stdout
    events = events_of_last(acc_home)
    assert events[-1].reason == "actor_error"
    (failed,) = [e for e in events if isinstance(e, Failed)]
    assert failed.call.error
    assert "la la la" in (failed.call.response or "")


def test_a_refused_key_names_the_variable_to_set(provider_server, protocol, script):
    provider_server.respond_with(lambda body: fails(401))
    done = chat(provider_server, protocol, script)
    assert done.returncode == 1
    assert {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}[protocol] in done.stderr


def test_no_key_reaches_the_record_or_the_screen(provider_server, protocol, script, acc_home):
    provider_server.script(
        calls("think", {"thought": f"my key is {KEY}"}), fails(500, message=f"bad key {KEY}"), says("Done.")
    )
    done = chat(provider_server, protocol, script)
    assert KEY not in done.stdout + done.stderr
    for path in acc_home.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_terminal_escapes_of_a_model_never_reach_the_terminal(provider_server, protocol, script):
    provider_server.script(says("Hello \x1b[31mred\x1b[0m \x1b]0;title\x07world"))
    done = chat(provider_server, protocol, script)
    assert "Hello red world" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_a_dead_network_is_said_in_one_sentence(script, acc_home):
    done = acc(
        "chat", "--actor", "gpt", "--user", f"script:{script}", "--actor-base", "http://127.0.0.1:9/v1",
        "--supervise", "off",
        OPENAI_API_KEY="x" * 20, ACC_RETRY_BASE="0.01",
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert events_of_last(acc_home)[-1].reason == "infrastructure_error"
