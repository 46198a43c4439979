"""The recipe of the built-in critic: everything that decides what comes out. Change it here, and rebuild.

Each field holds words of a public command of acc, so that there is nothing in it that its users could not do."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

ENVIRONMENTS = ("tau_airline", "tau_retail", "travel")
"""The bundled environments whose policies it is to know."""


class Hold(Struct, frozen=True):
    """Sessions to learn from: one ``acc run``. ``words`` are further options of it."""

    env: str
    actor: str
    trials: int
    seed: int
    words: tuple[str, ...] = ("--supervise", "off")


class BuiltinRecipe(Struct, frozen=True):
    """What the built-in critic is made by."""

    holds: tuple[Hold, ...]
    data: tuple[str, ...]
    """Options of ``acc critic data``. The share of test must leave at least ten tasks to every environment, for fewer tell
    nothing."""
    train: tuple[str, ...]
    """Options of ``acc critic train``."""
    calibrate: tuple[str, ...]
    """Options of ``acc critic calibrate``."""
    quantise: Literal["q8_0", "q4_k_m"]
    """The kind that ships."""
    live: tuple[str, ...]
    """Options of ``acc critic live``: trials of each test task, and a seed from which no session was learned."""


RECIPE = BuiltinRecipe(
    holds=(
        *(Hold(env, "sim:hasty", 20, 1) for env in ENVIRONMENTS),
        *(Hold(env, "sim:expert", 2, 2) for env in ENVIRONMENTS),
    ),
    data=("--split", "50,12,38", "--seed", "0"),
    train=("--from-scratch", "small", "--tokens", "1024", "--seed", "0"),
    calibrate=("--false-alarms", "0.05"),
    quantise="q8_0",
    live=("--trials", "20", "--seed", "1000"),
)
"""The one by which the critic in this package was made."""
