"""What a run shows while it goes on."""

from __future__ import annotations

import os
import sys

import pexpect
import pytest

from actorcritic_cli.critics.synthetic import write


@pytest.mark.slow
def test_at_a_terminal_every_session_under_way_has_its_line(tmp_path, acc_home):
    write(tmp_path / "tiny.gguf", shape="tiny", seed=0)
    run = pexpect.spawn(
        sys.executable,
        ["-m", "actorcritic_cli", "run", "--actor", "sim:expert", "--tasks", "cancel-01,cancel-03", "--jobs", "2",
         "--critic", str(tmp_path / "tiny.gguf"), "--supervise", "shadow"],
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
        encoding="utf-8",
        timeout=60,
        dimensions=(40, 140),
    )  # fmt: skip
    run.expect("cancel-0[13]/0.*turn [0-9]+, the critic reads")
    run.expect("2/2")
    run.expect("2 of 2 sessions held now")
    run.expect(pexpect.EOF)
    run.close()
    assert run.exitstatus == 0
