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

    What would be right is told in the words of the prompt's own style, so that ids can be copied as they stand.
    """
    right = row.right
    if row.better is not None:
        told = compact.say(row.better) if style.name == "compact" else say(row.better)
        right = told if row.better.tool_calls else f"Say: {told}"
    texts = {"rule": row.rule, "wrong": row.wrong, "right": right}
    if not any(texts.values()):
        return ""
    fitting = {name: as_written(text) or "not known" for name, text in texts.items()}
    return msgspec.json.encode(fitting).decode().replace('":"', '": "').replace('","', '", "')
