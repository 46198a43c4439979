"""Weights in the form that the processor reads fastest: the same numbers, bit for bit.

A file in Q4_K_M holds in Q5_0 what does not fit into blocks of 256: about half of a model of 0.5 B parameters. In Q5_0 a
number's fifth bit stands apart from the other four, and llama.cpp puts them together anew at every use. A block of Q8_0
has a byte for each number, and the same scale: so every block of Q5_0 can be written as one of Q8_0 that means exactly the
same, and llama.cpp's sums over it are the same to the last bit. With AVX2, passes of 16 tokens then take about a tenth
less and passes of 64 tokens a tenth to a quarter less (measured side by side behind 2,304 and 128 tokens), for half as much
memory again for these weights.

The copy is made when the file is first loaded, and kept. GPUs gain nothing by it, and small files too little.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from actorcritic_cli.critics.gguf_copy import Rewrite, copy_with
from actorcritic_cli.critics.gguf_header import HeaderError, read_header
from actorcritic_cli.critics.kept_files import KeptFiles

LEAST = 32_000_000
"""Bytes of such weights from which on a copy is made."""
_Q5_0, _Q8_0 = 6, 8
"""Numbers of GGML's types."""
_BLOCK, _PACKED, _UNPACKED = 32, 22, 34
"""Weights of a block, and its bytes in Q5_0 and in Q8_0."""


def unpacked(path: Path, sha256: str, store: KeptFiles, least: int = LEAST) -> Path:
    """Return the file to load in place of ``path``, whose hash is given: its unpacked copy, or itself where there is none.

    The copy is made first where it is missing, which takes some seconds; nothing raises where that can't be done.
    """
    try:
        packed = sum(tensor.elements for tensor in read_header(path).tensors if tensor.kind == _Q5_0) // _BLOCK
        if not packed or packed * _PACKED < least or path.stat().st_size + packed * (_UNPACKED - _PACKED) > store.limit:
            return path
    except (HeaderError, OSError):
        return path
    key = sha256[:32]

    def write(part: Path) -> bool:
        copy_with(path, part, rewrites={_Q5_0: Rewrite(_Q8_0, unpack_q5_0, (_UNPACKED, _PACKED))})
        return True

    try:
        return store.find(key) or store.save(key, path.stem, 0, write) or path
    except (ValueError, KeyError, IndexError):  # what gguf makes of a file that it can't read; llama.cpp will say why
        return path


def unpack_q5_0(packed: Any) -> Any:
    """Return blocks of Q5_0 as blocks of Q8_0; both are arrays of bytes, shape (.., bytes of a row).

    A block of Q5_0 is its scale (16 bits), the numbers' fifth bits (32), and their lower four bits, two in a byte: the
    first half of the block in the lower halves, the second half in the upper ones. 16 is taken off each number. A block of
    Q8_0 is its scale and 32 signed bytes (ggml's ``block_q5_0`` and ``block_q8_0``).
    """
    import numpy as np

    blocks = packed.reshape(-1, _PACKED)
    fifth = np.unpackbits(blocks[:, 2:6], axis=1, bitorder="little")
    lower = np.concatenate([blocks[:, 6:] & 15, blocks[:, 6:] >> 4], axis=1)
    numbers = (lower | fifth << 4).astype(np.int8) - np.int8(16)
    unpacked_blocks = np.concatenate([blocks[:, :2], numbers.view(np.uint8)], axis=1)
    return unpacked_blocks.reshape(*packed.shape[:-1], -1)
