"""Sessions as OpenTelemetry spans: OTLP JSON Lines, one session (one trace) a line, as the collector's file receiver reads.

The names are those of the GenAI semantic conventions, version 1.41.0 (``SCHEMA``), which are still in development there:

| span | what it is |
|---|---|
| ``invoke_agent {actor}`` | the session; the reward is a ``gen_ai.evaluation.result`` event |
| ``chat {model}`` | a proposal, accepted or not; the decision is an ``acc.decision`` event |
| ``acc.judge {critic}`` | a verdict, with a ``gen_ai.evaluation.result`` event (``revise_probability``) |
| ``execute_tool {tool}`` | a call of an accepted message |

The conventions have no span for judging before the effect; what they have no name for is called ``acc.…``.

Texts (messages, arguments, results, critiques) are left out unless asked for. Trace and span ids follow from the session and
the event, so that what is exported twice is the same. Times are those on record; imported sessions that know none begin
in 1970.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from actorcritic_cli import __version__
from actorcritic_cli.exchange.told import told
from actorcritic_cli.session.events import Acted, Decided, Event, Judged, Observed, Proposed
from actorcritic_cli.types import Message, ModelCall, ToolSpec, Verdict

SCHEMA = "https://opentelemetry.io/schemas/1.41.0"
_INTERNAL, _CLIENT = 1, 3
_ERROR = 2

Json = dict[str, Any]


def chunks(sessions: Iterable[Sequence[Event]], *, content: bool = False) -> Iterator[bytes]:
    """Yield a line for every session, given as its events."""
    resource = {"attributes": _attributes({"service.name": "acc", "service.version": __version__})}
    scope = {"name": "actorcritic_cli", "version": __version__}
    for events in sessions:
        spans = _Spans(events, content).spans()
        scoped = {"scope": scope, "spans": spans, "schemaUrl": SCHEMA}
        line = {"resourceSpans": [{"resource": resource, "scopeSpans": [scoped], "schemaUrl": SCHEMA}]}
        yield json.dumps(line).encode() + b"\n"


class _Spans:
    """The spans of one session."""

    def __init__(self, events: Sequence[Event], content: bool):
        self._events, self._content = events, content
        self._told = told(events)
        self._started = self._told.started
        self._trace = _hex(f"trace {self._started.session}", 32)
        self._root = self._id("session")
        self._transcript: list[Message] = list(self._started.messages)
        self._acted: Acted | None = None
        self._shared: Json = {"gen_ai.conversation.id": self._started.session}

    def spans(self) -> list[Json]:
        """Return the session's span and those of what happened in it, in order."""
        found = [self._session()]
        for seq, event in enumerate(self._events):
            match event:
                case Proposed():
                    found.append(self._proposed(seq, event))
                case Judged():
                    found.append(self._judged(seq, event))
                case Acted():
                    self._transcript.append(event.message)
                    self._acted = event
                case Observed():
                    if self._acted is not None and event.messages and event.messages[0].role == "tool":
                        found += self._called(seq, event, self._acted)
                    self._transcript += event.messages
                case _:
                    pass
        return found

    def _session(self) -> Json:
        started, ended, spec = self._started, self._told.ended, self._started.spec
        attributes: Json = {
            "gen_ai.operation.name": "invoke_agent",
            **_provider(self._told.actor),
            "gen_ai.agent.name": self._told.actor,
            **self._shared,
            "acc.env": spec.env,
            "acc.dataset": spec.dataset,
            "acc.task": spec.task_id,
            "acc.trial": spec.trial,
            "acc.run": started.run,
            "acc.user": self._told.user,
            "acc.supervise": spec.supervision.mode,
            "acc.critic": started.critic.id if started.critic else None,
            "acc.termination": ended.reason,
            "acc.fault": ended.fault,
            "acc.reward": self._told.reward,
        }
        if self._content:
            attributes |= {
                "gen_ai.system_instructions": _json([_text(m.content) for m in started.messages if m.role == "system"]),
                "gen_ai.tool.definitions": _json([_tool(tool) for tool in started.tools]),
            }
        span = self._span(f"invoke_agent {self._told.actor}", "session", started.at, ended.at, attributes, parent=False)
        if self._told.reward is not None:
            span["events"] = [_event("gen_ai.evaluation.result", ended.at, _score("reward", self._told.reward, None))]
        if ended.reason.endswith("_error"):
            span["status"] = {"code": _ERROR, "message": ended.reason}
            span["attributes"] += _attributes({"error.type": ended.reason})
        return span

    def _proposed(self, seq: int, event: Proposed) -> Json:
        call, message = event.call, event.proposal.message
        model = call.model if call else self._told.actor
        attributes: Json = {
            "gen_ai.operation.name": "chat",
            **_provider(model),
            "gen_ai.request.model": model,
            **self._shared,
            "gen_ai.response.finish_reasons": ["tool_calls" if message.tool_calls else "stop"],
            **_usage(call),
            "acc.step": event.step,
            "acc.attempt": event.attempt,
            "acc.author": event.proposal.author,
        }
        if self._content:
            attributes["gen_ai.input.messages"] = _json([_message(m) for m in self._transcript if m.role != "system"])
            finish = "tool_call" if message.tool_calls else "stop"
            attributes["gen_ai.output.messages"] = _json([{**_message(message), "finish_reason": finish}])
        span = self._span(
            f"chat {model}", seq, event.at - (call.latency if call else 0.0), event.at, attributes, kind=_CLIENT
        )
        span["events"] = [
            _event("acc.decision", decided.at, self._decision(decided))
            for decided in self._events
            if isinstance(decided, Decided) and (decided.step, decided.attempt) == (event.step, event.attempt)
        ]
        return span

    def _decision(self, event: Decided) -> Json:
        found: Json = {"acc.decision": event.decision.kind, "acc.reason": event.decision.reason, "acc.by": event.by}
        if self._content and event.critique is not None:
            found["acc.critique"] = event.critique.text
        return found

    def _judged(self, seq: int, event: Judged) -> Json:
        verdict = event.verdict
        attributes: Json = {
            **self._shared,
            "gen_ai.request.model": verdict.critic,
            "acc.verdict": verdict.kind,
            "acc.threshold": verdict.threshold,
            "acc.step": event.step,
            "acc.attempt": event.attempt,
        }
        span = self._span(f"acc.judge {verdict.critic}", seq, event.at - verdict.latency, event.at, attributes)
        if verdict.p_revise is not None:
            result = _score("revise_probability", verdict.p_revise, verdict.kind)
            if self._content and verdict.critique is not None:
                result["gen_ai.evaluation.explanation"] = verdict.critique.text
            span["events"] = [_event("gen_ai.evaluation.result", event.at, result)]
        if verdict.kind == "no_verdict":
            span["status"] = {"code": _ERROR, "message": _why(verdict)}
            span["attributes"] += _attributes({"error.type": _why(verdict)})
        return span

    def _called(self, seq: int, event: Observed, acted: Acted) -> Iterator[Json]:
        results = [said for said in self._told.said if said.step == event.step and said.message.role == "tool"]
        effects = {tool.name: tool.effect for tool in self._started.tools}
        for number, (call, said) in enumerate(zip(acted.message.tool_calls, results, strict=False)):
            attributes: Json = {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": call.name,
                "gen_ai.tool.call.id": call.id,
                "gen_ai.tool.type": "function",
                **self._shared,
                "acc.effect": effects.get(call.name),
                "acc.step": event.step,
            }
            if self._content:
                attributes["gen_ai.tool.call.arguments"] = call.arguments
                attributes["gen_ai.tool.call.result"] = said.message.content
            if said.error:
                attributes["error.type"] = "tool_error"
            begins = event.at - event.latency
            span = self._span(f"execute_tool {call.name}", f"{seq} {number}", begins, event.at, attributes)
            if said.error:
                span["status"] = {"code": _ERROR}
            yield span

    def _span(
        self,
        name: str,
        what: object,
        begins: float,
        ends: float,
        attributes: Json,
        *,
        kind: int = _INTERNAL,
        parent: bool = True,
    ) -> Json:
        span: Json = {"traceId": self._trace, "spanId": self._id(what)}
        if parent:
            span["parentSpanId"] = self._root
        return span | {
            "name": name,
            "kind": kind,
            "startTimeUnixNano": _nanos(begins),
            "endTimeUnixNano": _nanos(ends),
            "attributes": _attributes(attributes),
        }

    def _id(self, what: object) -> str:
        return _hex(f"span {self._started.session} {what}", 16)


