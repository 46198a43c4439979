"""Names people type, and the models they mean.

litellm knows no ``claude``, and a bare name that means another model tomorrow would make records incomparable. So the
short names are our own table, and the record always holds the resolved name. Anything that is not in the table is a
litellm name already (``provider/model``, or one of the bare names litellm knows) and passes through.
"""

from __future__ import annotations

import os

from msgspec import Struct

from actorcritic_cli.errors import UsageError


class ResolvedModel(Struct, frozen=True):
    """Which model a name means.

    ``name`` is what was typed, ``litellm_name`` what litellm is asked for (and what the record says). ``provider`` is
    litellm's word for who serves it (empty when a bare name gives no hint). ``key_envs`` are the environment variables
    that may hold the key, the usual one first; empty for providers that need none or that we do not know.
    """

    name: str
    litellm_name: str
    provider: str
    key_envs: tuple[str, ...] = ()

    @property
    def key_env(self) -> str | None:
        """The environment variable to name when the key is missing."""
        return self.key_envs[0] if self.key_envs else None

    @property
    def has_key(self) -> bool:
        """Whether one of the variables is set. True when no variable is known: then litellm has the last word."""
        return not self.key_envs or self.api_key() is not None

    def api_key(self) -> str | None:
        """Return the key from the environment, for the call alone: it must never reach a record."""
        return next((os.environ[name] for name in self.key_envs if os.environ.get(name)), None)


class ModelRow(Struct, frozen=True):
    """One line of ``acc models``. Prices are US dollars per million tokens; ``None`` is unknown."""

    alias: str
    model: str
    provider: str
    key_env: str | None
    key_set: bool
    context: int | None = None
    input_price: float | None = None
    output_price: float | None = None


ALIASES: dict[str, str] = {
    "claude": "anthropic/claude-sonnet-5-5",
    "sonnet": "anthropic/claude-sonnet-5-5",
    "opus": "anthropic/claude-opus-5-5",
    "haiku": "anthropic/claude-haiku-5-5",
    "gpt": "openai/gpt-5.2",
    "gpt-mini": "openai/gpt-4.1-mini",
    "gemini": "gemini/gemini-4-argon",
    "gemini-flash": "gemini/gemini-3.8-flash",
    "mistral": "mistral/mistral-large-latest",
    "deepseek": "deepseek/deepseek-v4-pro",
    "grok": "xai/grok-4.7",
}
"""Our short names. OpenAI's are models that take function tools over chat completions; for newer ones (``gpt-5.4`` and
later) litellm goes over to the Responses protocol when tools are given, which our tests do not cover."""

KEY_ENVS: dict[str, tuple[str, ...]] = {
    "anthropic": ("ANTHROPIC_API_KEY",),
    "azure": ("AZURE_API_KEY",),
    "cerebras": ("CEREBRAS_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "fireworks_ai": ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "moonshot": ("MOONSHOT_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY"),
    "xai": ("XAI_API_KEY",),
    "zai": ("ZAI_API_KEY",),
}
"""Where each provider's key is looked for. Providers that are not here (Bedrock, Vertex, Ollama …) find their own way."""

BASE_ENVS: dict[str, tuple[str, ...]] = {
    "anthropic": ("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"),
    "openai": ("OPENAI_API_BASE", "OPENAI_BASE_URL"),
}
"""Environment variables by which litellm is sent to another server of the same protocol."""

_OTHER_PROVIDERS = frozenset(
    {"custom_openai", "hosted_vllm", "huggingface", "litellm_proxy", "llamafile", "lm_studio", "ollama", "ollama_chat",
     "openai_like", "vllm"}
)  # fmt: skip
"""Providers that litellm knows though its price list has no model of theirs."""

_BARE_PREFIXES = (
    ("claude", "anthropic"),
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
)


def resolve(name: str) -> ResolvedModel:
    """Return the model a name means. Raises ``UsageError`` for an empty name.

    >>> resolve("haiku").litellm_name
    'anthropic/claude-haiku-5-5'
    >>> resolve("openrouter/some/model").key_env
    'OPENROUTER_API_KEY'
    """
    name = name.strip()
    if not name:
        raise UsageError(
            "The model's name is empty: give an alias such as `claude` or a litellm name (see `acc models`)."
        )
    litellm_name = ALIASES.get(name.lower(), name)
    provider = provider_of(litellm_name)
    return ResolvedModel(name, litellm_name, provider, KEY_ENVS.get(provider, ()))


def provider_of(litellm_name: str) -> str:
    """Return what a litellm name says of its provider, which need not be one; empty where it says nothing."""
    return litellm_name.partition("/")[0].lower() if "/" in litellm_name else _provider_of_bare(litellm_name)


def is_provider(name: str) -> bool:
    """Whether litellm knows a provider by this name, as far as can be told without importing it."""
    if name in KEY_ENVS or name in _OTHER_PROVIDERS:
        return True
    from actorcritic_cli.providers.prices import price_list

    return bool(name) and any(entry.get("litellm_provider") == name for entry in price_list().values())


def check_usable(model: ResolvedModel, base_url: str | None = None) -> None:
    """Raise ``UsageError`` when a call is bound to fail: nobody knows the model, or its key is not set.

    A server of one's own (``base_url``) may serve any name, and may need no key.
    """
    if base_url is not None or (model.provider and custom_base(model.provider)):
        return
    if not model.provider:
        from actorcritic_cli.providers.prices import facts

        if facts(model.litellm_name) is None:
            raise UsageError(
                f"Nobody is known to serve a model '{model.name}'; acc models lists short names, and any other model is "
                "named as provider/model."
            )
    if not model.has_key:
        raise UsageError(f"{model.litellm_name} needs an API key: set {' or '.join(model.key_envs)} and try again.")


def custom_base(provider: str) -> str | None:
    """Return the server that the environment sends a provider's calls to, if it names one."""
    return next((os.environ[name] for name in BASE_ENVS.get(provider, ()) if os.environ.get(name)), None)


def model_rows(*, details: bool = False) -> list[ModelRow]:
    """Return the aliases with their models, and whether a key is set (never the key).

    ``details`` adds context sizes and prices from litellm's price list, which takes a moment to read.
    """
    return [_row(alias, details) for alias in ALIASES]


def _row(alias: str, details: bool) -> ModelRow:
    model = resolve(alias)
    row = ModelRow(alias, model.litellm_name, model.provider, model.key_env, model.has_key)
    if not details:
        return row
    from msgspec.structs import replace

    from actorcritic_cli.providers.prices import facts

    known = facts(model.litellm_name)
    if known is None:
        return row
    return replace(row, context=known.context, input_price=known.input_price, output_price=known.output_price)


def _provider_of_bare(name: str) -> str:
    return next((provider for prefix, provider in _BARE_PREFIXES if name.lower().startswith(prefix)), "")
