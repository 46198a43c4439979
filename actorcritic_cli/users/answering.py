"""The scripted user that answers what it is asked.

A script that goes by turn number fits one agent only: who asks for the cabin before the user id gets the wrong line. This
user holds *facts* instead and says each where it is asked for; it says yes only when a yes is asked for, says no to what
the task does not want, and leaves when the agent is done or nothing more can be had. It costs nothing, says the same to
the same words, and is a function of the public transcript alone.

**The shape** (``Task.extra["answers"]``, see ``Answers``; only ``opening`` is needed)::

    "extra": {"answers": {
      "opening":  "Hello, I would like to fly from JFK to Seattle on 20 May.",
      "facts":    [{"asked": ["user id"], "says": "My user id is ines_varga_7610."},
                   {"asked": ["cabin", "seat class"], "says": "Economy, please."}],
      "reacts":   [{"told": ["only one certificate"], "says": "Then the smaller one, and my Mastercard for the rest."}],
      "refuses":  [{"told": ["business class"], "says": "No, economy only."}],
      "insists":  ["Can't you make an exception?"],
      "wishes":   ["I also need one more checked bag."],
      "confirms": "Yes, please go ahead.",
      "unknown":  "I'm afraid I don't know that.",
      "closing":  "Thank you, that was all."
    }}

An entry of ``asked`` or ``told`` is a topic (``topics.TOPICS``: ``user id``, ``order id``, ``payment`` …) or a regular
expression, case aside. ``asked`` is looked for in the sentences that ask for something, ``told`` in the whole reply.

**What it says to a reply**, the first of these that applies:

1. the first of ``reacts`` not yet said whose ``told`` fits, and with it the facts that the reply also asks for;
2. every one of ``facts`` that is asked for, in order; and the yes, if another sentence of the same reply wants one;
3. where a yes is wanted: the first of ``refuses`` that fits, else ``confirms`` (without one: ``declines``);
4. where a request is declined: the next of ``insists``, then the next of ``wishes``, then the end;
5. where the agent is done, or asks whether there is anything else: the next of ``wishes``, then the end; but an agent that
   was never given a yes and never declined anything is told once that this is all;
6. asked what it wants: the next of ``wishes``, else the opening again; asked anything else: ``unknown``;
7. to a reply that asks nothing: ``Okay.``

The end is ``closing`` and the stop word. It also comes when four turns running brought nothing new.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from actorcritic_cli.errors import AccError
from actorcritic_cli.types import Task, Transcript
from actorcritic_cli.users.protocol import UserTurn
from actorcritic_cli.users.topics import TOPICS, Reply, heard, speaks_of

KEY = "answers"
"""Where the answers lie in ``Task.extra``."""
FROM_ANSWERS = "script:answers"
"""The name of this user in the record."""
STOP = "###STOP###"
PATIENCE = 4
"""How many turns running may bring nothing new before the user gives up."""
_OKAY = "Okay."
_ALL = "No, that is all."


class Fact(Struct, frozen=True, forbid_unknown_fields=True):
    """Something the user says when asked for it; as often as it is asked for."""

    asked: tuple[str, ...]
    says: str


class Reaction(Struct, frozen=True, forbid_unknown_fields=True):
    """Something the user says when told something."""

    told: tuple[str, ...]
    says: str


class Answers(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that a scripted user has to say in one task."""

    opening: str
    facts: tuple[Fact, ...] = ()
    reacts: tuple[Reaction, ...] = ()
    """Said once each, whatever else the reply does (an alternative for what turns out to be impossible)."""
    refuses: tuple[Reaction, ...] = ()
    """What is said in the place of a yes to a proposal the task does not want."""
    insists: tuple[str, ...] = ()
    """What is said, in order, when the request is declined."""
    wishes: tuple[str, ...] = ()
    """What else the user wants: brought up, in order, once the agent is done with what came before."""
    confirms: str | None = "Yes, please go ahead."
    """The yes; ``None`` for a user who agrees to nothing."""
    declines: str = "No, thank you."
    unknown: str = "I'm afraid I don't know that."
    closing: str = "Thank you, that was all."

    def pieces(self) -> Iterable[str]:
        """Yield everything that brings the conversation forward when it is said for the first time."""
        yield self.opening
        yield from (fact.says for fact in self.facts)
        yield from (reaction.says for reaction in (*self.reacts, *self.refuses))
        yield from self.insists
        yield from self.wishes
        yield from filter(None, (self.confirms,))


def answers_of(task: Task) -> Answers | None:
    """Return a task's answers, or ``None`` where it has none. Raises ``AccError`` when they are not of the right shape."""
    given = task.extra.get(KEY)
    if given is None:
        return None
    try:
        answers = msgspec.convert(given, Answers)
        for pattern in _patterns(answers):
            re.compile(pattern)
    except (msgspec.ValidationError, re.error) as error:
        raise AccError(f"The answers of task {task.id} cannot be used ({error}); mend extra.answers.") from error
    return answers


