"""The rules of the game as pure functions: from a state and what the agent did to the next state and the feedback.

There is one copy of the turn. Judging is not part of it: a verdict comes in as a value. Every message of the agent uses a
step; a refusal, a malformed call and a call without a decision change nothing else that the game is played with.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.envs.travel import wording
from actorcritic_cli.envs.travel.judge import QuestionVerdict, SearchVerdict
from actorcritic_cli.envs.travel.scenario import LETTERS, Aspect, Block, Scenario

Event = Literal[
    "listed",  # the first right search of an aspect
    "listed_before",
    "bad_search",
    "out_of_order",  # the search failed on purpose
    "active",  # a good question, answered
    "volunteered",
    "nothing_there",
    "vague",
    "talk",
    "best",
    "correct",
    "unsuitable",
    "finished",
    "refused",  # an answer that cannot count
    "malformed",
    "undecided",
    "over",
]
"""What a message of the agent came to."""

_ID = re.compile(r"[ACFHR][0-9]{1,6}")


class Rules(Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of the game; rewards are those of the benchmark unless set otherwise.

    ``volunteer_late`` has the user volunteer one fruitless question later, as the benchmark's own evaluation does;
    ``require_listed`` refuses options that no search has shown; ``say_verdict`` tells the agent how good its answer was.
    """

    one_choice: bool = True
    max_steps: int = 20
    search_failure_interval: int = 5
    elicitation_interval: int = 3
    volunteer_late: bool = False
    require_listed: bool = True
    say_verdict: bool = True
    search_reward: float = 0.2
    preference_reward: float = 0.2
    best_reward: float = 1.0
    correct_reward: float = 0.8
    wrong_choice_penalty: float = 0.0


class Answer(Struct, frozen=True):
    """An answer that counted."""

    id: str
    aspect: Aspect
    verdict: Literal["best", "correct", "unsuitable"]


class State(Struct, frozen=True):
    """All that a game under way depends on. Preferences are named by their ids."""

    remaining: tuple[str, ...]
    steps: int = 0
    searches: int = 0
    """All searches, those that failed on purpose included."""
    judged_searches: int = 0
    good_searches: int = 0
    """Judged and found right, those of an aspect listed before included."""
    questions: int = 0
    """Utterances that were judged."""
    fruitless: int = 0
    listed: tuple[Aspect, ...] = ()
    topic: Aspect | None = None
    active: tuple[str, ...] = ()
    passive: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    """Preferences of aspects that were answered before they came up."""
    answers: tuple[Answer, ...] = ()
    undecided: int = 0
    over: bool = False


class Turn(Struct, frozen=True):
    """What a message led to."""

    state: State
    event: Event
    feedback: str
    reward: float = 0.0

    @property
    def is_error(self) -> bool:
        """Whether it failed or was refused."""
        return self.event in ("bad_search", "out_of_order", "refused", "malformed", "undecided", "over")


def begin(scenario: Scenario) -> State:
    """Return the state before the agent's first message."""
    return State(remaining=tuple(preference.id for preference in scenario.preferences))


def stepped(state: State) -> State:
    """Return the state after one more step was used, which every message of the agent does."""
    return replace(state, steps=state.steps + 1)


def nothing(state: State, event: Event, feedback: str) -> Turn:
    """Return the turn of a message that changes nothing."""
    return Turn(state, event, feedback)


def undecided(state: State) -> Turn:
    """Return the turn of a message that nobody could judge: it is noted, and may be repeated."""
    return Turn(replace(state, undecided=state.undecided + 1), "undecided", wording.UNDECIDED)


def search_is_out_of_order(state: State, rules: Rules) -> bool:
    """Return whether the next search is one of those that fail on purpose."""
    interval = rules.search_failure_interval
    return interval > 0 and (state.searches + 1) % interval == 0


def out_of_order(state: State) -> Turn:
    """Return the turn of a search that fails on purpose; it is not judged."""
    return Turn(replace(state, searches=state.searches + 1), "out_of_order", wording.OUT_OF_ORDER)


def searched(state: State, scenario: Scenario, rules: Rules, verdict: SearchVerdict) -> Turn:
    """Return the turn of a search that was judged."""
    state = replace(state, searches=state.searches + 1, judged_searches=state.judged_searches + 1)
    block = scenario.block(verdict.aspect) if verdict.aspect is not None else None
    if block is None:
        return Turn(state, "bad_search", wording.BAD_SEARCH)
    state = replace(state, good_searches=state.good_searches + 1, topic=block.aspect)
    if block.aspect in state.listed:
        return Turn(state, "listed_before", wording.SEEN_BEFORE.format(name=wording.NAMES[block.aspect]))
    state = replace(state, listed=(*state.listed, block.aspect))
    return Turn(state, "listed", wording.listing(block), rules.search_reward)


