"""acc critic data: what is on record becomes labelled cases that do not leak from one split into another."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.critics.critique import parse
from actorcritic_cli.critics.labels import CANDIDATES, LabelPair
from actorcritic_cli.critics.prompt import build
from actorcritic_cli.critics.remote import messages_of
from actorcritic_cli.learn.critique_words import as_written
from actorcritic_cli.learn.dataset import SOURCES, SPLITS, case_of, read_card, read_contexts, read_rows
from actorcritic_cli.learn.formats import answer
from actorcritic_cli.learn.splitting import balanced, groups, split, unique
from actorcritic_cli.paths import database_path
from actorcritic_cli.replay.cases import basis_of, judgeable
from actorcritic_cli.session.build import environment_for
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from tests.critic_data import hold_hasty, row, rows
from tests.program import acc


@given(rows)
def test_no_task_and_no_user_and_no_content_is_in_two_splits(made):
    kept = unique(made).rows
    splits = split(kept)
    assert sorted(r.id for own in splits.values() for r in own) == sorted(r.id for r in kept)
    for key in (lambda r: r.id, lambda r: (r.env, r.dataset, r.task), lambda r: (r.env, r.user) if r.user else None):
        seen = [{key(r) for r in own} - {None} for own in splits.values()]
        assert all(not (a & b) for n, a in enumerate(seen) for b in seen[n + 1 :])


@given(rows, st.sets(st.integers(0, 50)))
def test_a_data_set_that_is_held_out_is_only_tested_on(made, others):
    kept = [replace(r, dataset="other") if n in others else r for n, r in enumerate(unique(made).rows)]
    splits = split(kept, (80, 20, 0), held_out=("other",))
    together = [[kept[place] for place in places] for places in groups(kept).values()]
    apart = {r.id for own in together if any(r.dataset == "other" for r in own) for r in own}
    assert {r.id for r in splits["test"]} == apart


@given(rows, st.randoms())
def test_a_split_depends_on_nothing_but_rows_and_seed(made, draw):
    kept = unique(made).rows
    shuffled = list(kept)
    draw.shuffle(shuffled)
    one, two = split(kept, seed=3), split(shuffled, seed=3)
    assert {name: {r.id for r in own} for name, own in one.items()} == {
        name: {r.id for r in own} for name, own in two.items()
    }


@given(rows)
def test_groups_are_joined_by_tasks_and_by_users(made):
    places = groups(made)
    where = {place: name for name, own in places.items() for place in own}
    assert sorted(where) == list(range(len(made)))
    for a, one in enumerate(made):
        for b, other in enumerate(made):
            if one.env == other.env and (one.task == other.task or (one.user and one.user == other.user)):
                assert where[a] == where[b]


@given(rows)
def test_each_content_is_kept_once_under_its_best_label(made):
    found = unique(made)
    assert len({r.id for r in found.rows}) == len(found.rows)
    assert len(found.rows) + found.repeated + found.contradicting == len(made)
    for kept in found.rows:
        same = [r for r in made if r.id == kept.id]
        best = min(SOURCES.index(r.source) for r in same)
        assert {r.label for r in same if SOURCES.index(r.source) == best} == {kept.label}
        assert kept.provenance.get("times", 1) == len(same)


def test_labels_of_one_source_that_contradict_each_other_are_left_out():
    found = unique([row(), row(label="revise"), row("t2"), row("t2", label="revise", source="human")])
    assert [(r.task, r.label) for r in found.rows] == [("t2", "revise")]
    assert (found.repeated, found.contradicting) == (1, 2)


@given(rows)
def test_balancing_leaves_as_many_of_one_label_as_of_the_other(made):
    kept = balanced(made)
    for env in ("desk", "trip"):
        labels = [r.label for r in kept if r.env == env]
        before = [r.label for r in made if r.env == env]
        assert labels.count("approve") == labels.count("revise") == min(map(before.count, ("approve", "revise")))


@given(st.text())
def test_a_target_for_critiques_is_one_that_the_engine_can_write(text):
    made = row(label="revise", rule=as_written(text), wrong=as_written(f"x{text}"))
    word, _, written = answer(made, CANDIDATES[0]).partition("\n")
    assert word == "yes"
    critique = parse(written)
    assert critique is not None
    assert critique.right == "not known"


def test_cases_are_those_that_the_critic_of_the_session_saw(tmp_path):
    hold_hasty()
    out = tmp_path / "data"
    made = acc("critic", "data", out, "--json")
    assert made.code == 0, made.error
    contexts = read_contexts(out)
    found = {name: list(read_rows(out, name)) for name in SPLITS}
    everything = [r for own in found.values() for r in own]
    assert {r.label for r in everything} == {"approve", "revise"}
    assert made.json["counts"]["all"]["rows"] == len(everything) == read_card(out)["counts"]["all"]["rows"]
    assert all(found.values())
    with open_database(database_path()) as database:
        library = Library(database)
        for one in everything[::7]:
            events = list(library.events(one.session))
            policy = basis_of(events[0], environment_for(events[0].spec)).policy
            live = next(j for j in judgeable(events, policy) if (j.step, j.attempt) == (one.step, one.attempt))
            assert build(case_of(one, contexts), CANDIDATES[0]) == build(live.case, CANDIDATES[0])
    wrong = [r for r in everything if r.label == "revise"]
    assert all(r.slip and r.wrong and r.right and r.better is not None for r in wrong)
    assert all(r.user for r in everything)
    assert "No task and no user" in (out / "card.md").read_text()


def test_lines_for_fine_tuning_hold_the_prompt_of_the_engine(tmp_path):
    hold_hasty(trials=1)
    assert acc("critic", "data", tmp_path / "cases").code == 0
    assert acc("critic", "data", tmp_path / "sft", "--format", "sft", "--labels", "B,A").code == 0
    contexts, cases = read_contexts(tmp_path / "cases"), list(read_rows(tmp_path / "cases", "test"))
    lines = [json.loads(line) for line in (tmp_path / "sft" / "test.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == [case.id for case in cases]
    for case, line in zip(cases, lines, strict=True):
        pair = LabelPair("B", "A")
        assert line["messages"][:2] == messages_of(build(case_of(case, contexts), pair))
        assert line["messages"][2] == {"role": "assistant", "content": answer(case, pair)}
        assert line["provenance"]["session"] == case.session


def test_pairs_and_revisions_hold_the_wrong_and_the_right_action(tmp_path):
    hold_hasty(trials=2)
    for form in ("cases", "preference", "better-of-two", "revisions"):
        assert acc("critic", "data", tmp_path / form, "--format", form, "--split", "1,0,0").code == 0
    wrong = {r.id: r for r in read_rows(tmp_path / "cases", "train") if r.label == "revise"}
    held = {
        form: [json.loads(line) for line in (tmp_path / form / "train.jsonl").read_text().splitlines()]
        for form in ("preference", "better-of-two", "revisions")
    }
    for line in held["preference"]:
        said = [line[key][0]["content"].split("\n")[0] for key in ("chosen", "rejected")]
        assert said == (["yes", "no"] if line["label"] == "revise" else ["no", "yes"])
    assert {line["id"] for line in held["better-of-two"]} == {line["id"] for line in held["revisions"]} == set(wrong)
    letters = [line["messages"][-1]["content"] for line in held["better-of-two"]]
    assert {"A", "B"} == set(letters)
    for line in held["revisions"]:
        one = wrong[line["id"]]
        assert line["rejected"] != line["accepted"]
        assert line["critique"]["wrong"] == one.wrong
        assert len(line["prompt"]) == 1 + len(one.transcript)
    assert acc("critic", "data", tmp_path / "revisions", "--format", "cases").error.endswith("replace it with --force.")
    (tmp_path / "cases" / "contexts.json").unlink()
    with pytest.raises(Exception, match="is no data set"):
        read_contexts(tmp_path / "cases")


def test_a_dry_run_says_what_would_come_out_and_writes_nothing(tmp_path):
    hold_hasty(trials=2)
    told = acc("critic", "data", tmp_path / "no", "--dry-run")
    assert told.code == 0, told.error
    assert "false_claim" in told.out
    assert not (tmp_path / "no").exists()
    as_json = acc("critic", "data", "--dry-run", "--json", "--source", "contrast").json
    assert set(as_json["counts"]["all"]["sources"]) == {"contrast"}
    assert acc("critic", "data").code == 2
    assert acc("critic", "data", "--dry-run", "--source", "guess").code == 2
    assert acc("critic", "data", "--dry-run", "--split", "10,10").code == 2
    assert acc("critic", "data", "--dry-run", "--env", "travel").code == 3


@pytest.mark.slow
def test_a_failed_session_is_blamed_where_it_departs_from_those_that_passed(tmp_path):
    hold_hasty("tau_airline", 6)
    out = tmp_path / "contrast"
    assert acc("critic", "data", out, "--source", "contrast", "--gate", "all", "--split", "1,0,0").code == 0
    contrast = {r.id: r for r in read_rows(out, "train")}
    assert (
        acc("critic", "data", tmp_path / "oracle", "--source", "oracle", "--gate", "all", "--split", "1,0,0").code == 0
    )
    oracle = {r.id: r for r in read_rows(tmp_path / "oracle", "train")}
    blamed = [key for key, r in contrast.items() if r.label == "revise"]
    cleared = [key for key, r in contrast.items() if r.label == "approve"]
    assert len(blamed) >= 5
    assert len(cleared) >= 5
    # The actor knows its slips: what failed sessions do differently is one of them, nearly always.
    assert sum(oracle[key].label == "revise" for key in blamed) >= 0.8 * len(blamed)
    assert all(0 < r.weight < 1 for r in contrast.values())
    assert all(contrast[key].better != contrast[key].proposal for key in blamed)


@pytest.mark.slow
def test_what_the_task_expects_is_the_better_action(tmp_path):
    hold_hasty("tau_airline", 4)
    assert acc("label", "--from-ground-truth").code == 0
    out = tmp_path / "truth"
    assert acc("critic", "data", out, "--source", "ground_truth", "--split", "1,0,0").code == 0
    wrong = [r for r in read_rows(out, "train") if r.label == "revise"]
    known = [r for r in wrong if r.better is not None and r.provenance["better"] == "ground_truth"]
    assert known
    for r in known:
        assert r.better.tool_calls[0].name == r.proposal.tool_calls[0].name
        assert r.better.tool_calls[0].parsed() != r.proposal.tool_calls[0].parsed()
    # A critic knows no tasks, so its critique does not speak of them.
    assert not any("task" in r.wrong for r in wrong)


def test_labels_of_a_person_come_before_what_the_actor_knows(tmp_path):
    hold_hasty(trials=1)
    assert acc("label", "last", "--set", "1.0=revise:Too curt.").code == 0
    out = tmp_path / "data"
    assert acc("critic", "data", out, "--split", "1,0,0", "--source", "human", "--source", "oracle").code == 0
    human = [r for r in read_rows(out, "train") if r.source == "human"]
    assert [(r.label, r.wrong, r.provenance["also"]) for r in human] == [("revise", "Too curt.", {"oracle": "approve"})]
