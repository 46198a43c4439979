"""Text to tokens and back, with a wall between what is structure and what is data.

llama.cpp finds *control* tokens in a text only where it is told to, but tokens that a model's maker added as
*user-defined* (``<think>``, ``<tool_call>`` …) it finds everywhere. In data neither may arise, so data is cut in the
middle of every such text and each part becomes tokens on its own: the words remain readable, the token never comes up.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

_UNKNOWN, _UNUSED, _CONTROL, _USER_DEFINED = 1, 2, 8, 16
_NEVER_WRITTEN = _UNKNOWN | _UNUSED | _CONTROL | _USER_DEFINED
_REMEMBERED_TEXTS = 8192


def apart(text: str, words: Iterable[str]) -> list[str]:
    """Return a text cut such that none of the words stands whole in any of its parts; the longest words come first."""
    present = [re.escape(word) for word in words if word in text]
    if not present:
        return [text]
    # A look-ahead finds overlapping ones too; a cut after the first character of each leaves none whole.
    cuts = [match.start() + 1 for match in re.finditer(f"(?={'|'.join(present)})", text)]
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


class Vocab:
    """The vocabulary of a loaded model. ``special`` are the ids of all control and user-defined tokens."""

    def __init__(self, handle: Any):
        from llama_cpp import llama_cpp as lib

        self._lib = lib
        self.handle = handle
        self.size = int(lib.llama_vocab_n_tokens(handle))
        self._attributes = [int(lib.llama_vocab_get_attr(handle, token)) for token in range(self.size)]
        marked = [token for token, kind in enumerate(self._attributes) if kind & (_CONTROL | _USER_DEFINED)]
        self.special = frozenset(marked)
        texts = {self.text(token) for token in marked}
        self._structural = tuple(sorted((text for text in texts if len(text.strip()) > 1), key=len, reverse=True))
        self.data = lru_cache(maxsize=_REMEMBERED_TEXTS)(self._data)

    def text(self, token: int) -> str:
        """Return a token's own text (as the vocabulary writes it), empty for none."""
        raw = self._lib.llama_vocab_get_text(self.handle, token) if token >= 0 else None
        return raw.decode("utf-8", "replace") if raw else ""

    @property
    def bos(self) -> str:
        """The text of the begin-of-text token, empty if there is none."""
        return self.text(self._lib.llama_vocab_bos(self.handle))

    @property
    def eos(self) -> str:
        """The text of the end-of-text token, empty if there is none."""
        return self.text(self._lib.llama_vocab_eos(self.handle))

    def leading(self, first: Iterable[int]) -> list[int]:
        """Return the begin-of-text token if the vocabulary wants one and ``first`` does not already start with it."""
        token = int(self._lib.llama_vocab_bos(self.handle))
        wanted = bool(self._lib.llama_vocab_get_add_bos(self.handle)) and token >= 0
        return [token] if wanted and next(iter(first), None) != token else []

    def structure(self, text: str) -> list[int]:
        """Return the tokens of a template's own text, control tokens included."""
        return self._tokenise(text, special=True)

    def _data(self, text: str) -> tuple[int, ...]:
        """Return the tokens of a text that holds data: none of them is special, whatever the text says."""
        return tuple(token for part in apart(text, self._structural) for token in self._tokenise(part, special=False))

    def _tokenise(self, text: str, *, special: bool) -> list[int]:
        raw = text.encode("utf-8", "replace")
        if not raw:
            return []
        room = len(raw) + 8
        while True:
            tokens = (ctypes.c_int32 * room)()
            count = self._lib.llama_tokenize(self.handle, raw, len(raw), tokens, room, False, special)
            if count >= 0:
                return list(tokens[:count])
            room = -count

    def piece(self, token: int) -> bytes:
        """Return the bytes that a token stands for; control tokens stand for none."""
        room = 64
        while True:
            buffer = ctypes.create_string_buffer(room)
            count = self._lib.llama_token_to_piece(self.handle, token, buffer, room, 0, False)
            if count >= 0:
                return buffer.raw[:count]
            room = -count

    @property
    def ends(self) -> frozenset[int]:
        """The tokens with which the model ends what it says."""
        return frozenset(token for token in self.special if self._lib.llama_vocab_is_eog(self.handle, token))

    @property
    def writable(self) -> list[bool]:
        """For each token, whether it may occur in a written critique (ordinary text only)."""
        return [not kind & _NEVER_WRITTEN for kind in self._attributes]
