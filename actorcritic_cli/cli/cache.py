"""``acc cache``: what is kept to start faster and can be made again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import typer

from actorcritic_cli.cli.common import JsonOption, print_json, print_table, say

if TYPE_CHECKING:
    from actorcritic_cli.critics.kept_files import KeptFiles

app = typer.Typer(no_args_is_help=True, help="What the critic keeps to start faster: list it, throw it away.")


@app.command()
def ls(json: JsonOption = False) -> None:
    """List what is kept: prefix states (a policy and its tools as a model has read them) and unpacked weights (a model's
    numbers in the form that the processor reads fastest)."""
    from msgspec.structs import asdict

    kept = [(kind, file) for kind, store in _stores().items() for file in store.files()]
    if json:
        print_json([{"kind": kind, **asdict(file)} for kind, file in kept])
        return
    rows = [
        (
            file.model,
            kind,
            f"{file.tokens:,}" if file.tokens else "",
            f"{file.bytes / 1e6:,.1f}",
            datetime.fromtimestamp(file.used).strftime("%Y-%m-%d %H:%M"),
        )
        for kind, file in kept
    ]
    if rows:
        print_table(("model", "what", "tokens", "MB", "last used"), rows, right=("tokens", "MB"))
    else:
        say("Nothing is kept; the first judgement with a local critic will change that.")


@app.command()
def clear(json: JsonOption = False) -> None:
    """Throw all of it away. It is made again when needed."""
    gone = {kind: store.clear() for kind, store in _stores().items()}
    size = sum(file.bytes for files in gone.values() for file in files)
    states, weights = len(gone["state"]), len(gone["weights"])
    if json:
        print_json({"states": states, "weights": weights, "bytes": size})
    else:
        say(f"{states} prefix state(s) and unpacked weights of {weights} model(s), {size / 1e6:.1f} MB, are gone.")


def _stores() -> dict[str, KeptFiles]:
    from actorcritic_cli.critics.kept_files import prefix_states, unpacked_weights

    return {"state": prefix_states(), "weights": unpacked_weights()}
