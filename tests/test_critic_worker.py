"""The critic's worker process: what happens when it dies, hangs, is interrupted or loses its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.process import WorkerProcess, WorkerSlow
from actorcritic_cli.critics.prompt import PROMPT_VERSION
from actorcritic_cli.critics.resolve import resolve
from actorcritic_cli.critics.wire import MAX_FRAME, Frames, Judge, Load, Loaded, frame, reply_of, request_of
from actorcritic_cli.errors import AccError, NotFound, UsageError
from actorcritic_cli.types import Message, Verdict
from tests.critic_cases import cancel, case, thinking, tiny, without_template


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether a process ends (or is a zombie of nobody we know) within some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if (
                Path(f"/proc/{pid}/stat").exists()
                and Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
            ):
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def critic() -> Iterator[LlamaCritic]:
    with LlamaCritic(tiny(), threads=1) as critic:
        yield critic


def pid_of(critic: LlamaCritic) -> int:
    critic.start()
    assert critic.worker_pid is not None
    return critic.worker_pid


def test_a_verdict_says_what_was_measured(critic: LlamaCritic) -> None:
    verdict = critic.judge(case())
    assert verdict.kind in ("approve", "revise")
    assert verdict.p_revise is not None
    assert verdict.critic == critic.identity.id
    assert (verdict.kind == "revise") == (verdict.p_revise >= critic.threshold)
    assert (verdict.critique is not None) == (verdict.kind == "revise")
    assert verdict.latency > 0
    detail = verdict.detail
    assert detail["tokens_total"] == detail["tokens_evaluated"] + detail["tokens_reused"]
    assert detail["worker_pid"] == critic.worker_pid
    assert detail["labels"] == ["yes", "no"]
    revise, approve = detail["p_labels"]
    assert verdict.p_revise == pytest.approx(revise / (revise + approve))


def test_the_threshold_decides_and_changes_the_identity() -> None:
    with LlamaCritic(tiny(), threads=1) as plain:
        p_revise = plain.judge(case()).p_revise
    assert p_revise is not None
    with (
        LlamaCritic(tiny(), threshold=p_revise - 0.01) as strict,
        LlamaCritic(tiny(), threshold=p_revise + 0.01) as mild,
    ):
        assert (strict.judge(case()).kind, mild.judge(case()).kind) == ("revise", "approve")
        assert mild.judge(case()).critique is None
        assert strict.identity.id != mild.identity.id
    assert plain.identity.prompt_version == PROMPT_VERSION
    assert plain.identity.id == LlamaCritic(tiny()).identity.id
    assert plain.identity.id != LlamaCritic(tiny(seed=5)).identity.id
    assert plain.identity.id != LlamaCritic(tiny(), template="plain").identity.id


def test_a_worker_killed_in_the_middle_is_a_crash_and_the_next_judgement_works(critic: LlamaCritic) -> None:
    expected = critic.judge(case()).p_revise
    pid = pid_of(critic)
    os.kill(pid, signal.SIGSTOP)  # so that it can't answer before it is killed
    verdicts: list[Verdict] = []
    thread = threading.Thread(target=lambda: verdicts.append(critic.judge(case("Another."))))
    thread.start()
    time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    thread.join(20)
    assert [(v.kind, v.why, v.p_revise) for v in verdicts] == [("no_verdict", "crash", None)]
    assert "SIGKILL" in verdicts[0].message
    assert str(critic.log) in verdicts[0].message
    after = critic.judge(case())
    assert after.p_revise == pytest.approx(expected, abs=1e-4)
    assert after.detail["worker_pid"] != pid


def test_a_worker_that_died_between_two_judgements_is_replaced(critic: LlamaCritic) -> None:
    critic.judge(case())
    pid = pid_of(critic)
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert critic.judge(case()).kind != "no_verdict"


def test_a_worker_that_hangs_is_ended_and_replaced() -> None:
    with LlamaCritic(tiny(), threads=1, judge_timeout=0.3, grace=0.1) as critic:
        pid = pid_of(critic)
        os.kill(pid, signal.SIGSTOP)
        # More than a pipe holds, so that writing to the worker must not wait for ever either.
        verdict = critic.judge(case("Well.", Message("user", "word " * 60_000)))
        assert (verdict.kind, verdict.why) == ("no_verdict", "timeout")
        assert gone(pid)
    with LlamaCritic(tiny(), threads=1, grace=0.1) as critic:
        pid = pid_of(critic)
        os.kill(pid, signal.SIGSTOP)
        assert critic.judge(case(max_seconds=0.2)).why == "timeout"
        assert critic.judge(case(max_seconds=60)).kind != "no_verdict"


def test_time_that_runs_out_while_reading_ends_the_judgement_not_the_worker(critic: LlamaCritic) -> None:
    pid = pid_of(critic)
    long = case("Well.", Message("user", "yes " * 5000), max_seconds=0.05)
    verdict = critic.judge(long)
    assert (verdict.kind, verdict.why) == ("no_verdict", "timeout")
    assert critic.judge(case()).detail["worker_pid"] == pid


def test_a_case_too_long_for_the_context_is_no_verdict_with_the_counts() -> None:
    with LlamaCritic(tiny(), threads=1, n_ctx=512) as critic:
        verdict = critic.judge(case("word " * 700))
        assert (verdict.kind, verdict.why) == ("no_verdict", "context")
        assert verdict.detail["tokens_total"] > 512
        assert "512" in verdict.message


def test_many_threads_share_one_worker_and_get_their_own_answers(critic: LlamaCritic) -> None:
    cases = [case(f"Proposal of thread {i}." * (i + 1), session=f"t{i}") for i in range(6)]
    alone = [critic.judge(one).p_revise for one in cases]
    found: dict[int, Verdict] = {}

    def judge(i: int) -> None:
        found[i] = critic.judge(cases[i])

    threads = [threading.Thread(target=judge, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [found[i].p_revise for i in range(6)] == pytest.approx(alone, abs=1e-4)
    assert len({verdict.detail["worker_pid"] for verdict in found.values()}) == 1


def test_a_judgement_that_never_gets_its_turn_is_a_timeout(critic: LlamaCritic) -> None:
    critic.start()
    with critic._keeper.lock:
        assert critic.judge(case(max_seconds=0.05)).why == "timeout"


def test_closing_twice_leaves_no_process_and_no_verdicts(critic: LlamaCritic) -> None:
    pid = pid_of(critic)
    critic.close()
    critic.close()
    with pytest.raises(ProcessLookupError):  # not even a zombie
        os.kill(pid, 0)
    assert critic.judge(case()).why == "crash"
    with pytest.raises(AccError):
        critic.start()


def test_closing_ends_a_judgement_under_way(critic: LlamaCritic) -> None:
    pid = pid_of(critic)
    os.kill(pid, signal.SIGSTOP)
    verdicts: list[Verdict] = []
    thread = threading.Thread(target=lambda: verdicts.append(critic.judge(case())))
    thread.start()
    time.sleep(0.1)
    critic.close()
    thread.join(20)
    assert [v.why for v in verdicts] == ["crash"]
    assert gone(pid)


def test_a_critic_that_is_forgotten_takes_its_worker_along() -> None:
    critic = LlamaCritic(tiny(), threads=1)
    pid = pid_of(critic)
    del critic
    assert gone(pid)


def test_the_worker_of_a_killed_parent_ends_even_in_the_middle_of_its_work(tmp_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        import sys, threading
        from actorcritic_cli.critics.client import LlamaCritic
        from tests.critic_cases import case
        from actorcritic_cli.types import Message
        critic = LlamaCritic({str(tiny())!r}, threads=1, n_ctx=32768)
        critic.start()
        print(critic.worker_pid, flush=True)
        critic.judge(case("Well.", Message("user", "yes " * 25_000)))
        print("done", flush=True)
        """
    )
    root = Path(__file__).parents[1]
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    time.sleep(0.3)
    parent.kill()
    rest = parent.communicate(timeout=20)[0]
    assert rest == ""  # it was in the middle
    assert gone(pid)


