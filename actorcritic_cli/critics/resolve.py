"""From what the command line says (``--critic model.gguf``) to a critic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorcritic_cli.critics.client import JUDGE_TIMEOUT, LlamaCritic
from actorcritic_cli.critics.panel import RULES, panel
from actorcritic_cli.critics.protocol import Critic
from actorcritic_cli.errors import UsageError

_OPTIONS: dict[str, tuple[type, str]] = {
    "threshold": (float, "a probability between 0 and 1"),
    "template": (str, "the name of a chat template"),
    "n_ctx": (int, "a number of tokens"),
    "threads": (int, "a number of threads"),
    "seed": (int, "a whole number"),
    "sequences": (int, "a number of sequences from 2 to 64"),
    "timeout": (float, "a number of seconds"),
}


def resolve_all(specs: Sequence[str], options: dict[str, Any]) -> Critic:
    """Return the critic that one name means, or the panel that several mean.

    ``options`` are those of ``resolve``, which hold for every member, and ``panel``: the rule by which the verdicts become
    one (``any``, ``majority`` or ``mean``). Raises as ``resolve`` and ``Panel`` do.
    """
    rule = options.get("panel") or "any"
    if rule not in RULES:
        raise UsageError(f"There is no panel rule {rule!r}; choose one of {', '.join(RULES)}.")
    each = {name: value for name, value in options.items() if name != "panel"}
    members = [resolve(spec, each) for spec in specs]
    return members[0] if len(members) == 1 else panel(members, rule)


def resolve(spec: str, options: dict[str, Any]) -> Critic:
    """Return the critic that ``spec`` (the path of a GGUF file) names; its model is loaded when first needed.

    ``options`` may hold ``threshold``, ``template``, ``n_ctx``, ``threads``, ``seed``, ``sequences`` and ``timeout``
    (seconds); ``None`` stands for the default. Raises ``UsageError`` for an unknown or senseless option, ``NotFound``
    for a missing file and ``AccError`` for one that can't be a critic.
    """
    values = {name: _checked(name, value) for name, value in options.items() if value is not None}
    timeout = values.pop("timeout", JUDGE_TIMEOUT)
    return LlamaCritic(spec, judge_timeout=timeout, **values)


def _checked(name: str, value: Any) -> Any:
    if name not in _OPTIONS:
        raise UsageError(f"The critic has no option {name!r}; it has {', '.join(sorted(_OPTIONS))}.")
    kind, meaning = _OPTIONS[name]
    try:
        if isinstance(value, bool) or (kind is int and isinstance(value, float) and not value.is_integer()):
            raise ValueError
        checked = kind(value)
    except (TypeError, ValueError):
        raise UsageError(f"The critic's option {name} is {meaning}, not {value!r}.") from None
    senseless = (name == "threshold" and not 0 <= checked <= 1) or (
        (name in ("n_ctx", "threads", "timeout") and not checked > 0)
        or (name == "sequences" and not 2 <= checked <= 64)
    )
    if senseless:
        raise UsageError(f"The critic's option {name} is {meaning}, not {value!r}.")
    return checked
