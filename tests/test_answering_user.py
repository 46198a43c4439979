"""The scripted user that answers what it is asked: each of its rules, and every bundled task played with several agents."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorcritic_cli.actors.protocol import ActorContext, Proposing
from actorcritic_cli.envs import registry
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.errors import AccError
from actorcritic_cli.session.build import parties_for
from actorcritic_cli.session.events import Ended, Started
from actorcritic_cli.session.loop import Parties, Session
from actorcritic_cli.session.state import begin
from actorcritic_cli.types import Message, SessionSpec, Supervision, Task, ToolCall, Transcript
from actorcritic_cli.users.answering import PATIENCE, AnsweringUser, Answers, Fact, Reaction, answers_of
from actorcritic_cli.users.script import ScriptedUser
from actorcritic_cli.users.topics import TOPICS, heard, speaks_of
from tests.parties import call, reply
from tests.property_examples import examples

YES = "Yes, please go ahead."
DESK = Answers(
    opening="I want to fly to Rome.",
    facts=(
        Fact(("user id",), "I am ada_1."),
        Fact(("cabin",), "Economy."),
        Fact(("bags",), "Two bags."),
        Fact(("payment",), "My Visa card."),
    ),
    reacts=(Reaction(("only one certificate",), "Then the smaller one."),),
    refuses=(Reaction(("business",), "No, economy only."),),
    insists=("Really not?",),
    wishes=("And a meal, please.",),
    closing="Bye.",
)
SYSTEM = Message("system", "policy")


def talk(*replies: str, answers: Answers = DESK) -> list[str]:
    """Say these replies one after the other; return what the user says, without the opening."""
    user = AnsweringUser(answers)
    transcript: Transcript = (SYSTEM, Message("user", user.speak((SYSTEM,)).text))
    said = []
    for text in replies:
        transcript += (Message("assistant", text),)
        turn = user.speak(transcript)
        said.append(turn.text)
        if turn.leaves:
            break
        transcript += (Message("user", turn.text),)
    return said


# the rules, one by one


def test_it_opens_whoever_speaks_first() -> None:
    assert AnsweringUser(DESK).speak((SYSTEM,)).text == DESK.opening
    assert AnsweringUser(DESK).speak((SYSTEM, Message("assistant", "Hi! How can I help?"))).text == DESK.opening


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("May I have your user id, please?", "I am ada_1."),
        ("Which cabin would you like: economy or business?", "Economy."),
        ("How many bags do you check, and how would you like to pay?", "Two bags. My Visa card."),
        (
            "Please provide the following:\n1. Your user ID\n2. Cabin class\n3. Checked bags",
            "I am ada_1. Economy. Two bags.",
        ),
        ("To continue, I'll need your **user ID**.", "I am ada_1."),
        ("Please confirm your user id.", "I am ada_1."),
        ("Do you want me to charge your gift card or the Visa card?", "My Visa card."),
        ("What is your shoe size?", DESK.unknown),
        ("One moment, please.", "Okay."),
        ("How can I help you today?", "And a meal, please."),
    ],
)
def test_it_answers_what_is_asked(asked: str, said: str) -> None:
    assert talk(asked) == [said]


def test_the_order_of_the_questions_does_not_matter() -> None:
    questions = ["Your user id?", "Which cabin class?", "How many bags?"]
    answers = ["I am ada_1.", "Economy.", "Two bags."]
    assert talk(*questions) == answers
    assert talk(*reversed(questions)) == answers[::-1]


@pytest.mark.parametrize(
    "proposal",
    [
        "Shall I book it?",
        "It costs $90, with two bags, on your Visa card. Do you want me to proceed (yes/no)?",
        "Here are the details:\n- Cabin: economy\n- Bags: 2\n\nPlease reply with 'yes' to confirm.",
        "Please confirm the details above.",
        "Would you like me to go ahead with this booking?",
        "Is that correct?",
        "Do you confirm these changes?",
        "I need your explicit confirmation to book.",
        "Would you like me to transfer you to a colleague for further assistance?",
    ],
)
def test_it_says_yes_when_a_yes_is_asked_for(proposal: str) -> None:
    assert talk(proposal) == [YES]


@pytest.mark.parametrize(
    "text",
    ["Your user id?", "The flight costs $90.", "I see a flight at 8:00 and one at 9:00.", "What would you like to do?"],
)
def test_it_never_says_yes_unasked(text: str) -> None:
    assert YES not in talk(text)[0]


def test_it_says_no_to_what_it_does_not_want() -> None:
    assert talk("I would book you in business for $900. Shall I go ahead?") == ["No, economy only."]


def test_a_question_and_a_proposal_are_both_answered() -> None:
    assert talk("How many bags do you have? And shall I book it then?") == [f"Two bags. {YES}"]


def test_news_is_reacted_to_once_and_before_any_yes() -> None:
    proposal = "Only one certificate can be used. Shall I book it with that?"
    assert talk(proposal, proposal) == ["Then the smaller one.", YES]


def test_it_insists_before_it_gives_in() -> None:
    no = "I'm sorry, but that is not possible."
    assert talk(no, no, no) == ["Really not?", "And a meal, please.", "Bye. ###STOP###"]


def test_sorrow_is_no_refusal() -> None:
    assert talk("I'm sorry to hear that. Your user id, please?") == ["I am ada_1."]


def test_it_brings_up_what_else_it_wants_and_then_leaves() -> None:
    done = "Your flight has been booked. Is there anything else I can help you with?"
    assert talk("Shall I book it?", done, done) == [YES, "And a meal, please.", "Bye. ###STOP###"]


def test_an_agent_that_has_only_looked_something_up_is_not_left() -> None:
    assert talk("Thank you, I have found your profile.") == ["Okay."]
    asked = "Is there anything else you would like to change?"
    for last in (asked, "You're welcome, goodbye!"):
        assert talk(asked, asked, last) == ["And a meal, please.", "No, that is all.", "Bye. ###STOP###"]


def test_an_agent_that_is_half_done_is_not_left() -> None:
    assert talk("Shall I book it?", "The flight has been booked. I'll add the meal now.") == [YES, "Okay."]


def test_it_leaves_when_nothing_comes_of_it() -> None:
    said = talk(*["One moment, please."] * 10)
    assert said == ["Okay."] * (PATIENCE - 1) + ["Bye. ###STOP###"]


def test_who_agrees_to_nothing_says_no() -> None:
    stubborn = Answers(opening="Hi.", confirms=None, declines="No.", insists=("Please!",))
    no = "I can't do that. Shall I book something else for you?"
    assert talk(no, no, answers=stubborn) == ["Please!", "No."]


def test_text_beside_a_call_and_results_are_not_heard() -> None:
    transcript = (
        SYSTEM,
        Message("user", DESK.opening),
        Message("assistant", "Which cabin?", (ToolCall("1", "look", "{}"),)),
        Message("tool", "Your user id?", tool_call_id="1"),
        Message("assistant", "How many bags?"),
    )
    assert AnsweringUser(DESK).speak(transcript).text == "Two bags."


# properties

_WORDS = st.sampled_from(
    [
        "Shall I book it? ",
        "Your user id? ",
        "Which cabin? ",
        "I'm sorry, I can't. ",
        "It has been booked. ",
        "Anything else? ",
        "Please provide:\n",
        "- bags\n",
        "Only one certificate. ",
        "Business? ",
        "One moment. ",
        "yes or no? ",
        "\n",
        "",
    ]
)


@settings(max_examples=examples(60))
@given(st.lists(st.lists(_WORDS, max_size=4).map("".join) | st.text(max_size=60), min_size=80, max_size=80))
def test_every_conversation_ends_whatever_the_agent_says(replies: list[str]) -> None:
    pieces = len(list(DESK.pieces()))
    said = talk(*replies)
    assert len(said) <= (pieces + 1) * PATIENCE
    assert said[-1].endswith("###STOP###")
    assert talk(*replies) == said


# shapes


@pytest.mark.parametrize(
    "answers",
    [{}, {"opening": 1}, {"opening": "x", "fact": []}, {"opening": "x", "facts": [{"asked": ["("], "says": "y"}]}, []],
)
def test_answers_of_a_wrong_shape_are_refused_with_the_task(answers: Any) -> None:
    with pytest.raises(AccError, match="The answers of task t-1 cannot be used"):
        answers_of(Task("t-1", "…", extra={"answers": answers}))


def test_a_task_without_answers_has_none() -> None:
    assert answers_of(Task("t", "…")) is None
    with pytest.raises(AccError, match="no answers"):
        AnsweringUser.from_task(Task("t", "…"))


@pytest.mark.parametrize(
    ("topic", "sentence"),
    [
        ("user id", "Could I have your user ID?"),
        ("email", "What is the e-mail address of the account?"),
        ("zip code", "And your ZIP code?"),
        ("reservation id", "Which reservation is it about?"),
        ("order id", "Could you tell me the order number?"),
        ("reason", "Why do you want to cancel?"),
        ("date of birth", "What are the passengers' dates of birth?"),
        ("insurance", "Would you like travel insurance?"),
        ("trip type", "Is it one way or a round trip?"),
        ("date", "On which date would you like to fly?"),
    ],
)
def test_topics_are_heard(topic: str, sentence: str) -> None:
    (asked,) = heard(sentence).asks
    assert speaks_of(topic, asked)


def test_an_e_mail_address_is_no_address() -> None:
    assert not speaks_of("address", "Your e-mail address, please?")


def test_a_date_of_birth_is_no_date_of_travel() -> None:
    assert not speaks_of("date", "Your date of birth?")


def test_every_topic_is_a_pattern() -> None:
    assert all(not speaks_of(topic, "") for topic in TOPICS)


# the bundled tasks, played with agents of three manners

AIRLINE = {
    "book": [
        "your user id",
        "the origin and the destination",
        "which date you travel on",
        "whether it is one way or a round trip",
        "the cabin",
        "which flight you prefer",
        "the names of all passengers",
        "the number of checked bags",
        "whether you want insurance",
        "the payment method",
    ],
    "cancel": ["your user id", "the reservation number", "the reason for the cancellation"],
    "change": ["your user id", "the reservation number", "which flight and which cabin", "the payment method"],
    "baggage": ["your user id", "the reservation number", "how many bags", "the payment method"],
    "": ["your user id"],
}
WHO = "your e-mail address, or your name and ZIP code"
RETAIL = {
    "cancel": [WHO, "the order number", "the reason"],
    "items": [WHO, "the order number", "which items it is about", "the payment method"],
    "return": [WHO, "the order number", "which items it is about", "the payment method"],
    "exchange": [WHO, "the order number", "which items it is about", "the payment method"],
    "payment": [WHO, "the order number", "the payment method"],
    "address": [WHO, "the order number", "the new address"],
    "": [WHO],
}
NEWS = {
    ("tau_airline", "book-04"): "Only three gift cards can be used for one booking.",
    ("tau_airline", "book-05"): "Only one certificate can be used for one booking.",
    ("tau_airline", "change-02"): "Certificates cannot be used for changes.",
    ("tau_airline", "change-04"): "I'm sorry, but a basic economy flight cannot be moved.",
    ("tau_airline", "cancel-05"): "I'm afraid NAIS45 cannot be cancelled; NAIS91 can.",
    ("tau_retail", "cancel-03"): "The refund cannot go to PayPal, only to the gift card that paid.",
    ("tau_retail", "items-02"): "The 8 l one is not available in cream; there are navy and poppy.",
    ("tau_retail", "items-03"): "Items can be changed only once: is that all?",
    ("tau_retail", "items-04"): "The gift card does not cover that.",
    ("tau_retail", "return-03"): "I can only refund to a method of your profile.",
    ("tau_retail", "exchange-01"): "There is no round one without a groove at present.",
}
MANNERS = ("one by one", "all at once", "as a list")


class Desk:
    """A perfect agent that asks first, lays out what it will do, waits for the yes, acts, and says what is to be said."""

    name = "desk"

    def __init__(self, environment: Environment, task: Task, manner: str):
        questions = (AIRLINE if environment.name == "tau_airline" else RETAIL).get(task.kind)
        self.questions = questions or (AIRLINE if environment.name == "tau_airline" else RETAIL)[""]
        self.news = NEWS.get((environment.name, task.id))
        self.task, self.manner = task, manner
        answers = answers_of(task)
        assert answers is not None
        self.confirms = answers.confirms
        self.reads = {tool.name for tool in environment.tools if tool.effect == "read"}
        self.heard = ""
        self.steps = self._steps()

    def propose(self, context: ActorContext) -> Proposing:
        self.heard = next((m.content or "" for m in reversed(context.transcript) if m.role == "user"), "")
        return next(self.steps)

    def _steps(self) -> Iterator[Proposing]:
        yield from self._asks()
        if self.news is not None:
            yield reply(self.news)
        if self.task.kind == "refusal":
            while True:
                yield reply("I'm sorry, but our rules do not allow that.")
        if self.confirms is not None and any(a.name not in self.reads for a in self.task.actions):
            for _ in range(3):
                yield reply(self._proposal())
                if self.confirms in self.heard:
                    break
            assert self.confirms in self.heard, self.heard
        for number, action in enumerate(self.task.actions):
            yield call(action.name, action.arguments, f"call_{number}")
        while True:
            yield reply(
                f"That has been done ({', '.join(self.task.outputs)}). Is there anything else I can help you with?"
            )

    def _asks(self) -> Iterator[Proposing]:
        if self.manner == "one by one":
            yield from (reply(f"Could you please tell me {question}?") for question in self.questions)
        elif self.manner == "all at once":
            yield reply(f"Gladly! I need {' and '.join(self.questions)}.")
        else:
            yield reply("Of course. Please provide:\n" + "\n".join(f"- {question}" for question in self.questions))

    def _proposal(self) -> str:
        if self.task.kind == "transfer":
            return "This is for one of my colleagues. Would you like me to transfer you to a human agent?"
        lines = "\n".join(
            f"{n}. {action.name.replace('_', ' ')}" for n, action in enumerate(self.task.actions, start=1)
        )
        return f"This is what I would do for you:\n{lines}\n\nShall I go ahead (yes or no)?"


def environments() -> list[Environment]:
    return [registry.load(name) for name in ("tau_airline", "tau_retail")]


def bundled() -> list[tuple[Environment, Task]]:
    return [(environment, task) for environment in environments() for task in environment.tasks()]


def held(environment: Environment, task: Task, actor: Any) -> Sequence[Any]:
    user = AnsweringUser.from_task(task)
    spec = SessionSpec(environment.name, "bundled", task.id, "desk", "script", supervision=Supervision(mode="off"))
    parties = Parties(environment, environment.open(task), actor, user)
    started = Started("s", 0.0, spec, environment.opening(), task, environment.tools)
    return [started, *Session(parties, begin(started), lambda: 0.0).events()]


@pytest.mark.parametrize(("environment", "task"), bundled(), ids=lambda value: getattr(value, "id", None) or value.name)
@pytest.mark.parametrize("manner", MANNERS)
def test_a_bundled_task_can_be_solved_with_its_answers_in_any_manner(
    environment: Environment, task: Task, manner: str
) -> None:
    events = held(environment, task, Desk(environment, task, manner))
    ended = events[-1]
    assert isinstance(ended, Ended)
    assert ended.reason == ("transfer" if task.kind == "transfer" else "user_stop")
    assert ended.reward is not None
    assert ended.reward.value == 1.0
    answers = answers_of(task)
    assert answers is not None
    said = [m.content or "" for e in events[1:] for m in getattr(e, "messages", ()) if m.role == "user"]
    assert answers.unknown not in said
    if task.kind == "refusal":
        assert all(any(line in text for text in said) for line in answers.insists)
    if (environment.name, task.id) in NEWS:
        wanted = [r.says for r in answers.reacts] or list(answers.insists)
        assert any(wanted[0] in text for text in said)


@pytest.mark.parametrize(("environment", "task"), bundled(), ids=lambda value: getattr(value, "id", None) or value.name)
def test_the_answers_of_a_bundled_task_hold_what_identifies_the_customer_and_nothing_secret(
    environment: Environment, task: Task
) -> None:
    answers = answers_of(task)
    assert answers is not None
    text = json.dumps(task.extra["answers"])
    asked = "your user id" if environment.name == "tau_airline" else WHO
    (said,) = talk(f"May I have {asked}?", answers=answers)
    if environment.name == "tau_airline":
        assert str(task.extra["user_id"]) in said
    else:
        assert "@" in said or any(word.strip(".,").isdigit() for word in said.split())
    for output in task.outputs:
        assert output not in text


# who plays where


def test_script_means_the_answers_where_there_are_some_and_the_lines_on_demand(tmp_path: Path) -> None:
    environment = registry.load("tau_airline")
    task = environment.tasks()[0]
    lines = tmp_path / "lines.txt"
    lines.write_text("Hello.\n")

    def user(name: str, of: Task) -> Any:
        spec = SessionSpec("tau_airline", "bundled", of.id, "recorded:none", name)
        return parties_for(spec, of, critic=None, recordings=lambda source, spec: []).user

    assert user("script", task).name == "script:answers"
    assert user("script:answers", task).name == "script:answers"
    assert isinstance(user("script:task", task), ScriptedUser)
    assert user(f"script:{lines}", task).lines == ("Hello.",)
    assert isinstance(user("script", Task("old", "…", script=("Hi.",))), ScriptedUser)
