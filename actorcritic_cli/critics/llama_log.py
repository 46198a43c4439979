"""What llama.cpp has to say: written to the worker's log, and its last errors kept for the sentence a user reads."""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from typing import Any

_WARN, _ERROR = 3, 4
_errors: deque[str] = deque(maxlen=4)
_callback: Any = None  # llama.cpp keeps the pointer only, so the callback has to be held here


def listen(lib: Any) -> None:
    """Send llama.cpp's warnings and errors to stderr (the worker's log file) and remember the errors."""
    global _callback

    def hear(level: int, text: bytes, _: Any) -> None:
        if level not in (_WARN, _ERROR):
            return
        line = text.decode("utf-8", "replace")
        sys.stderr.write(line)
        sys.stderr.flush()
        if level == _ERROR and line.strip():
            _errors.append(line.strip())

    _errors.clear()
    _callback = lib.llama_log_callback(hear)
    lib.llama_log_set(_callback, ctypes.c_void_p(0))


def last_errors() -> str:
    """Return the first of the last errors in parentheses, with a space before; empty if there was none."""
    return f" ({_errors[0].split(': ', 1)[-1]})" if _errors else ""
