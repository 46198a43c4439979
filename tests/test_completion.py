"""One model call: what comes through, what is tried again, what is cut, and what the record says of it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.errors import UsageError
from actorcritic_cli.providers import retry, stream
from actorcritic_cli.providers.aliases import resolve
from actorcritic_cli.providers.completion import Completion, CompletionFailed, complete
from actorcritic_cli.providers.options import options_from
from tests import providers_server
from tests.providers_server import KEY, Behaviour, ProviderServer, Usage, calls, fails, says

provider_server = providers_server.provider_server

MODELS = {"openai": "openai/gpt-5.2", "anthropic": "anthropic/claude-sonnet-5-5"}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "description": "Look something up.",
            "parameters": {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]},
        },
    }
]
CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]


@pytest.fixture(params=["openai", "anthropic"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ask(
    server: ProviderServer, protocol: str, *, chat: list[dict[str, Any]] | None = None, **options: Any
) -> Completion:
    extra = {name: options.pop(name) for name in ("max_seconds", "progress") if name in options}
    model = resolve(options.pop("model", MODELS[protocol]))
    given = options_from({"base_url": server.base(protocol), "max_retries": 2, "timeout": 20.0} | options)
    return complete("actor", model, chat or CHAT, given, tools=TOOLS, **extra)


def ask_in_vain(server: ProviderServer, protocol: str, **options: Any) -> CompletionFailed:
    with pytest.raises(CompletionFailed) as caught:
        ask(server, protocol, **options)
    failed = caught.value
    assert failed.call.error == str(failed.error)
    assert KEY not in repr(failed.call) + str(failed.error)
    return failed


def test_a_streamed_text_arrives_whole(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(says("Grüße — how can I help you today? 🛫"))
    done = ask(provider_server, protocol)
    assert done.message.role == "assistant"
    assert done.message.content == "Grüße — how can I help you today? 🛫"
    assert done.message.tool_calls == ()
    assert done.problem is None
    assert provider_server.bodies[0]["stream"] is True


def test_tool_calls_arrive_with_their_arguments_as_the_provider_wrote_them(
    provider_server: ProviderServer, protocol: str
) -> None:
    written = '{"what":   "caf\\u00e9", "n": 1.0}'
    provider_server.script(Behaviour(text="Let me look.", calls=(("look", written), ("look", '{"what": "b"}'))))
    message = ask(provider_server, protocol).message
    assert message.content == "Let me look."
    assert [call.arguments for call in message.tool_calls] == [written, '{"what": "b"}']
    assert len({call.id for call in message.tool_calls}) == 2
    assert message.raw is not None
    assert json.loads(message.raw)["tool_calls"][0]["function"]["arguments"] == written


def test_a_call_without_arguments_is_a_call_with_an_empty_object(
    provider_server: ProviderServer, protocol: str
) -> None:
    provider_server.script(calls("look", ""))
    (call,) = ask(provider_server, protocol).message.tool_calls
    assert call.parsed() == {}


def test_thoughts_go_back_to_the_provider_exactly_as_they_came(provider_server: ProviderServer) -> None:
    thoughts = (("I should look this up first.", "c2lnbmF0dXJl"), ("redacted:", "b3BhcXVl"), ("", "c2Vjb25k"))
    provider_server.script(
        Behaviour(text="One moment.", calls=(("look", '{"what": "x"}'),), thinking=thoughts), says("Done.")
    )
    first = ask(provider_server, "anthropic")
    assert first.message.raw is not None
    (call,) = first.message.tool_calls
    chat = [*CHAT, json.loads(first.message.raw), {"role": "tool", "tool_call_id": call.id, "content": "found"}]
    ask(provider_server, "anthropic", chat=chat)
    sent = provider_server.bodies[1]["messages"]
    assert sent[1]["role"] == "assistant"
    assert sent[1]["content"][:3] == [
        {"type": "thinking", "thinking": "I should look this up first.", "signature": "c2lnbmF0dXJl"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "thinking", "thinking": "", "signature": "c2Vjb25k"},
    ]
    assert {"type": "text", "text": "One moment."} in sent[1]["content"]
    assert sent[1]["content"][-1]["type"] == "tool_use"
    assert sent[2]["content"][0]["type"] == "tool_result"
    assert sent[2]["content"][0]["tool_use_id"] == call.id


def test_tokens_and_cost_are_the_providers_count_and_the_price_list(
    provider_server: ProviderServer, protocol: str
) -> None:
    provider_server.script(says("Yes.", usage=Usage(1000, 100, 800)))
    call = ask(provider_server, protocol).call
    assert (call.usage.input_tokens, call.usage.output_tokens, call.usage.cached_tokens) == (1000, 100, 800)
    assert call.usage.raw["prompt_tokens"] == 1000
    from actorcritic_cli.providers.prices import price_list

    entry = price_list().get(MODELS[protocol]) or price_list()[MODELS[protocol].partition("/")[2]]
    expected = (
        200 * entry["input_cost_per_token"]
        + 800 * entry["cache_read_input_token_cost"]
        + 100 * entry["output_cost_per_token"]
    )
    assert call.cost == pytest.approx(expected)


def test_without_the_providers_count_tokens_and_cost_are_unknown_and_not_guessed(
    provider_server: ProviderServer, protocol: str
) -> None:
    provider_server.script(says("Yes.", usage=None))
    call = ask(provider_server, protocol).call
    assert (call.usage.input_tokens, call.usage.output_tokens, call.cost) == (None, None, None)


def test_a_model_without_a_price_costs_an_unknown_amount_and_not_zero(provider_server: ProviderServer) -> None:
    provider_server.script(says("Yes."))
    call = ask(provider_server, "openai", model="openai/my-own-model").call
    assert call.usage.input_tokens == 100
    assert call.cost is None


def test_parameters_reach_the_provider_and_the_record(provider_server: ProviderServer) -> None:
    provider_server.script(says("Yes."))
    done = ask(provider_server, "openai", model="openai/gpt-4.1-mini", temperature=0.3, seed=7, max_tokens=99)
    body = provider_server.bodies[0]
    assert (body["temperature"], body["seed"], body["max_tokens"]) == (0.3, 7, 99)
    assert body["stream_options"] == {"include_usage": True}
    request = done.call.request
    assert (request["temperature"], request["seed"], request["max_tokens"]) == (0.3, 7, 99)
    assert "messages" not in request
    assert KEY in provider_server.requests[0].headers["authorization"]
    assert KEY not in repr(done.call)


def test_parameters_a_model_does_not_take_are_left_out(provider_server: ProviderServer) -> None:
    provider_server.script(says("Yes."))
    ask(provider_server, "anthropic", temperature=0.3, seed=7)
    assert not {"temperature", "seed"} & set(provider_server.bodies[0])
    assert provider_server.bodies[0]["max_tokens"] == 4096


def test_a_password_in_the_base_url_is_not_recorded(provider_server: ProviderServer) -> None:
    provider_server.script(says("Yes."))
    base = provider_server.openai_base.replace("http://", "http://me:hidden-word@")
    call = ask(provider_server, "openai", base_url=base).call
    assert "hidden-word" not in repr(call)
    assert call.request["base_url"] == provider_server.openai_base


def test_progress_hears_only_how_much_has_come(provider_server: ProviderServer, protocol: str) -> None:
    heard: list[int] = []
    provider_server.script(says("a text of some length that comes in pieces"))
    ask(provider_server, protocol, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == len("a text of some length that comes in pieces")
    assert len(set(heard)) > 3


@pytest.mark.parametrize("status", [429, 500, 503, 529])
def test_a_passing_failure_is_tried_again_and_noted(
    provider_server: ProviderServer, protocol: str, status: int
) -> None:
    provider_server.script(fails(status, "please wait"), says("Here I am."))
    done = ask(provider_server, protocol)
    assert done.message.content == "Here I am."
    (note,) = done.call.retries
    assert "please wait" in note
    assert "\n" not in note


def test_the_providers_wish_to_wait_is_respected(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(fails(429, "slow down", retry_after="0.3"), says("Here I am."))
    ask(provider_server, protocol)
    first, second = provider_server.requests
    assert second.at - first.at >= 0.3


def test_a_wish_to_wait_longer_than_there_is_time_ends_the_call_at_once(
    provider_server: ProviderServer, protocol: str
) -> None:
    provider_server.script(fails(429, "slow down", retry_after="3600"))
    failed = ask_in_vain(provider_server, protocol, max_seconds=30.0)
    assert failed.error.kind == "provider"
    assert len(provider_server.requests) == 1


def test_tries_are_bounded_and_each_is_made_once(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(*[fails(500, "still broken")] * 9)
    failed = ask_in_vain(provider_server, protocol)
    assert failed.error.kind == "provider"
    assert failed.error.infrastructure
    assert len(provider_server.requests) == 3
    assert len(failed.call.retries) == 2
    assert "after 3 tries" in str(failed.error)


@pytest.mark.parametrize("broken", [{"drop_after": 0}, {"drop_after": 4}, {"end_after": 4}])
def test_a_dropped_connection_is_tried_again(
    provider_server: ProviderServer, protocol: str, broken: dict[str, int]
) -> None:
    provider_server.script(says("the first answer, which breaks off", **broken), says("whole"))
    done = ask(provider_server, protocol)
    assert done.message.content == "whole"
    assert len(done.call.retries) == 1
    assert done.call.retries[0].startswith("network")


def test_an_error_in_the_middle_of_a_stream_is_tried_again(provider_server: ProviderServer, protocol: str) -> None:
    broken = says("the first answer", error_after=3, message="Overloaded", code="overloaded_error")
    provider_server.script(broken, says("whole"))
    done = ask(provider_server, protocol)
    assert done.message.content == "whole"
    assert "Overloaded" in done.call.retries[0]


def test_a_dead_network_is_no_fault_of_the_agent(provider_server: ProviderServer, protocol: str) -> None:
    failed = ask_in_vain(provider_server, protocol, base_url="http://127.0.0.1:9/v1", max_retries=1)
    assert failed.error.kind == "network"
    assert failed.error.infrastructure
    assert "refused" in str(failed.error).lower()
    assert len(failed.call.retries) == 1


def test_silence_is_given_up_after_the_timeout(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(says("too late", delay=20.0))
    failed = ask_in_vain(provider_server, protocol, timeout=0.4, max_retries=0)
    assert failed.error.kind == "network"


def test_the_sessions_time_bounds_a_call(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(*[says("too late", delay=20.0)] * 9)
    failed = ask_in_vain(provider_server, protocol, max_seconds=0.4)
    assert failed.error.kind == "network"
    assert len(provider_server.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_variable_and_is_not_tried_again(
    provider_server: ProviderServer, protocol: str, status: int
) -> None:
    provider_server.script(fails(status, f"Incorrect API key provided: {KEY}"))
    failed = ask_in_vain(provider_server, protocol)
    assert failed.error.kind == "auth"
    assert resolve(MODELS[protocol]).key_env in str(failed.error)  # type: ignore[operator]
    assert len(provider_server.requests) == 1


def test_a_missing_key_is_found_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    model = resolve(MODELS[protocol])
    for name in (*model.key_envs, "OPENAI_API_BASE", "OPENAI_BASE_URL", "ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CompletionFailed) as caught:
        complete("actor", model, CHAT, options_from({}))
    assert caught.value.error.kind == "auth"
    assert f"set {model.key_env}" in str(caught.value.error)


def test_a_server_of_ones_own_needs_no_key(
    provider_server: ProviderServer, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(resolve(MODELS[protocol]).key_envs[0])
    provider_server.script(says("Hello."))
    assert ask(provider_server, protocol).message.content == "Hello."


def test_the_environment_may_name_the_server(
    provider_server: ProviderServer, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in provider_server.env().items():
        monkeypatch.setenv(name, value)
    provider_server.script(says("Hello."))
    assert ask(provider_server, protocol, base_url=None).message.content == "Hello."


OVERFLOWS = {
    "openai": fails(400, "This model's maximum context length is 1000 tokens.", code="context_length_exceeded"),
    "anthropic": fails(400, "prompt is too long: 250000 tokens > 200000 maximum"),
}


def test_a_context_overflow_is_never_tried_again(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(OVERFLOWS[protocol])
    failed = ask_in_vain(provider_server, protocol)
    assert failed.error.kind == "protocol"
    assert "context" in str(failed.error)
    assert len(provider_server.requests) == 1
    assert failed.call.retries == ()


def test_a_refused_request_is_not_tried_again(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(fails(400, "messages.3: something is wrong"))
    failed = ask_in_vain(provider_server, protocol)
    assert failed.error.kind == "protocol"
    assert "something is wrong" in str(failed.error)
    assert len(provider_server.requests) == 1


def test_a_used_up_account_is_not_tried_again(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(fails(429, "You exceeded your current quota, check your plan", code="insufficient_quota"))
    failed = ask_in_vain(provider_server, protocol)
    assert failed.error.kind == "exhausted"
    assert failed.error.infrastructure
    assert len(provider_server.requests) == 1


def test_an_unknown_model_is_said_to_be_unknown(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(fails(404, "model: not found"))
    failed = ask_in_vain(provider_server, protocol)
    assert failed.error.kind == "protocol"
    assert "acc models" in str(failed.error)


def test_an_unknown_provider_is_an_error_in_words_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CompletionFailed) as caught:
        complete("actor", resolve("no-such-provider/model"), CHAT, options_from({}))
    assert caught.value.error.kind == "protocol"
    assert capfd.readouterr() == ("", "")


def test_something_that_is_no_answer_is_a_protocol_error(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(Behaviour(garbage=True))
    assert ask_in_vain(provider_server, protocol).error.kind == "protocol"


def test_an_endless_answer_is_cut_by_length_hung_up_and_kept_as_far_as_it_came(
    provider_server: ProviderServer, protocol: str
) -> None:
    provider_server.script(Behaviour(text="It began well, ", endless=True))
    failed = ask_in_vain(provider_server, protocol, max_characters=500)
    assert failed.error.kind == "endless"
    assert not failed.error.infrastructure
    assert failed.call.response is not None
    kept = json.loads(failed.call.response)
    assert kept["truncated"] is True
    assert kept["content"].startswith("It began well, and then 1 ")
    assert 500 < len(kept["content"]) < 700
    assert len(provider_server.requests) == 1
    assert provider_server.hung_up.wait(10), "the connection of the endless answer is still open"


def test_an_endless_answer_is_cut_by_time(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(Behaviour(endless=True, event_delay=0.02))
    failed = ask_in_vain(provider_server, protocol, timeout=0.8)
    assert failed.error.kind == "endless"
    assert failed.call.response is not None
    assert provider_server.hung_up.wait(10)


def test_an_answer_the_provider_cut_off_is_a_problem(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(says("I was about to", finish="length"))
    done = ask(provider_server, protocol)
    assert done.message.content == "I was about to"
    assert done.problem is not None
    assert "cut off" in done.problem
    assert done.call.response is not None
    assert json.loads(done.call.response)["finish_reason"] == "length"


def test_text_that_utf8_cannot_carry_is_sent_all_the_same(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.script(says("Yes."))
    ask(provider_server, protocol, chat=[{"role": "user", "content": "half an emoji: \ud83d"}])
    assert "half an emoji" in json.dumps(provider_server.bodies[0])


def test_many_threads_share_one_library(provider_server: ProviderServer, protocol: str) -> None:
    provider_server.respond_with(lambda body: says("echo " + json.dumps(body["messages"][-1]["content"])))
    with ThreadPoolExecutor(8) as pool:
        asked = [f"number {n}" for n in range(16)]
        chats = [[{"role": "user", "content": text}] for text in asked]
        answers = list(pool.map(lambda chat: ask(provider_server, protocol, chat=chat).message.content or "", chats))
    assert all(text in answer for text, answer in zip(asked, answers, strict=True))


@pytest.mark.slow
def test_a_process_that_calls_a_model_prints_nothing_of_its_own(provider_server: ProviderServer) -> None:
    provider_server.script(fails(500), says("Hello."), fails(401, "no"))
    program = (
        "import threading\n"
        "from actorcritic_cli.providers.aliases import resolve\n"
        "from actorcritic_cli.providers.completion import CompletionFailed, complete\n"
        "from actorcritic_cli.providers.options import options_from\n"
        "chat = [{'role': 'user', 'content': 'hi'}]\n"
        "def ask(name):\n"
        "    return complete('actor', resolve(name), chat, options_from({}))\n"
        "print(ask('claude').message.content)\n"
        "try:\n"
        "    ask('gpt')\n"
        "except CompletionFailed as failed:\n"
        "    print(failed.error.kind)\n"
    )
    environment = {**os.environ, **provider_server.env(), "LITELLM_LOG": "DEBUG"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert (done.stdout, done.stderr) == ("Hello.\nauth\n", "")


@pytest.mark.parametrize("values", [{"api_key": "x"}, {"max_tokens": "many"}, {"timeout": 0}, {"max_retries": -1}])
def test_options_that_cannot_be_meant_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        options_from(values)


def test_a_wait_may_be_given_in_seconds_milliseconds_or_as_a_date() -> None:
    assert retry.retry_after_seconds({"Retry-After": "7"}) == 7
    assert retry.retry_after_seconds({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert retry.retry_after_seconds({"retry-after": formatdate(1_000_030, usegmt=True)}, now=1_000_000) == 30
    assert retry.retry_after_seconds({"retry-after": formatdate(5, usegmt=True)}, now=1_000_000) == 0
    assert retry.retry_after_seconds({"retry-after": "soon"}) is None
    assert retry.retry_after_seconds({}) is None


@given(st.text(max_size=40))
def test_no_header_breaks_the_reading_of_waits(text: str) -> None:
    seconds = retry.retry_after_seconds({"retry-after": text})
    assert seconds is None or seconds >= 0


@given(st.integers(0, 12), st.floats(0, 100), st.one_of(st.none(), st.floats(0, 1000)))
def test_waits_grow_are_bounded_and_never_shorter_than_asked(number: int, base: float, asked: float | None) -> None:
    wait = retry.wait_before(number, base, asked)
    assert wait >= (asked or 0)
    assert wait <= max(asked or 0, min(retry.LONGEST_WAIT, base * 2**number))


class _Delta:
    """A delta as litellm's look to us: something with ``model_dump``."""

    def __init__(self, **fields: Any):
        self._fields = fields

    def model_dump(self, **_: Any) -> dict[str, Any]:
        return self._fields


