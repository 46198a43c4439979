"""The cloud actor: what its model is shown, and what becomes of its answers – through litellm, over HTTP."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from actorcritic_cli.actors.litellm_actor import LitellmActor
from actorcritic_cli.actors.protocol import ActorContext, ActorFailed, Streams
from actorcritic_cli.actors.wire import chat_message, chat_messages, problem_of
from actorcritic_cli.errors import PartyError, UsageError
from actorcritic_cli.types import Attempt, Critique, Message, Proposal, ToolCall, ToolSpec, Transcript
from tests import providers_server
from tests.providers_server import KEY, Behaviour, ProviderServer, calls, fails, says

provider_server = providers_server.provider_server

MODELS = {"openai": "gpt", "anthropic": "claude"}
SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
TOOLS = (
    ToolSpec("get_booking", "Look up a booking.", SCHEMA, "read"),
    ToolSpec("cancel_booking", "Cancel a booking.", SCHEMA, "write"),
)
SYSTEM = Message("system", "The policy: cancel nothing that was flown.")
HELLO = Message("user", "Please cancel my booking K1.")


@pytest.fixture(params=["openai", "anthropic"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def actor(server: ProviderServer, protocol: str, **options: Any) -> LitellmActor:
    return LitellmActor(
        MODELS[protocol], {"base_url": server.base(protocol), "max_retries": 1, "timeout": 20} | options
    )


def context(*messages: Message, attempts: tuple[Attempt, ...] = (), **more: Any) -> ActorContext:
    return ActorContext((SYSTEM, *(messages or (HELLO,))), TOOLS, step=1, attempts=attempts, **more)


def rejected(message: Message, text: str = "Rule 3 forbids this.") -> Attempt:
    return Attempt(Proposal(message), critique=Critique(text))


def texts(body: dict[str, Any]) -> str:
    """All that a request says, as one text."""
    return json.dumps([body.get("system"), body["messages"]], ensure_ascii=False)


def check_anthropic(messages: list[dict[str, Any]]) -> None:
    """The provider's own rules: roles alternate, and each call is answered in the very next message, and first there."""
    assert messages[0]["role"] == "user"
    for before, after in pairwise(messages):
        assert before["role"] != after["role"]
        asked = [part["id"] for part in before["content"] if part["type"] == "tool_use"]
        answered = [part["tool_use_id"] for part in after["content"] if part["type"] == "tool_result"]
        assert asked == answered
        kinds = [part["type"] for part in after["content"]]
        assert kinds[: len(answered)] == ["tool_result"] * len(answered)
    assert messages[-1]["role"] == "user"


def check_openai(messages: list[dict[str, Any]]) -> None:
    """The provider's own rules: after a message with calls, one tool message for each."""
    rest = list(messages)
    while rest:
        message = rest.pop(0)
        assert message["role"] != "tool"
        for call in message.get("tool_calls") or ():
            result = rest.pop(0)
            assert (result["role"], result["tool_call_id"]) == ("tool", call["id"])


def check(protocol: str, body: dict[str, Any]) -> None:
    (check_anthropic if protocol == "anthropic" else check_openai)(body["messages"])


def test_the_record_names_the_resolved_model() -> None:
    assert LitellmActor("claude", {}).name.startswith("anthropic/claude-")
    assert LitellmActor("openrouter/x/y").name == "openrouter/x/y"


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="max_tokens"):
        LitellmActor("claude", {"api_key": "secret"})


