"""How a simulated user finds its words: with one call, or with thought, checks and second tries around it.

The four strategies are those of τ-bench v1, with what is plainly a slip of the original put right:

- ``llm``: one call, and what it says is sent.
- ``react``: the model writes a thought first, then its words. Only the words are sent. (The original sends the thought too
  whenever it is labelled, and takes a stop word inside a thought for the customer's own: both put right here.) Words with
  the stop word in them become the stop word alone, as in the original.
- ``verify``: a second call judges each candidate; the first that passes is sent, of up to three; if none passes, the last
  one. Any judgement that contains "true" passes, as in the original. (The original then leaves the last one out of the
  user's own memory; here everything that was said is remembered, because memory is the transcript.)
- ``reflection``: a candidate that is not passed is reflected upon in writing, and a new one is made in the light of that;
  if it is not passed either, the *first* candidate is sent, as in the original.

A seed is varied from candidate to candidate: a provider that honours it would otherwise write the same one again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.errors import PartyError
from actorcritic_cli.providers.aliases import ResolvedModel
from actorcritic_cli.providers.completion import CompletionFailed, complete
from actorcritic_cli.providers.options import CompletionOptions
from actorcritic_cli.types import ModelCall, Usage
from actorcritic_cli.users.protocol import UserFailed, UserStrategy

STOP = "###STOP###"
CANDIDATES = 3
"""How many candidates ``verify`` makes at most."""

Purpose = Literal["reply", "check", "reflection"]
Chat = Sequence[Mapping[str, Any]]
"""The conversation as the user's model sees it: system, then the agent as ``user`` and the customer as ``assistant``."""

THINK = """

Answer in this form, with both labels:
Thought: what you think about the conversation so far and about what to say next; nobody reads it
User Response: what the customer says, on one line"""
_AGAIN = "Your answer had no 'User Response:'. Give the whole answer again, with both labels."
_CHECK = """\
Somebody plays a customer of a service desk. Judge the customer's next words.

<part_to_play>
{part}
</part_to_play>

<conversation>
{conversation}
</conversation>

<next_words>
{candidate}
</next_words>

Are these words in keeping with the part and with the conversation: nothing invented, nothing contradicted, not the \
agent's side of the talk, and {stop} only where everything asked for is done? Answer with one word: true or false."""
_REFLECT = """\
Somebody plays a customer of a service desk. The customer's next words were found not to be in keeping with the part or \
with the conversation.

<part_to_play>
{part}
</part_to_play>

<conversation>
{conversation}
</conversation>

<next_words>
{candidate}
</next_words>

Say what is wrong with them, and what would be better, in this form:
Reflection: what is wrong
User Response: what the customer should say instead, on one line"""
_REFLECTED = """\
Your answer was not in keeping with your part. This was said of it:

{reflection}

Write your turn again, and only what the customer says."""

_RESPONSE = re.compile(r"\**user response:?\**:?[ \t]*", re.IGNORECASE)
_THOUGHT = re.compile(r"^\s*\**thought:?\**:?", re.IGNORECASE)


class Made(Struct, frozen=True):
    """One call of a turn: what it was for, and how it went."""

    purpose: Purpose
    call: ModelCall


class Turn:
    """One turn of a simulated user: the model that is asked, and every call made for the turn so far."""

    def __init__(self, strategy: UserStrategy, model: ResolvedModel, options: CompletionOptions):
        self.strategy, self.model, self.options = strategy, model, options
        self.made: list[Made] = []

    def ask(self, purpose: Purpose, chat: Chat, *, candidate: int = 0) -> str:
        """Return what the model says. Raises ``UserFailed`` with every call of the turn."""
        options = self.options
        if candidate and options.seed is not None:
            options = replace(options, seed=options.seed + candidate)
        try:
            done = complete("user", self.model, [dict(message) for message in chat], options)
        except CompletionFailed as failed:
            self.made.append(Made(purpose, failed.call))
            raise UserFailed(failed.error, self.call) from failed
        self.made.append(Made(purpose, done.call))
        return (done.message.content or "").strip()

    @property
    def call(self) -> ModelCall | None:
        """All calls of the turn as one, for the record."""
        return together(self.strategy, self.made)


def words(turn: Turn, chat: Chat) -> str:
    """Return what the customer says next; the first message of ``chat`` is the system's. Raises ``UserFailed``."""
    return _STRATEGIES[turn.strategy](turn, chat)


