"""A byte-level BPE vocabulary for the random-weight models, learned from a few pages of text.

A random model needs no knowledge, but its *speed* is only that of a real one if text costs as many tokens as it does
with a real vocabulary (three to five characters each). So the merges are learned for real, from text like that which
the critic will read, and the rest of the vocabulary is padded with unused tokens up to the true size.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from typing import Any

from msgspec import Struct

from actorcritic_cli.critics.labels import CANDIDATES, LabelPair

CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

# How the pre-tokeniser that llama.cpp calls "qwen2" cuts text before the merges apply.
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LABEL_WEIGHT = 2000
"""How often each label word is shown to the learner: more often than any pair of letters, so it becomes one token."""


class Vocabulary(Struct, frozen=True):
    """Tokens in order of their ids, merges as ``left right``, and how many of the tokens are learned."""

    tokens: tuple[str, ...]
    merges: tuple[str, ...]
    learned: int

    def id_of(self, token: str) -> int:
        """Return the id of a token."""
        return self.tokens.index(token)


def default_corpus() -> str:
    """Return the text that the vocabulary is learned from when no other is given."""
    return resources.files("actorcritic_cli.critics").joinpath("corpus.txt").read_text(encoding="utf-8")


def questions() -> list[str]:
    """Return a corpus by which the questions' words become whole tokens, as they are in a real vocabulary: they are read
    anew with every judgement."""
    return [f"entry {pair.brief}\n" * _LABEL_WEIGHT for pair in CANDIDATES]


def splitter() -> Any:
    """Return the pre-tokeniser (of ``tokenizers``) that llama.cpp calls "qwen2"."""
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def learn(size: int, corpus: Iterable[str] | None, labels: LabelPair) -> Vocabulary:
    """Learn a vocabulary of at most ``size`` tokens and pad it to exactly that; the same input gives the same output.

    A given corpus is learned together with the default one, because the critic's own words are always read.
    """
    return _learn(size, tuple(corpus) if corpus is not None else (), labels)


@lru_cache(maxsize=4)
def _learn(size: int, corpus: tuple[str, ...], labels: LabelPair) -> Vocabulary:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = splitter()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(CONTROL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=1,  # a word seen once may come again: better whole than in letters
        show_progress=False,
    )
    words = {word for pair in (labels, *CANDIDATES) for word in (pair.revise, pair.approve)}
    tokenizer.train_from_iterator(
        [default_corpus(), *corpus, *(f"{word}\n" * _LABEL_WEIGHT for word in sorted(words))], trainer
    )
    model = json.loads(tokenizer.to_str())["model"]
    learned = sorted(model["vocab"], key=model["vocab"].__getitem__)
    merges = tuple(" ".join(pair) if isinstance(pair, list) else pair for pair in model["merges"])
    count = len(learned) + len(CONTROL_TOKENS)
    unused = (f"<|unused_{index}|>" for index in range(count, size))
    return Vocabulary(tokens=(*learned, *CONTROL_TOKENS, *unused), merges=merges, learned=len(learned))
