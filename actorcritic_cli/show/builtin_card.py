"""The model card of the built-in critic, as Markdown, and in short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actorcritic_cli.learn.builtin.results import CAUGHT_AT, Goal, Results
from actorcritic_cli.learn.evaluate import Evaluation
from actorcritic_cli.show.evaluation import slip_text
from actorcritic_cli.show.live_effect import HEADERS, effect_rows
from actorcritic_cli.show.values import UNKNOWN, estimate, seconds

_LIMITS = (
    "It knows the bundled policies, and no others: not yours, not the benchmarks' own. Asked about another "
    "policy it says "
    'so, and what it says of that means nothing. Train one on your own traces (README, "Train a critic on your '
    'own traces").',
    "It was trained on one simulated actor's slips, and on scripted customers. In training the actor's replies are said "
    "in many ways (`acc critic train --reword`), yet of a real model's harmless replies it still sends back too many: "
    "`--gate writes` has it judge only what changes something. What a real model does wrong is different, too.",
    "A reply that only asks (it names no value that could be wrong, and says of nothing that it was done or is "
    "impossible) is approved without the model being asked (`acc.plain` in the file): in calibration hardly one of them was "
    "wrong. So nothing that stands in such a reply is objected to.",
    "Most cases, of those that it has not seen too, come from drawn tasks: other customers, records and trips than in "
    "training, but the same kinds of wishes in the same templates. On wishes of a new kind it may do worse.",
    "It reads a shortened conversation (`acc.prompt_style` compact): policy and tools are one word, results are "
    "cut, and the "
    "oldest events are left out.",
    "Labels are the simulated actor's own knowledge of its slips. In `travel` many plans are right, and what an "
    "action is worth "
    "is less sure.",
    "It judges one proposal at a time. Candidates (`--choose`) are not compared but judged one by one.",
)


def card(found: Results) -> str:
    """Return the whole card."""
    return "\n".join(_lines(found))


def short_rows(found: Results) -> list[tuple[str, str]]:
    """Return what ``acc critic info builtin`` says of its quality, in (what, value) rows."""
    critic = found.evaluations[0]
    rows = [
        ("made", f"{found.made_at} by acc critic rebuild (acc {found.acc}), {found.seconds / 60:.0f} minutes"),
        ("catches", f"{_caught(critic)} of slips at {100 * CAUGHT_AT:g} % false alarms per judged proposal"),
        ("right rule named", f"{estimate(critic.named)} of catches"),
        ("calibration error", estimate(critic.ece)),
    ]
    for side in found.live:
        if side.critic.name == critic.critic.name and side.env:
            effect = side.effect
            mended, broken = estimate(effect.helpfulness), estimate(effect.harmfulness)
            rows.append(
                (
                    f"{side.env} ({side.dataset})",
                    f"mends {mended} of failures, breaks {broken} of successes ({_actor(found)})",
                )
            )
    return [*rows, ("limits", "knows the bundled policies, not yours")]


def goal_rows(goals: Sequence[Goal]) -> list[tuple[str, str, str, str]]:
    """Return figures beside their goals."""
    words = {True: "yes", False: "NO", None: "not measured"}
    return [
        (
            goal.name,
            estimate(goal.found) if goal.found.tasks else f"{goal.found.value:.3g}",
            f"{'≥' if goal.at_least else '≤'} {goal.goal:g}",
            words[goal.reached],
        )
        for goal in goals
    ]


def _lines(found: Results) -> Iterator[str]:
    model, critic = found.model, found.evaluations[0]
    yield from ("# The built-in critic", "")
    yield (
        f"A transformer of {model.parameters:,} parameters, trained from nothing to judge proposals in acc's "
        f"bundled environments "
        f"({', '.join(model.policies)}) as {_actor(found)} makes them. {model.megabytes:g} MB, "
        f"{model.quantisation}, threshold "
        f"{model.threshold:g}, prompt {model.prompt_version}. SHA-256 `{model.sha256}`. Made {found.made_at} by "
        f"acc {found.acc}."
    )
    yield from ("", "## Limits", "", *(f"- {text}" for text in _LIMITS), "")
    yield from (
        "## Recipe",
        "",
        "`acc critic rebuild OUT` runs these commands, in this order and with these seeds:",
        "",
    )
    yield from ("```sh", *found.commands, "```", "")
    yield f"All together took {found.seconds / 60:.0f} minutes on the machine on which it was made. {_training(found)}"
    yield from ("", "## Data", "")
    counts = found.data["counts"]
    yield from _table(
        ("split", "cases", "approve", "revise", "tasks", "sessions"),
        [
            (name, *(f"{n:,}" for n in (own["rows"], *own["labels"].values(), own["tasks"], own["sessions"])))
            for name, own in counts.items()
        ],
    )
    yield from ("", f"{', '.join(found.data['datasets'])}. No task and no user is in two splits.", "")
    yield from ("## Cases that it has not seen", "")
    tasks = critic.quality.auroc.tasks
    yield (
        f"The test split: {critic.judged:,} judged proposals of {tasks} tasks. Beside it the control: the same "
        f"shape and "
        "vocabulary with untrained weights, its threshold chosen by the same rule (it, too, approves replies that only ask "
        "unasked). Intervals hold with 95 % "
        "confidence and take "
        "whole tasks as what was drawn."
    )
    yield ""
    yield from _evaluations(found.evaluations)
    yield from ("", "By environment:", "")
    yield from _table(
        (
            "environment",
            "critic",
            "cases",
            "AUROC",
            f"caught at {100 * CAUGHT_AT:g} %",
            "right rule named",
            "calibration error",
        ),
        [
            (
                env,
                one.critic.name,
                f"{own.judged:,}",
                estimate(own.quality.auroc),
                _caught(own),
                estimate(own.named),
                estimate(own.ece),
            )
            for env in critic.environments
            for one in found.evaluations
            if (own := one.environments.get(env)) is not None
        ],
    )
    yield from ("", "Caught at the threshold, and in brackets those with the right rule named, by kind of slip:", "")
    yield from _table(
        ("slip", *(one.critic.name for one in found.evaluations)),
        [(slip, *(slip_text(one.slips.get(slip)) for one in found.evaluations)) for slip in critic.slips],
    )
    yield from ("", "## Sessions that it supervises", "")
    protocol = found.protocol
    yield (
        f"Each test task held {protocol['trials']} times by {_actor(found)} without a critic, and again under the "
        f"same seeds with "
        "each of them. None of these seeds was learned from."
    )
    yield ""
    yield from _table(HEADERS, effect_rows(found.live))
    yield from ("", _control(found), "")
    yield from ("## Quantised", "")
    yield from _table(
        ("kind", "matrices", "same verdict as F16", "greatest difference in p_revise"),
        [
            (
                kind.upper(),
                ", ".join(f"{count} {name}" for name, count in found.quantised[kind].items()),
                estimate(one.agreement.same) if one.agreement is not None else "",
                f"{one.agreement.furthest:.2g}" if one.agreement is not None else "",
            )
            for kind, one in zip(found.quantised, found.agreement, strict=True)
        ],
    )
    if not set(found.quantised["q4_k_m"]) <= {"Q4_K", "Q6_K"}:
        yield ""
        yield (
            "Q4_K keeps weights in blocks of 256; rows of another length, as here, are kept in kinds with blocks "
            "of 32 and more "
            "bits instead."
        )
    if found.official:
        yield from ("", "## Recorded conversations of a real model", "")
        first = found.official[0]
        yield (
            f"The {first.judged} write calls of gpt-4o in the recorded conversations of τ-bench's airline that "
            f"could be labelled "
            f"from its tasks ({first.quality.hits + first.quality.misses} to be revised). `recorded` is a critic "
            f"of the same shape "
            "that was trained on the recorded gpt-4.1 conversations of τ²-bench (airline and retail) alone. None "
            "of them was "
            "trained on these conversations or knows their policy."
        )
        yield ""
        yield from _table(
            ("critic", "AUROC", f"caught at {100 * CAUGHT_AT:g} % false alarms"),
            [(one.critic.name, estimate(one.quality.auroc), _caught(one)) for one in found.official],
        )
    yield from ("", "## Speed", "")
    yield from _table(
        ("model", "median of one judged proposal", "judgements", "threads"),
        [(one.model, seconds(one.median), f"{one.judgements}", f"{one.threads}") for one in found.speed],
    )
    yield ""


def _training(found: Results) -> str:
    training = found.training
    return (
        f"Training took {training['seconds'] / 60:.0f} minutes of that ({len(training['epochs'])} epochs, of which the "
        f"{training['best_epoch']}. was kept; {training['device']}, {training['threads']} threads)."
    )


def _control(found: Results) -> str:
    controls = [side for side in found.live if side.critic.name != found.evaluations[0].critic.name and side.env]
    shown = [side.env for side in controls if side.effect.finding in ("better", "worse")]
    if not controls:
        return ""
    if shown:
        return f"The control changes something in {', '.join(shown)}: what it sends back is right or wrong by chance alone."
    return "The control has no effect that could be shown: what the critic does comes from its training."


def _evaluations(done: Sequence[Evaluation]) -> Iterator[str]:
    rows = [
        ("AUROC", *(estimate(one.quality.auroc) for one in done)),
        *(
            (
                f"caught at {100 * catch.false_alarms:g} % false alarms",
                *(estimate(one.catches[place].caught) for one in done),
            )
            for place, catch in enumerate(done[0].catches)
        ),
        ("threshold", *(f"{one.critic.threshold:g}" for one in done)),
        ("… caught", *(estimate(one.quality.recall) for one in done)),
        ("… false alarms", *(estimate(one.quality.false_alarm_rate) for one in done)),
        ("… right rule named", *(estimate(one.named) for one in done)),
        ("calibration error", *(estimate(one.ece) for one in done)),
        ("Brier score", *(estimate(one.quality.brier) for one in done)),
    ]
    return _table(("", *(one.critic.name for one in done)), rows)


def _caught(one: Evaluation) -> str:
    catch = next((catch for catch in one.catches if catch.false_alarms == CAUGHT_AT), None)
    return estimate(catch.caught) if catch is not None else UNKNOWN


def _actor(found: Results) -> str:
    return f"the simulated actor {found.protocol['actor']}"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (headers, ["---"] * len(headers), *rows):
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
