"""``acc critic bench``: every side does its work for real, and the figures are made of what was measured."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorcritic_cli.bench.conversation import prefix_tokens, recorded, with_prefix_of
from actorcritic_cli.bench.naive import EXAMPLE, SCHEMAS
from actorcritic_cli.bench.process import peak_memory, resident_memory
from actorcritic_cli.bench.report import Figure, Report, Start, Throughput, Timed, Waiting, ratio
from actorcritic_cli.bench.streaming import drafts_of
from actorcritic_cli.bench.waiting import Objecting, rejected
from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.labels import CANDIDATES
from actorcritic_cli.critics.prompt import build
from actorcritic_cli.examples import example_trace
from actorcritic_cli.types import Message, ToolSpec
from tests.cli import acc, start
from tests.critic_cases import tiny
from tests.critic_shapes import shaped

pytestmark = pytest.mark.slow

TRACE = "airline-cancel.jsonl"
QUICK = ("--repeat", "1", "--actor-seconds", "0.05", "--prefix-tokens", "1400", "--threads", "1", "--json")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = acc("critic", "bench", tiny(), *QUICK, timeout=300, ACC_HOME=str(tmp_path_factory.mktemp("home")))
    assert done.returncode == 0, done.stderr
    assert "state file" in done.stderr  # it says what it is doing
    return json.loads(done.stdout)


@pytest.mark.slow
def test_every_side_is_measured_as_often_as_asked(found: dict[str, Any]) -> None:
    for action in ("approved", "at_once", "revised"):
        for side in ("ours", "floor", "naive"):
            (seconds,) = found[action][side]
            assert seconds > 0
    starts = [len(found["start"][kind]) for kind in ("loading", "cold", "from_file", "in_session", "in_memory")]
    assert starts == [3, 1, 1, 1, 1]
    assert [(t["sessions"], len(t["one_by_one"]), len(t["together"])) for t in found["throughput"]] == [
        (count, 1, 1) for count in (1, 4, 8)
    ]
    for throughput in found["throughput"]:
        (one_by_one,), (together,) = throughput["floor_one_by_one"], throughput["floor_together"]
        assert one_by_one > 0
        assert together > 0
    waiting = found["waiting"]
    assert waiting["floor"][0] > 0
    assert waiting["new"] == found["longest_tokens"] - found["prefix_tokens"] > 100
    assert len(waiting["supervised"]) == len(waiting["unsupervised"]) == len(waiting["revised"]) == 1
    assert len(waiting["added"]) == waiting["judgements"]


def test_ours_is_the_critic_at_work(found: dict[str, Any]) -> None:
    (heard,), (new,), (approved_wrote,), (revised_wrote,) = (
        found["approved"]["new"],
        found["at_once"]["new"],
        found["approved"]["written"],
        found["revised"]["written"],
    )
    assert 10 < heard <= new < found["longest_tokens"] - found["prefix_tokens"]
    assert approved_wrote == 0 < revised_wrote
    assert "The prefix did not come from its state file." not in found["notes"]
    assert found["memory"]["worker_peak"] > 1e6


def test_sessions_are_judged_as_when_their_proposals_were_heard(found: dict[str, Any]) -> None:
    for throughput in found["throughput"]:
        assert len(throughput["new"]) == 2 * throughput["sessions"]
        assert all(5 < new < 40 for new in throughput["new"])


def test_the_naive_way_wrote_a_verdict_and_a_critique(found: dict[str, Any]) -> None:
    (written,) = found["approved"]["naive_written"]
    stopped = next(note for note in found["notes"] if "an answer in earnest" in note)
    assert f"the {written} tokens" in stopped  # random weights know no end
    assert found["naive_answer"].replace(" ", "").startswith(('{"verdict":"approve"', '{"verdict":"revise"'))
    assert list(json.loads(EXAMPLE)) == list(SCHEMAS["critique"]["properties"])


def test_the_shared_prefix_is_as_long_as_asked_and_stored_once(found: dict[str, Any]) -> None:
    assert 1200 < found["prefix_tokens"] <= 1430
    memory = found["memory"]
    assert memory["kept"]
    assert memory["all"] == memory["one"] + memory["own"]
    assert memory["separate"] == memory["all"] + 7 * found["prefix_tokens"]
    assert memory["bytes_per_cell"] >= 2 * 2 * 64 * 2  # keys and values of two layers and two heads, two bytes each


def test_the_conversation_waits_for_its_actor(found: dict[str, Any]) -> None:
    waiting = found["waiting"]
    assert waiting["judgements"] > 0
    assert waiting["unsupervised"][0] >= 0.05 * waiting["proposals"]


def test_figures_have_goals_and_say_whether_they_are_reached(found: dict[str, Any]) -> None:
    figures = {figure["name"]: figure for figure in found["figures"]}
    assert figures["approved action / naive"]["value"] == pytest.approx(
        found["approved"]["ours"][0] / found["approved"]["naive"][0]
    )
    assert figures["approved action / naive"]["goal"] == 0.1
    assert figures["cells of 8 sessions / one and their own"]["reached"] is True
    assert figures["8 sessions at once / one by one"]["at_least"] is True


@pytest.mark.slow
def test_the_table_names_the_figures_and_a_model_that_cannot_be_cut_is_measured_too() -> None:
    done = acc("critic", "bench", shaped("recurrent"), *QUICK[:-1], timeout=300)
    assert done.returncode == 0, done.stderr
    assert "approved action / floor" in done.stdout
    assert "≤ 1.25" in done.stdout
    assert "Several sessions have no floor" in done.stderr


def test_an_interrupted_run_shows_what_it_has_and_leaves_nothing_behind(tmp_path: Path) -> None:
    running = start("critic", "bench", tiny(), *QUICK, TMPDIR=str(tmp_path))
    assert running.stderr is not None
    while "every side" not in (line := running.stderr.readline()):
        assert line, "it ended before it was interrupted"
    time.sleep(0.2)
    os.killpg(running.pid, signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    report = json.loads(out)
    assert len(report["start"]["cold"]) == 1
    assert any(note.startswith("Interrupted") for note in report["notes"])
    assert list(tmp_path.glob("acc-bench-*")) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((), 2), (("x.gguf", "--synthetic", "tiny"), 2), (("missing.gguf",), 3), (("--synthetic", "7b"), 2)],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...], code: int) -> None:
    done = acc("critic", "bench", *arguments)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_trace_in_which_nothing_is_judged_is_refused(tmp_path: Path) -> None:
    lines = example_trace(TRACE).read_text().splitlines()
    few = tmp_path / "few.jsonl"
    few.write_text("\n".join([lines[0], lines[-1]]) + "\n")
    done = acc("critic", "bench", tiny(), "--trace", few)
    assert done.returncode == 1
    assert "Nothing in" in done.stderr


def words(text: str) -> int:
    return len(text.split())


@given(st.integers(250, 2500))
def test_a_prefix_is_cut_to_at_most_what_is_asked_and_not_much_less(wanted: int) -> None:
    whole = recorded(example_trace(TRACE))
    cut = with_prefix_of(whole, wanted, words)
    got = prefix_tokens(cut, words)
    bare = prefix_tokens(with_prefix_of(whole, 0, words), words)
    longest = max(words(line) for line in whole.policy.splitlines())
    assert got <= max(wanted, bare)
    if wanted >= prefix_tokens(whole, words):
        assert cut == whole
    elif wanted > bare and cut.policy != whole.policy:
        assert got > wanted - longest - 1
    assert whole.policy.startswith(cut.policy)
    assert whole.tools[: len(cut.tools)] == cut.tools
    for case in cut.cases:
        assert (case.policy, case.tools) == (cut.policy, cut.tools)


def test_the_cases_are_those_that_a_session_would_judge() -> None:
    conversation = recorded(example_trace(TRACE))
    effects = {tool.name: tool.effect for tool in conversation.tools}
    for case in conversation.cases:
        calls = case.proposal.message.tool_calls
        assert not calls or "write" in {effects[call.name] for call in calls}
    last = conversation.of_session(-1, "other")
    mine = conversation.cases[-1]
    assert last.session == "other"
    assert build(last, CANDIDATES[0]).system == build(mine, CANDIDATES[0]).system
    assert build(last, CANDIDATES[0]).user != build(mine, CANDIDATES[0]).user
    assert all(isinstance(tool, ToolSpec) for tool in last.tools)


def test_ratios_are_taken_between_neighbours() -> None:
    assert ratio([1, 20, 3], [2, 10, 6]) == 0.5
    assert ratio([], [1.0]) is None
    assert ratio([1.0], [0.0]) is None


def test_only_what_was_measured_is_a_figure() -> None:
    report = Report("m", "0" * 64, "Q4", None, 2, "t", 1, 1)
    assert report.figures == []
    report.approved = Timed(ours=[1.0], naive=[20.0])
    report.start = Start(cold=[12.0], from_file=[3.0], in_session=[1.0], in_memory=[2.0])
    report.throughput = [Throughput(1, [1.0], [1.0]), Throughput(8, [2.0], [5.0])]
    report.waiting = Waiting(2.0, 5, 4, [10.0], [12.0])
    values = {figure.name: (figure.value, figure.reached) for figure in report.figures}
    assert values["approved action / naive"] == (0.05, True)
    assert values["first verdict, state file / cold prefix"] == (0.1, False)
    assert values["the same, nothing read ahead / cold prefix"] == (0.3, None)
    assert values["prefix alone, state file / cold"] == (0.1, None)
    assert values["8 sessions at once / one by one"] == (2.5, True)
    assert values["conversation, actor of 2 s: supervised / not"] == (1.2, False)
    assert Figure("x", 1.0).reached is None


def test_the_peak_of_a_process_is_at_least_what_it_has_now() -> None:
    block = b"x" * 50_000_000
    peak, now = peak_memory(os.getpid()), resident_memory(os.getpid())
    assert peak is not None
    assert now is not None
    assert peak >= now * 0.99 > len(block)
    assert peak_memory(2**22 + 1) is None


@pytest.mark.parametrize("trace", ["airline-cancel.jsonl", "airline-refusal.jsonl"])
def test_a_streamed_proposal_grows_to_what_it_is(trace: str) -> None:
    for case in recorded(example_trace(trace)).cases:
        message = case.proposal.message
        drafts = list(drafts_of(message))
        assert drafts[-1] == Message("assistant", message.content, message.tool_calls)
        assert len(drafts) > 5


def test_the_proposal_that_was_sent_back_is_found_and_objected_to_once() -> None:
    conversation = recorded(example_trace(TRACE))
    sent_back = rejected(conversation)
    assert sent_back is not None
    assert sent_back.message.tool_calls[0].name == "cancel_reservation"
    with LlamaCritic(tiny(), threshold=1.0, threads=1, write_critiques=False) as critic:
        objecting = Objecting(critic, sent_back)
        kinds = [objecting.judge(case).kind for case in conversation.cases]
    assert kinds == ["approve", "revise", "approve", "approve", "approve"]