class _Chunk:
    def __init__(self, **delta: Any):
        choice = type("Choice", (), {"finish_reason": None, "delta": _Delta(**delta)})()
        self.choices = [choice]


@given(
    st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=60)), max_size=4),
    st.text(max_size=80),
    st.integers(1, 9),
    st.randoms(use_true_random=False),
)
def test_an_answer_is_the_same_however_it_was_cut_into_pieces(
    made: list[tuple[str, str]], text: str, size: int, rng: random.Random
) -> None:
    pieces: list[list[_Chunk]] = [[_Chunk(content=text[i : i + size]) for i in range(0, len(text), size)]]
    for index, (name, arguments) in enumerate(made):
        head = {"index": index, "id": f"id{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        cut = [arguments[i : i + size] for i in range(0, len(arguments), size)]
        tail = [_Chunk(tool_calls=[{"index": index, "function": {"arguments": piece}}]) for piece in cut]
        pieces.append([_Chunk(tool_calls=[head]), *tail])
    answer = stream.Gathered()
    while any(pieces):
        answer.add(rng.choice([queue for queue in pieces if queue]).pop(0))
    message = answer.message()
    assert (message.content or "") == text
    assert {(call.name, call.arguments) for call in message.tool_calls} == {(n, a or "{}") for n, a in made}
    assert answer.characters == len(text) + sum(len(arguments) for _, arguments in made)
    assert json.loads(message.raw or "")["role"] == "assistant"


def test_servers_that_number_every_call_zero_still_get_two_calls() -> None:
    answer = stream.Gathered()
    for number in range(2):
        function = {"name": "look", "arguments": f'{{"n": {number}}}'}
        answer.add(_Chunk(tool_calls=[{"index": 0, "id": f"call{number}", "function": function}]))
    assert [call.parsed() for call in answer.message().tool_calls] == [{"n": 0}, {"n": 1}]


def test_a_deadline_holds_while_the_socket_is_silent() -> None:
    never = threading.Event()
    reading = stream.read(lambda: iter(never.wait, True), time.monotonic() + 0.1)
    with pytest.raises(stream.DeadlinePassed):
        next(reading)
    never.set()
