"""What transformers and llama.cpp call the same things, for the families that can be converted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from actorcritic_cli.errors import AccError

if TYPE_CHECKING:
    import numpy as np

FAMILIES = ("llama", "qwen2", "qwen3")
_WHOLE = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
}
_OF_A_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


class Shape(Struct, frozen=True):
    """A model's ``config.json``, as far as llama.cpp wants to know it. Counts, and the base of the rotation."""

    family: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    feed_forward: int
    vocabulary: int
    context: int
    epsilon: float
    rope_base: float
    tied: bool
    rope_scaling: dict[str, Any] = {}
    """The ``llama3`` scaling of the rotation, empty for none."""


def shape_of(config: Mapping[str, Any]) -> Shape:
    """Return the shape that a ``config.json`` describes. Raises ``AccError`` for what llama.cpp would compute otherwise."""
    family = str(config.get("model_type", ""))
    if family not in FAMILIES:
        raise AccError(f"A model of type {family!r} can't be converted; only {', '.join(FAMILIES)} can.")
    rope = {**(config.get("rope_scaling") or {}), **(config.get("rope_parameters") or {})}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "llama3"):
        raise AccError(
            f"The model's rotary scaling {kind!r} can't be converted; convert it with llama.cpp's own script."
        )
    if config.get("hidden_act", "silu") != "silu" or config.get("use_sliding_window") or config.get("mlp_bias"):
        raise AccError("The model is a variant of its family that can't be converted; use llama.cpp's own script.")
    heads = int(config["num_attention_heads"])
    return Shape(
        family,
        int(config["num_hidden_layers"]),
        int(config["hidden_size"]),
        heads,
        int(config.get("num_key_value_heads") or heads),
        int(config.get("head_dim") or config["hidden_size"] // heads),
        int(config["intermediate_size"]),
        int(config["vocab_size"]),
        int(config["max_position_embeddings"]),
        float(config["rms_norm_eps"]),
        float(rope.get("rope_theta", config.get("rope_theta", 10_000.0))),
        bool(config.get("tie_word_embeddings", False)),
        rope if kind == "llama3" else {},
    )


def gguf_name(name: str) -> str | None:
    """Return llama.cpp's name of a tensor, ``None`` for one it has no use for.

    >>> gguf_name("model.layers.3.self_attn.q_proj.weight"), gguf_name("model.norm.weight")
    ('blk.3.attn_q.weight', 'output_norm.weight')
    """
    stem, _, kind = name.rpartition(".")
    if stem in _WHOLE:
        return f"{_WHOLE[stem]}.{kind}"
    if stem.startswith("model.layers."):
        layer, _, part = stem.removeprefix("model.layers.").partition(".")
        if part in _OF_A_LAYER:
            return f"blk.{layer}.{_OF_A_LAYER[part]}.{kind}"
    return None


def turned(name: str, values: np.ndarray[Any, Any], shape: Shape) -> np.ndarray[Any, Any]:
    """Return a tensor's values in llama.cpp's order of rows.

    For the llama family it rotates neighbouring values of queries and keys, where transformers rotates the two halves of
    a head; the rows are laid out anew so that both compute the same.
    """
    if shape.family != "llama" or not any(part in name for part in ("q_proj", "k_proj")):
        return values
    heads = shape.heads if "q_proj" in name else shape.kv_heads
    halves = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return halves.swapaxes(1, 2).reshape(values.shape)


def rope_factors(shape: Shape) -> list[float]:
    """Return by how much each frequency of the ``llama3`` scaling is divided; empty where there is none.

    Long waves are stretched by the whole factor, short ones not at all, those between in part (Llama 3.1, as transformers
    computes it).
    """
    given = shape.rope_scaling
    if not given:
        return []
    factor, old = float(given["factor"]), float(given["original_max_position_embeddings"])
    low, high = float(given["low_freq_factor"]), float(given["high_freq_factor"])
    found = []
    for index in range(0, shape.head_width, 2):
        wave = 2 * math.pi * shape.rope_base ** (index / shape.head_width)
        if wave < old / high:
            found.append(1.0)
        elif wave > old / low:
            found.append(factor)
        else:
            smooth = (old / wave - low) / (high - low)
            found.append(1 / ((1 - smooth) / factor + smooth))
    return found
