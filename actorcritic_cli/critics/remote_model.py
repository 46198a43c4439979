"""A model behind a server, asked for single words: what it can be asked for, and how much room it needs, is found out.

Servers differ: some refuse log probabilities, some refuse to answer in one token, some models think first. What one refused
or needed once is known from then on. Nothing else is kept, so any number of questions can be under way.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from actorcritic_cli.providers.aliases import ResolvedModel
from actorcritic_cli.providers.completion import Completion, CompletionFailed, complete
from actorcritic_cli.providers.failures import Failure
from actorcritic_cli.providers.options import CompletionOptions
from actorcritic_cli.types import ModelCall

TOP = 20
"""Tokens whose log probabilities are asked for: the most that OpenAI's protocol allows."""
ROOM_TO_THINK = 2048
"""Tokens that a model may write before its answer, if it thinks."""
_RETRIES = 2
_LEAST_TOKENS = 16
"""Some providers refuse to answer in fewer tokens."""
_TOO_FEW_TOKENS = re.compile(r"max_(?:completion_|output_)?tokens", re.IGNORECASE)
_NO_LOGPROBS = re.compile(r"logprobs", re.IGNORECASE)

Messages = Sequence[dict[str, Any]]


class RemoteModel:
    """One model at one server. ``base_url`` and ``seed`` as in ``CompletionOptions``. Thread-safe."""

    def __init__(self, model: ResolvedModel, base_url: str | None, seed: int | None):
        self.model = model
        self.base_url = base_url
        self.thinks = False
        """Whether it has been seen to think before it answers."""
        self._options = CompletionOptions(
            base_url=base_url, temperature=0.0, seed=seed, top_logprobs=TOP, max_tokens=1, max_retries=_RETRIES
        )

    def ask_word(
        self,
        messages: Messages,
        deadline: float,
        calls: list[ModelCall],
        understood: Callable[[Completion], bool],
    ) -> Completion:
        """Ask for one word; once more with room to think if a thought took its place, which ``understood`` tells.

        ``deadline`` is on the monotonic clock; every call is noted in ``calls``. Raises ``CompletionFailed``.
        """
        answer = self.ask(messages, deadline, calls)
        cut = answer.problem is not None
        if not cut or understood(answer) or self.thinks:
            return answer
        answer = self.ask(messages, deadline, calls, ROOM_TO_THINK)
        self.thinks = self.thinks or understood(answer)
        return answer

    def ask(
        self,
        messages: Messages,
        deadline: float,
        calls: list[ModelCall],
        max_tokens: int | None = None,
    ) -> Completion:
        """Ask for an answer of at most so many tokens (``None``: a word). See ``ask_word``.

        What a server refuses to be asked for is not asked for again.
        """
        while True:
            bound = max_tokens or (ROOM_TO_THINK if self.thinks else self._options.max_tokens)
            left = max(0.01, deadline - time.monotonic())
            options = replace(self._options, max_tokens=bound, timeout=min(left, self._options.timeout))
            try:
                answer = complete("critic", self.model, messages, options, max_seconds=left)
            except CompletionFailed as failed:
                calls.append(failed.call)
                if not self._gives_in(failed.failure, options, may_grow=max_tokens is None):
                    raise
            else:
                calls.append(answer.call)
                return answer

    def _gives_in(self, failure: Failure, asked: CompletionOptions, *, may_grow: bool) -> bool:
        """Whether the server refused something that can be done without, which is left out from now on.

        What was ``asked`` counts, for another thread may have given in meanwhile. A model that thinks can refuse instead
        of cutting its answer off, so the room for a word grows twice.
        """
        if failure.kind != "protocol" or failure.cause != "other":
            return False
        if asked.top_logprobs is not None and _NO_LOGPROBS.search(failure.what):
            self._options = replace(self._options, top_logprobs=None)
            return True
        if may_grow and asked.max_tokens < ROOM_TO_THINK and _TOO_FEW_TOKENS.search(failure.what):
            if asked.max_tokens < _LEAST_TOKENS:
                self._options = replace(self._options, max_tokens=_LEAST_TOKENS)
            else:
                self.thinks = True
            return True
        return False
