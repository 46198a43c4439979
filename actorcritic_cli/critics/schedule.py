"""Which pieces of work are under way, and in what order they come to their turn.

Judgements and comparisons begin in the order in which they came, and whatever fits into the model's memory beside those
under way begins at once: all of them then share the model's passes. Two of one session never run side by side, and one
that needs another environment's prefix waits until the memory is free for it. Reading ahead is done when nobody waits,
one session at a time, and is laid aside as soon as somebody does; the newest wish of a session replaces the one before,
and a judgement of the same session makes it void.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from actorcritic_cli.critics.memory import Memory
from actorcritic_cli.critics.reading import (
    AHEAD_CHUNK,
    AHEAD_CHUNK_ALONE,
    CHUNK,
    Account,
    EngineFailure,
    OutOfTime,
    Passes,
    Reading,
    Work,
)
from actorcritic_cli.critics.wire import Begun, Reply, Unjudged

_LINGER = 0.02
"""Share of the last pass's duration that a judgement may wait for company."""
_LINGER_MOST = 0.01
"""Seconds."""


class Task:
    """One piece of work that somebody waits for.

    ``prefix`` are the tokens shared with other sessions, ``own`` how many more cells it may take, ``sequences`` how many
    sequences. It has ``seconds`` from its beginning and ``within`` from now.
    """

    def __init__(
        self,
        number: int,
        session: str,
        work: Callable[[Account], Work[Reply]],
        *,
        prefix: Sequence[int],
        own: int,
        sequences: int = 1,
        seconds: float,
        within: float,
        asked: float | None = None,
    ):
        self.number = number
        self.session = session
        self.prefix = tuple(prefix)
        self.own = own
        self.sequences = sequences
        self.asked = time.monotonic() if asked is None else asked
        self.awaited = 0
        self.account = Account()
        self.readings: list[Reading] = []
        self.deadline = time.monotonic() + within
        self._seconds = seconds
        self._begin = work
        self._work: Work[Reply] | None = None

    def begin(self) -> Reply | None:
        """Start, or start again; return the reply where nothing had to be read."""
        self.deadline = min(self.deadline, time.monotonic() + self._seconds)
        self.account = Account()
        self.account.awaited = self.awaited
        self._work = self._begin(self.account)
        return self._go(lambda: next(self._running))

    def advance(self) -> Reply | None:
        """Go on after everything that was waited for has been read."""
        outputs = [reading.output for reading in self.readings]
        return self._go(lambda: self._running.send(outputs))

    def fail(self, why: OutOfTime | EngineFailure) -> Reply:
        """Tell the work that it can't go on."""
        reply = self._go(lambda: self._running.throw(why))
        if reply is None:
            raise EngineFailure("a judgement did not end when it had to")
        return reply

    def lay_aside(self) -> None:
        """Stop for now; what was read is kept in the memory as far as there is room."""
        self.readings = []
        if self._work is not None:
            self._work.close()
            self._work = None

    @property
    def _running(self) -> Work[Reply]:
        assert self._work is not None
        return self._work

    def _go(self, step: Callable[[], list[Reading]]) -> Reply | None:
        try:
            self.readings = step()
            while not any(reading.left for reading in self.readings):
                self.readings = self._running.send([reading.output for reading in self.readings])
        except StopIteration as end:
            reply: Reply = end.value
            return reply
        return None