def asked(state: State, scenario: Scenario, rules: Rules, verdict: QuestionVerdict) -> Turn:
    """Return the turn of something said to the user, once judged."""
    state = replace(state, questions=state.questions + 1, topic=verdict.topic or state.topic)
    if verdict.category == 2 and verdict.preference in state.remaining:
        preference = scenario.preference(verdict.preference)
        state = replace(_revealed(state, verdict.preference), active=(*state.active, verdict.preference))
        return Turn(state, "active", preference.implicit, rules.preference_reward)
    threshold = rules.elicitation_interval - (0 if rules.volunteer_late else 1)
    if rules.elicitation_interval > 0 and state.fruitless >= threshold and state.remaining:
        chosen = state.remaining[0]
        state = replace(_revealed(state, chosen), passive=(*state.passive, chosen))
        return Turn(state, "volunteered", wording.volunteered(scenario.preference(chosen)))
    state = replace(state, fruitless=state.fruitless + 1)
    if verdict.category in (2, 3):
        return Turn(state, "nothing_there", wording.NOTHING_THERE)
    if verdict.category == 4:
        return Turn(state, "vague", wording.TOO_VAGUE)
    return Turn(state, "talk", wording.neutral(state.steps))


def answered(state: State, scenario: Scenario, rules: Rules, option_id: str) -> Turn:
    """Return the turn of an answer. Everything is checked before anything changes."""
    refusal = _refusal(state, scenario, rules, option_id)
    if refusal:
        return Turn(state, "refused", refusal)
    aspect = LETTERS[option_id[0]]
    block = scenario.block(aspect)
    assert block is not None  # _refusal has seen to it
    verdict, reward = _worth(state, rules, block, option_id)
    state = replace(state, answers=(*state.answers, Answer(option_id, aspect, verdict)))
    if rules.one_choice:
        dropped = tuple(p.id for p in block.preferences if p.id in state.remaining)
        left = tuple(name for name in state.remaining if name not in dropped)
        state = replace(state, remaining=left, dropped=(*state.dropped, *dropped))
    state = replace(state, over=is_settled(state, scenario, rules))
    return Turn(state, verdict, _answer_text(rules, option_id, aspect, verdict), reward)


def finished(state: State, scenario: Scenario) -> Turn:
    """Return the turn in which the agent ends the game."""
    elicited, total = len(state.active) + len(state.passive), len(scenario.preferences)
    text = wording.FINISHED.format(elicited=elicited, total=total, ratio=elicited / total if total else 0.0)
    return Turn(replace(state, over=True), "finished", text)


def is_settled(state: State, scenario: Scenario, rules: Rules) -> bool:
    """Return whether the game is over: every best option named, or (single choice) every aspect answered."""
    if rules.one_choice:
        return {answer.aspect for answer in state.answers} == set(scenario.aspects)
    best = {answer.aspect for answer in state.answers if answer.verdict == "best"}
    return best == set(scenario.aspects)


def _revealed(state: State, preference_id: str) -> State:
    left = tuple(name for name in state.remaining if name != preference_id)
    return replace(state, remaining=left, fruitless=0)


def _refusal(state: State, scenario: Scenario, rules: Rules, option_id: str) -> str:
    """Return why an answer cannot count, or nothing."""
    if not _ID.fullmatch(option_id):
        return "An answer is one option id and nothing else: a capital letter and a number, such as H7."
    block = scenario.block(LETTERS[option_id[0]])
    if block is None:
        return f"{option_id} belongs to no part of this trip, which is: {wording.aspects(scenario.aspects)}."
    name = wording.NAMES[block.aspect]
    if rules.require_listed and block.aspect not in state.listed:
        return f"No search has shown options for the {name} yet; search first."
    if option_id not in block.ids:
        return f"There is no option {option_id} for the {name}; take an id from the search result."
    if rules.one_choice and any(answer.aspect == block.aspect for answer in state.answers):
        return f"There is an answer for the {name} already; go on with the rest of the trip."
    return ""


def _worth(
    state: State, rules: Rules, block: Block, option_id: str
) -> tuple[Literal["best", "correct", "unsuitable"], float]:
    named_before = any(answer.id == option_id for answer in state.answers)
    if not named_before and option_id == block.best_id:
        return "best", rules.best_reward
    if not named_before and option_id in block.correct_ids:
        return "correct", rules.correct_reward
    return "unsuitable", -rules.wrong_choice_penalty


def _answer_text(rules: Rules, option_id: str, aspect: Aspect, verdict: str) -> str:
    said = {"best": wording.BEST, "correct": wording.CORRECT, "unsuitable": wording.UNSUITABLE}[verdict]
    again = wording.NOT_AGAIN_ASPECT if rules.one_choice else wording.NOT_AGAIN_OPTION
    return (said if rules.say_verdict else wording.NOTED).format(
        id=option_id, name=wording.NAMES[aspect]
    ) + again.format(name=wording.NAMES[aspect])
