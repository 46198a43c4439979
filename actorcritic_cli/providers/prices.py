"""What litellm's own price list says of a model: context size and prices.

The list is a JSON file inside the installed package; it is read without importing litellm (which takes seconds). A
model that is not in it, or has no prices there, costs ``None``: unknown is never zero.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path
from typing import Any

from msgspec import Struct


class ModelFacts(Struct, frozen=True):
    """What is known of a model. ``context`` is in tokens, prices in US dollars per million tokens; ``None`` unknown."""

    context: int | None
    max_output: int | None
    input_price: float | None
    output_price: float | None


@functools.cache
def price_list() -> dict[str, dict[str, Any]]:
    """Return the installed litellm's price list by model name; empty when litellm or the file is missing."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or not spec.origin:
        return {}
    path = Path(spec.origin).parent / "model_prices_and_context_window_backup.json"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def facts(litellm_name: str) -> ModelFacts | None:
    """Return what is known of a model, ``None`` when the list has no such name."""
    entry = _entry(litellm_name)
    if entry is None:
        return None
    return ModelFacts(
        context=entry.get("max_input_tokens"),
        max_output=entry.get("max_output_tokens"),
        input_price=_per_million(entry.get("input_cost_per_token")),
        output_price=_per_million(entry.get("output_cost_per_token")),
    )


def is_priced(litellm_name: str) -> bool:
    """Whether the list gives both token prices of a model (litellm itself counts missing ones as zero)."""
    known = facts(litellm_name)
    return known is not None and known.input_price is not None and known.output_price is not None


def _entry(litellm_name: str) -> dict[str, Any] | None:
    provider, slash, rest = litellm_name.partition("/")
    entry = price_list().get(litellm_name)
    if entry is None and slash:
        entry = price_list().get(rest)
        if entry is not None and entry.get("litellm_provider") != provider:
            return None
    return entry


def _per_million(price: Any) -> float | None:
    return round(float(price) * 1e6, 6) if isinstance(price, int | float) else None
