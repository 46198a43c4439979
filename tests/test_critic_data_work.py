"""acc critic data with work of its own: rollouts, a teacher, hard tasks. What was done is not done again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.learn.dataset import read_card, read_rows
from actorcritic_cli.learn.kept_lines import KeptLines
from actorcritic_cli.learn.rollouts import Rollout, Rollouts, judged
from actorcritic_cli.learn.teacher import Opinion, read
from actorcritic_cli.paths import database_path
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from tests.critic_data import hold_hasty
from tests.program import acc
from tests.providers_server import KEY, fails, provider_server, says

pytestmark = pytest.mark.slow

__all__ = ["provider_server"]

ALL = ("--split", "1,0,0")


def cases(folder: Path):
    return {row.id: row for row in read_rows(folder, "train")}


def made(*arguments: object) -> Path:
    done = acc("critic", "data", *arguments, *ALL)
    assert done.code == 0, done.error
    return Path(str(arguments[0]))


def sessions():
    with open_database(database_path()) as database:
        return Library(database).sessions()


def test_rollouts_find_the_slips_that_cost_the_session(tmp_path):
    hold_hasty("tau_airline", 1, "cancel-*,book-*")
    before = len(sessions())
    rolled = cases(made(tmp_path / "rolled", "--source", "rollout", "--rollouts", 4))
    known = cases(made(tmp_path / "oracle", "--source", "oracle"))
    assert len(sessions()) == before  # continuations are no sessions on record
    assert {row.source for row in rolled.values()} == {"rollout"}
    same = [known[key].label == row.label for key, row in rolled.items()]
    assert len(same) >= 15
    assert sum(same) >= 0.8 * len(same)
    blamed = [key for key, row in rolled.items() if row.label == "revise"]
    assert any(known[key].label == "revise" for key in blamed)
    assert all(0.5 <= rolled[key].weight <= 1 for key in blamed)


def test_rollouts_that_were_held_are_not_held_again(tmp_path):
    hold_hasty("tau_airline", 1, "cancel-01,cancel-02,book-01")
    out = tmp_path / "rolled"
    first = cases(made(out, "--source", "rollout", "--rollouts", 2))
    kept = (out / "rollouts.jsonl").read_bytes()
    cut = kept[: len(kept) - 30]  # the last line, as a crash would leave it
    (out / "rollouts.jsonl").write_bytes(cut)
    ids = [one.id for one in sessions()]
    with open_database(database_path()) as database:
        assert Rollouts(Library(database), out, 2).planned(ids) == 1
    second = cases(made(out, "--source", "rollout", "--rollouts", 2, "--force"))
    assert {key: row.label for key, row in second.items()} == {key: row.label for key, row in first.items()}
    with open_database(database_path()) as database:
        again = Rollouts(Library(database), out, 2)
        assert again.planned(ids) == 0
        again.findings(ids)
        assert again.held == 0
        assert Rollouts(Library(database), out, 3).planned(ids) > 0


def test_a_dry_run_counts_what_would_be_done_and_does_nothing(tmp_path):
    hold_hasty("tau_airline", 1, "cancel-01,cancel-02")
    before = len(sessions())
    done = acc("critic", "data", tmp_path / "no", "--dry-run", "--rollouts", 3, "--mine-hard", 4)
    assert done.code == 0, done.error
    assert "--mine-hard would hold 8 sessions" in done.err
    assert "continuations" in done.err
    assert len(sessions()) == before
    assert not (tmp_path / "no").exists()


@given(st.integers(0, 8), st.integers(0, 8), st.floats(0.05, 1))
def test_the_rule_for_rollouts_never_blames_what_did_no_harm(before, after, margin):
    value, outcome = before / 8, after / 8
    found = judged(value, outcome, 8, margin)
    if value == 0:
        assert found is None
    elif found is not None:
        assert (found.label == "approve") == (outcome >= value)
        assert 0 <= found.weight <= 1
        if found.label == "revise":
            assert value - outcome >= margin


def test_hard_tasks_are_those_that_are_passed_at_times(tmp_path):
    hold_hasty("tau_airline", 1, "cancel-*")
    out = made(tmp_path / "hard", "--mine-hard", 4)
    card = read_card(out)
    runs = card["mined"]["runs"]
    outcomes: dict[str, set[bool]] = {}
    for one in sessions():
        if one.run in runs:
            assert one.reward is not None
            outcomes.setdefault(one.task or "", set()).add(one.reward == 1.0)
    hard = {task for task, seen in outcomes.items() if len(seen) == 2}
    assert 0 < len(hard) == card["mined"]["hard"]
    assert {row.task for row in cases(out).values()} == hard
    held = len(sessions())
    assert cases(made(tmp_path / "again", "--mine-hard", 4)).keys() == cases(out).keys()
    assert len(sessions()) == held  # the trials are found again by their plan


def test_a_teacher_that_agrees_writes_the_critiques(tmp_path, provider_server, monkeypatch):
    hold_hasty("tau_airline", 1, "cancel-01,cancel-02,cancel-03,book-01,book-02")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    plain = cases(made(tmp_path / "plain"))
    wrong = {json.dumps(row.proposal.content or row.proposal.tool_calls[0].name) for row in plain.values()}
    assert wrong
    labels = {_said(row): row.label for row in plain.values()}
    contrary = next(_said(row) for row in plain.values() if row.label == "approve")

    def teach(body):
        asked = json.loads(body["messages"][1]["content"])
        assert set(asked) == {"policy", "tools", "conversation", "proposal", "outcome"}
        label = labels[asked["proposal"]]
        if asked["proposal"] == contrary:
            label = "revise"
        return says(json.dumps({"verdict": label, "rule": "R9.9", "wrong": 'It is "wrong".', "right": "Ask first."}))

    provider_server.respond_with(teach)
    out = tmp_path / "taught"
    teacher = ("--teacher", "openai/teacher", "--teacher-base", provider_server.openai_base)
    done = acc("critic", "data", out, *ALL, *teacher, "--jobs", 3, "--json")
    assert done.code == 0, done.error
    left_out = done.json["left_out"]["the teacher disagrees"]
    taught = cases(out)
    assert left_out >= 1
    assert len(taught) == len(plain) - left_out
    assert contrary not in {_said(row) for row in taught.values()}
    for row in taught.values():
        assert row.provenance["teacher"].startswith("openai/teacher")
        if row.label == "revise":
            assert (row.wrong, row.right) == ("It is 'wrong'.", "Ask first.")
            assert row.rule == plain[row.id].rule  # what the actor knows comes first
    asked = len(provider_server.requests)
    assert asked == len(plain)
    assert cases(made(out, *teacher, "--force")).keys() == taught.keys()
    assert len(provider_server.requests) == asked


def test_answers_of_a_teacher_are_kept_when_its_provider_fails(tmp_path, provider_server, monkeypatch):
    hold_hasty("tau_airline", 1, "cancel-01,cancel-02,cancel-03")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("ACC_RETRY_BASE", "0.01")
    out = tmp_path / "taught"
    teacher = ("--teacher", "openai/teacher", "--teacher-base", provider_server.openai_base)
    approve = says('{"verdict": "approve"}')
    provider_server.script(approve, approve, fails(401, "bad key"))
    broken = acc("critic", "data", out, *ALL, *teacher)
    assert broken.code == 1
    assert not (out / "card.json").exists()
    assert KEY not in (out / "teacher.jsonl").read_text()
    before = len(provider_server.requests)
    provider_server.respond_with(lambda body: says("I cannot say."))
    done = acc("critic", "data", out, *ALL, *teacher, "--json")
    assert done.code == 0, done.error
    assert done.json["left_out"]["the teacher gave no usable answer"] == len(provider_server.requests) - before
    assert acc("critic", "data", out, "--teacher-base", "http://x").code == 2


@given(st.text())
def test_whatever_a_teacher_answers_can_be_read(text):
    opinion = read("c", text)
    assert opinion.verdict in (None, "approve", "revise")
    wrapped = read("c", "Well:\n```json\n" + json.dumps({"verdict": "revise", "wrong": f"x{text}"}) + "\n```")
    assert wrapped.verdict == "revise"
    assert len(wrapped.wrong) <= 160
    assert '"' not in wrapped.wrong


@given(st.lists(st.text(), max_size=5), st.integers(0, 40))
def test_kept_lines_survive_a_cut(tmp_path_factory, texts, lost):
    kept = KeptLines(tmp_path_factory.mktemp("kept") / "x.jsonl", Opinion)
    values = [Opinion(text.encode("utf-8", "replace").decode(), "m", None) for text in texts]
    for value in values:
        kept.add(value)
    assert list(kept.read()) == values
    if values:
        data = kept.path.read_bytes()
        kept.path.write_bytes(data[: max(0, len(data) - lost)])
        left = list(kept.read())
        assert left == values[: len(left)]
        kept.add(values[0])
        assert list(kept.read()) == [*left, values[0]]


def test_rollouts_go_with_simulated_actors(tmp_path):
    from tests.recordings import write_perfect_sessions

    write_perfect_sessions(tmp_path / "perfect.jsonl")
    assert acc("import", tmp_path / "perfect.jsonl").code == 0
    refused = acc("critic", "data", tmp_path / "out", "--rollouts", 2)
    assert refused.code == 3
    assert "simulated actors" in refused.error
    assert acc("critic", "data", tmp_path / "out", "--mine-hard", 2).code == 3


def test_a_rollout_is_one_line(tmp_path):
    kept = KeptLines(tmp_path / "new" / "x.jsonl", Rollout)
    assert list(kept.read()) == []
    kept.add(Rollout("s", 1, 0, 7, True))
    assert kept.path.read_text().count("\n") == 1


def _said(row) -> str:
    from actorcritic_cli.critics.prompt import say

    return say(row.proposal)


@pytest.mark.parametrize("env", ["tau_retail", "travel"])
def test_rollouts_work_in_every_bundled_environment(tmp_path, env):
    hold_hasty(env, 1, "all", "--seed", 3)
    first = sessions()[:4]
    with open_database(database_path()) as database:
        rollouts = Rollouts(Library(database), tmp_path, 2, gate="all")
        found = rollouts.findings([one.id for one in first])
    assert rollouts.held > 0
    assert {f.label for own in found.values() for fs in own.values() for f in fs} <= {"approve", "revise"}
    assert any(found.values())