class Scheduler:
    """Brings the work of many through one model. Not thread-safe."""

    def __init__(self, memory: Memory, passes: Passes):
        self._memory = memory
        self._passes = passes
        self._waiting: deque[Task] = deque()
        self._active: list[Task] = []
        self._ahead: dict[str, Task] = {}
        self._read_last: tuple[str, int, float] = ("", 0, 0.0)
        """Of the last pass ahead: for which session, how many tokens, and when it ended."""
        self.spoilt = False
        """Set when what was read can't be trusted: everything is forgotten once nobody works on it."""

    @property
    def busy(self) -> bool:
        """Whether there is anything to do, reading ahead included."""
        return bool(self._waiting or self._active or self._ahead)

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._waiting or self._active)

    @property
    def linger(self) -> float:
        """How long it is worth to look out for more work before the first of it is begun, in seconds.

        Nothing where only one session could come or somebody waits already: who comes later joins the next pass.
        """
        return (
            0.0 if self.urgent or len(self._memory.sessions) < 2 else min(_LINGER * self._passes.seconds, _LINGER_MOST)
        )

    def add(self, task: Task) -> None:
        """Add work that somebody waits for."""
        session, count, ended = self._read_last
        if session == task.session and ended > task.asked:
            task.awaited = count
        self._drop_ahead(task.session)
        self._waiting.append(task)

    def add_ahead(self, task: Task) -> None:
        """Add reading ahead, unless a judgement that waits reads all of it anyway."""
        if any(other.session == task.session for other in (*self._waiting, *self._active)):
            return
        self._drop_ahead(task.session)
        self._ahead[task.session] = task

    def cancel(self, number: int) -> None:
        """Forget about a piece of work that nobody waits for any more."""
        for queue in (self._waiting, self._active):
            for task in [task for task in queue if task.number == number]:
                queue.remove(task)
                task.lay_aside()

    def leave(self, session: str) -> None:
        """A session is over: its branch goes, unless somebody still works on it.

        Attention looks through all cells up to the last one that is taken, so what nobody needs any more costs everybody.
        """
        self._drop_ahead(session)
        if not any(task.session == session for task in (*self._waiting, *self._active)):
            self._memory.release(session)

    def step(self) -> list[Reply]:
        """Do one pass of the model, with all that goes with it; return what there is to say."""
        if not self.urgent:
            return self._read_ahead()
        for task in self._ahead.values():
            task.lay_aside()
        replies = self._admit()
        replies += self._expire()
        if self._active:
            try:
                replies += self._pass(self._active, CHUNK)
            except EngineFailure as failure:
                replies += self._broken(failure)
        if self.spoilt and not self._active:
            self.spoilt = False
            self._memory.forget()
        return replies

    def abandon(self, message: str) -> list[Reply]:
        """Give up everything after an error of our own; return what is to be said to those who wait."""
        given_up = [*self._active, *self._waiting]
        for task in (*given_up, *self._ahead.values()):
            task.lay_aside()
        self._active.clear()
        self._waiting.clear()
        self._ahead.clear()
        self._memory.forget()
        return [Unjudged(task.number, "crash", message) for task in given_up]

    def _admit(self) -> list[Reply]:
        replies: list[Reply] = []
        while self._waiting and (not self._active or self._fits(self._waiting[0])):
            task = self._waiting.popleft()
            replies.append(Begun(task.number))
            self._active.append(task)
            try:
                reply = task.begin()
            except EngineFailure as failure:
                replies += self._broken(failure)
                continue
            if reply is not None:
                self._active.remove(task)
                replies.append(reply)
        return replies

    def _fits(self, task: Task) -> bool:
        """Whether a task can run beside those under way."""
        if self.spoilt or any(other.session == task.session for other in self._active):
            return False
        if not self._memory.ready(task.session, task.prefix):
            return False
        all_of_them = [*self._active, task]
        cells = sum(len(prefix) for prefix in {other.prefix for other in all_of_them})
        cells += sum(other.own for other in all_of_them)
        sequences = 1 + sum(other.sequences for other in all_of_them)
        return cells <= self._memory.n_ctx and sequences <= self._memory.sequences

    def _expire(self) -> list[Reply]:
        now = time.monotonic()
        late = [task for task in self._active if now >= task.deadline]
        for task in late:
            self._active.remove(task)
        return [task.fail(OutOfTime()) for task in late]

    def _pass(self, tasks: list[Task], limit: int) -> list[Reply]:
        """Read the next tokens of some tasks; those that get a reply leave the list. Raises ``EngineFailure``."""
        chosen = self._passes.choose([reading for task in tasks for reading in task.readings], limit)
        self._memory.make_room(sum(count for _, count in chosen))
        while self._passes.run(chosen) != 0:
            if self._memory.evict():
                continue
            if len(tasks) == 1:
                raise EngineFailure("the model's memory has no room left")
            youngest = tasks.pop()
            youngest.lay_aside()
            self._waiting.appendleft(youngest)
            return []
        counts = {id(reading): count for reading, count in chosen}
        replies: list[Reply] = []
        for task in list(tasks):
            task.account.evaluated += sum(counts.get(id(reading), 0) for reading in task.readings)
            if any(reading.left for reading in task.readings):
                continue
            reply = task.advance()
            if reply is not None:
                tasks.remove(task)
                replies.append(reply)
        return replies

    def _broken(self, failure: EngineFailure) -> list[Reply]:
        """llama.cpp failed: nothing that is under way can go on, and nothing that was read is to be trusted."""
        failed, self._active[:] = list(self._active), []
        replies = [task.fail(failure) for task in failed]
        self._memory.forget()
        return replies

    def _read_ahead(self) -> list[Reply]:
        if not self._ahead:
            return []
        session, task = next(iter(self._ahead.items()))
        under_way = [task]
        try:
            if task.readings or task.begin() is None:
                before = task.account.evaluated
                self._pass(under_way, self._ahead_chunk(session))
                self._read_last = (session, task.account.evaluated - before, time.monotonic())
            else:
                under_way = []
        except EngineFailure:  # nobody waits for it
            under_way = []
            self._memory.forget()
        if not under_way:
            self._ahead.pop(session)
        return []

    def _ahead_chunk(self, session: str) -> int:
        """Return how many tokens to read ahead in one pass: more, which is faster, where the only one who could come to wait
        for the end of the pass is the session whose tokens these are, and who would have to read them anyway."""
        alone = len(self._ahead) == 1 and set(self._memory.sessions) <= {session}
        return AHEAD_CHUNK_ALONE if alone else AHEAD_CHUNK

    def _drop_ahead(self, session: str) -> None:
        task = self._ahead.pop(session, None)
        if task is not None:
            task.lay_aside()
