"""What service agents ask and say, as patterns: how a scripted user hears what a reply is about.

A topic is a thing an agent may ask for (``user id``, ``cabin``, ``order id`` …). Tasks name topics instead of repeating
patterns; whatever is no topic is taken as a pattern itself. Patterns are regular expressions, case aside.

The tests of ``Reply`` decide what a reply does: which sentences ask for something, whether a yes is wanted, whether a
request is declined, whether the agent is done. They are made for English service talk and err towards *not* hearing a
question for a yes.
"""

from __future__ import annotations

import re
from functools import cache

from msgspec import Struct

TOPICS: dict[str, str] = {
    # who
    "user id": r"\buser[ _-]?(?:id|name)|\b(?:customer|account|member(?:ship)?) (?:id|number)|identify (?:you|yourself)"
    r"|\bwho (?:am i|are you)|\byour id\b|verify your (?:identity|account|profile)|locate your (?:profile|account)",
    "name": r"\b(?:your|full|first|last) name",
    "email": r"\be-?mail",
    "zip code": r"\b(?:zip|postal) ?code|\bzip\b|\bpostcode",
    "address": r"(?<!mail )\baddress",
    "phone": r"\b(?:tele)?phone",
    "date of birth": r"\b(?:date|dates) of birth|\bbirth ?(?:day|date)|\bdob\b",
    # which
    "reservation id": r"\b(?:reservation|booking|confirmation)[ _-]?(?:id|ids|number|numbers|code|reference)"
    r"|\bwhich (?:reservation|booking|trip)",
    "order id": r"\border[ _-]?(?:id|ids|number|numbers)|\bwhich orders?\b",
    "item": r"\bwhich (?:item|items|product|products|one|ones)\b|\bitems? (?:do|would|you|to)\b|\bitem id|\bwhat items?",
    "option": r"\b(?:option|options|variant|colou?r|size|material|style|capacity|model)\b",
    # a trip
    "trip type": r"\bone[- ]way\b|\bround[- ]trip|\btrip type|\btype of trip|\breturn (?:date|flight|trip)",
    "origin": r"\borigin|\bdepart(?:ure|ing)? (?:city|airport)|\b"
    r"(?:flying|travel+ing|depart(?:ing)?|leaving|fly|travel) from"
    r"|\bwhere .{0,20}\bfrom\b",
    "destination": r"\bdestination|\barrival (?:city|airport)|\bwhere .{0,30}\b(?:to|go|fly|going|flying)\b",
    "date": r"\b(?:which|what) (?:date|dates|day|days)\b|\bdates?\b(?! of birth)|\bwhen (?:would|do|are|will)",
    "time": r"\bwhat time|\b(?:preferred|departure|which) times?\b|\btime of day|\bmorning\b|\bafternoon\b|\bevening\b",
    "flight": r"\bwhich (?:\w+ )?(?:flights?|one|option|connection|itinerary)|\bflight (?:number|option|preference|choice)"
    r"|\b(?:choose|select|pick|prefer)\b.{0,40}\b(?:flights?|options?|one)|\bdirect\b|\bnon-?stop\b|\bstops?\b|\blayover",
    "cabin": r"\bcabin|\bclass\b|\b(?:basic )?economy (?:or|,)|\bbusiness or\b",
    "passengers": r"\bpassengers?|\btravel+ers?|\btravel+ing (?:alone|with)|\bcompanions?|\bhow many (?:people|of you)"
    r"|\bwho (?:is|will be|else)|\banyone else",
    "bags": r"\bbags?\b|\bbaggage|\bluggage|\bsuitcases?",
    "insurance": r"\binsur",
    # money and reasons
    "payment": r"\bpay(?:ment|ing)?\b|\bpaid\b|\bcharge[ds]?\b|\b(?:credit|gift|debit|which|what) cards?\b|\bcertificates?\b"
    r"|\bpaypal\b|\brefund(?:ed)? (?:method|to\b)|\bmethod\b|\bsettle",
    "budget": r"\bbudget|\bprice limit|\bmaximum (?:price|amount)|\bhow much (?:would|are) you",
    "reason": r"\breasons?\b|\bwhy (?:do|would|are|did|you)\b|\bwhat happened|\bno longer needed\b|\bordered by mistake\b",
    "flown": r"\b(?:already|did you|have you) (?:\w+ )?(?:flown|fly|take[n]?|used?)\b|\bflown\b|\b(?:flight|segment)s? used",
    # words of a general kind
    "wish": r"\bhow (?:can|may|could) (?:i|we) (?:help|assist)|\bwhat (?:can|may) (?:i|we) (?:do|help)"
    r"|\bwhat (?:exactly )?(?:would|do) you (?:like|want|need)(?: me)? to (?:do|change)"
    r"|\bwhat (?:would you like|do you want|changes?)\b"
    r"|\btell me (?:more|what)|\bmore (?:details|information)|\bhow would you like (?:to proceed|me to)",
}
"""Topic → pattern of the words by which an agent asks for it."""

