"""The two styles of prompt, and which of them a model's file asks for (``acc.prompt_style``).

A file without that field is asked in the full style. One that asks for the compact style names the policies that it
knows in ``acc.policies``: a list of ``KEY NAME`` (see ``compact.policy_key``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from actorcritic_cli.critics import compact, prompt
from actorcritic_cli.critics.labels import LabelPair
from actorcritic_cli.critics.prompt import Prompt, Segment
from actorcritic_cli.critics.protocol import Case, Reading
from actorcritic_cli.types import Proposal


class Style(Protocol):
    """How a case becomes a prompt; the functions mean what they mean in ``prompt``."""

    @property
    def name(self) -> str:
        """What ``acc.prompt_style`` calls it."""
        ...

    @property
    def version(self) -> str:
        """The prompt version, part of a critic's identity."""
        ...

    @property
    def compares(self) -> bool:
        """Whether a critic of this style can be asked which of several candidates is best."""
        ...

    @property
    def reads_drafts(self) -> bool:
        """Whether a candidate can be read while it comes in (``Reading.draft``)."""
        ...

    def knows(self, policy: str) -> bool:
        """Whether a critic of this style can judge by a policy."""
        ...

    def plain(self, case: Case) -> bool:
        """Whether a proposal is a reply that only asks, in which nothing is to be compared with anything (see
        ``Evidence.plain``): a file may say what ``p_revise`` such a one has (``acc.plain``)."""
        ...

    def build(self, case: Case, labels: LabelPair, aspects: Sequence[str] = ()) -> Prompt:
        """Return what is read to judge a case."""
        ...

    def build_ahead(self, known: Case | Reading, labels: LabelPair) -> Prompt:
        """Return what can be read before there is a candidate."""
        ...

    def build_comparison(self, case: Case, candidates: Sequence[Proposal], order: Sequence[int]) -> tuple[Segment, ...]:
        """Return what follows on the conversation when candidates are compared."""
        ...


class Full(Struct, frozen=True):
    """The whole policy and all tools: for models that can follow a text they have not seen before."""

    name: str = "full"
    version: str = prompt.PROMPT_VERSION
    compares: bool = True
    reads_drafts: bool = True

    def knows(self, policy: str) -> bool:
        """Every policy: it stands in the prompt."""
        return True

    def plain(self, case: Case) -> bool:
        """Never: how a thing is said may be against a rule as well."""
        return False

    def build(self, case: Case, labels: LabelPair, aspects: Sequence[str] = ()) -> Prompt:
        """See ``prompt.build``."""
        return prompt.build(case, labels, aspects)

    def build_ahead(self, known: Case | Reading, labels: LabelPair) -> Prompt:
        """See ``prompt.build_ahead``."""
        return prompt.build_ahead(known, labels)

    def build_comparison(self, case: Case, candidates: Sequence[Proposal], order: Sequence[int]) -> tuple[Segment, ...]:
        """See ``prompt.build_comparison``."""
        return prompt.build_comparison(case, candidates, order)


class Compact(Struct, frozen=True):
    """A line in place of policy and tools: for small models that were trained on the policies they judge by."""

    names: Mapping[str, str]
    name: str = "compact"
    version: str = compact.COMPACT_VERSION
    compares: bool = False
    """Small models are trained to judge, and have never seen the other question."""
    reads_drafts: bool = False

    def knows(self, policy: str) -> bool:
        """Whether the model's file names this policy."""
        return compact.policy_key(policy) in self.names

    def plain(self, case: Case) -> bool:
        """See ``Evidence.plain``."""
        return compact.evidence_of(case).plain(case.proposal.message)

    def build(self, case: Case, labels: LabelPair, aspects: Sequence[str] = ()) -> Prompt:
        """See ``compact.build``."""
        return compact.build(case, labels, self.names, aspects)

    def build_ahead(self, known: Case | Reading, labels: LabelPair) -> Prompt:
        """See ``compact.build_ahead``."""
        return compact.build_ahead(known, labels, self.names)

    def build_comparison(self, case: Case, candidates: Sequence[Proposal], order: Sequence[int]) -> tuple[Segment, ...]:
        """See ``compact.build_comparison``."""
        return compact.build_comparison(case, candidates, order)


VERSIONS = {"full": prompt.PROMPT_VERSION, "compact": compact.COMPACT_VERSION}
"""Style → the version in which this acc asks."""


def style_of(acc: Mapping[str, Any]) -> Style:
    """Return the style that a file's ``acc.*`` metadata ask for. Raises ``ValueError`` for one there is not."""
    name = acc.get("acc.prompt_style", "full")
    if name == "full":
        return Full()
    if name != "compact":
        raise ValueError(f"its prompt style {name!r} is none that this acc knows")
    return Compact(known_policies(acc))


def known_policies(acc: Mapping[str, Any]) -> dict[str, str]:
    """Return key and name of the policies that a file says it was trained on."""
    lines = acc.get("acc.policies")
    pairs = [str(line).partition(" ") for line in lines] if isinstance(lines, list) else []
    return {key: known for key, _, known in pairs if key and known}


def policies_field(names: Mapping[str, str]) -> list[str]:
    """Return what ``acc.policies`` holds for these names."""
    return [f"{key} {name}" for key, name in sorted(names.items())]
