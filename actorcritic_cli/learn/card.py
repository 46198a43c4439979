"""A data set's card for people: what is in it, from where, and by which rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SOURCE_RULES: dict[str, str] = {
    "human": "a person said so (`acc label`, or a ruling in a chat)",
    "oracle": "a simulated actor's own knowledge of its slips",
    "ground_truth": "the calls that the task expects, compared as τ-bench compares them",
    "rollout": "continuations of the session, from before the action and from after it: what the action changes in the "
    "share that succeeds (Math-Shepherd, Wang et al. 2024, arXiv 2312.08935; as an advantage: Setlur et al. 2024, arXiv "
    "2410.08146)",
    "contrast": "the first action in which a failed session departs from sessions on the same task that passed; weighted "
    "below 1",
    "outcome": "how the sessions on a task ended",
}
_SPLIT_RULE = (
    "No task and no user is in two splits: tasks that share a user, and users that share a task, are one group, and a group "
    "goes into one split as a whole. No content is there twice."
)
_LICENCE = (
    "Policies, tools and conversations are those of the environments named above. What comes from bundled data is under "
    "acc's own licence. τ-bench and τ²-bench (all data sets of `tau_…` and `tau2_…` but `bundled`) are MIT: keep their "
    "notice with what you pass on. "
    "Texts written by a cloud model are subject to its provider's terms, which may forbid training with "
    "them. Conversations with people hold what those people said."
)


def card_text(card: dict[str, Any]) -> str:
    """Return the card as Markdown."""
    counts = card["counts"]
    splits = [name for name in counts if name != "all"]
    return "\n".join(
        [
            "# Data for a critic",
            "",
            f"{counts['all']['rows']:,} proposals of {counts['all']['sessions']:,} sessions, format `{card['format']}`, "
            f"made {card['made_at']} by acc {card['acc']}.",
            "",
            *_table(
                ("split", "rows", "approve", "revise", "tasks", "users"), [_split_row(s, counts[s]) for s in splits]
            ),
            "",
            f"Environments: {', '.join(card['datasets'])}. Actors: {', '.join(card['actors'])}.",
            "",
            "## Labels",
            "",
            *_table(
                ("source", "rows", "rule"),
                [(s, f"{n:,}", SOURCE_RULES[s]) for s, n in counts["all"]["sources"].items()],
            ),
            "",
            *_counted("rule broken", "rows", counts["all"]["rules"]),
            *_counted("slip", "rows", counts["all"]["slips"]),
            *_counted("left out because", "proposals", card["left_out"]),
            "## How it was made",
            "",
            *_table(("setting", "value"), [(name, _value(card[name])) for name in _settings(card)]),
            "",
            _SPLIT_RULE,
            "",
            f"The sessions' own seeds: {_seeds(card['seeds'])}",
            "",
            "## Licence",
            "",
            _LICENCE,
            "",
        ]
    )


def _settings(card: dict[str, Any]) -> list[str]:
    left = {"counts", "left_out", "datasets", "actors", "seeds", "made_at", "acc", "format"}
    return [name for name in card if name not in left and card[name] not in (None, [], {}, "")]


def _seeds(seeds: list[int]) -> str:
    shown = ", ".join(map(str, seeds[:20]))
    return f"{shown} … ({len(seeds):,} in all, in `card.json`)." if len(seeds) > 20 else f"{shown}."


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _split_row(name: str, own: dict[str, Any]) -> tuple[str, ...]:
    labels = own["labels"]
    return name, *(f"{n:,}" for n in (own["rows"], labels["approve"], labels["revise"], own["tasks"], own["users"]))


def _counted(what: str, of: str, counted: dict[str, int]) -> list[str]:
    rows = [(name, f"{count:,}") for name, count in counted.items()]
    return [*_table((what, of), rows), ""] if rows else []


def _table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    cells = [headers, tuple("---" for _ in headers), *rows]
    return [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in cells]
