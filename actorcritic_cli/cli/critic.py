"""``acc critic``: fetch one, see what one is, write one to try things with, and measure how fast one is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from actorcritic_cli.cli import critic_data, critic_eval, critic_live, critic_rebuild, critic_train
from actorcritic_cli.cli.common import JsonOption, print_json, print_table, say
from actorcritic_cli.errors import AccError, UsageError

if TYPE_CHECKING:
    from actorcritic_cli.bench.conversation import Conversation
    from actorcritic_cli.bench.report import Report

TRACE = "airline-cancel.jsonl"
"""The conversation that a critic is measured on unless another one is named."""

app = typer.Typer(
    no_args_is_help=True, help="Critics: fetch models, and see what a GGUF file is, whether it can judge and how fast."
)
app.command()(critic_data.data)
app.command("eval")(critic_eval.eval_)
app.command()(critic_eval.calibrate)
app.command()(critic_live.live)
app.command()(critic_train.train)
app.command()(critic_train.convert)
app.command()(critic_rebuild.rebuild)


@app.command()
def info(
    file: Annotated[Path, typer.Argument(help="GGUF file, the name of a pulled one, or builtin.")],
    template: Annotated[
        str | None, typer.Option(help="As --critic-template: for a file without a chat template.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say what a GGUF file is, which template and labels would be used, and why it cannot be used if so."""
    from actorcritic_cli.critics.gguf_info import inspect
    from actorcritic_cli.critics.models import file_of

    found = inspect(file_of(str(file)), template=template)
    if json:
        print_json(found)
    else:
        from actorcritic_cli.show.critic import critic_rows

        print_table(("", ""), [*critic_rows(found), *_builtin_rows(str(file))])
    if not found.usable:
        raise AccError(found.why_not or f"{file} cannot be used as a critic.")


