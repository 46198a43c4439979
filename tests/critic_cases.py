"""Models and cases that the tests of the critic share; the models are random-weight files made once per test run."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from actorcritic_cli.critics import synthetic
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.types import Message, Proposal, ToolCall, ToolSpec

POLICY = "Cancel a booking only after the customer has confirmed it. Never promise a compensation."
TOOLS = (
    ToolSpec(
        "cancel_booking",
        "Cancel a booking.",
        {"type": "object", "properties": {"booking_id": {"type": "string"}}, "required": ["booking_id"]},
        "write",
    ),
    ToolSpec("get_booking", "Look a booking up.", {"type": "object", "properties": {}}, "read"),
)


@cache
def folder() -> Path:
    """Where the models of this test run lie."""
    folder = Path(tempfile.mkdtemp(prefix="acc-critics-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def tiny(name: str = "tiny", seed: int = 2) -> Path:
    """A whole tiny critic."""
    return synthetic.write(folder() / f"{name}-{seed}.gguf", seed=seed)


@cache
def thinking() -> Path:
    """A tiny critic whose vocabulary and template know thoughts, as user-defined tokens."""
    template = synthetic.CHAT_TEMPLATE + "{# <think> #}"
    return synthetic.write(
        folder() / "thinking.gguf", chat_template=template, user_defined=["<think>", "</think>", "<tool_call>"]
    )


@cache
def without_template() -> Path:
    """A tiny critic without a chat template."""
    return synthetic.write(folder() / "bare.gguf", chat_template=None)


def reply(text: str) -> Message:
    return Message("assistant", text)


def cancel(booking: str = "B-1") -> Message:
    return Message("assistant", None, (ToolCall("c1", "cancel_booking", f'{{"booking_id": "{booking}"}}'),))


def case(
    candidate: Message | str = "Shall I cancel the booking?",
    *said: Message,
    session: str = "s-1",
    policy: str = POLICY,
    max_seconds: float | None = None,
) -> Case:
    message = reply(candidate) if isinstance(candidate, str) else candidate
    talk = said or (Message("user", "Please cancel my booking B-1."),)
    return Case(session, policy, TOOLS, (Message("system", policy), *talk), Proposal(message), (), max_seconds)
