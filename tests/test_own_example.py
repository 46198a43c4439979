"""The page about your own agent is true: its files are the example, its commands run, its sessions succeed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from actorcritic_cli.envs import registry
from actorcritic_cli.exchange import trace
from actorcritic_cli.session.events import Ended
from actorcritic_cli.types import Message
from tests import docs, helpdesk
from tests.cli import acc, acc_ok

PAGE = helpdesk.PAGE.read_text("utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A copy of the example, as somebody would make it."""
    folder = tmp_path / "desk"
    shutil.copytree(helpdesk.EXAMPLE, folder)
    return folder / "helpdesk.py"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_shows_the_examples_own_files() -> None:
    assert helpdesk.page_now() == PAGE, "rewrite with python -m tests.helpdesk"
    assert blocks("python")[0] == helpdesk.FILE.read_text("utf-8")


def test_the_recording_is_what_these_tools_give_and_every_session_in_it_succeeds(tmp_path: Path) -> None:
    helpdesk.write_recording(tmp_path / "recorded.jsonl")
    assert (tmp_path / "recorded.jsonl").read_bytes() == helpdesk.RECORDED.read_bytes(), "python -m tests.helpdesk"
    for events in trace.read(helpdesk.RECORDED):
        ended = events[-1]
        assert isinstance(ended, Ended)
        assert ended.reward is not None
        assert (ended.reason, ended.reward.value) == ("user_stop", 1.0)


@pytest.mark.slow
def test_the_pages_commands_run_as_they_stand(desk: Path, tmp_path: Path) -> None:
    printed = ""
    for line in "".join(blocks("console")).splitlines():
        done = subprocess.run(
            ["bash", "-c", line.removeprefix("$ ")],
            cwd=desk.parent,
            env=docs.environment(tmp_path / "home"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        printed += done.stdout
    assert "3 tasks, whose actions all run" in printed
    assert re.search(r"success\s+1\.000 .*3 of 3 scored", printed)
    assert re.search(r"rewards +1/1 reproduced", printed)


def test_the_pages_scorer_scores(desk: Path) -> None:
    with desk.open("a", encoding="utf-8") as file:
        file.write("\n\n" + blocks("python")[1])
    environment = registry.load(str(desk))
    episode = environment.open(environment.tasks()[0])
    episode.call("close_ticket", {"ticket_id": 1, "note": "done"})
    reward = episode.score((Message("user", "Thanks, THANK you"),), "user_stop")
    assert reward is not None
    assert (reward.value, reward.info) == (1.0, {"thanked": True})


def test_a_run_on_a_file_is_recorded_under_its_name_and_version_and_can_be_resumed(desk: Path) -> None:
    options = ["--actor", f"recorded:{helpdesk.RECORDED}", "--user", "script"]
    run = acc_ok("run", "--env", desk, *options, "--trials", "2").strip()
    listed = json.loads(acc_ok("sessions", "--json"))
    assert len(listed) == 6
    version = registry.load(str(desk)).dataset
    assert {(s["env"], s["dataset"], s["user"]) for s in listed} == {("own:helpdesk", version, "script:answers")}
    assert "6 sessions" in acc("run", "--resume", run).stderr or acc("run", "--resume", run).returncode == 0


@pytest.mark.slow
def test_sessions_on_a_file_that_has_changed_are_not_done_again_on_the_new_one(desk: Path) -> None:
    run = acc_ok("run", "--env", desk, "--actor", f"recorded:{helpdesk.RECORDED}", "--user", "script").strip()
    policy = desk.with_name("policy.md")
    before = policy.read_text("utf-8")
    policy.write_text(before + "- **D6** Be brief.\n", "utf-8")
    refused = acc("replay", "--verify", "--run", run)
    assert refused.returncode == 3
    assert "has changed since" in refused.stderr
    assert "PARTLY" not in refused.stderr
    policy.write_text(before, "utf-8")
    assert "3/3 as recorded" in acc_ok("replay", "--verify", "--run", run)


def test_a_mistake_in_the_file_is_one_sentence_with_its_line(desk: Path) -> None:
    desk.write_text(desk.read_text("utf-8").replace("raise ToolError(f", "rais ToolError(f", 1), "utf-8")
    line = next(n for n, text in enumerate(desk.read_text("utf-8").split("\n"), start=1) if "rais ToolError" in text)
    failed = acc("env", "show", desk)
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"acc: helpdesk.py, line {line}: SyntaxError")
    assert len(failed.stderr.strip().splitlines()) == 1
    assert "Traceback" in acc("env", "show", desk, ACC_DEBUG="1").stderr