def _builtin_rows(name: str) -> list[tuple[str, str]]:
    """Return what is known of the built-in critic; nothing of any other."""
    from actorcritic_cli.critics import builtin

    if not builtin.is_builtin(name) or not builtin.RESULTS.exists():
        return []
    import msgspec

    from actorcritic_cli.learn.builtin.results import Results
    from actorcritic_cli.show.builtin_card import short_rows

    found = msgspec.json.decode(builtin.RESULTS.read_bytes(), type=Results)
    return [("", ""), *short_rows(found), ("card", str(builtin.CARD))]


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
    file: Annotated[
        Path | None, typer.Argument(help="GGUF file, or the name of a pulled one.", show_default=False)
    ] = None,
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
    beside: Annotated[
        Literal["tiny", "0.5b", "1.5b"] | None,
        typer.Option(
            help="Say also how long one judged proposal takes, beside random weights of this true shape.",
            show_default="0.5b for a small critic of the compact style, which is measured in no other way",
        ),
    ] = None,
    actor_seconds: Annotated[
        float, typer.Option(min=0, help="Seconds in which an actor writes a proposal; 0: it is there at once.")
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
    from actorcritic_cli.critics.gguf_info import inspect
    from actorcritic_cli.critics.models import file_of
    from actorcritic_cli.examples import example_trace
    from actorcritic_cli.show.steps import steps

    if (file is None) == (synthetic is None):
        raise UsageError("Name one GGUF file, or a shape with --synthetic 0.5b.")
    conversation = recorded(trace or example_trace(TRACE))
    small = file is not None and inspect(file_of(str(file)), digest=False).style == "compact"
    if small or beside is not None:
        path = file_of(str(file)) if file is not None else None
        _bench_judged(path, synthetic, beside or "0.5b", conversation, repeat, threads, template, json=json)
        return
    with tempfile.TemporaryDirectory(prefix="acc-bench-") as folder, steps() as tell:
        path = file_of(str(file)) if file is not None else None
        if path is None:
            from actorcritic_cli.critics.synthetic import write

            tell(f"writing a {synthetic} model with random weights", 0, 1)
            path = write(Path(folder) / f"{synthetic}.gguf", shape=synthetic or "tiny", corpus=conversation.texts)
        settings = Settings(path, repeat, threads, template, prefix_tokens, actor_seconds=actor_seconds)
        benchmark = Benchmark(settings, conversation, Path(folder), tell)
        try:
            benchmark.run()
        except KeyboardInterrupt:
            benchmark.report.notes.append("Interrupted: this is what was measured until then.")
            _print_bench(benchmark.report, json)
            raise
    _print_bench(benchmark.report, json)


def _bench_judged(
    path: Path | None,
    shape: Literal["tiny", "0.5b", "1.5b"] | None,
    beside: Literal["tiny", "0.5b", "1.5b"],
    conversation: Conversation,
    repeat: int,
    threads: int | None,
    template: str | None,
    *,
    json: bool,
) -> None:
    """Say how long one judged proposal takes with a critic, and beside it with a model of a true shape."""
    import tempfile

    from actorcritic_cli.bench.judged import PREFIX, judged
    from actorcritic_cli.critics.gguf_info import inspect
    from actorcritic_cli.critics.synthetic import write
    from actorcritic_cli.show.bench import speed_rows
    from actorcritic_cli.show.steps import steps

    with tempfile.TemporaryDirectory(prefix="acc-bench-") as folder, steps() as tell:
        shapes: list[Literal["tiny", "0.5b", "1.5b"]] = [beside] if shape in (None, beside) else [shape, beside]
        made = {}
        for name in shapes:
            tell(f"writing a {name} model with random weights", 0, 1)
            made[name] = write(Path(folder) / f"{name}.gguf", shape=name, corpus=conversation.texts)
        chosen = [(path, inspect(path, digest=False).name)] if path is not None else []
        chosen += [(file, f"{name} shape") for name, file in made.items()]
        found = [
            judged(
                file,
                name,
                conversation,
                Path(folder),
                repeat,
                tell,
                threads=threads,
                template=template if file == path else None,
                prefix_tokens=None if inspect(file, digest=False).style == "compact" else PREFIX,
            )
            for file, name in chosen
        ]
    if json:
        print_json({"judged": found})
        return
    print_table(*speed_rows(found))
    say(f"Policy and tools are cut to {PREFIX:,} tokens for models that read them; nothing is read ahead.")


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


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """List the models that have been pulled, and those that are recommended."""
    from actorcritic_cli.critics.models import catalogue

    rows = catalogue()
    if json:
        print_json(rows)
        return
    print_table(
        ("name", "MB", "pulled", "licence", "good for"),
        [(r.name, f"{r.megabytes:,}", "yes" if r.pulled else "", r.licence or "", r.good_for or "") for r in rows],
        right=("MB",),
    )
    say("Fetch one with acc critic pull NAME, or any GGUF file of the hub as OWNER/REPO/FILE.gguf.")


@app.command()
def pull(
    name: Annotated[
        str, typer.Argument(help="A name of acc critic list, or a file of the Hugging Face hub: OWNER/REPO/FILE.gguf.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Pull it again though it is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Download a model from the Hugging Face hub, to be used as --critic NAME.

    An interrupted download goes on where it stopped, and what comes in is checked against the hub's SHA-256. HF_ENDPOINT
    names another hub; HF_TOKEN opens what is not public, and is sent to the hub alone.
    """
    from actorcritic_cli.critics.gguf_info import inspect
    from actorcritic_cli.critics.models import named, note_of
    from actorcritic_cli.critics.pull import pull as pull_model
    from actorcritic_cli.show.bar import transferring

    wanted = named(name)
    if not force and note_of(wanted.path) is not None:
        say(f"{wanted.name} has been pulled already; --force pulls it again.")
    else:
        say(f"pulling {wanted.name} …")
    try:
        with transferring(wanted.name) as report:
            path = pull_model(wanted, report, again=force)
    except KeyboardInterrupt:
        say(f"\ninterrupted; what has come in is kept: acc critic pull {name} goes on from there.")
        raise
    note = note_of(path)
    if note is not None and not note.checked:
        say(f"The hub gave no hash to check {wanted.name} with; its SHA-256 is {note.sha256}.")
    found = inspect(path)
    if not found.usable:
        say(f"It cannot be used as a critic as it is: {found.why_not}")
    if json:
        print_json(note)
    else:
        typer.echo(str(path))
    say(f"Use it with: --critic {wanted.name}")
