"""What training programs read: chat lines, preference pairs, better-of-two and revisions, made of labelled cases.

Every line keeps what it is made of: the row's id, label, source and weight, and its provenance. Prompts are those that the
engine asks at run time, as two chat messages; a model's own chat template is laid around them by whoever trains it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from actorcritic_cli.critics.labels import CANDIDATES, LabelPair
from actorcritic_cli.critics.prompt import LETTERS, Prompt, build, build_ahead, build_comparison
from actorcritic_cli.critics.remote import messages_of
from actorcritic_cli.exchange.to_chat import message
from actorcritic_cli.hashing import sha256
from actorcritic_cli.learn.dataset import Context, Row, case_of
from actorcritic_cli.types import Message, Proposal

Format = Literal["cases", "sft", "preference", "better-of-two", "revisions"]
Contexts = Mapping[str, Context]
NOT_KNOWN = "not known"
"""What a critique says in a part that nobody knows: the grammar wants a text in each."""


def lines(rows: Iterable[Row], contexts: Contexts, form: Format, pair: LabelPair = CANDIDATES[0]) -> Iterator[Any]:
    """Yield what a format makes of rows; one that needs the better action leaves out rows without it.

    ``pair`` are the words that the model answers with: those that the engine would choose for its vocabulary.
    """
    for row in rows:
        match form:
            case "cases":
                yield row
            case "sft":
                yield sft(row, contexts, pair)
            case "preference":
                yield preference(row, contexts, pair)
            case "better-of-two" if row.better is not None:
                yield better_of_two(row, row.better, contexts, pair)
            case "revisions" if row.better is not None:
                yield revision(row, row.better, contexts)


def sft(row: Row, contexts: Contexts, pair: LabelPair) -> dict[str, Any]:
    """Return a case as chat messages: the engine's prompt, and the answer that it reads (see ``answer``)."""
    prompt = messages_of(build(case_of(row, contexts), pair))
    return {"messages": [*prompt, _says(answer(row, pair))], **_about(row)}


def preference(row: Row, contexts: Contexts, pair: LabelPair) -> dict[str, Any]:
    """Return a case as a pair of answers in the form of TRL (conversational ``prompt``, ``chosen``, ``rejected``): the right
    verdict with its critique, and the wrong one."""
    wrong = pair.approve if row.label == "revise" else pair.revise
    return {
        "prompt": messages_of(build(case_of(row, contexts), pair)),
        "chosen": [_says(answer(row, pair))],
        "rejected": [_says(wrong)],
        **_about(row),
    }


def better_of_two(row: Row, better: Message, contexts: Contexts, pair: LabelPair) -> dict[str, Any]:
    """Return a proposal to be revised and the better action as a question which of the two is better, as chat messages.

    It is the question of ``--choose``. Which of them stands first is drawn by a hash of the row, so that the place says
    nothing (Agentic Critical Training trains critics on such pairs in random order).
    """
    case = case_of(row, contexts)
    first = int(sha256(f"order/{row.id}")[:8], 16) % 2
    order = (1, 0) if first else (0, 1)
    candidates = (Proposal(row.proposal), Proposal(better))
    ahead = build_ahead(case, pair)
    prompt = Prompt(ahead.system, (*ahead.user, *build_comparison(case, candidates, order)), ahead.events)
    right = LETTERS[order.index(1)]
    return {"messages": [*messages_of(prompt), _says(right)], **_about(row)}


def revision(row: Row, better: Message, contexts: Contexts) -> dict[str, Any]:
    """Return a rejected action and the one that is right in its place, with the conversation before as chat messages.

    ``context`` names the policy and tools in ``contexts.json``.
    """
    opening = {"role": "system", "content": contexts[row.context].policy}
    return {
        "prompt": [opening, *(message(said) for said in row.transcript)],
        "rejected": message(row.proposal),
        "critique": {"rule": row.rule, "wrong": row.wrong, "right": row.right},
        "accepted": message(better),
        "context": row.context,
        **_about(row),
    }


def answer(row: Row, pair: LabelPair) -> str:
    """Return what the critic should say of a case: the word, and after a line break the critique where anything is known."""
    if row.label == "approve":
        return pair.approve
    if not (row.rule or row.wrong or row.right):
        return pair.revise
    parts = [part or NOT_KNOWN for part in (row.rule, row.wrong, row.right)]
    # The engine's grammar writes the object with these spaces and no escapes.
    return f'{pair.revise}\n{{"rule": "{parts[0]}", "wrong": "{parts[1]}", "right": "{parts[2]}"}}'


def _about(row: Row) -> dict[str, Any]:
    place = {"session": row.session, "step": row.step, "attempt": row.attempt}
    return {
        "id": row.id,
        "env": row.env,
        "dataset": row.dataset,
        "task": row.task,
        "user": row.user,
        "label": row.label,
        "source": row.source,
        "weight": row.weight,
        "provenance": {**place, **msgspec.to_builtins(row.provenance)},
    }


def _says(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}