def _hex(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def _nanos(at: float) -> str:
    return str(max(0, round(at * 1e6) * 1000))


def _event(name: str, at: float, attributes: Json) -> Json:
    return {"timeUnixNano": _nanos(at), "name": name, "attributes": _attributes(attributes)}


def _attributes(values: Json) -> list[Json]:
    """Return attributes in OTLP's form; those that are ``None`` are left out."""
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value is not None]


def _value(value: Any) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_value(item) for item in value]}}
        case _:
            return {"stringValue": str(value)}


_PROVIDERS = {
    "anthropic": "anthropic",
    "openai": "openai",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "groq": "groq",
    "mistral": "mistral_ai",
    "perplexity": "perplexity",
    "xai": "x_ai",
}
"""litellm's names of providers → those of the conventions."""


def _provider(model: str) -> Json:
    """Return the provider as far as the model's name tells it; the conventions want one on every span of a model."""
    name, slash, _ = model.partition("/")
    if slash:
        return {"gen_ai.provider.name": _PROVIDERS.get(name, name)}
    for beginning, provider in (("gpt-", "openai"), ("claude", "anthropic"), ("gemini", "gcp.gemini")):
        if model.startswith(beginning):
            return {"gen_ai.provider.name": provider}
    return {"gen_ai.provider.name": "_OTHER"}


