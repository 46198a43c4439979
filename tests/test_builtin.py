"""The built-in critic: by its name, by default where it knows the policy, and what is said where it does not or is missing.

A file of random weights that names the bundled policies stands in for it: what is tested here is who judges, not how well.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from actorcritic_cli.critics import builtin, synthetic
from actorcritic_cli.critics.compact import COMPACT_VERSION, policy_key
from actorcritic_cli.critics.models import catalogue, file_of, is_short_name
from actorcritic_cli.critics.resolve import is_remote
from actorcritic_cli.critics.styles import policies_field
from actorcritic_cli.envs import registry
from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.learn.builtin.results import CAUGHT_AT, Results
from actorcritic_cli.show.builtin_card import card
from tests.critic_cases import case, folder, tiny
from tests.program import acc

HELPDESK = Path(builtin.__file__).parents[2] / "envs" / "own" / "example" / "helpdesk.py"
ENVIRONMENTS = ("tau_airline", "tau_retail", "travel")
EXPERT = ("run", "--actor", "sim:expert", "--tasks", "cancel-01", "--json")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Path:
    path = folder() / "builtin" / "critic.gguf"
    if not path.exists():
        path.parent.mkdir()
        policies = {policy_key(registry.load(env).policy): env for env in ENVIRONMENTS}
        synthetic.write(
            path, seed=1, prompt_version=COMPACT_VERSION, style="compact", policies=policies_field(policies)
        )
    monkeypatch.setattr(builtin, "_file", lambda: path)
    return path


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "_file", lambda: Path("nowhere") / "critic.gguf")


def session():
    (found,) = acc("sessions", "--json").json
    return found


def test_it_is_a_name_before_it_is_a_file_or_a_server(stand_in, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "builtin").write_text("something else")
    assert file_of("builtin") == stand_in
    assert file_of("./builtin") != stand_in
    assert not is_remote("builtin", {"base_url": "http://127.0.0.1:9"})
    assert is_short_name("builtin")
    assert catalogue()[0].name == "builtin"
    assert acc("critic", "pull", "builtin").code == UsageError.exit_code


def test_it_judges_where_nobody_else_is_named(stand_in):
    done = acc(*EXPERT)
    assert done.code == 0, done.error
    held = session()
    assert held["supervise"] == "enforce"
    assert held["critic"] is not None
    (spec,) = [event["spec"] for event in acc("replay", "last", "--json").json_lines if "spec" in event]
    assert spec["critic"] == "builtin"  # not where this installation has it


def test_without_supervision_it_does_not_judge(stand_in):
    done = acc(*EXPERT, "--supervise", "off")
    assert done.code == 0, done.error
    assert (session()["supervise"], session()["critic"]) == ("off", None)
    assert "Nobody supervises" not in done.err


def test_where_it_does_not_know_the_policy_nobody_judges_and_that_is_said(stand_in):
    recorded = HELPDESK.with_name("recorded.jsonl")
    run = ("run", "--env", HELPDESK, "--actor", f"recorded:{recorded}", "--user", "script")
    done = acc(*run)
    assert done.code == 0, done.error
    (sentence,) = [line for line in done.err.splitlines() if "supervises" in line]
    assert "was not trained on the policy of own:helpdesk" in sentence
    assert "--critic" in sentence
    assert {held["supervise"] for held in acc("sessions", "--json").json} == {"off"}


def test_named_for_a_policy_that_it_does_not_know_it_goes_on_with_a_warning(stand_in, caplog):
    recorded = HELPDESK.with_name("recorded.jsonl")
    done = acc("run", "--env", HELPDESK, "--actor", f"recorded:{recorded}", "--user", "script", "--critic", "builtin",
               "--supervise", "shadow")  # fmt: skip
    assert done.code == 0, done.error
    assert {held["supervise"] for held in acc("sessions", "--json").json} == {"shadow"}
    assert sum("does not know this one" in record.getMessage() for record in caplog.records) == 1


def test_missing_it_is_an_error_only_where_it_is_named(missing):
    named = acc(*EXPERT, "--critic", "builtin")
    assert named.code == AccError.exit_code
    assert "missing from this installation" in named.error
    done = acc(*EXPERT)
    assert done.code == 0, done.error
    assert "is missing from this installation; name a critic with --critic" in done.err
    assert session()["supervise"] == "off"
    assert "built-in critic" in " ".join(f["what"] for f in acc("doctor", "--json").json)
    assert catalogue()[0].name != "builtin"


@pytest.mark.slow
def test_every_command_that_takes_a_critic_takes_it(stand_in, tmp_path):
    assert acc(*EXPERT, "--critic", "builtin", "--critic", tiny(), "--panel", "mean").code == 0
    assert acc("replay", "last", "--critic", "builtin", "--json").code == 0
    assert acc("critic", "info", "builtin").out.count("tau_airline") >= 1
    doctor = acc("doctor", "--critic", "builtin", "--json")
    assert any("knows tau_airline, tau_retail, travel" in finding["text"] for finding in doctor.json)
    assert any(finding["what"] == "critic" and finding["level"] == "ok" for finding in doctor.json)


def test_it_judges_candidates_one_by_one(stand_in):
    from actorcritic_cli.critics.client import LlamaCritic
    from actorcritic_cli.types import Message, Proposal

    with LlamaCritic(stand_in, write_critiques=False) as critic:
        offered = (Proposal(Message("assistant", "It is cancelled.")), Proposal(Message("assistant", "Shall I?")))
        found = critic.compare(case(), offered)
        alone = [critic.judge(case(one.message)).p_revise for one in offered]
    assert len(found.scores) == 2
    assert found.best == min((0, 1), key=lambda n: alone[n])


def test_what_ships_is_tracked_though_other_models_are_not():
    ignored = (Path(__file__).parents[1] / ".gitignore").read_text("utf-8").splitlines()
    assert ignored.index("!actorcritic_cli/critics/builtin/critic.gguf") > ignored.index("*.gguf")


def test_what_ships_is_small_knows_the_bundled_policies_and_has_a_card():
    assert builtin.builtin_file().stat().st_size <= 10_000_000
    for env in ENVIRONMENTS:
        assert builtin.knows(registry.load(env).policy)
    assert not any("prompt version" in line for line in acc("critic", "info", "builtin").out.splitlines())
    found = json.loads(builtin.RESULTS.read_text("utf-8"))
    assert found["model"]["sha256"] in builtin.CARD.read_text("utf-8")
    assert acc("critic", "info", "builtin", "--json").json["sha256"] == found["model"]["sha256"]


def test_the_card_and_the_readme_tell_what_was_measured():
    found = msgspec.json.decode(builtin.RESULTS.read_bytes(), type=Results)
    assert builtin.CARD.read_text("utf-8") == card(found)
    critic = found.evaluations[0]
    caught = next(one.caught.value for one in critic.catches if one.false_alarms == CAUGHT_AT)
    assert caught is not None
    assert critic.named.value is not None
    readme = " ".join((Path(__file__).parents[1] / "README.md").read_text("utf-8").split())
    assert (
        f"catches {100 * caught:.0f} % of the simulated agent's slips at {100 * CAUGHT_AT:g} % false alarms" in readme
    )
    assert f"names the right rule in {100 * critic.named.value:.0f} % of the catches" in readme
