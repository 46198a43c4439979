"""Unpacked weights: the same numbers, found again by the next worker, never trusted when damaged."""

from __future__ import annotations

import ctypes
import json
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize
from hypothesis import given, settings
from hypothesis import strategies as st

from actorcritic_cli.critics import loading
from actorcritic_cli.critics.engine import Engine
from actorcritic_cli.critics.gguf_info import inspect
from actorcritic_cli.critics.kept_files import KeptFiles, unpacked_weights
from actorcritic_cli.critics.prompt import build
from actorcritic_cli.critics.unpacked import unpack_q5_0, unpacked
from actorcritic_cli.critics.wire import Judge, Judged, Load
from tests.cli import acc_ok
from tests.critic_cases import case, tiny
from tests.property_examples import examples

SHA = "c" * 64
Q5_0, Q8_0 = GGMLQuantizationType.Q5_0, GGMLQuantizationType.Q8_0


@cache
def five() -> Path:
    """The tiny critic in Q5_0, by llama.cpp's own hand."""
    from llama_cpp import llama_cpp as lib

    path = tiny().with_name("five.gguf")
    params = lib.llama_model_quantize_default_params()
    params.ftype, params.allow_requantize = lib.LLAMA_FTYPE_MOSTLY_Q5_0, True
    assert lib.llama_model_quantize(str(tiny()).encode(), str(path).encode(), ctypes.byref(params)) == 0
    return path


def weights(folder: Path) -> KeptFiles:
    return KeptFiles(folder, suffix=".gguf")


def p_revise(load: Load) -> float:
    engine = Engine(load)
    reply = engine.answer(Judge(1, build(case(), engine.labels.pair), 1.1, False, 60.0, "s"))
    assert isinstance(reply, Judged)
    return reply.p_revise


@settings(max_examples=examples(60), deadline=None)
@given(scales=st.lists(st.floats(-1000, 1000, width=16), min_size=2, max_size=6), seed=st.integers(0, 2**32 - 1))
def test_every_number_means_what_it_meant(scales: list[float], seed: int) -> None:
    """Read by gguf's own reading of both layouts."""
    blocks = np.random.default_rng(seed).integers(0, 256, (1, len(scales), 22), dtype=np.uint8)
    blocks[0, :, :2] = np.array(scales, np.float16).view(np.uint8).reshape(-1, 2)
    packed = blocks.reshape(1, -1)
    assert np.array_equal(dequantize(unpack_q5_0(packed), Q8_0), dequantize(packed, Q5_0))


def test_a_copy_is_the_same_model_in_everything_but_the_layout(tmp_path: Path) -> None:
    copy = unpacked(five(), SHA, weights(tmp_path), least=0)
    before, after = GGUFReader(five()), GGUFReader(copy)
    assert {f.name: f.contents() for f in after.fields.values()} == {
        f.name: f.contents() for f in before.fields.values()
    }
    kinds = {tensor.tensor_type for tensor in before.tensors}
    assert Q5_0 in kinds
    assert {tensor.tensor_type for tensor in after.tensors} == kinds - {Q5_0} | {Q8_0}
    for old, new in zip(before.tensors, after.tensors, strict=True):
        assert (old.name, list(old.shape)) == (new.name, list(new.shape))
        assert np.array_equal(dequantize(old.data, old.tensor_type), dequantize(new.data, new.tensor_type))
    assert p_revise(Load(str(copy), threads=1)) == p_revise(Load(str(five()), threads=1))


def test_a_worker_loads_the_copy_and_the_next_one_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[Path] = []

    def noted(path: Path, sha256: str, store: KeptFiles) -> Path:
        chosen.append(unpacked(path, sha256, store, least=0))
        return chosen[-1]

    monkeypatch.setattr(loading, "unpacked", noted)
    load = Load(str(five()), threads=1, sha256=SHA, weights=str(tmp_path))
    plain = p_revise(Load(str(five()), threads=1))
    assert p_revise(load) == plain
    assert chosen[0].parent == tmp_path
    made = chosen[0].stat().st_ino
    assert p_revise(load) == plain
    assert (chosen[1], chosen[1].stat().st_ino) == (chosen[0], made)  # not made again
    assert len(weights(tmp_path).files()) == 1


@pytest.mark.parametrize("how", ["truncated", "empty", "flipped"])
def test_a_damaged_copy_is_made_anew(tmp_path: Path, how: str) -> None:
    store = weights(tmp_path)
    copy = unpacked(five(), SHA, store, least=0)
    whole = copy.read_bytes()
    damaged = {"truncated": whole[:-4000], "empty": b"", "flipped": whole[:-50] + b"\x01" + whole[-49:]}[how]
    copy.write_bytes(damaged)
    assert unpacked(five(), SHA, store, least=0).read_bytes() == whole


def test_a_copy_that_llama_cpp_refuses_is_removed_and_the_file_itself_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = weights(tmp_path)
    store.save(SHA[:32], "tiny", 0, lambda path: bool(path.write_bytes(b"GGUF and nothing more")))
    monkeypatch.setattr(loading, "unpacked", partial(unpacked, least=0))
    load = Load(str(five()), threads=1, sha256=SHA, weights=str(tmp_path))
    assert p_revise(load) == p_revise(Load(str(five()), threads=1))
    assert store.files() == []


def test_no_copy_is_made_where_it_gains_little_or_cannot_be(tmp_path: Path) -> None:
    assert unpacked(five(), SHA, weights(tmp_path)) == five()  # small
    assert unpacked(tiny(), SHA, weights(tmp_path), least=0) == tiny()  # nothing to unpack
    assert unpacked(five(), SHA, KeptFiles(tmp_path, 1000, ".gguf"), least=0) == five()  # larger than all may be
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert unpacked(five(), SHA, weights(blocked / "weights"), least=0) == five()
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(five().read_bytes()[:3000])
    assert unpacked(broken, SHA, weights(tmp_path / "w"), least=0) == broken
    assert weights(tmp_path).files() == weights(tmp_path / "w").files() == []


def test_the_command_lists_and_clears_weights() -> None:
    unpacked(five(), inspect(five()).sha256, unpacked_weights(), least=0)
    (listed,) = json.loads(acc_ok("cache", "ls", "--json"))
    assert (listed["kind"], listed["model"]) == ("weights", five().stem)
    assert "weights" in acc_ok("cache", "ls")
    gone = json.loads(acc_ok("cache", "clear", "--json"))
    assert (gone["states"], gone["weights"], gone["bytes"]) == (0, 1, listed["bytes"])
    assert unpacked_weights().files() == []
