"""The import of litellm, once, quiet, and without a look at the network.

litellm fetches its price list at import, prints banners to stdout, reads ``.env`` files and warns on stderr; all of
that is turned off before and after. The import takes seconds, so it happens at the first call, under a lock: a run's
threads all get there at once.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from functools import cache
from pathlib import Path
from typing import Any

_LOCK = threading.Lock()


def litellm() -> Any:
    """Return the litellm module, silenced. Thread-safe."""
    with _LOCK:
        return _load()


@cache
def _load() -> Any:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")  # DEV would read a .env file of whatever folder we are in
    os.environ.setdefault("LITELLM_TELEMETRY", "False")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litellm
    litellm.suppress_debug_info = True
    litellm.set_verbose = False
    litellm.telemetry = False
    litellm.drop_params = True
    litellm.disable_streaming_logging = True  # else every piece of a stream starts an event loop in a thread pool
    litellm.num_retries = None
    litellm.REPEATED_STREAMING_CHUNK_LIMIT = 10**9  # endless answers are ours to cut: litellm calls them a server error
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "litellm"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)
    # Pydantic warns about litellm's types when they are first used, long after the import.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pydantic\b")
    return litellm


@cache
def extra_arguments() -> dict[str, Any]:
    """Return the arguments that this version of litellm needs to stay out of the way.

    Some versions import the optional ``mcp`` package for every call with tools, and fail where it is not installed,
    unless told to skip that. Versions that do not know the word would send it on to the provider, so look first.
    """
    source = Path(litellm().__file__).with_name("main.py").read_text(encoding="utf-8", errors="replace")
    return {"_skip_mcp_handler": True} if '"_skip_mcp_handler"' in source else {}
