"""The vocabulary: small frozen values that every room shares.

Nothing here does I/O or knows a party. Times are seconds (durations) or Unix seconds (``at``); probabilities lie in
[0, 1]; costs are US dollars, and ``None`` always means *unknown*, never zero.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from msgspec import Struct, field

Role = Literal["system", "user", "assistant", "tool"]
Effect = Literal["read", "write", "none"]
"""What a tool does to the environment: ``read`` looks, ``write`` changes, ``none`` does neither."""

ProposalKind = Literal["reply", "tool_call"]
VerdictKind = Literal["approve", "revise", "no_verdict"]
NoVerdictWhy = Literal["timeout", "crash", "parse", "context"]
DecisionKind = Literal["accept", "revise", "escalate", "stop"]
Gate = Literal["auto", "all", "writes", "replies", "none"]
Supervise = Literal["enforce", "shadow", "off"]
EscalateTo = Literal["best", "ask", "handoff"]
OutOfRevisions = Literal["best", "ask", "handoff", "stop"]
OnCriticError = Literal["block", "ask", "allow"]
PartyName = Literal["actor", "critic", "user", "judge"]
Author = Literal["actor", "supervisor"]
"""Who made a proposal: the actor, or the supervisor itself when it hands the customer over to a human."""

Termination = Literal[
    "user_stop",  # the user said so (stop word, end of script, /quit by the person who is the user)
    "transfer",  # handed to a human agent by the environment's transfer tool
    "max_turns",
    "max_cost",
    "max_seconds",
    "too_many_errors",  # failed tool calls, where an environment bounds them
    "stopped",  # supervision stopped the session (decision ``stop``)
    "actor_error",  # the actor broke the protocol beyond repair
    "user_error",  # the simulated user failed
    "infrastructure_error",  # network, provider or quota: never counted as the agent's failure
]
Fault = Literal["actor", "user", "critic", "environment", "infrastructure"]
"""Whose failure a failed session is (see ``session.fault``)."""


class ToolCall(Struct, frozen=True):
    """One call the actor wants made. ``arguments`` is the JSON text exactly as the provider sent it."""

    id: str
    name: str
    arguments: str

    def parsed(self) -> dict[str, Any]:
        """Return the arguments as a dict. Raises ``ValueError`` with the reason when they are not a JSON object."""
        value = json.loads(self.arguments)
        if not isinstance(value, dict):
            raise ValueError("the arguments are not a JSON object")
        return value


class Message(Struct, frozen=True, omit_defaults=True):
    """One message of a transcript, in the OpenAI chat shape.

    ``raw`` is the provider's own assistant message as JSON text, kept so that it can be sent back as it came (thinking
    blocks and all). It is not part of the message's identity (see ``hashing``).
    """

    role: Role
    content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    raw: str | None = None


Transcript = tuple[Message, ...]


class ToolSpec(Struct, frozen=True):
    """A tool as the actor sees it, plus its effect. ``parameters`` is a JSON schema of type object."""

    name: str
    description: str
    parameters: dict[str, Any]
    effect: Effect


class ToolResult(Struct, frozen=True):
    """What a tool returned. ``error`` is true for a refusal or failure; ``ends`` when the call ends the episode, and
    ``ending`` is then why the session ends."""

    text: str
    error: bool = False
    ends: bool = False
    ending: Termination = "transfer"


class ExpectedAction(Struct, frozen=True):
    """One ground-truth call of a task."""

    name: str
    arguments: dict[str, Any]


class Task(Struct, frozen=True):
    """One thing a user wants, with what a perfect agent would do.

    ``outputs`` are texts that some reply must contain; ``script`` holds what a scripted user says, turn by turn;
    ``extra`` holds what only the environment understands.
    """

    id: str
    instruction: str
    actions: tuple[ExpectedAction, ...] = ()
    outputs: tuple[str, ...] = ()
    script: tuple[str, ...] = ()
    title: str = ""
    kind: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


class Reward(Struct, frozen=True):
    """The score of an ended session: ``value`` in [0, 1] and the environment's own account of it.

    ``value`` is ``None`` where the score cannot be known (it needs a judge that was not given); ``info`` says why.
    """

    value: float | None
    info: dict[str, Any] = field(default_factory=dict)


SUCCESS_TOLERANCE = 1e-6
"""How far from 1 the reward of a success may be."""


def is_success(reward: float) -> bool:
    """Whether a reward counts as success: 1, up to rounding (the τ benchmarks' own rule).

    >>> is_success(1.0), is_success(0.9999999), is_success(0.5)
    (True, True, False)
    """
    return abs(reward - 1.0) <= SUCCESS_TOLERANCE


class Usage(Struct, frozen=True):
    """Tokens of one model call as the provider counted them; ``raw`` is its own usage object."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    raw: dict[str, Any] = field(default_factory=dict)


class ModelCall(Struct, frozen=True):
    """One finished call of a cloud model, retries included.

    ``request`` holds the parameters but not the messages (they are in the record by reference); ``response`` is the
    provider's message as JSON text; ``retries`` lists why earlier tries failed; ``error`` is set when all failed.
    """

    party: PartyName
    model: str
    request: dict[str, Any] = field(default_factory=dict)
    response: str | None = None
    usage: Usage = Usage()
    cost: float | None = None
    latency: float = 0.0
    retries: tuple[str, ...] = ()
    error: str | None = None


class Proposal(Struct, frozen=True):
    """One candidate action: an assistant message that is either a reply to the user or a tool call."""

    message: Message
    author: Author = "actor"

    @property
    def kind(self) -> ProposalKind:
        """``tool_call`` when the message calls a tool (text beside the call is not shown to the user)."""
        return "tool_call" if self.message.tool_calls else "reply"


class Critique(Struct, frozen=True):
    """The text that goes to the actor with a rejected proposal. ``by`` says who wrote it."""

    text: str
    rule: str = ""
    wrong: str = ""
    right: str = ""
    by: Literal["critic", "person", "protocol"] = "critic"


class Verdict(Struct, frozen=True):
    """What a critic says of one proposal.

    ``p_revise`` is the probability that the proposal should be revised (``None`` with ``no_verdict``); ``why`` is set
    with ``no_verdict`` only; ``critique`` comes with ``revise`` only. ``latency`` is seconds including queueing.
    ``detail`` holds what the engine measured (label probabilities, tokens evaluated and reused …). ``calls`` are the
    calls of cloud models that it took, in order.
    """

    kind: VerdictKind
    critic: str
    p_revise: float | None = None
    threshold: float | None = None
    why: NoVerdictWhy | None = None
    message: str = ""
    critique: Critique | None = None
    latency: float = 0.0
    detail: dict[str, Any] = field(default_factory=dict)
    calls: tuple[ModelCall, ...] = ()


class Comparison(Struct, frozen=True):
    """What a critic says of several candidates for one action.

    ``scores`` are the probabilities, one for each candidate and 1 in all, that it is the best one; empty where the
    critic could not compare, and ``why`` then says why. ``latency`` is seconds including queueing; ``calls`` as in
    ``Verdict``.
    """

    critic: str
    scores: tuple[float, ...] = ()
    why: NoVerdictWhy | None = None
    message: str = ""
    latency: float = 0.0
    detail: dict[str, Any] = field(default_factory=dict)
    calls: tuple[ModelCall, ...] = ()

    @property
    def best(self) -> int | None:
        """The best candidate's place, the first one of equals; ``None`` where nothing was compared."""
        return self.scores.index(max(self.scores)) if self.scores else None


LabelSource = Literal["oracle", "human", "ground_truth", "outcome"]
"""Where a label comes from: ``oracle`` is one who knows (a simulated actor of its own slips), ``human`` a person,
``ground_truth`` the calls that the task expects (``learn.ground_truth``), ``outcome`` the scores of the task's sessions
(``learn.outcome``)."""

LabelWord = Literal["approve", "revise"]


class Label(Struct, frozen=True, omit_defaults=True):
    """What is known to be true of a proposal, as against what a critic says: whether it should have been revised.

    ``why`` is a short reason, for example the kind of a slip and the rule it breaks.
    """

    label: LabelWord
    why: str = ""
    source: LabelSource = "oracle"


class CriticIdentity(Struct, frozen=True):
    """Who judged: ``id`` is a hash over the model file, the prompt version and the threshold."""

    id: str
    name: str
    file_sha256: str | None = None
    quantisation: str | None = None
    prompt_version: str = ""
    threshold: float = 0.5
    info: dict[str, Any] = field(default_factory=dict)


class Decision(Struct, frozen=True, omit_defaults=True):
    """What is to be done with a proposal, and why, in words that a log line can show. ``to`` is set with ``escalate``:
    the best candidate so far, the person, or the environment's hand-over to a human."""

    kind: DecisionKind
    reason: str
    to: EscalateTo | None = None


class Attempt(Struct, frozen=True):
    """A proposal of the present turn that was not accepted, with what was said of it."""

    proposal: Proposal
    verdict: Verdict | None = None
    critique: Critique | None = None
    label: Label | None = None
    """What a simulated actor knows of it; no party looks at this."""


class Supervision(Struct, frozen=True):
    """How strictly a session is supervised. The README's chapter "Supervision" explains every value."""

    mode: Supervise = "enforce"
    gate: Gate = "auto"
    max_revisions: int = 2
    out_of_revisions: OutOfRevisions = "best"
    on_critic_error: OnCriticError = "allow"
    keep_critiques: bool = False
    choose: int = 1
    """How many candidates the actor proposes at a fresh turn, 1 to 8; the critic compares them and the best one goes on to
    be judged. Revisions are single proposals. Without a critic that is asked nothing is chosen."""


class Limits(Struct, frozen=True):
    """Budgets of one session; ``None`` is no limit. ``max_turns`` counts the actor's accepted messages."""

    max_turns: int | None = None
    max_cost: float | None = None
    max_seconds: float | None = None


class SessionSpec(Struct, frozen=True):
    """Everything needed to hold a session (or hold it again): small, picklable, stored with the session.

    ``actor``, ``critic`` and ``user`` are what the command line accepts (``claude``, ``recorded:FILE``, a GGUF path
    …). ``panel`` holds the critics that judge beside ``critic``; ``critic_options["panel"]`` is then the rule by which
    their verdicts become one. ``critic_options`` (threshold, template, seed …), ``actor_options`` (base URL,
    temperature …) and ``env_options`` (the judge of free text …) are JSON values and never hold a secret.
    """

    env: str
    dataset: str
    task_id: str | None
    actor: str
    user: str
    critic: str | None = None
    trial: int = 0
    seed: int = 0
    supervision: Supervision = Supervision()
    limits: Limits = Limits()
    actor_options: dict[str, Any] = field(default_factory=dict)
    critic_options: dict[str, Any] = field(default_factory=dict)
    user_options: dict[str, Any] = field(default_factory=dict)
    env_options: dict[str, Any] = field(default_factory=dict)
    panel: tuple[str, ...] = ()