def test_the_model_sees_policy_tools_and_conversation(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(says("May I have your name?"))
    proposing = actor(provider_server, protocol).propose(context())
    assert proposing.proposal.kind == "reply"
    assert proposing.proposal.message.content == "May I have your name?"
    assert proposing.problem is None
    assert proposing.call is not None
    assert proposing.call.party == "actor"
    body = provider_server.bodies[0]
    check(protocol, body)
    assert "The policy: cancel nothing" in texts(body)
    assert "Please cancel my booking K1." in texts(body)
    named = [tool.get("name") or tool["function"]["name"] for tool in body["tools"]]
    assert named == ["get_booking", "cancel_booking"]


def test_what_comes_in_is_told_piece_by_piece(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(calls("get_booking", '{"id":  "K1"}', text="One moment, I look it up."))
    heard: list[Message] = []
    proposing = actor(provider_server, protocol).stream(context(), heard.append)
    whole = proposing.proposal.message
    assert isinstance(actor(provider_server, protocol), Streams)
    assert heard[-1].content == whole.content == "One moment, I look it up."
    assert [(c.name, c.arguments) for c in heard[-1].tool_calls] == [("get_booking", '{"id":  "K1"}')]
    for before, after in pairwise(heard):
        assert (after.content or "").startswith(before.content or "")
        assert "".join(c.arguments for c in after.tool_calls).startswith(
            "".join(c.arguments for c in before.tool_calls)
        )
    assert len({len(draft.content or "") for draft in heard}) > 2


def conversation(server: ProviderServer, protocol: str, *answers: Behaviour) -> Transcript:
    """Let the model make calls one after another, each carried out, and return the transcript."""
    server.script(*answers)
    spoken: list[Message] = [HELLO]
    for _ in answers:
        message = actor(server, protocol).propose(context(*spoken)).proposal.message
        spoken.append(message)
        spoken += [Message("tool", "found it", tool_call_id=call.id, name=call.name) for call in message.tool_calls]
    return tuple(spoken)


def test_earlier_messages_go_back_as_they_came(provider_server: ProviderServer, protocol: str) -> None:
    thinking = (("Let me think about K1.", "c2lnbmF0dXJl"),)
    spoken = conversation(
        provider_server,
        protocol,
        calls("get_booking", '{"id":  "K1"}', text="One moment.", thinking=thinking),
        says("Shall I cancel it?"),
    )
    provider_server.script(says("Bye."))
    actor(provider_server, protocol).propose(context(*spoken, Message("user", "Yes, please.")))
    body = provider_server.bodies[-1]
    check(protocol, body)
    if protocol == "anthropic":
        kinds = [part["type"] for part in body["messages"][1]["content"]]
        assert kinds == ["thinking", "text", "tool_use"]
        assert body["messages"][1]["content"][0] == {
            "type": "thinking",
            "thinking": "Let me think about K1.",
            "signature": "c2lnbmF0dXJl",
        }
    else:
        assert body["messages"][2]["content"] == "One moment."
        assert body["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{"id":  "K1"}'


def test_several_calls_in_one_message_are_all_proposed(provider_server: ProviderServer, protocol: str) -> None:
    both = Behaviour(calls=(("get_booking", '{"id": "K1"}'), ("get_booking", '{"id": "K2"}')))
    spoken = conversation(provider_server, protocol, both)
    assert [call.parsed()["id"] for call in spoken[1].tool_calls] == ["K1", "K2"]
    provider_server.script(says("Found both."))
    actor(provider_server, protocol).propose(context(*spoken))
    check(protocol, provider_server.bodies[-1])


def test_calls_that_the_environment_did_not_let_stand_are_taken_out_of_the_raw_message(
    provider_server: ProviderServer, protocol: str
) -> None:
    both = Behaviour(
        calls=(("get_booking", '{"id": "K1"}'), ("get_booking", '{"id": "K2"}')), thinking=(("Hm.", "c2ln"),)
    )
    provider_server.script(both, says("Found one."))
    message = actor(provider_server, protocol).propose(context()).proposal.message
    first = message.tool_calls[0]
    cut = Message("assistant", message.content, (first,), raw=message.raw)
    actor(provider_server, protocol).propose(context(HELLO, cut, Message("tool", "found", tool_call_id=first.id)))
    body = provider_server.bodies[-1]
    check(protocol, body)
    assert "K2" not in texts(body)
    assert ("Hm." in texts(body)) == (protocol == "anthropic")


def test_a_rejected_call_is_shown_with_a_result_that_says_it_was_not_carried_out(
    provider_server: ProviderServer, protocol: str
) -> None:
    cancel = calls("cancel_booking", {"id": "K1"}, thinking=(("Just do it.", "c2ln"),))
    provider_server.script(cancel, says("I cannot cancel a flown booking."))
    subject = actor(provider_server, protocol)
    first = subject.propose(context()).proposal
    subject.propose(context(attempts=(rejected(first.message, "K1 was flown yesterday."),)))
    body = provider_server.bodies[-1]
    check(protocol, body)
    assert "NOT carried out" in texts(body)
    assert "K1 was flown yesterday." in texts(body)
    if protocol == "anthropic":
        assert [part["type"] for part in body["messages"][-2]["content"]] == ["thinking", "tool_use"]
    else:
        assert body["messages"][-1]["role"] == "tool"


def test_a_rejected_reply_is_shown_with_a_note_that_is_not_the_customers(
    provider_server: ProviderServer, protocol: str
) -> None:
    provider_server.script(says("Cancelled!"), says("I am sorry, I cannot."))
    subject = actor(provider_server, protocol)
    first = subject.propose(context()).proposal
    subject.propose(context(attempts=(rejected(first.message, "Nothing was cancelled."),)))
    body = provider_server.bodies[-1]
    check(protocol, body)
    last = texts({"messages": body["messages"][-1:]})
    assert "[supervisor] Your reply was not sent" in last
    assert "not from the customer" in last
    assert "Nothing was cancelled." in last
    assert "Cancelled!" in texts({"messages": body["messages"][-2:-1]})


def test_all_rejected_attempts_of_a_turn_are_shown_in_order_after_a_tool_result(
    provider_server: ProviderServer, protocol: str
) -> None:
    spoken = conversation(provider_server, protocol, calls("get_booking", {"id": "K1"}))
    attempts: tuple[Attempt, ...] = ()
    answers = [calls("cancel_booking", {"id": "K1"}), says("Done!"), calls("cancel_booking", '{"id": '), says("No.")]
    provider_server.script(*answers)
    subject = actor(provider_server, protocol)
    for number in range(4):
        proposing = subject.propose(context(*spoken, attempts=attempts))
        check(protocol, provider_server.bodies[-1])
        attempts = (*attempts, rejected(proposing.proposal.message, f"objection {number}."))
    said = texts(provider_server.bodies[-1])
    places = [said.index(f"objection {number}.") for number in range(3)]
    assert places == sorted(places)


@pytest.mark.parametrize("arguments", ['{"id": "K1"', "[1, 2]", '"K1"', "not json at all"])
def test_arguments_that_are_no_json_object_come_back_with_a_problem(
    provider_server: ProviderServer, protocol: str, arguments: str
) -> None:
    provider_server.script(calls("cancel_booking", arguments), says("Sorry."))
    subject = actor(provider_server, protocol)
    proposing = subject.propose(context())
    assert proposing.problem is not None
    assert "cancel_booking" in proposing.problem
    assert proposing.proposal.message.tool_calls[0].arguments == arguments
    subject.propose(context(attempts=(rejected(proposing.proposal.message, proposing.problem),)))
    body = provider_server.bodies[-1]
    check(protocol, body)
    assert "tool_use" not in texts(body)
    assert "tool_calls" not in texts(body)
    assert json.dumps(f"> cancel_booking({arguments})")[1:-1] in texts(body)


def test_a_call_of_an_unknown_tool_comes_back_with_the_names_of_the_known_ones(
    provider_server: ProviderServer, protocol: str
) -> None:
    provider_server.script(calls("refund_everything", {"id": "K1"}), says("Sorry."))
    subject = actor(provider_server, protocol)
    proposing = subject.propose(context())
    assert proposing.problem is not None
    assert "refund_everything" in proposing.problem
    assert "cancel_booking, get_booking" in proposing.problem
    subject.propose(context(attempts=(rejected(proposing.proposal.message, proposing.problem),)))
    check(protocol, provider_server.bodies[-1])


def test_an_empty_message_is_a_problem_and_can_be_shown_back(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(says(""), says("Sorry."))
    subject = actor(provider_server, protocol)
    proposing = subject.propose(context())
    assert proposing.problem is not None
    assert "empty" in proposing.problem
    subject.propose(context(attempts=(rejected(proposing.proposal.message, proposing.problem),)))
    check(protocol, provider_server.bodies[-1])


def test_an_answer_that_was_cut_off_is_a_problem(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(says("Your booking is", finish="length"))
    problem = actor(provider_server, protocol).propose(context()).problem
    assert problem is not None
    assert "cut off" in problem


def test_kept_critiques_stand_before_the_message_that_was_accepted(
    provider_server: ProviderServer, protocol: str
) -> None:
    accepted, yes = Message("assistant", "I cannot cancel it."), Message("user", "Why?")
    history = ((2, (rejected(Message("assistant", "Cancelled!"), "Nothing was cancelled."),)),)
    provider_server.script(says("Because it was flown."))
    actor(provider_server, protocol).propose(context(HELLO, accepted, yes, history=history))
    body = provider_server.bodies[-1]
    check(protocol, body)
    said = texts(body)
    order = ["Please cancel", "Cancelled!", "Nothing was cancelled.", "I cannot cancel it.", "Why?"]
    assert [said.index(text) for text in order] == sorted(said.index(text) for text in order)


def test_without_kept_critiques_rejected_proposals_leave_the_context(
    provider_server: ProviderServer, protocol: str
) -> None:
    provider_server.script(says("Because."))
    spoken = (HELLO, Message("assistant", "I cannot cancel it."), Message("user", "Why?"))
    actor(provider_server, protocol).propose(context(*spoken))
    assert "[supervisor]" not in texts(provider_server.bodies[-1])


def test_messages_without_a_raw_form_can_be_sent(provider_server: ProviderServer, protocol: str) -> None:
    call = ToolCall("handoff_1", "cancel_booking", '{"id": "K1"}')
    broken = ToolCall("old_1", "get_booking", '{"id": ')
    spoken = (
        HELLO,
        Message("assistant", None, (broken,)),
        Message("tool", "Error: unreadable", tool_call_id="old_1", name="get_booking"),
        Message("assistant", None, (call,)),
        Message("tool", "", tool_call_id="handoff_1", name="cancel_booking"),
        Message("assistant", "Done."),
        Message("user", ""),
    )
    provider_server.script(says("Hello?"))
    actor(provider_server, protocol).propose(context(*spoken))
    check(protocol, provider_server.bodies[-1])


def test_an_agent_that_greets_first_is_understood_by_both_protocols(
    provider_server: ProviderServer, protocol: str
) -> None:
    provider_server.script(says("Sure."))
    actor(provider_server, protocol).propose(context(Message("assistant", "Hi! How can I help you today?"), HELLO))
    body = provider_server.bodies[-1]
    check(protocol, body)
    assert "How can I help you today?" in texts(body)
    assert ("opened the conversation" in texts(body)) == (protocol == "anthropic")


def test_a_failure_carries_the_error_to_show_and_the_call_to_record(
    provider_server: ProviderServer, protocol: str
) -> None:
    provider_server.script(fails(401, f"bad key {KEY}"))
    with pytest.raises(ActorFailed) as caught:
        actor(provider_server, protocol).propose(context())
    assert isinstance(caught.value.error, PartyError)
    assert caught.value.error.kind == "auth"
    assert caught.value.call is not None
    assert caught.value.call.error
    assert KEY not in repr(caught.value.call)


def test_the_time_left_for_the_session_bounds_the_call(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(says("too late", delay=20.0))
    with pytest.raises(ActorFailed) as caught:
        actor(provider_server, protocol).propose(context(max_seconds=0.3))
    assert isinstance(caught.value.error, PartyError)
    assert caught.value.error.infrastructure


def test_the_length_of_the_held_back_answer_is_reported(provider_server: ProviderServer) -> None:
    heard: list[int] = []
    provider_server.script(says("thirty characters, give or take"))
    options = {"base_url": provider_server.openai_base}
    LitellmActor("gpt", options, progress=heard.append).propose(context())
    assert heard[-1] == len("thirty characters, give or take")


def test_a_raw_message_that_is_not_the_message_any_more_is_not_sent() -> None:
    raw = json.dumps({"role": "assistant", "content": "something else", "thinking_blocks": []})
    assert chat_message(Message("assistant", "Hello.", raw=raw)) == {"role": "assistant", "content": "Hello."}
    assert chat_message(Message("assistant", "Hello.", raw="not json")) == {"role": "assistant", "content": "Hello."}


def test_a_critique_without_words_still_says_something() -> None:
    chat = chat_messages(context(attempts=(Attempt(Proposal(Message("assistant", "Done!"))),)))
    assert "not approved" in chat[-1]["content"]


def test_a_good_proposal_has_no_problem() -> None:
    call = ToolCall("c", "get_booking", "{}")
    assert problem_of(Message("assistant", None, (call,)), {"get_booking"}) is None
    assert problem_of(Message("assistant", "Hello."), set()) is None
