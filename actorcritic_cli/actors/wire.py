"""The transcript as chat messages: what an actor's model is shown.

Assistant messages go back as they came (``Message.raw``), since providers check the signatures of their thoughts. While
the actor revises, each rejected proposal of the turn stands behind the transcript with what was said of it; nobody else
ever sees these. A rejected call gets a tool result, since every call must have one; a rejected reply gets a user message
that is marked as the supervisor's, so that the model does not take it for the customer's; a proposal that cannot be
expressed (arguments that are no JSON …) is quoted as text, since it could not be sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from actorcritic_cli.actors.protocol import ActorContext
from actorcritic_cli.types import Attempt, Message, ToolCall, ToolSpec

Chat = list[dict[str, Any]]

SUPERVISOR = "[supervisor]"
UNEXPLAINED = "It was not approved; check it against the policy and what the user asked for."
SILENCE = "(says nothing)"
ARRIVAL = "(the customer has opened the conversation)"


def chat_messages(context: ActorContext, *, user_first: bool = False) -> Chat:
    """Return the chat an actor proposes on: transcript, kept critiques, and this turn's rejected attempts.

    ``user_first`` puts a placeholder before an agent that greets first, for providers that want the user to begin.
    """
    names = {tool.name for tool in context.tools}
    kept: dict[int, list[Attempt]] = {}
    for index, attempts in context.history:
        kept.setdefault(index, []).extend(attempts)
    chat: Chat = []
    for index, message in enumerate(context.transcript):
        chat.extend(_attempts(kept.get(index, ()), names))
        chat.append(chat_message(message))
    chat.extend(_attempts(context.attempts, names))
    opening = next((place for place, line in enumerate(chat) if line["role"] != "system"), None)
    if user_first and opening is not None and chat[opening]["role"] != "user":
        chat.insert(opening, {"role": "user", "content": ARRIVAL})
    return chat


def chat_tools(tools: Iterable[ToolSpec]) -> Chat:
    """Return tools in the OpenAI form."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]


def problem_of(message: Message, tool_names: set[str]) -> str | None:
    """Return why a proposal cannot be carried out as it stands, in a sentence for the actor; ``None`` if it can."""
    if not message.tool_calls and not (message.content or "").strip():
        return "Your message is empty: either write a reply to the user or call a tool."
    for call in message.tool_calls:
        if call.name not in tool_names:
            offered = ", ".join(sorted(tool_names)) or "none"
            return f"There is no tool named '{call.name}'; the tools are: {offered}."
        try:
            call.parsed()
        except (ValueError, RecursionError) as error:
            return f"The arguments of your call of {call.name} cannot be read ({error}); they must be one JSON object."
    return None


def chat_message(message: Message) -> dict[str, Any]:
    """Return one message in the chat form; an assistant message as it came, if it is known how it came."""
    match message.role:
        case "assistant":
            return _raw(message) or _assistant(message)
        case "tool":
            result = {"role": "tool", "tool_call_id": message.tool_call_id or "", "content": message.content or ""}
            return result | ({"name": message.name} if message.name else {})
        case _:
            # Providers refuse a message without words.
            return {"role": message.role, "content": message.content if (message.content or "").strip() else SILENCE}


def _raw(message: Message) -> dict[str, Any] | None:
    """The message as it came, unless it is not the same message any more.

    An environment may let only the first of several calls stand; then the others are taken out, as each would need a
    result.
    """
    if message.raw is None:
        return None
    try:
        raw = json.loads(message.raw)
    except ValueError:
        return None
    if (
        not isinstance(raw, dict)
        or raw.get("role") != "assistant"
        or (raw.get("content") or None) != (message.content or None)
    ):
        return None
    standing = {call.id for call in message.tool_calls}
    came = raw.get("tool_calls") or []
    if not isinstance(came, list) or standing - {call.get("id") for call in came}:
        return None
    if len(standing) < len(came):
        raw["tool_calls"] = [call for call in came if call.get("id") in standing]
        if not raw["tool_calls"]:
            del raw["tool_calls"]
    return raw


def _assistant(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": "assistant", "content": message.content}
    if message.tool_calls:
        made["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _sendable(call)}}
            for call in message.tool_calls
        ]
    elif not (message.content or "").strip():
        made["content"] = SILENCE
    return made


def _sendable(call: ToolCall) -> str:
    """Arguments that libraries on the way can parse: imported recordings hold calls whose arguments are broken."""
    try:
        call.parsed()
    except (ValueError, RecursionError):
        return json.dumps({"unreadable_arguments": call.arguments})
    return call.arguments


def _attempts(attempts: Sequence[Attempt], names: set[str]) -> Chat:
    chat: Chat = []
    for attempt in attempts:
        message, said = attempt.proposal.message, _said(attempt)
        if problem_of(message, names) is not None:
            chat.append({"role": "user", "content": _quoted(message, said)})
            continue
        chat.append(chat_message(message))
        if not message.tool_calls:
            text = (
                f"{SUPERVISOR} Your reply was not sent: the customer has not seen it. {said}\n"
                "This note is from your supervisor, not from the customer. Answer with what should be done instead, and do "
                "not mention this note."
            )
            chat.append({"role": "user", "content": text})
        for call in message.tool_calls:
            text = f"{SUPERVISOR} This call was NOT carried out; nothing has changed. {said}"
            chat.append({"role": "tool", "tool_call_id": call.id, "name": call.name, "content": text})
    return chat


def _said(attempt: Attempt) -> str:
    critique = attempt.critique
    return critique.text if critique is not None and critique.text.strip() else UNEXPLAINED


def _quoted(message: Message, said: str) -> str:
    parts = [message.content] if (message.content or "").strip() else []
    parts += [f"{call.name}({call.arguments})" for call in message.tool_calls]
    quoted = "\n".join(f"> {line}" for part in parts if part for line in part.splitlines())
    was = f"It was:\n{quoted}" if quoted else "It was empty."
    return (
        f"{SUPERVISOR} Your last message could not be carried out; nothing has changed and the customer has not seen it. "
        f"{said}\n{was}\nThis note is from your supervisor, not from the customer. Answer again."
    )