_REQUEST = re.compile(
    r"\b(?:please|kindly)\b.{0,30}\b(?:provide|tell|give|share|let me know|confirm|choose|select|specify|state|enter"
    r"|say|send"
    r"|reply|indicate|supply|verify)\b"
    r"|\b(?:could|can|would|will) you\b|\bmay i (?:have|ask|know)|\blet me know\b"
    r"|\bi(?:'ll| will|'d| would)?(?: also| first)?"
    r" (?:need|require)\b|\bi (?:just )?need to know\b|\btell me\b|\bprovide me\b"
    r"|\bto (?:proceed|continue|start|begin),? i need",
    re.IGNORECASE,
)
_YES_WANTED = re.compile(
    r"\b(?:shall|should|may|can|could) (?:i|we) (?:now |then |please |also )?(?:go ahead|proceed|continue|book|cancel|change"
    r"|update"
    r"|add|make|process|issue|send|apply|charge|upgrade|move|exchange|return|modify|transfer|place|submit|correct|replace"
    r"|refund|arrange|put|hand|connect|switch|use|do (?:this|that|so|it))\b"
    r"|\b(?:do|would) you (?:want|like|wish|prefer) (?:me|us) to\b"
    r"|\b(?:do|would) you (?:want|like|wish) to (?:proceed|go ahead|continue|confirm|do (?:this|that|so)|accept|make"
    r"|cancel|book|upgrade|receive)\b"
    r"|\bdo you (?:confirm|agree|accept|approve|consent)\b|\bwant to (?:proceed|go ahead)\b"
    r"|\byes\W{0,3}(?:/|or)\W{0,3}no\b|\b(?:say|reply|answer|type|respond)\W+(?:with\W+)?[\"'“(]?yes\b"
    r"|\b(?:is|are) (?:that|this|these|it|everything|all (?:of )?this|the details)(?: all)?"
    r" (?:right|correct|ok|okay|fine|alright|acceptable)\b"
    r"|\bare you (?:ok|okay|happy|fine) with\b|\bdoes (?:that|this|it) (?:work|sound|look|suit)\b"
    r"|\b(?:proceed|go ahead)\s*\?|\byour (?:explicit |clear )?(?:confirmation|go-ahead|consent|approval|yes)\b"
    r"|\blet me know if (?:i (?:should|may|can)|you(?:'d| would)? (?:like|want)(?: me)? to) "
    r"(?:proceed|go ahead|continue|make|book)"
    r"|\bto confirm\b.*\?",
    re.IGNORECASE,
)
_OPEN_QUESTION = re.compile(r"^\W*(?:and |so |but |then )?(?:what|which|why|when|where|how|who)\b", re.IGNORECASE)
_CHOICE = re.compile(r"(?<!yes)\s+or\s+(?!no\b)", re.IGNORECASE)
_CONFIRM = re.compile(r"\bconfirm\b", re.IGNORECASE)
_ANYTHING_ELSE = re.compile(
    r"\banything (?:else|more|further)|\bis there something (?:else|more)|\b(?:what|how) else\b", re.IGNORECASE
)
_MORE_HELP = re.compile(
    r"\b(?:else|further|more|other(?:wise)?) .{0,20}\b(?:help|assist)|\bfurther (?:help|assistance|questions)"
    r"|\b(?:more|other) (?:questions|requests|concerns|matters)",
    re.IGNORECASE,
)
_DONE = re.compile(
    r"\b(?:has|have|had) (?:now |already |just )?been (?:successfully )?(?:\w+ed|sent|made|paid|put|done)\b"
    r"|\bi(?:'ve| have) (?:now |just |successfully )?(?:\w+ed|sent|made|put|done)\b"
    r"|\b(?:is|are) (?:now |all )(?:\w+ed|set|done|complete)\b|\b(?:all )?done\b|\bsuccessfully\b|\ball set\b"
    r"|\b(?:is|are) (?:cancell?ed|booked|confirmed|updated|corrected|changed|added|returned|exchanged|complete)\b"
    r"|\bgood ?bye\b|\bhave a (?:great|nice|good|pleasant|wonderful)\b|\byou(?:'re| are) welcome\b",
    re.IGNORECASE,
)
_PENDING = re.compile(
    r"\bi(?:'ll| will)\b(?! be)|\blet me\b(?! know)|\b(?:one|a) moment\b|\bplease (?:hold|wait)\b|\bnow i(?:'m| am)\b",
    re.IGNORECASE,
)
_DECLINED = re.compile(
    r"\b(?:can ?not|can['’]t|could ?n['’]t|won['’]t|unable|not (?:be )?(?:able|allowed|possible|permitted|eligible|available"
    r"|entitled|something)|unfortunately|declin\w+|no exceptions?|regret)\b"
    r"|\bi(?:['’]m| am) (?:very |so |really |truly )?(?:afraid|sorry)\b(?! to hear| for the| about| for your)"
    r"|\b(?:is|are|do|does|must) not (?:be )?(?:cancel|refund|chang|qualif|allow|entitl|meet|cover|offer|permit)"
    r"|\b(?:isn|aren|don|doesn)['’]t (?:be )?(?:cancel|refund|chang|qualif|allow|entitl|meet|cover|offer|permit)",
    re.IGNORECASE,
)
_HANDOVER = re.compile(
    r"\b(?:transfer(?:ring|red)?|put(?:ting)?|connect(?:ing)?|hand(?:ing)?)\b.{0,30}\b(?:you|human|colleague|agent)"
)
_SENTENCE = re.compile(r"(?<=[.!?:])[)\"'”*]*\s+|\n+")
_BULLET = re.compile(r"^\s*(?:[-*•–]|\(?\d{1,2}[.)]|\(?[a-h]\))\s+")