class AnsweringUser:
    """Answers each reply by what it asks. ``name`` goes into the record."""

    name = FROM_ANSWERS

    def __init__(self, answers: Answers):
        self.answers = answers

    @classmethod
    def from_task(cls, task: Task) -> AnsweringUser:
        """Return the user of a task's answers. Raises ``AccError`` when it has none."""
        answers = answers_of(task)
        if answers is None:
            raise AccError(f"Task {task.id} has no answers; give it extra.answers or choose another user.")
        return cls(answers)

    def speak(self, transcript: Transcript) -> UserTurn:
        """Return what the user says to the agent's last reply."""
        said = [message.content or "" for message in transcript if message.role == "user"]
        if not said:
            return UserTurn(self.answers.opening)
        words = answer(self.answers, heard(last_reply(transcript)), said)
        if words is None or (_brings_nothing(words, said, self.answers) and _idle(said, self.answers) + 1 >= PATIENCE):
            return UserTurn(f"{self.answers.closing} {STOP}".strip(), leaves=True)
        return UserTurn(words)


def last_reply(transcript: Transcript) -> str:
    """Return what the agent said since the user spoke; text beside a call is not heard."""
    for message in reversed(transcript):
        if message.role == "assistant" and not message.tool_calls:
            return message.content or ""
        if message.role == "user":
            break
    return ""


def answer(answers: Answers, reply: Reply, said: Sequence[str]) -> str | None:
    """Return the words for a reply, given what the user has said before; ``None`` at the end."""
    before = "\n".join(said)
    reaction = next((r.says for r in answers.reacts if r.says not in before and _told(r, reply)), None)
    facts = _asked(answers, reply, before)
    if reaction is not None:
        return " ".join([reaction, *facts])
    if facts and not (reply.declined and all(fact in before for fact in facts) and _next(answers.insists, before)):
        only_yes = [sentence for sentence in reply.proposes if sentence not in reply.asks]
        return " ".join([*facts, *([_ruling(answers, reply)] if only_yes else [])])
    holds_out = reply.declined and answers.confirms is None and _next(answers.insists, before) is not None
    if reply.proposes and not holds_out:
        return _ruling(answers, reply)
    if reply.handover and not reply.declined and answers.confirms is not None and answers.confirms not in before:
        return _ruling(answers, reply)
    if reply.declined:
        return _next(answers.insists, before) or _next(answers.wishes, before)
    if reply.anything_else or (reply.done and not reply.asks):
        return _next(answers.wishes, before) or _parting(answers, reply, before)
    if any(speaks_of("wish", sentence) for sentence in reply.asks):
        return _next(answers.wishes, before) or answers.opening
    return answers.unknown if reply.asks else _OKAY


def _asked(answers: Answers, reply: Reply, before: str) -> list[str]:
    """Return the facts that a reply asks for. A sentence that may also want a yes asks for news only."""
    asked: dict[str, None] = {}
    for fact in answers.facts:
        for sentence in reply.asks:
            open_to_yes = sentence in reply.proposes and fact.says in before
            if not open_to_yes and any(speaks_of(topic, sentence) for topic in fact.asked):
                asked[fact.says] = None
    return list(asked)


def _ruling(answers: Answers, reply: Reply) -> str:
    """Return the yes or no to a proposal."""
    refusal = next((r.says for r in answers.refuses if _told(r, reply)), None)
    return refusal or answers.confirms or answers.declines


def _parting(answers: Answers, reply: Reply, before: str) -> str | None:
    """Return what is said to an agent that seems done; ``None`` to leave. It may only have looked something up so far."""
    answered = answers.confirms is not None and answers.confirms in before
    if answered or _ALL in before or any(line in before for line in answers.insists):
        return None
    return _ALL if reply.anything_else else _OKAY


def _told(reaction: Reaction, reply: Reply) -> bool:
    return any(speaks_of(topic, reply.text) for topic in reaction.told)


def _next(lines: Iterable[str], before: str) -> str | None:
    return next((line for line in lines if line not in before), None)


def _brings_nothing(words: str, said: Sequence[str], answers: Answers) -> bool:
    before = "\n".join(said)
    return not any(piece in words and piece not in before for piece in answers.pieces())


def _idle(said: Sequence[str], answers: Answers) -> int:
    """Return how many turns running, up to now, brought nothing new."""
    count = 0
    while count < len(said) and _brings_nothing(said[-1 - count], said[: len(said) - 1 - count], answers):
        count += 1
    return count


def _patterns(answers: Answers) -> Iterable[str]:
    for fact in answers.facts:
        yield from (topic for topic in fact.asked if topic not in TOPICS)
    for reaction in (*answers.reacts, *answers.refuses):
        yield from (topic for topic in reaction.told if topic not in TOPICS)
