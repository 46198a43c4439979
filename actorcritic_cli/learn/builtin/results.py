"""What came of a rebuild, as one value: what the model card is made from, and what the goals are held against."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli import __version__
from actorcritic_cli.analysis.shares import Estimate
from actorcritic_cli.bench.judged import Speed
from actorcritic_cli.critics.gguf_info import CriticFile, inspect
from actorcritic_cli.critics.styles import known_policies
from actorcritic_cli.errors import AccError
from actorcritic_cli.learn.builtin import steps as s
from actorcritic_cli.learn.builtin.rebuild import Done
from actorcritic_cli.learn.builtin.recipe import BuiltinRecipe
from actorcritic_cli.learn.evaluate import Evaluation
from actorcritic_cli.learn.live import Side
from actorcritic_cli.types import CriticIdentity

CAUGHT_AT = 0.05
"""The share of false alarms per judged proposal at which catches count."""


class Model(Struct, frozen=True):
    """The file that ships; ``megabytes`` are 10^6 bytes, ``policies`` the names of those it knows."""

    sha256: str
    megabytes: float
    parameters: int
    quantisation: str
    kinds: dict[str, int]
    prompt_version: str
    threshold: float
    policies: list[str]


class Results(Struct, frozen=True):
    """Everything that is told of the built-in critic."""

    made_at: str
    acc: str
    model: Model
    commands: list[str]
    seconds: float
    """Of all commands together, on the machine that they ran on."""
    data: dict[str, Any]
    """The card of the data set, without its seeds and runs."""
    training: dict[str, Any]
    evaluations: list[Evaluation]
    """On the data set's test split: the critic, and the control of the same shape with untrained weights."""
    agreement: list[Evaluation]
    """F16, Q8_0 and Q4_K_M."""
    quantised: dict[str, dict[str, int]]
    """Kind → how its file keeps its matrices."""
    protocol: dict[str, Any]
    live: list[Side]
    speed: list[Speed]
    official: list[Evaluation] = []
    """On the recorded gpt-4o write calls: the critic, one trained on other recorded conversations alone, and the control."""


class Goal(Struct, frozen=True):
    """A figure, and what it is to be at least (or at most). ``reached`` is ``None`` where it was not measured."""

    name: str
    found: Estimate
    goal: float
    at_least: bool = True

    @property
    def reached(self) -> bool | None:
        """Whether the value itself reaches the goal."""
        if self.found.value is None:
            return None
        return self.found.value >= self.goal if self.at_least else self.found.value <= self.goal


def results(folder: Path, recipe: BuiltinRecipe, done: Sequence[Done]) -> Results:
    """Return what the steps left in the rebuild's folder. Raises ``AccError`` for what cannot be read."""
    file = inspect(folder / s.shipped_file(recipe))
    if not file.usable:
        raise AccError(file.why_not or f"{file.path} cannot be used.")
    live = _document(folder / s.LIVE)
    bench = _document(folder / s.BENCH)
    official = folder / s.OFFICIAL
    files = {kind: inspect(folder / f"critic-{kind}.gguf", digest=False).kinds for kind in ("f16", "q8_0", "q4_k_m")}
    return Results(
        made_at=time.strftime("%Y-%m-%d", time.gmtime()),
        acc=__version__,
        model=_model(file),
        commands=[one.command for one in done if not one.name.startswith(("import ", "label "))],
        seconds=round(sum(one.seconds for one in done)),
        data=_data(_document(folder / s.DATA / "card.json")),
        training=_document(folder / s.BUILTIN / "training.json"),
        evaluations=_evaluations(folder / s.EVAL),
        agreement=_evaluations(folder / s.AGREEMENT),
        quantised=files,
        protocol=live["protocol"],
        live=[replace(side, critic=_plain(side.critic)) for side in msgspec.convert(live["critics"], list[Side])],
        speed=msgspec.convert(bench["judged"], list[Speed]),
        official=_evaluations(official) if official.exists() else [],
    )


def goals(found: Results) -> list[Goal]:
    """Return the figures that the built-in critic must reach, on what it has not seen in training."""
    critic = found.evaluations[0]
    caught = next(catch.caught for catch in critic.catches if catch.false_alarms == CAUGHT_AT)
    made = [
        Goal(f"caught at {100 * CAUGHT_AT:g} % false alarms", caught, 0.9),
        Goal("right rule named in catches", critic.named, 0.8),
        Goal("calibration error", critic.ece, 0.05, at_least=False),
    ]
    for side in found.live:
        if side.critic.name == critic.critic.name and side.env:
            made.append(Goal(f"failures mended, {side.env} ({side.dataset})", side.effect.helpfulness, 0.6))
            made.append(
                Goal(f"successes broken, {side.env} ({side.dataset})", side.effect.harmfulness, 0.03, at_least=False)
            )
    for one, goal in zip(found.agreement[1:], (0.99, 0.97), strict=True):
        if one.agreement is not None:
            made.append(Goal(f"verdicts as F16, {one.critic.quantisation}", one.agreement.same, goal))
    for speed in found.speed[:1]:
        seconds = Estimate(speed.median, None, None, speed.judgements, 0)
        made.append(Goal("median seconds of one judged proposal", seconds, 0.05, at_least=False))
    size = Estimate(found.model.megabytes, None, None, 1, 0)
    return [*made, Goal("megabytes", size, 10, at_least=False)]


def _model(file: CriticFile) -> Model:
    return Model(
        file.sha256,
        round(file.size / 1e6, 2),
        file.parameters,
        file.quantisation,
        file.kinds,
        str(file.acc.get("acc.prompt_version", "")),
        file.threshold,
        sorted(set(known_policies(file.acc).values())),
    )


def _data(card: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in card.items() if name not in ("seeds", "runs", "made_at")}


def _evaluations(path: Path) -> list[Evaluation]:
    return [_without_paths(one) for one in msgspec.convert(_document(path)["critics"], list[Evaluation])]


def _without_paths(one: Evaluation) -> Evaluation:
    return replace(
        one,
        critic=_plain(one.critic),
        environments={env: _without_paths(own) for env, own in one.environments.items()},
    )


def _plain(critic: CriticIdentity) -> CriticIdentity:
    """Return who judged without where its file lay."""
    return replace(critic, info={})


def _document(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise AccError(f"{path} cannot be read ({error}); take it away and say the same again.") from error
