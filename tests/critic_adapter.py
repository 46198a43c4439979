"""A tiny LoRA adapter (arXiv 2106.09685) with random weights for any GGUF model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np

_ADAPTED = ("attn_q.weight", "attn_v.weight", "ffn_down.weight")


def write_adapter(path: Path, base: Path, seed: int = 0, *, rank: int = 4, strength: float = 1.0) -> Path:
    """Write an adapter of some matrices of every layer of ``base`` and return its path.

    What is added to a matrix has entries of about ``strength`` times the size that random weights have there; 0 adds
    nothing.
    """
    model = gguf.GGUFReader(base)
    architecture = model.fields["general.architecture"].contents()
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(rank))
    for tensor in model.tensors:
        if tensor.name.endswith(_ADAPTED):
            inputs, outputs = (int(size) for size in tensor.shape)
            writer.add_tensor(f"{tensor.name}.lora_a", _random(rng, rank, inputs, strength))
            writer.add_tensor(f"{tensor.name}.lora_b", _random(rng, outputs, rank))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _random(rng: Any, rows: int, row: int, strength: float = 1.0) -> Any:
    return (strength * rng.normal(0, row**-0.5, (rows, row))).astype(np.float32)
