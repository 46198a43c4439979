"""What a caller may set for model calls (``--actor-base``, ``--actor-temperature`` …)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli.errors import UsageError


class CompletionOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters and bounds of one call. They are recorded, so they hold no secret: keys come from the environment.

    ``temperature``, ``seed`` and ``reasoning_effort`` are left out of the request when ``None``, and by litellm for models
    that do not take them.
    """

    base_url: str | None = None
    temperature: float | None = None
    max_tokens: int = 4096
    """Most tokens the provider may write."""
    seed: int | None = None
    reasoning_effort: str | None = None
    top_logprobs: int | None = None
    """Ask for the log probabilities of so many of the likeliest tokens at every place; not every server gives them."""
    timeout: float = 180.0
    """Seconds one try may take in all; a stream that still flows then is cut as endless."""
    max_seconds: float = 600.0
    """Seconds the call may take with all its retries."""
    max_retries: int = 4
    retry_base: float | None = None
    """Seconds of the first wait; ``None`` asks ``ACC_RETRY_BASE``, else 1."""
    max_characters: int | None = None
    """Length at which a stream is cut as endless; ``None`` is 16 for each of ``max_tokens``, and at least 20,000."""

    @property
    def character_limit(self) -> int:
        """The length at which a stream is cut."""
        return self.max_characters if self.max_characters is not None else max(20_000, 16 * self.max_tokens)


def options_from(values: Mapping[str, Any] | CompletionOptions | None) -> CompletionOptions:
    """Return options from JSON values (as ``SessionSpec`` holds them). Raises ``UsageError`` for what is not an option."""
    if isinstance(values, CompletionOptions):
        return values
    given = {name: value for name, value in (values or {}).items() if value is not None}
    try:
        options = msgspec.convert(given, CompletionOptions)
    except msgspec.ValidationError as error:
        known = ", ".join(CompletionOptions.__struct_fields__)
        raise UsageError(f"A model option cannot be meant ({error}); the options are {known}.") from error
    if options.max_tokens < 1 or options.timeout <= 0 or options.max_seconds <= 0 or options.max_retries < 0:
        raise UsageError(
            "The model options max_tokens, timeout and max_seconds must be positive, max_retries at least 0."
        )
    return options
