"""Who judges: a hash over everything that can change a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorcritic_cli.critics.gguf_info import CriticFile
from actorcritic_cli.critics.styles import style_of
from actorcritic_cli.critics.wire import Adapter
from actorcritic_cli.hashing import canonical_json, sha256
from actorcritic_cli.types import CriticIdentity


def identity_of(
    file: CriticFile,
    threshold: float,
    template: str | None = None,
    seed: int | None = None,
    *,
    adapters: Sequence[Adapter] = (),
    aspects: Sequence[str] = (),
    think: int = 0,
    threshold_from: str = "",
) -> CriticIdentity:
    """Return who judges with this file at this threshold.

    The id is a hash of the file's hash, the prompt version, the threshold and, where they are not the usual ones, the
    name of the chat template, the LoRA adapters, the aspects and how many tokens the critic may think. ``threshold_from``
    says where the threshold is from, for whoever reads the record.
    """
    version = style_of(file.acc).version
    parts: dict[str, Any] = {"file": file.sha256, "prompt": version, "threshold": threshold}
    unusual: dict[str, Any] = {
        "template": template,
        "lora": [[adapter.sha256, adapter.scale] for adapter in adapters] or None,
        "aspects": list(aspects) or None,
        "think": think or None,
    }
    parts |= {name: value for name, value in unusual.items() if value is not None}
    info: dict[str, Any] = {
        "path": str(file.path),
        "architecture": file.architecture,
        "parameters": file.parameters,
        "template": file.template_kind,
    }
    if adapters:
        info["lora"] = [adapter.path for adapter in adapters]
    if aspects:
        info["aspects"] = list(aspects)
    if think:
        info["think"] = think
    if threshold_from:
        info["threshold_from"] = threshold_from
    if seed is not None:
        info["seed"] = seed
    if file.warnings:
        info["warnings"] = list(file.warnings)
    return CriticIdentity(
        id=sha256(canonical_json(parts))[:32],
        name=file.name,
        file_sha256=file.sha256,
        quantisation=file.quantisation or None,
        prompt_version=version,
        threshold=threshold,
        info=info,
    )
