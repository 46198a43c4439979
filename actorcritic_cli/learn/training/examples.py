"""From labelled cases to what a model is trained on: the prompt's tokens, and those of the right answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct

from actorcritic_cli.critics import compact
from actorcritic_cli.critics.prompt import say
from actorcritic_cli.critics.styles import Style
from actorcritic_cli.learn.critique_words import as_written
from actorcritic_cli.learn.dataset import Context, Row, case_of
from actorcritic_cli.learn.training.tokens import PromptTokens
from actorcritic_cli.types import Message

_FIRST_WORDS = 40
"""Characters of a better reply that a compact critique tells."""


class Example(Struct, frozen=True):
    """One case: ``prompt`` and ``answer`` are tokens, the answer's first one the verdict."""

    row: str
    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    revise: bool
    weight: float = 1.0

    @property
    def tokens(self) -> tuple[int, ...]:
        """Prompt and answer."""
        return (*self.prompt, *self.answer)


def examples(
    rows: Iterable[Row], contexts: Mapping[str, Context], style: Style, tokens: PromptTokens, *, critiques: bool = True
) -> Iterator[Example]:
    """Yield the examples of rows; without ``critiques`` an answer is the verdict alone."""
    for row in rows:
        prompt = style.build(case_of(row, contexts), tokens.pair)
        revise = row.label == "revise"
        written = critique_of(row, style) if revise and critiques else ""
        answer = tokens.answer(revise, written)
        yield Example(row.id, tuple(tokens.prompt(prompt)), tuple(answer), revise, row.weight)


def critique_of(row: Row, style: Style) -> str:
    """Return the critique of a row as the critic is to write it (see ``critics.critique``); empty where nothing is known.

    For the compact style it is short: what is wrong in a sentence, and of what would be right the tool or the first words.
    A model small enough for that style would invent the rest.
    """
    wrong, right = row.wrong, row.right
    if style.name == "compact":
        wrong = wrong.partition(". ")[0]
    if row.better is not None:
        right = _in_short(row.better) if style.name == "compact" else _whole(row.better)
    texts = {"rule": row.rule, "wrong": wrong, "right": right}
    if not any(texts.values()):
        return ""
    fitting = {name: as_written(text) or "not known" for name, text in texts.items()}
    return msgspec.json.encode(fitting).decode().replace('":"', '": "').replace('","', '", "')


def _whole(better: Message) -> str:
    return say(better) if better.tool_calls else f"Say: {say(better)}"


def _in_short(better: Message) -> str:
    if better.tool_calls:
        return f"Call {', '.join(call.name for call in better.tool_calls)} with what was agreed."
    return f"Say: {compact.cut(' '.join((better.content or '').split()), _FIRST_WORDS)}"
