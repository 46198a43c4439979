"""Options that say who judges and how, and what they mean together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from actorcritic_cli.cli.common import say
from actorcritic_cli.cli.options import SUPERVISION, given
from actorcritic_cli.critics.panel import PanelRule
from actorcritic_cli.errors import UsageError
from actorcritic_cli.types import Supervise

CriticOption = Annotated[
    list[str] | None,
    typer.Option(
        "--critic",
        metavar="FILE.gguf",
        help="Who judges: builtin, a GGUF model, run locally by llama.cpp, or a model behind a server (provider/model or an "
        "alias, see acc models). Given several times, they judge together.",
    ),
]
CriticByDefaultOption = Annotated[
    list[str] | None,
    typer.Option(
        "--critic",
        metavar="FILE.gguf",
        help="Who judges: builtin, a GGUF model, run locally by llama.cpp, or a model behind a server (provider/model or an "
        "alias, see acc models). Given several times, they judge together.",
        show_default="builtin where it knows the policy, else nobody",
    ),
]
"""As ``CriticOption``, where the built-in critic judges unless another one is named."""
CriticBaseOption = Annotated[
    str | None,
    typer.Option(
        "--critic-base",
        metavar="URL",
        help="Base URL of a remote critic's server, such as llama-server or vLLM.",
        rich_help_panel=SUPERVISION,
    ),
]
PanelOption = Annotated[
    PanelRule | None,
    typer.Option(
        "--panel",
        help="When several critics send a proposal back: if any objects, at least half of them, or the mean probability.",
        show_default="any",
        rich_help_panel=SUPERVISION,
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Send back what the critic finds wrong with at least this probability.",
        show_default="the model's own, else 0.5",
        rich_help_panel=SUPERVISION,
    ),
]
CriticTemplateOption = Annotated[
    str | None,
    typer.Option(help="Chat template for a GGUF without one (chatml, llama3 …).", rich_help_panel=SUPERVISION),
]
CriticTimeoutOption = Annotated[
    float, typer.Option(min=0.1, help="Seconds that one judgement may take.", rich_help_panel=SUPERVISION)
]
CriticTimeoutWanted = Annotated[
    float | None,
    typer.Option(
        "--critic-timeout",
        min=0.1,
        help="Seconds that one judgement may take.",
        show_default="120; of a fork the session's",
        rich_help_panel=SUPERVISION,
    ),
]
"""As ``CriticTimeoutOption``, where it must be known whether it was given."""
CriticContextOption = Annotated[
    int | None,
    typer.Option(
        "--critic-ctx",
        min=256,
        help="The critic's context in tokens.",
        rich_help_panel=SUPERVISION,
        show_default="the model's, at most 8192",
    ),
]
AspectsOption = Annotated[
    str | None,
    typer.Option(
        "--aspects",
        metavar="A,B…",
        help="Ask a question for each of policy, arguments, grounding; the gravest answer counts.",
        rich_help_panel=SUPERVISION,
    ),
]
ThinkOption = Annotated[
    int | None,
    typer.Option(
        "--think",
        metavar="N",
        min=1,
        help="Let the critic think for up to N tokens before its verdict.",
        rich_help_panel=SUPERVISION,
    ),
]
LoraOption = Annotated[
    list[str] | None,
    typer.Option(
        "--lora",
        metavar="FILE[:SCALE]",
        help="A LoRA adapter in GGUF, laid over the critic. Repeatable.",
        rich_help_panel=SUPERVISION,
    ),
]
GpuLayersOption = Annotated[
    str,
    typer.Option("--gpu-layers", metavar="auto|N", help="Layers that a GPU holds.", rich_help_panel=SUPERVISION),
]


def default_critic(
    critic: list[str] | None, supervise: Supervise, env: str, dataset: str | None, env_options: dict[str, Any]
) -> list[str] | None:
    """Return who judges: whoever is named, else the built-in critic where it was trained on the environment's policy.

    Where it was not, nobody judges, and that is said. Raises ``NotFound`` for an environment that there is not.
    """
    if critic or supervise == "off":
        return critic
    from actorcritic_cli.critics import builtin
    from actorcritic_cli.envs import registry

    environment = registry.load(env, dataset, env_options)
    if builtin.knows(environment.policy):
        return [builtin.NAME]
    where = f"{environment.name} ({environment.dataset})"
    why = f"was not trained on the policy of {where}" if builtin.is_there() else "is missing from this installation"
    say(f"Nobody supervises here: the built-in critic {why}; name a critic with --critic.")
    return None


def critic_options(
    *,
    critic: list[str] | None,
    panel: PanelRule | None = None,
    critic_base: str | None = None,
    threshold: float | None = None,
    critic_template: str | None = None,
    critic_timeout: float | None = None,
    critic_ctx: int | None = None,
    aspects: str | None = None,
    think: int | None = None,
    lora: list[str] | None = None,
    gpu_layers: str = "auto",
) -> dict[str, Any]:
    """Return the critics' options in the form that goes on record. Raises ``UsageError`` for what makes no sense."""
    if panel is not None and len(critic or ()) < 2:
        raise UsageError("--panel goes with several critics: give --critic once for each.")
    if gpu_layers != "auto" and not gpu_layers.isdecimal():
        raise UsageError(f"--gpu-layers takes auto or a number of layers, not '{gpu_layers}'.")
    return given(
        base_url=critic_base,
        threshold=threshold,
        template=critic_template,
        timeout=critic_timeout,
        n_ctx=critic_ctx,
        panel=(panel or "any") if len(critic or ()) > 1 else None,
        aspects=[aspect.strip() for aspect in aspects.split(",") if aspect.strip()] if aspects is not None else None,
        think=think,
        lora=[_absolute(adapter) for adapter in lora] if lora else None,
        gpu_layers=None if gpu_layers == "auto" else int(gpu_layers),
    )


def _absolute(adapter: str) -> str:
    """Return an adapter's ``FILE`` or ``FILE:SCALE`` with the file's whole path, so that it is found from anywhere."""
    path, colon, scale = adapter, "", ""
    if not Path(adapter).exists():
        path, colon, scale = adapter.rpartition(":")
    return f"{Path(path).resolve()}{colon}{scale}" if Path(path).is_file() else adapter
