"""The rules of the travel game: what every kind of message comes to, in both games and with every switch."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from actorcritic_cli.types import Message, ToolCall
from tests.travel_trip import BREAKFAST, GYM, HOTEL, TABLE, VEGETARIAN, do, environment, episode, events

VAGUE = "Do you have any preferences for the hotel?"


def result(played, choice, content):
    return played.call("interact_with_env", {"thought": "", "choice": choice, "content": content})


# searching


def test_the_first_right_search_lists_all_options_without_their_labels():
    played = episode()
    listed = do(played, "search", HOTEL).splitlines()
    options = [json.loads(line) for line in listed[1:]]
    assert {option["id"] for option in options} == {"H1", "H2", "H3", "H4", "H5"}
    assert not {"type", "reason"} & set().union(*options)
    assert played.turns[-1].reward == 0.2


def test_every_option_has_the_same_fields_so_that_a_gap_marks_nothing():
    options = [json.loads(line) for line in do(episode(), "search", HOTEL).splitlines()[1:]]
    assert {tuple(option) for option in options} == {("name", "cost", "rating", "id")}


def test_a_repeated_search_points_to_the_earlier_result():
    played = episode()
    do(played, "search", HOTEL)
    again = do(played, "search", HOTEL)
    assert "earlier result" in again
    assert "H1" not in again
    assert [turn.reward for turn in played.turns] == [0.2, 0.0]


@pytest.mark.parametrize(
    "wrong",
    [
        f"{HOTEL} and {TABLE}",
        "a hotel in Cork",
        "a hotel in Cork from May 3rd to May 7th",
        "a hotel in Leeds from May 3rd to May 6th",
        "a flight to Cork on May 3rd",
        "something nice",
    ],
)
def test_a_wrong_search_is_refused_without_saying_what_is_wrong(wrong):
    played = episode()
    asked = result(played, "search", wrong)
    assert asked.error
    assert "not right" in asked.text
    assert events(played) == ["bad_search"]


def test_searches_five_and_ten_fail_on_purpose_and_are_not_judged():
    played = episode()
    for _ in range(11):
        do(played, "search", HOTEL)
    failed = [number for number, event in enumerate(events(played), 1) if event == "out_of_order"]
    assert failed == [5, 10]
    assert played.state.judged_searches == 9


def test_searches_neither_raise_nor_reset_the_count_of_fruitless_questions():
    played = episode()
    do(played, "action", VAGUE)
    do(played, "search", HOTEL)
    assert played.state.fruitless == 1


# asking


def test_a_concrete_question_is_answered_with_the_implicit_statement():
    played = episode()
    assert do(played, "action", "Would you use a gym in the hotel?") == GYM
    assert played.turns[-1].reward == 0.2
    assert played.state.active == ("P1",)
    assert played.state.remaining == ("P2", "P3")


def test_each_preference_is_revealed_once():
    played = episode()
    do(played, "action", "Would you use a gym in the hotel?")
    again = do(played, "action", "Really, a gym in the hotel?")
    assert GYM not in again
    assert events(played) == ["active", "nothing_there"]


def test_the_kinds_of_fruitless_questions_are_told_apart():
    played = episode(elicitation_interval=0)
    do(played, "action", "Do you need parking at the hotel?")
    do(played, "action", VAGUE)
    do(played, "action", "Lovely weather today.")
    assert events(played) == ["nothing_there", "vague", "talk"]
    assert [turn.reward for turn in played.turns] == [0, 0, 0]


@pytest.mark.parametrize(("late", "turn"), [(False, 3), (True, 4)])
def test_the_user_volunteers_after_fruitless_questions(late, turn):
    played = episode(volunteer_late=late)
    said = [do(played, "action", VAGUE) for _ in range(turn)]
    assert events(played) == ["vague"] * (turn - 1) + ["volunteered"]
    assert said[-1].endswith(GYM)
    assert "hotel" in said[-1]
    assert played.turns[-1].reward == 0
    assert played.state.passive == ("P1",)
    assert played.state.fruitless == 0


def test_a_good_question_starts_the_count_anew():
    played = episode()
    for words in (VAGUE, VAGUE, "Do you like breakfast at the hotel?", VAGUE, VAGUE):
        do(played, "action", words)
    assert events(played) == ["vague", "vague", "active", "vague", "vague"]


def test_with_nothing_left_nothing_is_volunteered():
    played = episode(elicitation_interval=1)
    assert [do(played, "action", VAGUE)[-8:] for _ in range(3)] == [GYM[-8:], BREAKFAST[-8:], VEGETARIAN[-8:]]
    do(played, "action", VAGUE)
    assert events(played)[-1] == "vague"


# answering


def test_best_and_correct_and_unsuitable_options_earn_what_they_should():
    played = episode(one_choice=False)
    do(played, "search", HOTEL)
    for option in ("H3", "H2", "H1", "H1", "H2"):
        do(played, "answer", option)
    assert events(played)[1:] == ["unsuitable", "correct", "best", "unsuitable", "unsuitable"]
    assert [turn.reward for turn in played.turns] == [0.2, 0.0, 0.8, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "option", ["", "h1", "H1, H2", "H 1", "H", "1", "hotel H1", "H99", "F1", "R7", "A1", "H١", "X1"]
)
def test_an_answer_that_cannot_count_changes_nothing_but_the_step(option):
    played = episode()
    do(played, "search", HOTEL)
    before = played.state
    answer = result(played, "answer", option)
    assert answer.error
    assert played.state == replace(before, steps=before.steps + 1)
    assert played.turns[-1].reward == 0


def test_options_that_no_search_showed_count_only_without_the_switch():
    assert result(episode(), "answer", "H1").error
    played = episode(require_listed=False)
    assert not result(played, "answer", "H1").error
    assert events(played) == ["best"]
    assert result(played, "answer", "R99").error


def test_in_single_choice_the_first_answer_is_final():
    played = episode(require_listed=False)
    do(played, "answer", "H3")
    assert result(played, "answer", "H1").error
    assert events(played) == ["unsuitable", "refused"]


def test_the_single_choice_game_ends_when_every_aspect_is_answered_even_wrongly():
    played = episode(require_listed=False)
    assert not result(played, "answer", "H3").ends
    last = result(played, "answer", "R8")
    assert (last.ends, last.ending) == (True, "user_stop")
    assert played.state.over


def test_the_multiple_choice_game_ends_when_every_best_option_is_named():
    played = episode(require_listed=False, one_choice=False)
    for option in ("H3", "H2", "R8", "H1"):
        assert not result(played, "answer", option).ends
    assert result(played, "answer", "R7").ends


def test_after_the_end_nothing_more_can_be_done():
    played = episode(require_listed=False)
    do(played, "answer", "H3")
    do(played, "answer", "R8")
    before = played.state
    after = result(played, "search", HOTEL)
    assert after.error
    assert not after.ends
    assert played.state == replace(before, steps=before.steps + 1)


def test_the_verdict_of_an_answer_can_be_kept_back():
    said = {do(episode(require_listed=False, say_verdict=False), "answer", option)[2:] for option in ("H1", "H2", "H3")}
    assert len(said) == 1
    told = {do(episode(require_listed=False), "answer", option)[2:] for option in ("H1", "H2", "H3")}
    assert len(told) == 3


def test_a_penalty_for_wrong_choices_shows():
    played = episode(require_listed=False, wrong_choice_penalty=0.5)
    do(played, "answer", "H3")
    assert played.turns[-1].reward == -0.5
    assert played.score((), "user_stop").value == 0.0


# form


@pytest.mark.parametrize(
    ("choice", "content", "event"),
    [
        ("action", f"[action] {VAGUE}", "vague"),
        ("other", f"[search] {HOTEL}", "listed"),
        ("other", HOTEL, "malformed"),
        ("search", f"[answer] {HOTEL}", "listed"),
        ("Search", HOTEL, "malformed"),
        ("search", "   ", "malformed"),
        ("action", "[action]", "malformed"),
        ("other", "[FINISH]", "finished"),
        ("[finish]", "", "finished"),
        ("action", "[finish]", "talk"),
    ],
)
def test_choice_and_content_are_read_as_the_benchmark_reads_them(choice, content, event):
    played = episode()
    do(played, choice, content)
    assert events(played) == [event]


@pytest.mark.parametrize(
    "arguments", [{}, {"thought": "", "choice": "search"}, {"thought": 1, "choice": "search", "content": HOTEL},
                  {"thought": "", "choice": "search", "content": HOTEL, "city": "Cork"}]
)  # fmt: skip
def test_a_call_that_does_not_fit_the_tool_uses_a_step_and_nothing_else(arguments):
    played = episode()
    before = played.state
    assert played.call("interact_with_env", arguments).error
    assert played.state == replace(before, steps=1)


def test_finish_tells_what_was_found_out():
    played = episode()
    do(played, "action", "A gym in the hotel?")
    end = result(played, "finish", "[finish]")
    assert end.ends
    assert "1 of 3" in end.text


def test_only_the_first_of_several_calls_stands():
    calls = tuple(ToolCall(str(n), "interact_with_env", "{}") for n in range(3))
    raw = json.dumps({"tool_calls": [{"id": str(n)} for n in range(3)], "role": "assistant"})
    kept = environment().stands(Message("assistant", None, calls, raw=raw))
    assert kept.tool_calls == calls[:1]
    assert json.loads(kept.raw)["tool_calls"] == [{"id": "0"}]
    assert environment().stands(Message("assistant", None, calls, raw="?")).raw is None


# metrics


def test_the_metrics_follow_their_formulas():
    played = episode()
    for choice, content in (
        ("search", HOTEL),
        ("search", "a hotel"),
        ("action", "Would you use a gym in the hotel?"),
        ("action", VAGUE),
        ("answer", "H2"),
        ("search", TABLE),
        ("answer", "R7"),
    ):
        do(played, choice, content)
    transcript = tuple(Message("assistant", "x") for _ in range(8))  # seven calls and a plain reply
    reward = played.score(transcript, "user_stop")
    info = reward.info
    assert reward.value == info["micro_max"] == 1.0
    assert info["micro_avg"] == pytest.approx((0.2 + 0.2 + 0.8 + 0.2 + 1.0) / 8)
    assert (info["number_of_1"], info["number_of_08"]) == (1, 1)
    assert info["elicitation_ratio"] == info["active_rate"] == pytest.approx(1 / 3)
    assert info["elicitation_ratio_original"] == 1.0  # answering dropped the rest
    assert info["passive_rate"] == 0
    assert info["search_validity"] == pytest.approx(2 / 3)
    assert info["question_validity"] == 0.5
    assert (info["best_rate"], info["correct_rate"], info["first_best_rate"]) == (0.5, 1.0, 0.5)
    assert info["all_best"] == 0.0


def test_answering_early_does_not_raise_the_elicitation_ratio():
    played = episode(require_listed=False)
    do(played, "action", "Would you use a gym in the hotel?")
    before = played.score((), "user_stop").info["elicitation_ratio"]
    do(played, "answer", "H1")
    do(played, "answer", "R7")
    assert played.score((), "user_stop").info["elicitation_ratio"] == before


def test_a_game_nobody_played_scores_nothing():
    reward = episode().score((), "max_turns")
    assert reward.value == 0.0
    assert reward.info["micro_avg"] == 0.0
    assert reward.info["search_validity"] is None


def test_an_end_through_no_conduct_of_the_agents_is_not_scored():
    assert episode().score((), "infrastructure_error") is None


def test_the_state_hash_is_of_the_state():
    one, two = episode(), episode()
    assert one.state_hash() == two.state_hash()
    do(one, "action", "Would you use a gym in the hotel?")
    assert one.state_hash() != two.state_hash()
    do(two, "action", "How about a gym in the hotel?")
    assert one.state_hash() == two.state_hash()
