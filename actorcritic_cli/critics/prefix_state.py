"""Puts the prefix that a model has read into a file, and a file's contents into the model. Runs inside the worker only.

A state fits only the very model, tokens, llama.cpp and context that it came from; the key is a hash of all of these.
"""

from __future__ import annotations

import ctypes
import hashlib
from array import array
from collections.abc import Sequence
from typing import Any

from actorcritic_cli.critics.kept_files import KeptFiles
from actorcritic_cli.hashing import canonical_json, sha256

_PREFIX = 0
"""The sequence of the shared prefix."""


class PrefixStates:
    """The states of one loaded model. ``origin`` holds, as JSON values, all besides the tokens that a state depends on."""

    def __init__(self, lib: Any, context: Any, store: KeptFiles, model: str, origin: dict[str, Any]):
        self._lib = lib
        self._context = context
        self._store = store
        self._model = model
        self._origin = origin

    def key(self, tokens: Sequence[int]) -> str:
        """Return the key of a prefix."""
        digest = hashlib.sha256(array("i", tokens).tobytes()).hexdigest()
        return sha256(canonical_json({**self._origin, "tokens": digest}))[:32]

    def load(self, tokens: Sequence[int]) -> bool:
        """Fill sequence 0 from the file of these tokens; false when there is none that fits (the sequence is then void)."""
        path = self._store.find(self.key(tokens))
        if path is None:
            return False
        found = (ctypes.c_int32 * len(tokens))()
        count = ctypes.c_size_t(0)
        read = self._lib.llama_state_seq_load_file(
            self._context, str(path).encode(), _PREFIX, found, len(tokens), ctypes.byref(count)
        )
        if read and count.value == len(tokens) and list(found) == list(tokens):
            return True
        self._lib.llama_memory_seq_rm(self._lib.llama_get_memory(self._context), _PREFIX, -1, -1)
        self._store.discard(path)
        return False

    def save(self, tokens: Sequence[int]) -> bool:
        """Keep sequence 0, which holds these tokens; false when it could not be kept."""
        given = (ctypes.c_int32 * len(tokens))(*tokens)

        def write(path: Any) -> bool:
            done = self._lib.llama_state_seq_save_file(self._context, str(path).encode(), _PREFIX, given, len(tokens))
            return bool(done)

        return self._store.save(self.key(tokens), self._model, len(tokens), write) is not None
