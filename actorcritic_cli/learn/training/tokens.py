"""Prompts as tokens, outside llama.cpp: the same tokens that the engine makes of them.

The engine makes tokens piece by piece and keeps control tokens out of data (``critics.vocab``); so does this, with the
tokeniser that training uses. That both agree is tested through the real engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from actorcritic_cli.critics import labels as pairs
from actorcritic_cli.critics.labels import ChosenLabels, LabelPair
from actorcritic_cli.critics.prompt import Prompt, Segment
from actorcritic_cli.critics.template import Frame, frame_of
from actorcritic_cli.critics.vocab import apart
from actorcritic_cli.errors import AccError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_REMEMBERED_TEXTS = 65_536


class TextTokens:
    """Text to tokens. ``backend`` is a ``tokenizers.Tokenizer``; its normaliser is left out, for llama.cpp has none."""

    def __init__(self, backend: Tokenizer):
        from tokenizers import normalizers

        backend.normalizer = normalizers.Sequence([])
        self._backend = backend
        added = [token.content for token in backend.get_added_tokens_decoder().values()]
        self._structural = tuple(sorted((text for text in added if len(text.strip()) > 1), key=len, reverse=True))
        self.data = lru_cache(maxsize=_REMEMBERED_TEXTS)(self._data)

    def structure(self, text: str) -> list[int]:
        """Return the tokens of a template's own text, control tokens included."""
        return list(self._backend.encode(text, add_special_tokens=False).ids) if text else []

    def _data(self, text: str) -> tuple[int, ...]:
        parts = (part for part in apart(text, self._structural) if part)
        return tuple(token for part in parts for token in self._backend.encode(part, add_special_tokens=False).ids)

    def id_of(self, token: str) -> int | None:
        """Return the id of a token, ``None`` if there is none."""
        found: int | None = self._backend.token_to_id(token)
        return found


class PromptTokens:
    """Prompts and answers as tokens, within a model's chat template (see ``Engine.tokens``).

    Raises ``AccError`` when the template can't be used or the vocabulary has no pair of labels that are single tokens.
    """

    def __init__(self, text: TextTokens, template: str, *, bos: str = "", eos: str = "", add_bos: bool = False):
        self.text = text
        self.frame: Frame = frame_of(template, bos, eos)
        chosen = pairs.choose(self.frame.after, text.structure)
        if chosen is None:
            raise AccError("The model has no yes/no pair of single tokens, so it can't be a critic; take another base.")
        self.labels: ChosenLabels = chosen
        first = text.id_of(bos) if bos and add_bos else None
        self._head = text.structure(self.frame.before)
        if first is not None and self._head[:1] != [first]:
            self._head = [first, *self._head]
        self._between = text.structure(self.frame.between)
        self._tail = text.structure(self.frame.after)
        end = text.id_of(eos) if eos else None
        self._end = [] if end is None else [end]

    @property
    def pair(self) -> LabelPair:
        """The words of the verdict."""
        return self.labels.pair

    def prompt(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a whole prompt: the next one is the verdict."""
        return [*self._head, *self._pieces(prompt.system), *self._between, *self._pieces(prompt.user), *self._tail]

    def answer(self, revise: bool, critique: str = "") -> list[int]:
        """Return the tokens of an answer: the verdict, after ``revise`` the critique (its JSON text), and the end."""
        if not revise:
            return [self.labels.approve, *self._end]
        written = [*self.text.data("\n"), *self.text.data(critique), *self._end] if critique else self._end
        return [self.labels.revise, *written]

    def _pieces(self, segments: Sequence[Segment]) -> list[int]:
        return [token for segment in segments for piece in segment.pieces for token in self.text.data(piece)]


def tokens_of(tokenizer: Any) -> PromptTokens:
    """Return what a tokeniser of transformers makes of prompts. Raises ``AccError`` for one without a chat template."""
    if not getattr(tokenizer, "is_fast", False):
        raise AccError("The base model's tokeniser has no tokenizer.json; take a model that has one.")
    template = tokenizer.chat_template
    if not isinstance(template, str) or not template:
        raise AccError("The base model has no chat template; take an instruction-tuned one.")
    add_bos = bool(getattr(tokenizer, "add_bos_token", False))
    bos, eos = tokenizer.bos_token or "", tokenizer.eos_token or ""
    return PromptTokens(TextTokens(tokenizer.backend_tokenizer), template, bos=bos, eos=eos, add_bos=add_bos)
