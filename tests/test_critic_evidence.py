"""Notes on a candidate: where its values come from, and what the records say of what it names."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.critics.evidence import Evidence
from actorcritic_cli.critics.evidence.values import MOST_NOTES
from actorcritic_cli.types import Effect, Message, ToolCall


def call(**arguments: Any) -> Message:
    return Message("assistant", None, (ToolCall("c", "change", json.dumps(arguments)),))


def told(value: Any) -> Message:
    return Message("tool", value if isinstance(value, str) else json.dumps(value), tool_call_id="c", name="get")


def user(words: str) -> Message:
    return Message("user", words)


def agent(words: str) -> Message:
    return Message("assistant", words)


def values(evidence: Evidence, message: Message) -> str:
    """The notes without where the candidate stands."""
    return re.sub(r"^.*? told \d+ other \d+ seen \d+ chance \d+ new \d+ ?", "", evidence.notes(message))


PROFILE = told({"methods": {"card_1": {"id": "card_1", "brand": "visa"}, "card_2": {"id": "card_2", "brand": "amex"}}})


def test_a_value_is_where_it_was_met_last_by_the_user() -> None:
    talk = Evidence((agent("Flight AB1?"), user("No, AB2."), told({"flight": "AB3"}), agent("I would take AB4. Yes?")))
    assert [talk.mark(value) for value in ("AB4", "AB2", "AB1", "AB3", "AB5")] == [
        "told",
        "user",
        "before",
        "seen",
        "new",
    ]


def test_numbers_are_equal_by_value_and_words_without_case_or_underscores() -> None:
    talk = Evidence((agent("It costs $1,096.20 in Basic Economy."),))
    assert talk.mark("1096.2") == "told"
    assert talk.mark("109") == "new"
    assert talk.mark("basic_economy") == "told"
    assert talk.mark("basic") == "told"
    assert talk.mark("econ") == "new"


def test_another_record_than_the_one_agreed_on_shows() -> None:
    talk = Evidence((PROFILE, agent("I would charge your Visa card. Shall I?"), user("Yes.")))
    assert values(talk, call(card="card_1")) == "card seen ( brand visa told )"
    assert values(talk, call(card="card_2")) == "card seen other ( brand amex )"
    assert values(talk, call(card="card_3")) == "card new"


def test_prices_of_a_listing_have_ranks() -> None:
    lines = "\n".join(["Found:", *(json.dumps({"id": f"H{n}", "cost": 100 - n}) for n in range(4))])
    assert values(Evidence((told(lines),)), call(content="H1")) == "content seen ( cost 99 rank 3 of 4 )"
    rooms = told([{"id": "a", "cost": [3, 9]}, {"id": "b", "cost": [5]}, {"id": "c", "cost": [4, 4]}])
    assert values(Evidence((rooms,)), call(content="c")) == "content seen ( cost 4 4 rank 2 of 3 )"


def test_of_a_text_what_has_a_digit_is_noted() -> None:
    talk = Evidence((user("My order is #W12."), told({"total": 96.2})))
    assert values(talk, agent("Order #W12 costs $96.20, on 2024-05-20.")) == "#W12 user 96.20 seen 2024-05-20 new"
    assert values(talk, agent("What is the reason?")) == ""


def test_sums_of_prices_and_totals_are_told() -> None:
    talk = Evidence((told({"items": [{"price": 19.95}, {"price": 30.10}]}),))
    assert [talk.mark(value) for value in ("50.05", "10.15", "50.06")] == ["chance", "chance", "new"]
    assert values(talk, agent("It is $50.05: $19.95 and $30.10.")).endswith("total right")
    assert values(talk, agent("It is $70.05: $19.95 and $30.10.")).endswith("total wrong")


def test_yes_and_no_are_not_looked_for() -> None:
    assert values(Evidence((user("no"),)), call(insured=False, gift="no", empty="")) == ""


_KEYS = st.sampled_from(("id", "order_id", "flight_number", "price", "prices", "cost", "amount")) | st.text()
_WORDS = st.sampled_from(("A1", "A2", f"${'9' * 400}", "$1.50 and A1, A2")) | st.text()
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | _WORDS,
    lambda x: st.lists(x) | st.dictionaries(_KEYS, x),
)


@given(_JSON, _JSON, _WORDS)
def test_anything_can_be_noted(result: Any, argument: Any, words: str) -> None:
    talk = Evidence((user(words), told(result), told(words), agent(words)))
    notes = talk.notes(call(argument=argument, text=words))
    assert notes == talk.notes(call(argument=argument, text=words))
    broken = Message("assistant", words, (ToolCall("c", "change", words),))
    assert isinstance(talk.notes(broken), str)


def test_notes_are_bounded() -> None:
    notes = Evidence(()).notes(call(ids=[f"A{n}" for n in range(500)]))
    assert notes.split().count("new") == MOST_NOTES + 1


def test_where_the_candidate_stands_is_told_first() -> None:
    effects: dict[str, Effect] = {"cancel_booking": "write", "get": "read"}
    cancel = Message("assistant", None, (ToolCall("c", "cancel_booking", "{}"),))
    done = Message("tool", "{}", tool_call_id="c", name="cancel_booking")
    failed = Message("tool", "Error: no", tool_call_id="c", name="cancel_booking")
    offer = (agent("I would cancel your booking. Shall I?"), user("Yes, please do."))
    for before, candidate, found in (
        ((user("Cancel it."),), cancel, "write after user unheard other writes 0 unconfirmed named 0 of 2"),
        (offer, cancel, "write after user asked yes writes 0 named 2 of 2"),
        ((*offer, cancel, done), cancel, "write after write asked yes writes 1 named 2 of 2"),
        ((*offer, cancel, failed), agent("Done."), "reply after failure asked yes writes 0"),
        ((agent("Done."), user("I do not want that.")), agent("Sorry."), "reply after user stated no writes 0 denies"),
        ((), agent("Hello."), "reply after start unheard silent writes 0"),
    ):
        assert Evidence(before, effects).notes(candidate).startswith(f"{found} told 0 other 0 seen 0 chance 0 new 0")


def test_of_a_listed_record_it_is_told_what_it_lacks_of_what_was_asked_for() -> None:
    rooms = told([{"id": f"H{n}", "bed": bed, "cost_dog_fee": fee} for n, (bed, fee) in enumerate(_ROOMS)])
    ask = Message("assistant", None, (ToolCall("q", "talk", '{"words": "A King bed? Do you bring a dog?"}'),))
    heard = Message("tool", "Yes.", tool_call_id="q", name="talk")
    talk, wished = Evidence((rooms, ask, heard)), "wished king bed bring dog"
    assert (
        values(talk, call(content="H0")) == f"content seen ( bed King asked cost_dog_fee 9 more 0 cheaper 0 {wished} )"
    )
    assert (
        values(talk, call(content="H1"))
        == f"content seen ( bed Queen cost_dog_fee 9 lacks king more 1 cheaper 0 {wished} )"
    )
    assert values(talk, call(content="H2")) == f"content seen ( bed Queen lacks dog king more 2 cheaper 0 {wished} )"


_ROOMS: tuple[tuple[str, int | None], ...] = (("King", 9), ("Queen", 9), ("Queen", None))


def test_that_something_else_of_the_kind_was_agreed_on_shows() -> None:
    mine = told({"bookings": ["ABCD12", "EFGH34"], "cabins": [{"cabin": "business"}, {"cabin": "economy"}]})
    talk = Evidence((mine, agent("I would cancel ABCD12, in economy. Shall I?"), user("Yes.")))
    assert values(talk, call(booking="ABCD12", cabin="economy")) == "booking told cabin told"
    assert values(talk, call(booking="EFGH34", cabin="business")) == "booking seen other cabin seen other"
    assert "told 0 other 2 seen 2" in talk.notes(call(booking="EFGH34", cabin="business"))


def test_it_is_told_which_record_of_the_call_a_value_belongs_to() -> None:
    order = told({"order_id": "#W77", "items": [{"item_id": "50001", "color": "red"}]})
    stock = told({"variants": {"50001": {"item_id": "50001"}, "50002": {"item_id": "50002", "color": "blue"}}})
    found = values(Evidence((order, stock)), call(order_id="#W77", old="50001", new="50002"))
    assert "old seen in order_id (" in found
    assert "new seen (" in found


def test_amounts_of_the_policy_and_of_named_records_count_as_known() -> None:
    trip = told([{"flight_number": "AB12", "prices": {"economy": 80, "business": 300}}])
    talk = Evidence((trip,), rules="A checked bag costs $50.")
    assert values(talk, agent("A bag is $50.")) == "50 rule"
    assert values(talk, agent("AB12 in economy for three is $240.")) == "AB12 seen 240 sum"
    assert values(talk, agent("AB12 in economy for three is $261.")) == "AB12 seen 261 new"
    assert values(talk, agent("AB12 in economy for three with two bags is $340.")) == "AB12 seen 340 total"


def test_a_question_about_one_listing_is_no_wish_of_another_and_a_shrug_is_none() -> None:
    def listing(key: str, words: str, what: str) -> tuple[Message, Message]:
        rows = [{"id": f"{what}{n}", "tags": ["parking" if n else "garden"]} for n in range(3)]
        asked = Message("assistant", None, (ToolCall(key, "talk", json.dumps({"words": words})),))
        return asked, Message("tool", json.dumps(rows), tool_call_id=key, name="talk")

    def question(key: str, words: str, answer: str) -> tuple[Message, Message]:
        asked = Message("assistant", None, (ToolCall(key, "talk", json.dumps({"words": words})),))
        return asked, Message("tool", answer, tool_call_id=key, name="talk")

    talk = Evidence(
        (
            *listing("1", "hotel in Rome", "H"),
            *listing("2", "restaurant in Rome", "R"),
            *question("3", "Is parking important at the hotel?", "Very much."),
            *question("4", "Should the restaurant have a garden?", "I have no wish there."),
        )
    )
    hotel, restaurant = (values(talk, call(content=name)) for name in ("H0", "R0"))
    assert hotel == "content seen ( tags garden lacks parking more 2 cheaper 0 wished parking important hotel )"
    assert restaurant == "content seen ( tags garden )"


def test_a_record_that_was_described_as_a_whole_stands_out_among_its_like() -> None:
    lamps = told({"variants": {f"5000{n}": {"options": {"shade": a, "mount": b}} for n, (a, b) in enumerate(_LAMPS)}})
    talk = Evidence((lamps, agent("Lamp (brass, clip) for lamp (paper, floor). Shall I?"), user("Yes.")))
    assert values(talk, call(new="50001")) == "new seen ( shade paper told mount floor told together )"
    assert values(talk, call(new="50002")) == "new seen other ( shade paper told mount clip told )"
    assert values(talk, call(old="50000", new="50002")) == (
        "old seen ( shade brass told mount clip told together ) new seen other ( shade paper told mount clip told )"
    )


_LAMPS = (("brass", "clip"), ("paper", "floor"), ("paper", "clip"))


def test_another_value_than_the_tool_allows_and_the_reply_named_shows() -> None:
    choices = {"cabin": frozenset({"economy", "business"})}
    talk = Evidence((agent("I would book business. Shall I?"), user("Yes.")), choices=choices)
    assert values(talk, call(cabin="economy")) == "cabin new other"
    assert values(talk, call(cabin="business")) == "cabin told"
    assert values(talk, call(cabin="first")) == "cabin new"


def test_a_write_with_another_number_than_the_reply_named_shows() -> None:
    offer = (agent("I would send you $240. Shall I?"), user("Yes."))
    effects: dict[str, Effect] = {"change": "write"}
    assert values(Evidence(offer, effects), call(amount=241)) == "amount new other"
    assert values(Evidence(offer, effects), call(amount=240)) == "amount told"
    assert values(Evidence(offer), call(amount=241)) == "amount new"
    assert values(Evidence((agent("Shall I?"), user("Yes.")), effects), call(amount=241)) == "amount new"


def test_a_text_is_whole_where_it_was_said_at_once() -> None:
    talk = Evidence((user("I need a table in Cork for 3 May, and a car from 4 May."),))
    assert values(talk, call(search="a table in Cork on 3 May")).endswith("search whole")
    assert values(talk, call(search="a table in Cork on 4 May")).endswith("search parts")


def test_what_was_changed_is_done_in_the_agents_words() -> None:
    effects: dict[str, Effect] = {"change": "write"}
    change = call(order="W12")
    succeeded = Message("tool", "{}", tool_call_id="c", name="change")
    failed = Message("tool", "Error: no", tool_call_id="c", name="change")
    claim = agent("Order W12 has been changed.")
    assert values(Evidence((change, succeeded), effects), claim) == "W12 new done"
    assert values(Evidence((change, failed), effects), claim) == "W12 new"


def test_a_record_that_stands_under_two_keys_is_there_twice() -> None:
    assert values(Evidence((PROFILE,)), call(old="card_1", new="card_1")).count("twice") == 2


def test_what_an_exchange_and_a_change_cost_is_a_sum() -> None:
    order = told({"items": [{"item_id": "I1", "name": "Lamp", "kind": "clip", "price": 20.5}]})
    lamps = told({"variants": {"I2": {"item_id": "I2", "name": "Lamp", "kind": "floor", "price": 27.25}}})
    talk = Evidence((order, lamps))
    assert values(talk, agent("Lamp (clip) for Lamp (floor) is $6.75.")) == "6.75 sum"
    assert values(talk, agent("Lamp (clip) for Lamp (floor) is $7.75.")) == "7.75 new"
    booked = told({"trip_id": "T1", "flights": [{"flight_number": "F1", "price": 100}]})
    offers = told([{"flight_number": "F1", "prices": {"economy": 90, "business": 300}}])
    trip = Evidence((booked, offers))
    assert values(trip, agent("T1 in business on F1 is $400 for both.")).endswith("F1 seen 400 sum")
    assert values(trip, agent("T1 in business on F1 is $410 for both.")).endswith("F1 seen 410 new")


def test_the_number_of_a_lists_entry_is_no_value() -> None:
    talk = Evidence((user("My order is #W12."),))
    assert values(talk, agent("I need:\n1. Your name\n2) The order #W12\n10. 5 bags")) == "#W12 user 5 new"


def test_a_request_is_a_question_and_a_claim_has_many_words() -> None:
    effects: dict[str, Effect] = {"change": "write"}
    for words in ("Please confirm (yes).", "Let me know if I should.", "I\u2019ll need your id.", "Shall I?"):
        assert "unconfirmed" not in Evidence((agent(words), user("Yes.")), effects).notes(call(x="1"))
    assert "unconfirmed" in Evidence((agent("I would do it."), user("Yes.")), effects).notes(call(x="1"))
    talk = Evidence((user("Do it."),))
    for words in ("It was cancelled.", "I\u2019ve just updated it.", "Your trip is now booked.", "You're all set!"):
        assert " claims " in f"{talk.notes(agent(words))} "
    assert " denies " in talk.notes(agent("I can\u2019t do that."))
