"""The simulated user: what its model is shown of the conversation, and what becomes of its words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actorcritic_cli.errors import PartyError
from actorcritic_cli.types import Message, ToolCall
from actorcritic_cli.users.protocol import UserFailed
from actorcritic_cli.users.simulated import GREETING, SimulatedUser, flipped
from tests import providers_server
from tests.providers_server import KEY, Behaviour, ProviderServer, fails, says

provider_server = providers_server.provider_server

INSTRUCTION = "You are Ada {Lovelace}, curt, and want to change your seat to a window. You lost your booking code."
SYSTEM = Message("system", "SECRET POLICY")


def user(server: ProviderServer, model: str = "gpt", **options: Any) -> SimulatedUser:
    base = server.openai_base if model == "gpt" else server.anthropic_base
    return SimulatedUser(model, INSTRUCTION, {"base_url": base, "max_retries": 1, "timeout": 20} | options)


def test_the_record_names_the_resolved_model() -> None:
    assert SimulatedUser("gpt", INSTRUCTION).name.startswith("llm:openai/gpt-")


@pytest.mark.parametrize("model", ["gpt", "claude"])
def test_the_first_words_answer_a_greeting_that_only_the_user_sees(provider_server: ProviderServer, model: str) -> None:
    provider_server.script(says("I want another seat.\n"))
    turn = user(provider_server, model).speak((SYSTEM,))
    assert (turn.text, turn.leaves) == ("I want another seat.", False)
    assert turn.call is not None
    assert turn.call.party == "user"
    assert turn.call.usage.output_tokens == 20
    body = provider_server.bodies[0]
    assert GREETING in json.dumps(body["messages"][-1])
    assert INSTRUCTION in json.dumps(body)
    assert "###STOP###" in json.dumps(body)
    assert "SECRET POLICY" not in json.dumps(body)
    assert not body.get("tools")


def test_the_roles_are_flipped_and_calls_results_and_asides_are_hidden(provider_server: ProviderServer) -> None:
    call = ToolCall("c1", "get_seat", '{"who": "CALL ARGUMENT"}')
    transcript = (
        SYSTEM,
        Message("user", "I want another seat."),
        Message("assistant", "TEXT BESIDE A CALL", (call,)),
        Message("tool", "TOOL RESULT", tool_call_id="c1", name="get_seat"),
        Message("assistant", "Which one?", raw=json.dumps({"role": "assistant", "reasoning_content": "A THOUGHT"})),
    )
    provider_server.script(says("A window."))
    user(provider_server).speak(transcript)
    system, *said = provider_server.bodies[0]["messages"]
    assert system["role"] == "system"
    assert said == [
        {"role": "user", "content": GREETING},
        {"role": "assistant", "content": "I want another seat."},
        {"role": "user", "content": "Which one?"},
    ]


def test_an_agent_that_spoke_first_is_not_given_a_second_greeting() -> None:
    chat = flipped("S", (SYSTEM, Message("assistant", "Hello, this is the airline.")))
    assert [line["content"] for line in chat] == ["S", "Hello, this is the airline."]


def test_the_stop_word_is_passed_on_for_the_environment_to_judge(provider_server: ProviderServer) -> None:
    provider_server.script(says("###STOP###"))
    assert user(provider_server).speak((SYSTEM,)).text == "###STOP###"


def test_a_user_that_says_nothing_is_a_failure_in_words(provider_server: ProviderServer) -> None:
    provider_server.script(Behaviour())
    with pytest.raises(UserFailed, match="said nothing") as caught:
        user(provider_server).speak((SYSTEM,))
    assert caught.value.call is not None
    assert caught.value.call.cost is not None


def test_a_passing_failure_of_the_users_provider_is_tried_again(provider_server: ProviderServer) -> None:
    provider_server.script(fails(503, "busy"), says("Hello."))
    turn = user(provider_server).speak((SYSTEM,))
    assert turn.text == "Hello."
    assert turn.call is not None
    assert "busy" in turn.call.retries[0]


def test_a_refused_key_ends_the_users_part_with_the_call_for_the_record(provider_server: ProviderServer) -> None:
    provider_server.script(fails(401, f"bad key {KEY}"))
    with pytest.raises(UserFailed) as caught:
        user(provider_server).speak((SYSTEM,))
    assert isinstance(caught.value.error, PartyError)
    assert caught.value.error.kind == "auth"
    assert caught.value.call is not None
    assert caught.value.call.party == "user"
    assert KEY not in repr(caught.value.call) + str(caught.value)