class Reply(Struct, frozen=True):
    """An agent's reply, heard.

    ``asks`` are the sentences that ask for something, ``proposes`` those that want a yes. A sentence that may be either
    ("please confirm your address", "shall I use the card or the voucher?") stands in both.
    """

    text: str
    asks: tuple[str, ...] = ()
    proposes: tuple[str, ...] = ()
    anything_else: bool = False
    declined: bool = False
    done: bool = False
    """It reports something as done and announces nothing more."""
    handover: bool = False
    """It says that a human will take over."""


def heard(text: str) -> Reply:
    """Return what a reply does.

    >>> heard("Booked for $265: shall I go ahead? And your user id, please?").proposes
    ('shall I go ahead?',)
    """
    plain = text.replace("’", "'")
    asks: list[str] = []
    proposes: list[str] = []
    anything_else = listing = False
    for line in plain.split("\n"):
        bullet = _BULLET.match(line)
        if listing and bullet:
            asks.append(line)
            continue
        if line.strip() and not bullet:
            listing = False
        for sentence in filter(None, (part.strip() for part in _SENTENCE.split(line))):
            if _ANYTHING_ELSE.search(sentence) or (_MORE_HELP.search(sentence) and not _YES_WANTED.search(sentence)):
                anything_else = True
                continue
            wants_yes = _YES_WANTED.search(sentence) and not _OPEN_QUESTION.match(sentence)
            confirm = _CONFIRM.search(sentence)
            if wants_yes:
                proposes.append(sentence)
                if _CHOICE.search(sentence):
                    asks.append(sentence)
            elif sentence.rstrip("*_)\"' ").endswith("?") or _REQUEST.search(sentence):
                asks.append(sentence)
                if confirm:
                    proposes.append(sentence)
                listing = sentence.rstrip("*_ ").endswith(":") and not confirm
    return Reply(
        plain,
        tuple(asks),
        tuple(proposes),
        anything_else,
        declined=_DECLINED.search(plain) is not None,
        done=_DONE.search(plain) is not None and _PENDING.search(plain) is None,
        handover=_HANDOVER.search(plain.lower()) is not None,
    )


def speaks_of(wanted: str, text: str) -> bool:
    """Return whether a text speaks of a topic, or fits a pattern. Raises ``re.error`` for a pattern that is none."""
    return _pattern(wanted).search(text) is not None


@cache
def _pattern(wanted: str) -> re.Pattern[str]:
    return re.compile(TOPICS.get(wanted, wanted), re.IGNORECASE)
