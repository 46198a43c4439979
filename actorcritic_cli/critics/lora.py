"""LoRA adapters as the command line names them: ``FILE`` or ``FILE:SCALE``."""

from __future__ import annotations

import math
from pathlib import Path

from actorcritic_cli.critics.gguf_header import HeaderError, read_header
from actorcritic_cli.critics.gguf_info import CriticFile, file_sha256
from actorcritic_cli.critics.wire import Adapter
from actorcritic_cli.errors import AccError, NotFound, UsageError


def adapter_of(text: str, model: CriticFile) -> Adapter:
    """Return the adapter that ``text`` names, checked to be one and for this model's architecture.

    Raises ``NotFound`` for a missing file, ``UsageError`` for a senseless scale, ``AccError`` for any other file.
    """
    path, scale = Path(text), 1.0
    if not path.exists() and ":" in text:
        name, _, number = text.rpartition(":")
        path = Path(name)
        try:
            scale = float(number)
        except ValueError:
            scale = math.nan
        if not math.isfinite(scale):
            raise UsageError(f"--lora takes FILE or FILE:SCALE with a number as the scale, not '{text}'.")
    if not path.is_file():
        raise NotFound(f"There is no LoRA adapter {path}; check the path.")
    try:
        metadata = read_header(path).metadata
    except (HeaderError, OSError) as error:
        raise AccError(
            f"{path} is no LoRA adapter in GGUF ({error}); name one, or convert it to GGUF first."
        ) from error
    if metadata.get("general.type") != "adapter" or metadata.get("adapter.type") != "lora":
        raise AccError(f"{path} is a GGUF file but no LoRA adapter; a whole model goes with --critic.")
    made_for = metadata.get("general.architecture")
    if made_for != model.architecture:
        raise AccError(
            f"{path} is for {made_for} models, and {model.path} is {model.architecture}; use one made for it."
        )
    return Adapter(str(path.resolve()), file_sha256(path), scale)
