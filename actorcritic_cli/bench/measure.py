"""The benchmark itself: what is timed, in which order, and what is written down.

Our side is the real one: ``LlamaCritic`` starts its worker, which keeps its prefix states in a folder of the
benchmark's own. The k-th repetition takes the k-th judgement of the conversation (and begins again after the last), so
that short and long ones count alike.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from actorcritic_cli.bench import conversation as talk
from actorcritic_cli.bench import naive as plain
from actorcritic_cli.bench.asking import hear, judged
from actorcritic_cli.bench.beside import Beside
from actorcritic_cli.bench.conversation import ASIDE, Conversation
from actorcritic_cli.bench.process import peak_memory
from actorcritic_cli.bench.report import Report, Throughput, Waiting
from actorcritic_cli.bench.several import keep, several_alone, take_turns, take_turns_alone
from actorcritic_cli.bench.waiting import Held, Objecting, held, rejected, world
from actorcritic_cli.critics import cpu
from actorcritic_cli.critics.client import LlamaCritic
from actorcritic_cli.critics.critique import MAX_TOKENS
from actorcritic_cli.critics.gguf_info import inspect
from actorcritic_cli.critics.kept_files import prefix_states, unpacked_weights
from actorcritic_cli.critics.protocol import Case, Critic
from actorcritic_cli.critics.unpacked import unpacked
from actorcritic_cli.envs.protocol import Environment
from actorcritic_cli.errors import AccError, NotFound

Tell = Callable[[str, int, int], None]
"""Told what is being done, and how many of how many such things are done."""

_COLD_STARTS = 3
"""Cold starts take long and vary little: more than these are not made."""
_PATIENCE = 3600.0
"""Seconds a judgement may take: a large model reads a long policy for minutes, and that is to be measured too."""
_NEVER, _ALWAYS = 1.0, 0.0
"""Thresholds at which every proposal is approved, and at which every one is to be revised."""


class Settings(Struct, frozen=True):
    """What to measure: a file, how often, and for how many sessions at once."""

    path: Path
    repeat: int = 5
    threads: int | None = None
    template: str | None = None
    prefix_tokens: int | None = None
    """Cut policy and tools so that what sessions share has about so many tokens; ``None`` leaves them whole."""
    sessions: tuple[int, ...] = (1, 4, 8)
    actor_seconds: float = 2.0
    """How long an actor writes on a proposal, evenly; with 0 it is there at once, and no conversation is held."""


class Benchmark:
    """One run. ``report`` fills while it goes on, so that an interrupted run has something to show.

    ``folder`` is for its own files. Raises ``AccError`` for a file that can't be a critic, or where a side fails.
    """

    def __init__(self, settings: Settings, conversation: Conversation, folder: Path, tell: Tell):
        file = inspect(settings.path, template=settings.template)
        if not file.usable:
            raise (AccError if file.path.exists() else NotFound)(file.why_not or "The critic can't be used.")
        self.settings, self.conversation, self.folder, self.tell = settings, conversation, folder, tell
        self.threads = settings.threads or cpu.threads()
        self._random = str(file.acc.get("acc.note", "")).startswith("random weights")
        self._natural = plain.MAX_TOKENS
        self.sequences = max(settings.sessions) + 2
        self.report = Report(
            str(settings.path),
            file.sha256,
            file.quantisation or "",
            file.parameters,
            self.threads,
            conversation.name,
            len(conversation.cases),
            settings.repeat,
            notes=list(file.warnings),
        )

    def run(self) -> Report:
        """Measure everything; return the report."""
        path, threads = str(self.settings.path.resolve()), self.threads
        with self._floor() as floor:
            trained = int(floor.ask("load", path=self._weights())["trained"])
            self._fit(trained, lambda text: int(floor.ask("count", text=text)["tokens"]))
            with bench_home(self.folder):
                self._starts()
                floor.ask("open", n_ctx=self.report.n_ctx, threads=threads)
                with Beside("naive", self.folder / "naive.log", passive=False) as naive:
                    self.tell("loading the model for the naive way", 0, 1)
                    loaded = naive.ask("load", path=path, n_ctx=self.report.n_ctx, threads=threads)
                    if self._random:
                        self._natural = loaded["example"]
                        self.report.notes.append(
                            "Random weights know no end: the naive way was stopped after the "
                            f"{self._natural} tokens that an answer in earnest has."
                        )
                    self._actions(floor, naive)
                    self.report.memory.naive_peak = peak_memory(naive.pid)
        with bench_home(self.folder):
            self._sessions()
        if self.settings.actor_seconds > 0:
            self._waiting()
        return self.report

    def _fit(self, trained: int, count: talk.Count) -> None:
        """Cut the prefix as wanted and choose a context that holds all sessions at once."""
        if self.settings.prefix_tokens is not None:
            self.conversation = talk.with_prefix_of(self.conversation, self.settings.prefix_tokens, count)
        prefix, own = (f(self.conversation, count) for f in (talk.prefix_tokens, talk.own_tokens))
        wanted = prefix + 64 + max(self.settings.sessions) * (own + MAX_TOKENS + 64)
        self.report.prefix_tokens, self.report.longest_tokens = prefix, prefix + own
        self.report.n_ctx = min(trained, -(-wanted // 256) * 256)
        if wanted > trained:
            self.report.notes.append(
                f"{max(self.settings.sessions)} sessions would take {wanted:,} tokens of context; the model has {trained:,}."
            )

    def _weights(self) -> str:
        """Return the file that the critic's engine loads: the floor reads the same weights."""
        path = self.settings.path.resolve()
        with bench_home(self.folder):
            return str(unpacked(path, self.report.sha256, unpacked_weights()))

    def _floor(self) -> Beside:
        return Beside("floor", self.folder / "floor.log", passive=True)

    def _critic(self) -> LlamaCritic:
        return LlamaCritic(
            self.settings.path,
            threshold=_NEVER,
            template=self.settings.template,
            n_ctx=self.report.n_ctx,
            threads=self.threads,
            sequences=self.sequences,
            judge_timeout=_PATIENCE,
        )

    def _starts(self) -> None:
        """The first verdict of a worker that finds no prefix state, of one that does, and of one that also reads ahead."""
        start, case = self.report.start, self.conversation.of_session(0, "a")
        times = min(self.settings.repeat, _COLD_STARTS)
        for number in range(times):
            self.tell("starting cold and from the state file", number, times)
            prefix_states().clear()
            with self._critic() as critic:
                start.loading.append(_timed(critic.start))
                start.cold.append(_timed(judged, critic, case))
                judged(critic, replace(case, proposal=ASIDE))  # answered once the state is written
                other = replace(case, session="b")  # the same tokens, delimiters included
                start.in_memory.append(_timed(judged, critic, other))
            for found, heard in ((start.from_file, False), (start.in_session, True)):
                with self._critic() as critic:
                    start.loading.append(_timed(critic.start))
                    if heard:
                        hear(critic, case, self.settings.actor_seconds)
                    began = time.monotonic()
                    verdict = judged(critic, case)
                    found.append(time.monotonic() - began)
                    if not heard and not verdict.detail.get("tokens_loaded"):
                        self.report.notes.append("The prefix did not come from its state file.")
        for state in prefix_states().files():
            self.report.prefix_tokens = state.tokens
            self.report.memory.bytes_per_cell = state.bytes / state.tokens

    def _actions(self, floor: Beside, naive: Beside) -> None:
        """Approved and revised actions on every side, taking turns."""
        with self._critic() as critic:
            critic.start()
            for number in range(self.settings.repeat):
                self.tell("approved and revised actions, on every side", number, self.settings.repeat)
                case = self.conversation.of_session(number, "a")
                if number % 2:
                    self._naive(case, naive)
                    self._ours(case, critic, floor)
                else:
                    self._ours(case, critic, floor)
                    self._naive(case, naive)
            if critic.worker_pid is not None:
                self.report.memory.worker_peak = peak_memory(critic.worker_pid)

    def _ours(self, case: Case, critic: LlamaCritic, floor: Beside) -> None:
        aside, report = replace(case, proposal=ASIDE), self.report
        for timed, threshold, heard in (
            (report.approved, _NEVER, True),
            (report.at_once, _NEVER, False),
            (report.revised, _ALWAYS, True),
        ):
            critic.threshold = _NEVER
            judged(critic, aside)
            if heard:
                hear(critic, case, self.settings.actor_seconds)
            critic.threshold = threshold
            began = time.monotonic()
            verdict = judged(critic, case)
            timed.ours.append(time.monotonic() - began)
            # What was still being read ahead when the proposal was whole was waited for as well.
            awaited = verdict.detail.get("tokens_awaited", 0)
            new = verdict.detail["tokens_evaluated"] + awaited
            depth = verdict.detail["tokens_reused"] - awaited
            written = verdict.detail.get("critique_tokens", 0)
            least = floor.ask("decode", depth=depth, new=new, single=written)
            timed.floor.append(least["seconds"] + least["single"])
            timed.new.append(new)
            timed.written.append(written)
        critic.threshold = _NEVER

    def _naive(self, case: Case, naive: Beside) -> None:
        system = plain.system_text(talk.shared_text(case))
        user, aside = plain.user_text(case), plain.user_text(replace(case, proposal=ASIDE))
        for words in ("critique", "verdict"):
            naive.ask("answer", system=system, user=aside, words="verdict", limit=1)
            answer = naive.ask("answer", system=system, user=user, words=words, limit=self._natural)
            if words == "verdict":
                self.report.approved.verdict_only.append(answer["seconds"])
                continue
            for timed in (self.report.approved, self.report.at_once, self.report.revised):  # it writes in any case
                timed.naive.append(answer["seconds"])
                timed.naive_written.append(answer["tokens"])
            self.report.naive_answer = answer["text"]

    def _sessions(self) -> None:
        """Several sessions: what they keep, and how many judgements they get."""
        with self._critic() as critic, self._floor() as floor:
            critic.start()
            most = max(self.settings.sessions)
            middle = len(self.conversation.cases) // 2
            cases = [self.conversation.of_session(middle, f"session {number}") for number in range(most)]
            self.tell("reading the sessions that share the prefix", 0, 1)
            keep(critic, cases, self.report)
            alone = several_alone(floor, self._weights(), self.report, self.threads)
            for count in self.settings.sessions:
                found = Throughput(count)
                self.report.throughput.append(found)
                for number in range(self.settings.repeat):
                    self.tell(f"{count} sessions one by one and at once", number, self.settings.repeat)
                    take_turns(critic, cases[:count], found)
                    if alone:
                        take_turns_alone(floor, found, self.report.memory.one)
            if critic.worker_pid is not None:
                self.report.memory.worker_peak = max(
                    filter(None, (self.report.memory.worker_peak, peak_memory(critic.worker_pid))), default=None
                )

    def _waiting(self) -> None:
        """A whole conversation with an actor that takes its time, without a critic and with one."""
        try:
            environment = world(self.conversation)
        except NotFound as error:
            self.report.notes.append(f"No conversation was held: {error}")
            return
        waiting = self.report.waiting = Waiting(self.settings.actor_seconds)
        waiting.new = self.report.longest_tokens - self.report.prefix_tokens
        times = min(self.settings.repeat, _COLD_STARTS)
        with bench_home(self.folder):
            critic = self._critic()
        with critic, self._floor() as floor:
            critic.start()
            floor.ask("load", path=self._weights())
            floor.ask("open", n_ctx=self.report.n_ctx, threads=self.threads)
            for number in range(times):
                self.tell(f"a conversation with an actor of {waiting.actor_seconds:g} s a proposal", number, times)
                for supervisor, seconds in ((None, waiting.unsupervised), (critic, waiting.supervised)):
                    done = self._held(environment, supervisor, f"conversation {number}")
                    seconds.append(done.seconds)
                    waiting.proposals, waiting.judgements = done.proposals, len(done.verdicts)
                waiting.added += [verdict.latency for verdict in done.verdicts]
                read = floor.ask("decode", depth=self.report.prefix_tokens, new=waiting.new, single=0)
                waiting.floor.append(read["seconds"])
                sent_back = rejected(self.conversation)
                if sent_back is not None:
                    objecting, name = Objecting(critic, sent_back), f"conversation {number}, revised"
                    waiting.revised.append(self._held(environment, objecting, name, revised=True).seconds)

    def _held(self, environment: Environment, critic: Critic | None, name: str, *, revised: bool = False) -> Held:
        done = held(self.conversation, environment, critic, self.settings.actor_seconds, name, revised=revised)
        if done.failures:
            self.report.notes.append(f"Without a verdict: {done.failures[0]}")
        return done


def _timed(work: Callable[..., object], *arguments: object) -> float:
    began = time.monotonic()
    work(*arguments)
    return time.monotonic() - began


@contextmanager
def bench_home(folder: Path) -> Iterator[None]:
    """Have the critic keep its states and logs in a folder of the benchmark's own."""
    before = os.environ.get("ACC_HOME")
    os.environ["ACC_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["ACC_HOME"]
        else:
            os.environ["ACC_HOME"] = before
