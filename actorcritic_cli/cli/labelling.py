"""A person at the terminal who labels proposals, one key each.

Every answer is written at once, so that leaving in whatever way loses none, and the next time goes on where it stopped.
What the critic said of a proposal is shown only after the answer, so that nobody is led by it.
"""

from __future__ import annotations

import sys

from msgspec import Struct
from rich.console import Console

from actorcritic_cli.cli.keys import END_OF_INPUT, Keys
from actorcritic_cli.learn.candidates import Candidate, Only, candidates
from actorcritic_cli.replay.story import Story, told
from actorcritic_cli.show.bar import counting
from actorcritic_cli.show.label import label_text, print_candidate, print_policy, print_task, verdict_lines
from actorcritic_cli.show.story import print_lines
from actorcritic_cli.store.labels import labels, put_label, take_label
from actorcritic_cli.store.library import Library
from actorcritic_cli.text import encodable, redact
from actorcritic_cli.types import Label

_MEANINGS = "g good  b bad  s skip  u undo  m more  p policy  q quit"


class Done(Struct, frozen=True):
    """How far a person came: labels given now, proposals that have none of theirs yet."""

    labelled: int
    left: int


class Labelling:
    """Walks through the proposals of sessions that this labeller has not labelled yet (all with ``again``)."""

    def __init__(
        self,
        library: Library,
        console: Console,
        keys: Keys,
        *,
        only: Only,
        labeller: str = "",
        show_verdict: bool = False,
        again: bool = False,
    ):
        self.library, self.console, self.keys = library, console, keys
        self.only, self.labeller, self.show_verdict, self.again = only, labeller, show_verdict, again
        self.known: dict[tuple[str, str], Label] = {}
        """What this labeller has said: (session, proposal's name) → label."""
        self.given = 0
        self.asked = 0
        """How many proposals there are to ask about."""
        self._shown: str | None = None

    def walk(self, sessions: list[str]) -> Done:
        """Ask until there is nothing left or the person leaves. ``KeyboardInterrupt`` passes through."""
        queue = self._queue(sessions)
        number = {place: n for n, place in enumerate(queue, start=1)}
        asked = [place for place in queue if self.again or place not in self.known]
        self.asked = len(asked)
        answered: list[
            tuple[int, Label | None, bool]
        ] = []  # (place in the queue, what was known before, a label given)
        at = 0
        while at < len(asked):
            session, name = asked[at]
            candidate = self._candidate(session, name)
            match self._ask(candidate, f"{number[asked[at]]} of {len(queue)}"):
                case "quit":
                    break
                case "undo" if answered:
                    at, before, gave = answered.pop()
                    if gave:
                        self._put_back(*asked[at], before)
                case "undo":
                    self.console.print("Nothing to undo.")
                case "skip":
                    answered.append((at, None, False))
                    at += 1
                case Label() as label:
                    answered.append((at, self.known.get((session, name)), True))
                    self._keep(candidate, label)
                    at += 1
        return Done(self.given, sum(place not in self.known for place in queue))

    def _queue(self, sessions: list[str]) -> list[tuple[str, str]]:
        queue: list[tuple[str, str]] = []
        with counting("reading sessions") as progress:
            for done, session in enumerate(sessions, start=1):
                queue += [(session, name) for name in self._names(session)]
                progress(done, len(sessions))
        return queue

    def _names(self, session: str) -> list[str]:
        for label in labels(self.library.database, session=session, source="human", labeller=self.labeller):
            self.known[session, f"{label.step}.{label.attempt}"] = Label(label.label, label.why, "human")
        return [candidate.name for candidate in candidates(self._story(session), self.only)]

    def _story(self, session: str) -> Story:
        return told(self.library.events(session))

    def _candidate(self, session: str, name: str) -> Candidate:
        story = self._story(session)
        if self._shown != session:
            print_task(self.console, story)
            self._shown = session
        return next(candidate for candidate in candidates(story, self.only) if candidate.name == name)

    def _ask(self, candidate: Candidate, place: str) -> Label | str:
        """Show a proposal and return the answer: a label, or ``skip``, ``undo`` or ``quit``."""
        print_candidate(self.console, candidate, place=place, show_verdict=self.show_verdict)
        known = self.known.get((candidate.story.started.session, candidate.name))
        if known is not None:
            self.console.print(f"your label: {label_text(known)}", markup=False)
        while True:
            self.console.print(f"{_MEANINGS} ", end="", style="bold")
            key = self.keys.key()
            if key == END_OF_INPUT:
                return "quit"
            self.console.print()
            match key.lower():
                case "g":
                    return Label("approve", "", "human")
                case "b":
                    return Label("revise", self._why(), "human")
                case "s":
                    return "skip"
                case "u":
                    return "undo"
                case "q":
                    return "quit"
                case "m":
                    print_candidate(self.console, candidate, place=place, full=True, show_verdict=self.show_verdict)
                case "p":
                    print_policy(self.console, candidate.story)
                case _:
                    self.console.print(f"The key {key!r} means nothing here.", markup=False)

    def _why(self) -> str:
        return encodable(redact(self.keys.line("why (Enter for none): ").strip()))

    def _keep(self, candidate: Candidate, label: Label) -> None:
        session = candidate.story.started.session
        put_label(self.library.database, session, candidate.turn.step, candidate.tried.attempt, label, self.labeller)
        self.known[session, candidate.name] = label
        self.given += 1
        self.console.print(f"{candidate.name} is {label_text(label)}", markup=False)
        if not self.show_verdict:
            print_lines(self.console, verdict_lines(candidate.tried.verdict))

    def _put_back(self, session: str, name: str, label: Label | None) -> None:
        step, attempt = (int(part) for part in name.split("."))
        if label is None:
            take_label(self.library.database, session, step, attempt, "human", self.labeller)
            del self.known[session, name]
        else:
            put_label(self.library.database, session, step, attempt, label, self.labeller)
            self.known[session, name] = label
        self.given -= 1


def can_walk() -> bool:
    """Whether there is a person to ask: keys come from a terminal, and proposals are shown on one."""
    return sys.stdin.isatty() and sys.stdout.isatty()
