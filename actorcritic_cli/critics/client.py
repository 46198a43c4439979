"""The local critic: llama.cpp in a worker process, seen as a ``Critic``.

One worker serves all threads; judgements queue. The worker is started when it is first needed and again after it died;
nothing that happens in it raises here. A judgement that runs out of time is first given up by the worker itself, which
keeps what it has read, and a worker that does not even do that is killed.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from actorcritic_cli.critics.gguf_info import CriticFile, file_sha256, inspect, labels_wanted
from actorcritic_cli.critics.prefix_store import prefix_store
from actorcritic_cli.critics.process import WorkerGone, WorkerProcess, WorkerSlow
from actorcritic_cli.critics.prompt import PROMPT_VERSION, build, build_ahead
from actorcritic_cli.critics.protocol import Case, Reading
from actorcritic_cli.critics.wire import Judge, Judged, Load, Loaded, Prefill, Refused, Unjudged, frame, reply_of
from actorcritic_cli.errors import AccError, NotFound, UsageError
from actorcritic_cli.hashing import canonical_json, sha256
from actorcritic_cli.paths import log_dir
from actorcritic_cli.types import CriticIdentity, NoVerdictWhy, Verdict

JUDGE_TIMEOUT = 120.0
"""Seconds a judgement may take once its turn has come."""
LOAD_TIMEOUT = 600.0
"""Seconds a model may take to load."""
_STARTS = 3
_GRACE = 30.0
"""Seconds after its deadline in which the worker may still say so itself: one pass of a large model."""

_PATIENCE = 5.0
"""Seconds in which a worker takes a wish to read ahead; one that lives takes it at once, whatever it is doing."""


class StartFailed(AccError):
    """The worker can't be started; ``worth_retrying`` when the cause was its death and not its refusal."""

    def __init__(self, message: str, *, worth_retrying: bool):
        super().__init__(message)
        self.worth_retrying = worth_retrying


