"""Where a candidate stands in the conversation: after what, after which answer, and whether the agent spoke of it before."""

from __future__ import annotations

import re
from collections.abc import Mapping

from actorcritic_cli.critics.evidence.texts import plain, straight
from actorcritic_cli.types import Effect, Message, Transcript

_YES = re.compile(
    r"\b(?:yes|yeah|yep|sure|certainly|go ahead|confirm(?:ed)?|please do|do it|do that|proceed|agreed?|that is right"
    r"|that's right|alright|all right|okay|ok)\b",
    re.IGNORECASE,
)
_NO = re.compile(r"\b(?:no|not|don't|never|nothing)\b", re.IGNORECASE)
_ASKS = re.compile(
    r"\?|\bplease (?:confirm|reply|say|tell|provide|share|choose|list|let me know)\b|\blet me know\b"
    r"|\bI(?:'ll| will)? need\b",
    re.IGNORECASE,
)
_CLAIMS = re.compile(
    r"\b(?:has|have|was|were) (?:\w+ )?(?:been|made|done|cancell?ed|updated|changed|booked|sent)\b"
    r"|\bI(?: have|'ve)(?: \w+){0,2} \w+ed\b|\bis now\b|\bsuccessfully\b|\bwent through\b|\ball set\b",
    re.IGNORECASE,
)
_DENIES = re.compile(r"\b(?:sorry|unfortunately|not possible|cannot|can't|unable|impossible)\b", re.IGNORECASE)


class Situation:
    """What came before a candidate."""

    def __init__(self, transcript: Transcript, effects: Mapping[str, Effect]):
        self._effects = effects
        talk = [m for m in transcript if m.role != "system"]
        last = max((i for i, m in enumerate(talk) if m.role == "assistant" and not m.tool_calls), default=-1)
        self._reply = straight(talk[last].content or "") if last >= 0 else ""
        after = talk[last + 1 :]
        said = straight(" ".join(m.content or "" for m in after if m.role == "user"))
        self._answer = "yes" if _YES.search(said) else "no" if _NO.search(said) else "other" if said else "silent"
        self._writes = sum(wrote(m, self._effects) for m in after)
        self._before = self._kind(talk[-1]) if talk else "start"

    def told(self, message: Message) -> str:
        """Return a few words: what the candidate does after what, and how much of it was spoken of."""
        calls = message.tool_calls
        does = self._effects.get(calls[0].name, "none") if calls else "reply"
        asks = "asked" if _ASKS.search(self._reply) else "stated" if self._reply else "unheard"
        found = f"{does} after {self._before} {asks} {self._answer} writes {min(self._writes, 3)}"
        if not calls:
            text = straight(message.content or "")
            return " ".join(
                [found, *(["denies"] if _DENIES.search(text) else ["claims"] if _CLAIMS.search(text) else [])]
            )
        words = [word for word in calls[0].name.lower().split("_") if len(word) > 2]
        reply = f" {plain(self._reply)} "
        if does == "write" and (asks != "asked" or self._answer != "yes"):
            found = f"{found} unconfirmed"
        return f"{found} named {sum(f' {word}' in reply for word in words)} of {len(words)}"

    def only_asks(self, message: Message) -> bool:
        """Whether a reply asks something, and neither says that anything was done nor that it is not possible.

        After a yes to a question something is to be done, so that asking on may be wrong.
        """
        text = straight(message.content or "")
        followed = self._answer == "yes" and _ASKS.search(self._reply)
        return bool(_ASKS.search(text)) and not (followed or _DENIES.search(text) or _CLAIMS.search(text))

    def _kind(self, message: Message) -> str:
        if message.role != "tool":
            return message.role
        if _failed(message):
            return "failure"
        return self._effects.get(message.name or "", "none")


def wrote(message: Message, effects: Mapping[str, Effect]) -> bool:
    """Whether a message is the result of a write that succeeded."""
    return message.role == "tool" and effects.get(message.name or "") == "write" and not _failed(message)


def _failed(result: Message) -> bool:
    return (result.content or "").startswith("Error")
