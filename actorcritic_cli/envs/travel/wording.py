"""Every sentence the environment says, and the policy it gives the agent: our own words for the benchmark's messages.

What counts is which kind of message comes when. The user's answers to good questions are not here: they are the scenario's
own implicit statements, spoken as they stand.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from actorcritic_cli.envs.travel.scenario import Aspect, Block, Preference

NAMES: dict[Aspect, str] = {
    "flight": "flight",
    "hotel": "hotel",
    "apartment": "apartment",
    "rental_car": "rental car",
    "restaurant": "restaurant",
}
BUDGET = "My budget is small: of what suits my wishes, I would like the cheapest option in each case."
"""The second line of the opening request: it makes the best option differ from a correct one."""
USE_THE_TOOL = "Please use interact_with_env for everything: I only hear you through it."
"""What the user answers to a plain reply."""
OUT_OF_ORDER = "The database does not answer just now; please try again later."
BAD_SEARCH = (
    "Something about this search is not right. Search for one thing at a time, for what I need, and state all of its "
    "details (places and dates), and only those."
)
SEEN_BEFORE = "You have searched for the {name} before; please look at the earlier result."
NOTHING_THERE = "A good question, but I have no (further) wish there, or told you already. Please go on asking."
TOO_VAGUE = "That is too vague for me to answer. Please ask about something specific."
NEUTRAL = (
    "Well, yes, I see.",
    "All right. I leave that to you.",
    "Mm, I have not thought much about it.",
    "Fine with me, I suppose.",
)
LEAD_IN = "By the way, as to the {name}: {statement}"
UNDECIDED = (
    "No decision could be made on this request, through no fault of yours. Nothing has changed; you may repeat it."
)
OVER = "This trip is settled: nothing more can be done."
BEST = "{id} is the best choice for the {name}."
CORRECT = "{id} suits the user's wishes for the {name}, but it is not the best choice."
UNSUITABLE = "{id} is no suitable choice for the {name}."
NOTED = "{id} is noted as a choice for the {name}."
NOT_AGAIN_ASPECT = " Choose nothing more for the {name}."
NOT_AGAIN_OPTION = " Do not choose this option again."
FINISHED = "You have ended the planning. Wishes found out: {elicited} of {total} ({ratio:.0%})."

_FIELDS: dict[Aspect, str] = {
    "flight": "path: the cities from origin to destination; time: hours, flights and layovers in turn; company and "
    "flight_number: one for each leg; cost: USD in economy; service: total USD of a checked bag and of business class",
    "hotel": "room: types of room with the people they hold; cost: USD for the whole stay, one for each type; rating: "
    "0 to 10; service: total USD of breakfast, parking and barrier-free access",
    "apartment": "name: begins with the platform; room: bedrooms (B) and bathrooms (B); capacity: people; cost: USD for "
    "the whole stay; rating: 0 to 10; service: USD of daily cleaning, late check-out and early check-in",
    "rental_car": "categories: SUV, Gasoline, Electric or Economy; cost: USD for the whole period; insurance: USD of each "
    "waiver; service: total USD of a child seat, a driver under age and an additional driver",
    "restaurant": "expectation: price level (Cheap, Normal, Expensive); cost: USD for each person, where given; rating: 0 "
    "to 10; reviews: how many gave how many stars",
}

_RULES = """\
You plan a trip for a user. You reach the user and a travel database through one tool, interact_with_env; nothing else you
write reaches anybody. Each call has a thought (for yourself), a choice and a content:

- search: ask the database. Name one aspect of the trip (flight, hotel, apartment, rental car or restaurant) and state all
  details of the user's request for it (places and dates), no wrong ones. One aspect in one search.
- action: say something to the user. Ask clear, specific questions: one kind of wish for one aspect. General questions
  ("anything else you prefer?") get no answer.
- answer: recommend an option. The content is one option id from a search result, for example H7, and nothing else.

Rules:
1. The user does not say at first what kind of option they want. They have several wishes for each aspect, which need not
   be the ones you would guess, and they tell them indirectly: read between the lines.
2. Search an aspect before you answer it. Results hold misleading options; some are absurd.
3. Recommend the cheapest option that meets all wishes of an aspect.
4. {choices}
5. You have {steps} messages in all. Search first, then ask, then answer; leave messages for every aspect.
6. The search can fail now and then for no reason of yours: try it again.
7. null in an option means that it is not offered."""
_ONE_CHOICE = (
    "You have one answer for each aspect, and it is final: find out the wishes first. When every aspect has its answer,\n"
    "   the planning is done."
)
_MANY_CHOICES = (
    "You may answer more than once for an aspect, one id each time. The planning is done when the best option of every\n"
    "   aspect has been named."
)


def policy(one_choice: bool, max_steps: int) -> str:
    """Return the policy of the single-choice or the multiple-choice game."""
    return _RULES.format(choices=_ONE_CHOICE if one_choice else _MANY_CHOICES, steps=max_steps)


def listing(block: Block) -> str:
    """Return a search result: what the fields mean, then every option as JSON on a line of its own."""
    lines = [f"Search result for the {NAMES[block.aspect]}, {len(block.options)} options ({_FIELDS[block.aspect]}):"]
    return "\n".join(lines + [_option(option) for option in block.options])


def volunteered(preference: Preference) -> str:
    """Return a preference as the user brings it up unasked."""
    return LEAD_IN.format(name=NAMES[preference.aspect], statement=preference.implicit)


def opening(request: str) -> str:
    """Return the user's first words: the request and the line about money."""
    return request if BUDGET in request else f"{request}\n{BUDGET}"


def neutral(step: int) -> str:
    """Return a reply that says nothing, varying with the step."""
    return NEUTRAL[step % len(NEUTRAL)]


def aspects(names: Sequence[Aspect]) -> str:
    """Return aspects as words."""
    return ", ".join(NAMES[name] for name in names)


def _option(option: dict[str, Any]) -> str:
    return json.dumps(option, ensure_ascii=False)
