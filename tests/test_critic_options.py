"""The critic's options on the command line, and what becomes of them on record."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli import acc_ok
from tests.critic_adapter import write_adapter
from tests.critic_cases import plain
from tests.program import acc

RUN = ("run", "--env", "tau_airline", "--actor", "sim:hasty", "--tasks", "book-01", "--critic", str(plain()))


@pytest.mark.slow
def test_aspects_thoughts_and_adapters_reach_the_record(tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter.gguf", plain())
    relative = os.path.relpath(adapter)
    options = ("--aspects", "policy, grounding", "--think", "4", "--lora", f"{relative}:0.5", "--gpu-layers", "0")
    acc_ok(*RUN, "--supervise", "shadow", "--critic-ctx", "16384", *options)
    (session,) = json.loads(acc_ok("sessions", "--json"))
    started, *rest = (json.loads(line) for line in acc_ok("replay", session["id"], "--json").splitlines())
    wanted = started["spec"]["critic_options"]
    assert wanted["aspects"] == ["policy", "grounding"]
    assert wanted["lora"] == [f"{adapter}:0.5"]
    assert (wanted["think"], wanted["gpu_layers"]) == (4, 0)
    details = [event["verdict"]["detail"] for event in rest if event["event"] == "judged"]
    assert details
    for detail in details:
        assert list(detail["aspects"]) == ["policy", "grounding"]
        assert detail["thought_tokens"] <= 4
        assert detail["entropy"] > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--aspects", "policy,taste"), "taste"),
        (("--gpu-layers", "many"), "--gpu-layers takes auto or a number"),
        (("--lora", "nowhere.gguf"), "no LoRA adapter"),
        (("--think", "0"), "--think"),
    ],
)
def test_a_senseless_option_is_told_in_one_sentence(options: tuple[str, ...], words: str) -> None:
    result = acc(*RUN, *options)
    assert result.code in (2, 3)
    assert words in result.error + result.err
