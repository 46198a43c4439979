"""``acc cache``: what is kept to start faster and can be made again."""

from __future__ import annotations

from datetime import datetime

import typer

from actorcritic_cli.cli.common import JsonOption, print_json, print_table, say

app = typer.Typer(no_args_is_help=True, help="What the critic keeps to start faster: list it, throw it away.")


@app.command()
def ls(json: JsonOption = False) -> None:
    """List the kept prefix states: a policy and its tools as a model has read them."""
    from actorcritic_cli.critics.prefix_store import prefix_store

    states = prefix_store().states()
    if json:
        print_json(states)
        return
    rows = [
        (
            state.model,
            f"{state.tokens:,}",
            f"{state.bytes / 1e6:,.1f}",
            datetime.fromtimestamp(state.used).strftime("%Y-%m-%d %H:%M"),
        )
        for state in states
    ]
    if rows:
        print_table(("model", "tokens", "MB", "last used"), rows, right=("tokens", "MB"))
    else:
        say("Nothing is kept; the first judgement with a local critic will change that.")


@app.command()
def clear(json: JsonOption = False) -> None:
    """Throw all prefix states away. They are made again when needed."""
    from actorcritic_cli.critics.prefix_store import prefix_store

    states = prefix_store().clear()
    size = sum(state.bytes for state in states)
    if json:
        print_json({"states": len(states), "bytes": size})
    else:
        say(f"{len(states)} state(s), {size / 1e6:.1f} MB, are gone.")
