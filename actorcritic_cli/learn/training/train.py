"""Training itself: epochs over packs of examples, kept so that an interruption costs little."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli.critics import cpu
from actorcritic_cli.critics.compact import policy_key
from actorcritic_cli.critics.styles import Compact, Full, Style, policies_field
from actorcritic_cli.errors import AccError, UsageError
from actorcritic_cli.learn.dataset import Context, Row, SplitName, read_contexts, read_rows
from actorcritic_cli.learn.training.examples import Example, critique_of, examples
from actorcritic_cli.learn.training.loss import Losses, losses
from actorcritic_cli.learn.training.measures import auroc, caught_at
from actorcritic_cli.learn.training.model import (
    device_of,
    load_base,
    require,
    save,
    trainable,
    with_lora,
    write_json,
)
from actorcritic_cli.learn.training.packing import Pack, packs
from actorcritic_cli.learn.training.recipe import Recipe
from actorcritic_cli.learn.training.reword import reworded
from actorcritic_cli.learn.training.tokens import PromptTokens, tokens_of
from actorcritic_cli.learn.training.vary import varied

Tell = Callable[[str, int, int], None]
CHECKPOINT = "checkpoint.pt"
_KEEP_EVERY = 200
"""Steps between two checkpoints."""
_VOCABULARY_ROWS = 1500
"""Rows that a new vocabulary is learned from, at most."""
_GRADIENT_NORM = 1.0


class Seen(Struct, frozen=True):
    """One epoch: mean losses in training (nats), and on the validation split verdict loss, AUROC and catches at 5 %."""

    epoch: int
    verdict: float
    critique: float
    reading: float
    valid_verdict: float
    auroc: float | None
    caught: float | None
    seconds: float


class Trained(Struct, frozen=True):
    """What came of a training."""

    folder: Path
    best: int
    """The epoch whose weights were kept: that with the best AUROC on the validation split."""
    epochs: list[Seen]
    examples: int
    too_long: int
    """Examples left out because they did not fit the model's context."""
    parameters: int
    trained_parameters: int
    seconds: float


def train(
    data: Path,
    out: Path,
    recipe: Recipe,
    *,
    resume: bool = False,
    device: str | None = None,
    threads: int | None = None,
    tell: Tell | None = None,
) -> Trained:
    """Train a critic on a data set and keep the best epoch's weights in a folder.

    ``tell`` is called with what is being done and how far it is. An interrupted training goes on from its last checkpoint
    with ``resume``. ``threads`` are by default those that this process may use. On one machine the same data, recipe and
    number of threads give the same weights. Raises ``AccError`` or ``UsageError`` for what can't be used.
    """
    require()
    recipe.check()
    if (out / CHECKPOINT).exists() and not resume:
        raise UsageError(f"{out} holds a training that is not finished; go on with --resume, or name another folder.")
    if (out / "training.json").exists() and not resume:
        raise UsageError(f"{out} holds a trained critic; name another folder.")
    import torch

    torch.set_num_threads(threads or cpu.threads())
    return _Training(data, out, recipe, device, tell or (lambda what, done, total: None)).run(resume)


