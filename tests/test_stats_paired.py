"""Whether supervision helped: paired runs, the critic against labels, what interventions led to."""

from __future__ import annotations

from random import Random

import pytest

from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.paths import database_path
from actorcritic_cli.store.database import open_database
from actorcritic_cli.types import Critique, Verdict, is_success
from tests.paired_runs import record_run
from tests.parties import RuleCritic
from tests.program import acc
from tests.sim_sessions import oracle


@pytest.fixture
def database():
    with open_database(database_path()) as opened:
        yield opened


def fallible(misses: float = 0.3, alarms: float = 0.05):
    """A critic that knows what is wrong, but misses some of it and objects to some of what is right."""

    def critic(actor, spec):
        knows, draw = oracle(actor, spec), Random(spec.seed)

        def rule(case: Case) -> Verdict:
            wrong = knows.judge(case).kind == "revise"
            objects = draw.random() < (1 - misses if wrong else alarms)
            p = 0.5 + draw.random() / 2 if objects else draw.random() / 2
            if objects:
                return Verdict("revise", "rule", p, 0.5, critique=Critique("No.", rule="R1" if wrong else "R2"))
            return Verdict("approve", "rule", p, 0.5)

        return RuleCritic(rule)

    return critic


def outcomes(database, run):
    rows = database.rows("SELECT task, trial, reward FROM sessions WHERE run = ? AND reward IS NOT NULL", (run,))
    return {(r["task"], r["trial"]): is_success(r["reward"]) for r in rows}


def test_pairs_count_what_supervision_mends_and_breaks(database):
    record_run(database, "alone", slip_rate=1.5)
    record_run(database, "watched", fallible(), slip_rate=1.5)
    before, after = outcomes(database, "alone"), outcomes(database, "watched")
    mended = sum(after[key] and not before[key] for key in before)
    broken = sum(before[key] and not after[key] for key in before)
    failures = sum(not ok for ok in before.values())
    (group,) = acc("stats", "--run", "watched", "--baseline", "alone", "--json").json
    found = group["comparison"]
    effect = found["effect"]
    assert (found["pairs"], found["same_seed"], effect["tasks"]) == (54, 54, 27)
    assert (effect["mended"], effect["broken"]) == (mended, broken)
    assert effect["helpfulness"]["value"] == pytest.approx(mended / failures)
    assert effect["harmfulness"]["value"] == pytest.approx(broken / (54 - failures))
    assert effect["uplift"]["value"] == pytest.approx((mended - broken) / 54)
    for name in ("helpfulness", "harmfulness", "uplift"):
        assert effect[name]["low"] <= effect[name]["value"] <= effect[name]["high"]
    assert effect["finding"] == "better"
    shown = acc("stats", "--run", "watched", "--baseline", "alone").out
    assert f"mends {mended} of {failures} failures" in shown
    assert "exact McNemar p " in shown
    assert "better than the baseline" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_gates_on_the_effect_hold_its_cautious_end(database):
    record_run(database, "alone", slip_rate=1.5)
    record_run(database, "watched", fallible(), slip_rate=1.5)
    effect = acc("stats", "--run", "watched", "--baseline", "alone", "--json").json[0]["comparison"]["effect"]
    low, high = effect["helpfulness"]["low"], effect["harmfulness"]["high"]
    paired = ("stats", "--run", "watched", "--baseline", "alone")
    assert acc(*paired, "--fail-under", f"helpfulness={low}", "--fail-over", f"harmfulness={high}").code == 0
    assert acc(*paired, "--fail-under", f"helpfulness={low + 0.01}").code == 100
    assert acc(*paired, "--fail-over", f"harmfulness={high - 0.01}").code == 100


def test_a_run_against_itself_shows_no_difference_and_is_no_point(database):
    record_run(database, "one")
    record_run(database, "two")
    (group,) = acc("stats", "--run", "two", "--baseline", "one", "--json").json
    effect = group["comparison"]["effect"]
    assert (effect["mended"], effect["broken"], effect["p_value"]) == (0, 0, 1.0)
    assert effect["uplift"]["low"] < 0 < effect["uplift"]["high"]
    assert effect["harmfulness"]["high"] > 0.05  # that nothing broke yet does not say that nothing will
    assert effect["finding"] == "no difference shown"
    assert acc("stats", "--run", "two", "--baseline", "two").code == 2
    assert acc("stats", "--baseline", "nobody").code == 3


