"""Random weights written straight in the quantised layouts of GGUF.

Quantising a random matrix only to get random numbers back wastes a minute and a gigabyte; every bit pattern of these
layouts is a valid weight, so random bytes with the right scale are the same thing at the speed of the disk. The rules
for which tensor gets which layout are those of llama.cpp's Q4_K_M mix, so that size and speed are those of a real file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

Layout = Literal["F32", "Q8_0", "Q5_0", "Q4_K", "Q6_K"]
BLOCK: dict[Layout, tuple[int, int]] = {
    "F32": (1, 4),
    "Q8_0": (32, 34),
    "Q5_0": (32, 22),
    "Q4_K": (256, 144),
    "Q6_K": (256, 210),
}
"""Weights and bytes of one block."""

_CHUNK = 1 << 16
"""Blocks made at a time: at most 14 MB in memory."""


def layout_for(width: int, *, more_bits: bool) -> Layout:
    """Return the layout of a matrix whose rows are ``width`` long; ``more_bits`` for the tensors that the mix spares.

    The 256-wide layouts need rows of a multiple of 256; others fall back to the 32-wide ones, as in llama.cpp.
    """
    if width % 256 == 0:
        return "Q6_K" if more_bits else "Q4_K"
    return "Q8_0" if more_bits else "Q5_0"


def spared(layer: int, layers: int) -> bool:
    """Whether the mix gives this layer's value and down projections more bits."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def random_blocks(
    rng: np.random.Generator, layout: Layout, count: int, deviation: float
) -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Yield ``count`` blocks of zero-mean uniform weights with the given standard deviation, as bytes of shape (n, b)."""
    import numpy as np

    size = BLOCK[layout][1]
    for start in range(0, count, _CHUNK):
        number = min(_CHUNK, count - start)
        blocks = np.frombuffer(rng.bytes(number * size), dtype=np.uint8).reshape(number, size).copy()
        _SCALERS[layout](blocks, deviation)
        yield blocks


def _half(value: float) -> np.ndarray[Any, np.dtype[np.uint8]]:
    import numpy as np

    return np.array([value], dtype="<f2").view(np.uint8)


def _set_scale(scale: Any, value: float) -> None:
    """Set the blocks' scales, each with the random sign that stood in its place.

    The levels of these layouts are not symmetric (-16 … 15). With one sign for all, every matrix would lean to one side,
    and over many layers all states would end in the direction that leans with them, whatever was read.
    """
    sign = scale[:, 1] & 0x80
    scale[:] = _half(value)
    scale[:, 1] |= sign


def _uniform(levels: int) -> float:
    return math.sqrt((levels * levels - 1) / 12)


def _scale_q8_0(blocks: Any, deviation: float) -> None:
    _set_scale(blocks[:, 0:2], deviation / _uniform(256))  # weight = d * q, q of 8 bits


def _scale_q5_0(blocks: Any, deviation: float) -> None:
    _set_scale(blocks[:, 0:2], deviation / _uniform(32))  # weight = d * (q - 16), q of 5 bits


def _scale_q4_k(blocks: Any, deviation: float) -> None:
    # weight = d * 32 * q - dmin * 32: all sub-scales and sub-minima are 32, packed as the layout wants them.
    step = deviation / _uniform(16) / 32
    blocks[:, 0:2] = _half(step)
    blocks[:, 2:4] = _half(step * 7.5)
    blocks[:, 4:12] = 0xA0
    blocks[:, 12:16] = 0x00


def _scale_q6_k(blocks: Any, deviation: float) -> None:
    blocks[:, 192:208] = 32  # weight = d * 32 * (q - 32), q of 6 bits
    _set_scale(blocks[:, 208:210], deviation / _uniform(64) / 32)


_SCALERS: dict[str, Callable[[Any, float], None]] = {
    "Q8_0": _scale_q8_0,
    "Q5_0": _scale_q5_0,
    "Q4_K": _scale_q4_k,
    "Q6_K": _scale_q6_k,
}