def together(strategy: UserStrategy, made: Sequence[Made]) -> ModelCall | None:
    """Return several calls as one: tokens, cost and latency are sums, unknown where one of them is unknown.

    ``response`` then holds each call with its purpose and its own numbers; a single call is left as it is.
    """
    if len(made) < 2:
        return made[0].call if made else None
    calls = [one.call for one in made]
    each = [
        {
            "purpose": one.purpose,
            "response": json.loads(one.call.response) if one.call.response is not None else None,
            "input_tokens": one.call.usage.input_tokens,
            "output_tokens": one.call.usage.output_tokens,
            "cost": one.call.cost,
            "latency": one.call.latency,
        }
        for one in made
    ]
    return ModelCall(
        party="user",
        model=calls[-1].model,
        request=calls[0].request | {"strategy": strategy, "calls": len(calls)},
        response=json.dumps({"calls": each}, ensure_ascii=False),
        usage=Usage(
            _sum([call.usage.input_tokens for call in calls]),
            _sum([call.usage.output_tokens for call in calls]),
            _sum([call.usage.cached_tokens for call in calls]),
            {"calls": [call.usage.raw for call in calls]},
        ),
        cost=_sum([call.cost for call in calls]),
        latency=sum(call.latency for call in calls),
        retries=tuple(why for call in calls for why in call.retries),
        error=calls[-1].error,
    )


def response_in(text: str) -> str | None:
    """Return the words in an answer with thought and response, or ``None`` where a thought has no response.

    >>> response_in("Thought: I am asked for my id.\\nUser Response: It is ada_1.")
    'It is ada_1.'
    """
    labels = list(_RESPONSE.finditer(text))
    if labels:
        said = text[labels[-1].end() :].strip()
    elif _THOUGHT.match(text):
        return None
    else:
        said = text.strip()
    return STOP if STOP in said else said or None


def _llm(turn: Turn, chat: Chat) -> str:
    return turn.ask("reply", chat)


def _react(turn: Turn, chat: Chat) -> str:
    chat = [{**chat[0], "content": chat[0]["content"] + THINK}, *chat[1:]]
    text = turn.ask("reply", chat)
    said = response_in(text)
    if said is None and text:
        again = [*chat, {"role": "assistant", "content": text}, {"role": "user", "content": _AGAIN}]
        said = response_in(turn.ask("reply", again, candidate=1))
    if said is None:
        raise UserFailed(PartyError(_mute(turn), kind="protocol"), turn.call)
    return said


def _verify(turn: Turn, chat: Chat) -> str:
    candidate = ""
    for number in range(CANDIDATES):
        candidate = turn.ask("reply", chat, candidate=number)
        if candidate and _passes(turn, chat, candidate):
            break
    return candidate


def _reflection(turn: Turn, chat: Chat) -> str:
    first = turn.ask("reply", chat)
    if first and _passes(turn, chat, first):
        return first
    reflection = turn.ask("reflection", [{"role": "user", "content": _filled(_REFLECT, chat, first)}])
    told = {"role": "user", "content": _REFLECTED.format(reflection=reflection)}
    answered = {"role": "assistant", "content": first or "(nothing)"}
    second = turn.ask("reply", [*chat, answered, told], candidate=1)
    return second if second and (not first or _passes(turn, chat, second)) else first


_STRATEGIES: dict[UserStrategy, Callable[[Turn, Chat], str]] = {
    "llm": _llm,
    "react": _react,
    "verify": _verify,
    "reflection": _reflection,
}


def _passes(turn: Turn, chat: Chat, candidate: str) -> bool:
    judgement = turn.ask("check", [{"role": "user", "content": _filled(_CHECK, chat, candidate)}])
    return "true" in judgement.lower()


def _filled(prompt: str, chat: Chat, candidate: str) -> str:
    speaker = {"user": "Agent", "assistant": "Customer"}
    conversation = "\n".join(f"{speaker[message['role']]}: {message['content']}" for message in chat[1:])
    return prompt.format(
        part=chat[0]["content"],
        conversation=conversation.replace("</", "< /"),
        candidate=candidate.replace("</", "< /"),
        stop=STOP,
    )


def _mute(turn: Turn) -> str:
    return (
        f"The simulated user (llm:{turn.model.litellm_name}) thought but said nothing: choose another model or strategy for "
        "it, or raise its max_tokens."
    )


def _sum(values: Sequence[Any]) -> Any:
    return None if any(value is None for value in values) else sum(values)
