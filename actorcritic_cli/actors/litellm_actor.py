"""The actor that is a cloud model, reached through litellm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from actorcritic_cli.actors.protocol import ActorContext, ActorFailed, Hear, Progress, Proposing
from actorcritic_cli.actors.several import at_once
from actorcritic_cli.actors.wire import chat_messages, chat_tools, problem_of
from actorcritic_cli.providers.aliases import resolve
from actorcritic_cli.providers.completion import CompletionFailed, complete
from actorcritic_cli.providers.options import CompletionOptions, options_from
from actorcritic_cli.types import Proposal


class LitellmActor:
    """Proposes what a model says. Stateless: every proposal is made from the context alone. Thread-safe.

    ``model`` is an alias or a litellm name, ``options`` are those of ``CompletionOptions`` as JSON values (``base_url``,
    ``temperature``, ``max_tokens``, ``seed``, ``timeout`` …). ``progress`` hears how long the held-back answer is so far.
    Raises ``UsageError`` for an empty name or an unknown option.
    """

    def __init__(
        self,
        model: str,
        options: Mapping[str, Any] | CompletionOptions | None = None,
        *,
        progress: Progress | None = None,
    ):
        self._model = resolve(model)
        self._options = options_from(options)
        self._progress = progress

    @property
    def name(self) -> str:
        """The resolved model, for the record."""
        return self._model.litellm_name

    def propose(self, context: ActorContext) -> Proposing:
        """Ask the model for its next action. Raises ``ActorFailed``."""
        return self._ask(context, None)

    def stream(self, context: ActorContext, hear: Hear) -> Proposing:
        """Ask the model for its next action; ``hear`` is told what has come of it. Raises ``ActorFailed``."""
        return self._ask(context, hear)

    def _ask(self, context: ActorContext, hear: Hear | None) -> Proposing:
        try:
            done = complete(
                "actor",
                self._model,
                chat_messages(context, user_first=self._model.provider not in ("openai", "azure")),
                self._options_for(context),
                tools=chat_tools(context.tools),
                max_seconds=context.max_seconds,
                progress=self._progress,
                hear=hear,
            )
        except CompletionFailed as failed:
            raise ActorFailed(failed.error, failed.call) from failed
        problem = done.problem or problem_of(done.message, {tool.name for tool in context.tools})
        return Proposing(Proposal(done.message), done.call, problem)

    def offer(self, context: ActorContext, candidates: Sequence[int]) -> Iterator[Proposing]:
        """Yield candidates, asked for at the same time. With a temperature of 0 they will mostly be equal."""
        yield from at_once(partial(self.propose, replace(context, candidate=number)) for number in candidates)

    def _options_for(self, context: ActorContext) -> CompletionOptions:
        """The same seed would give the same candidate again, where a provider heeds it."""
        if self._options.seed is None or context.candidate == 0:
            return self._options
        return replace(self._options, seed=self._options.seed + context.candidate)
