"""``acc critic``: what a critic's file is, one to try things with, and how fast one is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from actorcritic_cli.cli.common import JsonOption, print_json, print_table, say
from actorcritic_cli.errors import AccError, UsageError

if TYPE_CHECKING:
    from actorcritic_cli.bench.report import Report

TRACE = "airline-cancel.jsonl"
"""The conversation that a critic is measured on unless another one is named."""

app = typer.Typer(no_args_is_help=True, help="Critics: what a GGUF file is, whether it can judge and how fast.")


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


@app.command()
def bench(
    file: Annotated[Path | None, typer.Argument(help="GGUF file.", show_default=False)] = None,
    synthetic: Annotated[
        Literal["tiny", "0.5b", "1.5b"] | None,
        typer.Option(help="In place of a file: random weights of this true shape, written for the occasion."),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Trace with the conversation to judge.", show_default=f"the bundled {TRACE}"),
    ] = None,
    prefix_tokens: Annotated[
        int | None,
        typer.Option(metavar="N", min=200, help="Cut policy and tools to about so many tokens.", show_default="whole"),
    ] = None,
    repeat: Annotated[int, typer.Option(min=1, help="How often each thing is timed.")] = 5,
    actor_seconds: Annotated[
        float, typer.Option(min=0, help="Seconds the actor of the measured conversation takes a proposal; 0: none.")
    ] = 2.0,
    threads: Annotated[int | None, typer.Option(min=1, show_default="what this process may use")] = None,
    template: Annotated[str | None, typer.Option(help="As --critic-template.")] = None,
    json: JsonOption = False,
) -> None:
    """Measure a critic on a recorded conversation, beside the naive way (JSON written by the chat call) and the floor.

    Ratios are medians over repetitions in which the sides take turns. The goals are for the 0.5b shape on two cores,
    with --prefix-tokens 1700, on a machine that does nothing else.
    """
    import tempfile

    from actorcritic_cli.bench.conversation import recorded
    from actorcritic_cli.bench.measure import Benchmark, Settings
    from actorcritic_cli.examples import example_trace
    from actorcritic_cli.show.steps import steps

    if (file is None) == (synthetic is None):
        raise UsageError("Name one GGUF file, or a shape with --synthetic 0.5b.")
    conversation = recorded(trace or example_trace(TRACE))
    with tempfile.TemporaryDirectory(prefix="acc-bench-") as folder, steps() as tell:
        path = file
        if path is None:
            from actorcritic_cli.critics.synthetic import write

            tell(f"writing a {synthetic} model with random weights", 0, 1)
            path = write(Path(folder) / f"{synthetic}.gguf", shape=synthetic or "tiny")
        settings = Settings(path, repeat, threads, template, prefix_tokens, actor_seconds=actor_seconds)
        benchmark = Benchmark(settings, conversation, Path(folder), tell)
        try:
            benchmark.run()
        except KeyboardInterrupt:
            benchmark.report.notes.append("Interrupted: this is what was measured until then.")
            _print_bench(benchmark.report, json)
            raise
    _print_bench(benchmark.report, json)


def _print_bench(report: Report, json: bool) -> None:
    if json:
        from actorcritic_cli.bench.report import document

        print_json(document(report))
        return
    from actorcritic_cli.show.bench import circumstance_rows, figure_rows, load_rows, time_rows

    print_table(("", ""), circumstance_rows(report))
    typer.echo()
    print_table(
        ("median seconds", "acc", "floor", "naive", "tokens"), time_rows(report), right=("acc", "floor", "naive")
    )
    typer.echo()
    if rows := load_rows(report):
        print_table(("", ""), rows)
        typer.echo()
    print_table(("figure", "value", "goal", "reached"), figure_rows(report.figures), right=("value", "goal"))
    for note in report.notes:
        say(note)
