"""Tiny random-weight models of shapes whose memory is not that of a plain transformer, and a tiny adapter.

All weights are plain 32-bit numbers: what is compared is what was read, not how it was rounded. The values are scaled
such that the probability differs clearly between candidates, and depends on what was said long before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np

from actorcritic_cli.critics.labels import LabelPair
from actorcritic_cli.critics.synthetic import NOTE, add_vocabulary
from actorcritic_cli.critics.synthetic_vocab import learn

ShapeName = Literal["recurrent", "hybrid", "windowed"]

SHAPES: tuple[ShapeName, ...] = ("recurrent", "hybrid", "windowed")
"""mamba; jamba with a recurrent layer below one with attention; gemma2 whose first of two layers sees ``WINDOW`` tokens."""
ARCHITECTURES: dict[ShapeName, str] = {"recurrent": "mamba", "hybrid": "jamba", "windowed": "gemma2"}
WINDOW = 32

_TOKENS, _WIDTH, _FEED_FORWARD, _LAYERS = 4096, 64, 128, 2
_INNER, _STATE, _RANK, _KERNEL = 2 * _WIDTH, 16, 8, 4
_HEADS, _KV_HEADS, _HEAD = 4, 2, 16
_SPREAD: dict[ShapeName, float] = {"recurrent": 3.0, "hybrid": 12.0, "windowed": 4.0}
"""By how much the last normalisation is scaled, so that the answers of different cases lie apart."""

Tensors = Iterator[tuple[str, Any]]


def write(path: Path, shape: ShapeName, seed: int = 0) -> Path:
    """Write a critic of a shape and return its path (about 2 MB). The same arguments give the same weights."""
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, ARCHITECTURES[shape])
    writer.add_name(f"acc random-weight critic {shape}")
    writer.add_description(NOTE)
    writer.add_file_type(int(gguf.LlamaFileType.ALL_F32))
    writer.add_context_length(32_768)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(_TOKENS)
    add_vocabulary(writer, learn(_TOKENS, None, LabelPair("yes", "no")))
    _WRITERS[shape](writer)
    for name, values in _tensors(shape, rng):
        writer.add_tensor(name, np.ascontiguousarray(values, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _recurrent_sizes(writer: Any) -> None:
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    _state_space_sizes(writer)


def _hybrid_sizes(writer: Any) -> None:
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv([0, _KV_HEADS])  # no heads: a recurrent layer
    _state_space_sizes(writer)


def _state_space_sizes(writer: Any) -> None:
    writer.add_ssm_conv_kernel(_KERNEL)
    writer.add_ssm_inner_size(_INNER)
    writer.add_ssm_state_size(_STATE)
    writer.add_ssm_time_step_rank(_RANK)


def _windowed_sizes(writer: Any) -> None:
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_KV_HEADS)
    writer.add_key_length(_HEAD)
    writer.add_value_length(_HEAD)
    writer.add_sliding_window(WINDOW)
    writer.add_attn_logit_softcapping(50.0)
    writer.add_final_logit_softcapping(30.0)


_WRITERS: dict[ShapeName, Callable[[Any], None]] = {
    "recurrent": _recurrent_sizes,
    "hybrid": _hybrid_sizes,
    "windowed": _windowed_sizes,
}


def _tensors(shape: ShapeName, rng: Any) -> Tensors:
    embedding = 0.3
    yield "token_embd.weight", rng.normal(0, embedding, (_TOKENS, _WIDTH))
    yield "output_norm.weight", np.full(_WIDTH, _SPREAD[shape] / (embedding * math.sqrt(2 * _WIDTH)))
    for layer in range(_LAYERS):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", np.ones(_WIDTH)
        if shape == "recurrent" or (shape == "hybrid" and layer == 0):
            yield from _state_space(block, rng, normed=shape == "hybrid")
        else:
            yield from _attention(block, rng)
        if shape != "recurrent":
            yield from _feed_forward(block, rng)
        if shape == "windowed":
            yield block + "post_attention_norm.weight", np.ones(_WIDTH)
            yield block + "post_ffw_norm.weight", np.ones(_WIDTH)


def _matrix(rng: Any, rows: int, row: int, gain: float = 1.0) -> Any:
    return rng.normal(0, gain / math.sqrt(row), (rows, row))


def _state_space(block: str, rng: Any, *, normed: bool) -> Tensors:
    """A selective state space (arXiv 2312.00752): steps are short, so that what was read stays for a hundred tokens."""
    step = np.exp(rng.uniform(math.log(0.003), math.log(0.1), _INNER))
    yield block + "ssm_in.weight", _matrix(rng, 2 * _INNER, _WIDTH, 2.0)
    yield block + "ssm_conv1d.weight", _matrix(rng, _INNER, _KERNEL, 1.5)
    yield block + "ssm_conv1d.bias", np.zeros(_INNER)
    yield block + "ssm_x.weight", _matrix(rng, _RANK + 2 * _STATE, _INNER, 3.0)
    yield block + "ssm_dt.weight", _matrix(rng, _INNER, _RANK, 0.3)
    yield block + "ssm_dt.bias", np.log(np.expm1(step))
    yield block + "ssm_a", -np.tile(np.arange(1, _STATE + 1), (_INNER, 1))
    yield block + "ssm_d", np.ones(_INNER)
    yield block + "ssm_out.weight", _matrix(rng, _WIDTH, _INNER, 2.0)
    if normed:
        yield block + "ssm_dt_norm.weight", np.ones(_RANK)
        yield block + "ssm_b_norm.weight", np.ones(_STATE)
        yield block + "ssm_c_norm.weight", np.ones(_STATE)


def _attention(block: str, rng: Any) -> Tensors:
    yield block + "attn_q.weight", _matrix(rng, _HEADS * _HEAD, _WIDTH, 1.4)
    yield block + "attn_k.weight", _matrix(rng, _KV_HEADS * _HEAD, _WIDTH, 1.4)
    yield block + "attn_v.weight", _matrix(rng, _KV_HEADS * _HEAD, _WIDTH, 2.0)
    yield block + "attn_output.weight", _matrix(rng, _WIDTH, _HEADS * _HEAD, 2.0)


def _feed_forward(block: str, rng: Any) -> Tensors:
    yield block + "ffn_norm.weight", np.ones(_WIDTH)
    yield block + "ffn_gate.weight", _matrix(rng, _FEED_FORWARD, _WIDTH)
    yield block + "ffn_up.weight", _matrix(rng, _FEED_FORWARD, _WIDTH)
    yield block + "ffn_down.weight", _matrix(rng, _WIDTH, _FEED_FORWARD)


@cache
def shaped(shape: ShapeName) -> Path:
    """A critic of a shape, made once per test run."""
    from tests.critic_cases import folder

    return write(folder() / f"{shape}.gguf", shape)
