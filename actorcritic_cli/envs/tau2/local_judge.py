"""A local critic as judge: the same GGUF, engine and verdict that supervise an agent, asked about statements instead.

A statement is put before the critic as the last entry of the conversation, under a policy that says what makes it right or
wrong; ``approve`` then means met. This is the one place where an environment makes use of another party.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from actorcritic_cli.critics.protocol import Case, Critic
from actorcritic_cli.envs.tau2.judge import Judged, JudgeFailed, Judgement
from actorcritic_cli.hashing import chain_ids
from actorcritic_cli.types import Message, Proposal, Transcript

_POLICY = """\
The proposal to check is no words to the customer but a statement of an examiner about the conversation before it. It must \
be revised if the conversation does not bear it out, or if it says that the agent should or should not do something and \
the agent acted otherwise. It may take effect if the conversation bears it out."""


class LocalJudge:
    """A GGUF file as judge. Raises ``NotFound`` or ``AccError`` for one that cannot be used, ``UsageError`` for options.

    ``options`` are those of a critic: ``threshold``, ``template``, ``n_ctx``, ``timeout`` …. All sessions of a process share
    one worker.
    """

    def __init__(self, path: str, options: Mapping[str, Any] | None = None):
        self._critic = _shared(path, msgspec.json.encode(dict(options or {})))

    @property
    def name(self) -> str:
        """The critic's name and the beginning of its identity."""
        identity = self._critic.identity
        return f"{identity.name} [{identity.id[:8]}]"

    def judge(self, statements: Sequence[str], transcript: Transcript) -> Judged:
        """See ``Judge.judge``: one verdict for each statement, on one reading of the conversation."""
        session = f"judge/{chain_ids(transcript)[-1] if transcript else ''}"
        return Judged(tuple(self._one(statement, transcript, session) for statement in statements))

    def _one(self, statement: str, transcript: Transcript, session: str) -> Judgement:
        proposal = Proposal(Message("assistant", f"Statement of the examiner: {statement}"))
        verdict = self._critic.judge(Case(session, _POLICY, (), transcript, proposal))
        if verdict.kind == "no_verdict":
            raise JudgeFailed(f"the judge {self.name} gave no verdict ({verdict.why}): {verdict.message}")
        return Judgement(verdict.kind == "approve", f"p(not met) = {verdict.p_revise:.3f}")


@lru_cache(maxsize=4)
def _shared(path: str, options: bytes) -> Critic:
    from actorcritic_cli.critics.resolve import resolve

    return resolve(path, msgspec.json.decode(options))
