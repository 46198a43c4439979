"""Data sets and trainings that tests share: labelled cases of ``sim:hasty``, and models small enough for a test."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actorcritic_cli.actors.sim.past import Past
from actorcritic_cli.actors.sim.resolve import expert_for
from actorcritic_cli.envs import registry
from actorcritic_cli.learn.critique_words import right_text, wrong_text
from actorcritic_cli.learn.critique_words import said as said_of
from actorcritic_cli.learn.dataset import Context, Row, content_id, write_document, write_lines
from actorcritic_cli.learn.training.recipe import SMALL, Recipe
from actorcritic_cli.session.events import Acted, Observed, Proposed, Started
from tests.critic_cases import folder
from tests.sim_sessions import hold, oracle, spec_for

MISSING = [name for name in ("torch", "transformers", "peft", "safetensors") if find_spec(name) is None]
needs_training = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("ACC_TEST_TRAIN"), reason=f"not installed: {', '.join(MISSING)} (acc[train])"
)
"""Tests that train are skipped without the extra, unless ``ACC_TEST_TRAIN`` is set, as it is in CI: then they fail."""

TINY = replace(
    SMALL, epochs=6, layers=2, width=32, heads=2, feed_forward=64, vocabulary=512, patience=0, tokens_per_pass=1024
)
"""A few thousand parameters beside its embeddings."""


def session_rows(env: str, task_id: str, seed: int, contexts: dict[str, Context], rate: float = 4.0) -> list[Row]:
    """The labelled proposals of one session of the hasty actor under a critic that knows."""
    spec = spec_for(env, "sim:hasty", task=task_id, seed=seed, supervised=True, slip_rate=rate)
    environment = registry.load(env, "bundled", spec.env_options)
    task = next(task for task in environment.tasks() if task.id == task_id)
    events = hold(spec, task, oracle)
    started = events[0]
    assert isinstance(started, Started)
    said = list(started.messages)
    context = Context(said[0].content or "", tuple(environment.tools))
    contexts[context.key] = context
    expert = expert_for(task, environment)
    rows = []
    for event in events[1:]:
        if isinstance(event, Observed):
            said += event.messages
        elif isinstance(event, Acted):
            said.append(event.message)
        elif isinstance(event, Proposed) and event.label is not None:
            transcript, proposal = tuple(said[1:]), event.proposal.message
            revise = event.label.label == "revise"
            slip, _, rule = event.label.why.partition(": ")
            better = expert.move(Past(tuple(said), tuple(environment.tools))).message("e") if revise else None
            rows.append(
                Row(
                    id=content_id(context.key, transcript, proposal),
                    env=env,
                    dataset="bundled",
                    task=task_id,
                    user="",
                    session=f"{env}/{task_id}/{seed}",
                    step=event.step,
                    attempt=event.attempt,
                    context=context.key,
                    nonce=f"{env}/{task_id}/{seed}",
                    transcript=transcript,
                    proposal=proposal,
                    label=event.label.label,
                    source="oracle",
                    slip=slip,
                    rule=rule,
                    wrong=wrong_text(said_of("oracle", slip, ""), proposal, better) if revise else "",
                    right=right_text(better),
                    better=better,
                )
            )
    return rows


@cache
def contexts_and_rows(seeds: int = 2) -> tuple[dict[str, Context], tuple[Row, ...]]:
    """Some sessions of two environments."""
    contexts: dict[str, Context] = {}
    rows: list[Row] = []
    for env, task in (("tau_airline", "cancel-01"), ("tau_retail", "cancel-01")):
        for seed in range(seeds):
            rows += session_rows(env, task, seed, contexts)
    short = sorted({row.id: row for row in rows}.values(), key=lambda row: sum(len(str(m)) for m in row.transcript))
    slips, right = ([row for row in short if row.label == label][:7] for label in ("revise", "approve"))
    return contexts, (*slips, *right)


@cache
def data_set() -> Path:
    """A data set of a handful of cases, validated on what it is trained on."""
    target = folder() / "data-set"
    target.mkdir()
    contexts, rows = contexts_and_rows()
    for name in ("train", "valid", "test"):
        write_lines(target / f"{name}.jsonl", rows)
    write_document(target / "contexts.json", contexts)
    write_document(target / "card.json", {"format": "cases"})
    return target


@cache
def trained() -> Path:
    """A tiny critic, trained from nothing on the handful of cases until it knows them."""
    from actorcritic_cli.learn.training.train import train

    recipe = replace(
        TINY,
        width=48,
        feed_forward=96,
        epochs=14,
        vary=False,
        learning_rate=4e-3,
        reading=0.0,
        critique_weight=0.05,
        tokens_per_pass=512,
    )
    return train(data_set(), folder() / "trained", recipe, device="cpu", threads=1).folder


def base_model(family: str, target: Path, **more: Any) -> Path:
    """A folder of transformers with a random model of a family and the tiny critic's tokeniser."""
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen3Config

    tokenizer = PreTrainedTokenizerFast.from_pretrained(trained())
    kinds = {"llama": LlamaConfig, "qwen2": Qwen2Config, "qwen3": Qwen3Config}
    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer) + 5,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": False,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(kinds[family](**{**shape, **more}))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1 or "bias" in name:  # else all ones and zeros, and a mistake would not show
                parameter.add_(0.2 * torch.randn_like(parameter))
            else:
                parameter.mul_(4)
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return target


def recipe_for(base: Path, **more: Any) -> Recipe:
    """A LoRA recipe that takes seconds."""
    return replace(Recipe(base=str(base), style="compact", epochs=2, lora_rank=2, learning_rate=1e-2), **more)