def test_the_terminals_interrupt_does_not_reach_the_worker(critic: LlamaCritic) -> None:
    pid = pid_of(critic)
    assert os.getpgid(pid) != os.getpgid(0)
    os.kill(pid, signal.SIGINT)
    assert critic.judge(case()).detail["worker_pid"] == pid


def test_the_worker_knows_no_secrets_and_waits_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEBODYS_API_KEY", "sk-123456789")
    with LlamaCritic(tiny(), threads=1) as critic:
        environment = Path(f"/proc/{pid_of(critic)}/environ")
        if not environment.exists():
            pytest.skip("no /proc here")
        text = environment.read_text()
        assert "sk-123456789" not in text
        assert "OMP_WAIT_POLICY=passive" in text


def test_a_model_that_cannot_be_loaded_is_told_at_start(tmp_path: Path) -> None:
    path = tmp_path / "damaged.gguf"
    path.write_bytes(tiny().read_bytes().replace(b"blk.1.ffn_gate.weight", b"blk.1.ffn_gaXe.weight"))
    critic = LlamaCritic(path, threads=1)
    with pytest.raises(AccError, match="can't load"):
        critic.start()
    verdict = critic.judge(case())
    assert (verdict.kind, verdict.why) == ("no_verdict", "crash")
    assert "can't load" in verdict.message
    assert critic.worker_pid is None


