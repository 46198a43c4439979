"""The two words a critic may answer with.

The verdict is read from the probabilities of two tokens, so each of the two words must be *one* token of the model at
the place where it answers. Which words are, depends on the vocabulary: the pair is chosen when the model is loaded, and
the question is worded to fit it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct


class LabelPair(Struct, frozen=True):
    """What the critic answers when the proposal must be revised, and what when it may take effect."""

    revise: str
    approve: str

    @property
    def question(self) -> str:
        """The question that comes last, in as few tokens as possible, for every judgement reads it anew."""
        if len(self.revise) == 1:
            return f"{self.revise}: revise the last entry. {self.approve}: leave it. {self.approve} or {self.revise}?"
        if self.revise.lower() == "yes":
            return f"Must the last entry be revised? {self.revise} or {self.approve}?"
        return f"The last entry: {self.revise} or {self.approve}?"

    @property
    def brief(self) -> str:
        """The question in the fewest tokens, for a critic that was told before what it is asked and with which words it
        answers: every judgement reads it anew, and all of it only after the proposal is there."""
        if len(self.revise) == 1:
            return f"{self.revise}: revise. {self.approve}: leave it. {self.approve} or {self.revise}?"
        if self.revise.lower() == "yes":
            return "revise?"
        return f"{self.revise} or {self.approve}?"


CANDIDATES: tuple[LabelPair, ...] = (
    LabelPair("yes", "no"),
    LabelPair("Yes", "No"),
    LabelPair("revise", "approve"),
    LabelPair("B", "A"),
    LabelPair("1", "0"),
)


class ChosenLabels(Struct, frozen=True):
    """A pair that fits a model, with the token ids of both words."""

    pair: LabelPair
    revise: int
    approve: int


Scaling = tuple[float, float]
"""Slope a and intercept b: a model whose label logits differ by d says p_revise = 1 / (1 + exp(-(a·d + b))).

This is how probabilities that order proposals well are brought to mean what they say (J. Platt, *Probabilistic outputs for
support vector machines*, 1999), by a fit on labelled cases. It never changes the order.
"""
UNSCALED: Scaling = (1.0, 0.0)

Tokenise = Callable[[str], Sequence[int]]


def single_token(tail: str, word: str, tokenise: Tokenise) -> int | None:
    """Return the one token that ``word`` becomes after ``tail``, or ``None`` if it becomes several.

    Tokenising both together shows what the model would really see: a word may melt into what stands before it.
    """
    before = list(tokenise(tail))
    both = list(tokenise(tail + word))
    if len(both) == len(before) + 1 and both[:-1] == before:
        return both[-1]
    return None


def choose(tail: str, tokenise: Tokenise, wanted: Iterable[LabelPair] = ()) -> ChosenLabels | None:
    """Return the first pair of which both words are single, different tokens after ``tail``; ``None`` if there is none.

    ``wanted`` (what the file's own metadata ask for) is tried before the common candidates.
    """
    for pair in (*wanted, *CANDIDATES):
        revise = single_token(tail, pair.revise, tokenise)
        approve = single_token(tail, pair.approve, tokenise)
        if revise is not None and approve is not None and revise != approve:
            return ChosenLabels(pair, revise, approve)
    return None
