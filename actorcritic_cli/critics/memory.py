"""What the model has read, shared between sessions: one common beginning, and a branch for each session.

Sequence 0 holds the prefix that all sessions of an environment share (rubric, policy, tools). A session's branch starts
as a copy of it, which costs no cells: in llama.cpp's unified memory a cell may belong to several sequences. A branch is
cut back to what it has in common with the next case and grows by what is new, so the last question is taken off only
when something else follows, and the same case asked twice costs one token.

Sequences and cells are limited; when either runs out, the branch that was not used for the longest time goes. When
another environment takes its turn, sequence 0 is filled anew; the branches of the one before keep their own hold on its
cells until they go. A model whose memory can't be cut back (recurrent and hybrid ones, or a sliding window that has
moved on) gets a new copy of the prefix instead. So everything here is a saving: none of it may change a result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from actorcritic_cli.critics.llama_log import last_errors
from actorcritic_cli.critics.prefix_state import PrefixStates

CHUNK = 256
"""Tokens per pass: between passes the clock is looked at."""
_PREFIX = 0
"""The sequence of the shared prefix."""


Stop = Callable[[], bool]
"""Asked before each pass whether to leave off."""


class OutOfTime(Exception):
    """The time is up, or something more urgent waits; what was read so far is kept."""


class EngineFailure(Exception):
    """llama.cpp failed in the middle of a judgement."""


class Branch:
    """One sequence of llama.cpp's memory: the tokens in it, how many of them it shares, and with whom."""

    def __init__(self, number: int, tokens: Sequence[int] = (), family: int = 0):
        self.number = number
        self.tokens = list(tokens)
        self.shared = len(self.tokens)
        self.family = family
        self.used = 0


