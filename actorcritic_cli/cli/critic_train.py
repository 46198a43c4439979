"""``acc critic train`` and ``acc critic convert``: from a data set to a critic, and to the file that llama.cpp runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from actorcritic_cli.cli.common import JsonOption, print_json, print_table, say
from actorcritic_cli.errors import UsageError


def train(
    data: Annotated[Path, typer.Argument(help="Folder of a data set (acc critic data).")],
    out: Annotated[Path, typer.Argument(help="Folder for the trained weights.")],
    base: Annotated[
        str | None, typer.Option(metavar="NAME|FOLDER", help="Model of transformers that gets a LoRA adapter.")
    ] = None,
    from_scratch: Annotated[
        Literal["small"] | None,
        typer.Option(help="Train this architecture from nothing, with a vocabulary of its own."),
    ] = None,
    style: Annotated[
        Literal["full", "compact"] | None,
        typer.Option(help="Prompt style.", show_default="full with --base, compact with --from-scratch"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Times to go over the data, at most; 0 trains nothing, for a control.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option("--lr", help="Highest learning rate.")] = None,
    tokens: Annotated[int | None, typer.Option(help="Tokens that are read in one pass.")] = None,
    passes: Annotated[int | None, typer.Option(help="Passes for one step of the optimiser.")] = None,
    verdict_weight: Annotated[float | None, typer.Option(help="Weight of the verdict's loss.")] = None,
    critique_weight: Annotated[float | None, typer.Option(help="Weight of the critique's loss.")] = None,
    reading: Annotated[
        float | None, typer.Option(help="Weight of predicting the prompts too.", show_default="0; 0.2 from scratch")
    ] = None,
    smoothing: Annotated[float | None, typer.Option(help="Label smoothing of the verdict.")] = None,
    vary: Annotated[
        bool | None,
        typer.Option("--vary/--no-vary", help="Other ids and names in every epoch.", show_default="from scratch only"),
    ] = None,
    reword: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of the sessions whose agent speaks in other words, in every epoch in others.",
            show_default="0; 0.6 from scratch",
        ),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better validation loss before it ends; 0: never.")
    ] = None,
    lora_rank: Annotated[int | None, typer.Option(help="Rank of the adapter.")] = None,
    seed: Annotated[int, typer.Option(help="Same data, recipe and seed: same weights, on one machine.")] = 0,
    device: Annotated[str | None, typer.Option(help="cpu, cuda …", show_default="cuda where there is one")] = None,
    threads: Annotated[int | None, typer.Option(min=1, show_default="what this process may use")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in OUT.")] = False,
    json: JsonOption = False,
) -> None:
    """Train a critic on labelled cases, on the very prompts that it will be asked in.

    Only verdict and critique are learned from, unless --reading is set. Interrupted, it goes on with --resume.
    """
    import os

    from msgspec.structs import replace

    # Threads that wait by spinning slow each other many-fold where other work is done as well; read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

    from actorcritic_cli.learn.training.recipe import SMALL, Recipe
    from actorcritic_cli.learn.training.train import CHECKPOINT
    from actorcritic_cli.learn.training.train import train as run
    from actorcritic_cli.show.steps import steps

    if (base is None) == (from_scratch is None):
        raise UsageError("Name a base model with --base, or train the small one with --from-scratch small.")
    given: dict[str, Any] = {
        "style": style,
        "epochs": epochs,
        "learning_rate": learning_rate,
        "tokens_per_pass": tokens,
        "passes_per_step": passes,
        "verdict_weight": verdict_weight,
        "critique_weight": critique_weight,
        "reading": reading,
        "smoothing": smoothing,
        "vary": vary,
        "reword": reword,
        "patience": patience,
        "lora_rank": lora_rank,
    }
    start = Recipe(base=base) if base is not None else SMALL
    recipe = replace(start, seed=seed, **{name: value for name, value in given.items() if value is not None}).check()
    try:
        with steps() as tell:
            trained = run(data, out, recipe, resume=resume, device=device, threads=threads, tell=tell)
    except KeyboardInterrupt:
        if (out / CHECKPOINT).exists():
            say(f"\ninterrupted; the same command with --resume goes on from the last checkpoint in {out}.")
        raise
    if json:
        print_json(trained)
    else:
        from actorcritic_cli.show.training import epoch_rows

        columns = ("epoch", "verdict", "critique", "reading", "valid", "AUROC", "caught at 5 %", "seconds")
        print_table(columns, epoch_rows(trained.epochs, trained.best), right=columns)
    say(
        f"{trained.examples:,} cases, {trained.trained_parameters:,} of {trained.parameters:,} parameters trained in "
        f"{trained.seconds:,.0f} s; kept epoch {trained.best} in {out}."
    )
    if trained.too_long:
        say(f"{trained.too_long:,} cases were left out because they do not fit the model's context.")
    say(f"Make a critic of it with: acc critic convert {out} critic.gguf")


def convert(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of trained weights (llama, qwen2, qwen3, or a LoRA adapter); or a GGUF file, to be quantised."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="GGUF file to write.")],
    quantise: Annotated[Literal["f32", "f16", "q8_0", "q4_k_m"], typer.Option(help="How weights are kept.")] = "f16",
    merge: Annotated[
        bool, typer.Option("--merge", help="Of an adapter: put it into its base, as a whole model.")
    ] = False,
    note: Annotated[str, typer.Option(help="A sentence that the file says of itself.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write trained weights as a GGUF file that acc and llama.cpp can run, or quantise such a file."""
    from actorcritic_cli.critics.gguf_info import inspect
    from actorcritic_cli.learn.convert.convert import convert as run

    if out.exists() and not force:
        raise UsageError(f"{out} exists; choose another name, or replace it with --force.")
    path = run(folder, out, quantise, merge=merge, note=note)
    found = inspect(path, digest=False)
    if found.usable:
        say(f"{found.size / 1e6:.1f} MB, {found.quantisation}, prompt style {found.style}")
        if quantise == "q4_k_m" and not set(found.kinds) <= {"Q4_K", "Q6_K"}:
            kinds = ", ".join(f"{count} {kind}" for kind, count in found.kinds.items())
            say(f"Rows that are no multiple of 256 cannot be Q4_K; its matrices are {kinds}.")
    typer.echo(str(path))
