"""Writes a critic of a true model's shape with random weights: nothing to download, real llama.cpp underneath.

Such a file loads, reads and answers exactly as fast as a trained critic of its shape, so that the demo, the tests and
the benchmarks run the real engine; its verdicts mean nothing, and its metadata say so. Two things are arranged, because
plain random weights would give every proposal nearly the same probability: each attention head prefers a distance of its
own, a few dozen tokens back, so that the question's tokens look at the candidate; and the last normalisation is scaled
such that ``p_revise`` spreads over the middle of [0, 1].

The same arguments give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from actorcritic_cli.critics.labels import LabelPair
from actorcritic_cli.critics.prompt import PROMPT_VERSION
from actorcritic_cli.critics.synthetic_blocks import BLOCK, Layout, layout_for, random_blocks, spared
from actorcritic_cli.critics.synthetic_vocab import CHAT_TEMPLATE, CONTROL_TOKENS, Vocabulary, learn, questions

if TYPE_CHECKING:
    import numpy as np

ShapeName = Literal["tiny", "0.5b", "1.5b"]

NOTE = "random weights: verdicts mean nothing"


class Shape(Struct, frozen=True):
    """The shape of a qwen2-type model: counts, not weights."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    rope_base: float
    context: int
    spread: float
    """Standard deviation of the answer's log-odds that the last normalisation is scaled to give, by measurement."""

    @property
    def head_width(self) -> int:
        """Values per attention head."""
        return self.width // self.heads


SHAPES: dict[ShapeName, Shape] = {
    "tiny": Shape(2, 128, 4, 2, 256, 4096, 10_000.0, 32_768, spread=1.8),
    "0.5b": Shape(24, 896, 14, 2, 4864, 151_936, 1_000_000.0, 32_768, spread=1.5),
    "1.5b": Shape(28, 1536, 12, 2, 8960, 151_936, 1_000_000.0, 32_768, spread=1.5),
}

_ATTENTION = 1.4
"""Standard deviation of queries and keys: their products then vary enough for a head to pick out single tokens."""
_PULL = 6.0
"""How much more attention logit (natural units) a head gives to its own distance than to a far one, by its biases."""
_DISTANCES = (8.0, 90.0)
"""The nearest and the farthest of the heads' own distances, in tokens."""
_WAVELENGTHS = (24.0, 900.0)
"""Rotations (tokens per turn) that carry the preference."""
_EMBEDDING = 0.3
"""Standard deviation of the embeddings: small, so that what the layers add outweighs what the last token is."""


class Tensor(Struct, frozen=True):
    """One tensor to be written: its GGUF name, shape (rows, row length) and where its values come from."""

    name: str
    rows: int
    width: int
    layout: Layout
    deviation: float = 0.0
    values: Any = None

    @property
    def bytes(self) -> int:
        """Size on disk."""
        weights, size = BLOCK[self.layout]
        return self.rows * self.width // weights * size


class Asked(Struct, frozen=True):
    """What a file says of how it is to be asked: its ``acc.*`` metadata, in a file of its own words (see ``styles``)."""

    labels: tuple[str, str]
    threshold: float
    prompt_version: str
    style: str = "full"
    policies: tuple[str, ...] = ()


def add_asked(writer: Any, asked: Asked) -> None:
    """Put these metadata into a ``gguf.GGUFWriter``; the full style is what a file means that names none."""
    writer.add_string("acc.prompt_version", asked.prompt_version)
    writer.add_array("acc.labels", list(asked.labels))
    writer.add_float32("acc.threshold", asked.threshold)
    if asked.style != "full":
        writer.add_string("acc.prompt_style", asked.style)
    if asked.policies:
        writer.add_array("acc.policies", list(asked.policies))