class _Training:
    def __init__(self, data: Path, out: Path, recipe: Recipe, device: str | None, tell: Tell):
        import torch

        self.out, self.recipe, self.tell = out, recipe, tell
        self.device = device_of(device)
        self.contexts: Mapping[str, Context] = read_contexts(data)
        self.rows: dict[SplitName, list[Row]] = {name: list(read_rows(data, name)) for name in ("train", "valid")}
        if not self.rows["train"] or not self.rows["valid"]:
            raise UsageError(f"{data} has no cases to train on or none to validate with; make a larger data set.")
        self.data_hash = _hash(data / "train.jsonl", data / "valid.jsonl", data / "contexts.json")
        self.names = {policy_key(self.contexts[row.context].policy): row.env for row in self.rows["train"]}
        self.style: Style = Compact(self.names) if recipe.style == "compact" else Full()
        torch.manual_seed(recipe.seed)
        self.model, self.tokenizer = self._start()
        self.tokens: PromptTokens = tokens_of(self.tokenizer)
        self.model.to(self.device)
        self.context = int(self.model.config.max_position_embeddings)
        self.too_long = 0
        self.asked = {
            "prompt_style": self.style.name,
            "prompt_version": self.style.version,
            "labels": [self.tokens.pair.revise, self.tokens.pair.approve],
            "threshold": 0.5,
            "policies": policies_field(self.names) if self.style.name == "compact" else [],
            "base": recipe.base,
        }

    def _start(self) -> tuple[Any, Any]:
        recipe = self.recipe
        if recipe.base:
            model, tokenizer = load_base(recipe.base)
            return with_lora(model, recipe), tokenizer
        from actorcritic_cli.learn.training.small import small_model, small_tokenizer

        self.tell("learning a vocabulary", 0, 1)
        tokenizer = small_tokenizer(self._texts(), recipe)
        return small_model(recipe, tokenizer), tokenizer

    def _texts(self) -> list[str]:
        """Return what a new vocabulary is learned from: each piece of the prompts once for each session, and critiques."""
        from actorcritic_cli.critics.labels import CANDIDATES
        from actorcritic_cli.learn.dataset import case_of

        chosen = sorted(self.rows["train"], key=lambda row: row.id)[:_VOCABULARY_ROWS]
        rows = self._otherwise(chosen, self.recipe.seed)
        texts: dict[tuple[str, str], None] = {}
        for row in rows:
            prompt = self.style.build(case_of(row, self.contexts), CANDIDATES[0])
            for segment in (*prompt.system, *prompt.user):
                texts.update(dict.fromkeys((row.session, piece) for piece in segment.pieces))
            texts[row.session, critique_of(row, self.style)] = None
        return [text for _, text in texts]

    def run(self, resume: bool) -> Trained:
        import torch

        started = time.monotonic()
        torch.use_deterministic_algorithms(True, warn_only=True)
        parameters = [parameter for _, parameter in trainable(self.model)]
        decayed = [p for p in parameters if p.ndim > 1]
        plain = [p for p in parameters if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": self.recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}],
            lr=self.recipe.learning_rate,
            betas=(0.9, 0.98),
        )
        state = self._resumed() if resume else None
        history = [msgspec.convert(one, Seen) for one in state["history"]] if state else []
        epoch, place = (state["epoch"], state["place"]) if state else (0, 0)
        sums = list(state["sums"]) if state else [0.0] * 6
        before = float(state["seconds"]) if state else 0.0
        valid = list(self._packs(self.rows["valid"], None))
        if self.recipe.epochs == 0:
            history.append(self._validate(-1, valid, sums, 0.0))
            save(self.out, self.model, self.tokenizer, self.asked)
            self._record(history, 0.0)
        while epoch < self.recipe.epochs and not self._enough(history):
            begun = time.monotonic()
            mine = self._packs(self._otherwise(self.rows["train"], self.recipe.seed * 1000 + epoch), epoch)
            self.model.train()
            for index in range(place, len(mine)):
                self.tell(f"epoch {epoch + 1} of {self.recipe.epochs}", index, len(mine))
                found = self._pass(mine, index, epoch)
                sums = [one + more for one, more in zip(sums, found, strict=True)]
                if (index + 1) % (_KEEP_EVERY * self.recipe.passes_per_step) == 0:
                    self._keep(epoch, index + 1, sums, history, before + time.monotonic() - started)
            seen = self._validate(epoch, valid, sums, time.monotonic() - begun)
            history.append(seen)
            if seen.epoch == _best(history):
                save(self.out, self.model, self.tokenizer, self.asked)
            epoch, place, sums = epoch + 1, 0, [0.0] * 6
            seconds = before + time.monotonic() - started
            self._keep(epoch, 0, sums, history, seconds)
            self._record(history, seconds)
        (self.out / CHECKPOINT).unlink(missing_ok=True)
        return self._trained(history, before + time.monotonic() - started)

    def _otherwise(self, rows: Iterable[Row], seed: int) -> Iterable[Row]:
        """Return the rows with other names and in other words, as the recipe wants it."""
        rows = varied(rows, seed) if self.recipe.vary else rows
        return reworded(rows, seed, self.recipe.reword) if self.recipe.reword else rows

    def _packs(self, rows: Iterable[Row], epoch: int | None) -> list[Pack]:
        made = list(examples(rows, self.contexts, self.style, self.tokens))
        fitting: list[Example] = [one for one in made if len(one.tokens) <= self.context]
        if epoch is not None:
            self.too_long = len(made) - len(fitting)
        if not fitting:
            raise AccError("No case fits the model's context; take the compact style, or a base with a longer context.")
        found = list(packs(fitting, self.recipe.tokens_per_pass))
        if epoch is not None:
            Random(f"{self.recipe.seed}/{epoch}").shuffle(found)
        return found

    def _pass(self, mine: list[Pack], index: int, epoch: int) -> list[float]:
        import torch

        found = self._losses(mine[index])
        (found.total(self.recipe) / self.recipe.passes_per_step).backward()
        if (index + 1) % self.recipe.passes_per_step == 0 or index + 1 == len(mine):
            rate = _rate(self.recipe, (epoch + (index + 1) / len(mine)) / self.recipe.epochs)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            torch.nn.utils.clip_grad_norm_([p for _, p in trainable(self.model)], _GRADIENT_NORM)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
        sums = [found.verdict, found.examples, found.critique, found.critiques, found.reading, found.tokens]
        return [float(value.detach()) if hasattr(value, "detach") else float(value) for value in sums]

    def _losses(self, pack: Pack) -> Losses:
        import torch

        with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
            return losses(self.model, pack, self.tokens.labels, self.recipe, self.device)

    def _validate(self, epoch: int, valid: list[Pack], sums: list[float], seconds: float) -> Seen:
        import torch

        self.model.eval()
        verdict = examples = 0.0
        sides: tuple[list[float], list[float]] = ([], [])
        with torch.no_grad():
            for index, pack in enumerate(valid):
                self.tell("validating", index, len(valid))
                found = self._losses(pack)
                verdict += float(found.verdict)
                examples += found.examples
                for one, p in zip(pack.examples, found.p_revise.tolist(), strict=True):
                    sides[not one.revise].append(p)
        return Seen(
            epoch + 1,
            sums[0] / max(sums[1], 1e-9),
            sums[2] / max(sums[3], 1e-9),
            sums[4] / max(sums[5], 1e-9),
            verdict / max(examples, 1e-9),
            auroc(*sides),
            caught_at(*sides, 0.05),
            seconds,
        )

    def _enough(self, history: list[Seen]) -> bool:
        return bool(self.recipe.patience and history) and len(history) - _best(history) >= self.recipe.patience

    def _keep(self, epoch: int, place: int, sums: list[float], history: list[Seen], seconds: float) -> None:
        import torch

        self.out.mkdir(parents=True, exist_ok=True)
        part = self.out / f"{CHECKPOINT}.part"
        state = {
            "recipe": msgspec.to_builtins(self.recipe),
            "data": self.data_hash,
            "epoch": epoch,
            "place": place,
            "sums": sums,
            "history": msgspec.to_builtins(history),
            "seconds": seconds,
            "weights": {name: parameter.detach().cpu() for name, parameter in trainable(self.model)},
            "optimizer": self.optimizer.state_dict(),
            "random": torch.get_rng_state(),
        }
        torch.save(state, part)
        os.replace(part, self.out / CHECKPOINT)

    def _resumed(self) -> dict[str, Any] | None:
        import torch

        path = self.out / CHECKPOINT
        if not path.exists():
            return None
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if msgspec.convert(state["recipe"], Recipe) != self.recipe:
            raise UsageError(
                f"The training in {self.out} has another recipe; give the same options, or another folder."
            )
        if state["data"] != self.data_hash:
            raise UsageError(f"The training in {self.out} had other data; name those, or another folder.")
        with torch.no_grad():
            for name, parameter in trainable(self.model):
                parameter.copy_(state["weights"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        return state

    def _record(self, history: list[Seen], seconds: float) -> None:
        """Write ``training.json``: the recipe, and what is needed to do it again."""
        from importlib.metadata import version

        import torch

        write_json(
            self.out / "training.json",
            {
                "recipe": msgspec.to_builtins(self.recipe),
                "data": {"sha256": self.data_hash, **{name: len(rows) for name, rows in self.rows.items()}},
                "too_long": self.too_long,
                "best_epoch": _best(history),
                "epochs": msgspec.to_builtins(history),
                "parameters": self._parameters(),
                "seconds": round(seconds, 1),
                "device": str(self.device),
                "threads": torch.get_num_threads(),
                "versions": {name: version(name) for name in ("torch", "transformers", "peft", "actorcritic-cli")},
            },
        )

    def _parameters(self) -> dict[str, int]:
        whole = sum(parameter.numel() for parameter in self.model.parameters())
        return {"all": whole, "trained": sum(parameter.numel() for _, parameter in trainable(self.model))}

    def _trained(self, history: list[Seen], seconds: float) -> Trained:
        count = self._parameters()
        rows = len(self.rows["train"]) - self.too_long
        return Trained(self.out, _best(history), history, rows, self.too_long, count["all"], count["trained"], seconds)


def _best(history: list[Seen]) -> int:
    # By order, not by loss: train may be balanced where the validation split is not, and then the loss tells of that.
    return max(history, key=lambda seen: (seen.auroc or 0.0, -seen.valid_verdict)).epoch


def _rate(recipe: Recipe, done: float) -> float:
    """Return the learning rate after a share of the training."""
    if done < recipe.warmup:
        return recipe.learning_rate * done / recipe.warmup
    left = 0.5 * (1 + math.cos(math.pi * (done - recipe.warmup) / (1 - recipe.warmup)))
    return recipe.learning_rate * (0.1 + 0.9 * left)


def _hash(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
