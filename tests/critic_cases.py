"""Models and cases that the tests of the critic share; the models are random-weight files made once per test run."""

from __future__ import annotations

import atexit
import ctypes
import shutil
import tempfile
from functools import cache
from pathlib import Path

from actorcritic_cli.critics import synthetic
from actorcritic_cli.critics.engine import Engine
from actorcritic_cli.critics.prompt import build_ahead
from actorcritic_cli.critics.protocol import Case, Reading
from actorcritic_cli.critics.wire import Prefill
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
def plain() -> Path:
    """The tiny critic with unquantised weights.

    Where a session's cells lie decides in what order attention sums up: a difference of 1e-7, which the quantised
    product of a model of 128 values blows up to several 1e-3. With plain weights it stays small, so that what is
    compared here is what was read and not how it was rounded.
    """
    from llama_cpp import llama_cpp as lib

    path = tiny().with_name("plain.gguf")
    params = lib.llama_model_quantize_default_params()
    params.ftype, params.allow_requantize = lib.LLAMA_FTYPE_ALL_F32, True
    assert lib.llama_model_quantize(str(tiny()).encode(), str(path).encode(), ctypes.byref(params)) == 0
    return path


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


def read_ahead(engine: Engine, what: Case) -> None:
    """Have an engine read a case's conversation while nothing else is to be done."""
    known = Reading(what.session, what.policy, what.tools, what.transcript, what.nonce)
    engine.read_ahead(Prefill(what.session, build_ahead(known, engine.labels.pair)))
    while engine.scheduler.busy:
        engine.step()
