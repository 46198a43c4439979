"""The official recordings come to the published numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from actorcritic_cli.analysis.passk import pass_hat_k
from actorcritic_cli.paths import database_path
from actorcritic_cli.store.database import open_database
from tests.program import acc

pytestmark = pytest.mark.official

FIRST = {  # tool → labelled approve, labelled revise, first revise of a run
    "update_reservation_flights": (33, 29, 27),
    "cancel_reservation": (41, 28, 23),
    "book_reservation": (1, 22, 17),
    "update_reservation_baggages": (6, 7, 1),
    "send_certificate": (6, 2, 2),
    "update_reservation_passengers": (2, 0, 0),
}


@pytest.fixture
def recorded(official_data: Path) -> None:
    acc("import", official_data / "tau-bench" / "trajectories" / "gpt-4o-airline.json")
    assert acc("label", "--from-ground-truth").code == 0


def test_pass_k_has_intervals_around_the_published_values(recorded):
    (group,) = acc("stats", "--json").json
    for k, published in enumerate((0.42, 0.2733, 0.22, 0.2), start=1):
        estimate = group["estimates"][f"pass^{k}"]
        assert estimate["value"] == pytest.approx(published, abs=5e-5)
        assert 0 < estimate["low"] < published < estimate["high"] < 0.6
    assert pass_hat_k(4, 2, 2) == pytest.approx(1 / 6)


def test_the_labels_of_each_tool_and_the_first_bad_writes_are_told(recorded):
    (group,) = acc("stats", "--by", "tool", "--json").json
    found = {t["tool"]: (t["right"], t["wrong"], t["first_wrong"]) for t in group["by_tool"]}
    assert {tool: counts for tool, counts in found.items() if any(counts)} == FIRST
    assert tuple(map(sum, zip(*found.values(), strict=True))) == (89, 88, 70)
    shown = acc("stats", "--by", "tool").out
    assert [line.split()[-3:] for line in shown.splitlines() if line.startswith("book_reservation")] == [
        ["1", "22", "17"]
    ]


def test_a_critic_that_judges_them_afterwards_is_measured_against_the_labels(recorded):
    """A rule stands for the critic: it objects to every booking and every change of flights."""
    with open_database(database_path()) as database, database.writing() as connection:
        connection.execute(
            "INSERT INTO verdicts (proposal, session, live, critic, kind, message, p_revise, threshold, latency, detail, "
            "created_at) SELECT id, session, 0, 'rule', CASE WHEN tool IN ('book_reservation', "
            "'update_reservation_flights') THEN 'revise' ELSE 'approve' END, '', tool IN ('book_reservation', "
            "'update_reservation_flights'), 0.5, 0.0, '{}', 1e9 FROM proposals WHERE effect = 'write'"
        )
    (group,) = acc("stats", "--json").json
    (critic,) = group["critics"]
    assert (critic["live"], critic["labels"], critic["labelled"]) == (False, "ground_truth", 177)
    assert (critic["hits"], critic["false_alarms"], critic["misses"], critic["passes"]) == (51, 34, 37, 55)
    assert critic["precision"]["value"] == pytest.approx(51 / 85)
    assert critic["recall"]["value"] == pytest.approx(51 / 88)
    assert critic["auroc"]["value"] == pytest.approx((51 / 88 + 55 / 89) / 2)  # of a rule with two values
    assert critic["auroc"]["low"] < critic["auroc"]["value"] < critic["auroc"]["high"]
    assert "re-judged" in acc("stats", "--by", "critic").out
