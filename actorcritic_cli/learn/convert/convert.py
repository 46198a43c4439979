"""From a folder of transformers (or a LoRA adapter's) to a GGUF file."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from actorcritic_cli.errors import AccError, NotFound, UsageError
from actorcritic_cli.learn.convert.shape import Shape, gguf_name, rope_factors, shape_of, turned
from actorcritic_cli.learn.convert.tokenizer import add_tokenizer, document_of

Kind = Literal["f32", "f16", "q8_0", "q4_k_m"]
KINDS: tuple[Kind, ...] = ("f32", "f16", "q8_0", "q4_k_m")


def convert(folder: Path, out: Path, kind: Kind = "f16", *, merge: bool = False, note: str = "") -> Path:
    """Write the model in ``folder`` as a GGUF file and return its path; ``folder`` may be such a file, to be quantised.

    A folder with an adapter becomes an adapter file (for ``--lora``), or with ``merge`` a whole model, for which its base
    must be at hand. What the folder's ``acc.json`` says (prompt style, labels, threshold, known policies) goes into the
    file as ``acc.*`` metadata, with ``note`` in place of its own. Raises ``NotFound``, ``UsageError``, ``AccError``.
    """
    if folder.is_file():
        if merge or note or kind in ("f32", "f16"):
            raise UsageError(
                f"{folder} is a GGUF file, which can only be quantised: name q8_0 or q4_k_m, and nothing else."
            )
        out.parent.mkdir(parents=True, exist_ok=True)
        return _written(out, lambda part: quantise(folder, part, kind))
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}; name one that acc critic train or transformers wrote.")
    out.parent.mkdir(parents=True, exist_ok=True)
    if (folder / "adapter_config.json").exists():
        if not merge:
            if kind not in ("f32", "f16"):
                raise UsageError("An adapter is not quantised: take f16 or f32, or make a whole model with --merge.")
            return _written(out, lambda part: _write_adapter(folder, part, kind))
        with tempfile.TemporaryDirectory(prefix="acc-merge-") as merged:
            _merge(folder, Path(merged))
            return convert(Path(merged), out, kind, note=note)
    if not (folder / "config.json").exists():
        raise NotFound(f"{folder} holds no model (it has no config.json); name one that acc critic train wrote.")
    if kind in ("f32", "f16"):
        return _written(out, lambda part: _write_model(folder, part, kind, note))
    with tempfile.TemporaryDirectory(prefix="acc-convert-", dir=out.parent) as place:
        plain = Path(place) / "f32.gguf"
        _write_model(folder, plain, "f32", note)
        return _written(out, lambda part: quantise(plain, part, kind))


def quantise(source: Path, target: Path, kind: Kind) -> None:
    """Quantise a GGUF file with llama.cpp. Raises ``AccError`` when that fails."""
    from llama_cpp import llama_cpp as lib

    from actorcritic_cli.critics.llama_log import last_errors, listen

    listen(lib)
    types = {
        "f32": lib.LLAMA_FTYPE_ALL_F32,
        "f16": lib.LLAMA_FTYPE_MOSTLY_F16,
        "q8_0": lib.LLAMA_FTYPE_MOSTLY_Q8_0,
        "q4_k_m": lib.LLAMA_FTYPE_MOSTLY_Q4_K_M,
    }
    params = lib.llama_model_quantize_default_params()
    params.ftype, params.allow_requantize = types[kind], True
    if lib.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params)) != 0:
        raise AccError(f"llama.cpp can't quantise {source} to {kind}{last_errors()}.")


def _written(out: Path, write: Any) -> Path:
    part = out.with_name(f"{out.name}.part")
    try:
        write(part)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return out


def _write_model(folder: Path, path: Path, kind: Kind, note: str) -> None:
    import gguf
    import numpy as np

    shape = shape_of(document_of(folder / "config.json"))
    asked = document_of(folder / "acc.json") if (folder / "acc.json").exists() else {}
    writer = gguf.GGUFWriter(path, shape.family)
    writer.add_name(str(asked.get("name") or folder.resolve().name))
    writer.add_file_type(int(gguf.LlamaFileType.ALL_F32 if kind == "f32" else gguf.LlamaFileType.MOSTLY_F16))
    _add_shape(writer, shape)
    add_tokenizer(writer, folder, shape.vocabulary)
    _add_asked(writer, {**asked, "note": note or asked.get("note", "")})
    wide = np.float32 if kind == "f32" else np.float16
    for name, values in _tensors(folder):
        if name == "lm_head.weight" and shape.tied:
            continue
        known = gguf_name(name)
        if known is None:
            if name.endswith("rotary_emb.inv_freq"):
                continue
            raise AccError(f"{folder} has a tensor {name} that can't be converted; use llama.cpp's own script.")
        writer.add_tensor(
            known, np.ascontiguousarray(turned(name, values, shape), wide if values.ndim > 1 else np.float32)
        )
    if factors := rope_factors(shape):
        writer.add_tensor("rope_freqs.weight", np.array(factors, dtype=np.float32))
    _close(writer)


def _add_shape(writer: Any, shape: Shape) -> None:
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)


def _add_asked(writer: Any, asked: Mapping[str, Any]) -> None:
    for name in ("prompt_style", "prompt_version", "note"):
        if asked.get(name):
            writer.add_string(f"acc.{name}", str(asked[name]))
    for name in ("labels", "policies"):
        if asked.get(name):
            writer.add_array(f"acc.{name}", [str(one) for one in asked[name]])
    if "threshold" in asked:
        writer.add_float32("acc.threshold", float(asked["threshold"]))


def _write_adapter(folder: Path, path: Path, kind: Kind) -> None:
    """Write a LoRA adapter: its two factors of each matrix, rows of the second one in llama.cpp's order."""
    import gguf
    import numpy as np

    config = document_of(folder / "adapter_config.json")
    if config.get("use_dora") or config.get("bias", "none") != "none" or config.get("use_rslora"):
        raise AccError(f"The adapter in {folder} is no plain LoRA; merge it into its base with --merge.")
    shape = shape_of(_base_config(config))
    writer = gguf.GGUFWriter(path, shape.family)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(config["lora_alpha"]))
    writer.add_name(folder.resolve().name)
    for name, values in _tensors(folder, "adapter_model.safetensors"):
        stem, _, factor = name.removeprefix("base_model.model.").removesuffix(".weight").rpartition(".")
        known = gguf_name(f"{stem}.weight")
        if known is None or factor not in ("lora_A", "lora_B"):
            raise AccError(f"The adapter in {folder} changes {name}, which can't be converted; merge it with --merge.")
        laid = turned(stem, values, shape) if factor == "lora_B" else values
        wide = np.float32 if kind == "f32" else np.float16
        writer.add_tensor(f"{known}.{factor.lower()}", np.ascontiguousarray(laid, wide))
    _close(writer)


