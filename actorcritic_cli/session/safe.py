"""What the parties said, as it may be recorded: storable as UTF-8, and without API keys."""

from __future__ import annotations

from msgspec.structs import replace

from actorcritic_cli.text import encodable, redact
from actorcritic_cli.types import Comparison, ModelCall, Proposal, Verdict


def safe(text: str) -> str:
    """Return a party's words as they may be recorded: storable, and without API keys."""
    return encodable(redact(text))


def safe_proposal(proposal: Proposal) -> Proposal:
    """Return a proposal as it may be recorded; most are returned as they are."""
    message = proposal.message
    clean = replace(
        message,
        content=safe(message.content) if message.content is not None else None,
        tool_calls=tuple(replace(call, arguments=safe(call.arguments)) for call in message.tool_calls),
        raw=safe(message.raw) if message.raw is not None else None,
    )
    return proposal if clean == message else replace(proposal, message=clean)


def safe_call(call: ModelCall | None) -> ModelCall | None:
    """Return a model call as it may be recorded."""
    if call is None or call.response is None:
        return call
    return replace(call, response=safe(call.response))


def safe_verdict(verdict: Verdict) -> Verdict:
    """Return a verdict as it may be recorded; most are returned as they are."""
    return replace(verdict, calls=safe_calls(verdict.calls)) if verdict.calls else verdict


def safe_comparison(comparison: Comparison) -> Comparison:
    """Return a comparison as it may be recorded; most are returned as they are."""
    return replace(comparison, calls=safe_calls(comparison.calls)) if comparison.calls else comparison


def safe_calls(calls: tuple[ModelCall, ...]) -> tuple[ModelCall, ...]:
    """Return model calls as they may be recorded."""
    return tuple(call for call in map(safe_call, calls) if call is not None)
