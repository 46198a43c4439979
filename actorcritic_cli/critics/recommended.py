"""Small models that are worth trying as critics, by the short names that ``acc critic pull`` and ``--critic`` know.

All are instruction-tuned and have a chat template; none is trained to judge, so choose the threshold on labelled sessions
(``acc stats``) before relying on one. Repository and file names were found in public projects that download them, and the
sizes (but for that of ``qwen2.5-0.5b``, ``smollm2-360m`` and ``smollm2-1.7b``, which are rounded) are the byte counts given
there; no file was downloaded to check. There are no hashes here: what a file must hash to is asked of the hub.
"""

from __future__ import annotations

from msgspec import Struct


class Recommended(Struct, frozen=True):
    """A model of the Hugging Face hub. ``megabytes`` is the file's size in 10^6 bytes, ``good_for`` says when to take it."""

    name: str
    repo: str
    file: str
    megabytes: int
    licence: str
    good_for: str


RECOMMENDED: dict[str, Recommended] = {
    model.name: model
    for model in (
        Recommended(
            "qwen2.5-0.5b",
            "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
            "qwen2.5-0.5b-instruct-q4_k_m.gguf",
            491,
            "Apache-2.0",
            "2 cores and little memory: the fastest verdicts; a start for training",
        ),
        Recommended(
            "qwen2.5-1.5b",
            "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
            "qwen2.5-1.5b-instruct-q4_k_m.gguf",
            1117,
            "Apache-2.0",
            "a laptop: follows long policies better; start here",
        ),
        Recommended(
            "qwen3-0.6b",
            "Qwen/Qwen3-0.6B-GGUF",
            "Qwen3-0.6B-Q8_0.gguf",
            639,
            "Apache-2.0",
            "2 cores, newer; can think before its verdict",
        ),
        Recommended(
            "qwen3-1.7b",
            "Qwen/Qwen3-1.7B-GGUF",
            "Qwen3-1.7B-Q8_0.gguf",
            1834,
            "Apache-2.0",
            "4 cores or a GPU; can think before its verdict",
        ),
        Recommended(
            "llama-3.2-1b",
            "bartowski/Llama-3.2-1B-Instruct-GGUF",
            "Llama-3.2-1B-Instruct-Q4_K_M.gguf",
            808,
            "Llama 3.2 Community",
            "another family, for a panel; mind its licence",
        ),
        Recommended(
            "smollm2-360m",
            "HuggingFaceTB/SmolLM2-360M-Instruct-GGUF",
            "smollm2-360m-instruct-q8_0.gguf",
            386,
            "Apache-2.0",
            "the smallest: plumbing, and as a start for training",
        ),
        Recommended(
            "smollm2-1.7b",
            "HuggingFaceTB/SmolLM2-1.7B-Instruct-GGUF",
            "smollm2-1.7b-instruct-q4_k_m.gguf",
            1056,
            "Apache-2.0",
            "another family, for a panel; English only",
        ),
    )
}
