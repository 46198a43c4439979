"""What a training is made of: everything that, with the data, decides the weights."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from actorcritic_cli.errors import UsageError

StyleName = Literal["full", "compact"]


class Recipe(Struct, frozen=True, forbid_unknown_fields=True):
    """How a critic is trained.

    Either ``base`` (a model of the hub, or a folder) gets a LoRA adapter (arXiv 2106.09685), or, where it is empty, the
    small architecture is trained from nothing. The loss of an example is the verdict's cross-entropy times
    ``verdict_weight``, plus the mean of the critique's times ``critique_weight``; nothing else is learned from, unless
    ``reading`` is set: then the mean cross-entropy of predicting the prompts counts too, times ``reading``. A model that
    starts from nothing needs that to learn how to read; a pretrained one does not.
    """

    base: str = ""
    style: StyleName = "full"
    seed: int = 0
    epochs: int = 3
    """0 trains nothing: the weights as they begin, for a control."""
    learning_rate: float = 1e-4
    warmup: float = 0.03
    """Share of all steps in which the learning rate rises; then it falls as a cosine to a tenth."""
    weight_decay: float = 0.01
    tokens_per_pass: int = 2048
    """Tokens that are read together (see ``packing``)."""
    passes_per_step: int = 1
    verdict_weight: float = 1.0
    critique_weight: float = 0.2
    reading: float = 0.0
    reading_every: int = 1
    """Of every so many places of the prompts, one is predicted: a share is enough to learn to read by, and cheaper."""
    smoothing: float = 0.0
    """Label smoothing: what probability the other verdict is to get."""
    vary: bool = False
    """Other ids and names in every epoch (see ``vary``)."""
    reword: float = 0.0
    """Share of the sessions in which the agent speaks in other words, in every epoch in others (see ``reword``)."""
    patience: int = 2
    """Epochs without a better verdict loss on the validation split after which it ends; 0: never."""
    lora_rank: int = 16
    layers: int = 6
    width: int = 192
    heads: int = 6
    feed_forward: int = 384
    vocabulary: int = 2048
    context: int = 4096
    """These five: of the small architecture."""

    def check(self) -> Recipe:
        """Return the recipe itself. Raises ``UsageError`` for a senseless one."""
        counts = (self.tokens_per_pass, self.passes_per_step, self.lora_rank, self.reading_every)
        if min(counts) < 1 or self.learning_rate <= 0:
            raise UsageError("Tokens, passes, rank and learning rate must be greater than zero.")
        if self.epochs < 0:
            raise UsageError("The epochs must not be negative; 0 keeps the weights as they begin, as a control.")
        if not 0 <= self.reword <= 1:
            raise UsageError("The share of the sessions that are reworded must be from 0 to 1.")
        if not 0 <= self.smoothing < 0.5:
            raise UsageError("The label smoothing must be at least 0 and less than 0.5.")
        if min(self.verdict_weight, self.critique_weight, self.reading) < 0:
            raise UsageError("The weights of the losses must not be negative.")
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise UsageError("The width must be a multiple of twice the number of heads.")
        return self


SMALL = Recipe(
    style="compact",
    epochs=8,
    learning_rate=3e-3,
    weight_decay=0.05,
    tokens_per_pass=1536,
    passes_per_step=1,
    critique_weight=0.2,
    reading=0.2,
    reading_every=4,
    vary=True,
    reword=0.6,
    patience=0,
    layers=3,
    width=128,
    heads=4,
    feed_forward=384,
    vocabulary=3072,
    context=2048,
)
"""The recipe of the small architecture, from nothing: about a million parameters, for a prompt of a few hundred tokens."""
