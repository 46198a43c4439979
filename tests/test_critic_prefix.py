"""Prefix states on disk: found again by the next worker, never trusted when damaged, limited in size."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.engine import Engine
from actorcritic_cli.critics.kept_files import KeptFiles, prefix_states
from actorcritic_cli.critics.prompt import build
from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.critics.wire import Judge, Judged, Load
from tests.cli import acc_ok
from tests.critic_cases import case, tiny
from tests.property_examples import examples

KEY = "0123456789abcdef" * 2


def engine(folder: Path, sha256: str = "a" * 64, **options: int) -> Engine:
    return Engine(Load(str(tiny()), threads=1, sha256=sha256, states=str(folder), **options))


def judged(engine: Engine, what: Case) -> Judged:
    reply = engine.answer(Judge(1, build(what, engine.labels.pair), 1.1, False, 60.0, what.session))
    assert isinstance(reply, Judged)
    engine.tidy()
    return reply


def test_the_next_engine_starts_from_the_state_and_answers_the_same(tmp_path: Path) -> None:
    first = judged(engine(tmp_path), case())
    (state,) = KeptFiles(tmp_path).files()
    assert (state.model, state.bytes > 1000) == (tiny().stem, True)
    again = engine(tmp_path)
    second = judged(again, case())
    assert first.tokens_loaded == 0
    assert second.tokens_loaded == second.tokens_reused == state.tokens
    assert second.p_revise == pytest.approx(first.p_revise, abs=1e-4)
    other = judged(again, case("Something else.", session="s-2"))
    assert (other.tokens_loaded, other.tokens_reused) == (0, state.tokens)
    assert len(KeptFiles(tmp_path).files()) == 1


def test_each_environment_has_a_state_and_taking_turns_costs_no_reading(tmp_path: Path) -> None:
    one = engine(tmp_path, n_ctx=1024)
    policies = ("Be kind.", "Be quick and kind.")
    for policy in policies:
        assert judged(one, case(policy=policy, session=policy)).tokens_loaded == 0
    assert len(KeptFiles(tmp_path).files()) == 2
    for policy in policies:
        what = case("Yes.", policy=policy, session=f"another {policy}")
        assert judged(one, what).p_revise == pytest.approx(
            judged(engine(tmp_path, n_ctx=1024), what).p_revise, abs=5e-3
        )
    assert judged(one, case(policy=policies[0], session="third")).tokens_loaded > 0


def test_a_state_of_another_model_or_context_is_foreign(tmp_path: Path) -> None:
    judged(engine(tmp_path), case())
    assert judged(engine(tmp_path, sha256="b" * 64), case()).tokens_loaded == 0
    assert judged(engine(tmp_path, n_ctx=2048), case()).tokens_loaded == 0
    assert judged(engine(tmp_path), case(policy="Another.")).tokens_loaded == 0
    assert judged(engine(tmp_path), case()).tokens_loaded > 0


def damage(content: bytes, how: str) -> bytes:
    match how:
        case "truncated":
            return content[: len(content) // 2]
        case "empty":
            return b""
        case "longer":
            return content + b"\0" * 64
        case "flipped":
            return content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]
        case _:
            return b"GGUF" + os.urandom(2000)


@pytest.mark.parametrize("how", ["truncated", "empty", "longer", "flipped", "foreign"])
def test_a_damaged_state_is_ignored_and_made_anew(tmp_path: Path, how: str) -> None:
    fresh = judged(engine(tmp_path), case())
    (state,) = KeptFiles(tmp_path).files()
    path = tmp_path / state.file
    path.write_bytes(damage(path.read_bytes(), how))
    reply = judged(engine(tmp_path), case())
    assert (reply.tokens_loaded, reply.tokens_reused) == (0, 0)
    assert reply.p_revise == pytest.approx(fresh.p_revise, abs=1e-6)
    assert judged(engine(tmp_path), case()).tokens_loaded > 0


def test_a_state_that_llama_cpp_refuses_is_removed_and_read_instead(tmp_path: Path) -> None:
    """A whole file with a true checksum whose contents are none of llama.cpp's."""
    fresh = judged(engine(tmp_path), case())
    store = KeptFiles(tmp_path)
    (state,) = store.files()
    key = state.file.split(".")[2]
    content = (tmp_path / state.file).read_bytes()
    store.clear()
    store.save(key, "tiny", state.tokens, lambda path: bool(path.write_bytes(b"nothing" + content)))
    reply = judged(engine(tmp_path), case())
    assert reply.tokens_loaded == 0
    assert reply.p_revise == pytest.approx(fresh.p_revise, abs=1e-6)


