"""The model that is trained, whatever it starts from: made, run over packs, kept in a folder and found again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from actorcritic_cli.errors import AccError
from actorcritic_cli.learn.training.packing import Pack
from actorcritic_cli.learn.training.recipe import Recipe

LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
FAMILIES = ("llama", "qwen2", "qwen3")
"""Model types of transformers that can be trained and converted."""


_BLOCKS = "acc_blocks"


def require() -> None:
    """Raise ``AccError`` where what training needs is not installed."""
    from importlib.util import find_spec

    missing = [name for name in ("torch", "transformers", "peft", "safetensors") if find_spec(name) is None]
    if missing:
        raise AccError(f"Training needs {', '.join(missing)}; install it with: pip install 'actorcritic-cli[train]'")
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def device_of(wanted: str | None) -> Any:
    """Return the torch device that is wanted, by default CUDA where there is one. Raises ``AccError``."""
    import torch

    if wanted is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AccError(f"The device {wanted} can't be used ({reason}); use cpu.") from error
    return device


def load_base(name: str) -> tuple[Any, Any]:
    """Return model and tokeniser of a base, by a name of the hub or a folder. Raises ``AccError``."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, attn_implementation="sdpa")
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AccError(
            f"The base model {name} can't be loaded ({reason}); check the name, or name a folder."
        ) from error
    if model.config.model_type not in FAMILIES:
        raise AccError(
            f"The base model {name} is a {model.config.model_type}; only {', '.join(FAMILIES)} can be trained."
        )
    return model, tokenizer


def with_lora(model: Any, recipe: Recipe) -> Any:
    """Return the model with a fresh LoRA adapter, the only part of it that is trained."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=recipe.lora_rank,
        lora_alpha=2 * recipe.lora_rank,
        target_modules=list(LORA_TARGETS),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def outputs(model: Any, pack: Pack, places: Any, device: Any) -> Any:
    """Return the logits (float32, shape (places, vocabulary)) at some places of a pack."""
    import torch

    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    if inner.config._attn_implementation != _BLOCKS:
        _attend_in_blocks(inner)
    blocks = [(start, end, torch.from_numpy(seen).to(device)) for start, end, seen in pack.sees()]
    hidden = inner.model(
        input_ids=torch.from_numpy(pack.tokens).to(device)[None],
        position_ids=torch.from_numpy(pack.positions).to(device)[None],
        # Not looked at, for attention goes block by block; without one, transformers would make one.
        attention_mask=torch.ones((1, 1, 1, 1), dtype=torch.bool, device=device),
        use_cache=False,
        blocks=blocks,
    ).last_hidden_state[0]
    return inner.lm_head(hidden[torch.as_tensor(places, device=device)]).float()


def _attend_in_blocks(model: Any) -> None:
    """Let a model's attention go block by block (see ``packing``): it then takes ``blocks`` (start, end, what is seen).

    Without them it is causal, as ever.
    """
    from transformers import AttentionInterface

    AttentionInterface.register(_BLOCKS, _attention)
    model.config._attn_implementation = _BLOCKS


def _attention(
    module: Any, query: Any, key: Any, value: Any, mask: Any, *, scaling: float, blocks: Any = None, **more: Any
) -> tuple[Any, None]:
    import torch

    attend = partial(
        torch.nn.functional.scaled_dot_product_attention, scale=scaling, enable_gqa=query.shape[1] > key.shape[1]
    )
    if blocks is None:
        return attend(query, key, value, is_causal=True).transpose(1, 2).contiguous(), None
    found = []
    for start, end, seen in blocks:
        mine = (part[:, :, start:end] for part in (query, key, value))
        found.append(attend(*mine, attn_mask=seen[None, None]))
    return torch.cat(found, dim=2).transpose(1, 2).contiguous(), None


def save(folder: Path, model: Any, tokenizer: Any, asked: dict[str, Any]) -> None:
    """Keep a model (or its adapter), its tokeniser and what a critic's file says of itself in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_json(folder / "acc.json", asked)


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, path)


def trainable(model: Any) -> Iterable[tuple[str, Any]]:
    """Return the parameters that are trained, by name."""
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