def write(
    path: Path | str,
    shape: ShapeName = "tiny",
    seed: int = 0,
    corpus: Iterable[str] | None = None,
    labels: tuple[str, str] = ("yes", "no"),
    threshold: float = 0.5,
    *,
    chat_template: str | None = CHAT_TEMPLATE,
    prompt_version: str = PROMPT_VERSION,
    style: str = "full",
    policies: Iterable[str] = (),
    user_defined: Iterable[str] = (),
) -> Path:
    """Write a random-weight critic and return its path (about 1 MB for ``tiny``, 0.4 GB for ``0.5b``).

    ``corpus`` are texts that the vocabulary shall compress well, besides the critic's own words; ``labels`` are the words
    for (revise, approve). ``chat_template=None`` leaves the template out, ``user_defined`` adds tokens of that type
    (``<think>`` …): both make the files that real models sometimes are. ``style`` and ``policies`` are what the file says of
    its prompt (see ``styles``).
    """
    target = Path(path)
    plan = SHAPES[shape]
    vocabulary = learn(plan.vocabulary, (*(corpus or ()), *questions()), LabelPair(*labels))
    temporary = target.with_name(target.name + ".part")
    try:
        asked = Asked(labels, threshold, prompt_version, style, tuple(policies))
        _write(temporary, shape, plan, seed, vocabulary, asked, chat_template, user_defined)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _write(
    path: Path,
    name: ShapeName,
    shape: Shape,
    seed: int,
    vocabulary: Vocabulary,
    asked: Asked,
    chat_template: str | None,
    user_defined: Iterable[str],
) -> None:
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_name(f"acc random-weight critic {name}")
    writer.add_description(NOTE)
    writer.add_file_type(int(gguf.LlamaFileType.ALL_F32 if name == "tiny" else gguf.LlamaFileType.MOSTLY_Q4_K_M))
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(shape.vocabulary)
    add_vocabulary(writer, vocabulary, chat_template, tuple(user_defined))
    add_asked(writer, asked)
    writer.add_string("acc.note", NOTE)

    rng = np.random.Generator(np.random.PCG64(seed))
    tensors = list(_tensors(shape, tiny=name == "tiny"))
    for tensor in tensors:
        kind = gguf.GGMLQuantizationType[tensor.layout]
        size = (tensor.rows, tensor.width) if tensor.rows > 1 else (tensor.width,)
        writer.add_tensor_info(tensor.name, size, np.dtype(np.float32), tensor.bytes, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in tensors:
        writer.write_tensor_data(_data(rng, tensor))
    writer.close()


def add_vocabulary(
    writer: Any, vocabulary: Vocabulary, template: str | None = CHAT_TEMPLATE, user_defined: tuple[str, ...] = ()
) -> None:
    """Put a vocabulary and a chat template into a ``gguf.GGUFWriter``; the arguments mean what they mean in ``write``."""
    import gguf

    normal, control = int(gguf.TokenType.NORMAL), int(gguf.TokenType.CONTROL)
    tokens = list(vocabulary.tokens)
    used = vocabulary.learned + len(CONTROL_TOKENS)
    types = [normal] * vocabulary.learned + [control] * len(CONTROL_TOKENS)
    types += [int(gguf.TokenType.UNUSED)] * (len(tokens) - used)
    for index, text in enumerate(user_defined, start=used):
        tokens[index], types[index] = text, int(gguf.TokenType.USER_DEFINED)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(list(vocabulary.merges))
    writer.add_bos_token_id(vocabulary.id_of("<|endoftext|>"))
    writer.add_eos_token_id(vocabulary.id_of("<|im_end|>"))
    writer.add_pad_token_id(vocabulary.id_of("<|endoftext|>"))
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)


def _tensors(shape: Shape, *, tiny: bool) -> Iterator[Tensor]:
    import numpy as np

    width, ff = shape.width, shape.feed_forward
    query, key_value = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    ones = np.ones(width, dtype=np.float32)
    # The normalised state has length sqrt(width); its product with an embedding is a logit, the answer a difference of two.
    gain = shape.spread / (_EMBEDDING * math.sqrt(2 * width))
    query_bias, key_bias = _distance_biases(shape)

    def matrix(name: str, rows: int, row: int, deviation: float, more_bits: bool = False) -> Tensor:
        layout: Layout = "Q8_0" if tiny else layout_for(row, more_bits=more_bits)
        return Tensor(name, rows, row, layout, deviation)

    yield matrix("token_embd.weight", shape.vocabulary, width, _EMBEDDING, more_bits=True)
    yield Tensor("output_norm.weight", 1, width, "F32", values=ones * np.float32(gain))
    for layer in range(shape.layers):
        block, more = f"blk.{layer}.", spared(layer, shape.layers)
        mix = 1 / math.sqrt(width)
        yield Tensor(block + "attn_norm.weight", 1, width, "F32", values=ones)
        yield matrix(block + "attn_q.weight", query, width, _ATTENTION * mix)
        yield matrix(block + "attn_k.weight", key_value, width, _ATTENTION * mix)
        yield matrix(block + "attn_v.weight", key_value, width, 2 * mix, more)
        yield matrix(block + "attn_output.weight", width, query, 2 / math.sqrt(query))
        yield Tensor(block + "attn_q.bias", 1, query, "F32", values=query_bias)
        yield Tensor(block + "attn_k.bias", 1, key_value, "F32", values=key_bias)
        yield Tensor(block + "attn_v.bias", 1, key_value, "F32", values=np.zeros(key_value, dtype=np.float32))
        yield Tensor(block + "ffn_norm.weight", 1, width, "F32", values=ones)
        yield matrix(block + "ffn_gate.weight", ff, width, mix)
        yield matrix(block + "ffn_up.weight", ff, width, mix)
        yield matrix(block + "ffn_down.weight", width, ff, 1 / math.sqrt(ff), more)


def _distance_biases(shape: Shape) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the biases of all queries and of all keys (float32, flat).

    A constant pair of values, rotated by position, contributes ``b² cos(turn x (distance - own))`` to the attention logit
    if the query's pair is turned back by the head's own distance beforehand. The turns are chosen so that the sum fades
    over some dozen tokens to both sides.
    """
    import numpy as np

    half = shape.head_width // 2
    turns = shape.rope_base ** (-np.arange(half) / half)
    lengths = 2 * math.pi / turns
    chosen = (lengths >= _WAVELENGTHS[0]) & (lengths <= _WAVELENGTHS[1])
    strength = np.where(chosen, math.sqrt(_PULL * math.sqrt(shape.head_width) / int(chosen.sum())), 0.0)
    own = np.linspace(*_DISTANCES, shape.heads)[:, None] * turns
    query = np.concatenate([strength * np.cos(own), -strength * np.sin(own)], axis=1)
    key = np.tile(np.concatenate([strength, np.zeros(half)]), shape.kv_heads)
    return query.astype(np.float32).ravel(), key.astype(np.float32)


def _data(rng: np.random.Generator, tensor: Tensor) -> np.ndarray[Any, Any]:
    import numpy as np

    if tensor.values is not None:
        return np.ascontiguousarray(tensor.values, dtype=np.float32)
    count = tensor.rows * tensor.width // BLOCK[tensor.layout][0]
    return np.concatenate(list(random_blocks(rng, tensor.layout, count, tensor.deviation)))
