"""Which judge the options of an environment name: a cloud model, or a GGUF file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from actorcritic_cli.envs.tau2.judge import Judge, ModelJudge
from actorcritic_cli.envs.tau2.local_judge import LocalJudge
from actorcritic_cli.errors import UsageError


class _Options(Struct, forbid_unknown_fields=True):
    judge: str | None = None
    judge_options: dict[str, Any] = {}


def judge_of(options: Mapping[str, Any]) -> Judge | None:
    """Return the judge that the options of an environment name (``judge``, ``judge_options``), ``None`` if they name none.

    Raises ``UsageError``.
    """
    try:
        given = msgspec.convert(dict(options), _Options)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"The options of the environment cannot be meant ({error}); they are judge (a model, or a GGUF file) and "
            "judge_options."
        ) from error
    if given.judge is None:
        return None
    if given.judge.endswith(".gguf"):
        return LocalJudge(given.judge, given.judge_options)
    return ModelJudge(given.judge, given.judge_options)
