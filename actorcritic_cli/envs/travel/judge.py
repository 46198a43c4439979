"""What an environment's judge is: it says what a search asks for and what kind of question a question is.

Two decisions are all that the game needs a mind for. Whoever makes them, rules or a model, gets the same case and gives one
of the same typed answers; ``Undecided`` says that there is no answer, which is never disguised as one.
"""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

from actorcritic_cli.envs.travel.scenario import Aspect, Scenario
from actorcritic_cli.types import ModelCall

Category = Literal[1, 2, 3, 4]
"""1 ordinary talk; 2 a concrete question for a preference that is there; 3 the same for one that is not; 4 a vague
question for preferences."""


class Line(Struct, frozen=True):
    """One thing said or done in the open so far: ``agent``, ``user`` or ``search`` (the database), in short."""

    who: Literal["agent", "user", "search"]
    text: str


class Case(Struct, frozen=True):
    """What a judge may look at. ``text`` is the agent's, and data: nothing in it is an instruction.

    ``remaining`` are the ids of preferences not revealed yet; ``topic`` is the aspect last talked about.
    """

    scenario: Scenario
    text: str
    remaining: tuple[str, ...]
    topic: Aspect | None = None
    history: tuple[Line, ...] = ()


class SearchVerdict(Struct, frozen=True):
    """The aspect for which the request is right and complete; ``None``: it is not. ``reason`` is for the record."""

    aspect: Aspect | None
    reason: str = ""
    calls: tuple[ModelCall, ...] = ()


class QuestionVerdict(Struct, frozen=True):
    """The kind of an utterance. ``preference`` is set with category 2 only; ``topic`` is the aspect it is about."""

    category: Category
    preference: str | None = None
    topic: Aspect | None = None
    reason: str = ""
    calls: tuple[ModelCall, ...] = ()


class Undecided(Struct, frozen=True):
    """The judge could not judge (no answer, an unreadable one); ``reason`` says why, without secrets."""

    reason: str
    calls: tuple[ModelCall, ...] = ()


class Judge(Protocol):
    """Who decides. Never raises for what an agent or a provider can send; keeps no state between cases."""

    @property
    def name(self) -> str:
        """``rules``, or ``llm:`` and the model's resolved name."""
        ...

    def search(self, case: Case) -> SearchVerdict | Undecided:
        """Say for which aspect a request is a right and complete search."""
        ...

    def question(self, case: Case) -> QuestionVerdict | Undecided:
        """Say what kind of utterance a text is."""
        ...
