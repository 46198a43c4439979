"""Brings a model, its LoRA adapters and a context into llama.cpp's hands. Runs inside the worker only."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from actorcritic_cli.critics.kept_files import KeptFiles
from actorcritic_cli.critics.llama_log import last_errors
from actorcritic_cli.critics.reading import CHUNK
from actorcritic_cli.critics.unpacked import unpacked
from actorcritic_cli.critics.wire import Adapter, Load
from actorcritic_cli.errors import AccError

_ALL_LAYERS = 999
"""More than any model has."""


def load_model(lib: Any, load: Load, warnings: list[str]) -> tuple[Any, int]:
    """Return the model and how many layers a GPU was asked to hold. Raises ``AccError`` if it can't be loaded.

    Where nothing was said of layers, a GPU gets all of them, or none if they do not fit.
    """
    gpu = bool(lib.llama_supports_gpu_offload())
    wanted = load.gpu_layers if load.gpu_layers is not None else _ALL_LAYERS * gpu
    if wanted and not gpu:
        warnings.append("This build of llama.cpp knows no GPU: all layers stay on the processor.")
        wanted = 0
    tries = [wanted, 0] if wanted and load.gpu_layers is None else [wanted]
    for layers in tries:
        params = lib.llama_model_default_params()
        params.n_gpu_layers = layers
        model = _load(lib, load, params)
        if model:
            if layers != wanted:
                warnings.append("The model does not fit into the GPU's memory: all layers stay on the processor.")
            return model, layers
    fewer = " or use fewer --gpu-layers" if wanted else ""
    raise AccError(
        f"llama.cpp can't load {load.path}{last_errors()}; name another GGUF file, download it again{fewer}."
    )


def _load(lib: Any, load: Load, params: Any) -> Any:
    """Return the model, or nothing. What only the processor uses is loaded from its unpacked copy."""
    if load.weights is not None and load.sha256 and not params.n_gpu_layers:
        store = KeptFiles(Path(load.weights), suffix=".gguf")
        path = unpacked(Path(load.path), load.sha256, store)
        if path != Path(load.path):
            model = lib.llama_model_load_from_file(str(path).encode(), params)
            if model:
                return model
            store.discard(path)
    return lib.llama_model_load_from_file(load.path.encode(), params)


def new_context(lib: Any, model: Any, load: Load, n_ctx: int, sequences: int, threads: int) -> Any:
    """Return a context. Raises ``AccError`` if there is no memory for it."""
    params = lib.llama_context_default_params()
    params.n_ctx = n_ctx
    params.n_batch = params.n_ubatch = CHUNK
    params.n_seq_max = sequences
    params.kv_unified = True  # all sequences share the cells, so that a prefix is stored once
    # llama.cpp's fused attention on CPUs has two ways of working, and rounds one way below 64 tokens a pass and another
    # way from there on: a probability would depend, by 2e-3, on what shares the pass. Where a judgement reads some 20
    # tokens, plain attention is also the faster one; a long prefix takes about a third longer, once.
    params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.n_threads = params.n_threads_batch = threads
    params.swa_full = True  # else a sliding window forgets what a cut back to the prefix needs
    context = lib.llama_init_from_model(model, params)
    if not context:
        raise AccError(
            f"llama.cpp can't make a context of {n_ctx} tokens for {load.path}{last_errors()}; "
            "try a smaller --critic-ctx or a smaller model."
        )
    return context


def add_adapters(lib: Any, model: Any, context: Any, adapters: tuple[Adapter, ...]) -> None:
    """Lay LoRA adapters over the model. Raises ``AccError`` for one that does not belong to it."""
    if not adapters:
        return
    handles = (lib.llama_adapter_lora_p_ctypes * len(adapters))()
    scales = (ctypes.c_float * len(adapters))(*(adapter.scale for adapter in adapters))
    for place, adapter in enumerate(adapters):
        handle = lib.llama_adapter_lora_init(model, adapter.path.encode())
        if not handle:
            raise AccError(
                f"llama.cpp can't use the LoRA adapter {Path(adapter.path)}{last_errors()}; "
                "name one that was made for this model."
            )
        handles[place] = handle
    if lib.llama_set_adapters_lora(context, handles, len(adapters), scales) != 0:
        raise AccError(f"llama.cpp can't lay the LoRA adapters over the model{last_errors()}; use one at a time.")
