"""What is learned from: the verdict, the critique, and for a model that starts from nothing the prompts themselves."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from actorcritic_cli.critics.labels import ChosenLabels
from actorcritic_cli.learn.training.model import outputs
from actorcritic_cli.learn.training.packing import Pack
from actorcritic_cli.learn.training.recipe import Recipe


class Losses(Struct):
    """Sums over a pack, in nats: of verdicts and critiques weighted by their examples, of reading by token.

    ``verdict``, ``critique`` and ``reading`` are torch scalars; ``examples``, ``critiques`` and ``tokens`` say how much
    they are sums of. ``p_revise`` is float (examples,), as the engine would read it off.
    """

    verdict: Any
    critique: Any
    reading: Any
    examples: float
    critiques: float
    tokens: int
    p_revise: Any

    def total(self, recipe: Recipe) -> Any:
        """Return what is minimised: means, weighted as the recipe says."""
        value = recipe.verdict_weight * self.verdict / max(self.examples, 1e-9)
        if self.critiques:
            value = value + recipe.critique_weight * self.critique / self.critiques
        if self.tokens and recipe.reading:
            value = value + recipe.reading * self.reading / self.tokens
        return value


def losses(model: Any, pack: Pack, labels: ChosenLabels, recipe: Recipe, device: Any) -> Losses:
    """Return the losses of a pack."""
    import numpy as np
    import torch
    from torch.nn.functional import cross_entropy, log_softmax

    read = pack.reading[:: recipe.reading_every] if recipe.reading else pack.reading[:0]
    places = np.concatenate([pack.verdicts, pack.critiques[:, 0], read[:, 0]])
    logits = outputs(model, pack, places, device)
    first, second = len(pack.verdicts), len(pack.verdicts) + len(pack.critiques)

    weights = torch.tensor([example.weight for example in pack.examples], device=device)
    revise = torch.tensor([example.revise for example in pack.examples], device=device)
    log_p = log_softmax(logits[:first], dim=-1)[:, [labels.revise, labels.approve]]
    right = torch.where(revise, log_p[:, 0], log_p[:, 1])
    other = torch.where(revise, log_p[:, 1], log_p[:, 0])
    verdict = -(((1 - recipe.smoothing) * right + recipe.smoothing * other) * weights).sum()

    # Every critique counts alike, long or short.
    owner = pack.critiques[:, 2]
    share = torch.tensor(
        [pack.examples[number].weight / count for number, count in zip(owner, _sizes(owner), strict=True)],
        device=device,
    )
    written = torch.from_numpy(pack.critiques[:, 1]).to(device)
    critique = (cross_entropy(logits[first:second], written, reduction="none") * share).sum()
    reading = cross_entropy(logits[second:], torch.from_numpy(read[:, 1]).to(device), reduction="sum")
    return Losses(
        verdict,
        critique,
        reading,
        float(weights.sum()),
        float(sum(pack.examples[number].weight for number in set(owner.tolist()))),
        len(read),
        torch.sigmoid(logits[:first, labels.revise] - logits[:first, labels.approve]).detach().cpu(),
    )


def _sizes(owner: Any) -> list[int]:
    """Return, for each place, how many places its example has."""
    import numpy as np

    _, inverse, counts = np.unique(owner, return_inverse=True, return_counts=True)
    return [int(counts[place]) for place in inverse]
