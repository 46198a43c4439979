"""What the model has read, shared between sessions: one common beginning, and a branch for each session.

Sequence 0 holds the prefix that all sessions of an environment share (rubric, policy, tools). A session's branch starts
as a copy of it, which costs no cells: in llama.cpp's unified memory a cell may belong to several sequences. A branch is
cut back to what it has in common with the next case and grows by what is new, so the last question is taken off only
when something else follows, and the same case asked twice costs one token. A twig is a copy of a branch for a question
on the side; it goes when its question is answered.

Sequences and cells are limited; when either runs out, the branch that was not used for the longest time goes, but none
that somebody works on. When another environment takes its turn, sequence 0 is filled anew; the branches of the one
before keep their own hold on its cells until they go. A model whose memory can't be cut back (recurrent and hybrid ones,
or a sliding window that has moved on) gets a new copy of the prefix instead. So everything here is a saving: none of it
may change a result.

Nothing is read here: what has to be read is yielded to the scheduler (see ``reading``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actorcritic_cli.critics.prefix_state import PrefixStates
from actorcritic_cli.critics.reading import Account, Branch, EngineFailure, Reading, Work

_PREFIX = 0
"""The sequence of the shared prefix."""


class Memory:
    """The sequences of one context of ``n_ctx`` cells. Not thread-safe. ``states`` keeps prefixes beyond this process."""

    def __init__(self, lib: Any, context: Any, n_ctx: int, sequences: int, states: PrefixStates | None = None):
        self._lib = lib
        self._memory = lib.llama_get_memory(context)
        self._window = int(lib.llama_model_n_swa(lib.llama_get_model(context)))
        self.n_ctx = n_ctx
        self.sequences = max(sequences, 2)
        self._clock = 0
        self._families = 0
        self._prefix = Branch(_PREFIX)
        self._branches: dict[str, Branch] = {}
        self._twigs: list[Branch] = []
        self._states = states
        self._unsaved: list[int] = []

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
        return sum(shared.values()) + own + sum(len(twig.tokens) - twig.shared for twig in self._twigs)

    def room(self, branch: Branch) -> int:
        """How many more tokens a branch can take."""
        return self.n_ctx - len(branch.tokens)

    def forget(self) -> None:
        """Empty everything. Nobody may be at work."""
        self._lib.llama_memory_clear(self._memory, True)
        for branch in (self._prefix, *self._branches.values(), *self._twigs):
            branch.alive = False
        self._branches.clear()
        self._twigs.clear()
        self._families += 1
        self._prefix = Branch(_PREFIX, family=self._families)

    def ready(self, session: str, prefix: Sequence[int]) -> bool:
        """Whether a case of this session can be read without changing or filling the shared prefix."""
        branch = self._branches.get(session)
        if branch is not None and branch.shared >= len(prefix) and common_prefix(branch.tokens, prefix) >= len(prefix):
            return True
        return len(self._prefix.tokens) >= len(prefix) and self._prefix.tokens[: len(prefix)] == list(prefix)

    def bring(
        self, session: str, tokens: Sequence[int], shared: int, account: Account, *, unread: int = 1
    ) -> Work[Branch]:
        """Return the session's branch, holding what it has in common with ``tokens`` and nothing else, in use.

        The first ``shared`` tokens are the common prefix. At least the last ``unread`` tokens are left to be read, for
        the model's output after them is what is wanted. Whoever gets the branch gives it back with ``leave``.
        """
        branch = self._branches.get(session)
        if branch is not None:
            keep = min(common_prefix(branch.tokens, tokens), len(tokens) - unread)
            if keep < max(shared, branch.shared) or not self._cut(branch, keep):
                self._release(session)
                branch = None
            else:
                account.reused += keep
        if branch is None:
            branch = yield from self._branch_off(session, tokens[:shared], account)
        self._enter(branch)
        return branch

    def holds(self, session: str, tokens: Sequence[int]) -> bool:
        """Whether a session's branch begins with these tokens already."""
        branch = self._branches.get(session)
        return branch is not None and common_prefix(branch.tokens, tokens) == len(tokens)

    def release(self, session: str) -> None:
        """Give up a session's branch, if it has one that is not in use."""
        branch = self._branches.get(session)
        if branch is not None and not branch.users:
            self._release(session)

    def leave(self, branch: Branch) -> None:
        """Nobody works on this branch any more."""
        branch.users -= 1

    def twigs(self, branch: Branch, wanted: int) -> list[Branch]:
        """Return up to ``wanted`` copies of a branch; fewer where sequences run out. Give them back with ``drop``."""
        found: list[Branch] = []
        while len(found) < wanted:
            number = self._free_number()
            if number is None:
                break
            self._lib.llama_memory_seq_cp(self._memory, branch.number, number, -1, -1)
            twig = Branch(number, branch.tokens, branch.family)
            twig.users = 1
            self._twigs.append(twig)
            found.append(twig)
        return found

    def drop(self, twig: Branch) -> None:
        """Remove a twig."""
        if twig.alive:
            self._twigs.remove(twig)
            self._clear(twig)

    def make_room(self, tokens: int) -> None:
        """Free cells until so many more tokens fit, as far as possible."""
        while self.cells + tokens > self.n_ctx and self.evict():
            pass

    def evict(self) -> bool:
        """Give up what was not used for the longest time and is not in use; false when nothing is left."""
        idle = {name: b for name, b in self._branches.items() if not b.users}
        working = [b for b in (*self._branches.values(), *self._twigs) if b.users]
        before = self._families
        if idle:
            self._release(min(idle, key=lambda name: idle[name].used))
        elif (
            self._prefix.tokens
            and not self._prefix.users
            and all(branch.family != self._prefix.family for branch in working)
        ):
            self._drop_prefix()
            before += 1
        else:
            return False
        if self._families != before:
            raise EngineFailure("the model's memory could not be freed")
        return True

    def save_prefix(self) -> None:
        """Keep the shared prefix in a file, if it was read and not loaded. Costs the time of writing it."""
        tokens = self._unsaved
        if not tokens or len(self._prefix.tokens) < len(tokens):
            return
        self._unsaved = []
        if self._states is not None and self._prefix.tokens == tokens:
            self._states.save(tokens)

    def _branch_off(self, session: str, prefix: Sequence[int], account: Account) -> Work[Branch]:
        """Return a new branch of a session that holds the prefix, which is read first where it is not there."""
        yield from self._read_prefix(prefix, account)
        number = self._free_number()
        if number is None:
            raise EngineFailure("the model's memory has no sequence left")
        branch = Branch(number, prefix, self._prefix.family)
        self._lib.llama_memory_seq_cp(self._memory, _PREFIX, number, -1, -1)
        self._branches[session] = branch
        return branch

    def _read_prefix(self, prefix: Sequence[int], account: Account) -> Work[None]:
        known = len(self._prefix.tokens)
        if common_prefix(self._prefix.tokens, prefix) < known:
            self._drop_prefix()
            known = 0
        if known == 0 and self._load_prefix(prefix):
            known = account.loaded = len(prefix)
        account.reused += known
        if known == len(prefix):
            return
        self._unsaved = list(prefix)
        filled = self._prefix
        self._enter(filled)
        try:
            yield [Reading(filled, prefix[known:], logits=False)]
        finally:
            self.leave(filled)

    def _load_prefix(self, prefix: Sequence[int]) -> bool:
        if self._states is None:
            return False
        self.make_room(len(prefix))
        if not self._states.load(prefix):
            return False
        self._prefix.tokens = list(prefix)
        return True

    def _free_number(self) -> int | None:
        """Return a sequence that nobody has, making one free if need be."""
        while True:
            taken = {branch.number for branch in (*self._branches.values(), *self._twigs)}
            number = next((n for n in range(_PREFIX + 1, self.sequences) if n not in taken), None)
            if number is not None or not any(not branch.users for branch in self._branches.values()):
                return number
            self.evict()

    def _enter(self, branch: Branch) -> None:
        self._clock += 1
        branch.used = self._clock
        branch.users += 1

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

    def _release(self, session: str) -> None:
        self._clear(self._branches.pop(session))

    def _drop_prefix(self) -> None:
        gone = self._prefix
        self._families += 1
        self._prefix = Branch(_PREFIX, family=self._families)
        self._clear(gone)

    def _clear(self, branch: Branch) -> None:
        branch.alive = False
        if not self._lib.llama_memory_seq_rm(self._memory, branch.number, -1, -1):
            self.forget()  # no memory refuses this today; whatever it means, a fresh start is right


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many leading items two lists share. Compares whole slices, for there are thousands of items."""
    same, end = 0, min(len(one), len(other))
    while same < end:
        middle = (same + end + 1) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            end = middle - 1
    return same
