"""``acc label``: by a script, by inference, and by a person at a real terminal."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest
from msgspec.structs import replace

from actorcritic_cli.learn.candidates import before, candidates
from actorcritic_cli.paths import database_path
from actorcritic_cli.replay.story import told
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.labels import labels, put_label
from actorcritic_cli.store.recorder import Recorder
from actorcritic_cli.types import Critique, Label, Verdict
from tests.parties import RuleCritic, actor_of, call, reply, session_of
from tests.program import acc

SECRET = "WHAT-THE-CRITIC-SAID"


def objecting(case):
    if "bad" in str(case.proposal.message):
        return Verdict("revise", "rule", 0.9, 0.5, critique=Critique(SECRET, "rule", "wrong", "right"))
    return 0.1


def supervised(name="supervised"):
    """Five proposals of the actor: a greeting, a bad call with its revision, a look-up, a goodbye."""
    made = actor_of(
        reply("Welcome."),
        (call("cancel_reservation", {"reservation_id": "bad"}), reply("Shall I cancel it?")),
        call("list_all_airports", {}),
        reply("Goodbye."),
    )
    session, started = session_of(
        made, ["Hi there", "I want out", "Do it now", "###STOP###"], critic=RuleCritic(objecting)
    )
    events = [started, *session.events()]
    return [replace(started, session=name, at=1e9), *events[1:]]


@pytest.fixture(autouse=True)
def database():
    with open_database(database_path()) as opened:
        record(opened, supervised())
        yield opened


def record(database, events):
    recorder = Recorder(database)
    for event in events:
        recorder.record(event)


def known(database, **chosen):
    return [(f"{one.step}.{one.attempt}", one.label, one.why) for one in labels(database, source="human", **chosen)]


# ── by a script


def test_a_label_can_be_set_listed_replaced_and_removed(database):
    assert acc("label", "supervised", "--set", "1=approve", "--set", "2.0=revise:no confirmation: none").code == 0
    assert known(database) == [("1.0", "approve", ""), ("2.0", "revise", "no confirmation: none")]
    listed = acc("label", "--list", "--json").json
    assert [(one["session"], one["step"], one["attempt"], one["tool"], one["source"]) for one in listed] == [
        ("supervised", 1, 0, None, "human"),
        ("supervised", 2, 0, "cancel_reservation", "human"),
    ]
    assert "no confirmation" in acc("label", "supervised", "--list").out
    shown = acc("label", "supervised", "--set", "1=bad:too short", "--json").json
    assert [(one["label"], one["why"]) for one in shown] == [
        ("revise", "too short"),
        ("revise", "no confirmation: none"),
    ]
    assert acc("label", "supervised", "--remove", "2.0").code == 0
    assert known(database) == [("1.0", "revise", "too short")]
    assert acc("label", "supervised", "--remove", "2.0").code == 3
    assert acc("label", "--remove", "all").code == 0
    assert known(database) == []


def test_every_labeller_has_a_label_of_their_own(database, monkeypatch):
    acc("label", "supervised", "--set", "1=good")
    acc("label", "supervised", "--set", "1=bad", "--labeller", "ida")
    monkeypatch.setenv("ACC_LABELLER", "olaf")
    acc("label", "supervised", "--set", "1=good:fine")
    found = {(one.labeller, one.label) for one in labels(database)}
    assert found == {("", "approve"), ("ida", "revise"), ("olaf", "approve")}
    newest = database.rows("SELECT label, why FROM newest_labels")
    assert [tuple(row) for row in newest] == [("approve", "fine")]
    acc("label", "supervised", "--remove", "1")
    assert {one.labeller for one in labels(database)} == {"", "ida"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["supervised"], 2, "no terminal"),
        ([], 2, "what to label"),
        (["--run", "none"], 3, "none"),
        (["nobody"], 3, "nobody"),
        (["supervised", "--set", "2=good"], 2, "2.0, 2.1"),
        (["supervised", "--set", "9=good"], 3, "no proposal in step 9"),
        (["supervised", "--set", "2.7=good"], 3, "no proposal 2.7"),
        (["supervised", "--set", "1=maybe"], 2, "no label"),
        (["supervised", "--set", "x=good"], 2, "names no proposal"),
        (["supervised", "--set", "1"], 2, "no label"),
        (["--set", "1=good"], 2, "whose proposals"),
        (["supervised", "--list", "--from-outcome"], 2, "different things"),
        (["supervised", "--env", "tau_airline"], 2, "or choose many"),
        (["supervised", "--remove", "1", "--source", "oracle"], 2, "part of what was recorded"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_and_changes_nothing(database, arguments, code, said):
    done = acc("label", *arguments)
    assert done.code == code
    assert said in done.error
    assert list(labels(database)) == []


def test_settings_are_kept_all_or_none(database):
    assert acc("label", "supervised", "--set", "1=good", "--set", "9=good").code == 3
    assert known(database) == []


def test_a_key_in_a_reason_is_not_kept(database, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "very-secret-value")
    acc("label", "supervised", "--set", "1=bad:says very-secret-value")
    assert known(database) == [("1.0", "revise", "says [SOME_API_KEY]")]


# ── by inference


def test_inference_is_a_command_that_can_be_repeated(database):
    acc("run", "--env", "tau_retail", "--actor", "sim:hasty", "--trials", "2", "--seed", "3", "--supervise", "off")
    run = acc("sessions", "--runs", "--json").json[0]["id"]
    first = acc("label", "--from-ground-truth", "--run", run, "--json")
    tally = first.json["tally"]
    assert tally["sessions"] == 54
    assert tally["passed"]["revise"] == 0
    assert tally["revise"] > 0
    count = len(acc("label", "--run", run, "--list", "--source", "ground_truth", "--json").json)
    assert first.json["labels"] == {"added": count, "changed": 0, "removed": 0, "same": 0}
    again = acc("label", "--from-ground-truth", "--run", run, "--json").json["labels"]
    assert again == {"added": 0, "changed": 0, "removed": 0, "same": count}
    printed = acc("label", "--from-ground-truth", "--run", run)
    assert "first revise of a session" in printed.out
    assert f"{count:,} as before" in printed.err
    outcome = acc("label", "--from-outcome", "--run", run, "--json").json
    assert outcome["approve"] + outcome["revise"] == outcome["labels"]["added"] > 0
    assert "no session on the task passed" in str(outcome["skipped"])
    assert "sessions with labels" in acc("label", "--from-outcome", "--run", run).out
    assert acc("label", "--from-ground-truth", "supervised", "--json").json["tally"]["skipped"] == {
        "free conversation": 1
    }


# ── which proposals, and what is shown of them


def test_proposals_are_chosen_by_what_became_of_them():
    story = told(supervised())
    chosen = {
        only: [one.name for one in candidates(story, only)] for only in ("judged", "writes", "interventions", "all")
    }
    assert chosen == {
        "judged": ["1.0", "2.0", "2.1", "4.0"],
        "writes": ["2.0"],
        "interventions": ["2.0"],
        "all": ["1.0", "2.0", "2.1", "3.0", "4.0"],
    }
    session, started = session_of(actor_of(reply("a"), call("list_all_airports", {}), reply("b")), ["x", "y", "z"])
    unsupervised = told([started, *session.events()])
    assert [one.name for one in candidates(unsupervised, "judged")] == ["1.0", "3.0"]


def test_what_led_to_a_proposal_begins_with_the_users_last_words():
    story = told(supervised())
    steps = {one.name: [turn.step for turn in before(one)] for one in candidates(story, "all")}
    assert steps == {"1.0": [0], "2.0": [1], "2.1": [1], "3.0": [2], "4.0": [2, 3]}


# ── by a person


def sit_down(*arguments: str | Path) -> pexpect.spawn:
    return pexpect.spawn(
        sys.executable,
        ["-m", "actorcritic_cli", "label", *map(str, arguments)],
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "100"},
        encoding="utf-8",
        timeout=60,
        dimensions=(40, 100),
    )


def leave(person: pexpect.spawn, code: int = 0) -> str:
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == code, person.before
    assert "Traceback" not in person.before
    return person.before


def test_a_person_walks_through_a_session_and_is_not_led_by_the_critic(database):
    person = sit_down("supervised")
    person.expect("proposal 1.0, 1 of 4")
    person.expect("Hi there")
    person.expect("Welcome.")
    person.expect("q quit")
    person.send("g")
    person.expect("1.0 is good")
    person.expect("proposal 2.0, 2 of 4")
    person.expect("I want out")
    person.expect("cancel_reservation")
    person.expect("q quit")
    assert SECRET not in person.before
    assert known(database) == [("1.0", "approve", "")]  # each answer is kept at once
    person.send("b")
    person.expect("why")
    person.sendline("no confirmation")
    person.expect("2.0 is bad: no confirmation")
    person.expect(SECRET)
    person.expect("proposal 2.1, 3 of 4")
    person.expect("q quit")
    person.send("x")
    person.expect("means nothing here")
    person.expect("q quit")
    person.send("s")
    person.expect("proposal 4.0, 4 of 4")
    person.expect("q quit")
    person.send("q")
    said = leave(person)
    assert "2 proposals labelled; 2 proposals left" in said
    assert known(database) == [("1.0", "approve", ""), ("2.0", "revise", "no confirmation")]


def test_undo_takes_answers_back_one_by_one(database):
    person = sit_down("supervised")
    for answer in "gg":
        person.expect("q quit")
        person.send(answer)
    person.expect("proposal 2.1")
    person.expect("q quit")
    person.send("u")
    person.expect("proposal 2.0")
    person.expect("q quit")
    assert known(database) == [("1.0", "approve", "")]
    person.send("u")
    person.expect("proposal 1.0")
    person.expect("q quit")
    assert known(database) == []
    person.send("u")
    person.expect("Nothing to undo")
    person.expect("q quit")
    person.send("q")
    leave(person)


def test_the_next_time_goes_on_where_it_stopped_and_again_asks_anew(database):
    put_label(database, "supervised", 1, 0, Label("approve", "", "human"))
    put_label(database, "supervised", 2, 1, Label("approve", "", "human"), "ida")
    person = sit_down("supervised")
    person.expect("proposal 2.0, 2 of 4")
    person.expect("q quit")
    person.send("q")
    leave(person)
    person = sit_down("supervised", "--again")
    person.expect("proposal 1.0, 1 of 4")
    person.expect("your label: good")
    person.expect("q quit")
    person.send("b")
    person.expect("why")
    person.sendline("")
    person.expect("proposal 2.0")
    person.expect("q quit")
    assert known(database, labeller="") == [("1.0", "revise", "")]
    person.send("u")
    person.expect("proposal 1.0")
    person.expect("your label: good")
    person.expect("q quit")
    assert known(database, labeller="") == [("1.0", "approve", "")]
    person.send("q")
    leave(person)


def test_the_verdict_is_shown_before_when_that_is_wanted(database):
    person = sit_down("supervised", "--show-verdict", "--only", "writes")
    person.expect("proposal 2.0, 1 of 1")
    person.expect(SECRET)
    person.expect("q quit")
    person.send("m")
    person.expect("Hi there")
    person.expect("Welcome")
    person.expect("q quit")
    person.send("p")
    person.expect("policy")
    person.expect("q quit")
    person.send("b")
    person.expect("why")
    person.sendline("it is")
    assert "1 proposal labelled, none left" in leave(person)
    assert "nothing here that you have not labelled" in leave(sit_down("supervised", "--only", "writes"))


@pytest.mark.parametrize("when", ["before the answer", "while saying why"])
def test_ctrl_c_loses_no_answer(database, when):
    person = sit_down("supervised")
    person.expect("q quit")
    person.send("g")
    person.expect("proposal 2.0")
    person.expect("q quit")
    if when == "while saying why":
        person.send("b")
        person.expect("why")
    person.sendcontrol("c")
    said = leave(person, 130)
    assert "1 proposal labelled and kept" in said
    assert known(database) == [("1.0", "approve", "")]


def test_keys_typed_ahead_count(database):
    person = sit_down("supervised")
    person.expect("q quit")
    person.send("g\x1b[Asgéq")  # an arrow and a letter that mean nothing are each one key
    said = leave(person)
    assert said.count("means nothing here") == 2
    assert known(database) == [("1.0", "approve", ""), ("2.1", "approve", "")]


def test_a_run_is_walked_through_session_by_session(database):
    record(database, supervised("second"))
    person = sit_down("--env", "tau_airline", "--only", "writes")
    person.expect("session second, proposal 2.0, 1 of 2|session supervised, proposal 2.0, 1 of 2")
    person.expect("q quit")
    person.send("g")
    person.expect("2 of 2")
    person.expect("q quit")
    person.sendcontrol("d")
    leave(person)
    assert len(known(database)) == 1
