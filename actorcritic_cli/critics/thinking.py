"""The answer to one question: at once, or after the critic has thought for a bounded number of tokens.

A thought is the model's own text, always the likeliest token, so that the same case gets the same thought. Only ordinary
tokens can occur in it, so it can't become structure; its end is set by the engine, in the template's own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from actorcritic_cli.critics.reading import Branch, Reading, Work
from actorcritic_cli.text import printable

if TYPE_CHECKING:
    from actorcritic_cli.critics.engine import Engine


class Thought(Struct, frozen=True):
    """The model's output at the answer's place, and what it thought before: the text and its number of tokens.

    ``read`` are the tokens that stand between the question and the answer.
    """

    logits: Any
    text: str = ""
    tokens: int = 0
    read: tuple[int, ...] = ()

    @property
    def extra(self) -> int:
        """Tokens read beyond the prompt."""
        return len(self.read)


def answer(engine: Engine, branch: Branch, question: Sequence[int]) -> Work[Thought]:
    """Read a question at the end of a branch and return the answer's logits. Raises what reading raises."""
    (logits,) = yield [Reading(branch, question)]
    if not engine.think:
        return Thought(logits)
    thought: list[int] = []
    end = engine.thought_end
    while len(thought) < engine.think:
        token = _likeliest(logits, engine.writer.forbidden, end)
        if token in end:
            break
        thought.append(token)
        (logits,) = yield [Reading(branch, [token])]
    (logits,) = yield [Reading(branch, engine.closing)]
    raw = b"".join(engine.vocab.piece(token) for token in thought)
    text = printable(raw.decode("utf-8", "replace")).strip()
    return Thought(logits, text, len(thought), (*thought, *engine.closing))


def _likeliest(logits: Any, forbidden: Any, end: frozenset[int]) -> int:
    """Return the likeliest token that may stand in a thought or ends it."""
    import numpy as np

    weights = np.where(forbidden | ~np.isfinite(logits), -np.inf, logits)
    for token in end:
        weights[token] = logits[token]
    return int(weights.argmax())
