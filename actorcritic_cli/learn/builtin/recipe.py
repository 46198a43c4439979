"""The recipe of the built-in critic: everything that decides what comes out. Change it here, and rebuild.

Each field holds words of a public command of acc, so that there is nothing in it that its users could not do."""

from __future__ import annotations

import json
from typing import Literal

from msgspec import Struct

ENVIRONMENTS = ("tau_airline", "tau_retail", "travel")
"""The bundled environments whose policies it is to know."""


DESKS = ("tau_airline", "tau_retail")
RARE = ("wrong_payment", "wrong_argument", "wrong_record", "no_confirmation")
"""Slips of the desks that few of their moves allow."""


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


def _slips(rate: int, *only: str, dataset: str = "bundled") -> tuple[str, ...]:
    """Return the options of sessions without a critic whose agent slips so much more often, or in these ways alone."""
    kinds = ("--actor-option", f"only={json.dumps(only)}") if only else ()
    return ("--dataset", dataset, "--supervise", "off", "--actor-option", f"slip_rate={rate}", *kinds)


RECIPE = BuiltinRecipe(
    holds=(
        *(Hold(env, "sim:hasty", 4, 11, _slips(1)) for env in DESKS),
        *(Hold(env, "sim:hasty", 4, 12, _slips(3)) for env in DESKS),
        *(Hold(env, "sim:hasty", 6, 13, _slips(6, *RARE)) for env in DESKS),
        *(Hold(env, "sim:hasty", 3, 14, _slips(3, "false_claim")) for env in DESKS),
        *(Hold(env, "sim:hasty", 1, 21, _slips(1, dataset="drawn")) for env in DESKS),
        *(Hold(env, "sim:hasty", 1, 22, _slips(3, dataset="drawn")) for env in DESKS),
        *(Hold(env, "sim:hasty", 1, 23, _slips(6, *RARE, dataset="drawn")) for env in DESKS),
        *(Hold(env, "sim:hasty", 1, 24, _slips(3, "false_claim", dataset="drawn")) for env in DESKS),
        Hold("travel", "sim:hasty", 2, 15, _slips(2)),
        Hold("travel", "sim:hasty", 1, 25, _slips(2, dataset="drawn")),
        Hold("travel", "sim:hasty", 1, 26, _slips(5, "wrong_argument", "wrong_record", dataset="drawn")),
    ),
    data=("--split", "62,13,25", "--seed", "0", "--balance", "1.5"),
    train=("--from-scratch", "small", "--epochs", "7", "--seed", "0"),
    calibrate=("--false-alarms", "0.03"),
    quantise="q8_0",
    live=("--most-tasks", "15", "--trials", "6", "--seed", "2000"),
)
"""The one by which the critic in this package was made."""