def test_a_worker_of_the_next_program_run_starts_from_the_state() -> None:
    with LlamaCritic(tiny(), threads=1) as critic:
        first = critic.judge(case())
        critic.judge(case("Another."))  # an answer comes after the state was written
    with LlamaCritic(tiny(), threads=1) as critic:
        second = critic.judge(case())
    (state,) = prefix_states().files()
    assert "tokens_loaded" not in first.detail
    assert second.detail["tokens_loaded"] == second.detail["tokens_reused"] == state.tokens
    assert second.p_revise == pytest.approx(first.p_revise, abs=1e-4)


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_state(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert judged(engine(blocked / "prefix"), case()).p_revise > 0
    assert KeptFiles(blocked / "prefix").files() == []
    assert KeptFiles(blocked / "prefix").clear() == []


@settings(max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 120), min_size=1, max_size=12), limit=st.integers(1, 250))
def test_the_total_stays_within_the_limit_and_the_oldest_go_first(tmp_path: Path, sizes: list[int], limit: int) -> None:
    store = KeptFiles(tmp_path, limit)
    store.clear()
    kept: list[tuple[str, int]] = []
    for number, size in enumerate(sizes):
        key = f"{number:032x}"
        path = store.save(key, "a model/with: signs", size, lambda path, size=size: bool(path.write_bytes(b"x" * size)))
        if size > limit:
            assert path is None
            continue
        assert path is not None
        os.utime(path, (number, number))
        kept.append((key, size))
        while sum(size for _, size in kept) > limit:
            kept.pop(0)
        assert sorted(state.file.split(".")[2] for state in store.files()) == sorted(key for key, _ in kept)
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]


def test_what_was_used_lately_stays(tmp_path: Path) -> None:
    store = KeptFiles(tmp_path, 250)
    for number, key in enumerate((KEY, KEY[::-1])):
        path = store.save(key, "m", 1, lambda path: bool(path.write_bytes(b"x" * 100)))
        assert path is not None
        os.utime(path, (number, number))
    assert store.find(KEY) is not None
    store.save("f" * 32, "m", 1, lambda path: bool(path.write_bytes(b"x" * 100)))
    assert store.find(KEY) is not None
    assert store.find(KEY[::-1]) is None


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = KeptFiles(tmp_path)

    def fails(path: Path) -> bool:
        path.write_bytes(b"half")
        raise OSError("no space left")

    assert store.save(KEY, "m", 1, fails) is None
    assert store.save(KEY, "m", 1, lambda path: False) is None
    assert list(tmp_path.iterdir()) == []


def test_an_abandoned_unfinished_file_is_cleared_away(tmp_path: Path) -> None:
    old = tmp_path / f"{KEY}.1.part"
    old.write_bytes(b"x")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    KeptFiles(tmp_path).save(KEY, "m", 1, lambda path: bool(path.write_bytes(b"x")))
    assert not old.exists()


def test_the_command_lists_and_clears() -> None:
    assert json.loads(acc_ok("cache", "ls", "--json")) == []
    prefix_states().save(KEY, "tiny", 1234, lambda path: bool(path.write_bytes(b"x" * 2_000_000)))
    shown = acc_ok("cache", "ls")
    assert "tiny" in shown
    assert "1,234" in shown
    (listed,) = json.loads(acc_ok("cache", "ls", "--json"))
    assert (listed["model"], listed["tokens"], listed["bytes"]) == ("tiny", 1234, 2_000_000)
    assert json.loads(acc_ok("cache", "clear", "--json")) == {"states": 1, "weights": 0, "bytes": 2_000_000}
    assert prefix_states().files() == []