def _usage(call: ModelCall | None) -> Json:
    if call is None:
        return {}
    request = call.request
    return {
        "gen_ai.usage.input_tokens": call.usage.input_tokens,
        "gen_ai.usage.output_tokens": call.usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": call.usage.cached_tokens,
        "gen_ai.request.temperature": _number(request.get("temperature")),
        "gen_ai.request.top_p": _number(request.get("top_p")),
        "gen_ai.request.max_tokens": request.get("max_tokens"),
        "gen_ai.request.seed": request.get("seed"),
        "acc.cost_usd": call.cost,
        "error.type": "model_error" if call.error else None,
    }


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _score(name: str, value: float, label: str | None) -> Json:
    return {
        "gen_ai.evaluation.name": name,
        "gen_ai.evaluation.score.value": float(value),
        "gen_ai.evaluation.score.label": label,
    }


def _why(verdict: Verdict) -> str:
    return verdict.why or verdict.kind


def _json(value: Any) -> str:
    return json.dumps(value)


def _text(text: str | None) -> Json:
    return {"type": "text", "content": text or ""}


def _message(message: Message) -> Json:
    """Return a message in the form of the conventions: a role and parts."""
    if message.role == "tool":
        part = {"type": "tool_call_response", "id": message.tool_call_id, "response": message.content}
        return {"role": "tool", "parts": [part]}
    parts = [_text(message.content)] if message.content else []
    for call in message.tool_calls:
        try:
            arguments: Any = call.parsed()
        except (ValueError, RecursionError):
            arguments = call.arguments
        parts.append({"type": "tool_call", "id": call.id, "name": call.name, "arguments": arguments})
    return {"role": message.role, "parts": parts}


def _tool(tool: ToolSpec) -> Json:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
