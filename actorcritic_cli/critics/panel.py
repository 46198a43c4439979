"""Several critics as one: they judge at the same time, and a rule makes one verdict of theirs.

``any`` sends back what one member objects to; ``majority`` what at least half of the members with a verdict object to (a
tie sends back, for what is sent back can be mended); ``mean`` compares the mean of their probabilities with the mean of
their thresholds.

The panel's p_revise and threshold are such that it objects exactly where the one reaches the other. With ``mean`` they are
the means. With the other two rules they are those of the member that decides: the members are ordered by how far p_revise
lies above their own threshold, and the first of them decides with ``any``, the middle one (the upper of two) with
``majority``. Where all members have the same threshold, p_revise is therefore the greatest one, or the upper median.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, cast, get_args

import msgspec

from actorcritic_cli.critics.protocol import Case, Compares, Critic, KnowsPolicies, Reading, ReadsAhead, Remembers
from actorcritic_cli.critics.together import at_once
from actorcritic_cli.errors import UsageError
from actorcritic_cli.hashing import canonical_json, sha256
from actorcritic_cli.types import Comparison, CriticIdentity, Critique, Proposal, Verdict

PanelRule = Literal["any", "majority", "mean"]
RULES: tuple[PanelRule, ...] = get_args(PanelRule)


def panel(members: Sequence[Critic], rule: PanelRule = "any") -> Panel:
    """Return a panel; it compares candidates (``Compares``) if all its members can."""
    if all(isinstance(member, Compares) for member in members):
        return ComparingPanel(members, rule)
    return Panel(members, rule)


class Panel:
    """Two or more critics that judge as one. Implements ``Critic`` and ``ReadsAhead``; takes over and closes its members.

    Raises ``UsageError`` for fewer than two members and for one that is named twice.
    """

    def __init__(self, members: Sequence[Critic], rule: PanelRule = "any"):
        if len(members) < 2:
            raise UsageError("A panel needs two critics or more: give --critic several times.")
        twice = [name for name, count in Counter(m.identity.id for m in members).items() if count > 1]
        if twice:
            name = next(m.identity.name for m in members if m.identity.id == twice[0])
            raise UsageError(f"The panel names the critic {name} twice; its second word would be its first.")
        self.members = tuple(members)
        self.rule: PanelRule = rule
        self._names = _names(self.members)
        self._identity = _identity(self.members, self._names, rule)

    @property
    def identity(self) -> CriticIdentity:
        """Who judges: the members and the rule. The order of the members does not count."""
        return self._identity

    def start(self) -> None:
        """Start every member. Raises the first ``AccError`` among theirs."""
        for failure in at_once([member.start for member in self.members]):
            if isinstance(failure, Exception):
                raise failure

    def judge(self, case: Case) -> Verdict:
        """Have all members judge at the same time. A member without a verdict is left out. See ``Critic.judge``."""
        began = time.monotonic()
        said = at_once([partial(member.judge, case) for member in self.members])
        verdicts = [
            one if isinstance(one, Verdict) else _broken(member, one)
            for member, one in zip(self.members, said, strict=True)
        ]
        return self._verdict(verdicts, time.monotonic() - began)

    def prefill(self, reading: Reading) -> None:
        """Pass it on to the members that can use it. See ``ReadsAhead.prefill``."""
        for member in self.members:
            if isinstance(member, ReadsAhead):
                member.prefill(reading)

    def leave(self, session: str) -> None:
        """Pass it on to the members that keep something. See ``Remembers.leave``."""
        for member in self.members:
            if isinstance(member, Remembers):
                member.leave(session)

    def notice(self, policy: str) -> bool:
        """Return whether all members know a policy. See ``KnowsPolicies.notice``."""
        known = [member.notice(policy) for member in self.members if isinstance(member, KnowsPolicies)]
        return all(known)

    def close(self) -> None:
        """Close every member. Idempotent."""
        for member in self.members:
            member.close()

    def _verdict(self, verdicts: Sequence[Verdict], latency: float) -> Verdict:
        detail = {
            "panel": self.rule,
            "members": [_as_member(*pair) for pair in zip(self._names, verdicts, strict=True)],
        }
        calls = tuple(call for verdict in verdicts for call in verdict.calls)
        given = [verdict for verdict in verdicts if verdict.kind != "no_verdict"]
        if not given:
            why, message = _why_none(self._names, verdicts)
            return Verdict(
                "no_verdict", self._identity.id, threshold=self._identity.threshold, why=why, message=message,
                latency=latency, detail=detail, calls=calls,
            )  # fmt: skip
        p_revise, threshold = combine(self.rule, [_numbers(verdict) for verdict in given])
        revise = p_revise >= threshold
        return Verdict(
            "revise" if revise else "approve",
            self._identity.id,
            p_revise=p_revise,
            threshold=threshold,
            critique=_critique(given) if revise else None,
            latency=latency,
            detail=detail,
            calls=calls,
        )


class ComparingPanel(Panel):
    """A panel of critics that can compare candidates. Implements ``Compares``."""

    def compare(self, case: Case, candidates: tuple[Proposal, ...]) -> Comparison:
        """Return the mean of the members' scores; one that could not compare is left out. See ``Compares.compare``."""
        began = time.monotonic()
        able = [cast(Compares, member) for member in self.members]
        said = at_once([partial(member.compare, case, candidates) for member in able])
        given = [one for one in said if isinstance(one, Comparison)]
        scored = [one.scores for one in given if one.scores]
        failed = next((one for one in given if not one.scores), None)
        scores = tuple(mean(column) for column in zip(*scored, strict=True)) if scored else ()
        return Comparison(
            self._identity.id,
            scores,
            None if scores else (failed.why if failed else "crash"),
            "" if scores else (failed.message if failed else "no member of the panel could compare"),
            time.monotonic() - began,
            {
                "panel": self.rule,
                "members": [
                    {"name": name, "scores": list(one.scores)} if isinstance(one, Comparison) else {"name": name}
                    for name, one in zip(self._names, said, strict=True)
                ],
            },
            tuple(call for one in given for call in one.calls),
        )


