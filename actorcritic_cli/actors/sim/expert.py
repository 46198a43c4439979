"""The expert of a service desk: from a task's ground truth to a perfect conversation.

It finds out who is asking, looks up what the request is about, asks for what is missing, says what it is going to do and
asks for a yes, does it, reports, and takes its leave; it declines with the rule where the task has nothing to be written,
and hands over where the ground truth does. Which of this comes next is read off the transcript each time, so it fits
whatever the user says: who tells everything at once is asked nothing, who brings up a second wish late gets it late.

A write that the user has not asked for yet is held back as long as something the user is still going to say (by the task's
answers or script) asks for it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random

from actorcritic_cli.actors.sim import slips, spoil
from actorcritic_cli.actors.sim.desk import Desk
from actorcritic_cli.actors.sim.moves import Move, SlipKind
from actorcritic_cli.actors.sim.past import Past
from actorcritic_cli.types import ExpectedAction, Task

GO_AHEAD = "Shall I go ahead?"
ANYTHING_ELSE = "Is there anything else I can do for you?"
FIGURES = "What you asked about: "
OFFER = "Shall I transfer you to a human agent?"
_WISH = "What would you like me to do?"
_GOODBYE = "You're welcome. Thank you for getting in touch, and goodbye!"
_PROPOSALS = 3
"""How often a yes to the same thing is asked for."""
_FAILURES = 3
"""How often a tool may refuse before the expert gives up on it."""
_CONTENT = re.compile(
    r"\b(?:thank|thanks|bye|goodbye|okay|ok|alright|all right|fine|cheers|grazie|merci|great|perfect|lovely|keep|leave it"
    r"|never mind|that(?:'s| is| was) (?:all|it|everything)|pity|too bad|think about it|another day)\b",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"\bhow much\b|\bwhat (?:is|was|were|do)\b|\bagain\b|\bonce more\b|\bamount\b|\btotal\b", re.IGNORECASE
)


class DeskExpert:
    """Knows one task of a service desk (see ``moves.Expert``)."""

    rates: Mapping[SlipKind, float] = slips.DESK

    def __init__(self, task: Task, desk: Desk, transfer: str | None):
        self.task, self.desk, self.transfer = task, desk, transfer

    def move(self, past: Past) -> Move:
        """Return the right move."""
        who = self.desk.identify(self.task, past)
        if who is not None:
            return who
        waiting = self.waiting(past)
        if waiting:
            return self._carry_out(waiting, past)
        if past.wrote_last():
            return self._report(past)
        look = self._look(past)
        if look is not None:
            return look
        if self._transfers() is not None:
            return self._hand_over(past)
        return self._talk(past)

    def slip(self, kind: SlipKind, move: Move, past: Past, draw: Random) -> Move | None:
        """Return the move spoilt by a slip, ``None`` where a slip of this kind cannot be."""
        return spoil.spoilt(self, kind, move, past, draw)

    def rule(self, kind: SlipKind, past: Past) -> str:
        """Return the number of the rule that a slip breaks, if the policy has one of this number."""
        rule = self.desk.rules.get(kind, "")
        return rule if rule in past.policy else ""

    def writes(self, past: Past) -> list[ExpectedAction]:
        """Return the task's writes, in order."""
        return [action for action in self.task.actions if past.effect(action.name) == "write"]

    def waiting(self, past: Past) -> list[ExpectedAction]:
        """Return the writes that are asked for and still to be made."""
        made = Counter(call.name for call in past.writes())
        failed = Counter(call.name for call in past.calls if call.failed)
        found = []
        for write in self.writes(past):
            if made[write.name] > 0:
                made[write.name] -= 1
            elif (
                failed[write.name] < _FAILURES
                and not self._held(write, past, past.words)
                and not self._left(write, past)
            ):
                found.append(write)
        return found

    def report_of(self, sentences: list[str]) -> Move:
        """Return the move that says what was done and asks for more."""
        return Move("report", " ".join([*sentences, ANYTHING_ELSE]))

    def _carry_out(self, writes: list[ExpectedAction], past: Past) -> Move:
        for write in writes:
            look = self.desk.look(self.task, write, past)
            if look is not None:
                return look
        agreed = [write for write in writes if past.agreed(self.desk.headline(write))]
        if agreed:
            return Move("write", tool=agreed[0].name, arguments=agreed[0].arguments)
        names = tuple(dict.fromkeys(write.name for write in writes))
        missing = [question.text for question in self.desk.questions(names, past) if question.needed(past)]
        if missing:
            return Move("ask", _asking(missing))
        if all(past.told(self.desk.headline(write)) >= _PROPOSALS for write in writes):
            return self.report_of(["Then I have left everything as it is."])
        return self._propose(writes, past)

    def _propose(self, writes: list[ExpectedAction], past: Past) -> Move:
        parts = [f"I would {self.desk.headline(w)}: {self.desk.details(self.task, w, past)}" for w in writes]
        remark = self.desk.remark(self.task, writes, past)
        if remark and not past.told(remark):
            parts.insert(0, remark)
        return Move("propose", " ".join([*parts, *self._figures(past), GO_AHEAD]))

    def _report(self, past: Past) -> Move:
        """Say what was done since the last report, whatever it was."""
        reported = max((i for i, m in enumerate(past.transcript) if ANYTHING_ELSE in (m.content or "")), default=-1)
        done = [self.desk.done(made.name, made.arguments) for made in past.writes() if made.index > reported]
        return self.report_of([*done, *self._figures(past)])

    def _figures(self, past: Past) -> list[str]:
        """Say what the task wants to hear, unless something was said about it before, right or wrong."""
        if not self.task.outputs or past.told(FIGURES):
            return []
        return [f"{FIGURES}{'; '.join(self.task.outputs)}."]

    def _look(self, past: Past) -> Move | None:
        """Return the next read that the ground truth or the request calls for."""
        if self.writes(past) and past.writes():
            return None
        for action in self.task.actions:
            if past.effect(action.name) == "read" and past.result(action.name, action.arguments) is None:
                return Move("look", tool=action.name, arguments=action.arguments)
        return self.desk.look(self.task, None, past)

    def _transfers(self) -> ExpectedAction | None:
        return next((action for action in self.task.actions if action.name == self.transfer), None)

    def _hand_over(self, past: Past) -> Move:
        action = self._transfers()
        assert action is not None
        if past.told(OFFER):
            return Move("transfer", tool=action.name, arguments=action.arguments)
        summary = str(action.arguments.get("summary", "")).rstrip(".")
        return Move("offer", f"This is for a colleague of mine. I would pass on the following: {summary}. {OFFER}")

    def _talk(self, past: Past) -> Move:
        """Nothing is to be done (any more): answer, decline, or take leave."""
        last, settled = past.said[-1] if past.said else "", len(past.replies) > 0
        figures = self._figures(past)
        if figures and not self.writes(past):
            return self.report_of(["I have looked it up for you.", *figures])
        if past.told(FIGURES) and _AGAIN.search(last):
            return self.report_of([next(s for reply, _ in past.replies for s in _sentences(reply) if FIGURES in s)])
        if settled and _CONTENT.search(last) and (past.told(ANYTHING_ELSE) or past.told("(that is")):
            return Move("close", _GOODBYE)
        missing = [question.text for question in self.desk.questions((), past) if question.needed(past)]
        if missing and not past.writes():
            return Move("ask", _asking(missing))
        refusal = self.desk.refusal(self.task, past, last)
        if refusal is None and not past.told(ANYTHING_ELSE):
            refusal = self.desk.refusal(self.task, past, past.words)
        if refusal is None:
            return Move("close", _GOODBYE) if past.told(ANYTHING_ELSE) else Move("ask", _WISH)
        rule = f" (that is rule {refusal.rule[1:]})" if refusal.rule in past.policy else " (that is our rule)"
        again = " I cannot make an exception." if past.told(refusal.text) else ""
        return Move("decline", f"I am sorry, but {refusal.text}{rule}.{again}")

    def _held(self, write: ExpectedAction, past: Past, words: str) -> bool:
        if self._speaks_of(write, past, words):
            return False
        topic = self.desk.topics.get(write.name)
        return topic is not None and any(
            re.search(topic, line, re.IGNORECASE) for line in still_to_say(self.task, words)
        )

    def _speaks_of(self, write: ExpectedAction, past: Past, words: str) -> bool:
        """Whether the user has asked for a write; of several alike, ids tell which."""
        topic = self.desk.topics.get(write.name)
        if topic is None or re.search(topic, words, re.IGNORECASE) is None:
            return topic is None
        alike = [other for other in self.writes(past) if other.name == write.name]
        if len(alike) < 2 or spoil.record_of(write.arguments) in words:
            return True
        return not any(spoil.record_of(other.arguments) in words for other in alike)

    def _left(self, write: ExpectedAction, past: Past) -> bool:
        """Whether the expert has asked for more since the user asked for this: then it is over, done or not."""
        words = ""
        for message in past.transcript:
            if message.role == "user":
                words += f"\n{message.content or ''}"
            elif ANYTHING_ELSE in (message.content or "") and not self._held(write, past, words):
                return True
        return False


def still_to_say(task: Task, words: str) -> Iterator[str]:
    """Yield what the task's user will bring up of its own accord and has not said yet."""
    answers = task.extra.get("answers")
    if isinstance(answers, dict):
        lines = [*answers.get("insists", ()), *answers.get("wishes", ())]
        lines += [reaction.get("says", "") for reaction in answers.get("reacts", ())]
    else:
        lines = list(task.script)
    yield from (line for line in lines if line not in words)


def _asking(questions: list[str]) -> str:
    if len(questions) == 1:
        return questions[0]
    return "Please tell me:\n" + "\n".join(f"- {question}" for question in questions)


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+", text)
