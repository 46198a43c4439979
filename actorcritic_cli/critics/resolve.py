"""From what the command line says (``--critic model.gguf``, ``--critic openai/NAME``) to a critic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from actorcritic_cli.critics.client import JUDGE_TIMEOUT, LlamaCritic
from actorcritic_cli.critics.models import file_of, is_short_name
from actorcritic_cli.critics.panel import RULES, panel
from actorcritic_cli.critics.prompt import ASPECTS
from actorcritic_cli.critics.protocol import Critic
from actorcritic_cli.errors import UsageError
from actorcritic_cli.providers.aliases import ALIASES, is_provider, provider_of

_OPTIONS: dict[str, tuple[type, str]] = {
    "threshold": (float, "a probability between 0 and 1"),
    "template": (str, "the name of a chat template"),
    "n_ctx": (int, "a number of tokens"),
    "threads": (int, "a number of threads"),
    "seed": (int, "a whole number"),
    "sequences": (int, "a number of sequences from 2 to 64"),
    "timeout": (float, "a number of seconds"),
    "base_url": (str, "the URL of a server"),
    "think": (int, "a number of tokens"),
    "gpu_layers": (int, "a number of layers"),
}
_LISTS = {"aspects": f"a list of {', '.join(ASPECTS)}", "lora": "a list of LoRA adapters"}
_REMOTE_OPTIONS = frozenset({"threshold", "seed", "timeout", "base_url"})
_ONLY_REMOTE = frozenset({"base_url"})


def resolve_all(specs: Sequence[str], options: dict[str, Any]) -> Critic:
    """Return the critic that one name means, or the panel that several mean.

    ``options`` are those of ``resolve``, which hold for every member, and ``panel``: the rule by which the verdicts become
    one (``any``, ``majority`` or ``mean``). Raises as ``resolve`` and ``Panel`` do.
    """
    rule = options.get("panel") or "any"
    if rule not in RULES:
        raise UsageError(f"There is no panel rule {rule!r}; choose one of {', '.join(RULES)}.")
    each = {name: value for name, value in options.items() if name != "panel" and value is not None}
    if len({is_remote(spec, each) for spec in specs}) > 1:  # an option that only some members know is for those
        members = [resolve(spec, {k: v for k, v in each.items() if _fits(k, is_remote(spec, each))}) for spec in specs]
    else:
        members = [resolve(spec, each) for spec in specs]
    return members[0] if len(members) == 1 else panel(members, rule)


def resolve(spec: str, options: dict[str, Any], *, write_critiques: bool = True) -> Critic:
    """Return the critic that ``spec`` names: a GGUF file (``builtin``, a path, or the name of a pulled model), or
    a model behind a server.

    A local critic loads its model when first needed; its ``options`` are what ``LlamaCritic`` takes, and ``timeout`` in
    seconds. Those of a remote one are ``threshold``, ``seed``, ``timeout`` and ``base_url``. ``None`` stands for the
    default. With ``write_critiques=False`` a local critic only computes probabilities. Raises ``UsageError`` for an
    unknown or senseless option, ``NotFound`` for a missing file and ``AccError`` for one that can't be a critic.
    """
    values = {name: _checked(name, value) for name, value in options.items() if value is not None}
    remote = is_remote(spec, values)
    foreign = [name for name in values if not _fits(name, remote)]
    if foreign:
        kind = "a model behind a server" if remote else "a GGUF file"
        raise UsageError(f"The critic {spec} is {kind}, for which the option {foreign[0]} means nothing; leave it out.")
    if remote:
        from actorcritic_cli.critics.remote import RemoteCritic

        return RemoteCritic(_served_name(spec, values), **values)
    timeout = values.pop("timeout", JUDGE_TIMEOUT)
    return LlamaCritic(file_of(spec), judge_timeout=timeout, write_critiques=write_critiques, **values)


def is_remote(spec: str, options: dict[str, Any]) -> bool:
    """Whether a name means a model behind a server: no file, and an alias, a provider's model or with a base URL."""
    if Path(spec).exists() or is_short_name(spec) or spec.lower().endswith(".gguf") or spec.startswith(("/", ".", "~")):
        return False
    return bool(options.get("base_url")) or spec.lower() in ALIASES or is_provider(provider_of(spec))


def _fits(option: str, remote: bool) -> bool:
    return option in _REMOTE_OPTIONS if remote else option not in _ONLY_REMOTE


def _served_name(spec: str, options: dict[str, Any]) -> str:
    """A server of one's own speaks OpenAI's protocol unless another is named, whatever its models are called."""
    known = spec.lower() in ALIASES or is_provider(provider_of(spec))
    return spec if known or not options.get("base_url") else f"openai/{spec}"


def _checked(name: str, value: Any) -> Any:
    if name in _LISTS:
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"The critic's option {name} is {_LISTS[name]}, not {value!r}.")
        return tuple(value)
    if name not in _OPTIONS:
        raise UsageError(f"The critic has no option {name!r}; it has {', '.join(sorted({**_OPTIONS, **_LISTS}))}.")
    kind, meaning = _OPTIONS[name]
    try:
        if isinstance(value, bool) or (kind is int and isinstance(value, float) and not value.is_integer()):
            raise ValueError
        checked = kind(value)
    except (TypeError, ValueError):
        raise UsageError(f"The critic's option {name} is {meaning}, not {value!r}.") from None
    senseless = (name == "threshold" and not 0 <= checked <= 1) or (
        (name in ("n_ctx", "threads", "timeout") and not checked > 0)
        or (name in ("think", "gpu_layers") and checked < 0)
        or (name == "sequences" and not 2 <= checked <= 64)
    )
    if senseless:
        raise UsageError(f"The critic's option {name} is {meaning}, not {value!r}.")
    return checked