def test_a_file_exchanged_under_a_running_session_is_noticed_when_the_worker_restarts(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(tiny().read_bytes())
    with LlamaCritic(path, threads=1) as critic:
        pid = pid_of(critic)
        path.unlink()
        path.write_bytes(tiny(seed=5).read_bytes())
        os.kill(pid, signal.SIGKILL)
        assert gone(pid)
        verdict = critic.judge(case())
        assert verdict.why == "crash"
        assert "changed" in verdict.message


def test_a_worker_that_never_comes_up_is_tried_three_times_and_its_log_named(
    critic: LlamaCritic, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = []

    class Dying(WorkerProcess):
        def __init__(self, log: Path):
            super().__init__(log)
            starts.append(self.pid)
            self.kill()

    monkeypatch.setattr("actorcritic_cli.critics.keeper.WorkerProcess", Dying)
    verdict = critic.judge(case())
    assert (verdict.kind, verdict.why) == ("no_verdict", "crash")
    assert str(critic.log) in verdict.message
    assert len(starts) == 3
    critic.judge(case())
    assert len(starts) == 4
    monkeypatch.undo()
    assert critic.judge(case()).kind != "no_verdict"


def test_what_a_library_prints_does_not_get_between_the_replies(tmp_path: Path) -> None:
    """The worker's own standard output goes to the log; only framed replies go through the pipe."""
    program = textwrap.dedent(
        """
        import os, sys
        from actorcritic_cli.critics import worker
        real = worker._Worker.accept
        def noisy(self, request):
            print("a banner")
            os.write(1, b"another banner\\n")
            return real(self, request)
        worker._Worker.accept = noisy
        worker.main()
        """
    )
    load = frame(Load(str(tiny()), threads=1))
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(load)
    process.stdin.flush()
    frames = Frames()
    while (body := frames.next()) is None:
        frames.feed(os.read(process.stdout.fileno(), 1 << 16))
    assert isinstance(reply_of(body), Loaded)
    _, log = process.communicate(timeout=20)
    assert b"a banner" in log
    assert b"another banner" in log


def test_a_worker_that_does_not_answer_is_slow(tmp_path: Path) -> None:
    worker = WorkerProcess(tmp_path / "log")
    with pytest.raises(WorkerSlow):
        worker.receive(time.monotonic() + 0.05)
    worker.close()
    assert not worker.alive


def test_frames_come_out_whole_however_they_came_in() -> None:
    from actorcritic_cli.critics.labels import LabelPair
    from actorcritic_cli.critics.prompt import build

    ask = Judge(7, build(case("é\ud800", cancel()), LabelPair("yes", "no")), 0.25, True, 1.5)
    data = frame(ask) + frame(Load("p"))
    frames = Frames()
    found = []
    for start in range(0, len(data), 5):
        frames.feed(data[start : start + 5])
        while (body := frames.next()) is not None:
            found.append(request_of(body))
    assert found == [ask, Load("p")]
    frames.feed((MAX_FRAME + 1).to_bytes(4, "big"))
    with pytest.raises(ValueError):
        frames.next()


def test_a_path_is_resolved_to_a_critic_with_its_options() -> None:
    critic = resolve(str(without_template()), {"template": "chatml", "threshold": "0.25", "threads": 1, "n_ctx": 2048})
    assert isinstance(critic, LlamaCritic)
    assert critic.threshold == 0.25
    critic.start()
    assert critic.loaded is not None
    assert (critic.loaded.n_ctx, critic.loaded.threads) == (2048, 1)
    critic.close()
    assert resolve(str(thinking()), {"threshold": None}).identity.threshold == 0.5


@pytest.mark.parametrize(
    "options",
    [
        {"treshold": 0.5},
        {"threshold": 2},
        {"threshold": "high"},
        {"n_ctx": 0},
        {"n_ctx": 1.5},
        {"threads": True},
        {"timeout": 0},
    ],
)
def test_a_senseless_option_is_a_usage_error(options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        resolve(str(tiny()), options)


def test_a_missing_model_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        resolve(str(tmp_path / "nope.gguf"), {})
