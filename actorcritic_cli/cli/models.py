"""``acc models``: the short names of cloud models."""

from __future__ import annotations

from typing import Annotated

import typer

from actorcritic_cli.cli.common import JsonOption, print_json, print_table, say


def models(
    prices: Annotated[
        bool, typer.Option("--prices", help="Add context sizes and prices (takes a few seconds).")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the short names for --actor and --critic, the models they mean, and whether their API keys are set.

    Any other litellm name (provider/model) works as well.
    """
    from actorcritic_cli.providers.aliases import model_rows

    rows = model_rows(details=prices)
    if json:
        print_json(rows)
        return
    heads = ["alias", "model", "key"]
    cells = [[r.alias, r.model, f"{r.key_env}: {'set' if r.key_set else 'not set'}"] for r in rows]
    if prices:
        heads += ["context", "$/M in", "$/M out"]
        for line, row in zip(cells, rows, strict=True):
            line += [_known(row.context), _known(row.input_price), _known(row.output_price)]
    print_table(heads, cells)
    say("Any other litellm name (provider/model) works as well.")


def _known(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