class Memory:
    """The sequences of one context of ``n_ctx`` cells. Not thread-safe. ``states`` keeps prefixes beyond this process.

    After ``bring``, even one that raised, ``reused`` and ``evaluated`` say how many of the case's tokens were there
    already and how many were read; ``loaded`` how many of the reused ones came from a file.
    """

    def __init__(self, lib: Any, context: Any, n_ctx: int, sequences: int, states: PrefixStates | None = None):
        self._lib = lib
        self._context = context
        self._memory = lib.llama_get_memory(context)
        self._n_ctx = n_ctx
        self._window = int(lib.llama_model_n_swa(lib.llama_get_model(context)))
        self._batch = lib.llama_batch_init(CHUNK, 0, 1)
        self._numbers = range(_PREFIX + 1, max(sequences, 2))
        self._clock = 0
        self._families = 0
        self._prefix = Branch(_PREFIX)
        self._branches: dict[str, Branch] = {}
        self._current = self._prefix
        self._states = states
        self._unsaved: list[int] = []
        self.reused = self.evaluated = self.loaded = 0

    @property
    def room(self) -> int:
        """How many more tokens the present branch can take."""
        return self._n_ctx - len(self._current.tokens)

    @property
    def sessions(self) -> tuple[str, ...]:
        """The sessions that have a branch now."""
        return tuple(self._branches)

    @property
    def cells(self) -> int:
        """How many cells are taken."""
        shared: dict[int, int] = {self._prefix.family: len(self._prefix.tokens)}
        own = 0
        for branch in self._branches.values():
            shared[branch.family] = max(shared.get(branch.family, 0), branch.shared)
            own += len(branch.tokens) - branch.shared
        return sum(shared.values()) + own

    def forget(self) -> None:
        """Empty everything."""
        self._lib.llama_memory_clear(self._memory, True)
        self._branches.clear()
        self._families += 1
        self._prefix = self._current = Branch(_PREFIX, family=self._families)

    def bring(self, session: str, tokens: Sequence[int], shared: int, stop: Stop) -> None:
        """Have a session's branch hold exactly ``tokens``, of which the first ``shared`` are the common prefix.

        The last token is always read anew, for the model's output after it is what is wanted. Raises ``OutOfTime``
        between two passes, ``EngineFailure``.
        """
        self.reused = self.evaluated = self.loaded = 0
        branch = self._branches.get(session)
        if branch is not None:
            keep = min(common_prefix(branch.tokens, tokens), len(tokens) - 1)
            if keep < max(shared, branch.shared) or not self._cut(branch, keep):
                self._release(session)
                branch = None
            else:
                self.reused = keep
        if branch is None:
            branch = self._branch_off(session, tokens[:shared], stop)
        self._enter(branch)
        self.read(tokens[len(branch.tokens) :], stop)

    def bring_ahead(self, session: str, tokens: Sequence[int], shared: int, stop: Stop) -> None:
        """Have a session's branch begin with ``tokens``, to which more will come. Raises as ``bring`` does."""
        self.reused = self.evaluated = self.loaded = 0
        branch = self._branches.get(session)
        if branch is None or common_prefix(branch.tokens, tokens) < len(tokens):
            self.bring(session, tokens, shared, stop)

    def read(self, tokens: Sequence[int], stop: Stop) -> None:
        """Read tokens after what the present branch holds. Raises ``OutOfTime`` between two passes, ``EngineFailure``."""
        for start in range(0, len(tokens), CHUNK):
            if stop():
                raise OutOfTime
            part = tokens[start : start + CHUNK]
            while self.cells + len(part) > self._n_ctx and self._evict():
                pass
            self._fill(part)
            while (status := self._lib.llama_decode(self._context, self._batch)) == 1 and self._evict():
                pass
            if status != 0:
                raise EngineFailure(f"llama.cpp failed to read the case (status {status}){last_errors()}")
            self._current.tokens += part
            self.evaluated += len(part)

    def _branch_off(self, session: str, prefix: Sequence[int], stop: Stop) -> Branch:
        """Return a new branch of a session that holds the prefix, which is read first where it is not there."""
        self._read_prefix(prefix, stop)
        if len(self._branches) == len(self._numbers):
            self._evict()
        taken = {branch.number for branch in self._branches.values()}
        branch = Branch(next(n for n in self._numbers if n not in taken), prefix, self._prefix.family)
        self._lib.llama_memory_seq_cp(self._memory, _PREFIX, branch.number, -1, -1)
        self._branches[session] = branch
        return branch

    def _read_prefix(self, prefix: Sequence[int], stop: Stop) -> None:
        known = len(self._prefix.tokens)
        if common_prefix(self._prefix.tokens, prefix) < known:
            self._drop_prefix()
            known = 0
        self._enter(self._prefix)
        if known == 0 and self._load_prefix(prefix):
            known = self.loaded = len(prefix)
        self.reused = known
        self.read(prefix[known:], stop)
        if known < len(prefix):
            self._unsaved = list(prefix)

    def _load_prefix(self, prefix: Sequence[int]) -> bool:
        if self._states is None:
            return False
        while self.cells + len(prefix) > self._n_ctx and self._evict():
            pass
        if not self._states.load(prefix):
            return False
        self._prefix.tokens = list(prefix)
        return True

    def save_prefix(self) -> None:
        """Keep the shared prefix in a file, if it was read and not loaded. Costs the time of writing it."""
        tokens, self._unsaved = self._unsaved, []
        if tokens and self._states is not None and self._prefix.tokens == tokens:
            self._states.save(tokens)

    def _enter(self, branch: Branch) -> None:
        self._clock += 1
        branch.used = self._clock
        self._current = branch

    def _cut(self, branch: Branch, keep: int) -> bool:
        """Take everything after the first ``keep`` tokens off a branch; false where the model's memory refuses."""
        if keep == len(branch.tokens):
            return True
        if self._lacks(branch, keep) or not self._lib.llama_memory_seq_rm(self._memory, branch.number, keep, -1):
            return False
        del branch.tokens[keep:]
        return True

    def _lacks(self, branch: Branch, end: int) -> bool:
        """Whether the layers with a sliding window no longer hold all that the token at position ``end`` looks back at.

        llama.cpp gives cells that lie behind a sequence's window to other sequences, even where it was told to keep all:
        what a branch can do without at its end it may need after a cut.
        """
        if not self._window:
            return False
        return int(self._lib.llama_memory_seq_pos_min(self._memory, branch.number)) > max(0, end - self._window)

    def _evict(self) -> bool:
        """Give up what was not used for the longest time, but not what is in use; false when nothing is left."""
        others = {name: b for name, b in self._branches.items() if b is not self._current}
        current, before = self._current, self._families
        if others:
            self._release(min(others, key=lambda name: others[name].used))
        elif self._prefix.tokens and current is not self._prefix and current.family != self._prefix.family:
            self._drop_prefix()
            before += 1
        else:
            return False
        if self._families != before:
            raise EngineFailure("the model's memory could not be freed")
        return True

    def _release(self, session: str) -> None:
        branch = self._branches.pop(session)
        self._clear(branch)

    def _drop_prefix(self) -> None:
        self._families += 1
        self._prefix = Branch(_PREFIX, family=self._families)
        self._clear(self._prefix)

    def _clear(self, branch: Branch) -> None:
        if not self._lib.llama_memory_seq_rm(self._memory, branch.number, -1, -1):
            self.forget()  # no memory refuses this today; whatever it means, a fresh start is right

    def _fill(self, part: Sequence[int]) -> None:
        batch, first = self._batch, len(self._current.tokens)
        batch.n_tokens = len(part)
        for index, token in enumerate(part):
            batch.token[index] = token
            batch.pos[index] = first + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = self._current.number
            batch.logits[index] = 0
        batch.logits[len(part) - 1] = 1


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many leading items two sequences share."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
