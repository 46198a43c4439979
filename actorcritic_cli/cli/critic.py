"""``acc critic``: what a critic's file is, and one to try things with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from actorcritic_cli.cli.common import JsonOption, print_json, print_table, say
from actorcritic_cli.errors import AccError, UsageError

app = typer.Typer(no_args_is_help=True, help="Critics: what a GGUF file is and whether it can judge.")


@app.command()
def info(
    file: Annotated[Path, typer.Argument(help="GGUF file.")],
    template: Annotated[
        str | None, typer.Option(help="As --critic-template: for a file without a chat template.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say what a GGUF file is, which template and labels would be used, and why it cannot be used if so."""
    from actorcritic_cli.critics.gguf_info import inspect

    found = inspect(file, template=template)
    if json:
        print_json(found)
    else:
        from actorcritic_cli.show.critic import critic_rows

        print_table(("", ""), critic_rows(found))
    if not found.usable:
        raise AccError(found.why_not or f"{file} cannot be used as a critic.")


@app.command()
def synthetic(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    shape: Annotated[Literal["tiny", "0.5b", "1.5b"], typer.Option(help="Whose true shape it has.")] = "tiny",
    seed: Annotated[int, typer.Option(help="Seed of the weights; the same seed gives the same file.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a GGUF of true shape with random weights: for speed and plumbing, its verdicts mean nothing."""
    from actorcritic_cli.critics.synthetic import write

    if file.exists() and not force:
        raise UsageError(f"{file} exists; choose another name, or replace it with --force.")
    say(f"writing a {shape} model with random weights (its verdicts mean nothing) …")
    write(file, shape=shape, seed=seed)
    typer.echo(str(file))
