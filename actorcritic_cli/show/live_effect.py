"""What critics changed in sessions that they supervised: a line for each critic and environment."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from actorcritic_cli.analysis.pairs import Effect
from actorcritic_cli.analysis.shares import Estimate
from actorcritic_cli.learn.live import Side, Trials
from actorcritic_cli.show.console import print_rows
from actorcritic_cli.show.values import UNKNOWN, estimate, several, share
from actorcritic_cli.text import one_line

WORDS = {
    "better": "better",
    "worse": "WORSE",
    "no difference shown": "no effect shown",
    "too few to tell": "too few to tell",
}
"""Finding → how it is said."""


def print_effects(console: Console, trials: Trials, sides: Sequence[Side]) -> None:
    """Print the effects of critics, those of one environment below each other."""
    pairs = sum(side.effect.pairs for side in sides if side.env) // max(1, len({side.critic.id for side in sides}))
    simulated = ", simulated" if trials.actor.startswith("sim:") else ""
    console.print(
        f"{several(pairs, 'session')} of {trials.actor}{simulated}, {several(trials.trials, 'trial')} a task, with each "
        "critic and without one"
    )
    console.print()
    print_rows(console, HEADERS, effect_rows(sides))
    lacking = next((one.lacking for side in sides for one in _estimates(side.effect) if one.lacking), "")
    if lacking:
        console.print(f"(too few): {lacking.removeprefix('too few to tell ').strip('()')} before an interval is given")


HEADERS = (
    "environment",
    "critic",
    "pairs",
    "sent back",
    "without",
    "with",
    "failures mended",
    "successes broken",
    "McNemar",
    "finding",
)


def effect_rows(sides: Sequence[Side]) -> list[tuple[str, ...]]:
    """Return the rows of the table, by environment (all together last) and critic."""
    places = list(dict.fromkeys((side.env, side.dataset) for side in sides))
    places.sort(key=lambda place: not place[0])
    return [_row(side) for place in places for side in sides if (side.env, side.dataset) == place]


def _row(side: Side) -> tuple[str, ...]:
    found = side.effect
    return (
        f"{side.env} ({side.dataset})" if side.env else "all",
        one_line(side.critic.name, 30),
        f"{found.pairs:,}",
        f"{side.sent_back:,}",
        _success(found, found.both + found.broken),
        _success(found, found.both + found.mended),
        f"{estimate(found.helpfulness)}, {found.mended} of {found.mended + found.neither}",
        f"{estimate(found.harmfulness)}, {found.broken} of {found.broken + found.both}",
        f"p {found.p_value:.2g}",
        WORDS[found.finding],
    )


def _success(found: Effect, count: int) -> str:
    return share(count / found.pairs) if found.pairs else UNKNOWN


def _estimates(found: Effect) -> tuple[Estimate, Estimate]:
    return found.helpfulness, found.harmfulness
