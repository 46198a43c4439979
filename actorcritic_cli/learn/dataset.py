"""A data set for critics: labelled cases in files that a person can read.

A data set is a folder:

=====================  ==================================================================================================
``train.jsonl``        the cases of each split, one ``Row`` a line (or what another format makes of it, see ``formats``)
``valid.jsonl``
``test.jsonl``
``contexts.json``      policy and tools, once each, by the hash that rows name
``card.json``          what is in it and how it was made
``card.md``            the same for people
=====================  ==================================================================================================

A row holds the case itself and no prompt, so that every prompt, of whatever style or version, can be made of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from actorcritic_cli.critics.protocol import Case
from actorcritic_cli.errors import AccError, NotFound, UsageError
from actorcritic_cli.hashing import canonical_json, chain_ids, identity_body, sha256
from actorcritic_cli.types import LabelWord, Message, Proposal, ToolSpec

SplitName = Literal["train", "valid", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "valid", "test")
Source = Literal["human", "oracle", "ground_truth", "rollout", "contrast", "outcome"]
SOURCES: tuple[Source, ...] = ("human", "oracle", "ground_truth", "rollout", "contrast", "outcome")
"""Sources of labels. Of several that speak of the same proposal the first one here counts: a person before an actor that
knows its own slips, that before what the task expects, that before what is estimated, that before what is inferred."""
CONTEXTS, CARD = "contexts.json", "card.json"


class Context(Struct, frozen=True):
    """What many rows share: the policy, and the tools as the actor saw them."""

    policy: str
    tools: tuple[ToolSpec, ...]

    @property
    def key(self) -> str:
        """The hash that rows name it by: 16 hex digits."""
        return sha256(canonical_json([self.policy, msgspec.to_builtins(self.tools)]))[:16]


class Row(Struct, frozen=True, omit_defaults=True):
    """One labelled proposal, with all that a critic may look at.

    ``transcript`` is the accepted conversation before the proposal, without the system message (the policy is in the
    context). ``user`` is whose case it is (the user id of the task), empty where the environment has no such thing.
    """

    id: str
    """Hash of the content: context, transcript and proposal (see ``content_id``)."""
    env: str
    dataset: str
    task: str
    user: str
    session: str
    step: int
    attempt: int
    context: str
    nonce: str
    """What the prompt's delimiter is derived from (``Case.nonce``)."""
    transcript: tuple[Message, ...]
    proposal: Message
    label: LabelWord
    source: Source
    weight: float = 1.0
    """How much it should count in training: 1, or less for what is inferred by a rule that can err."""
    slip: str = ""
    """The kind of a simulated actor's slip."""
    rule: str = ""
    """The rule that is broken, as its source names it (``R1.4``, or in words)."""
    wrong: str = ""
    """What is wrong, in at most 160 characters; empty where nobody said so."""
    right: str = ""
    """What would be right, likewise."""
    better: Message | None = None
    """The right action in place of a proposal to be revised, where it is known."""
    reward: float | None = None
    """Of the session that it comes from; for people and teachers, never for the prompt."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """Run, how it was labelled, where ``better`` is from, how often the same content was found …"""


def content_id(context: str, transcript: Sequence[Message], proposal: Message) -> str:
    """Return what makes two rows the same case: 32 hex digits. Call ids, spacing and raw messages do not count."""
    chain = chain_ids(transcript)
    return sha256(canonical_json([context, chain[-1] if chain else "", identity_body(proposal)]))[:32]


def case_of(row: Row, contexts: Mapping[str, Context]) -> Case:
    """Return what a critic is shown of a row, as in a live session. Raises ``AccError`` for an unknown context."""
    context = contexts.get(row.context)
    if context is None:
        raise AccError(f"The data set names a context {row.context} that is not in its {CONTEXTS}; make it again.")
    transcript = (Message("system", context.policy), *row.transcript)
    return Case(row.session, context.policy, context.tools, transcript, Proposal(row.proposal), nonce=row.nonce)


def read_contexts(folder: Path) -> dict[str, Context]:
    """Return the contexts of a data set by their hash. Raises ``NotFound``, ``AccError``."""
    return msgspec.convert(_document(folder, CONTEXTS), dict[str, Context])


def read_card(folder: Path) -> dict[str, Any]:
    """Return a data set's card. Raises ``NotFound``, ``AccError``."""
    card = _document(folder, CARD)
    if not isinstance(card, dict):
        raise AccError(f"{folder / CARD} is no card of a data set; make the data set again.")
    return card


def read_rows(folder: Path, split: SplitName) -> Iterator[Row]:
    """Yield the cases of a split. Raises ``NotFound``, ``UsageError`` for another format than cases, ``AccError``."""
    form = read_card(folder).get("format")
    if form != "cases":
        raise UsageError(
            f"{folder} is in the format {form}; make it with --format cases, which holds the cases themselves."
        )
    path = folder / f"{split}.jsonl"
    decoder = msgspec.json.Decoder(Row)
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    yield decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise AccError(f"Line {number} of {path} is no case ({error}); make the data set again.") from error
    except FileNotFoundError:
        raise NotFound(f"There is no {path}; make a data set with acc critic data {folder}.") from None


def write_lines(path: Path, values: Iterable[Any]) -> int:
    """Write values as JSON Lines, whole or not at all; return how many."""
    count, part = 0, path.with_name(f"{path.name}.part")
    encoder = msgspec.json.Encoder()
    with part.open("wb") as file:
        for value in values:
            file.write(encoder.encode(value) + b"\n")
            count += 1
    os.replace(part, path)
    return count


def write_document(path: Path, value: Any) -> None:
    """Write one indented JSON document, whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    os.replace(part, path)


def _document(folder: Path, name: str) -> Any:
    path = folder / name
    try:
        return msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        raise NotFound(f"{folder} is no data set (it has no {name}); make one with acc critic data {folder}.") from None
    except (OSError, msgspec.DecodeError) as error:
        raise AccError(f"{path} cannot be read ({error}); make the data set again.") from error
