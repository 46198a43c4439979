"""Conversion: llama.cpp computes what transformers computes, for every family, adapters and quantised files included."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.compact import COMPACT_VERSION
from actorcritic_cli.critics.gguf_info import inspect
from actorcritic_cli.critics.judging import weigh
from actorcritic_cli.errors import AccError, NotFound, UsageError
from actorcritic_cli.learn.dataset import case_of
from tests.critic_training import base_model, contexts_and_rows, data_set, needs_training, recipe_for, trained
from tests.program import acc
from tests.test_critic_training import load, style_in

pytestmark = [pytest.mark.train, pytest.mark.timeout(900), needs_training]

PROMPTS = 4


@cache
def prompts() -> list[list[int]]:
    """Real prompts as tokens."""
    from actorcritic_cli.learn.training.tokens import tokens_of

    tokens = tokens_of(load(trained())[1])
    contexts, rows = contexts_and_rows()
    style = style_in(trained())
    return [tokens.prompt(style.build(case_of(row, contexts), tokens.pair)) for row in rows[::3]][:PROMPTS]


def logits_of_llama_cpp(path: Path, adapter: Path | None = None) -> np.ndarray:
    """The logits after each prompt, float32 (prompts, vocabulary)."""
    from llama_cpp import Llama

    model = Llama(
        str(path), n_ctx=4096, n_threads=1, verbose=False, flash_attn=False, lora_path=str(adapter) if adapter else None
    )
    found = []
    for tokens in prompts():
        model.reset()
        model.eval(tokens)
        pointer = model._ctx.get_logits_ith(-1)
        found.append(np.ctypeslib.as_array(pointer, shape=(model.n_vocab(),)).copy())
    model.close()
    return np.array(found)


def logits_of_transformers(model: Any) -> np.ndarray:
    import torch

    with torch.no_grad():
        return np.array([model(torch.tensor([tokens])).logits[0, -1].numpy() for tokens in prompts()])


FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "llama3": {
        "rope_parameters": {
            "rope_type": "llama3",
            "rope_theta": 10_000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 256,
        }
    },
    "qwen2": {"head_dim": None},
    "qwen3": {"head_dim": 32, "tie_word_embeddings": True},
}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_converted_file_computes_what_transformers_computes(name: str, tmp_path: Path) -> None:
    from actorcritic_cli.learn.convert.convert import convert

    more = {key: value for key, value in FAMILIES[name].items() if value is not None}
    base = base_model(name.removesuffix("3") if name == "llama3" else name, tmp_path / "base", **more)
    wanted = logits_of_transformers(load(base)[0])
    spread = float(wanted.std())
    exact = logits_of_llama_cpp(convert(base, tmp_path / "f32.gguf", "f32"))
    half = logits_of_llama_cpp(convert(base, tmp_path / "f16.gguf", "f16"))
    # Single precision: rounding only. Half precision: weights and products of 11 bits.
    assert np.abs(exact - wanted).max() < 2e-3 * spread
    assert np.abs(half - wanted).max() < 5e-2 * spread


def test_the_converted_critic_judges_as_transformers_does(tmp_path: Path) -> None:
    import torch

    from actorcritic_cli.learn.convert.convert import convert
    from actorcritic_cli.learn.training.tokens import tokens_of

    model, tokenizer = load(trained())
    tokens = tokens_of(tokenizer)
    style = style_in(trained())
    contexts, rows = contexts_and_rows()
    path = convert(trained(), tmp_path / "critic.gguf", "f32")
    with LlamaCritic(path, threads=1) as critic:
        for row in rows[::3]:
            case = case_of(row, contexts)
            verdict = critic.judge(case)
            with torch.no_grad():
                logits = model(torch.tensor([tokens.prompt(style.build(case, tokens.pair))])).logits[0, -1]
            weighed = weigh(logits.numpy(), tokens.labels)
            assert weighed is not None
            assert verdict.p_revise == pytest.approx(weighed.p_revise, abs=1e-3)
            assert verdict.kind == row.label
            assert "policy_unknown" not in verdict.detail


def test_quantised_critics_give_the_same_verdicts(tmp_path: Path) -> None:
    from actorcritic_cli.learn.convert.convert import convert

    contexts, rows = contexts_and_rows()
    said: dict[str, list[str]] = {}
    size: dict[str, int] = {}
    for kind in ("f16", "q8_0", "q4_k_m"):
        path = convert(trained(), tmp_path / f"{kind}.gguf", kind)  # type: ignore[arg-type]
        size[kind] = path.stat().st_size
        with LlamaCritic(path, threads=1, write_critiques=False) as critic:
            said[kind] = [critic.judge(case_of(row, contexts)).kind for row in rows]
    for kind, share in (("q8_0", 0.99), ("q4_k_m", 0.85)):  # 32 values wide: 4 bits tell on so small a model
        agreed = sum(one == other for one, other in zip(said["f16"], said[kind], strict=True))
        assert agreed >= share * len(rows)
    assert size["q4_k_m"] <= size["q8_0"] < size["f16"]


def test_the_file_says_how_it_is_to_be_asked(tmp_path: Path) -> None:
    from actorcritic_cli.learn.convert.convert import convert

    file = inspect(convert(trained(), tmp_path / "m.gguf", "q8_0", note="for a test"))
    asked = json.loads((trained() / "acc.json").read_text())
    assert file.usable
    assert (file.style, file.quantisation, file.threshold) == ("compact", "Q8_0", 0.5)
    assert file.acc["acc.prompt_version"] == COMPACT_VERSION
    assert file.acc["acc.policies"] == asked["policies"]
    assert {line.split()[1] for line in asked["policies"]} == {"tau_airline", "tau_retail"}
    assert any("for a test" in warning for warning in file.warnings)


@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_an_adapter_in_llama_cpp_is_the_adapter_in_peft(family: str, tmp_path: Path) -> None:
    from peft import PeftModel

    from actorcritic_cli.learn.convert.convert import convert
    from actorcritic_cli.learn.training.train import train

    base = base_model(family, tmp_path / "base")
    plain = logits_of_transformers(load(base)[0])
    out = train(data_set(), tmp_path / "lora", recipe_for(base), device="cpu", threads=1).folder
    wanted = logits_of_transformers(PeftModel.from_pretrained(load(base)[0], str(out)).eval())
    spread = float(wanted.std())
    assert np.abs(wanted - plain).max() > 0.1 * spread
    whole = convert(base, tmp_path / "base.gguf", "f32")
    adapter = convert(out, tmp_path / "lora.gguf", "f32")
    assert np.abs(logits_of_llama_cpp(whole, adapter) - wanted).max() < 5e-3 * spread
    merged = convert(out, tmp_path / "merged.gguf", "f32", merge=True)
    assert np.abs(logits_of_llama_cpp(merged) - wanted).max() < 5e-3 * spread
    assert inspect(merged).style == "compact"
    contexts, rows = contexts_and_rows()
    with LlamaCritic(whole, threads=1, lora=[str(adapter)]) as critic:
        assert critic.judge(case_of(rows[0], contexts)).p_revise is not None


def test_what_cannot_be_converted_is_refused_with_a_remedy(tmp_path: Path) -> None:
    from actorcritic_cli.learn.convert.convert import convert

    with pytest.raises(NotFound, match="no folder"):
        convert(tmp_path / "nowhere", tmp_path / "m.gguf")
    with pytest.raises(NotFound, match=r"config\.json"):
        convert(tmp_path, tmp_path / "m.gguf")
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "config.json").write_text('{"model_type": "mamba"}')
    with pytest.raises(AccError, match="mamba"):
        convert(strange, tmp_path / "m.gguf")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(UsageError, match="--merge"):
        convert(adapter, tmp_path / "m.gguf", "q8_0")
    assert not list(tmp_path.glob("m.gguf*"))


def test_from_data_to_a_critic_on_the_command_line(tmp_path: Path) -> None:
    out, critic = tmp_path / "trained", tmp_path / "critic.gguf"
    options = ["--from-scratch", "small", "--epochs", "1", "--tokens", "1024", "--threads", "1"]
    done = acc("critic", "train", str(data_set()), str(out), *options)
    assert done.code == 0, done.error
    assert done.out.split()[:2] == ["epoch", "verdict"]
    assert "acc critic convert" in done.err
    again = acc("critic", "train", str(data_set()), str(out), *options)
    assert again.code == 2
    made = acc("critic", "convert", str(out), str(critic), "--quantise", "q8_0")
    assert (made.code, made.out.strip()) == (0, str(critic)), made.error
    assert critic.stat().st_size < 10e6
    known = acc("critic", "info", str(critic))
    assert "compact" in known.out
    assert acc("critic", "train", str(data_set()), str(tmp_path / "x")).code == 2
