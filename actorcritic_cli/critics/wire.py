"""What the critic's client and its worker say to each other, and how it is framed.

Each message is one JSON text after its length (four bytes, big-endian). Plain values only: the worker knows prompts and
probabilities, not sessions.
"""

from __future__ import annotations

import struct

import msgspec
from msgspec import Struct

from actorcritic_cli.critics.labels import UNSCALED, LabelPair, Scaling
from actorcritic_cli.critics.prompt import Prompt, Segment
from actorcritic_cli.types import Critique, NoVerdictWhy

_LENGTH = struct.Struct(">I")
MAX_FRAME = 1 << 28
"""Bytes; a longer one is a broken peer, not a transcript."""


class Adapter(Struct, frozen=True):
    """A LoRA adapter: its file, its hash and how strongly it counts (1: as it was trained)."""

    path: str
    sha256: str
    scale: float = 1.0


class Load(Struct, frozen=True, tag="load"):
    """Load a model. ``None`` leaves the choice to the engine; ``labels`` are tried before the common pairs."""

    path: str
    template: str | None = None
    n_ctx: int | None = None
    threads: int | None = None
    labels: LabelPair | None = None
    sequences: int | None = None
    """How many sequences the context has: one for what sessions share, the others for a session each."""
    sha256: str = ""
    """The file's hash, by which its prefix states are known."""
    states: str | None = None
    """The folder of prefix states; ``None`` keeps none."""
    weights: str | None = None
    """The folder of unpacked weights (see ``unpacked``); ``None`` keeps none and loads the file as it is."""
    gpu_layers: int | None = None
    """How many layers a GPU holds; ``None`` as many as it can."""
    adapters: tuple[Adapter, ...] = ()
    think: int = 0
    """Tokens that the critic may think before it answers."""
    scaling: Scaling = UNSCALED
    """Slope and intercept (see ``labels.Scaling``)."""


class Judge(Struct, frozen=True, tag="judge"):
    """Judge a prompt within ``seconds``; write a critique when ``critique`` is set and p_revise reaches the threshold.

    A prompt with several questions is judged by the one that most speaks for a revision.
    """

    number: int
    prompt: Prompt
    threshold: float
    critique: bool
    seconds: float
    session: str = ""
    """Names the branch of the model's memory."""
    within: float | None = None
    """Seconds from now, waiting for its turn included."""


class Compare(Struct, frozen=True, tag="compare"):
    """Ask one question over several endings of a conversation, and read off which of ``letters`` is the answer."""

    number: int
    prompt: Prompt
    endings: tuple[tuple[Segment, ...], ...]
    letters: tuple[str, ...]
    seconds: float
    session: str = ""
    within: float | None = None


class Cancel(Struct, frozen=True, tag="cancel"):
    """Nobody waits any more for the answer with this number; there is no reply."""

    number: int


class Prefill(Struct, frozen=True, tag="prefill"):
    """Read a session's conversation before there is anything to judge. There is no reply, and every judgement goes first.

    The prompt has no candidate and no question.
    """

    session: str
    prompt: Prompt


class Leave(Struct, frozen=True, tag="leave"):
    """A session is over: what was read of it can go. There is no reply."""

    session: str


class Loaded(Struct, frozen=True, tag="loaded"):
    """The model is ready: what was chosen for it, and how long that took (seconds)."""

    labels: LabelPair
    n_ctx: int
    threads: int
    template_kind: str
    pid: int
    seconds: float
    warnings: tuple[str, ...] = ()
    gpu_layers: int = 0
    """How many layers a GPU was asked to hold."""


class Refused(Struct, frozen=True, tag="refused"):
    """The model can't be loaded; the message is a sentence with the remedy in it."""

    message: str


class Begun(Struct, frozen=True, tag="begun"):
    """The turn of a judgement or comparison has come."""

    number: int


class Judged(Struct, frozen=True, tag="judged"):
    """A judgement. ``p_labels`` are the probabilities of the two label tokens among all tokens (revise, approve), and
    ``entropy`` is that of the whole distribution, in nats.

    ``critique_state`` says how the written critique came out: ``none`` (not asked for), ``ok``, or why there is only the
    fallback (``cut``, ``unparsable``, ``no_room``, ``no_time``).
    """

    number: int
    p_revise: float
    p_labels: tuple[float, float]
    tokens_total: int
    tokens_evaluated: int
    tokens_reused: int
    seconds: float
    critique: Critique | None = None
    critique_state: str = "none"
    critique_tokens: int = 0
    truncated: int = 0
    """How many entries of the conversation were left out, the oldest first, to make the case fit."""
    tokens_loaded: int = 0
    """How many of the reused tokens came from a prefix state on disk."""
    entropy: float = 0.0
    aspects: tuple[float, ...] = ()
    """p_revise by each question, where there were several."""
    thought: str = ""
    """What the critic thought before it answered, by the question that decided."""
    thought_tokens: int = 0
    tokens_awaited: int = 0
    """How many of the reused tokens were still being read ahead when the judgement was asked for."""


class Compared(Struct, frozen=True, tag="compared"):
    """A comparison: for each ending, the probabilities of the letters among each other."""

    number: int
    p_letters: tuple[tuple[float, ...], ...]
    tokens_total: int
    tokens_evaluated: int
    tokens_reused: int
    seconds: float
    truncated: int = 0


class Unjudged(Struct, frozen=True, tag="unjudged"):
    """No judgement or comparison, and why."""

    number: int
    why: NoVerdictWhy
    message: str
    tokens_total: int = 0
    tokens_evaluated: int = 0
    tokens_reused: int = 0
    truncated: int = 0


Request = Load | Judge | Compare | Prefill | Cancel | Leave
Reply = Loaded | Refused | Begun | Judged | Compared | Unjudged

_requests = msgspec.json.Decoder(Request)
_replies = msgspec.json.Decoder(Reply)


def frame(message: Request | Reply) -> bytes:
    """Return a message as bytes with its length before it."""
    body = msgspec.json.encode(message)
    return _LENGTH.pack(len(body)) + body


def request_of(body: bytes) -> Request:
    """Decode a request. Raises ``msgspec.DecodeError``."""
    request: Request = _requests.decode(body)
    return request


def reply_of(body: bytes) -> Reply:
    """Decode a reply. Raises ``msgspec.DecodeError``."""
    reply: Reply = _replies.decode(body)
    return reply


class Frames:
    """Collects bytes as they come and gives out the whole frames among them."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add bytes that came in."""
        self._buffer += data

    def next(self) -> bytes | None:
        """Return the next whole frame's body, or ``None``. Raises ``ValueError`` for an impossible length."""
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > MAX_FRAME:
            raise ValueError(f"a frame of {length} bytes")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return body