def combine(rule: PanelRule, said: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the panel's (p_revise, threshold) from those of its members with a verdict, of which there is one at least.

    >>> combine("any", [(0.2, 0.5), (0.8, 0.5), (0.3, 0.5)])
    (0.8, 0.5)
    >>> combine("majority", [(0.2, 0.5), (0.8, 0.5), (0.3, 0.5)])
    (0.3, 0.5)
    >>> combine("mean", [(0.25, 0.5), (1.0, 0.5)])
    (0.625, 0.5)
    """
    if rule == "mean":
        return mean([p for p, _ in said]), mean([t for _, t in said])
    ordered = sorted(said, key=lambda pair: pair[0] - pair[1], reverse=True)
    return ordered[0 if rule == "any" else (len(ordered) - 1) // 2]


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean; that of equal values is exactly that value."""
    return values[0] if min(values) == max(values) else math.fsum(values) / len(values)


def _numbers(verdict: Verdict) -> tuple[float, float]:
    """A member's p_revise and threshold; a verdict without numbers counts as sure."""
    p_revise = verdict.p_revise if verdict.p_revise is not None else float(verdict.kind == "revise")
    return p_revise, verdict.threshold if verdict.threshold is not None else 0.5


def _critique(given: Sequence[Verdict]) -> Critique | None:
    """The critique of the member that is surest among those who wrote one."""
    written = [verdict for verdict in given if verdict.critique is not None]
    return max(written, key=lambda verdict: _numbers(verdict)[0]).critique if written else None


def _broken(member: Critic, error: object) -> Verdict:
    """Stand in for a member that raised, which no critic should."""
    message = f"{type(error).__name__} in the critic: {error}"
    return Verdict("no_verdict", member.identity.id, why="crash", message=message)


def _as_member(name: str, verdict: Verdict) -> dict[str, Any]:
    """Return a member's verdict as it stands in the panel's ``detail``; the model calls are kept with the panel's own."""
    value: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(verdict, calls=()))
    return {"name": name, **{key: entry for key, entry in value.items() if entry not in (None, "", [], {})}}


def _why_none(names: Sequence[str], verdicts: Sequence[Verdict]) -> tuple[Any, str]:
    """Return the most frequent reason (the first of equals), and what every member said."""
    why = Counter(verdict.why or "crash" for verdict in verdicts).most_common(1)[0][0]
    said = [f"{name}: {verdict.message or verdict.why}" for name, verdict in zip(names, verdicts, strict=True)]
    return why, "no member of the panel has a verdict; " + "; ".join(said)


def _names(members: Sequence[Critic]) -> list[str]:
    """Return the members' names, with the beginning of the identity where two have the same."""
    names = [member.identity.name for member in members]
    return [
        f"{name} [{member.identity.id[:8]}]" if names.count(name) > 1 else name
        for member, name in zip(members, names, strict=True)
    ]


def _identity(members: Sequence[Critic], names: Sequence[str], rule: PanelRule) -> CriticIdentity:
    who = [member.identity for member in members]
    versions = sorted({identity.prompt_version for identity in who})
    return CriticIdentity(
        id=sha256(canonical_json({"panel": rule, "members": sorted(identity.id for identity in who)}))[:32],
        name=f"{rule} of {', '.join(names)}",
        prompt_version="+".join(versions),
        threshold=mean([identity.threshold for identity in who]),
        info={"panel": rule, "members": [msgspec.to_builtins(identity) for identity in who]},
    )