def _base_config(config: Mapping[str, Any]) -> dict[str, Any]:
    from transformers import AutoConfig

    base = str(config.get("base_model_name_or_path", ""))
    try:
        return dict(AutoConfig.from_pretrained(base).to_dict())
    except (OSError, ValueError) as error:
        raise AccError(
            f"The adapter's base model {base} can't be found; put it back where it was in training."
        ) from error


def _merge(folder: Path, merged: Path) -> None:
    from peft import PeftModel

    from actorcritic_cli.learn.training.model import load_base, require, save

    require()
    base = str(document_of(folder / "adapter_config.json").get("base_model_name_or_path", ""))
    model, tokenizer = load_base(base)
    whole = PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    asked = document_of(folder / "acc.json") if (folder / "acc.json").exists() else {}
    save(merged, whole, tokenizer, {"name": folder.resolve().name, **asked})


def _tensors(folder: Path, only: str | None = None) -> Iterator[tuple[str, Any]]:
    """Yield the tensors of a folder's safetensors files, as float32 arrays."""
    try:
        import torch
        from safetensors import safe_open
    except ImportError as error:
        raise AccError("Converting needs torch and safetensors; pip install 'actorcritic-cli[train]'") from error
    paths = [folder / only] if only else sorted(folder.glob("*.safetensors"))
    if not paths or not all(path.exists() for path in paths):
        raise NotFound(f"{folder} has no weights (*.safetensors); name a folder that acc critic train wrote.")
    for path in paths:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118
                yield name, file.get_tensor(name).to(torch.float32).numpy()


def _close(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