def test_few_pairs_claim_nothing(database):
    tasks = ["cancel-01", "cancel-02", "exchange-01"]
    record_run(database, "alone", tasks=tasks, slip_rate=4)
    record_run(database, "watched", oracle, tasks=tasks, slip_rate=4)
    (group,) = acc("stats", "--run", "watched", "--baseline", "alone", "--json").json
    effect = group["comparison"]["effect"]
    assert effect["mended"] > 3
    assert effect["finding"] == "too few to tell"
    assert (effect["uplift"]["low"], effect["helpfulness"]["low"]) == (None, None)
    assert "too few to tell" in acc("stats", "--run", "watched", "--baseline", "alone").out


def test_pairs_without_a_score_on_one_side_are_counted_apart(database):
    record_run(database, "alone", unscored=[("cancel-01", 0), ("cancel-01", 1)])
    record_run(database, "other", seed=5, unscored=[("cancel-01", 0), ("cancel-02", 0)], trials=3)
    (group,) = acc("stats", "--run", "other", "--baseline", "alone", "--json").json
    found = group["comparison"]
    assert (found["pairs"], found["unscored"], found["effect"]["pairs"], found["same_seed"]) == (54, 3, 51, 0)
    assert "54 with another seed" in acc("stats", "--run", "other", "--baseline", "alone").out


def test_what_supervision_adds_is_the_mean_over_pairs(database):
    record_run(database, "alone", cost=0.01)
    record_run(database, "watched", fallible(), cost=0.01)
    (group,) = acc("stats", "--run", "watched", "--baseline", "alone", "--json").json
    calls = database.rows(
        "SELECT s.run, count(*) AS n FROM model_calls m JOIN sessions s ON s.id = m.session GROUP BY 1"
    )
    by_run = {row["run"]: row["n"] for row in calls}
    more = (by_run["watched"] - by_run["alone"]) / 54
    added = group["comparison"]["added"]
    assert added["seconds"]["value"] == pytest.approx(more)
    assert added["tokens"]["value"] == pytest.approx(10 * more)
    assert added["cost"]["value"] == pytest.approx(0.01 * more)
    assert added["cost"]["low"] <= 0.01 * more <= added["cost"]["high"]
    revising = database.row("SELECT count(*) AS n FROM proposals WHERE session LIKE 'watched-%' AND attempt > 0")["n"]
    assert group["overhead"]["revising_tokens"] == pytest.approx(10 * revising / 54)
    assert acc("stats", "--run", "watched", "--baseline", "alone", "--fail-over", "added_cost=9").code == 0


def test_unknown_costs_are_left_out_and_said_to_be(database):
    record_run(database, "alone", cost=0.01)
    record_run(database, "watched", fallible())
    (group,) = acc("stats", "--run", "watched", "--baseline", "alone", "--json").json
    assert group["comparison"]["added"]["cost"] == {
        "value": None, "low": None, "high": None, "cases": 0, "tasks": 0,
        "lacking": "too few to tell (pairs with known cost: 0 of 10 needed)",
    }  # fmt: skip
    assert (
        "unknown (no model calls on record on both sides)"
        in acc("stats", "--run", "watched", "--baseline", "alone").out
    )


