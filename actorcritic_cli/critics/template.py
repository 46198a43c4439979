"""The chat template of a model, reduced to the three literal texts that stand around what is said.

A template is a program from the model's file. It is run once, in Jinja's sandbox, on placeholders; what it puts before,
between and after them is the frame. From then on only the frame's own texts may hold control tokens: the contents are
never rendered by the template, so no text in them can become structure.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from actorcritic_cli.errors import AccError

_SYSTEM = "acc-placeholder-of-system-text"
_USER = "acc-placeholder-of-user-text"
_JOINT = "\n\n"
_CLOSING = "\n\nAnswer: "


class Frame(Struct, frozen=True):
    """What stands before the system text, between it and the user text, and after it, up to where the model answers.

    ``kind`` names the family of the template, for people. ``opening`` is what stands in place of ``after`` where the
    model is to think before it answers, ``closing`` what ends its thought, up to where it answers.
    """

    before: str
    between: str
    after: str
    kind: str
    opening: str = ""
    closing: str = _CLOSING


BUILTIN: dict[str, Frame] = {
    "chatml": Frame(
        "<|im_start|>system\n", "<|im_end|>\n<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n", "chatml"
    ),
    "llama3": Frame(
        "<|start_header_id|>system<|end_header_id|>\n\n",
        "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n",
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        "llama3",
    ),
    "gemma": Frame("<start_of_turn>user\n", _JOINT, "<end_of_turn>\n<start_of_turn>model\n", "gemma"),
    "mistral": Frame("[INST] ", _JOINT, " [/INST]", "mistral"),
    "phi3": Frame("<|system|>\n", "<|end|>\n<|user|>\n", "<|end|>\n<|assistant|>\n", "phi3"),
    "plain": Frame("", _JOINT, "\n\nAnswer: ", "plain"),
}
"""Templates for files that have none; they hold no begin-of-text token, which is added where the vocabulary wants it."""

_KINDS = (
    ("<|im_start|>", "chatml"),
    ("<|start_header_id|>", "llama3"),
    ("<start_of_turn>", "gemma"),
    ("<|channel|>", "harmony"),
    ("[INST]", "mistral"),
    ("<|end|>", "phi3"),
)


def kind_of(source: str) -> str:
    """Return the family of a template's source: a name of ``BUILTIN`` where it is one of those, else ``other``."""
    return next((kind for sign, kind in _KINDS if sign in source), "other")


def builtin(name: str) -> Frame:
    """Return a built-in frame. Raises ``AccError`` for an unknown name."""
    try:
        return BUILTIN[name]
    except KeyError:
        raise AccError(f"There is no chat template {name!r}; use one of {', '.join(sorted(BUILTIN))}.") from None


def frame_of(source: str, bos: str = "", eos: str = "") -> Frame:
    """Run a template on placeholders and return its frame.

    A template that has no system role (it raises, or leaves the text out) gets the system text at the head of the user's
    message. For a thinking model the frame ends with an empty thought, so that the answer comes at once. Raises
    ``AccError`` when the template can't be used.
    """
    rendered = _try(source, [("system", _SYSTEM), ("user", _USER)], bos, eos)
    if rendered is None or _SYSTEM not in rendered:
        rendered = _try(source, [("user", f"{_SYSTEM}{_JOINT}{_USER}")], bos, eos)
    if rendered is None or rendered.count(_SYSTEM) != 1 or rendered.count(_USER) != 1:
        raise AccError(
            "The model's chat template can't be used (it does not place a system and a user text once each); "
            f"name one of the built-in ones instead: {', '.join(sorted(BUILTIN))}."
        )
    before, _, rest = rendered.partition(_SYSTEM)
    between, _, after = rest.partition(_USER)
    if _USER in before:
        raise AccError(
            "The model's chat template puts the system text after the user's, which the critic can't use; "
            f"name one of the built-in ones instead: {', '.join(sorted(BUILTIN))}."
        )
    opening, closing = _thought(after, source)
    return Frame(before, between, _without_thought(after, source), kind_of(source), opening, closing)


def _thought(after: str, source: str) -> tuple[str, str]:
    """Return how a thought begins and ends: in the model's own way, or as plain words before the answer."""
    if "<|channel|>" in source and after.endswith("<|start|>assistant"):
        return f"{after}<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"
    if "<think>" not in source:
        return after, _CLOSING
    before = after.partition("<think>")[0].rstrip(" ") if "<think>" in after else after
    return f"{before}<think>\n", "\n</think>\n\n"


def _without_thought(after: str, source: str) -> str:
    if "<|channel|>" in source and after.endswith("<|start|>assistant"):
        return after + "<|channel|>final<|message|>"
    if "<think>" not in source:
        return after
    if after.rstrip().endswith("<think>"):
        return after.rstrip() + "\n\n</think>\n\n"
    if "</think>" in after:
        return after
    return after + "<think>\n\n</think>\n\n"


def _try(source: str, messages: list[tuple[str, str]], bos: str, eos: str) -> str | None:
    """Render a template, or return ``None`` when it refuses.

    The clock is offered only to templates that can't do without: a date in the prompt would make tomorrow's verdict on
    the same proposal another one.
    """
    import jinja2

    chat = [{"role": role, "content": content} for role, content in messages]
    for functions in ({}, {"strftime_now": _fixed_date}):
        environment = _environment()
        environment.globals.update(functions)
        try:
            return str(
                environment.from_string(source).render(
                    messages=chat, add_generation_prompt=True, bos_token=bos, eos_token=eos, enable_thinking=False
                )
            )
        except jinja2.UndefinedError:
            continue
        except (
            jinja2.TemplateError,
            TypeError,
            ValueError,
            ArithmeticError,
            LookupError,
            AttributeError,
            RecursionError,
        ):
            return None
    return None


def _environment() -> Any:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: object = "") -> None:
        raise jinja2.TemplateError(str(message))

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"], autoescape=False
    )
    environment.globals["raise_exception"] = refuse
    return environment


def _fixed_date(pattern: str) -> str:
    import datetime

    return datetime.date(2024, 7, 26).strftime(pattern)
