"""The adapter that tests of ``--lora`` use is one that llama.cpp takes and that changes what the model says."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.critic_adapter import write_adapter
from tests.critic_cases import tiny
from tests.critic_shapes import shaped

TOKENS = tuple(range(300, 340))


class Model:
    """A base model, and what it says after some tokens with an adapter at a scale."""

    def __init__(self, path: Path):
        from llama_cpp import llama_cpp as lib

        self.lib = lib
        self.handle = lib.llama_model_load_from_file(str(path).encode(), lib.llama_model_default_params())

    def says(self, adapter: Any = None, scale: float = 1.0) -> Any:
        lib = self.lib
        params = lib.llama_context_default_params()
        params.n_ctx = 256
        context = lib.llama_init_from_model(self.handle, params)
        if adapter is not None:
            adapters, scales = (lib.llama_adapter_lora_p_ctypes * 1)(adapter), (ctypes.c_float * 1)(scale)
            assert lib.llama_set_adapters_lora(context, adapters, 1, scales) == 0
        array = (lib.llama_token * len(TOKENS))(*TOKENS)
        assert lib.llama_decode(context, lib.llama_batch_get_one(array, len(TOKENS))) == 0
        logits = np.array(np.ctypeslib.as_array(lib.llama_get_logits_ith(context, -1), shape=(4096,)))
        lib.llama_free(context)
        return logits


@pytest.fixture(params=["tiny", "windowed"])
def base(request: pytest.FixtureRequest) -> Iterator[tuple[Path, Model]]:
    path = tiny() if request.param == "tiny" else shaped("windowed")
    model = Model(path)
    yield path, model
    model.lib.llama_model_free(model.handle)


def test_llama_cpp_loads_the_adapter_and_says_something_else_with_it(base: tuple[Path, Model], tmp_path: Path) -> None:
    path, model = base
    file = write_adapter(tmp_path / "adapter.gguf", path)
    adapter = model.lib.llama_adapter_lora_init(model.handle, str(file).encode())
    assert adapter
    plain = model.says()
    assert np.abs(model.says(adapter) - plain).max() > 0.1
    assert model.says(adapter, 0.0) == pytest.approx(plain, abs=1e-5)


def test_an_adapter_of_no_strength_changes_nothing(base: tuple[Path, Model], tmp_path: Path) -> None:
    path, model = base
    file = write_adapter(tmp_path / "adapter.gguf", path, strength=0)
    adapter = model.lib.llama_adapter_lora_init(model.handle, str(file).encode())
    assert model.says(adapter) == pytest.approx(model.says(), abs=1e-5)


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    model = Model(tiny())
    file = write_adapter(tmp_path / "adapter.gguf", shaped("windowed"))
    assert not model.lib.llama_adapter_lora_init(model.handle, str(file).encode())
    model.lib.llama_model_free(model.handle)


def test_the_same_seed_gives_the_same_adapter(tmp_path: Path) -> None:
    one, same, other = (write_adapter(tmp_path / f"{n}.gguf", tiny(), seed) for n, seed in enumerate((0, 0, 1)))
    assert one.read_bytes() == same.read_bytes() != other.read_bytes()
