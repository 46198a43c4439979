"""A tokeniser of transformers as GGUF metadata. llama.cpp knows each way of splitting text by a name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actorcritic_cli.errors import AccError

_SPLITS = {
    # Qwen 2, 2.5 and 3, and the small architecture: digits one by one.
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|": "qwen2",
    # Llama 3: up to three digits.
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|": "llama-bpe",
}
"""A part of the splitting pattern that tells which it is → llama.cpp's name."""


def add_tokenizer(writer: Any, folder: Path, size: int) -> None:
    """Put a folder's tokeniser and chat template into a ``gguf.GGUFWriter``, padded to ``size`` tokens.

    Raises ``AccError`` for a tokeniser that llama.cpp would not be told to use in the same way.
    """
    import gguf

    document = document_of(folder / "tokenizer.json")
    config = document_of(folder / "tokenizer_config.json")
    model = document["model"]
    if model.get("type") != "BPE" or model.get("byte_fallback"):
        raise AccError(f"The tokeniser in {folder} is no byte-level BPE, which alone can be converted.")
    kinds = gguf.TokenType
    tokens = [f"[PAD{index}]" for index in range(size)]
    types = [int(kinds.UNUSED)] * size
    for text, index in model["vocab"].items():
        tokens[index], types[index] = text, int(kinds.NORMAL)
    for added in document.get("added_tokens", ()):
        tokens[added["id"]] = added["content"]
        types[added["id"]] = int(kinds.CONTROL if added["special"] else kinds.USER_DEFINED)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_split_of(document, folder))
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    ids = {text: index for index, text in enumerate(tokens)}
    for name, add in (
        ("bos_token", writer.add_bos_token_id),
        ("eos_token", writer.add_eos_token_id),
        ("pad_token", writer.add_pad_token_id),
    ):
        token = config.get(name)
        text = token.get("content") if isinstance(token, dict) else token
        if text in ids:
            add(ids[text])
    writer.add_add_bos_token(bool(config.get("add_bos_token", False)))
    template = _template(folder, config)
    if template:
        writer.add_chat_template(template)


def _split_of(document: Mapping[str, Any], folder: Path) -> str:
    text = json.dumps(document.get("pre_tokenizer"))
    for part, name in _SPLITS.items():
        if json.dumps(part)[1:-1] in text:
            return name
    splitters = document.get("pre_tokenizer") or {}
    kinds = [one.get("type") for one in splitters.get("pretokenizers", [splitters])]
    if kinds == ["Digits", "ByteLevel"]:
        return "smollm"
    if kinds == ["ByteLevel"]:
        return "gpt-2"
    raise AccError(
        f"The tokeniser in {folder} splits text in a way that can't be converted; use llama.cpp's own script."
    )


def _template(folder: Path, config: Mapping[str, Any]) -> str:
    path = folder / "chat_template.jinja"
    if path.exists():
        return path.read_text(encoding="utf-8")
    template = config.get("chat_template")
    return template if isinstance(template, str) else ""


def document_of(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file. Raises ``AccError``."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AccError(f"{path} can't be read ({error}); name a folder with a whole model of transformers.") from error
    if not isinstance(value, dict):
        raise AccError(f"{path} is not what transformers writes; name a folder with a whole model.")
    return value
