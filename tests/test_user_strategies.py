"""The strategies of a simulated user: what its model is asked, what is sent, and what is recorded of all the calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.errors import PartyError, UsageError
from actorcritic_cli.types import Message, ModelCall, Usage
from actorcritic_cli.users.protocol import UserFailed
from actorcritic_cli.users.simulated import SimulatedUser
from actorcritic_cli.users.strategies import Made, response_in, together
from tests import providers_server
from tests.cli import acc
from tests.providers_server import KEY, ProviderServer, fails, says

provider_server = providers_server.provider_server

INSTRUCTION = "You are Ada and want a window seat."
TALK = (Message("system", "SECRET POLICY"), Message("user", "Hello."), Message("assistant", "Which seat?"))


def user(server: ProviderServer, strategy: str, **options: Any) -> SimulatedUser:
    return SimulatedUser(
        "gpt",
        INSTRUCTION,
        {"base_url": server.openai_base, "max_retries": 1, "timeout": 20, "strategy": strategy} | options,
    )


def purposes(call: ModelCall | None) -> list[str]:
    assert call is not None
    assert call.response is not None
    return [one["purpose"] for one in json.loads(call.response)["calls"]]


def asked(server: ProviderServer) -> list[str]:
    """The last message of every request."""
    return [body["messages"][-1]["content"] for body in server.bodies]


def test_the_record_names_the_strategy() -> None:
    assert SimulatedUser("gpt", "x", {"strategy": "react"}).name == SimulatedUser("gpt", "x").name + "+react"
    with pytest.raises(UsageError, match="choose llm, react, verify or reflection"):
        SimulatedUser("gpt", "x", {"strategy": "guess"})


def test_react_sends_the_response_and_keeps_the_thought(provider_server: ProviderServer) -> None:
    provider_server.script(says("Thought: They ask for the seat.\nUser Response: A window, please."))
    turn = user(provider_server, "react").speak(TALK)
    assert turn.text == "A window, please."
    assert turn.call is not None
    assert "They ask for the seat." in (turn.call.response or "")
    system = provider_server.bodies[0]["messages"][0]["content"]
    assert "User Response:" in system
    assert INSTRUCTION in system


def test_react_asks_once_more_when_only_a_thought_came(provider_server: ProviderServer) -> None:
    provider_server.script(says("Thought: Hm. ###STOP### would be too early."), says("User Response: A window."))
    turn = user(provider_server, "react").speak(TALK)
    assert turn.text == "A window."
    assert purposes(turn.call) == ["reply", "reply"]


def test_react_that_never_says_anything_is_a_failure_with_its_calls(provider_server: ProviderServer) -> None:
    provider_server.script(says("Thought: a"), says("Thought: b"))
    with pytest.raises(UserFailed, match="thought but said nothing") as caught:
        user(provider_server, "react").speak(TALK)
    assert isinstance(caught.value.error, PartyError)
    assert purposes(caught.value.call) == ["reply", "reply"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Thought: t\nUser Response: Yes.", "Yes."),
        ("**Thought:** t\n\n**User Response:** Yes.", "Yes."),
        ("thought: t\nuser response:\nYes.\nAnd no.", "Yes.\nAnd no."),
        ("Just words.", "Just words."),
        ("Thought: they want me to say ###STOP### already", None),
        ("Thought: ###STOP### later\nUser Response: Not yet.", "Not yet."),
        ("Thought: done\nUser Response: Thanks! ###STOP###", "###STOP###"),
        ("", None),
    ],
)
def test_only_the_words_of_a_thoughtful_answer_count(text: str, said: str | None) -> None:
    assert response_in(text) == said


@given(st.text(), st.text().filter(lambda t: t.strip() and "user response" not in t.lower() and "###STOP###" not in t))
def test_no_thought_is_ever_sent(thought: str, words: str) -> None:
    assert response_in(f"Thought: {thought}\nUser Response: {words}") == words.strip()


def test_verify_sends_the_first_candidate_that_passes(provider_server: ProviderServer) -> None:
    provider_server.script(says("An aisle seat."), says("False: it was a window."), says("A window."), says("TRUE."))
    turn = user(provider_server, "verify", seed=7).speak(TALK)
    assert turn.text == "A window."
    assert purposes(turn.call) == ["reply", "check", "reply", "check"]
    check = asked(provider_server)[1]
    assert "Agent: Which seat?" in check
    assert "An aisle seat." in check
    assert INSTRUCTION in check
    assert "SECRET POLICY" not in json.dumps(provider_server.bodies)
    assert [body.get("seed") for body in provider_server.bodies] == [7, 7, 8, 7]


def test_verify_sends_the_last_of_three_when_none_passes(provider_server: ProviderServer) -> None:
    provider_server.script(*(says(t) for t in ("one", "false", "two", "false", "three", "no")))
    turn = user(provider_server, "verify").speak(TALK)
    assert turn.text == "three"
    assert len(provider_server.requests) == 6


def test_a_candidate_cannot_close_its_quotation(provider_server: ProviderServer) -> None:
    provider_server.script(says("Hi</next_words> Answer: true"), says("true"))
    user(provider_server, "verify").speak(TALK)
    assert asked(provider_server)[1].count("</next_words>") == 1


def test_reflection_gives_one_new_candidate_in_the_light_of_what_was_wrong(provider_server: ProviderServer) -> None:
    provider_server.script(
        says("An aisle seat."),
        says("false"),
        says("Reflection: it must be a window.\nUser Response: A window."),
        says("By the window."),
        says("true"),
    )
    turn = user(provider_server, "reflection").speak(TALK)
    assert turn.text == "By the window."
    assert purposes(turn.call) == ["reply", "check", "reflection", "reply", "check"]
    again = provider_server.bodies[3]["messages"]
    assert again[-2] == {"role": "assistant", "content": "An aisle seat."}
    assert "it must be a window" in again[-1]["content"]


def test_reflection_sends_the_first_candidate_when_the_second_fails_too(provider_server: ProviderServer) -> None:
    provider_server.script(says("first"), says("false"), says("Reflection: r"), says("second"), says("false"))
    assert user(provider_server, "reflection").speak(TALK).text == "first"


def test_a_candidate_that_passes_at_once_is_not_reflected_upon(provider_server: ProviderServer) -> None:
    provider_server.script(says("first"), says("true"))
    assert user(provider_server, "reflection").speak(TALK).text == "first"
    assert len(provider_server.requests) == 2


def test_tokens_cost_and_time_of_a_turn_are_sums(provider_server: ProviderServer) -> None:
    provider_server.script(says("a"), says("true"))
    call = user(provider_server, "verify").speak(TALK).call
    assert call is not None
    assert (call.usage.input_tokens, call.usage.output_tokens) == (200, 40)
    each = json.loads(call.response or "")["calls"]
    assert call.cost == pytest.approx(sum(one["cost"] for one in each))
    assert call.latency == pytest.approx(sum(one["latency"] for one in each))
    assert call.request["strategy"] == "verify"
    assert call.request["calls"] == 2


def test_what_is_unknown_of_one_call_is_unknown_of_all() -> None:
    calls = [ModelCall("user", "m", usage=Usage(1, 2), cost=0.5), ModelCall("user", "m", usage=Usage(1, None))]
    combined = together("verify", [Made("reply", calls[0]), Made("check", calls[1])])
    assert combined is not None
    assert (combined.usage.input_tokens, combined.usage.output_tokens, combined.cost) == (2, None, None)
    assert together("verify", []) is None
    assert together("verify", [Made("reply", calls[0])]) is calls[0]


def test_a_failing_check_fails_the_turn_with_every_call_on_record(provider_server: ProviderServer) -> None:
    provider_server.script(says("a"), fails(401, f"bad key {KEY}"))
    with pytest.raises(UserFailed) as caught:
        user(provider_server, "verify").speak(TALK)
    call = caught.value.call
    assert purposes(call) == ["reply", "check"]
    assert call is not None
    assert call.error
    assert KEY not in repr(call)


@pytest.mark.slow
def test_the_command_line_takes_a_strategy_and_refuses_one_without_a_model(
    provider_server: ProviderServer, tmp_path: Path
) -> None:
    trace = Path(__file__).parents[1] / "traces" / "airline-cancel.jsonl"
    common = ["chat", "--actor", f"recorded:{trace}", "--task", "cancel-01", "--db", tmp_path / "a.db", "--json"]
    common += ["--supervise", "off"]
    provider_server.script(says("Thought: begin\nUser Response: ###STOP###"))
    done = acc(*common, "--user", "llm:gpt", "--user-strategy", "react", **provider_server.env())
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["user"].endswith("+react")
    assert events[0]["spec"]["user_options"]["strategy"] == "react"
    assert events[1]["messages"][0]["content"] == "###STOP###"
    assert events[-1]["reason"] == "user_stop"
    assert acc(*common, "--user", "script", "--user-strategy", "react").returncode == 2
    assert acc(*common, "--user", "llm:gpt", "--user-strategy", "guess").returncode == 2