class LlamaCritic:
    """A GGUF model as the critic. Implements ``critics.protocol.Critic``.

    ``threshold`` defaults to the file's own (``acc.threshold``), else 0.5; ``template`` names a built-in chat template
    instead of the file's; ``n_ctx`` is in tokens (default: 8192 or what the model was trained with); ``threads``
    defaults to what this process may use. ``sequences`` (2 to 64, default 8) is how many sequences its memory has: one
    for what sessions share, one for each session it remembers. ``seed`` is recorded only, for nothing is sampled: the
    likeliest token is always taken.
    ``judge_timeout`` and ``grace`` are seconds. With ``write_critiques=False`` only probabilities are computed.

    Raises ``AccError`` at once when the file can't be a critic.
    """

    def __init__(
        self,
        path: Path | str,
        threshold: float | None = None,
        template: str | None = None,
        n_ctx: int | None = None,
        threads: int | None = None,
        seed: int | None = None,
        sequences: int | None = None,
        judge_timeout: float = JUDGE_TIMEOUT,
        *,
        write_critiques: bool = True,
        grace: float = _GRACE,
    ):
        if threshold is not None and not 0 <= threshold <= 1:
            raise UsageError(f"The critic's threshold is a probability between 0 and 1, not {threshold}.")
        self.file = inspect(path, template=template)
        if not self.file.usable:
            raise (AccError if self.file.path.exists() else NotFound)(self.file.why_not or "The critic can't be used.")
        self.threshold = self.file.threshold if threshold is None else threshold
        self.log = log_dir() / "critic-worker.log"
        self.loaded: Loaded | None = None
        """What the running worker loaded, ``None`` before the first start."""
        self._load = Load(
            str(self.file.path.resolve()),
            template,
            n_ctx,
            threads,
            labels_wanted(self.file.acc),
            sequences,
            self.file.sha256,
            str(prefix_store().folder.resolve()),
        )
        self._judge_timeout = judge_timeout
        self._write_critiques = write_critiques
        self._grace = grace
        self._identity = identity_of(self.file, self.threshold, template, seed)
        self._lock = threading.Lock()
        self._waiting: dict[str, Reading] = {}
        self._waiting_lock = threading.Lock()
        self._worker: WorkerProcess | None = None
        self._number = 0
        self._failed_starts = 0
        self._closed = False

    @property
    def identity(self) -> CriticIdentity:
        """Who judges: known without loading the model."""
        return self._identity

    @property
    def worker_pid(self) -> int | None:
        """The process id of the running worker."""
        worker = self._worker
        return worker.pid if worker is not None and worker.alive else None

    def start(self) -> None:
        """Load the model now, if it is not loaded. Raises ``AccError`` when that fails."""
        with self._lock:
            try:
                self._ready(time.monotonic() + LOAD_TIMEOUT)
            except WorkerSlow:
                raise AccError(
                    f"{self.file.path} was not loaded within {LOAD_TIMEOUT:.0f} s; use a smaller model or a faster disk."
                ) from None

    def judge(self, case: Case) -> Verdict:
        """Judge one proposal. See ``Critic.judge``; ``case.max_seconds`` bounds everything, queueing and loading too."""
        started = time.monotonic()
        end = started + case.max_seconds if case.max_seconds is not None else None
        if not self._lock.acquire(timeout=-1 if end is None else max(0.0, end - started)):
            return self._none("timeout", "other judgements took all the time there was", started)
        try:
            verdict = self._judge(case, started, end)
            self._send_waiting()
            return verdict
        finally:
            self._lock.release()

    def prefill(self, reading: Reading) -> None:
        """Have the worker read a conversation while the actor thinks. See ``ReadsAhead.prefill``.

        While another thread's judgement is under way the wish is kept, and sent after it.
        """
        with self._waiting_lock:
            self._waiting[reading.session] = reading
        if self._lock.acquire(blocking=False):
            try:
                self._send_waiting()
            finally:
                self._lock.release()

    def close(self) -> None:
        """End the worker; a judgement under way comes back as ``no_verdict``. Idempotent."""
        self._closed = True
        worker = self._worker
        if worker is not None:
            worker.kill()
        with self._lock:
            self._drop()

    def __enter__(self) -> LlamaCritic:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _judge(self, case: Case, started: float, end: float | None) -> Verdict:
        load_until = time.monotonic() + LOAD_TIMEOUT
        try:
            worker, loaded = self._ready(load_until if end is None else min(load_until, end))
        except AccError as error:
            return self._none("crash", str(error), started)
        except WorkerSlow:
            return self._none("timeout", "the model was not loaded in time", started)
        now = time.monotonic()
        until = now + self._judge_timeout if end is None else min(now + self._judge_timeout, end)
        if until <= now:
            return self._none("timeout", "loading and waiting took all the time there was", started)
        self._number += 1
        with self._waiting_lock:
            self._waiting.pop(case.session, None)
        prompt = build(case, loaded.labels)
        ask = Judge(self._number, prompt, self.threshold, self._write_critiques, until - now, case.session)
        try:
            reply = self._ask(worker, ask, until)
        except WorkerSlow:
            self._drop(kill=True)
            return self._none("timeout", f"no verdict within {until - now:.3g} s; the worker was ended", started)
        except WorkerGone as gone:
            self._drop(kill=True)
            return self._none("crash", f"{gone} (its log: {self.log})", started, {"worker_pid": worker.pid})
        except BaseException:
            self._drop(kill=True)  # an interrupt: the answer still to come must not meet the next question
            raise
        return self._verdict(reply, loaded, started)

    def _send_waiting(self) -> None:
        """Send the wishes to read ahead. The caller holds the lock."""
        with self._waiting_lock:
            waiting, self._waiting = self._waiting, {}
        worker, loaded = self._worker, self.loaded
        if worker is None or loaded is None or not worker.alive:
            return  # it is started for a judgement only, which then reads everything
        try:
            for reading in waiting.values():
                data = frame(Prefill(reading.session, build_ahead(reading, loaded.labels)))
                worker.send(data, time.monotonic() + _PATIENCE)
        except (WorkerSlow, WorkerGone):
            self._drop(kill=True)  # half a frame may be on its way; the next judgement starts a new worker

    def _ask(self, worker: WorkerProcess, ask: Judge, until: float) -> Judged | Unjudged:
        worker.send(frame(ask), until)
        while True:
            try:
                reply = reply_of(worker.receive(until + self._grace))
            except msgspec.DecodeError as error:
                raise WorkerGone(f"the worker's answer can't be read ({error})") from error
            if isinstance(reply, (Judged, Unjudged)) and reply.number == ask.number:
                return reply

    def _ready(self, deadline: float) -> tuple[WorkerProcess, Loaded]:
        """Return a worker with the model loaded. Raises ``StartFailed``, ``WorkerSlow``."""
        if self._closed:
            raise StartFailed("The critic was closed.", worth_retrying=False)
        if self._worker is not None and self.loaded is not None and self._worker.alive:
            return self._worker, self.loaded
        self._drop()
        tries = _STARTS if self._failed_starts < _STARTS else 1  # after that, one try a judgement
        for left in reversed(range(tries)):
            try:
                return self._start(deadline)
            except StartFailed as error:
                self._failed_starts += 1
                if not (left and error.worth_retrying) or self._closed:
                    raise
        raise AssertionError

    def _start(self, deadline: float) -> tuple[WorkerProcess, Loaded]:
        if not self.file.path.is_file() or file_sha256(self.file.path) != self.file.sha256:
            raise StartFailed(
                f"{self.file.path} has changed since the session began; start a new session with the new file.",
                worth_retrying=False,
            )
        try:
            worker = self._worker = WorkerProcess(self.log)
        except OSError as error:
            raise StartFailed(f"The critic's worker can't be started ({error}).", worth_retrying=True) from error
        try:
            worker.send(frame(self._load), deadline)
            reply = reply_of(worker.receive(deadline))
        except (WorkerGone, msgspec.DecodeError) as gone:
            self._drop(kill=True)
            raise StartFailed(
                f"The critic's worker died while it loaded {self.file.path} ({gone}); "
                f"its log is {self.log}; try another model or a smaller --critic-ctx.",
                worth_retrying=True,
            ) from gone
        except BaseException:
            self._drop(kill=True)
            raise
        if isinstance(reply, Loaded):
            self.loaded = reply
            self._failed_starts = 0
            return worker, reply
        self._drop()
        message = reply.message if isinstance(reply, Refused) else "The critic's worker gave no sensible answer."
        raise StartFailed(message, worth_retrying=False)

    def _drop(self, *, kill: bool = False) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            if kill:
                worker.kill()
            worker.close()

    def _verdict(self, reply: Judged | Unjudged, loaded: Loaded, started: float) -> Verdict:
        detail: dict[str, Any] = {
            "tokens_total": reply.tokens_total,
            "tokens_evaluated": reply.tokens_evaluated,
            "tokens_reused": reply.tokens_reused,
            "worker_pid": loaded.pid,
        }
        if isinstance(reply, Judged) and reply.tokens_loaded:
            detail["tokens_loaded"] = reply.tokens_loaded
        if reply.truncated:
            detail["truncated_events"] = reply.truncated
        if isinstance(reply, Unjudged):
            return self._none(reply.why, reply.message, started, detail)
        detail["labels"] = [loaded.labels.revise, loaded.labels.approve]
        detail["p_labels"] = list(reply.p_labels)
        detail["mass"] = sum(reply.p_labels)
        detail["seconds"] = reply.seconds
        revise = reply.p_revise >= self.threshold
        if revise:
            detail["critique"] = reply.critique_state
            detail["critique_tokens"] = reply.critique_tokens
        return Verdict(
            "revise" if revise else "approve",
            self._identity.id,
            p_revise=reply.p_revise,
            threshold=self.threshold,
            critique=reply.critique if revise else None,
            latency=time.monotonic() - started,
            detail=detail,
        )

    def _none(self, why: NoVerdictWhy, message: str, started: float, detail: dict[str, Any] | None = None) -> Verdict:
        return Verdict(
            "no_verdict",
            self._identity.id,
            threshold=self.threshold,
            why=why,
            message=message,
            latency=time.monotonic() - started,
            detail=detail or {},
        )


def identity_of(
    file: CriticFile, threshold: float, template: str | None = None, seed: int | None = None
) -> CriticIdentity:
    """Return who judges with this file at this threshold.

    The id is a hash of the file's hash, the prompt version, the threshold and, where one replaces the file's own, the
    name of the chat template: everything that can change a verdict.
    """
    parts: dict[str, Any] = {"file": file.sha256, "prompt": PROMPT_VERSION, "threshold": threshold}
    if template is not None:
        parts["template"] = template
    info: dict[str, Any] = {
        "path": str(file.path),
        "architecture": file.architecture,
        "parameters": file.parameters,
        "template": file.template_kind,
    }
    if seed is not None:
        info["seed"] = seed
    if file.warnings:
        info["warnings"] = list(file.warnings)
    return CriticIdentity(
        id=sha256(canonical_json(parts))[:32],
        name=file.name,
        file_sha256=file.sha256,
        quantisation=file.quantisation or None,
        prompt_version=PROMPT_VERSION,
        threshold=threshold,
        info=info,
    )
