"""acc critic rebuild: public commands, done once each, gone on with after an interruption, and the card that comes out."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from typer.main import get_command

from actorcritic_cli.analysis.pairs import TaskPairs, effect
from actorcritic_cli.bench.judged import Speed
from actorcritic_cli.cli.main import program
from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.learn.builtin.rebuild import HOME, Rebuild, UnderWay
from actorcritic_cli.learn.builtin.recipe import ENVIRONMENTS, RECIPE
from actorcritic_cli.learn.builtin.results import Model, Results, goals
from actorcritic_cli.learn.builtin.steps import Step, shipped_file, steps
from actorcritic_cli.learn.evaluate import agreement, evaluation
from actorcritic_cli.learn.live import Side
from actorcritic_cli.session.plan import Plan
from actorcritic_cli.show.builtin_card import card, goal_rows, short_rows
from actorcritic_cli.store.database import open_database
from actorcritic_cli.store.library import Library
from actorcritic_cli.types import CriticIdentity, Critique, SessionSpec, Verdict
from tests.program import acc
from tests.test_critic_eval import cases, judge_with

HOLD = Step(
    "sessions 1", ("run", "--actor", "sim:hasty", "--tasks", "cancel-01,cancel-02", "--supervise", "off"), kind="hold"
)
DATA = Step("data", ("critic", "data", "data", "--force", "--split", "1,1,1"), ("data",))
LIST = Step("list", ("env", "list", "--json"), ("list.json",), "list.json")


def parsed(words):
    """Parse a command as the program would; nothing is run."""
    command, name = get_command(program()), "acc"
    context = None
    while hasattr(command, "commands"):
        context = command.make_context(name, list(words[:1]), parent=context, resilient_parsing=True)
        name, command, words = words[0], command.commands[words[0]], words[1:]
    return command.make_context(name, list(words), parent=context).params


@pytest.mark.slow
def test_the_recipe_is_made_of_public_commands():
    todo = steps(RECIPE, Path("recordings"))
    for step in todo:
        assert parsed(step.words), step.command
    assert len({step.name for step in todo}) == len(todo)
    assert {hold.env for hold in RECIPE.holds} == set(ENVIRONMENTS)
    assert any(shipped_file(RECIPE) in step.makes for step in todo)
    printed = acc("critic", "rebuild", "out", "--dry-run").out.splitlines()
    assert printed[1:] == [step.command for step in steps(RECIPE)]
    assert not Path("out").exists()


def test_what_is_measured_live_has_other_seeds_than_what_was_learned_from():
    seed, trials = (int(RECIPE.live[RECIPE.live.index(option) + 1]) for option in ("--seed", "--trials"))

    def seeds(base, count):
        spec = SessionSpec("tau_airline", "bundled", None, "sim:hasty", "script", seed=base)
        return {one.seed for one in Plan(spec, ("cancel-01",), count).sessions()}

    assert not seeds(seed, trials) & {s for hold in RECIPE.holds for s in seeds(hold.seed, hold.trials)}


def test_what_is_measured_live_stays_out_of_the_record_that_data_are_made_from():
    words = {step.name: step.words for step in steps(RECIPE)}
    assert "--db" in words["live"]
    assert not any("--db" in words[name] for name in words if name == "data" or name.startswith("sessions"))


@pytest.mark.slow
def test_steps_are_done_once_and_gone_on_with(tmp_path):
    told: list[str] = []
    done = Rebuild(tmp_path, [HOLD, DATA, LIST], told.append).run()
    assert [one.name for one in done] == ["sessions 1", "data", "list"]
    assert told[0].endswith(f"$ {HOLD.command}")
    assert (tmp_path / "list.json").read_text().startswith("[")
    assert (tmp_path / "data" / "card.json").exists()
    told.clear()
    assert Rebuild(tmp_path, [HOLD, DATA, LIST], told.append).run() == done
    assert not told
    other = replace(DATA, words=(*DATA.words, "--seed", "5"))
    Rebuild(tmp_path, [HOLD, other, LIST], told.append).run()
    assert [line.split("$ ")[1] for line in told] == [other.command, LIST.command]
    with pytest.raises(UsageError, match="another recipe"):
        Rebuild(tmp_path, [replace(HOLD, words=(*HOLD.words, "--seed", "5")), DATA], told.append)
    with pytest.raises(AccError, match="'wrong' failed with exit code 3"):
        Rebuild(tmp_path, [HOLD, Step("wrong", ("env", "show", "nowhere"))], told.append).run()


@pytest.mark.slow
def test_sessions_that_were_interrupted_are_gone_on_with_in_the_same_run(tmp_path):
    Rebuild(tmp_path, [HOLD], lambda told: None).run()
    (tmp_path / "done.json").unlink()
    (tmp_path / "under-way.json").write_bytes(msgspec.json.encode(UnderWay(HOLD.command, 0)))
    Rebuild(tmp_path, [HOLD], lambda told: None).run()
    with open_database(tmp_path / HOME / "acc.db", create=False) as database:
        assert [row["ended"] for row in Library(database).runs()] == [2]


def made_up() -> Results:
    made = cases()
    wrong = {one.proposal.content for one in made if one.label == "revise"}

    def knows(asked):
        if asked.proposal.message.content not in wrong:
            return Verdict("approve", "rule", 0.02, 0.5)
        return Verdict("revise", "rule", 0.97, 0.5, critique=Critique("x", rule="R1.2"))

    def named(name, rule):
        judged = judge_with(rule, made)
        return judged, evaluation(CriticIdentity(name, name, quantisation="F16"), judged)

    (first, critic), (_, control) = named("builtin", knows), named("untrained", lambda asked: 0.3)
    same = replace(critic, agreement=agreement(first, first))
    pairs = [TaskPairs(f"t{n}", both=12, mended=7, broken=0, neither=1) for n in range(12)]
    still = [TaskPairs(f"t{n}", both=12, mended=0, broken=0, neither=8) for n in range(12)]
    return Results(
        made_at="2026-01-01",
        acc="1",
        model=Model("ab" * 32, 2.9, 2_600_000, "Q8_0", {"Q8_0": 43}, "compact-1", 0.4, ["tau_airline"]),
        commands=["acc run", "acc critic train"],
        seconds=4000,
        data={"counts": {"all": {"rows": 64, "labels": {"approve": 32, "revise": 32}, "tasks": 16, "sessions": 16}},
              "datasets": ["desk (bundled)"]},
        training={"seconds": 3000.0, "epochs": [{}, {}], "best_epoch": 2, "device": "cpu", "threads": 2},
        evaluations=[critic, control],
        agreement=[critic, same, same],
        quantised={"f16": {"F16": 43}, "q8_0": {"Q8_0": 43}, "q4_k_m": {"Q5_0": 40, "Q8_0": 3}},
        protocol={"actor": "sim:hasty", "trials": 20},
        live=[Side("desk", "bundled", one.critic, (), (), effect(own), 9)
              for one, own in ((critic, pairs), (control, still))],
        speed=[Speed("builtin", 2_600_000, 0.1, 0.2, 0.02, 0.03, 40.0, 25, 2)],
        official=[control],
    )  # fmt: skip


def test_the_card_tells_recipe_figures_control_and_limits():
    found = made_up()
    assert msgspec.json.decode(msgspec.json.encode(found), type=Results) == found
    text = card(found)
    for part in ("# The built-in critic", "## Limits", "acc critic train", "| false_claim | 32 of 32 (32 of 32) |",
                 "The control has no effect that could be shown", "40 Q5_0, 3 Q8_0", "blocks of 256", "20 ms"):  # fmt: skip
        assert part in text, part
    assert "/tmp" not in text
    assert not any(line.startswith("|") and "None" in line for line in text.splitlines())
    figures = {goal.name: goal.reached for goal in goals(found)}
    assert figures["failures mended, desk (bundled)"]
    assert figures["caught at 5 % false alarms"]
    assert all(figures.values())
    assert [row[-1] for row in goal_rows(goals(found))] == ["yes"] * len(goals(found))
    assert any("mends .875" in value for _, value in short_rows(found))
    beaten = [goal for goal in goals(replace(found, evaluations=found.evaluations[::-1])) if goal.reached is False]
    assert {goal.name for goal in beaten} >= {"caught at 5 % false alarms"}