def test_the_critic_is_measured_against_labels_live_and_re_judged_apart(database):
    record_run(database, "watched", fallible())
    rows = database.rows(
        "SELECT v.kind, l.label, count(*) AS n FROM verdicts v JOIN labels l ON l.proposal = v.proposal GROUP BY 1, 2"
    )
    counts = {(r["kind"], r["label"]): r["n"] for r in rows}
    hits, alarms = counts["revise", "revise"], counts["revise", "approve"]
    misses, passes = counts["approve", "revise"], counts["approve", "approve"]
    with database.writing() as connection:  # afterwards, another critic approves everything but what is wrong
        connection.execute(
            "INSERT INTO verdicts (proposal, session, live, critic, kind, message, p_revise, threshold, latency, detail, "
            "created_at) SELECT p.id, p.session, 0, 'later', l.label, '', l.label = 'revise', 0.5, 0.0, '{}', 1e9 "
            "FROM proposals p JOIN labels l ON l.proposal = p.id"
        )
    (group,) = acc("stats", "--json").json
    live, later = group["critics"]
    assert (live["live"], live["labels"]) == (True, "oracle")
    assert (live["hits"], live["false_alarms"], live["misses"], live["passes"]) == (hits, alarms, misses, passes)
    assert live["precision"]["value"] == pytest.approx(hits / (hits + alarms))
    assert live["recall"]["value"] == pytest.approx(hits / (hits + misses))
    assert live["false_alarm_rate"]["value"] == pytest.approx(alarms / (alarms + passes))
    assert 0.7 < live["auroc"]["value"] < 1
    assert (later["live"], later["precision"]["value"], later["auroc"]["value"], later["brier"]["value"]) == (
        False,
        1,
        1,
        0,
    )
    assert later["precision"]["low"] < 1
    table = acc("stats", "--by", "critic").out
    assert [word in table for word in ("live", "re-judged", "oracle")] == [True] * 3
    assert acc("stats", "--fail-under", "recall=0.4", "--fail-under", "auroc=0.6").code == 0
    assert acc("stats", "--fail-under", f"recall={live['recall']['value']}").code == 100


def test_labels_of_a_source_are_chosen_by_how_much_they_cover_or_by_name(database):
    record_run(database, "watched", fallible())
    with database.writing() as connection:
        connection.execute(
            "INSERT INTO labels (proposal, source, label, why, created_at) "
            "SELECT id, 'human', 'approve', '', 1e9 FROM proposals WHERE attempt > 0"
        )
    assert {c["labels"] for c in acc("stats", "--json").json[0]["critics"]} == {"oracle", "human"}
    assert "oracle label" in acc("stats").out
    assert "human label" in acc("stats", "--labels", "human").out
    assert [c["labels"] for c in acc("stats", "--labels", "human", "--json").json[0]["critics"]] == ["human"]


def test_what_interventions_led_to_is_told_by_rule_and_tool(database):
    record_run(database, "watched", fallible(misses=0.1), slip_rate=2, mend=0.2)
    (group,) = acc("stats", "--json").json
    turns = database.rows(
        "SELECT DISTINCT d.session, p.step FROM decisions d JOIN proposals p ON p.id = d.proposal "
        "WHERE d.decision <> 'accept'"
    )
    assert sum(turn["count"] for turn in group["led_to"]) == len(turns)
    assert {turn["rule"] for turn in group["led_to"]} == {"R1", "R2"}
    best = database.row("SELECT count(*) AS n FROM decisions WHERE escalate_to = 'best'")["n"]
    assert sum(turn["count"] for turn in group["led_to"] if turn["became"] == "exhausted") == best > 0
    out = acc("stats", "--by", "rule", "--by", "tool").out
    assert [line.split()[0] for line in out.splitlines() if line.startswith(("R1", "R2", "(reply)"))] == [
        "R1",
        "R2",
        "(reply)",
    ]
    assert "led to" in acc("stats").out


def test_tools_tell_their_labels_and_the_first_wrong_proposal_of_a_session(database):
    record_run(database, "alone", slip_rate=2)
    (group,) = acc("stats", "--by", "tool", "--json").json
    labels = database.rows("SELECT coalesce(p.tool, '(reply)') AS tool, l.label, count(*) AS n FROM labels l "
                           "JOIN proposals p ON p.id = l.proposal GROUP BY 1, 2")  # fmt: skip
    counted = {(row["tool"], row["label"]): row["n"] for row in labels}
    for tool in group["by_tool"]:
        assert tool["right"] == counted.get((tool["tool"], "approve"), 0)
        assert tool["wrong"] == counted.get((tool["tool"], "revise"), 0)
    spoilt = database.row("SELECT count(DISTINCT p.session) AS n FROM labels l JOIN proposals p ON p.id = l.proposal "
                          "WHERE l.label = 'revise'")  # fmt: skip
    assert sum(tool["first_wrong"] for tool in group["by_tool"]) == spoilt["n"]
