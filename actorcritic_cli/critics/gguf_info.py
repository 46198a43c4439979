"""What a model file says of itself, read from its header, and whether it can be a critic.

Everything that can be known without llama.cpp is known here: a wrong, cut or unfit file is refused with a sentence that
says what to do, before a worker is started for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli.critics import template as templates
from actorcritic_cli.critics.gguf_header import Header, HeaderError, read_header
from actorcritic_cli.critics.labels import CANDIDATES, UNSCALED, LabelPair, Scaling
from actorcritic_cli.critics.styles import VERSIONS, style_of
from actorcritic_cli.paths import cache_dir

DEFAULT_THRESHOLD = 0.5
_NOT_GENERATIVE = {
    "bert": "an embedding model",
    "nomic-bert": "an embedding model",
    "nomic-bert-moe": "an embedding model",
    "neo-bert": "an embedding model",
    "modern-bert": "an embedding model",
    "jina-bert-v2": "an embedding model",
    "jina-bert-v3": "an embedding model",
    "gemma-embedding": "an embedding model",
    "eurobert": "an embedding model",
    "t5encoder": "an embedding model",
    "t5": "an encoder-decoder model",
    "clip": "the vision part of a model (mmproj)",
    "wavtokenizer-dec": "an audio decoder",
}


class CriticFile(Struct, frozen=True):
    """A model file as its header describes it.

    ``parameters`` is a count, ``size`` is in bytes, ``n_ctx_train`` and ``vocabulary`` are in tokens. ``labels`` are what
    the file asks for, else the first common pair that its vocabulary has as whole tokens; they are verified when the
    model is loaded. ``style`` is the style of prompt that it asks for (see ``styles``).
    ``acc`` holds the file's ``acc.*`` metadata. With ``usable`` false, ``why_not`` is a sentence with
    the remedy in it.
    """

    path: Path
    usable: bool
    why_not: str | None = None
    name: str = ""
    architecture: str = ""
    parameters: int = 0
    quantisation: str = ""
    kinds: dict[str, int] = {}
    """How its matrices are kept: kind → how many. A kind with blocks of 256 weights, such as those of Q4_K_M, can't hold
    rows that are no multiple of that, as small models have; llama.cpp takes one with blocks of 32 and more bits then."""
    n_ctx_train: int = 0
    vocabulary: int = 0
    has_template: bool = False
    template_kind: str = ""
    labels: LabelPair | None = None
    threshold: float = DEFAULT_THRESHOLD
    style: str = "full"
    acc: dict[str, Any] = {}
    size: int = 0
    sha256: str = ""
    warnings: tuple[str, ...] = ()


def inspect(path: Path | str, *, template: str | None = None, digest: bool = True) -> CriticFile:
    """Read what a file says of itself. Never raises for a file that is missing or wrong: see ``usable``.

    ``template`` names the built-in chat template that will be used instead of the file's own. ``digest=False`` leaves
    the hash out, which for a file that was never seen before takes about a second per gigabyte.
    """
    path = Path(path).expanduser()
    refused = _not_a_file(path)
    if refused is not None:
        return CriticFile(path, usable=False, why_not=refused)
    try:
        header = read_header(path)
    except HeaderError as error:
        return CriticFile(path, usable=False, why_not=_unreadable(path, str(error)), size=path.stat().st_size)
    except OSError as error:
        return CriticFile(
            path, usable=False, why_not=f"{path} can't be read ({error.strerror}); check its permissions."
        )
    return _describe(path, header, template, digest)


def _not_a_file(path: Path) -> str | None:
    if path.is_dir():
        return f"{path} is a folder; name the GGUF file in it."
    if not path.exists():
        return f"There is no file {path}; name a GGUF model file, or make one for a try with `acc critic synthetic {path}`."
    if not path.is_file():
        return f"{path} is not a regular file; name a GGUF model file."
    return None


def _unreadable(path: Path, reason: str) -> str:
    remedy = (
        "download it again" if "cut" in reason or "ends" in reason or "empty" in reason else "name a GGUF model file"
    )
    if "LFS" in reason:
        remedy = "fetch it with `git lfs pull`"
    elif "safetensors" in reason or "PyTorch" in reason or "old GGML" in reason or "big-endian" in reason:
        remedy = "convert it with llama.cpp's convert_hf_to_gguf.py, or download a GGUF of the same model"
    return f"{path} can't be used as a critic: {reason}; {remedy}."


def _describe(path: Path, header: Header, template: str | None, digest: bool) -> CriticFile:
    metadata = header.metadata
    architecture = str(metadata.get("general.architecture", ""))
    acc = {key: value for key, value in metadata.items() if key.startswith("acc.")}
    tokens = metadata.get("tokenizer.ggml.tokens")
    source = metadata.get("tokenizer.chat_template")
    why_not = _why_not(path, header, architecture, template)
    threshold, warnings = _threshold(acc)
    style, version = str(acc.get("acc.prompt_style", "full")), acc.get("acc.prompt_version")
    asked = VERSIONS.get(style, version)
    if version is not None and version != asked:
        warnings.append(f"It was made for prompt version {version}, and this acc asks in version {asked}.")
    if "acc.note" in acc:
        warnings.append(f"The file says of itself: {acc['acc.note']}")
    return CriticFile(
        path,
        usable=why_not is None,
        why_not=why_not,
        name=str(metadata.get("general.name") or path.stem),
        architecture=architecture,
        parameters=sum(tensor.elements for tensor in header.tensors),
        quantisation=_quantisation(header),
        kinds=_kinds(header),
        n_ctx_train=_count(metadata.get(f"{architecture}.context_length")),
        vocabulary=len(tokens) if isinstance(tokens, list) else 0,
        has_template=isinstance(source, str) and bool(source),
        template_kind=template or (templates.kind_of(source) if isinstance(source, str) else ""),
        labels=labels_wanted(acc) or _labels_in(tokens),
        threshold=threshold,
        style=style,
        acc=acc,
        size=header.file_size,
        sha256=file_sha256(path) if digest else "",
        warnings=tuple(warnings),
    )


def labels_wanted(acc: dict[str, Any]) -> LabelPair | None:
    """Return the pair that ``acc.labels`` asks for: a list of two words, or both in one text with a comma between."""
    value = acc.get("acc.labels")
    words = value.split(",") if isinstance(value, str) else value
    if isinstance(words, list) and len(words) == 2 and all(isinstance(word, str) and word.strip() for word in words):
        return LabelPair(words[0].strip(), words[1].strip())
    return None


def _why_not(path: Path, header: Header, architecture: str, template: str | None) -> str | None:
    metadata = header.metadata
    start = f"{path} can't be used as a critic: "
    kind = str(metadata.get("general.type", "model"))
    if _count(metadata.get("split.count")) > 1:
        return (
            start
            + "it is one part of a split model; join the parts with `llama-gguf-split --merge` and name the result."
        )
    if kind == "adapter":
        return start + "it is an adapter (LoRA); merge it into its base model and name the result."
    if kind == "mmproj" or architecture in _NOT_GENERATIVE:
        what = _NOT_GENERATIVE.get(architecture, "the vision part of a model (mmproj)")
        return start + f"it is {what}; name a chat model in GGUF format."
    if not architecture:
        return start + "its header names no architecture; download it again."
    if metadata.get(f"{architecture}.attention.causal") is False or _count(
        metadata.get(f"{architecture}.pooling_type")
    ):
        return start + "it is an embedding or ranking model; name a chat model in GGUF format."
    if not header.tensors:
        return start + "it holds a vocabulary but no weights; name a whole chat model in GGUF format."
    if "tokenizer.ggml.tokens" not in metadata:
        return start + "it has no vocabulary; name a whole chat model in GGUF format."
    try:
        style_of(metadata)
    except ValueError as error:
        return start + f"{error}; take a newer acc, or another model."
    end = _data_end(header)
    if end > header.file_size:
        return start + f"it is cut ({header.file_size:,} of at least {end:,} bytes are there); download it again."
    if template is not None and template not in templates.BUILTIN:
        return f"There is no chat template {template!r}; use one of {', '.join(sorted(templates.BUILTIN))}."
    if template is None and not metadata.get("tokenizer.chat_template"):
        names = ", ".join(sorted(templates.BUILTIN))
        return start + f"it has no chat template; say with --critic-template which one it was trained with ({names})."
    return None


def _data_end(header: Header) -> int:
    from gguf.constants import GGML_QUANT_SIZES

    sizes = {int(kind): size for kind, size in GGML_QUANT_SIZES.items()}
    end = header.data_start
    for tensor in header.tensors:
        weights, nbytes = sizes.get(tensor.kind, (1, 0))
        end = max(end, header.data_start + tensor.offset + tensor.elements // weights * nbytes)
    return end


def _quantisation(header: Header) -> str:
    from gguf.constants import LlamaFileType

    number = header.metadata.get("general.file_type")
    try:
        return str(LlamaFileType(number).name).removeprefix("MOSTLY_").removeprefix("ALL_")
    except ValueError:
        return ""


def scaling_of(acc: dict[str, Any]) -> Scaling:
    """Return how a file wants its probabilities scaled: ``acc.slope`` (greater than zero) and ``acc.intercept``."""
    slope, intercept = acc.get("acc.slope", 1.0), acc.get("acc.intercept", 0.0)
    numbers = all(isinstance(n, int | float) and math.isfinite(n) for n in (slope, intercept))
    return (float(slope), float(intercept)) if numbers and slope > 0 else UNSCALED


def plain_of(acc: dict[str, Any]) -> float | None:
    """Return the ``p_revise`` that a file gives to replies that only ask (``acc.plain``, see ``styles.Style.plain``), if it
    has them approved or sent back unasked."""
    value = acc.get("acc.plain")
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None


def _kinds(header: Header) -> dict[str, int]:
    from gguf.constants import GGMLQuantizationType

    names = {int(kind): kind.name for kind in GGMLQuantizationType}
    matrices = [tensor for tensor in header.tensors if sum(size > 1 for size in tensor.dimensions) > 1]
    return dict(Counter(names.get(tensor.kind, str(tensor.kind)) for tensor in matrices).most_common())


def _threshold(acc: dict[str, Any]) -> tuple[float, list[str]]:
    value = acc.get("acc.threshold")
    if value is None:
        return DEFAULT_THRESHOLD, []
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return round(float(value), 6), []  # files hold 32-bit numbers, people mean the decimal one
    return DEFAULT_THRESHOLD, [f"Its threshold {value!r} is not a probability; {DEFAULT_THRESHOLD} is used."]


def _labels_in(tokens: Any) -> LabelPair | None:
    if not isinstance(tokens, list):
        return None
    known = set(tokens)
    pairs = (pair for pair in CANDIDATES if all({word, "▁" + word} & known for word in (pair.revise, pair.approve)))
    return next(pairs, None)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def file_sha256(path: Path) -> str:
    """Return a file's SHA-256 as hex, remembered by its path, size and time of change, also from one run to the next."""
    stat = path.stat()
    return _remembered(str(path.resolve()), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _remembered(path: str, size: int, mtime_ns: int) -> str:
    memory = cache_dir() / "critic-files.json"
    key = f"{path}|{size}|{mtime_ns}"
    known = _load(memory)
    if key not in known:
        with Path(path).open("rb") as file:
            known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        part = memory.with_name(f"{memory.name}.{os.getpid()}.part")
        with contextlib.suppress(OSError):  # a full disk costs the memory, not the hash
            part.write_bytes(msgspec.json.encode(known))
            part.replace(memory)  # never half written, whoever else writes at the same time
    return known[key]


def _load(memory: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(memory.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}
