"""The benchmark's own data: what of them can be read and played, and what is said of the rest."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from actorcritic_cli.envs import registry
from actorcritic_cli.envs.travel import lexicon, official
from actorcritic_cli.envs.travel.scenario import Preference
from actorcritic_cli.envs.travel.words import days
from actorcritic_cli.errors import AccError, NotFound
from tests.travel_trip import raw_trip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one scenario file in the official shape and rows for one of its two trips."""
    place = tmp_path / "userbench"
    place.mkdir()
    trips = {"b|1": raw_trip(), "a|2": raw_trip()}
    (place / "travelgym_data_22.json").write_text(json.dumps(trips))
    prompt = [{"role": "system", "content": "the instructions"}, {"role": "user", "content": "the request\nbe cheap\n"}]
    row = {"prompt": prompt, "reward_model": {"id": "a|2", "ground_truth": "['H1', 'R7']"}}
    (place / "travel22_test.jsonl").write_text(json.dumps(row) + "\n")
    (place / "LICENSE.txt").write_text("licence")
    return place


def test_without_data_the_remedy_is_told():
    with pytest.raises(NotFound, match="acc env fetch travel --from"):
        registry.load("travel", "official")


def test_scenario_files_are_played_with_the_words_of_their_rows(folder: Path, monkeypatch):
    monkeypatch.setenv("ACC_USERBENCH_DIR", str(folder))
    environment = registry.load("travel", "official")
    assert [task.id for task in environment.tasks()] == ["a|2"]
    assert environment.tasks()[0].script[0] == "the request\nbe cheap"
    assert environment.policy != "the instructions"  # they are those of the multiple-choice game
    assert registry.load("travel", "official", {"one_choice": False}).policy == "the instructions"


def test_without_rows_all_scenarios_are_tasks(folder: Path, monkeypatch):
    (folder / "travel22_test.jsonl").unlink()
    monkeypatch.setenv("ACC_USERBENCH_DIR", str(folder))
    environment = registry.load("travel", "official")
    assert [task.id for task in environment.tasks()] == ["b|1", "a|2"]
    assert environment.tasks()[0].script[0].startswith(raw_trip()["initial_description"])


def test_the_layout_of_the_repository_is_understood(folder: Path, tmp_path: Path):
    inner = tmp_path / "checkout" / "travelgym" / "data"
    inner.mkdir(parents=True)
    (folder / "travelgym_data_22.json").rename(inner / "travelgym_data_22.json")
    assert len(official.read(official.files_in(tmp_path / "checkout")).scenarios) == 2


def test_rows_alone_cannot_be_played(folder: Path, monkeypatch):
    (folder / "travelgym_data_22.json").unlink()
    monkeypatch.setenv("ACC_USERBENCH_DIR", str(folder))
    with pytest.raises(NotFound, match="scenario files"):
        registry.load("travel", "official")


def test_fetched_data_are_found(folder: Path, acc_home: Path):
    report = registry.fetch("travel", str(folder))
    assert report.folder == acc_home / "envs" / "userbench"
    assert (report.folder / "LICENSE.txt").read_text() == "licence"
    assert len(registry.load("travel", "official").tasks()) == 1
    registry.fetch("travel", str(folder))
    assert registry.check("travel", "official")[0].level == "ok"


def test_data_can_be_fetched_from_a_repository(folder: Path):
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)
    assert registry.fetch("travel", f"file://{folder}").commit
    assert len(registry.load("travel", "official").tasks()) == 1


def test_broken_data_are_not_fetched(folder: Path):
    registry.fetch("travel", str(folder))
    (folder / "travelgym_data_22.json").write_text("{")
    with pytest.raises(AccError, match="no valid JSON"):
        registry.fetch("travel", str(folder))
    assert len(registry.load("travel", "official").tasks()) == 1
    with pytest.raises(NotFound):
        registry.fetch("travel", str(folder / "nowhere"))


def _without(name):
    return lambda trip: trip.pop(name)


@pytest.mark.parametrize(
    "spoil",
    [
        _without("dimensions"),
        _without("hotel"),
        _without("initial_description"),
        lambda trip: trip.update(dimensions=["hotel", "hotel"]),
        lambda trip: trip.update(dimensions=["boat"]),
        lambda trip: trip["hotel"].update(best_id="H3"),
        lambda trip: trip["hotel"].update(correct_ids=["H1", "H77"]),
        lambda trip: trip["hotel"].update(correct_ids=None),
        lambda trip: trip["hotel"]["options"]["wrong"].append({"name": "no id"}),
        lambda trip: trip["hotel"]["options"]["wrong"].append({"id": "H1"}),
        lambda trip: trip["hotel"]["options"]["wrong"].append({"id": "R1"}),
    ],
)
def test_a_scenario_that_cannot_be_scored_is_left_out_and_named(spoil, folder: Path, monkeypatch):
    (folder / "travel22_test.jsonl").unlink()
    broken = raw_trip()
    spoil(broken)
    (folder / "travelgym_data_22.json").write_text(json.dumps({"broken": broken, "good": raw_trip()}))
    monkeypatch.setenv("ACC_USERBENCH_DIR", str(folder))
    assert [task.id for task in registry.load("travel", "official").tasks()] == ["good"]
    notes = [finding.text for finding in registry.check("travel", "official") if finding.level == "note"]
    assert len(notes) == 1
    assert "broken" in notes[0]


# the true data


@pytest.mark.official
def test_the_true_sample_is_played_to_the_end_by_a_perfect_agent(official_data: Path, monkeypatch):
    monkeypatch.setenv("ACC_USERBENCH_DIR", str(official_data / "userbench"))
    for one_choice in (True, False):
        environment = registry.load("travel", "official", {"one_choice": one_choice})
        assert len(environment.tasks()) == 4
        for task in environment.tasks():
            episode = environment.open(task)
            results = [episode.call(action.name, dict(action.arguments)) for action in task.actions]
            reward = episode.score((), "user_stop")
            assert (reward.value, reward.info["all_best"], reward.info["active_rate"]) == (1.0, 1.0, 1.0), task.id
            assert results[-1].ends


@pytest.mark.official
def test_every_true_preference_text_is_of_a_kind_of_its_own(official_data: Path):
    sample = json.loads((official_data / "userbench" / "sample.json").read_text("utf-8"))
    for aspect, texts in sample["preference_vocabulary"]["by_aspect"].items():
        families = [lexicon.family_of(Preference("P1", aspect, "", text, "")) for text in texts]
        assert None not in families, aspect
        assert len({family.name for family in families}) == len(texts), aspect


@pytest.mark.official
def test_the_true_rows_can_be_read(official_data: Path):
    folder = official_data / "userbench"
    rows = [row for path in sorted(folder.glob("travel*_test.jsonl")) for row in official._rows_of(path)]
    assert len(rows) == 101 + 87 + 67
    assert len({row[0] for row in rows}) == len(rows)
    assert sum(1 for row in rows if days(row[2])) >= 250
