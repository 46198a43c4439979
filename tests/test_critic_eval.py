"""acc critic eval and calibrate: what a critic is worth on labelled cases, and the threshold that is kept for it."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from actorcritic_cli.analysis.operating import _columns, best_threshold, catches, threshold_at
from actorcritic_cli.analysis.platt import fit, scaled
from actorcritic_cli.analysis.quality import quality
from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.gguf_copy import copy_with
from actorcritic_cli.critics.gguf_header import read_header
from actorcritic_cli.critics.thresholds import thresholds_path
from actorcritic_cli.errors import AccError
from actorcritic_cli.learn.calibrate import Calibration
from actorcritic_cli.learn.dataset import Context, content_id
from actorcritic_cli.learn.evaluate import Evaluating, SlipCatches, agreement, evaluation, names
from actorcritic_cli.learn.making import Gathered, Wanted, divide, write
from actorcritic_cli.store.labelled import Judge
from actorcritic_cli.types import Critique, Verdict
from tests.critic_cases import POLICY, TOOLS, case, tiny
from tests.critic_data import row
from tests.parties import RuleCritic
from tests.program import acc

CONTEXT = Context(POLICY, TOOLS)
WORDS = ["Done.", "Shall I cancel it?", "It is cancelled.", "I am sorry.", "You get 50 dollars.", "Is it B-1 or B-2?"]


def cases(tasks: int = 16, each: int = 4):
    """Cases of which every other one is wrong, whatever it says."""
    made = []
    for number in range(tasks):
        for place in range(each):
            words = f"{WORDS[(number + place) % len(WORDS)]} ({number}.{place})"
            one = row(
                f"t{number}",
                f"u{number}",
                words,
                label="revise" if place % 2 else "approve",
                rule="R1.2" if place % 2 else "",
                slip="false_claim" if place % 2 else "",
                step=place + 1,
                context=CONTEXT.key,
                env="desk" if number % 2 else "trip",
            )
            made.append(replace(one, id=content_id(CONTEXT.key, one.transcript, one.proposal)))
    return made


def dataset(folder: Path, made, shares=(0, 1, 1)) -> Path:
    wanted = Wanted(shares=(1, *shares[1:]))
    write(folder, divide(Gathered(made, {CONTEXT.key: CONTEXT}, {}), wanted), {CONTEXT.key: CONTEXT}, wanted, {})
    return folder


def judge_with(rule, made, jobs=3):
    evaluating = Evaluating(RuleCritic(rule), {CONTEXT.key: CONTEXT})
    return evaluating.judge_all(made, jobs, lambda done, total: None)


scored = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 10).map(lambda n: n / 10), st.booleans()), max_size=60)


@given(scored, st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.3, 1.0]))
def test_a_threshold_allows_so_many_false_alarms_and_the_next_lower_one_more(rows, rate):
    pairs = [(p, label) for _, p, label in rows]
    right = [p for p, label in pairs if not label]
    threshold = threshold_at(pairs, rate)
    alarms = sum(p >= threshold for p in right)
    assert alarms <= rate * len(right) + 1e-9
    lower = [p for p, _ in pairs if p < threshold]
    if lower:
        assert sum(p >= max(lower) for p in right) > rate * len(right) or not any(
            label and p == max(lower) for p, label in pairs
        )


@given(scored)
def test_what_is_caught_is_counted_alike_for_the_value_and_in_the_draws(rows):
    rates = (0.0, 0.05, 0.2, 1.0)
    found = catches(rows, rates)
    values = [catch.caught.value for catch in found]
    if any(label for *_, label in rows):
        assert values == sorted(values)
    right = [p for _, p, label in rows if not label]
    if right and any(label for *_, label in rows):
        tasks, statistics = _columns(rows, right, rates)
        sums = [sum(column) for column in zip(*tasks, strict=True)]
        assert [statistic(sums) for statistic in statistics] == pytest.approx(values)


def test_the_intervals_of_many_cases_hold_their_values_and_are_narrow():
    draw = Random(5)
    rows = []
    for number in range(3000):
        wrong = number % 5 == 0
        rows.append((f"t{number % 60}", draw.gauss(0.7 if wrong else 0.3, 0.15), wrong))
    for catch in catches(rows, (0.01, 0.05, 0.1, 0.5)):
        caught = catch.caught
        assert caught.low < caught.value < caught.high
        assert caught.high - caught.low < 0.2


@given(scored)
def test_the_best_threshold_is_the_best_of_all(rows):
    pairs = [(p, label) for _, p, label in rows]
    if len({label for _, label in pairs}) < 2:
        with pytest.raises(ValueError, match="both labels"):
            best_threshold(pairs, "f1")
        return
    wrong, right = sum(label for _, label in pairs), sum(not label for _, label in pairs)

    def youden(t):
        return (
            sum(p >= t and label for p, label in pairs) / wrong
            - sum(p >= t and not label for p, label in pairs) / right
        )

    def f1(t):
        caught = sum(p >= t and label for p, label in pairs)
        return 2 * caught / (wrong + sum(p >= t for p, _ in pairs))

    tries = [n / 20 for n in range(21)]
    assert youden(best_threshold(pairs, "youden")) == pytest.approx(max([0.0, *map(youden, tries)]))
    assert f1(best_threshold(pairs, "f1")) == pytest.approx(max(map(f1, tries)))


@pytest.mark.parametrize(
    ("rule", "said", "named"),
    [
        ("R1.2", "R1.2: a yes comes first", True),
        ("R1.2", "see r1.2.", True),
        ("R1.2", "R1.25", False),
        ("R1.2", "R1.2.1", False),
        ("rule 4", "Rule  4 of the game", True),
        ("rule 4", "rule 41", False),
        ("search", "research", False),
    ],
)
def test_a_rule_is_named_by_its_whole_number(rule, said, named):
    assert names(rule, said) is named


def test_a_critic_that_knows_is_told_from_one_that_does_not():
    made = cases()
    wrong = {one.proposal.content for one in made if one.label == "revise"}

    def knows(asked):
        if asked.proposal.message.content not in wrong:
            return Verdict("approve", "rule", 0.1, 0.5)
        return Verdict("revise", "rule", 0.9, 0.5, critique=Critique("x", rule="R1.2"), latency=0.25)

    judged = judge_with(knows, made)
    found = evaluation(RuleCritic(knows).identity, judged)
    assert found.judged == len(made)
    assert found.quality.auroc.value == 1.0
    assert [catch.caught.value for catch in found.catches] == [1.0, 1.0, 1.0]
    assert found.catches[1].caught.low > 0.85
    assert (found.named.value, found.named.cases) == (1.0, 32)
    assert set(found.environments) == {"desk", "trip"}
    assert found.slips == {"false_claim": SlipCatches(32, 32, 32, 32)}
    assert found.ece.value == pytest.approx(0.1)
    assert found.ece.low <= 0.1 <= found.ece.high
    assert found.quality.ece == pytest.approx(0.1)
    blind = evaluation(RuleCritic(knows).identity, judge_with(lambda asked: 0.5, made))
    assert blind.quality.auroc.value == 0.5
    assert [catch.caught.value for catch in blind.catches] == [0.0, 0.0, 0.0]


def test_critics_are_compared_verdict_by_verdict():
    made = cases()
    first = judge_with(lambda asked: 0.4, made)
    bold = {one.id for one in made[:16]}
    second = [
        replace(j, verdict=replace(j.verdict, kind="revise", p_revise=0.6)) if j.row.id in bold else j for j in first
    ]
    found = agreement(first, second[::-1])
    assert found.same.value == 0.75
    assert found.same.low < 0.75 < found.same.high
    assert found.furthest == pytest.approx(0.2)
    assert agreement(first, first).same.value == 1.0


def test_few_cases_say_that_they_are_few():
    found = evaluation(RuleCritic(lambda asked: 0.5).identity, judge_with(lambda asked: 0.5, cases(3, 2)))
    assert "too few" in found.quality.auroc.lacking
    assert found.catches[0].caught.low is None


def test_what_was_judged_until_an_interruption_is_kept():
    evaluating = Evaluating(RuleCritic(lambda asked: 0.5), {CONTEXT.key: CONTEXT})

    def stop(done, total):
        if done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluating.judge_all(cases(), 1, stop)
    assert 8 <= len(evaluating.judged) < 64


@pytest.mark.slow
def test_random_weights_cannot_tell_right_from_wrong(tmp_path):
    folder = dataset(tmp_path / "data", cases(24))
    done = acc("critic", "eval", tiny(), tiny("other", 7), "--data", folder, "--split", "all", "--jobs", 4, "--json")
    assert done.code == 0, done.error
    critics = done.json["critics"]
    assert len({critic["critic"]["id"] for critic in critics}) == 2
    for critic in critics:
        area = critic["quality"]["auroc"]
        assert area["low"] <= 0.5 <= area["high"]
        assert critic["judged"] == critic["cases"] == 96
        assert not critic["no_verdicts"]
        assert critic["latency"]["p50"] > 0
    table = acc("critic", "eval", tiny(), "--data", folder, "--limit", 12, "--no-critiques")
    assert table.code == 0, table.error
    assert "caught at 5 % false alarms" in table.out
    assert "(too few)" in table.out


def test_which_cases_are_meant_must_be_clear(tmp_path):
    assert acc("critic", "eval", tiny()).code == 2
    assert acc("critic", "eval", tiny(), "--data", tmp_path, "--env", "travel").code == 2
    assert acc("critic", "eval", tiny(), "--data", tmp_path / "none").code == 3
    assert acc("critic", "eval", tiny(), "--data", tmp_path, "--false-alarms", "5%").code == 2
    assert acc("critic", "calibrate", tiny()).code == 2


def test_a_threshold_that_was_set_is_the_default_from_then_on(tmp_path):
    folder = dataset(tmp_path / "data", cases())
    before = LlamaCritic(tiny())
    dry = acc("critic", "calibrate", tiny(), "--data", folder, "--split", "all", "--dry-run", "--json")
    assert dry.code == 0, dry.error
    assert not thresholds_path().exists()
    done = acc("critic", "calibrate", tiny(), "--data", folder, "--split", "all", "--false-alarms", 0.1, "--json")
    assert done.code == 0, done.error
    chosen = done.json["threshold"]
    assert done.json["quality"]["false_alarm_rate"]["value"] <= 0.1
    after = LlamaCritic(tiny())
    assert (after.threshold, after.identity.threshold) == (chosen, chosen)
    assert after.identity.id != before.identity.id
    assert "calibrated on" in after.identity.info["threshold_from"]
    assert f"{chosen:g} (calibrated on" in acc("critic", "info", tiny()).out
    assert LlamaCritic(tiny(), 0.5).identity.id == before.identity.id
    assert LlamaCritic(tiny(), aspects=["policy"]).threshold == before.threshold
    assert acc("critic", "calibrate", tiny(), "--forget").code == 0
    assert LlamaCritic(tiny()).identity.id == before.identity.id
    thresholds_path().write_text("{")
    with pytest.raises(AccError, match="cannot be read"):
        LlamaCritic(tiny())


@pytest.mark.slow
def test_a_copy_has_the_threshold_in_it_and_its_probabilities_are_scaled(tmp_path):
    folder = dataset(tmp_path / "data", cases())
    copy = tmp_path / "copy.gguf"
    done = acc(
        "critic", "calibrate", tiny(), "--data", folder, "--split", "all", "--best", "f1", "--write", copy, "--json"
    )
    assert done.code == 0, done.error
    one, two = (read_header(path).metadata for path in (tiny(), copy))
    ours = ("acc.threshold", "acc.slope", "acc.intercept")
    assert {k: v for k, v in one.items() if k not in ours} == {k: v for k, v in two.items() if k not in ours}
    # Made so that something is scaled: with the fit on these few cases there may be nothing to scale.
    by = {"acc.slope": 0.5, "acc.intercept": -1.0, "acc.threshold": scaled(done.json["threshold"], 0.5, -1.0)}
    copy_with(tiny(), copy, by)
    with LlamaCritic(tiny(), write_critiques=False) as old, LlamaCritic(copy, write_critiques=False) as new:
        before = old.judge(case()).p_revise
        assert before is not None
        assert new.judge(case()).p_revise == pytest.approx(scaled(before, 0.5, -1.0), abs=1e-6)
    assert acc("critic", "calibrate", tiny(), "--data", folder, "--write", copy).error.endswith("with --force.")
    with pytest.raises(OSError, match="missing"):
        copy_with(tiny(), tmp_path / "missing" / "copy.gguf", {"acc.threshold": 0.5})


def test_what_a_calibrated_file_says_of_itself():
    cases = [(0.9, True)] * 30 + [(0.8, False)] * 30 + [(0.2, False)] * 30
    slope, intercept = fit(cases)
    nothing = quality(Judge(0, False, "critic", "data"), [])
    found = Calibration("critic", 0.85, 0.5, "", "data", 90, nothing, (), slope, intercept)
    assert found.in_file((1.0, 0.0))["acc.threshold"] == pytest.approx(scaled(0.85, slope, intercept), abs=1e-6)
    twice = found.in_file((2.0, 0.5))
    assert twice["acc.slope"] == pytest.approx(2 * slope)
    assert twice["acc.intercept"] == pytest.approx(slope * 0.5 + intercept)


def test_a_threshold_needs_cases_of_both_kinds(tmp_path):
    only = [one for one in cases() if one.label == "approve"]
    refused = acc("critic", "calibrate", tiny(), "--data", dataset(tmp_path / "data", only), "--split", "all")
    assert refused.code == 1
    assert "to be revised" in refused.error


def test_cases_come_from_the_record_too(tmp_path):
    from tests.critic_data import hold_hasty

    hold_hasty("tau_airline", 1, "cancel-01,cancel-02")
    done = acc("critic", "eval", tiny(), "--env", "tau_airline", "--limit", 3, "--no-critiques", "--json")
    assert done.code == 0, done.error
    assert done.json["critics"][0]["judged"] == 3
    assert json.loads(done.out)["cases"].startswith("3 drawn from")
